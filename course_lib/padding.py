"""Lesson 01: ragged rows to a rectangle, lengths to a mask and back, and what padding costs.

Axes: `B` batch, `T` time, `...` features. A mask is bool, shape `(B, T)`, `True` = real.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from course_lib import _rows
from course_lib._arguments import (
    as_array,
    as_choice,
    as_dtype,
    as_integer,
    as_mask,
    no_nan,
    not_empty,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, DTypeLike, NDArray

    from course_lib._types import Axis, Side

SIDES = ("pre", "post")


def pad(
    sequences: Sequence[Any] | NDArray[Any],
    maxlen: int | None = None,
    dtype: DTypeLike | None = None,
    padding: Side = "post",
    truncating: Side = "post",
    value: Any = 0,
) -> NDArray[Any]:
    """Turn sequences of different lengths into one rectangle.

    The arguments are those of `keras.utils.pad_sequences`, and given the same values it returns the
    same array. Three defaults differ on purpose: `padding` and `truncating` are "post", where Keras
    has "pre", and `dtype` follows the data, where Keras has "int32", which cuts floats.

    Args:
        sequences: a list, tuple or array of `B` sequences. A sequence is a list, tuple or array of
            shape `(length, ...)`, and all share the shape of a step, `...`; it may be empty.
        maxlen: the number of steps `T`; the longest length if `None`.
        dtype: of the result. If `None`, the one that holds the data and the padding value: numbers
            keep theirs, strings become object, and so do steps that are `None`. If it is given,
            NumPy casts to it, as in Keras: floats are cut to integers, and an integer in an array
            that is too large for `dtype` wraps around, without a word (300 is 44 in int8).
        padding: "pre" or "post", the side on which a short sequence is filled up.
        truncating: "pre" or "post", the side on which a long sequence is cut.
        value: what stands at padded steps. `Embedding(mask_zero=True)` only masks 0.

    Returns:
        An array of shape `(B, T, ...)`.

    Raises:
        TypeError: `sequences` or one of them is not a sequence, `maxlen` is not an integer, or
            `dtype` is none.
        ValueError: no sequences and no `maxlen`; a negative `maxlen`; steps of different shapes; a
            side that is neither "pre" nor "post"; NaN or infinity for a `dtype` of integers; an
            integer in a list, or as `value`, that `dtype` cannot hold; a string as `value` beside
            numbers, or the reverse.
    """
    as_choice(padding, "padding", SIDES)
    as_choice(truncating, "truncating", SIDES)
    if maxlen is not None:
        maxlen = as_integer(maxlen, "maxlen", at_least=0)
    if dtype is not None:
        dtype = as_dtype(dtype, "dtype")
        _rows.as_fill(value, dtype)
    if not _rows.is_row(sequences):
        kind = type(sequences).__name__
        raise TypeError(f"`sequences` must be a list, tuple or array of sequences, got {kind}")
    rows = sequences if isinstance(sequences, (list, tuple, np.ndarray)) else list(sequences)
    if maxlen is None and not len(rows):
        raise ValueError("`sequences` must hold at least one sequence, got an empty batch")
    return _rows.fill_rectangle(rows, maxlen, dtype, padding, truncating, value)


def lengths_to_mask(
    lengths: ArrayLike, maxlen: int | None = None, padding: Side = "post"
) -> NDArray[np.bool_]:
    """Return the mask of rows with these lengths.

    Args:
        lengths: integers of shape `(B,)`, each from 0 to `maxlen`.
        maxlen: the number of steps `T`; the longest length if `None`.
        padding: "pre" or "post", the side on which the padding stands.

    Returns:
        A bool array of shape `(B, T)`, `True` at real steps.

    Raises:
        TypeError: `lengths` are not integers.
        ValueError: an empty batch without `maxlen`, a length below 0 or above `maxlen`.
    """
    as_choice(padding, "padding", SIDES)
    lengths = as_array(lengths, "lengths", ndim=1)
    if lengths.size and lengths.dtype.kind not in "iu":
        raise TypeError(f"`lengths` must be integers, got dtype {lengths.dtype}")
    if maxlen is None:
        if not lengths.size:
            raise ValueError("`lengths` must hold at least one length, got an empty batch")
        if lengths.min() < 0:
            raise ValueError(f"`lengths` must be at least 0, got {lengths.min()}")
        maxlen = lengths.max()
    maxlen = as_integer(maxlen, "maxlen", at_least=0)
    if lengths.size and not 0 <= lengths.min() <= lengths.max() <= maxlen:
        wrong = lengths[(lengths < 0) | (lengths > maxlen)][0]
        raise ValueError(f"`lengths` must lie between 0 and {maxlen}, got {wrong}")
    return _rows.real_steps(lengths, maxlen, padding)


def mask_to_lengths(mask: ArrayLike) -> NDArray[np.int64]:
    """Return how many real steps each row has: shape `(B,)`, int64.

    Real steps are counted wherever they stand, so it holds for padding on either side, and in
    between.

    Raises:
        TypeError: `mask` is not bool.
        ValueError: `mask` is not of shape `(B, T)`, or has no rows.
    """
    mask = as_mask(mask)
    if not len(mask):
        raise ValueError(f"`mask` must have at least one row, got shape {mask.shape}")
    return mask.sum(axis=1)


def padding_efficiency(mask: ArrayLike) -> float:
    """Return the share of real steps in a batch, between 0 and 1.

    Raises:
        TypeError: `mask` is not bool.
        ValueError: `mask` is not of shape `(B, T)`, or has no steps.
    """
    mask = as_mask(mask)
    if not mask.size:
        raise ValueError(f"`mask` must have at least one step, got shape {mask.shape}")
    return float(mask.mean())


def masked_mean(
    values: ArrayLike, mask: ArrayLike, axis: Axis = None, empty: float = np.nan
) -> Any:
    r"""Return the mean over real steps, :math:`\sum_t m_t v_t / \sum_t m_t`.

    Padded values are replaced by 0 before the sum and not multiplied by 0, so that even NaN or
    infinity at a padded step cannot be seen.

    Args:
        values: numbers of shape `(B, T)` or `(B, T, ...)`.
        mask: bool, shape `(B, T)`.
        axis: 1 for one mean per row, as `keras.layers.GlobalAveragePooling1D` takes it, 0 for one
            per step, `None` for one over the batch, as a Keras loss takes it.
        empty: what stands where no step is real. NumPy's mean of nothing is NaN.

    Returns:
        Floats: shape `(B, ...)` for `axis=1`, `(T, ...)` for `axis=0`, `(...)` for `None`.

    Raises:
        TypeError: `values` or `empty` are not numbers, or `mask` is not bool.
        ValueError: the shapes do not fit, the batch is empty, `axis` is another, `empty` is not
            one number, or a real step holds NaN.
    """
    values = as_array(values, "values")
    if values.ndim < 2:
        raise ValueError(f"`values` must have shape (B, T) or (B, T, ...), got {values.shape}")
    mask = as_mask(mask, shape=not_empty(values, "values").shape[:2])
    empty = as_array(empty, "empty", ndim=0)
    as_choice(axis, "axis", (None, 0, 1))
    no_nan(values, "values", where=mask)
    over = (0, 1) if axis is None else axis
    weights = mask.reshape(mask.shape + (1,) * (values.ndim - 2))
    total = np.where(weights, values, 0).sum(axis=over)
    count = weights.sum(axis=over)
    mean = np.divide(total, count, out=np.full(np.shape(total), empty, float), where=count > 0)
    return mean[()]
