"""A model that fixes its number of steps: no row can be cut, so its padding is changed instead."""

import contextlib
from dataclasses import replace

import numpy as np

from course_lib._audit.axes import ROWS, SAME, Axes, steps
from course_lib._audit.run import array

LOUD = 3.0


def refilled(context, recording):
    """Return the `Context` with the ways to change the padding; `None` if nothing can change."""
    refills = _refills(context, recording)
    if not refills:
        return None
    axes = tuple(_axes_of(context, tuple(output.shape)) for output in context.outputs)
    return context.but(refills=tuple(refills), axes=axes, alone=(), alone_outputs=())


def _axes_of(context, shape):
    whole = context.whole
    if not shape or shape[0] != whole.size:
        return None
    axes = [ROWS]
    for number, size in enumerate(shape[1:], start=1):
        along = number == 1 and len(shape) > 2 and size in whole.steps
        axes.append(steps(whole.steps.index(size)) if along else SAME)
    return Axes(tuple(axes), context.side)


def _refills(context, recording):
    """Return `(view, how)` for each way to change the padding and nothing else."""
    found, batch = [], context.batch
    tables = list(_tables(batch, recording))
    if tables:
        view = replace(batch.view(), context=lambda: _other_rows(tables))
        found.append((view, "with another vector for the padding id"))
    refillable = [
        batch.refillable[number] or _may_be_refilled(context, number)
        for number in range(len(batch.leaves))
    ]
    pairs = zip(refillable, batch.leaves, strict=True)
    if any(free and leaf.dtype.kind == "f" for free, leaf in pairs):
        free = replace(batch, refillable=tuple(refillable))
        view = free.view(fill=np.random.default_rng(0), kinds="f")
        found.append((view, "with other values in the padding"))
    return found


def _may_be_refilled(context, number):
    """Return True for floats of a sequence of which the model makes no mask."""
    batch = context.batch
    free = batch.leaves[number].dtype.kind == "f" and batch.sequence_of(number) is not None
    free = free and number not in batch.along
    is_mask = "it is a mask itself" in batch.inputs[number]
    return free and context.made[number] is None and not is_mask


def _tables(batch, recording):
    """Yield `(variable, row)`: the vector of each id that stands in the padding alone."""
    import keras

    for call in recording.calls:
        if not isinstance(call.layer, keras.layers.Embedding) or not call.inputs:
            continue
        ids = array(call.inputs[0][2])
        for sequence in batch.sequences:
            if ids.shape[:2] != sequence.real.shape or ids.ndim != 2:
                continue
            only = np.setdiff1d(ids[~sequence.mask], ids[sequence.mask])
            for row in only.astype(int):
                yield call.layer.embeddings, row


@contextlib.contextmanager
def _other_rows(tables):
    before = [(variable, array(variable.value)) for variable, _ in tables]
    try:
        for variable, row in tables:
            value = array(variable.value).copy()
            value[row] = LOUD * np.abs(value).max() * np.resize([1.0, -1.0], value.shape[1])
            variable.assign(value)
        yield
    finally:
        for variable, value in reversed(before):
            variable.assign(value)
