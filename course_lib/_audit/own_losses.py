"""Check what is not compiled: a model's own `compute_loss`, and activity regularizers."""

import numpy as np

from course_lib._audit.attempt import attempt, named
from course_lib._audit.cause import Cause
from course_lib._audit.context import Seen
from course_lib._audit.faults import ACTIVITY, OWN_LOSS
from course_lib._audit.loss import Verdict
from course_lib._audit.report import finding
from course_lib._audit.run import array, as_tensors, flat
from course_lib._keras_private import layers_of


def has_own(model, method):
    """Return True if the model's class has a method of this name that is not that of Keras."""
    import keras

    if not isinstance(model, keras.Model):
        return False
    return getattr(type(model), method) is not getattr(keras.Model, method)


def check_own_loss(scored):
    """Compare the model's own `compute_loss`: a mean over steps or rows, or a sum."""
    verdict, error = attempt(_own_loss, scored)
    if verdict is None:
        why = "" if error is None else f" ({named(error)})"
        return Seen(notes=(f"The model's own `compute_loss` could not be compared{why}.",))
    seen = Seen(checked=("the model's own `compute_loss`",))
    if verdict.holds(scored.share):
        return seen
    cause = Cause("loss", scored.model.name, None, "in its own `compute_loss`", OWN_LOSS)
    text = (
        f"`compute_loss` gives {verdict.batch:.4g} for the batch, "
        f"{verdict.wanted[0]:.4g} for its rows alone."
    )
    return seen + Seen(findings=(finding(cause, "loss", [text]),))


def _own_loss(scored):
    """Return the `Verdict` on `compute_loss`, `None` where it cannot be asked."""
    import keras

    context, tree = scored.context, keras.tree
    leaves = [np.asarray(leaf) for leaf in tree.flatten(scored.y)]
    if len(leaves) not in (1, len(context.axes)) or None in context.axes:
        return None
    weights = context.sample_weight
    batch = _ask(scored, context.whole, scored.structure, leaves, weights)
    alone, rows, steps = [], [], []
    first = context.axes[0]
    for view, outputs in zip(context.alone, context.alone_outputs, strict=True):
        pairs = zip(leaves, context.axes, strict=False)
        own = [axes.cut(leaf, view) for leaf, axes in pairs]
        given = None if weights is None else first.cut(np.asarray(weights), view)
        result = tree.pack_sequence_as(context.result, outputs)
        alone.append(_ask(scored, view, result, own, given))
        rows.append(len(view.rows))
        long = 1 if first.sequence is None else view.steps[first.sequence]
        steps.append(len(view.rows) * long)
    means = [float(np.average(alone, weights=way)) for way in (steps, rows)]
    return Verdict(batch, [*means, float(sum(alone))])


def _ask(scored, view, outputs, targets, weights):
    import keras

    x, _ = scored.context.runner.inputs(view)
    y = as_tensors(keras.tree.pack_sequence_as(scored.y, targets))
    given = as_tensors(weights)
    loss = scored.model.compute_loss
    return float(loss(x=x, y=y, y_pred=outputs, sample_weight=given, training=False))


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
    measured = [_measured(context, layers, view) for view in (context.whole, *context.alone)]
    rows = np.array([len(view.rows) for view in context.alone], float)
    found = []
    for layer, batch, *alone in zip(layers, *measured, strict=True):
        wanted = float(np.average(alone, weights=rows))
        if abs(batch - wanted) > max(1e-4, context.share) * max(abs(wanted), 1e-12):
            what = "its activity regularizer counts padded steps"
            cause = Cause("leak", layer.name, None, what, ACTIVITY)
            text = f"Its activity loss is {batch:.4g} in the batch, {wanted:.4g} by its rows alone."
            found.append(finding(cause, "loss", [text]))
    return Seen(findings=tuple(found))


def _measured(context, layers, view):
    recording = context.runner.record(view, follow=False)
    sums = []
    for layer in layers:
        outputs = [t for call in recording.ended if call.layer is layer for t, _ in call.outputs]
        total = sum(float(array(layer.activity_regularizer(output))) for output in flat(outputs))
        sums.append(total / len(view.rows))
    return sums
