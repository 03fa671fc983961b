"""Losses of the author's own: `compute_loss`, and what layers add.

Layers add by `add_loss` in their `call`, or by an activity regularizer.
"""

import itertools

import numpy as np

from course_lib._audit.attempt import attempt, first_line, named
from course_lib._audit.cause import Cause
from course_lib._audit.context import Seen
from course_lib._audit.faults import ACTIVITY, OWN_LOSS
from course_lib._audit.report import finding
from course_lib._audit.run import array, as_tensors, no_dropout
from course_lib._audit.verdict import Verdict, in_words, shares, together
from course_lib._keras_private import added_losses, clear_losses, layers_of

# Of how many lengths the rows are compared where more padding cannot be.
FEW = 2


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
    cause = Cause("loss", context.model.name, "in its own `compute_loss`", OWN_LOSS)
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


# ---------------------------------------------------------------------- what layers add


def check_added_losses(context, seen):
    """Compare what layers add: more padding must not change it.

    What such a loss divides by is its author's affair.
    """
    found = Seen()
    for training, how in ((False, "in inference"), (True, "in training")):
        layers = [layer for layer in layers_of(context.model) if _may_add(layer, training)]
        given = (context, layers, training, seen.runs_longer)
        compared, error = attempt(_compared, *given)
        if error is not None:
            note = f"Added losses {how} were not compared ({first_line(error)})."
            found += Seen(notes=(note,))
        elif compared:
            found += Seen(checked=(f"added losses {how}",))
            found += _judged(context, compared, found, how, seen.runs_longer)
            found += _looked_at_twice(given, found, how)
    return seen + found


def _looked_at_twice(given, found, how):
    """Judge with other weights: what a router adds hardly knows padding before it is trained."""
    context, *_, runs_longer = given
    if found.findings or not context.looks:
        return Seen()
    look = context.looks[0]
    with look():
        compared, _ = attempt(_compared, *given)
    return _judged(context, compared or [], found, f"{how} {look.how}", runs_longer)


def _judged(context, compared, found, how, runs_longer):
    findings, accused = [], {one.layer for one in found.findings}
    more = "with more padding" if runs_longer else "by its rows alone"
    for layer, verdict in compared:
        if layer.name in accused or verdict.holds(context.share):
            continue
        cause, kind = Cause("added loss", layer.name), "added"
        if _is_regularized(layer):
            what = "its activity regularizer counts padded steps"
            cause, kind = Cause("leak", layer.name, what, ACTIVITY), "activity"
        mine, right = in_words(verdict.batch), in_words(verdict.wanted[0])
        text = f"Its {kind} loss is {mine} {how}, {right} {more}."
        findings.append(finding(cause, "loss", [text]))
    return Seen(findings=tuple(findings))


def _is_regularized(layer):
    return getattr(layer, "activity_regularizer", None) is not None


def _may_add(layer, training):
    """Return True for layers that Keras did not write, and those that regularize their activity."""
    own = type(layer).__module__.split(".")[0] not in ("keras", "tf_keras")
    return own or (_is_regularized(layer) and not training)


def _compared(context, layers, training, runs_longer):
    """Return `(layer, Verdict)` for each layer that adds a loss."""
    batch = context.batch
    # The same rows on both sides: what a loss makes of several is its author's affair too.
    pairs = [(batch.view(view.rows), view) for view in context.spread(FEW, padded=True)]
    if runs_longer:
        pairs = [(context.whole, batch.view(extra=batch.longest + 3))]
    if not layers or not pairs:
        return []
    first = _measured(context, layers, pairs[0][0], training)
    adding = [bool(added_losses(layer)) for layer in layers]
    if not any(adding):
        return []
    values = [[_measured(context, layers, one, training) for one in pair] for pair in pairs]
    padded, bare = np.moveaxis(values, 1, 0)
    if not np.allclose(first, padded[0], equal_nan=True):
        raise ValueError("two runs differ")
    verdicts = [Verdict(mine, [right]) for mine, right in zip(padded.T, bare.T, strict=True)]
    return list(itertools.compress(zip(layers, verdicts, strict=True), adding))


def _measured(context, layers, view, training):
    clear_losses(context.model)
    with no_dropout(context.model):
        context.runner(view, training=training)
    return [sum(float(array(one).sum()) for one in added_losses(layer)) for layer in layers]
