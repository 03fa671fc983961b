"""Check a model's own `compute_loss`."""

import numpy as np

from course_lib._audit.attempt import attempt, named
from course_lib._audit.cause import Cause
from course_lib._audit.context import Seen
from course_lib._audit.faults import OWN_LOSS
from course_lib._audit.loss import Verdict, come_to
from course_lib._audit.report import finding
from course_lib._audit.run import as_tensors


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
    cause = Cause("loss", scored.model.name, "in its own `compute_loss`", OWN_LOSS)
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
    alone, first = [], context.axes[0]
    for view, outputs in zip(context.alone, context.alone_outputs, strict=True):
        pairs = zip(leaves, context.axes, strict=False)
        own = [axes.cut(leaf, view) for leaf, axes in pairs]
        given = None if weights is None else first.cut(np.asarray(weights), view)
        result = tree.pack_sequence_as(context.result, outputs)
        alone.append(_ask(scored, view, result, own, given))
    return Verdict(batch, come_to(alone, context.alone, first.sequence))


def _ask(scored, view, outputs, targets, weights):
    import keras

    x, _ = scored.context.runner.inputs(view)
    y = as_tensors(keras.tree.pack_sequence_as(scored.y, targets))
    given = as_tensors(weights)
    loss = scored.model.compute_loss
    return float(loss(x=x, y=y, y_pred=outputs, sample_weight=given, training=False))
