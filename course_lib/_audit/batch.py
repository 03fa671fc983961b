"""The batch that is audited: which inputs are sequences, and what is real in them; NumPy alone.

A *view* shows the same rows to the model in another way: as they came, some rows alone and without
padding, with more padding, with the padding on the other side.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from course_lib._audit.view import View


@dataclass(frozen=True, eq=False)
class Sequence:
    """One time axis: the inputs that share it and which of their steps are real.

    Attributes:
        leaves: indices of the input leaves.
        real: bool, shape `(B, T)`: real steps; holes, padding between real ones, are not.
        made: True if the model itself makes the mask from the values.
    """

    leaves: tuple
    real: Any
    made: bool = False

    @cached_property
    def starts(self):
        """Where each row's own steps begin."""
        return np.where(self.real.any(axis=1), self.real.argmax(axis=1), 0)

    @cached_property
    def stops(self):
        """Where each row's own steps end."""
        last = self.real.shape[1] - self.real[:, ::-1].argmax(axis=1)
        return np.where(self.real.any(axis=1), last, 0)

    @property
    def mask(self):
        """Bool, shape `(B, T)`: each row's own steps, from its first real one to its last."""
        places = np.arange(self.real.shape[1])
        return (places >= self.starts[:, None]) & (places < self.stops[:, None])

    @property
    def lengths(self):
        """How many steps each row has, holes included."""
        return self.stops - self.starts

    @property
    def side(self):
        """Where the padding stands: "pre" if only ahead of the rows, else "post"."""
        padded = self.lengths < self.real.shape[1]
        ahead = self.starts[padded & (self.lengths > 0)] > 0
        return "pre" if ahead.size and ahead.all() else "post"


