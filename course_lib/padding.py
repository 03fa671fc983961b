"""Lesson 01: ragged rows to a rectangle, lengths to a mask and back, and what padding costs.

Axes: `B` batch, `T` time, `...` features. A mask is bool, shape `(B, T)`, `True` = real.
"""

from array import array
from itertools import chain

import numpy as np

from course_lib._arguments import as_array, as_choice, as_integer, as_mask, no_nan

SIDES = ("pre", "post")


def pad(sequences, maxlen=None, dtype=None, padding="post", truncating="post", value=0):
    """Turn sequences of different lengths into one rectangle.

    The arguments are those of `keras.utils.pad_sequences`, and given the same values it returns the
    same array. Three defaults differ on purpose: `padding` and `truncating` are "post", where Keras
    has "pre", and `dtype` follows the data, where Keras has "int32", which cuts floats.

    The rectangle is filled by one assignment under the mask, `rectangle[mask] = steps`, and not row
    by row; that is where the speed comes from.

    Args:
        sequences: a list, tuple or array of `B` sequences. A sequence is a list, tuple or array of
            shape `(length, ...)`, and all share the shape of a step, `...`; it may be empty.
        maxlen: the number of steps `T`; the longest length if `None`.
        dtype: of the result; the data's (and the padding value's) own if `None`.
        padding: "pre" or "post", the side on which a short sequence is filled up.
        truncating: "pre" or "post", the side on which a long sequence is cut.
        value: what stands at padded steps. `Embedding(mask_zero=True)` only masks 0.

    Returns:
        An array of shape `(B, T, ...)`.

    Raises:
        TypeError: `sequences` or one of them is not a sequence, or `maxlen` is not an integer.
        ValueError: no sequences and no `maxlen`; steps of different shapes; a side that is neither
            "pre" nor "post"; a string as `value` with a dtype of numbers, or the reverse; NaN where
            `dtype` is an integer's.
    """
    as_choice(padding, "padding", SIDES)
    as_choice(truncating, "truncating", SIDES)
    rows, lengths = _rows_and_lengths(sequences)
    if maxlen is not None:
        maxlen = as_integer(maxlen, "maxlen", at_least=0)
    elif len(rows):
        maxlen = int(lengths.max())
    else:
        raise ValueError("`sequences` must hold at least one sequence, got an empty batch")

    step_shape = _step_shape(rows)
    if lengths.size and lengths.max() > maxlen:
        rows = [_cut(row, maxlen, truncating) for row in rows]
        lengths = np.minimum(lengths, maxlen)
    steps = _join(rows, dtype, step_shape)
    if dtype is None:
        dtype = _common_dtype(steps, value)
    _check_value(value, dtype, steps)

    rectangle = np.full((len(rows), maxlen, *step_shape), value, dtype=dtype)
    if steps.size:
        rectangle[lengths_to_mask(lengths, maxlen, padding)] = steps
    return rectangle


def _rows_and_lengths(sequences):
    if isinstance(sequences, str) or not hasattr(sequences, "__len__"):
        kind = type(sequences).__name__
        raise TypeError(f"`sequences` must be a list, tuple or array of sequences, got {kind}")
    try:
        if any(issubclass(kind, (str, bytes, dict, set)) for kind in set(map(type, sequences))):
            raise TypeError
        return sequences, np.fromiter(map(len, sequences), np.intp, len(sequences))
    except TypeError:
        for place, row in enumerate(sequences):
            if isinstance(row, (str, bytes, dict, set)) or not _has_length(row):
                raise TypeError(
                    f"`sequences[{place}]` must be a list, tuple or array of steps, "
                    f"got {row!r} ({type(row).__name__})"
                ) from None
        raise


def _has_length(row):
    try:
        len(row)
    except TypeError:
        return False
    return True


def _step_shape(rows):
    """Return the shape of one step, taken from the first row that has one."""
    first = next((row for row in rows if len(row)), None)
    if first is None:
        return ()
    try:
        return np.asarray(first).shape[1:]
    except ValueError:
        place = next(place for place, row in enumerate(rows) if len(row))
        raise ValueError(
            f"`sequences[{place}]` must hold steps of one shape, got ragged features: {first!r}"
        ) from None


def _cut(row, maxlen, truncating):
    if len(row) <= maxlen:
        return row
    return row[:maxlen] if truncating == "post" else row[len(row) - maxlen :]


