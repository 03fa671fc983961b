"""How `course_lib.pad` fills its rectangle: join the real steps, then `rectangle[mask] = steps`."""

import struct

import numpy as np

# So many rows at a time stay in the processor's cache while they are joined and laid.
CHUNK_ROWS = 1024
CODES = {int: np.dtype(int).char, float: "d"}


def fill_rectangle(rows, maxlen, dtype, padding, truncating, value):
    """Return the padded rows as an array of shape `(B, T, ...)`; see `course_lib.pad`."""
    try:
        lengths = np.fromiter(map(len, rows), np.intp, len(rows))
    except TypeError:  # Say which row has no length.
        lengths = [_as_steps(row, at) for at, row in enumerate(rows)]
    shapes = (_as_steps(row, at).shape[1:] for at, row in enumerate(rows) if len(row))
    step_shape = next(shapes, ())
    maxlen = int(lengths.max()) if maxlen is None else maxlen
    if (lengths > maxlen).any():
        keep = slice(maxlen) if truncating == "post" or not maxlen else slice(-maxlen, None)
        rows = [row[keep] if len(row) > maxlen and is_row(row) else row for row in rows]
    mask = real_steps(np.minimum(lengths, maxlen), maxlen, padding)
    chunks = [slice(start, start + CHUNK_ROWS) for start in range(0, len(rows), CHUNK_ROWS)]
    parts = (_join(rows[chunk], chunk.start, dtype, step_shape) for chunk in chunks)
    if dtype is None:
        parts = list(parts)
        dtype = _common_dtype({steps.dtype for steps in parts if steps.size}, value)
        if dtype.kind == "O":  # Strings, or a mix: join again, so that a 1 beside them stays a 1.
            parts = [_join(rows[chunk], chunk.start, dtype, step_shape) for chunk in chunks]
    rectangle = np.full((len(rows), maxlen, *step_shape), as_fill(value, dtype), dtype)
    for chunk, steps in zip(chunks, parts, strict=True):
        rectangle[chunk][mask[chunk]] = steps
    return rectangle


def is_row(row):
    """Whether this is a list, a tuple, an array or the like; an array of no axes is none."""
    no_row = isinstance(row, (str, bytes, dict, set)) or getattr(row, "shape", None) == ()
    return hasattr(type(row), "__len__") and not no_row


def _join(rows, start, dtype, step_shape):
    """Return all steps of all rows, one after the other: shape `(sum of lengths, ...)`."""
    steps = _alike(rows, dtype)
    if steps is not None and steps.shape[1:] == step_shape:
        return steps
    steps = [_as_steps(row, at, dtype, step_shape) for at, row in enumerate(rows, start)]
    steps = [row for row in steps if len(row)] or [np.empty((0, *step_shape), dtype or int)]
    return np.concatenate(steps)


def _alike(rows, dtype):
    """Return the steps of arrays of one dtype, or of lists of numbers, quickly; else `None`."""
    kinds, to_integers = set(map(type, rows)), dtype is not None and dtype.kind in "iu"
    try:
        if kinds == {np.ndarray}:
            steps = np.concatenate(rows, casting="equiv")  # refuses arrays of several dtypes
            fits = not to_integers or steps.dtype.kind in "biu" or np.isfinite(steps).all()
            return steps if fits and steps.dtype.kind in "biufc" else None
        if not kinds <= {list, tuple} or not (dtype is None or dtype.kind in "iuf"):
            return None
        # `struct` takes half of the time that NumPy does, and refuses what it would have to cut.
        code = dtype.char if to_integers else CODES[next(type(row[0]) for row in rows if row)]
        pack = {length: struct.Struct(f"{length}{code}").pack for length in set(map(len, rows))}
        return np.frombuffer(b"".join([pack[len(row)](*row) for row in rows]), code)
    except (KeyError, OverflowError, StopIteration, TypeError, ValueError, struct.error):
        return None


def _as_steps(row, at, dtype=None, step_shape=None):
    """Return one row as an array, or say which row it is and what is wrong with it."""
    name, kind = f"`sequences[{at}]`", type(row).__name__
    if not is_row(row):
        raise TypeError(f"{name} must be a list, tuple or array of steps, got {row!r} ({kind})")
    try:
        # Where integers are wanted, NumPy refuses NaN in a list, but not in an array.
        is_cut = dtype is not None and dtype.kind in "iu" and np.asarray(row).dtype.kind == "f"
        steps = np.asarray(np.asarray(row).tolist() if is_cut else row, dtype)
        if step_shape is not None and len(row) and steps.shape[1:] != step_shape:
            raise ValueError(f"of shape {step_shape} before it, of shape {steps.shape[1:]} here")
    except (TypeError, ValueError, OverflowError) as error:
        wanted = "one shape and one kind" if dtype is None else f"dtype {dtype}"
        raise ValueError(f"{name} must hold steps of {wanted}, got {row!r} ({error})") from None
    return steps


def _common_dtype(dtypes, value):
    """Return the dtype that holds all rows and the padding value."""
    kinds, is_word = {dtype.kind for dtype in dtypes}, isinstance(value, str)
    if kinds and (kinds <= set("biufc") if is_word else kinds & set("US")):
        kind = "number" if is_word else "string"
        raise ValueError(f"`value` must be a {kind} for sequences of {kind}s, got {value!r}")
    try:
        value_dtype = np.dtype(object) if is_word else np.min_scalar_type(value)
        return np.result_type(*dtypes or [np.dtype(int)], value_dtype)
    except TypeError:
        found = " and ".join(sorted(map(str, dtypes)))
        raise ValueError(f"`value` must fit sequences of {found}, got {value!r}") from None


def as_fill(value, dtype):
    """Return `value` as an array of `dtype` and of shape `(1,)`, or say that it is none."""
    if np.ndim(value):
        raise ValueError(f"`value` must be one number or string, got {value!r}")
    try:
        if isinstance(value, str) and dtype.kind not in "OUS":
            raise ValueError
        return np.asarray([np.asarray(value).tolist()], dtype)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"`value` must be a number that {dtype} holds, got {value!r}") from None


def real_steps(lengths, maxlen, padding):
    """Return the mask of rows with these lengths, `(B, T)`, without any check."""
    # The smallest integers that count to `maxlen` are compared several times as fast.
    counter = np.min_scalar_type(maxlen)
    steps = np.arange(maxlen, dtype=counter)
    return (steps[::-1] if padding == "pre" else steps) < lengths.astype(counter)[:, None]
