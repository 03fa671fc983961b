"""Lesson 05: the loss of each step, and what their sum is divided by.

A Keras loss has two stages. The first makes one number per step, shape `(B, T)`; its formulas are
in `keras/src/losses/losses.py`. The second reduces those to one number; it is in
`keras/src/losses/loss.py` (`apply_mask`, `reduce_weighted_values`), and there the mask comes in.
Both are written here in NumPy, in float64, to compare Keras with.
"""

import numpy as np

from course_lib._arguments import as_array, as_choice, as_mask, no_nan, not_empty
from course_lib.padding import masked_mean

EPSILON = 1e-7  # keras.backend.epsilon()
REDUCTIONS = ("sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", None)


def _signed(y_true):
    # Keras asks this of the whole batch, padding included: one padded target of, say, -1 is enough
    # to switch the conversion off for every real step.
    return 2 * y_true - 1 if np.isin(y_true, (0, 1)).all() else y_true


def _logs(y_pred):
    clipped = np.clip(y_pred, EPSILON, 1 - EPSILON)
    return np.log(clipped), np.log(1 - clipped)


def _binary_crossentropies(y_true, y_pred):
    yes, no = _logs(y_pred)
    return -(y_true * yes + (1 - y_true) * no)


def _shares(y_pred):
    shares = y_pred / y_pred.sum(axis=-1, keepdims=True)
    return np.clip(shares, EPSILON, 1 - EPSILON)


def _unit(vectors):
    length = np.sqrt(np.square(vectors).sum(axis=-1, keepdims=True))
    return vectors / np.maximum(length, EPSILON)


def _huber(t, p):
    error = np.abs(p - t)  # up to 1 (the default `delta`) squared, from there on straight
    return np.where(error <= 1, 0.5 * error**2, error - 0.5).mean(axis=-1)


def _log_cosh(t, p):
    with np.errstate(invalid="ignore"):  # `logaddexp` warns of NaN, the other formulas do not.
        return (np.logaddexp(p - t, t - p) - np.log(2)).mean(axis=-1)


def _categorical_hinge(t, p):
    right, best_wrong = (t * p).sum(axis=-1), ((1 - t) * p).max(axis=-1)
    return np.maximum(best_wrong - right + 1, 0)


def _kl_divergence(t, p):
    t, p = np.clip(t, EPSILON, 1), np.clip(p, EPSILON, 1)
    return (t * np.log(t / p)).sum(axis=-1)


def _logarithmic(values):
    return np.log(np.maximum(values, EPSILON) + 1)


def _binary_focal(t, p, gamma=2.0):
    right = t * p + (1 - t) * (1 - p)
    return ((1 - right) ** gamma * _binary_crossentropies(t, p)).mean(axis=-1)


def _categorical_crossentropy(t, p):
    return -(t * np.log(_shares(p))).sum(axis=-1)


def _categorical_generalized(t, p, q=0.5):
    return (1 - (t * p).sum(axis=-1) ** q) / q


def _categorical_focal(t, p, gamma=2.0, alpha=0.25):
    shares = _shares(p)
    return (alpha * (1 - shares) ** gamma * -t * np.log(shares)).sum(axis=-1)


# Targets `t` and predictions `p` of shape (B, T, D) to losses of shape (B, T), under the names of
# the functions in `keras.losses`, with Keras's default arguments. Those of `OF_CLASS_IDS` take
# class ids of shape (B, T) as targets; `t` is their one-hot form.
PER_STEP = {
    "mean_squared_error": lambda t, p: np.square(p - t).mean(axis=-1),
    "mean_absolute_error": lambda t, p: np.abs(p - t).mean(axis=-1),
    "mean_absolute_percentage_error": lambda t, p: (
        100 * (np.abs(t - p) / np.maximum(np.abs(t), EPSILON)).mean(axis=-1)
    ),
    "mean_squared_logarithmic_error": lambda t, p: np.square(
        _logarithmic(p) - _logarithmic(t)
    ).mean(axis=-1),
    "cosine_similarity": lambda t, p: -(_unit(t) * _unit(p)).sum(axis=-1),
    "huber": _huber,
    "log_cosh": _log_cosh,
    "hinge": lambda t, p: np.maximum(1 - _signed(t) * p, 0).mean(axis=-1),
    "squared_hinge": lambda t, p: np.square(np.maximum(1 - _signed(t) * p, 0)).mean(axis=-1),
    "categorical_hinge": _categorical_hinge,
    "kl_divergence": _kl_divergence,
    "poisson": lambda t, p: (p - t * np.log(p + EPSILON)).mean(axis=-1),
    "binary_crossentropy": lambda t, p: _binary_crossentropies(t, p).mean(axis=-1),
    "binary_focal_crossentropy": _binary_focal,
    "categorical_crossentropy": _categorical_crossentropy,
    "categorical_focal_crossentropy": _categorical_focal,
    "sparse_categorical_crossentropy": _categorical_crossentropy,
    "categorical_generalized_cross_entropy": _categorical_generalized,
}
OF_CLASS_IDS = ("sparse_categorical_crossentropy", "categorical_generalized_cross_entropy")


