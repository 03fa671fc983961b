"""Lay a tensor of one view beside the same tensor of another: equal at each row's own steps?"""

from dataclasses import dataclass

import numpy as np

from course_lib._audit.layout import layouts, unfold

TINY = np.finfo(np.float32).tiny
# Values beyond this are masks in disguise (−1e9 for "never") and say nothing about the scale.
HUGE = 1e6


@dataclass(frozen=True)
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


def compare(first, first_view, second, second_view, axes=None, side="post", turned=False):
    """Return the largest `Difference` at the rows' own steps.

    Args:
        first: array in `first_view`, which may have padding.
        first_view: a `View`.
        second: array in `second_view`, whose rows stand in `first_view` too.
        second_view: a `View`, mostly of rows alone.
        axes: the `Axes`, if they are known; else they are read off the shapes.
        side: where padding stands, for an axis whose length follows that of no input.
        turned: read `first` as if its time ran backwards.

    Returns:
        A `Difference` (0 if all is equal), or `None` where nothing can be said.
    """
    first, second = unfold(first, first_view), unfold(second, second_view)
    if first.dtype.kind not in "fiub" or second.dtype.kind not in "fiub":
        return None
    if axes is None:
        ways = layouts(first.shape, first_view, [(second.shape, second_view)], side)
    else:
        ways = [axes] if len(axes) == first.ndim == second.ndim else []
    found = [
        _compare(first, first_view, second, second_view, way, turned)
        for way in ways
        if second_view.pure or not way.is_free
    ]
    found = [one for one in found if one is not None]
    return min(found, key=lambda one: one.relative) if found else None


def _compare(first, first_view, second, second_view, axes, turned):
    places = {int(row): place for place, row in enumerate(first_view.rows)}
    batch, scale = second_view.batch, _scale(second)
    other_turned = turned and not second_view.pure
    worst = Difference(0.0, -1, (), 0.0, 0.0)
    for place, row in enumerate(second_view.rows):
        ends = (second.shape, second_view.rows)
        a = first[axes.own(first.shape, places[int(row)], first_view, *ends, turned)]
        b = second[axes.own(second.shape, place, second_view, *ends, other_turned)]
        if a.shape != b.shape:
            return None
        found = largest(a, b, scale, axes.holes(batch, row, turned))
        if found is not None and found[0] > worst.relative:
            relative, where = found
            number = int(batch.numbers[row])
            worst = Difference(relative, number, where, float(a[where]), float(b[where]))
    return worst


def _scale(array):
    if array.dtype.kind != "f":
        return 1.0
    size = np.abs(array.astype(np.float64))
    size = size[np.isfinite(size) & (size < HUGE)]
    return max(float(size.max()), float(TINY)) if size.size else 1.0


def largest(a, b, scale, holes):
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
