"""Metrics of a batch, and what they ought to be from its rows alone."""

import numpy as np

from course_lib._audit.attempt import attempt, named
from course_lib._audit.loss import Verdict, step_weights, with_holes
from course_lib._audit.run import array, as_tensors, flat
from course_lib._audit.targets import own_targets
from course_lib._keras_private import matched_metrics


def metric_parts(model, y, outputs, sample_weight):
    """Return `(metric, output, target, weights)` for each compiled metric, as Keras matches them.

    The metrics are the user's own objects where objects were given, so their variables must be put
    back by the caller.
    """
    matched = matched_metrics(model, as_tensors(y), outputs, as_tensors(sample_weight))
    places = {id(tensor): place for place, tensor in enumerate(flat(outputs))}
    return [
        (metric, places[id(y_pred)], array(y_true), None if weight is None else array(weight))
        for metric, y_true, y_pred, weight in matched
    ]


def check_metric(context, metric, number, predictions, target, weights, share):
    """Return the `Verdict` on one metric of an output, and for which of some predictions.

    It is the first that does not hold, or else the last. There are several right values, because a
    metric's author may count steps or rows: `WAYS`, of which no more are tried than are needed.
    """
    axes = context.axes[number]
    alone, steps = _alone(context, number, target, weights)
    wanted, ways = [], list(WAYS)
    for place, prediction in enumerate(predictions):
        update = _in_batch(context, axes, target, prediction, weights)
        batch, error = attempt(_measure, metric, [update])
        if error is not None:
            return Verdict(None, error=named(error)), place
        verdict = Verdict(batch, wanted)
        while ways and not verdict.holds(share):
            # A metric need not take its steps one by one.
            values, _ = attempt(ways.pop(0), metric, alone, steps, axes)
            wanted.extend(values or [])
        if not verdict.holds(share):
            break
    return verdict, place


def _in_batch(context, axes, target, prediction, weights):
    """Return the update of the whole batch: `(y_true, y_pred, weights)`."""
    import keras

    empty = context.batch.empty
    if axes.sequence is not None or not empty.any():
        return target, prediction, weights
    # A row of nothing but padding has no value of its own.
    keep = np.flatnonzero(~empty)
    own = None if weights is None else weights[keep]
    return target[keep], keras.ops.take(prediction, keep, axis=0), own


def _alone(context, number, target, weights):
    """Return the update of each view alone, and which of its steps are real."""
    axes, alone, steps = context.axes[number], [], []
    for view, outputs in zip(context.alone, context.alone_outputs, strict=True):
        y_pred = with_holes(outputs[number], axes, view)
        y_true = own_targets(target, axes, view, y_pred.shape)
        weight = None if weights is None else axes.cut(weights, view, y_pred.shape)
        alone.append((y_true, y_pred, step_weights(weight, y_pred[..., 0])))
        steps.append(axes.real(view, y_pred.shape))
    return alone, steps


def _measure(metric, updates):
    import keras

    metric.reset_state()
    for y_true, y_pred, weights in updates:
        metric.update_state(
            keras.ops.convert_to_tensor(y_true),
            y_pred,
            **({} if weights is None else {"sample_weight": keras.ops.convert_to_tensor(weights)}),
        )
    result = metric.result()
    values = [np.ravel(array(one)).astype(float) for one in keras.tree.flatten(result)]
    return np.concatenate(values)


def _as_steps(metric, alone, steps, axes):
    """Yield the metric over all real steps, each a sample of its own."""
    if axes.sequence is None and not axes.is_shorter:
        return []
    updates = []
    for (y_true, y_pred, weights), real in zip(alone, steps, strict=True):
        rows, length = y_pred.shape[:2]
        keep = real.reshape(-1)
        y_true = y_true.reshape(rows * length, *y_true.shape[2:])[keep]
        y_pred = array(y_pred).reshape(rows * length, *y_pred.shape[2:])[keep]
        if weights is not None:
            weights = np.broadcast_to(
                weights.reshape(weights.shape[:2] if weights.ndim > 1 else (-1, 1)), (rows, length)
            ).reshape(-1)[keep]
        updates.append((y_true, y_pred, weights))
    return [_measure(metric, updates)]


def _as_rows(metric, alone, steps, axes):
    """Yield the metric over the groups, one after the other."""
    return [_measure(metric, alone)]


def _as_means(metric, alone, steps, axes):
    """Yield the means of the groups' own values, by steps and by rows."""
    values = np.stack([_measure(metric, [one]) for one in alone])
    ways = [[real.sum() for real in steps], [len(one[0]) for one in alone]]
    return [np.average(values, axis=0, weights=way) for way in ways]


# One over all real steps, the rows one after the other, and the means of the groups' values.
WAYS = (_as_steps, _as_rows, _as_means)
