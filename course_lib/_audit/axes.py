"""What the axes of a tensor are, and the only place that cuts a row's own steps out of it.

NumPy alone: a view is anything with `rows`, `steps`, `sequences` and `batch`.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Axis:
    """One axis of a tensor.

    Attributes:
        kind: "rows" of the batch; "steps" of a sequence; "same", as long in every view; "free",
            of a length that follows that of no input.
        sequence: the number of the sequence, for "steps".
    """

    kind: str
    sequence: int | None = None


ROWS, SAME, FREE = Axis("rows"), Axis("same"), Axis("free")


def steps(sequence):
    """Return the `Axis` along the steps of a sequence."""
    return Axis("steps", sequence)


@dataclass(frozen=True)
class Axes:
    """The axes of a tensor; the first is that of the rows.

    Attributes:
        axes: tuple of `Axis`.
        side: where padding stands, "pre" or "post", for an axis that is free.
    """

    axes: tuple
    side: str = "post"

    def __len__(self):
        return len(self.axes)

    @property
    def sequence(self):
        """The number of the sequence along whose steps the second axis runs, or `None`."""
        return self.axes[1].sequence if len(self.axes) > 1 else None

    @property
    def has_steps(self):
        """True if some axis runs along steps."""
        return any(axis.kind == "steps" for axis in self.axes)

    @property
    def is_free(self):
        """True if some axis has a length that follows that of no input."""
        return FREE in self.axes

    @property
    def is_shorter(self):
        """True if the second axis is free: steps, but others than those of an input."""
        return self.axes[1:2] == (FREE,)

    def own(self, shape, place, view, alone_shape=None, others=None, turned=False):
        """Return the index of a row's own steps in a tensor of a view, or in one of the batch.

        Args:
            shape: the tensor's shape; it may have less axes, or 1 where it is spread over steps.
            place: the row's place in the view.
            view: the view, or the `Batch` for an array in the arrangement of the user's batch.
            alone_shape: the shape of the tensor for the row alone, for free axes.
            others: the rows of the view that it is compared with, for a further axis of rows.
            turned: True if the time runs backwards.
        """
        index = [place]
        for number, (axis, size) in enumerate(zip(self.axes[1:], shape[1:], strict=False), 1):
            part = slice(None)
            if axis == ROWS and others is not None:
                places = {int(row): number for number, row in enumerate(view.rows)}
                part = np.array([places[int(row)] for row in others])
            elif axis == FREE and alone_shape is not None:
                spare = max(size - alone_shape[number], 0)
                part = slice(0, size - spare) if self.side == "post" else slice(spare, None)
            elif axis.kind == "steps":
                sequence = view.sequences[axis.sequence]
                start, stop = int(sequence.starts[place]), int(sequence.stops[place])
                if size == sequence.real.shape[1]:
                    part = slice(size - stop, size - start) if turned else slice(start, stop)
            index.append(part)
        return tuple(index)

    def cut(self, values, view, alone_shape=None):
        """Return targets or weights of the rows of a view without padding, at their own steps.

        Args:
            values: array of shape `(B, ...)`, in the arrangement of the user's batch.
            view: a view in which all rows are equally long.
            alone_shape: the shape of the tensor in that view, for free axes.
        """
        shape, batch = np.shape(values), view.batch
        rows = [values[self.own(shape, row, batch, alone_shape)] for row in view.rows]
        return np.stack(rows)

    def real(self, view, shape=()):
        """Return which steps of a view without padding are real: holes are not.

        Shape `(R, T)`, or `(R,)` for a tensor without steps.
        """
        if self.is_shorter:
            return np.ones(tuple(shape[:2]), bool)
        if self.sequence is None:
            return np.ones(len(view.rows), bool)
        return view.sequences[self.sequence].real

    def holes(self, batch, row, turned=False):
        """Return, broadcast over a row's own steps, where padding stands between real ones."""
        holes = None
        for number, axis in enumerate(self.axes[1:]):
            if axis.kind != "steps":
                continue
            sequence = batch.sequences[axis.sequence]
            real = sequence.real[row, sequence.starts[row] : sequence.stops[row]]
            if real.all():
                continue
            hole = along(~(real[::-1] if turned else real), len(self.axes) - 1, number)
            holes = hole if holes is None else holes | hole
        return holes


def along(values, ndim, number):
    """Return an array with axes of length 1, so that its last axis stands as axis `number`.

    An array of two axes keeps the first one, that of the rows.
    """
    shape = [1] * ndim
    shape[number] = values.shape[-1]
    if values.ndim == 2:
        shape[0] = values.shape[0]
    return values.reshape(shape)
