"""How `course_lib.pad` fills its rectangle: lists of numbers one way, all other rows another.

Both work on some thousand rows at a time, so that what they touch stays in the processor's cache.
"""

import struct

import numpy as np

CHUNK_ROWS, CHUNK_BYTES = 4096, 2**17
NOT_ROWS = (str, bytes, dict, set)


def pack_lists(rows, maxlen, dtype, padding, truncating, value):
    """Pad lists of plain numbers; return `None` if the rows turn out to be anything else.

    `struct` turns a list and its padding into bytes in one call, in about half the time that NumPy
    takes to turn it into an array. It refuses what it would have to cut, as a float among integers.
    """
    number = _number(first_row(rows), dtype, value)
    if number is None:
        return None
    try:
        lengths = set(map(len, rows))
    except TypeError:
        return None
    maxlen = max(lengths) if maxlen is None else maxlen
    too_long = max(lengths) > maxlen
    packers = [None] * (maxlen + 1)  # a list: looked up by length 100,000 times
    for length in {min(length, maxlen) for length in lengths}:
        packers[length] = _packer(length, maxlen, number, padding)
    rectangle = np.empty((len(rows), maxlen), number)
    height = 1 + CHUNK_BYTES // (1 + maxlen * number.itemsize)
    kinds = (list, tuple)
    for start in range(0, len(rows), height):
        chunk = rows[start : start + height]
        if too_long:
            chunk = truncate(chunk, lengths_of(chunk), maxlen, truncating, start)
        try:
            packed = [packers[len(row)](*row) for row in chunk if type(row) in kinds]
        except (struct.error, TypeError, OverflowError):
            return None
        if len(packed) < len(chunk):
            return None
        steps = np.frombuffer(b"".join(packed), number)
        rectangle[start : start + height] = steps.reshape(len(chunk), maxlen)
    fill = as_fill(value, number)
    if any(fill.tobytes()):
        kept = np.minimum(lengths_of(rows), maxlen)
        rectangle[~real_steps(kept, maxlen, padding)] = fill
    return rectangle


def _number(row, dtype, value):
    """Return the dtype that lists like `row` are packed as, or `None` if they cannot be."""
    if type(row) not in (list, tuple) or np.ndim(value) or isinstance(value, str):
        return None
    if dtype is None:
        if type(row[0]) not in (int, float):
            return None
        dtype = np.result_type(type(row[0]), np.min_scalar_type(value))
    return dtype if dtype.isnative and dtype.char in "bBhHiIlLqQefd" else None


def _packer(length, maxlen, dtype, padding):
    """Return the function that packs a row of `length` numbers with zeros up to `maxlen`."""
    steps = f"{length}{dtype.char}"
    zeros = f"{(maxlen - length) * dtype.itemsize}x"
    return struct.Struct(steps + zeros if padding == "post" else zeros + steps).pack


def scatter(rows, maxlen, dtype, padding, truncating, value):
    """Pad rows of any kind: join their steps, then `rectangle[mask] = steps`."""
    step_shape = _step_shape(rows)
    parts = []
    for start in range(0, len(rows), CHUNK_ROWS):
        chunk = rows[start : start + CHUNK_ROWS]
        lengths = lengths_of(chunk, start)
        if maxlen is not None:
            chunk = truncate(chunk, lengths, maxlen, truncating, start)
            lengths = np.minimum(lengths, maxlen)
        parts.append((lengths, _join(chunk, start, dtype, step_shape)))
    if maxlen is None:
        maxlen = max(int(lengths.max()) for lengths, _ in parts)
    if dtype is None:
        dtype = _common_dtype([steps.dtype for _, steps in parts if steps.size], value)
        if dtype.kind == "O" and any(steps.dtype.kind != "O" for _, steps in parts):
            # Strings, or a mix: join again, so that a 1 beside strings stays a 1.
            return scatter(rows, maxlen, dtype, padding, truncating, value)
    fill = as_fill(value, dtype)
    rectangle = np.full((len(rows), maxlen, *step_shape), fill, dtype)
    start = 0
    for lengths, steps in parts:
        rectangle[start : start + len(lengths)][real_steps(lengths, maxlen, padding)] = steps
        start += len(lengths)
    return rectangle


def _join(rows, start, dtype, step_shape):
    """Return all steps of all rows, one after the other: shape `(sum of lengths, ...)`."""
    if isinstance(rows[0], np.ndarray) and rows[0].dtype.kind in "biufc":
        try:
            # "equiv" makes it refuse rows of different dtypes, and what are no rows at all.
            steps = np.concatenate(rows, dtype=rows[0].dtype, casting="equiv")
        except (TypeError, ValueError):
            pass
        else:
            if steps.shape[1:] == step_shape and not _loses_nan(steps, dtype):
                return steps
    _refuse_non_rows(rows, start)
    rows = [_as_steps(row, start + place, dtype, step_shape) for place, row in enumerate(rows)]
    rows = [row for row in rows if len(row)]
    return np.concatenate(rows) if rows else np.empty((0, *step_shape), dtype or int)