def _join(rows, dtype, step_shape):
    """Return all steps of all rows, one after the other: shape `(sum of lengths, ...)`."""
    kinds = set(map(type, rows))
    if step_shape == () and kinds <= {list, tuple}:
        steps = _join_lists(rows, dtype)
        if steps is not None:
            return steps
    if kinds != {np.ndarray} or dtype is not None:
        rows = [_as_steps(row, place, dtype) for place, row in enumerate(rows)]
    rows = [row for row in rows if len(row)]
    if not rows:
        return np.empty((0, *step_shape), dtype=dtype or int)
    if any(shape[1:] != step_shape for shape in {row.shape for row in rows}):
        wrong = next(row for row in rows if row.shape[1:] != step_shape)
        raise ValueError(
            "`sequences` must hold steps of one shape, "
            f"got steps of shape {wrong.shape[1:]} beside steps of shape {step_shape}"
        )
    return np.concatenate(rows)


def _join_lists(rows, dtype):
    """Join lists of plain numbers without an array for each row; `None` if they are not plain."""
    steps = chain.from_iterable(rows)
    if dtype is not None:
        if np.dtype(dtype).kind not in "iuf":
            return None
        try:
            return np.fromiter(steps, dtype)
        except (TypeError, ValueError, OverflowError):
            return None
    kinds = {type(row[0]) for row in rows if row}
    if kinds == {int}:
        try:
            # `array` refuses a float that stands among the integers, where NumPy would cut it.
            joined = array("q", steps)
        except (TypeError, OverflowError):
            return None
        # It takes True for 1, so rows that mix bool and int are left to the general way.
        return np.frombuffer(joined, np.int64) if len(joined) else np.empty(0, np.int64)
    return None


def _as_steps(row, place, dtype):
    try:
        if dtype is not None and np.dtype(dtype).kind in "iu":
            own = np.asarray(row)
            if own.dtype.kind == "f" and np.isnan(own).any():
                raise ValueError("NaN cannot be an integer")
        return np.asarray(row, dtype=dtype)
    except (TypeError, ValueError, OverflowError) as error:
        wanted = "one shape and one kind" if dtype is None else f"dtype {np.dtype(dtype)}"
        raise ValueError(
            f"`sequences[{place}]` must hold steps of {wanted}, got {row!r} ({error})"
        ) from None


def _common_dtype(steps, value):
    if isinstance(value, str) or steps.dtype.kind in "US":
        return np.dtype(object)
    return np.result_type(steps.dtype, np.min_scalar_type(value) if steps.size else type(value))


def _check_value(value, dtype, steps):
    dtype = np.dtype(dtype)
    if isinstance(value, str) and dtype.kind not in "OUS":
        raise ValueError(f"`value` must be a number for dtype {dtype}, got {value!r}")
    if not isinstance(value, str) and steps.dtype.kind == "U" and dtype.kind == "O":
        raise ValueError(f"`value` must be a string for sequences of strings, got {value!r}")


def lengths_to_mask(lengths, maxlen=None, padding="post"):
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
        maxlen = lengths.max()
    maxlen = as_integer(maxlen, "maxlen", at_least=0)
    if lengths.size and not 0 <= lengths.min() <= lengths.max() <= maxlen:
        wrong = lengths[(lengths < 0) | (lengths > maxlen)][0]
        raise ValueError(f"`lengths` must lie between 0 and {maxlen}, got {wrong}")
    steps = np.arange(maxlen)
    if padding == "pre":
        steps = steps[::-1]
    return steps < lengths[:, None]


def mask_to_lengths(mask):
    """Return how many real steps each row has: shape `(B,)`, int64.

    Real steps are counted wherever they stand, so it holds for padding on either side, and in
    between.

    Raises:
        TypeError: `mask` is not bool.
        ValueError: `mask` is not of shape `(B, T)`.
    """
    return as_mask(mask).sum(axis=1)


def padding_efficiency(mask):
    """Return the share of real steps in a batch, between 0 and 1.

    Raises:
        TypeError: `mask` is not bool.
        ValueError: `mask` is not of shape `(B, T)`, or has no steps.
    """
    mask = as_mask(mask)
    if not mask.size:
        raise ValueError(f"`mask` must have at least one step, got shape {mask.shape}")
    return float(mask.mean())


def masked_mean(values, mask, axis=None, empty=np.nan):
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
        TypeError: `values` are not numbers or `mask` is not bool.
        ValueError: the shapes do not fit, `axis` is another, or a real step holds NaN.
    """
    values = as_array(values, "values")
    if values.ndim < 2:
        raise ValueError(f"`values` must have shape (B, T) or (B, T, ...), got {values.shape}")
    mask = as_mask(mask, shape=values.shape[:2])
    if axis not in (None, 0, 1):
        raise ValueError(f"`axis` must be None, 0 or 1, got {axis!r}")
    no_nan(values, "values", where=mask)
    over = (0, 1) if axis is None else axis
    weights = mask.reshape(mask.shape + (1,) * (values.ndim - 2))
    total = np.where(weights, values, 0).sum(axis=over)
    count = weights.sum(axis=over)
    mean = np.divide(total, count, out=np.full(np.shape(total), empty, float), where=count > 0)
    return mean[()]
