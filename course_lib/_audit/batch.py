"""The batch that is audited: which inputs are sequences, and what is real in them; NumPy alone.

A *view* shows the same rows to the model in another way: as they came, some rows alone and without
padding, with more padding, with the padding on the other side.
"""

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from course_lib._audit.view import View


@dataclass(frozen=True, eq=False)
class Batch:
    """The inputs as leaves and sequences, and the views of them.

    Attributes:
        leaves: arrays.
        sequences: tuple of `Sequence`.
        masks: what is handed over as `mask=`, one for each leaf, or `None`.
        untold: for each leaf, True if its own values do not tell the model what is real.
        refillable: for each leaf, True if other values may stand in its padding: it is untold, and
            what is real in it is told from outside.
        inputs: for each leaf, in words, what it was taken for.
        unsure: what is to be said of inputs that could be sequences and are taken for none.
        numbers: the rows' numbers in the user's batch.
        fixed: the batch size that the model fixes, or `None`.
        along: dict of a leaf's number and the axes along which its steps run, where that is not
            axis 1 alone: who is next to whom, `(B, T, T)`, or a mask of `(B, 1, T)`.
    """

    leaves: list
    sequences: tuple = ()
    masks: list | None = None
    untold: tuple = ()
    refillable: tuple = ()
    inputs: tuple = ()
    unsure: tuple = ()
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

    def view(self, rows=None, place=None, extra=0, fill=None):
        """Return the rows in one arrangement.

        Args:
            rows: which rows; all if `None`.
            place: "alone": cut to the rows' own steps, which must be equally many; "post" or
                "pre": moved to that side; `None`: where they stand.
            extra: how many steps of padding are appended where there is padding.
            fill: a random generator that writes other values of the batch into the padding of
                leaves that can be refilled; `None` leaves it.
        """
        rows = np.arange(self.size) if rows is None else np.asarray(rows)
        if place is None and not extra and fill is None:
            return self._laid(rows, [None] * len(self.sequences))
        sources = [_source(sequence, rows, place, extra) for sequence in self.sequences]
        return self._laid(rows, sources, fill)

    def crowd(self, row, others):
        """Return two views without padding: a row alone, and the same beside other rows.

        The others' own steps are repeated or cut to the row's length.
        """
        rows, sources = np.array([row, *others]), []
        for sequence in self.sequences:
            own = np.arange(sequence.lengths[row]) % sequence.lengths[rows][:, None]
            sources.append(sequence.starts[rows][:, None] + own)
        return self.view([row], place="alone"), self._laid(rows, sources)

    def _laid(self, rows, sources, fill=None):
        """Return the view in which the steps of each sequence stand as its source says."""
        leaves, masks = [], []
        for number, leaf in enumerate(self.leaves):
            which, mask = self.sequence_of(number), self.masks and self.masks[number]
            source, taken = None if which is None else sources[which], leaf[rows]
            for axis in self.along.get(number, (1,)):
                filler = partial(self._filler, number, axis, fill)
                taken = _take(taken, source, axis, filler)
            leaves.append(taken)
            masks.append(mask if mask is None else _take(mask[rows], source))
        pairs = zip(self.sequences, sources, strict=True)
        sequences = tuple(replace(one, real=_take(one.real[rows], source)) for one, source in pairs)
        return View(leaves, self.masks and masks, rows, sequences, self)

    def _filler(self, number, axis, fill, count):
        """Return what stands in so many steps of padding of a leaf."""
        leaf = np.moveaxis(self.leaves[number], axis, 1)
        sequence = self.sequences[self.sequence_of(number)]
        if fill is not None and self.refillable[number]:
            values = leaf[sequence.real]
            return values[fill.integers(len(values), size=count)]
        padded = leaf[~sequence.mask]
        return padded.flat[0] if number in self.along else padded[0]


def _source(sequence, rows, place, extra):
    """Return which old step stands at each new one, −1 for padding, as `Batch.view` is asked.

    Shape `(R, T)`.
    """
    own, first, long = sequence.lengths[rows], sequence.starts[rows], sequence.real.shape[1]
    total = int(own.max()) if place == "alone" else long
    grown = extra if (sequence.lengths < long).any() else 0
    total += grown
    if place is None:
        begin = first + (grown if sequence.side == "pre" else 0)
    else:
        begin = total - own if place == "pre" else np.zeros_like(own)
    moved = np.arange(total) - begin[:, None]
    return np.where((moved >= 0) & (moved < own[:, None]), moved + first[:, None], -1)


def _take(values, source, axis=1, filler=lambda count: False):
    """Return the rows with the steps that a source names, and with `filler` where it names none.

    All stay as they are if the source is `None`.
    """
    if source is None:
        return values
    moved = np.moveaxis(values, axis, 1)
    taken = moved[np.arange(len(moved))[:, None], np.maximum(source, 0)]
    hole = source < 0
    if hole.any():
        taken[hole] = filler(int(hole.sum()))
    return np.moveaxis(taken, 1, axis)


def groups(batch):
    """Return the rows that have real steps, those of one length together, the shortest first."""
    keys = {}
    for row in np.flatnonzero(~batch.empty):
        key = tuple(int(sequence.lengths[row]) for sequence in batch.sequences)
        keys.setdefault(key, []).append(row)
    return [np.array(keys[key]) for key in sorted(keys)]
