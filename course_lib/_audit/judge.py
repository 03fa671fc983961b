"""What a loss or a metric gives, and what it ought to give from the rows of a batch alone.

The reference needs no mask: each group of rows of one length is scored without padding, and the
values are put together: as a loss's own reduction says, by the number of values behind each; for a
metric in several ways, because its author may count steps or rows.
"""

from dataclasses import replace

import numpy as np

from course_lib._audit.attempt import attempt
from course_lib._audit.part import alone, for_samples, in_batch
from course_lib._audit.run import array
from course_lib._audit.verdict import Verdict, shares, together
from course_lib._keras_private import function_of, mask_of

MEANS = ("sum_over_batch_size", "mean")


def judged(context, part, predictions):
    """Return the `Verdict` on the first of some predictions that does not hold, and its number."""
    share, wanted = context.score_share, []
    groups, refused = attempt(alone, context, part)
    ways = [] if groups is None else list(WAYS[part.kind])
    for number, prediction in enumerate(predictions):
        batch, error = attempt(value, part, in_batch(context, part, prediction))
        while ways and not Verdict(batch, wanted).holds(share):
            # A metric need not take its steps one by one.
            right, refused = attempt(ways.pop(0), part, groups)
            wanted.extend(right or [])
        verdict = Verdict(batch, wanted, error, refused), number
        if not verdict[0].holds(share):
            break
    return verdict


def value(part, update):
    """Return what a loss or metric gives for an `Update`."""
    return float(value_of(part, update)) if part.kind == "loss" else measure(part, update)


# ---------------------------------------------------------------------- losses


def value_of(part, update):
    """Return the loss as Keras gives it, a scalar tensor."""
    import keras

    tensor, weights = keras.ops.convert_to_tensor, update.weights
    weights = None if weights is None else tensor(weights)
    return keras.ops.sum(part.scorer(tensor(update.y_true), update.y_pred, weights))


def right_values(part, groups):
    """Return what the loss of the whole batch may be, from the `Update`s of its rows alone.

    There are several for a loss that returns one number: it may be a mean over steps, over rows, or
    a sum.
    """
    each = [each_of(part, one) for one in groups]
    groups = [_weighted(*pair) for pair in zip(groups, each, strict=True)]
    ways = [None]
    if not len(each[-1].shape):
        ways = shares([one.real for one in groups])
    elif part.scorer.reduction in (*MEANS, "mean_with_sample_weight"):
        ways = [[_count(part, *pair) for pair in zip(each, groups, strict=True)]]
    values = [value_of(part, one) for one in groups]
    return [together(values, by) for by in ways]


def each_of(part, update):
    """Return the values behind a loss, or what a metric's function returns: a tensor."""
    import keras

    given = (update.y_true, update.y_pred)
    call = function_of(part.scorer) if part.kind == "metric" else part.scorer.call
    return call(*(keras.ops.convert_to_tensor(one, dtype=part.scorer.dtype) for one in given))


def _weighted(update, each):
    """Return the update with weights in the form that weights the values behind the loss."""
    if update.weights is None:
        return update
    return replace(update, weights=for_samples(update.weights, len(each.shape)))


def _count(part, each, update):
    """Return by how much a group counts in a mean: its values, or the sum of their weights."""
    counted, weights = np.ones(tuple(each.shape)), update.weights
    for mask in (mask_of(each), mask_of(update.y_pred)):
        if mask is not None:
            mask = np.asarray(mask).astype(float)
            counted = counted * mask.reshape(mask.shape + (1,) * (counted.ndim - mask.ndim))
    if part.scorer.reduction == "mean_with_sample_weight" and weights is not None:
        counted = counted * weights.reshape(weights.shape[: counted.ndim])
    return float(counted.sum())


# ---------------------------------------------------------------------- metrics


def measure(part, *updates):
    """Return what a metric gives after some `Update`s: an array."""
    import keras

    tensor, metric = keras.ops.convert_to_tensor, part.scorer
    metric.reset_state()
    for one in updates:
        weights = {} if one.weights is None else {"sample_weight": tensor(one.weights)}
        metric.update_state(tensor(one.y_true), one.y_pred, **weights)
    results = keras.tree.flatten(metric.result())
    return np.concatenate([np.ravel(array(one)).astype(float) for one in results])


def _as_steps(part, groups):
    """Return the metric over all real steps, each a sample of its own, if there are steps."""
    if groups[0].real.ndim < 2:
        return []
    return [measure(part, *map(_steps_of, groups))]


def _steps_of(group):
    real, weights = group.real, group.weights
    if weights is not None:
        weights = weights.reshape(weights.shape[:2] if weights.ndim > 1 else (-1, 1))
        weights = np.broadcast_to(weights, real.shape)[real]
    y_pred = array(group.y_pred)[real]
    return replace(group, y_true=group.y_true[real], y_pred=y_pred, weights=weights)


def _as_rows(part, groups):
    """Return the metric over the groups, one after the other."""
    return [measure(part, *groups)]


def _as_means(part, groups):
    """Return the means of the groups' own values, by steps and by rows."""
    values = [measure(part, one) for one in groups]
    by_steps, by_rows, _ = shares([one.real for one in groups])
    return [together(values, by) for by in (by_steps, by_rows)]


def _right_losses(part, groups):
    return [float(value) for value in right_values(part, groups)]


# No more ways are tried than are needed.
WAYS = {"loss": (_right_losses,), "metric": (_as_steps, _as_rows, _as_means)}
