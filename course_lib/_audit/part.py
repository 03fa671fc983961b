"""One loss or metric of one output, and what it is given: the batch, or rows without padding."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from course_lib._audit.run import array, flat
from course_lib._audit.targets import own_targets
from course_lib._keras_private import with_mask


@dataclass(frozen=True, eq=False)
class Part:
    """One loss or metric of one output.

    Attributes:
        kind: "loss" or "metric".
        scorer: the `keras.losses.Loss` or `keras.Metric`. A metric is the user's own object where
            one was given, so its variables must be put back by the caller.
        output: which of the model's output tensors it reads.
        target: `y_true`, an array.
        weights: its sample weights, an array or `None`.
        weight: its share in the total loss.
    """

    kind: str
    scorer: Any
    output: int
    target: np.ndarray
    weights: np.ndarray | None
    weight: float = 1.0

    def __str__(self):
        return f"{self.kind} `{self.scorer.name}`"


@dataclass(frozen=True, eq=False)
class Update:
    """What a loss or metric is given at once.

    Attributes:
        y_true: an array.
        y_pred: a tensor.
        weights: an array or `None`.
        real: which steps are real, shape `(R, T)`, or `(R,)` without steps; `None` in the batch.
    """

    y_true: np.ndarray
    y_pred: Any
    weights: np.ndarray | None
    real: np.ndarray | None = None


def parts_of(kind, matched, outputs):
    """Return the `Part`s of what Keras has matched with these outputs."""
    places = {id(tensor): place for place, tensor in enumerate(flat(outputs))}
    return [
        Part(
            kind,
            scorer,
            places[id(y_pred)],
            array(y_true),
            None if weights is None else array(weights),
            *weight,
        )
        for scorer, y_true, y_pred, weights, *weight in matched
        if id(y_pred) in places
    ]


def in_batch(context, part, y_pred, view=None):
    """Return the `Update` of a padded view, mostly that of the whole batch.

    A row of nothing but padding has no truth of its own; where the output is one value a row, it
    is left out. Where the output has steps, it must count for nothing, and stays.
    """
    import keras

    rows, weights = (view or context.whole).rows, part.weights
    keep = ~context.batch.empty[rows]
    if context.axes[part.output].sequence is None and not keep.all():
        y_pred, rows = keras.ops.take(y_pred, np.flatnonzero(keep), axis=0), rows[keep]
    return Update(part.target[rows], y_pred, None if weights is None else weights[rows])


def alone(context, part, views=None, outputs=None):
    """Return the `Update` of each view of rows without padding, mostly of all that ran alone."""
    pairs = zip(views or context.alone, outputs or context.alone_outputs, strict=True)
    axes = context.axes[part.output]
    return [_alone(part, tensors[part.output], axes, view) for view, tensors in pairs]


def _alone(part, y_pred, axes, view):
    import keras

    y_pred, weights = keras.ops.copy(y_pred), part.weights
    shape = tuple(y_pred.shape)
    real = axes.real(view, shape)
    if axes.sequence is not None and not real.all():  # padding between real steps
        y_pred = with_mask(y_pred, keras.ops.convert_to_tensor(real))
    if weights is not None:
        weights = for_samples(axes.cut(weights, view, shape), len(shape) - 1)
    return Update(own_targets(part.target, axes, view, shape), y_pred, weights, real)


def for_samples(weights, ndim):
    """Return weights of shape `(R,)` as `(R, 1)`, so that they weight samples of so many axes."""
    return weights.reshape(-1, *[1] * (ndim - 1)) if weights.ndim == 1 < ndim else weights
