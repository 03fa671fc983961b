"""How `course_lib.pad` fills its rectangle: lists of numbers one way, all other rows another.

Both work on some thousand rows at a time, so that what they touch stays in the processor's cache.
"""

import struct
from operator import attrgetter

import numpy as np

CHUNK_ROWS, CHUNK_BYTES = 4096, 2**18
NOT_ROWS = (str, bytes, dict, set)


def pack_numbers(rows, maxlen, dtype, padding, truncating, value):
    """Pad lists of Python's integers or floats; return `None` if the rows are anything else.

    `struct` takes a third of the time in which NumPy reads a list, and refuses what it would have
    to cut. Its "x", a byte of zeros, is the padding: "3i8x" makes a row of 5 steps, 3 of them real.
    """
    if not len(rows) or type(rows[0]) not in (list, tuple):
        return None
    rows = list(rows) if isinstance(rows, np.ndarray) else rows
    # Other things can be unpacked too: bytes would turn into integers, sets into any order.
    if not set(map(type, rows)) <= {list, tuple}:
        return None
    lengths = set(map(len, rows))
    if maxlen is None:
        maxlen = max(lengths)
    if max(lengths) > maxlen:
        rows = truncate(rows, lengths_of(rows), maxlen, truncating)
        lengths = set(map(len, rows))
    first = first_row(rows)
    kind = type(first[0]) if first else None
    if kind not in (int, float):
        return None
    if dtype is None:
        dtype = np.result_type(kind, np.min_scalar_type(value))
    if dtype.kind not in ("iuf" if kind is int else "f"):
        return None
    fill = as_fill(value, dtype)
    code = _code(kind, dtype)
    packers = _packers(lengths, maxlen, code, padding)
    rectangle = np.empty((len(rows), maxlen), dtype)
    height = 1 + CHUNK_BYTES // (1 + maxlen * struct.calcsize(code))
    for start in range(0, len(rows), height):
        chunk = rows[start : start + height]
        try:
            packed = b"".join([packers[len(row)](*row) for row in chunk])
        except (struct.error, TypeError, OverflowError):  # a step is no number, or too large
            return None
        part = rectangle[start : start + height]
        part[...] = np.frombuffer(packed, code).reshape(part.shape)
    if any(fill.tobytes()):
        rectangle[~real_steps(lengths_of(rows), maxlen, padding)] = fill
    return rectangle


def _code(kind, dtype):
    """Return the letter of `struct` for a step; NumPy has the same letters for the types of C."""
    if kind is float:
        return "d"
    # Most ids need only half of an int64, and half of the memory takes less time.
    return dtype.char if dtype.kind in "iu" and dtype.char not in "lq" else "i"


def _packers(lengths, maxlen, code, padding):
    """Return for each length, at its place in a list, what packs so many numbers into a row."""
    packers = [None] * (1 + maxlen)
    for length in lengths:
        real, zeros = f"{length}{code}", f"{(maxlen - length) * struct.calcsize(code)}x"
        packers[length] = struct.Struct(real + zeros if padding == "post" else zeros + real).pack
    return packers


def scatter(rows, maxlen, dtype, padding, truncating, value):
    """Pad rows of any kind: join their steps, then `rectangle[mask] = steps`."""
    step_shape = _step_shape(rows)
    parts = []
    for start in range(0, len(rows), CHUNK_ROWS):
        chunk = rows[start : start + CHUNK_ROWS]
        if maxlen is not None:
            chunk = truncate(chunk, lengths_of(chunk, start), maxlen, truncating, start)
        steps = _join(chunk, start, dtype, step_shape)
        # Only now: the joining has brought the rows into the cache, in half the time.
        parts.append((lengths_of(chunk, start), steps))
    if maxlen is None:
        maxlen = max(int(lengths.max()) for lengths, _ in parts)
    if dtype is None:
        dtype = _common_dtype([steps.dtype for _, steps in parts if steps.size], value)
        if dtype.kind == "O" and any(steps.dtype.kind != "O" for _, steps in parts):
            # Strings, or a mix: join again, so that a 1 beside strings stays a 1.
            return scatter(rows, maxlen, dtype, padding, truncating, value)
    fill = as_fill(value, dtype)
    rectangle = np.empty((len(rows), maxlen, *step_shape), dtype)
    start = 0
    for lengths, steps in parts:
        part = rectangle[start : start + len(lengths)]
        part[...] = fill
        part[real_steps(lengths, maxlen, padding)] = steps
        start += len(lengths)
    return rectangle


