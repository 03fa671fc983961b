"""How `course_lib.pad` fills its rectangle: join the real steps, then `rectangle[mask] = steps`.

It works on some thousand rows at a time, so that what it touches stays in the processor's cache.
"""

import struct

import numpy as np

CHUNK_ROWS = 2048
NOT_ROWS = (str, bytes, dict, set)
# "q" is 64 bits everywhere. As a dtype of NumPy it would be another one than int64, of equal bits.
DTYPES = {"q": np.int64, "d": np.float64}


def fill_rectangle(rows, maxlen, dtype, padding, truncating, value):
    """Return the padded rows as an array of shape `(B, T, ...)`; see `course_lib.pad`."""
    step_shape = _step_shape(rows)
    parts = []
    for start in range(0, len(rows), CHUNK_ROWS):
        chunk = list(rows[start : start + CHUNK_ROWS])
        lengths = _lengths(chunk, start)
        for place in np.flatnonzero(lengths > (np.inf if maxlen is None else maxlen)).tolist():
            row = chunk[place]
            chunk[place] = row[:maxlen] if truncating == "post" else row[len(row) - maxlen :]
            lengths[place] = maxlen
        parts.append((lengths, _join(chunk, start, dtype, step_shape)))
    if maxlen is None:
        maxlen = max(int(lengths.max()) for lengths, _ in parts)
    if dtype is None:
        dtype = _common_dtype({steps.dtype for _, steps in parts if steps.size}, value)
        if dtype.kind == "O" and any(steps.dtype.kind != "O" for _, steps in parts):
            # Strings, or a mix: join again, so that a 1 beside strings stays a 1.
            return fill_rectangle(rows, maxlen, dtype, padding, truncating, value)
    rectangle = np.full((len(rows), maxlen, *step_shape), as_fill(value, dtype), dtype)
    start = 0
    for lengths, steps in parts:
        rectangle[start : start + len(lengths)][real_steps(lengths, maxlen, padding)] = steps
        start += len(lengths)
    return rectangle


def _join(rows, start, dtype, step_shape):
    """Return all steps of all rows, one after the other: shape `(sum of lengths, ...)`."""
    steps = _numbers(rows, dtype) if step_shape == () else None
    if steps is None:
        try:
            # "equiv" refuses rows of different dtypes, and what are no arrays at all.
            steps = np.concatenate(rows, dtype=rows[0].dtype, casting="equiv")
        except (AttributeError, TypeError, ValueError):
            steps = np.empty(0, object)
    numbers = steps.dtype.kind in "biufc"
    if numbers and steps.shape[1:] == step_shape and not _is_beyond(steps, dtype):
        return steps
    steps = [_as_steps(row, start + place, dtype, step_shape) for place, row in enumerate(rows)]
    steps = [row for row in steps if len(row)]
    return np.concatenate(steps) if steps else np.empty((0, *step_shape), dtype or int)


def _numbers(rows, dtype):
    """Return the steps of lists of Python's integers or floats; `None` if they are not such.

    `struct` takes half of the time that NumPy does, and refuses what it would have to cut.
    """
    if not set(map(type, rows)) <= {list, tuple}:
        return None
    flat = []
    for row in rows:
        flat += row
    kind = type(flat[0]) if flat else None
    if kind not in (int, float) or not (dtype is None or dtype.kind in "iuf"):
        return None
    code = dtype.char if dtype is not None and dtype.kind in "iu" else "q" if kind is int else "d"
    try:
        return np.frombuffer(struct.pack(f"{len(flat)}{code}", *flat), DTYPES.get(code, code))
    except (struct.error, TypeError, OverflowError):  # a step is no number, or too large
        return None


def _as_steps(row, place, dtype, step_shape):
    """Return one row as an array, or say which row it is and what is wrong with it."""
    try:
        steps = np.asarray(row)
        if _is_beyond(steps, dtype):
            raise ValueError("NaN and infinity are no integers")
        steps = steps if dtype is None else np.asarray(row, dtype)
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


def _is_beyond(steps, dtype):
    """Whether the steps hold NaN or infinity, and `dtype` has no such number."""
    to_integers = dtype is not None and dtype.kind in "iu" and steps.dtype.kind in "fc"
    return to_integers and not np.isfinite(steps).all()


def _step_shape(rows):
    """Return the shape of one step, taken from the first row that has one."""
    first = next((row for row in rows if not has_length(row) or len(row)), ())
    _lengths([first], 0)
    try:
        return np.asarray(first).shape[1:]
    except ValueError:
        raise ValueError(
            f"`sequences` must hold steps of one shape, got ragged features: {first!r}"
        ) from None


def _lengths(rows, start):
    """Return the rows' lengths, shape `(B,)`, or say which of them is no row."""
    if not any(issubclass(kind, NOT_ROWS) for kind in set(map(type, rows))):
        try:
            return np.fromiter(map(len, rows), np.intp, len(rows))
        except TypeError:
            pass
    place, row = next(
        (place, row)
        for place, row in enumerate(rows, start)
        if isinstance(row, NOT_ROWS) or not has_length(row)
    )
    raise TypeError(
        f"`sequences[{place}]` must be a list, tuple or array of steps, "
        f"got {row!r} ({type(row).__name__})"
    )


def has_length(row):
    """Whether `len(row)` is there; an array of no axes has the method alone."""
    try:
        return len(row) >= 0
    except TypeError:
        return False


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
        found = " and ".join(sorted(map(str, dtypes)))
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
    return (steps[::-1] if padding == "pre" else steps) < lengths.astype(counter)[:, None]
