"""Losses that layers add in their `call`, in inference and in training: `add_loss`."""

import numpy as np

from course_lib._audit.cause import Cause
from course_lib._audit.loss import first_line
from course_lib._audit.run import array, no_dropout
from course_lib._keras_private import added_losses as losses_of
from course_lib._keras_private import clear_losses, layers_of


def added_losses(audit):
    """Yield `(cause, evidence)` for each layer whose added loss changes with more padding.

    What such a loss divides by is its author's affair; more padding must not change it.
    """
    layers = [layer for layer in layers_of(audit.model) if _may_add(layer)]
    if not layers:
        return
    accused = set()
    for training in (False, True):
        how = "in training" if training else "in inference"
        try:
            found = _compared(audit, layers, training)
        except Exception as error:
            audit.notes.append(f"Added losses {how} were not compared ({first_line(error)}).")
            continue
        if found is None:
            continue
        audit.checked.append(f"added losses {how}")
        for layer, batch, wanted in found:
            least = max(2e-5, audit.share) * max(abs(batch), *map(abs, wanted), 1e-12)
            if layer in accused or any(abs(batch - value) <= least for value in wanted):
                continue
            accused.add(layer)
            more = "with more padding" if audit.runs_longer else "by its rows alone"
            text = f"Its added loss is {batch:.4g} {how}, {wanted[0]:.4g} {more}."
            yield Cause("added loss", layer.name, None), text


def _may_add(layer):
    """Return True for layers that Keras did not write, and have no regularizer of activity."""
    own = type(layer).__module__.split(".")[0] not in ("keras", "tf_keras")
    return own and getattr(layer, "activity_regularizer", None) is None


def _compared(audit, layers, training):
    """Return `(layer, value, values that would be right)`; `None` if no layer adds a loss."""
    whole = _measured(audit, layers, audit.whole, training)
    if not any(one is not None for one in whole):
        return None
    again = _measured(audit, layers, audit.whole, training)
    if not np.allclose(*(np.array(one, float) for one in (whole, again)), equal_nan=True):
        raise ValueError("two runs differ")
    if audit.runs_longer:
        longest = max(sequence.real.shape[1] for sequence in audit.batch.sequences)
        longer = audit.batch.view(extra=longest + 3)
        others = [[one] for one in _measured(audit, layers, longer, training)]
    else:
        rows = np.array([len(view.rows) for view in audit.alone], float)
        steps = rows * [view.steps[0] for view in audit.alone]
        each = [_measured(audit, layers, view, training) for view in audit.alone]
        others = []
        for values in zip(*each, strict=True):
            values = np.array([0.0 if one is None else one for one in values])
            means = [float(np.average(values, weights=way)) for way in (steps, rows)]
            others.append([*means, float(values.sum())])
    return [
        (layer, one, [0.0 if value is None else value for value in wanted])
        for layer, one, wanted in zip(layers, whole, others, strict=True)
        if one is not None
    ]


def _measured(audit, layers, view, training):
    clear_losses(audit.model)
    with no_dropout(audit.model):
        audit.runner(view, training=training)
    added = [[float(array(one).sum()) for one in losses_of(layer)] for layer in layers]
    return [float(sum(values)) if values else None for values in added]
