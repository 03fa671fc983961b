"""Check a model's own `compute_loss`."""

import numpy as np

from course_lib._audit.attempt import attempt, named
from course_lib._audit.cause import Cause
from course_lib._audit.context import Seen
from course_lib._audit.faults import OWN_LOSS
from course_lib._audit.report import finding
from course_lib._audit.run import as_tensors
from course_lib._audit.verdict import Verdict, shares, together


def has_own(model, method):
    """Return True if the model's class has a method of this name that is not that of Keras."""
    import keras

    if not isinstance(model, keras.Model):
        return False
    return getattr(type(model), method) is not getattr(keras.Model, method)


def check_own_loss(context, seen):
    """Compare the model's own `compute_loss`: a mean over steps or rows, or a sum."""
    verdict, error = attempt(_own_loss, context)
    if verdict is None:
        why = "" if error is None else f" ({named(error)})"
        return seen + Seen(notes=(f"The model's own `compute_loss` could not be compared{why}.",))
    seen += Seen(checked=("the model's own `compute_loss`",))
    if verdict.holds(context.score_share):
        return seen
    cause = Cause("loss", context.model.name, None, "in its own `compute_loss`", OWN_LOSS)
    text = (
        f"`compute_loss` gives {verdict.batch:.4g} for the batch, "
        f"{verdict.wanted[0]:.4g} for its rows alone."
    )
    return seen + Seen(findings=(finding(cause, "loss", [text]),))


def _own_loss(context):
    """Return the `Verdict` on `compute_loss`, `None` where it cannot be asked."""
    import keras

    tree = keras.tree
    leaves = [np.asarray(leaf) for leaf in tree.flatten(context.y)]
    if len(leaves) not in (1, len(context.axes)) or None in context.axes:
        return None
    weights, first = context.sample_weight, context.axes[0]
    values, real = [], []
    for view, outputs in zip(context.alone, context.alone_outputs, strict=True):
        own = [axes.cut(leaf, view) for leaf, axes in zip(leaves, context.axes, strict=False)]
        given = None if weights is None else first.cut(np.asarray(weights), view)
        result = tree.pack_sequence_as(context.result, outputs)
        values.append(_ask(context, view, result, own, given))
        real.append(first.real(view, tuple(outputs[0].shape)))
    batch = _ask(context, context.whole, context.result, leaves, weights)
    return Verdict(batch, [together(values, by) for by in shares(real)])


def _ask(context, view, outputs, targets, weights):
    import keras

    x, _ = context.runner.inputs(view)
    y = as_tensors(keras.tree.pack_sequence_as(context.y, targets))
    given = as_tensors(weights)
    loss = context.model.compute_loss
    return float(loss(x=x, y=y, y_pred=outputs, sample_weight=given, training=False))
