"""One way to show rows of the batch to the model; NumPy alone."""

import contextlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class View:
    """Rows of the batch in one arrangement.

    It knows where each row's own steps stand, so that tensors of two views can be laid beside each
    other.

    Attributes:
        leaves: the inputs, arrays in the order of `keras.tree.flatten`.
        masks: the masks to hand over, one for each leaf, or `None`.
        rows: which rows of the batch these are, shape `(R,)`.
        steps: for each sequence, its number of steps.
        starts: for each sequence, where each row's own steps begin, shape `(R,)`.
        lengths: for each sequence, how many steps each row has, shape `(R,)`.
        batch: the `Batch` that it is a view of, `None` before there is one.
        fixed: the batch size that the model fixes, or `None`: rows are repeated to fill it.
        context: a function that returns the context in which the model runs on it.
    """

    leaves: list
    masks: list | None
    rows: Any
    steps: tuple = ()
    starts: tuple = ()
    lengths: tuple = ()
    batch: Any = None
    fixed: int | None = None
    context: Any = contextlib.nullcontext

    @property
    def size(self):
        """The batch size that the model sees."""
        return self.fixed or len(self.rows)

    @property
    def pure(self):
        """True if no row has padding."""
        return all(
            (lengths == steps).all()
            for lengths, steps in zip(self.lengths, self.steps, strict=True)
        )

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