def _as_steps(row, place, dtype, step_shape):
    """Return one row as an array, or say which row it is and what is wrong with it."""
    try:
        steps = np.asarray(row)
        if _loses_nan(steps, dtype):
            raise ValueError("NaN cannot be an integer")
        if dtype is not None:
            steps = np.asarray(row, dtype)
    except (TypeError, ValueError, OverflowError) as error:
        wanted = "one shape and one kind" if dtype is None else f"dtype {dtype}"
        raise ValueError(
            f"`sequences[{place}]` must hold steps of {wanted}, got {row!r} ({error})"
        ) from None
    if len(steps) and steps.shape[1:] != step_shape:
        raise ValueError(
            f"`sequences[{place}]` must hold steps of shape {step_shape} as the rows before it, "
            f"got steps of shape {steps.shape[1:]}"
        )
    return steps


def _loses_nan(steps, dtype):
    if dtype is None or dtype.kind not in "iu" or steps.dtype.kind not in "fc":
        return False
    return bool(np.isnan(steps).any())


def first_row(rows):
    """Return the first row that is not empty, `None` if there is none."""
    return next((row for row in rows if not _has_length(row) or len(row)), None)


def _step_shape(rows):
    """Return the shape of one step, taken from the first row that has one."""
    first = first_row(rows)
    if first is None:
        return ()
    _refuse_non_rows([first], next(place for place, row in enumerate(rows) if row is first))
    try:
        return np.asarray(first).shape[1:]
    except ValueError:
        raise ValueError(
            f"`sequences` must hold steps of one shape, got ragged features: {first!r}"
        ) from None


def lengths_of(rows, start=0):
    """Return the rows' lengths, shape `(B,)`; `start` is the place of the first one."""
    try:
        return np.fromiter(map(len, rows), np.intp, len(rows))
    except TypeError:
        _refuse_non_rows(rows, start)
        raise


def truncate(rows, lengths, maxlen, truncating, start=0):
    """Return the rows, those of more than `maxlen` steps cut."""
    too_long = np.flatnonzero(lengths > maxlen).tolist()
    if not too_long:
        return rows
    if any(issubclass(kind, NOT_ROWS) for kind in set(map(type, rows))):
        _refuse_non_rows(rows, start)
    rows = list(rows)
    for place in too_long:
        row = rows[place]
        rows[place] = row[:maxlen] if truncating == "post" else row[len(row) - maxlen :]
    return rows


def _refuse_non_rows(rows, start):
    for place, row in enumerate(rows, start):
        if isinstance(row, NOT_ROWS) or not _has_length(row):
            raise TypeError(
                f"`sequences[{place}]` must be a list, tuple or array of steps, "
                f"got {row!r} ({type(row).__name__})"
            )


def _has_length(row):
    try:
        len(row)
    except TypeError:
        return False
    return True


def _common_dtype(dtypes, value):
    """Return the dtype that holds all rows and the padding value."""
    kinds = {dtype.kind for dtype in dtypes}
    if isinstance(value, str):
        if kinds and kinds <= set("biufc"):
            raise ValueError(f"`value` must be a number for sequences of numbers, got {value!r}")
        return np.dtype(object)
    if kinds & set("US"):
        raise ValueError(f"`value` must be a string for sequences of strings, got {value!r}")
    try:
        return np.result_type(*dtypes or [np.dtype(int)], np.min_scalar_type(value))
    except TypeError:
        found = " and ".join(sorted(map(str, set(dtypes))))
        raise ValueError(f"`value` must fit sequences of {found}, got {value!r}") from None


def as_fill(value, dtype):
    """Return `value` as a scalar array of `dtype`, or say that it is none."""
    if np.ndim(value):
        raise ValueError(f"`value` must be one number or string, got {value!r}")
    if isinstance(value, str) and dtype.kind not in "OUS":
        raise ValueError(f"`value` must be a number for dtype {dtype}, got {value!r}")
    try:
        if dtype.kind in "iu" and not np.isfinite(value):
            raise ValueError
        return np.asarray(value, dtype)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"`value` must be a number that {dtype} holds, got {value!r}") from None


def real_steps(lengths, maxlen, padding):
    """Return the mask of rows with these lengths, `(B, T)`, without any check."""
    # The smallest integers that count to `maxlen` are compared several times as fast.
    counter = np.min_scalar_type(maxlen)
    steps = np.arange(maxlen, dtype=counter)
    if padding == "pre":
        steps = steps[::-1]
    return steps < lengths.astype(counter)[:, None]
