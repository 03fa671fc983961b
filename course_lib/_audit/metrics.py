"""Metrics of a batch, and what they ought to be from its rows alone."""

import numpy as np

from course_lib._audit.loss import Verdict, first_line, step_weights, with_holes
from course_lib._audit.run import array, as_tensors, flat
from course_lib._audit.targets import cut
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


def check_metric(metric, prediction, target, weights, kinds, views, predictions, side, batch):
    """Return the `Verdict` on one metric.

    There are several right values, because a metric's author may count steps or rows: one over all
    real steps, the rows one after the other, and the means of the groups' values.
    """
    import keras

    verdict = Verdict(None)
    update = (target, prediction, weights)
    if not any(isinstance(kind, int) for kind in kinds[1:2]) and batch.empty.any():
        # A row of nothing but padding has no value of its own.
        keep = np.flatnonzero(~batch.empty)
        own = None if weights is None else weights[keep]
        update = (target[keep], keras.ops.take(prediction, keep, axis=0), own)
    try:
        verdict.batch = _measure(metric, [update])
    except Exception as error:
        verdict.error = f"{type(error).__name__}: {first_line(error)}"
        return verdict
    alone, steps = [], []
    for view, y_pred in zip(views, predictions, strict=True):
        y_pred = with_holes(y_pred, kinds, view)
        y_true = cut(target, kinds, view, y_pred.shape, side, shift=True)
        weight = None if weights is None else cut(weights, kinds, view, y_pred.shape, side)
        alone.append((y_true, y_pred, step_weights(weight, y_pred[..., 0])))
        steps.append(_real(kinds, view, y_pred))
    for way in (_as_steps, _as_rows, _as_means):
        try:
            verdict.wanted.extend(way(metric, alone, steps, kinds))
        except Exception:
            # A metric need not take its steps one by one.
            continue
    return verdict


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


def _as_steps(metric, alone, steps, kinds):
    """Yield the metric over all real steps, each a sample of its own."""
    if len(kinds) < 2 or not (isinstance(kinds[1], int) or kinds[1] == "free"):
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


def _as_rows(metric, alone, steps, kinds):
    """Yield the metric over the groups, one after the other."""
    return [_measure(metric, alone)]


def _as_means(metric, alone, steps, kinds):
    """Yield the means of the groups' own values, by steps and by rows."""
    values = np.stack([_measure(metric, [one]) for one in alone])
    ways = [[real.sum() for real in steps], [len(one[0]) for one in alone]]
    return [np.average(values, axis=0, weights=way) for way in ways]


def _real(kinds, view, y_pred):
    if kinds[1:2] == ("free",):
        return np.ones(tuple(y_pred.shape[:2]), bool)
    if len(kinds) < 2 or not isinstance(kinds[1], int):
        return np.ones(len(view.rows), bool)
    sequence = view.batch.sequences[kinds[1]]
    places = sequence.starts[view.rows][:, None] + np.arange(view.steps[kinds[1]])
    return np.take_along_axis(sequence.real[view.rows], places, axis=1)
