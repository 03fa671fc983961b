"""Batches with few padded steps: rows of like length together, several in one row.

Axes: `B` batch, `T` time. A packed row holds several sequences, one behind the other. Its segments
say which step belongs to which: 1 for the row's first sequence, 2 for its second, 0 for padding,
as the package `grain` numbers them.
"""

from typing import NamedTuple

import numpy as np

from course_lib._arguments import as_array, as_flag, as_integer
from course_lib.padding import pad


class Packed(NamedTuple):
    """Sequences packed into rows.

    Attributes:
        ids: integers of shape `(B, T)`, 0 at padded steps.
        segments: int32, shape `(B, T)`: which sequence of its row a step belongs to, 0 for padding.
        positions: int32, shape `(B, T)`: the step's place in its own sequence, 0 at padded steps.
        places: int64, shape `(N, 2)`: for each sequence, in the order given, its row and its start.
    """

    ids: np.ndarray
    segments: np.ndarray
    positions: np.ndarray
    places: np.ndarray


def batches_by_length(lengths, size):
    """Return batches of rows of like length: a list of index arrays, each of up to `size` rows.

    Rows are sorted by length and cut into batches; rows of one length keep their order. Shuffle the
    batches before each epoch, or a model sees the shortest rows first every time.

    Args:
        lengths: integers of shape `(N,)`, each at least 0.
        size: the number of rows in a batch; the last batch may hold fewer.

    Raises:
        TypeError: `lengths` or `size` are not integers.
        ValueError: `lengths` is not of shape `(N,)` or holds one below 0; `size` is below 1.
    """
    lengths = as_array(lengths, "lengths", ndim=1)
    if lengths.size and lengths.dtype.kind not in "iu":
        raise TypeError(f"`lengths` must be integers, got dtype {lengths.dtype}")
    if lengths.size and lengths.min() < 0:
        raise ValueError(f"`lengths` must be at least 0, got {lengths.min()}")
    size = as_integer(size, "size", at_least=1)
    order = np.argsort(lengths, kind="stable")
    return [order[start : start + size] for start in range(0, len(order), size)]


def pack(sequences, steps):
    """Put several sequences into each row, so that few steps are padding.

    The longest sequence comes first, and each goes into the first row that has room for it (first
    fit, decreasing).

    Args:
        sequences: a list or tuple of sequences of ids; each is of integers, shape `(length,)`, with
            a length from 1 to `steps`.
        steps: the number of steps `T` of a row.

    Returns:
        A `Packed`: ids, segments, positions, and where each sequence stands.

    Raises:
        TypeError: a sequence does not hold integers, or `steps` is not an integer.
        ValueError: no sequences, an empty one, one longer than `steps`, or `steps` below 1.
    """
    steps = as_integer(steps, "steps", at_least=1)
    if not isinstance(sequences, (list, tuple)):
        kind = type(sequences).__name__
        raise TypeError(f"`sequences` must be a list or tuple of sequences, got {kind}")
    arrays = [_as_ids(row, f"sequences[{at}]", steps) for at, row in enumerate(sequences)]
    if not arrays:
        raise ValueError("`sequences` must hold at least one sequence, got none")
    rows, used = [], []
    places = np.zeros((len(arrays), 2), np.int64)
    for at in sorted(range(len(arrays)), key=lambda at: -len(arrays[at])):
        length = len(arrays[at])
        row = next((r for r, full in enumerate(used) if full + length <= steps), len(rows))
        if row == len(rows):
            rows.append([])
            used.append(0)
        places[at] = row, used[row]
        rows[row].append(arrays[at])
        used[row] += length
    count = [[np.full(len(a), n) for n, a in enumerate(row, 1)] for row in rows]
    place = [[np.arange(len(a)) for a in row] for row in rows]
    return Packed(
        _as_rows(rows, steps),
        _as_rows(count, steps, "int32"),
        _as_rows(place, steps, "int32"),
        places,
    )


def packed_mask(segments, causal=False):
    """Return who may look at whom: bool, shape `(B, T, T)`, query by key.

    A step sees the steps of its own sequence and no others; a padded step sees none. With
    `causal=True` it sees only those up to itself. It is the `attention_mask` of
    `keras.layers.MultiHeadAttention`.

    Args:
        segments: integers of shape `(B, T)`, 0 at padded steps.
        causal: whether a step is kept from looking ahead.

    Raises:
        TypeError: `segments` are not integers, or `causal` is not True or False.
        ValueError: `segments` is not of shape `(B, T)`.
    """
    segments = as_array(segments, "segments", ndim=2)
    if segments.dtype.kind not in "iu":
        raise TypeError(f"`segments` must be integers, got dtype {segments.dtype}")
    mask = (segments[:, :, None] == segments[:, None, :]) & (segments != 0)[:, :, None]
    return np.tril(mask) if as_flag(causal, "causal") else mask


def _as_rows(parts, steps, dtype=None):
    return pad([np.concatenate(row) for row in parts], maxlen=steps, dtype=dtype)


def _as_ids(row, name, steps):
    ids = as_array(row, name, ndim=1)
    if not 1 <= len(ids) <= steps:
        raise ValueError(f"`{name}` must have 1 to {steps} steps, got {len(ids)}")
    if ids.dtype.kind not in "iu":
        raise TypeError(f"`{name}` must hold integers, got dtype {ids.dtype}")
    return ids