def _join(rows, start, dtype, step_shape):
    """Return all steps of all rows, one after the other: shape `(sum of lengths, ...)`."""
    if isinstance(rows[0], np.ndarray) and rows[0].dtype.kind in "biufc":
        steps = _flat_arrays(rows)
        if steps is None:
            steps = _arrays(rows)
        if steps is not None and steps.shape[1:] == step_shape and not _is_beyond(steps, dtype):
            return steps
    if step_shape == ():
        steps = _numbers(rows)
        if steps is not None and (
            dtype is None or dtype.kind == "f" or np.can_cast(steps.dtype, dtype)
        ):
            return steps
    _refuse_non_rows(rows, start)
    rows = [_as_steps(row, start + place, dtype, step_shape) for place, row in enumerate(rows)]
    rows = [row for row in rows if len(row)]
    return np.concatenate(rows) if rows else np.empty((0, *step_shape), dtype or int)


def _flat_arrays(rows):
    """Return the steps of one-dimensional arrays of one dtype; `None` if the rows are not such.

    `bytes.join` takes half the time of `np.concatenate`.
    """
    dtype = rows[0].dtype
    try:
        if set(map(attrgetter("dtype"), rows)) != {dtype}:
            return None
        if set(map(attrgetter("ndim"), rows)) != {1}:
            return None
        return np.frombuffer(b"".join(rows), dtype)
    except (AttributeError, BufferError, TypeError, ValueError):
        return None


def _arrays(rows):
    """Return the steps of arrays of one dtype; `None` if the rows are not such."""
    try:
        # "equiv" makes it refuse rows of different dtypes, and what are no rows at all.
        return np.concatenate(rows, dtype=rows[0].dtype, casting="equiv")
    except (TypeError, ValueError):
        return None


def _numbers(rows):
    """Return the steps of lists of plain numbers, float64 or int64; `None` if they are not such.

    `struct` takes half of the time that NumPy does, and refuses what it would have to cut.
    """
    if not set(map(type, rows)) <= {list, tuple}:
        return None
    flat = []
    for row in rows:
        flat += row
    code = {float: "d", int: "q"}.get(type(flat[0])) if flat else None
    if code is None:
        return None
    try:
        return np.frombuffer(struct.pack(f"{len(flat)}{code}", *flat), code)
    except (struct.error, TypeError, OverflowError):
        return None


def _as_steps(row, place, dtype, step_shape):
    """Return one row as an array, or say which row it is and what is wrong with it."""
    try:
        steps = np.asarray(row)
        if _is_beyond(steps, dtype):
            raise ValueError("NaN and infinity are no integers")
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


def _is_beyond(steps, dtype):
    if dtype is None or dtype.kind not in "iu" or steps.dtype.kind not in "fc":
        return False
    return not np.isfinite(steps).all()


def first_row(rows):
    """Return the first row that is not empty, `None` if there is none."""
    return next((row for row in rows if not has_length(row) or len(row)), None)


def _step_shape(rows):
    """Return the shape of one step, taken from the first row that has one."""
    first = first_row(rows)
    if first is None:
        return ()
    if not has_length(first) or isinstance(first, NOT_ROWS):
        _refuse_non_rows(rows, 0)
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
        if isinstance(row, NOT_ROWS) or not has_length(row):
            raise TypeError(
                f"`sequences[{place}]` must be a list, tuple or array of steps, "
                f"got {row!r} ({type(row).__name__})"
            )


def has_length(row):
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
