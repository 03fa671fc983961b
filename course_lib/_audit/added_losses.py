"""Losses that layers add: by `add_loss` in their `call`, or by an activity regularizer."""

import numpy as np

from course_lib._audit.attempt import attempt, first_line
from course_lib._audit.cause import Cause
from course_lib._audit.context import Seen
from course_lib._audit.faults import ACTIVITY
from course_lib._audit.loss import come_to
from course_lib._audit.report import finding
from course_lib._audit.run import array, no_dropout
from course_lib._audit.second_look import second_looks
from course_lib._keras_private import added_losses as losses_of
from course_lib._keras_private import clear_losses, layers_of


def check_added_losses(context, seen):
    """Return what is `Seen` of the losses that layers add: more padding must not change them.

    What such a loss divides by is its author's affair.
    """
    layers = [layer for layer in layers_of(context.model) if _may_add(layer)]
    found = Seen()
    if not layers:
        return found
    for training, how in ((False, "in inference"), (True, "in training")):
        compared, error = attempt(_compared, context, layers, training, seen.runs_longer)
        if error is not None:
            note = f"Added losses {how} were not compared ({first_line(error)})."
            found += Seen(notes=(note,))
            continue
        if compared is not None:
            found += Seen(checked=(f"added losses {how}",))
            found += _judged(context, compared, found, how, seen.runs_longer)
            found += _looked_at_twice(context, layers, training, found, how, seen.runs_longer)
    return found


def _looked_at_twice(context, layers, training, found, how, runs_longer):
    """Judge with other weights: what a router adds hardly knows padding before it is trained."""
    looks = second_looks(context.model)
    if found.findings or not looks:
        return Seen()
    with looks[0]():
        compared, error = attempt(_compared, context, layers, training, runs_longer)
    if error is not None or compared is None:
        return Seen()
    return _judged(context, compared, found, f"{how} {looks[0].how}", runs_longer)


def _judged(context, compared, found, how, longer):
    findings, accused = [], {one.layer for one in found.findings}
    for layer, batch, wanted in compared:
        least = context.share * max(abs(batch), *map(abs, wanted), 1e-12)
        if layer.name in accused or any(abs(batch - value) <= least for value in wanted):
            continue
        more = "with more padding" if longer else "by its rows alone"
        text = f"Its added loss is {batch:.4g} {how}, {wanted[0]:.4g} {more}."
        findings.append(finding(Cause("added loss", layer.name), "loss", [text]))
    return Seen(findings=tuple(findings))


def _may_add(layer):
    """Return True for layers that Keras did not write, and have no regularizer of activity."""
    own = type(layer).__module__.split(".")[0] not in ("keras", "tf_keras")
    return own and getattr(layer, "activity_regularizer", None) is None


def _compared(context, layers, training, runs_longer):
    """Return `(layer, value, values that would be right)`; `None` if no layer adds a loss."""
    whole = _measured(context, layers, context.whole, training)
    if not any(one is not None for one in whole):
        return None
    again = _measured(context, layers, context.whole, training)
    if not np.allclose(*(np.array(one, float) for one in (whole, again)), equal_nan=True):
        raise ValueError("two runs differ")
    if runs_longer:
        longer = context.batch.view(extra=context.batch.longest + 3)
        others = [[one] for one in _measured(context, layers, longer, training)]
    else:
        each = [_measured(context, layers, view, training) for view in context.alone]
        others = [
            come_to([one or 0.0 for one in values], context.alone, 0)
            for values in zip(*each, strict=True)
        ]
    return [
        (layer, one, [0.0 if value is None else value for value in wanted])
        for layer, one, wanted in zip(layers, whole, others, strict=True)
        if one is not None
    ]


def check_activity(context):
    """Return what is `Seen` of activity regularizers.

    Keras divides the sum over a layer's output by the number of rows; padding must add nothing.
    """
    layers = [
        layer
        for layer in layers_of(context.model)
        if getattr(layer, "activity_regularizer", None) is not None
    ]
    if not layers or context.batch.empty.any():
        return Seen()
    views = (context.whole, *context.alone)
    measured = [_activity(context, layers, view) for view in views]
    rows = np.array([len(view.rows) for view in context.alone], float)
    found = []
    for layer, batch, *alone in zip(layers, *measured, strict=True):
        wanted = float(np.average(alone, weights=rows))
        if abs(batch - wanted) > max(1e-4, context.share) * max(abs(wanted), 1e-12):
            what = "its activity regularizer counts padded steps"
            cause = Cause("leak", layer.name, what, ACTIVITY)
            text = f"Its activity loss is {batch:.4g} in the batch, {wanted:.4g} by its rows alone."
            found.append(finding(cause, "loss", [text]))
    return Seen(findings=tuple(found))


def _activity(context, layers, view):
    # By hand, as not every version of Keras divides what it adds by the number of rows.
    recording, sums = context.runner.record(view, follow=False), []
    for layer in layers:
        outputs = [t for call in recording.ended if call.layer is layer for t, _ in call.outputs]
        total = sum(float(array(layer.activity_regularizer(output))) for output in outputs)
        sums.append(total / len(view.rows))
    return sums


def _measured(context, layers, view, training):
    clear_losses(context.model)
    with no_dropout(context.model):
        context.runner(view, training=training)
    added = [[float(array(one).sum()) for one in losses_of(layer)] for layer in layers]
    return [float(sum(values)) if values else None for values in added]
