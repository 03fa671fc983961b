"""Lay a tensor of one view beside the same tensor of another: equal at each row's own steps?"""

from dataclasses import dataclass

import numpy as np

TINY = np.finfo(np.float32).tiny
# Values beyond this are masks in disguise (−1e9 for "never") and say nothing about the scale.
HUGE = 1e6


@dataclass
class Difference:
    """Where two views differ most.

    Attributes:
        relative: the largest difference as a share of the tensor's scale.
        row: the row of the batch.
        place: the index within the row, counted from its first own step.
        batch: the value in the batch.
        alone: the value of the row alone.
    """

    relative: float
    row: int
    place: tuple
    batch: float
    alone: float

    @property
    def where(self):
        """The row and the index, in words."""
        place = ", ".join(map(str, self.place))
        return f"row {self.row}, index ({place})" if self.place else f"row {self.row}"

    def __str__(self):
        return f"{self.where}: {self.batch:.4g} in the batch, {self.alone:.4g} alone"


def layout(first, first_view, second, second_view, hint=None, pick=0):
    """Tell what each axis of a tensor is, from its shapes in two views.

    Args:
        first: shape in `first_view`.
        first_view: a `View`.
        second: shape in `second_view`.
        second_view: a `View` of some or all of the same rows.
        hint: what was found out before, for views with equally many steps.
        pick: which sequence is taken where several have these steps in both views.

    Returns:
        A tuple with "rows", "same", "free" or the number of a sequence for each axis; `None` if
        the tensors cannot be laid beside each other.
    """
    if len(first) != len(second) or not first:
        return None
    if hint is not None:
        return hint if len(hint) == len(first) else None
    if first[0] not in (first_view.size, len(first_view.rows)):
        return None
    if second[0] not in (second_view.size, len(second_view.rows)):
        return None
    kinds = ["rows"]
    for axis, (one, other) in enumerate(zip(first[1:], second[1:], strict=True), start=1):
        steps = zip(first_view.steps, second_view.steps, strict=True)
        axes = [number for number, pair in enumerate(steps) if pair == (one, other)]
        # Two views of equally many steps, with padding in both: the second axis is that of steps.
        padded = axis == 1 and len(first) > 2 and not (first_view.pure or second_view.pure)
        if one == other and not (padded and axes):
            kinds.append("same")
        elif axes:
            kinds.append(axes[min(pick, len(axes) - 1)])
        elif (one, other) == (first_view.size, second_view.size):
            kinds.append("rows")
        else:
            kinds.append("free")
    return tuple(kinds)


def layout_in_all(shape, view, others, pick=0):
    """Return the layout of an output that holds in every view: see `layout`.

    Args:
        shape: the output's shape in `view`.
        view: the `View` of the whole batch.
        others: list of `(shape, view)` of the groups alone.
        pick: which sequence is taken where several have these steps in all views.
    """
    found = [layout(shape, view, other, alone) for other, alone in others]
    if any(kinds is None for kinds in found):
        return None
    merged = []
    for axis, kinds in enumerate(zip(*found, strict=True)):
        sizes = [(other[axis], alone) for other, alone in others]
        fits = [
            number
            for number, steps in enumerate(view.steps)
            if shape[axis] == steps and all(size == alone.steps[number] for size, alone in sizes)
        ]
        if set(kinds) <= {"same"} or set(kinds) == {"rows"}:
            merged.append(kinds[0])
        elif axis and fits:
            merged.append(fits[min(pick, len(fits) - 1)])
        elif "rows" in kinds:
            merged.append("rows" if set(kinds) <= {"rows", "same"} else "free")
        else:
            merged.append("free")
    return tuple(merged)


def unfold(array, view):
    """Return `(B·T, ...)` as `(B, T, ...)` if no axis is the batch but their product is."""
    for steps in view.steps:
        if array.ndim and array.shape[0] == view.size * steps and array.shape[0] != view.size:
            return array.reshape(view.size, steps, *array.shape[1:])
    return array


