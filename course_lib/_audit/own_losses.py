"""What is not compiled: a model's own `compute_loss` or `train_step`, activity regularizers."""

import numpy as np

from course_lib._audit.cause import Cause
from course_lib._audit.faults import ACTIVITY
from course_lib._audit.run import array, as_tensors, flat
from course_lib._audit.targets import cut
from course_lib._keras_private import layers_of


def has_own(model, method):
    """Return True if the model's class has a method of this name that is not that of Keras."""
    import keras

    if not isinstance(model, keras.Model):
        return False
    return getattr(type(model), method) is not getattr(keras.Model, method)


def own_losses(audit, y, structure):
    """Return what `compute_loss` gives for the batch, and a list of what would be right for it.

    `None` if it cannot be asked, as it may read anything.
    """
    import keras

    model, tree = audit.model, keras.tree
    leaves = [np.asarray(leaf) for leaf in tree.flatten(y)]
    weights = audit.sample_weight
    if len(leaves) not in (1, len(audit.kinds)) or any(kinds is None for kinds in audit.kinds):
        return None

    def ask(view, outputs, targets, given):
        x, _ = audit.runner.inputs(view)
        targets = as_tensors(tree.pack_sequence_as(y, targets))
        return float(
            model.compute_loss(
                x=x, y=targets, y_pred=outputs, sample_weight=as_tensors(given), training=False
            )
        )

    try:
        batch = ask(audit.whole, structure, leaves, weights)
        alone, rows, steps = [], [], []
        for view, outputs in zip(audit.alone, audit.alone_outputs, strict=True):
            own = [cut(leaf, kinds, view) for leaf, kinds in zip(leaves, audit.kinds, strict=False)]
            kinds = audit.kinds[0]
            given = None if weights is None else cut(np.asarray(weights), kinds, view)
            alone.append(ask(view, tree.pack_sequence_as(audit.result, outputs), own, given))
            rows.append(len(view.rows))
            sequence = kinds[1] if len(kinds) > 1 and isinstance(kinds[1], int) else None
            steps.append(len(view.rows) * (view.steps[sequence] if sequence is not None else 1))
    except Exception:
        return None
    values = np.array(alone)
    means = [float(np.average(values, weights=way)) for way in (steps, rows)]
    return batch, [*means, float(values.sum())]


def activity_losses(audit):
    """Yield `(cause, evidence)` for each activity regularizer that counts padding.

    Keras divides the sum over a layer's output by the number of rows; padding must add nothing.
    """
    layers = [
        layer
        for layer in layers_of(audit.model)
        if getattr(layer, "activity_regularizer", None) is not None
    ]
    if not layers:
        return
    found = [_measured(audit, layers, view) for view in (audit.whole, *audit.alone)]
    rows = np.array([len(view.rows) for view in audit.alone], float)
    if audit.batch.empty.any():
        return
    for layer, batch, *alone in zip(layers, *found, strict=True):
        wanted = float(np.average(alone, weights=rows))
        if abs(batch - wanted) > max(1e-4, audit.share) * max(abs(wanted), 1e-12):
            what = "its activity regularizer counts padded steps"
            cause = Cause("leak", layer.name, None, what, ACTIVITY)
            text = f"Its activity loss is {batch:.4g} in the batch, {wanted:.4g} by its rows alone."
            yield cause, text


def _measured(audit, layers, view):
    recording = audit.runner.record(view, follow=False)
    sums = []
    for layer in layers:
        outputs = [t for call in recording.ended if call.layer is layer for t, _ in call.outputs]
        total = sum(float(array(layer.activity_regularizer(output))) for output in flat(outputs))
        sums.append(total / len(view.rows))
    return sums
