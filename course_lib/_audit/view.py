"""Rows of the batch in one arrangement, and which of their steps are real; NumPy alone."""

import contextlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np


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
class View:
    """Rows of the batch in one arrangement.

    It knows where each row's own steps stand, so that tensors of two views can be laid beside each
    other.

    Attributes:
        leaves: the inputs, arrays in the order of `keras.tree.flatten`.
        masks: the masks to hand over, one for each leaf, or `None`.
        rows: which rows of the batch these are, shape `(R,)`.
        sequences: the batch's, each with the real steps of these rows where they stand now.
        batch: the `Batch` that it is a view of, `None` before there is one.
        context: a function that returns the context in which the model runs on it.
    """

    leaves: list
    masks: list | None
    rows: Any
    sequences: tuple = ()
    batch: Any = None
    context: Any = contextlib.nullcontext

    @property
    def size(self):
        """The batch size that the model sees: rows are repeated to fill one that it fixes."""
        return self.batch.fixed or len(self.rows)

    @cached_property
    def steps(self):
        """For each sequence, its number of steps."""
        return tuple(one.real.shape[1] for one in self.sequences)

    @property
    def pure(self):
        """True if no row has padding."""
        return all(one.mask.all() for one in self.sequences)

    def taken(self, rows):
        """Return the leaves and masks of some rows, given by their places in the view."""
        masks = self.masks and [one if one is None else one[rows] for one in self.masks]
        return [leaf[rows] for leaf in self.leaves], masks

    def repeat(self, times):
        """Return the view with its rows several times; those beyond the first only fill it."""
        leaves, masks = self.taken(np.tile(np.arange(len(self.rows)), times))
        return replace(self, leaves=leaves, masks=masks)

    def shaken(self, turn=0):
        """Return the view with its floats changed by two millionths, in one of five ways."""
        leaves = [shake(leaf, turn) if leaf.dtype.kind == "f" else leaf for leaf in self.leaves]
        return replace(self, leaves=leaves)


def shake(values, turn=0):
    """Return floats, each two millionths larger or smaller; zeros stay.

    Args:
        values: floats of any shape.
        turn: an int from 0 to 4; each makes others larger.
    """
    signs = np.resize(np.roll([1.0, -1.0, -1.0, 1.0, -1.0], turn), values.shape)
    return (values * (1 + signs * 2.0**-19)).astype(values.dtype)
