"""Lesson 02: the look-up of an `Embedding`, its mask, and the gradient of its table, in NumPy.

Axes: `B` batch, `T` time, `D` features (Keras: `output_dim`), `V` vocabulary (`input_dim`). The
mechanism is that of `keras.layers.Embedding` in Keras 3.15: `call` takes rows, `compute_mask`
compares the ids with 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from course_lib._arguments import as_array, as_flag, as_integer, no_nan

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def look_up(table: ArrayLike, ids: ArrayLike) -> NDArray[Any]:
    """Return the rows of a table at the given ids, as `keras.layers.Embedding` does.

    Row 0 is a row like any other: the vector at a padded step is `table[0]`, not zeros.

    Keras takes two kinds of ids that are refused here. With the TensorFlow backend, -1 takes the
    last row (and -2 the one before it). Float ids are cut to integers for the look-up but compared
    with 0 as they came, so that 0.7 takes row 0 and counts as real.

    Args:
        table: floats of shape `(V, D)`, `layer.get_weights()[0]`.
        ids: integers of shape `(B, T)`, each from 0 to `V - 1`.

    Returns:
        An array of shape `(B, T, D)` with the table's dtype.

    Raises:
        TypeError: `ids` are not integers, or `table` does not hold floats.
        ValueError: the shapes are others, the batch is empty, an id is negative or too large for
            the table, or a row that is looked up holds NaN.
    """
    table = as_array(table, "table", ndim=2)
    if table.dtype.kind != "f":
        raise TypeError(f"`table` must hold floats, got dtype {table.dtype}")
    ids = _as_ids(ids, len(table))
    vectors = table[ids]
    spoiled = np.isnan(vectors).any(axis=-1)
    if spoiled.any():
        raise ValueError(f"`table` must hold numbers, got NaN in row {ids[spoiled][0]}")
    return vectors


def compute_mask(ids: ArrayLike, mask_zero: bool = True) -> NDArray[np.bool_] | None:
    """Return the mask that an `Embedding` hangs beside its output: `ids != 0`.

    Args:
        ids: integers of shape `(B, T)`, none below 0.
        mask_zero: the argument of the layer.

    Returns:
        Bools of shape `(B, T)`, `True` at real steps; `None` for `mask_zero=False`.

    Raises:
        TypeError: `ids` are not integers, or `mask_zero` is not a bool.
        ValueError: another shape, an empty batch, or a negative id: Keras would call it real.
    """
    mask_zero = as_flag(mask_zero, "mask_zero")
    ids = _as_ids(ids)
    return ids != 0 if mask_zero else None


def table_gradient(ids: ArrayLike, upstream: ArrayLike, input_dim: int) -> NDArray[Any]:
    r"""Return the gradient of the table, given the gradient of the vectors taken from it.

    Every step adds its gradient to the row that it was taken from:
    :math:`G_v = \sum_{b,t:\ \mathrm{ids}_{bt} = v} U_{bt}`. A row without a step gets zeros. With
    padding at 0, row 0 gets the sum over the padded steps: zero as long as nothing after the
    look-up lets a padded vector change the loss.

    Args:
        ids: integers of shape `(B, T)`, each from 0 to `input_dim - 1`.
        upstream: the gradient of the loss by the vectors, shape `(B, T, D)`.
        input_dim: the number of rows of the table, `V`.

    Returns:
        Floats of shape `(V, D)`: `upstream`'s dtype if it holds floats, else float64.

    Raises:
        TypeError: `ids` or `input_dim` are not integers, or `upstream` does not hold numbers.
        ValueError: shapes that do not fit, an empty batch, an id that is negative or too large, or
            NaN in `upstream`.
    """
    input_dim = as_integer(input_dim, "input_dim", at_least=1)
    ids = _as_ids(ids, input_dim)
    upstream = as_array(upstream, "upstream")
    if upstream.ndim != 3 or upstream.shape[:2] != ids.shape:
        batch, steps = ids.shape
        raise ValueError(
            f"`upstream` must have shape ({batch}, {steps}, D) for these ids, got {upstream.shape}"
        )
    if upstream.dtype.kind != "f":
        upstream = upstream.astype(float)
    no_nan(upstream, "upstream")
    gradient = np.zeros((input_dim, upstream.shape[2]), upstream.dtype)
    # Not `gradient[ids] += upstream`: of several steps with one id, it would keep the last alone.
    np.add.at(gradient, ids, upstream)
    return gradient


def _as_ids(ids, input_dim=None):
    """Return `ids` as integers of shape `(B, T)`, from 0 to below `input_dim`."""
    ids = as_array(ids, "ids")
    if not ids.size:
        raise ValueError(f"`ids` must hold at least one id, got an empty batch, shape {ids.shape}")
    if ids.dtype.kind not in "iu":
        cut = "; Keras would cut 0.7 to 0 for the look-up and still call it real"
        hint = cut if ids.dtype.kind == "f" else ""
        raise TypeError(f"`ids` must be integers, got dtype {ids.dtype}{hint}")
    if ids.ndim != 2:
        raise ValueError(f"`ids` must have shape (B, T), got {ids.shape}")
    if ids.min() < 0:
        raise ValueError(
            f"`ids` must not be negative, got {ids.min()} at index {_place(ids < 0)}; "
            "pad with 0: it is the only id that `mask_zero=True` masks"
        )
    if input_dim is not None and ids.max() >= input_dim:
        raise ValueError(
            f"`ids` must lie below the {input_dim} rows of the table, got {ids.max()} at index "
            f"{_place(ids == ids.max())}; `input_dim` is the largest id + 1"
        )
    return ids


def _place(where):
    return tuple(int(index) for index in np.argwhere(where)[0])
