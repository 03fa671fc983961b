"""A score of the batch beside what its rows alone say that it must be; NumPy alone."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class Verdict:
    """The value of a batch and what its rows alone say it must be.

    Attributes:
        batch: the value in the batch; `None` if it raised.
        wanted: values that would be right.
        error: what was raised for the batch, or `None`.
        refused: what was raised last for the rows alone, or `None`.
    """

    batch: Any
    wanted: list = field(default_factory=list)
    error: Exception | None = None
    refused: Exception | None = None

    def holds(self, share):
        """Return True if the batch's value is one of the wanted up to `share` of its size."""
        if self.batch is None:
            return False
        if not np.all(np.isfinite(self.batch)):
            return any(not np.all(np.isfinite(wanted)) for wanted in self.wanted)
        return any(
            np.shape(wanted) == np.shape(self.batch)
            and np.all(np.isfinite(wanted))
            and np.all(
                np.abs(self.batch - wanted) <= share * np.maximum(np.abs(wanted), 1e-6) + 1e-9
            )
            for wanted in self.wanted
        )


def shares(real):
    """Return by what groups of rows may count: their real steps, their rows, or all alike in a sum.

    Args:
        real: for each group which of its steps are real, shape `(R, T)`, or `(R,)` without steps.
    """
    return [float(one.sum()) for one in real], [float(len(one)) for one in real], None


def together(values, by):
    """Return what values of groups come to: the mean by one of their `shares`, or the sum.

    The values are numbers, arrays or tensors.
    """
    if by is None:
        return sum(values)
    total = sum(by)
    if not total:
        return values[0] * 0
    return sum(value * (share / total) for value, share in zip(values, by, strict=True))


def in_words(values):
    """Return up to four numbers, in words."""
    return ", ".join(f"{value:.4g}" for value in np.ravel(values)[:4])