def compare(batch, first, first_view, second, second_view, hint=None, reverse=False, side="post"):
    """Return the largest `Difference` at the rows' own steps.

    Args:
        batch: the `Batch`.
        first: array in `first_view`, which may have padding.
        first_view: a `View`.
        second: array in `second_view`, whose rows stand in `first_view` too.
        second_view: a `View`, mostly of rows alone.
        hint: see `layout`.
        reverse: read `first` as if its time ran backwards.
        side: where padding stands, for an axis whose length follows that of no input.

    Returns:
        A `Difference` (0 if all is equal), or `None` where nothing can be said.
    """
    first, second = unfold(first, first_view), unfold(second, second_view)
    if first.dtype.kind not in "fiub" or second.dtype.kind not in "fiub":
        return None
    shapes = (first.shape, first_view, second.shape, second_view)
    # Two inputs may have equally many steps, padded on different sides.
    picks = range(len(batch.sequences)) if len(batch.sequences) > 1 else (0,)
    ways = dict.fromkeys(layout(*shapes, hint, pick) for pick in picks)
    found = [
        _compare(batch, first, first_view, second, second_view, kinds, reverse, side)
        for kinds in ways
        if kinds is not None and not ("free" in kinds and not second_view.pure)
    ]
    found = [one for one in found if one is not None]
    return min(found, key=lambda one: one.relative) if found else None


def _compare(batch, first, first_view, second, second_view, kinds, reverse, side):
    places = {int(row): place for place, row in enumerate(first_view.rows)}
    scale = _scale(second)
    worst = Difference(0.0, -1, (), 0.0, 0.0)
    for place, row in enumerate(second_view.rows):
        mine = places[int(row)]
        a = _part(first, kinds, first_view, mine, second.shape, reverse, side, second_view)
        b = _part(
            second,
            kinds,
            second_view,
            place,
            second.shape,
            reverse and not second_view.pure,
            side,
            second_view,
        )
        if a.shape != b.shape:
            return None
        found = _largest(a, b, scale, _holes(batch, row, kinds, reverse))
        if found is not None and found[0] > worst.relative:
            relative, where = found
            worst = Difference(
                relative, int(batch.numbers[row]), where, float(a[where]), float(b[where])
            )
    return worst


def _part(array, kinds, view, place, sizes, reverse, side, other):
    index = [place]
    for axis, kind in enumerate(kinds[1:], start=1):
        if kind == "same":
            index.append(slice(None))
        elif kind == "rows":
            wanted = {int(row): number for number, row in enumerate(view.rows)}
            index.append(np.array([wanted[int(row)] for row in other.rows]))
        elif kind == "free":
            size = sizes[axis]
            index.append(
                slice(0, size) if side == "post" else slice(array.shape[axis] - size, None)
            )
        else:
            start, length = view.starts[kind][place], view.lengths[kind][place]
            if reverse:
                start = array.shape[axis] - start - length
            index.append(slice(start, start + length))
    return array[tuple(index)]


def _holes(batch, row, kinds, reverse):
    """Return, broadcast over the row's own steps, where padding stands between real steps."""
    holes = None
    for axis, kind in enumerate(kinds[1:]):
        if not isinstance(kind, int):
            continue
        sequence = batch.sequences[kind]
        real = sequence.real[row, sequence.starts[row] : sequence.stops[row]]
        if real.all():
            continue
        hole = ~(real[::-1] if reverse else real)
        hole = hole.reshape([-1 if place == axis else 1 for place in range(len(kinds) - 1)])
        holes = hole if holes is None else holes | hole
    return holes


def _scale(array):
    if array.dtype.kind != "f":
        return 1.0
    size = np.abs(array.astype(np.float64))
    size = size[np.isfinite(size) & (size < HUGE)]
    return max(float(size.max()), float(TINY)) if size.size else 1.0


def _largest(a, b, scale, holes):
    """Return the largest difference as a share of the scale and where it is."""
    if not a.size:
        return None
    a, b = a.astype(np.float64), b.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        share = np.abs(a - b) / np.maximum(np.where(np.isfinite(b), np.abs(b), 0), scale)
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    share = np.where(same, 0.0, np.where(np.isnan(share), np.inf, share))
    if holes is not None:
        share = np.where(holes, 0.0, share)
    where = np.unravel_index(int(share.argmax()), share.shape)
    return float(share[where]), tuple(int(place) for place in where)