@dataclass(frozen=True, eq=False)
class Batch:
    """The inputs as leaves and sequences, and the views of them.

    Attributes:
        structure: the user's `x`, for its form.
        leaves: arrays.
        sequences: tuple of `Sequence`.
        masks: what is handed over as `mask=`, one for each leaf, or `None`.
        refillable: for each leaf, True if other values may stand in its padding: what is real in
            it is told from outside, and the model makes no mask of its values.
        inputs: for each leaf, in words, what it was taken for.
        numbers: the rows' numbers in the user's batch.
        fixed: the batch size that the model fixes, or `None`.
        along: dict of a leaf's number and the axes along which its steps run, where that is not
            axis 1 alone: who is next to whom, `(B, T, T)`, or a mask of `(B, 1, T)`.
    """

    structure: Any
    leaves: list
    sequences: tuple = ()
    masks: list | None = None
    refillable: tuple = ()
    inputs: tuple = ()
    numbers: Any = None
    fixed: int | None = None
    along: dict = field(default_factory=dict)

    def __post_init__(self):
        if self.numbers is None:
            object.__setattr__(self, "numbers", np.arange(self.size))

    @property
    def size(self):
        """The number of rows."""
        return len(self.leaves[0])

    @property
    def empty(self):
        """Which rows have no real step at all in some sequence, shape `(B,)`."""
        return np.any([~sequence.real.any(axis=1) for sequence in self.sequences], axis=0)

    @property
    def side(self):
        """Where the padding of the first sequence stands, "pre" or "post"."""
        return self.sequences[0].side

    @property
    def has_leaves(self):
        """True if each sequence is one of the inputs, and not made of text by the model."""
        return all(sequence.leaves for sequence in self.sequences)

    @property
    def longest(self):
        """The largest number of steps."""
        return max(sequence.real.shape[1] for sequence in self.sequences)

    def sequence_of(self, leaf):
        """Return the number of the sequence that a leaf belongs to, or `None`."""
        for number, sequence in enumerate(self.sequences):
            if leaf in sequence.leaves:
                return number
        return None

    def without(self, rows):
        """Return the batch without some rows, which keep their numbers."""
        keep = np.setdiff1d(np.arange(self.size), rows)
        return replace(
            self,
            leaves=[leaf[keep] for leaf in self.leaves],
            masks=self.masks and [m if m is None else m[keep] for m in self.masks],
            sequences=tuple(replace(one, real=one.real[keep]) for one in self.sequences),
            numbers=self.numbers[keep],
        )

    def padding_value(self, number):
        """Return what stands in the padding of a leaf."""
        return self.leaves[number][~self.sequences[self.sequence_of(number)].mask].flat[0]

    # ------------------------------------------------------------------ views

    def crowd(self, row, others):
        """Return two views without padding: a row alone, and the same beside other rows.

        The others' own steps are repeated or cut to the row's length.
        """
        alone = self.view([row], place="alone")
        rows = np.array([row, *others])
        leaves = []
        for number, leaf in enumerate(self.leaves):
            which = self.sequence_of(number)
            if which is None:
                leaves.append(leaf[rows])
                continue
            sequence, places = self.sequences[which], np.arange(alone.steps[which])
            own = sequence.starts[rows][:, None] + places % sequence.lengths[rows][:, None]
            leaves.append(self._laid(number, rows, own))
        again = np.zeros(len(rows), int)
        return alone, replace(
            alone,
            leaves=leaves,
            masks=alone.taken(again)[1],
            rows=rows,
            starts=tuple(one[again] for one in alone.starts),
            lengths=tuple(one[again] for one in alone.lengths),
        )

    def view(self, rows=None, place=None, extra=0, fill=None, kinds="iuf"):
        """Return the rows in one arrangement.

        Args:
            rows: which rows; all if `None`.
            place: "alone": cut to the rows' own steps, which must be equally many; "post" or
                "pre": moved to that side; `None`: where they stand.
            extra: how many steps of padding are appended where there is padding.
            fill: a random generator that writes other values of the batch into the padding of
                leaves that can be refilled; `None` leaves it.
            kinds: the kinds of dtype that `fill` is for.
        """
        rows = np.arange(self.size) if rows is None else np.asarray(rows)
        ways = [_arranged(sequence, rows, place, extra) for sequence in self.sequences]
        steps, starts, lengths = (tuple(way[part] for way in ways) for part in range(3))
        moved = place is not None or extra or fill is not None
        leaves, masks = [], []
        for number, leaf in enumerate(self.leaves):
            which = self.sequence_of(number)
            mask = None if self.masks is None else self.masks[number]
            if which is None or not moved:
                leaves.append(leaf[rows])
                masks.append(None if mask is None else mask[rows])
                continue
            first = self.sequences[which].starts[rows]
            source = _source(first, starts[which], lengths[which], steps[which])
            leaves.append(self._laid(number, rows, source, fill, kinds))
            masks.append(None if mask is None else _take(mask, rows, source, _constant(False)))
        masks = None if self.masks is None else masks
        return View(leaves, masks, rows, steps, starts, lengths, self, self.fixed)

    def _laid(self, number, rows, source, fill=None, kinds=""):
        """Return the rows of a leaf with the steps that `source` names, along all its axes."""
        taken = self.leaves[number][rows]
        for axis in self.along.get(number, (1,)):
            filler = self._filler(number, axis, fill, kinds)
            turned = _take(np.moveaxis(taken, axis, 1), np.arange(len(rows)), source, filler)
            taken = np.moveaxis(turned, 1, axis)
        return taken

    def _filler(self, number, axis, fill, kinds):
        leaf = np.moveaxis(self.leaves[number], axis, 1)
        sequence = self.sequences[self.sequence_of(number)]
        if fill is not None and self.refillable[number] and leaf.dtype.kind in kinds:
            values = leaf[sequence.real]
            return lambda count: values[fill.integers(len(values), size=count)]
        padded = leaf[~sequence.mask]
        if not padded.size:
            return _constant(np.zeros((), leaf.dtype))
        return _constant(padded.flat[0] if number in self.along else padded[0])


def _arranged(sequence, rows, place, extra):
    """Return the number of steps, and where rows begin and how many steps they have: see `view`."""
    own, first = sequence.lengths[rows], sequence.starts[rows]
    if place == "alone":
        return int(own.max()), np.zeros_like(own), own
    total = sequence.real.shape[1]
    grown = extra if (sequence.lengths < total).any() else 0
    begin = first + (grown if sequence.side == "pre" else 0)
    total += grown
    if place is not None:
        begin = total - own if place == "pre" else np.zeros_like(own)
    return total, begin, own


def _constant(value):
    return lambda count: value


def _source(first, begin, own, total):
    """Return for each row and new step the old step that stands there, −1 for padding."""
    moved = np.arange(total) - begin[:, None]
    return np.where((moved >= 0) & (moved < own[:, None]), moved + first[:, None], -1)


def _take(leaf, rows, source, filler):
    taken = leaf[rows[:, None], np.maximum(source, 0)]
    hole = source < 0
    if hole.any():
        taken[hole] = filler(int(hole.sum()))
    return taken


def groups(batch):
    """Return the rows that have real steps, those of one length together, the shortest first."""
    keys = {}
    for row in np.flatnonzero(~batch.empty):
        key = tuple(int(sequence.lengths[row]) for sequence in batch.sequences)
        keys.setdefault(key, []).append(row)
    return [np.array(keys[key]) for key in sorted(keys)]