def per_step_loss(name, y_true, y_pred):
    """Return the loss of each step, before any mask or mean.

    Args:
        name: a built-in loss that returns one value per step, by its name in `keras.losses`, such
            as "mean_squared_error" (the keys of `PER_STEP`).
        y_true: numbers, shape `(B, T, D)`; for the losses of `OF_CLASS_IDS`, class ids of shape
            `(B, T)`.
        y_pred: numbers, shape `(B, T, D)`.

    Returns:
        float64, shape `(B, T)`. NaN in a target or prediction makes the loss of its step NaN: here
        is no mask that could tell whether the step is padding. `masked_loss` has one; it refuses
        NaN at a real step and does not see it at a padded one.

    Raises:
        TypeError: the targets or predictions are not numbers.
        ValueError: another name, an empty batch, shapes that differ, or a class id outside of
            `0 … D-1`.
    """
    as_choice(name, "name", tuple(PER_STEP))
    y_pred = not_empty(as_array(y_pred, "y_pred", ndim=3), "y_pred").astype(float)
    if name in OF_CLASS_IDS:
        y_true = _one_hot(y_true, y_pred.shape)
    y_true = as_array(y_true, "y_true", ndim=3).astype(float)
    if y_true.shape != y_pred.shape:
        raise ValueError(f"`y_true` must have y_pred's shape {y_pred.shape}, got {y_true.shape}")
    return PER_STEP[name](y_true, y_pred)


def _one_hot(classes, shape):
    classes = as_array(classes, "y_true", ndim=2)
    if classes.shape != shape[:2]:
        raise ValueError(f"`y_true` must have shape {shape[:2]}, got {classes.shape}")
    if classes.dtype.kind not in "iu":
        raise TypeError(f"`y_true` must hold integer class ids, got dtype {classes.dtype}")
    outside = classes[(classes < 0) | (classes >= shape[2])]
    if outside.size:
        raise ValueError(
            f"`y_true` must hold class ids from 0 to {shape[2] - 1}, got {outside.flat[0]}"
        )
    return np.eye(shape[2])[classes]


def masked_loss(values, mask=None, sample_weight=None, reduction="sum_over_batch_size"):
    r"""Reduce the losses of steps to one number, as Keras 3 does.

    With losses :math:`l`, mask :math:`m` and weights :math:`w`, the sum is always
    :math:`\sum m\,w\,l`. It is divided by

    =========================  =========================================================
    "sum_over_batch_size"      :math:`\sum m`, the number of real steps (also "mean")
    "sum"                      1
    "mean_with_sample_weight"  :math:`\sum m\,w`
    "none" or `None`           not reduced: :math:`m\,w\,l` of each step
    =========================  =========================================================

    Where no step is real, the loss is 0. A padded step counts as 0 whatever loss or weight stands
    there, NaN and infinity included. Keras multiplies instead, so there NaN at a padded step makes
    the loss NaN. Without a mask, Keras 3.15 sums weights of shape `(B, 1)` unspread for
    "mean_with_sample_weight", which makes its loss `T` times as large; here they are spread.

    Args:
        values: the losses of the steps, shape `(B, T)`.
        mask: bool, shape `(B, T)`; every step is real if `None`.
        sample_weight: numbers, shape `(B, T)` for steps or `(B, 1)` for rows. Shape `(B,)` is
            refused: Keras would spread it along time, not along the batch.
        reduction: "sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none" or None.

    Returns:
        A float, or an array `(B, T)` for no reduction.

    Raises:
        TypeError: `values` or `sample_weight` are not numbers, or `mask` is not bool.
        ValueError: a shape that does not fit, an empty batch, another reduction, or NaN at a real
            step.
    """
    values = not_empty(as_array(values, "values", ndim=2), "values").astype(float)
    mask = np.ones(values.shape, bool) if mask is None else as_mask(mask, shape=values.shape)
    as_choice(reduction, "reduction", REDUCTIONS)
    no_nan(values, "values", where=mask)
    weights = np.where(mask, _as_weights(sample_weight, mask), 0)
    weighted = np.where(mask, values, 0) * weights
    if reduction in (None, "none"):
        return weighted
    if reduction == "sum":
        return float(weighted.sum())
    if reduction == "mean_with_sample_weight":
        total = weights.sum()
        return float(weighted.sum() / total) if total else 0.0
    return float(masked_mean(weighted, mask, empty=0.0))


def _as_weights(sample_weight, mask):
    shape = mask.shape
    if sample_weight is None:
        return 1.0
    weights = as_array(sample_weight, "sample_weight").astype(float)
    if weights.shape not in (shape, (shape[0], 1)):
        raise ValueError(
            f"`sample_weight` must have shape {shape} for steps or {(shape[0], 1)} for rows, "
            f"got {weights.shape}"
        )
    weighed = mask if weights.shape == shape else mask.any(axis=1, keepdims=True)
    return no_nan(weights, "sample_weight", where=weighed)
