"""The compiled loss of a batch, and what it ought to be from its rows alone.

The reference needs no mask: each group of rows of one length is scored without padding, and the
values are put together as the loss's own reduction says, by the number of values behind each.
"""

from dataclasses import dataclass, field

import numpy as np

from course_lib._audit.run import array, as_tensors, flat
from course_lib._audit.targets import own_targets
from course_lib._keras_private import mask_of, matched_losses, with_mask

MEANS = ("sum_over_batch_size", "mean")


@dataclass(frozen=True)
class Part:
    """One loss of one output.

    Attributes:
        name: the loss's name.
        loss: the `keras.losses.Loss`.
        weight: its share in the total.
        output: which of the model's output tensors it reads.
        target: `y_true`, an array.
        weights: its sample weights, an array or `None`.
    """

    name: str
    loss: object
    weight: float
    output: int
    target: np.ndarray
    weights: np.ndarray | None


@dataclass(frozen=True)
class Verdict:
    """The value of a batch and what its rows alone say it must be.

    Attributes:
        batch: the value in the batch; `None` if it raised.
        wanted: values that would be right.
        error: the text of what was raised.
        unit: what is known of the values behind the loss: "step", "row" or "scalar".
    """

    batch: float | None
    wanted: list = field(default_factory=list)
    error: str = ""
    unit: str = "step"

    def holds(self, share):
        """Return True if the batch's value is one of the wanted up to `share` of its size."""
        if self.batch is None:
            return False
        if not np.all(np.isfinite(self.batch)):
            return any(not np.all(np.isfinite(wanted)) for wanted in self.wanted)
        return any(
            np.shape(wanted) == np.shape(self.batch)
            and np.all(np.isfinite(wanted))
            and np.all(
                np.abs(self.batch - wanted) <= share * np.maximum(np.abs(wanted), 1e-6) + 1e-9
            )
            for wanted in self.wanted
        )


def loss_parts(model, y, outputs, sample_weight):
    """Return the `Part`s of the compiled loss, as Keras matches losses, outputs and targets."""
    matched = matched_losses(model, as_tensors(y), outputs, as_tensors(sample_weight))
    places = {id(tensor): place for place, tensor in enumerate(flat(outputs))}
    parts = []
    for loss, share, y_true, y_pred, weight in matched:
        if id(y_pred) in places:
            given = None if weight is None else array(weight)
            parts.append(Part(loss.name, loss, share, places[id(y_pred)], array(y_true), given))
    return parts


def with_holes(tensor, axes, view):
    """Return the prediction without a mask, or with that of the padding between real steps."""
    import keras

    tensor = keras.ops.copy(tensor)
    real = axes.real(view, tensor.shape)
    if axes.sequence is None or real.all():
        return tensor
    return with_mask(tensor, keras.ops.convert_to_tensor(real))


def zero_at_padding(part, axes, batch):
    """Return True if the sample weights are 0 at every padded step."""
    if part.weights is None or part.weights.ndim < 2 or axes.sequence is None:
        return False
    real = batch.sequences[axes.sequence].real
    if part.weights.shape[:2] != real.shape or part.loss.reduction not in MEANS:
        return False
    return not part.weights[~real].any()


def step_weights(weights, values):
    """Return sample weights in the form that weights samples: `(B,)` becomes `(B, 1)` for steps."""
    if weights is not None and weights.ndim == 1 and len(values.shape) > 1:
        return weights.reshape(-1, *[1] * (len(values.shape) - 1))
    return weights


def value_of(part, y_true, y_pred, weights):
    """Return the loss as Keras gives it, a scalar tensor."""
    import keras

    y_true = keras.ops.convert_to_tensor(y_true)
    if weights is not None:
        weights = keras.ops.convert_to_tensor(weights)
    return keras.ops.sum(part.loss(y_true, y_pred, weights))


def value_in_batch(part, y_pred, axes, view):
    """Return the loss of a padded view as Keras gives it.

    A row of nothing but padding has no truth of its own; where the output is one value a row, it
    is left out. Where the output has steps, it must count for nothing, and stays.
    """
    import keras

    rows = view.rows
    weights = part.weights
    keep = ~view.batch.empty[rows]
    if (axes is None or axes.sequence is None) and not keep.all():
        y_pred, rows = keras.ops.take(y_pred, np.flatnonzero(keep), axis=0), rows[keep]
    return value_of(part, part.target[rows], y_pred, None if weights is None else weights[rows])


def alone(part, axes, views, predictions, differentiable=False):
    """Return what the loss of the whole batch ought to be, from its rows alone.

    Args:
        part: a `Part`.
        axes: the `Axes` of the output.
        views: the views of the groups of rows.
        predictions: the output in each view.
        differentiable: True returns the first candidate as a tensor.

    Returns:
        `(candidates, unit)`. There is more than one candidate for a loss that returns a scalar: it
        may be a mean over steps, over rows, or a sum.
    """
    scored = [
        _scored(part, axes, view, with_holes(y_pred, axes, view))
        for view, y_pred in zip(views, predictions, strict=True)
    ]
    losses, values_behind, rows, steps, units = zip(*scored, strict=True)
    unit = units[-1]
    reduction = part.loss.reduction
    if unit == "scalar":
        ways = [steps, rows, None]
    elif reduction in MEANS or reduction == "mean_with_sample_weight":
        ways = [values_behind]
    else:
        ways = [None]
    candidates = [_together(losses, way) for way in ways]
    if differentiable:
        return candidates, unit
    return [float(one) for one in candidates], unit


def _scored(part, axes, view, y_pred):
    """Return the loss of a view alone, its values, rows and real steps, and what it returns."""
    import keras

    y_true = own_targets(part.target, axes, view, y_pred.shape)
    each = part.loss.call(
        keras.ops.convert_to_tensor(y_true, dtype=part.loss.dtype),
        keras.ops.convert_to_tensor(y_pred, dtype=part.loss.dtype),
    )
    weights = part.weights
    if weights is not None:
        weights = step_weights(axes.cut(weights, view, y_pred.shape), each)
    loss = value_of(part, y_true, y_pred, weights)
    rows = float(len(view.rows))
    # Without steps of an input, a row counts once.
    steps = float(axes.real(view).sum()) if axes.sequence is not None else rows
    unit = {0: "scalar", 1: "row"}.get(len(each.shape), "step")
    return loss, _count(part, each, y_pred, weights), rows, steps, unit


def _together(losses, shares):
    if shares is None:
        return sum(losses)
    total = sum(shares)
    if not total:
        return losses[0] * 0
    return sum(loss * (share / total) for loss, share in zip(losses, shares, strict=True))


def come_to(values, views, sequence):
    """Return what values of groups of rows come to: means by steps and by rows, and the sum."""
    rows = [len(view.rows) for view in views]
    long = [1 if sequence is None else view.steps[sequence] for view in views]
    means = [np.average(values, weights=way) for way in (np.multiply(rows, long), rows)]
    return [float(one) for one in (*means, np.sum(values))]


def _count(part, each, y_pred, weights):
    """Return by how much a group counts in a mean: its values, or the sum of their weights."""
    counted = np.ones([int(size) for size in each.shape])
    for mask in (mask_of(each), mask_of(y_pred)):
        if mask is not None:
            mask = np.asarray(mask).astype(float)
            counted = counted * mask.reshape(mask.shape + (1,) * (counted.ndim - mask.ndim))
    if part.loss.reduction == "mean_with_sample_weight" and weights is not None:
        weights = weights.reshape(weights.shape[: counted.ndim])
        counted = counted * weights
    return float(counted.sum())
