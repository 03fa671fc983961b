"""A model that fixes its number of steps: no row can be cut, so its padding is changed instead."""

import contextlib

import numpy as np

from course_lib._audit.control import Leak
from course_lib._audit.run import array

LOUD = 3.0


def look_by_refilling(audit, recording):
    """Compare the batch with itself after its padding changed; return False if none can change."""
    variants = _variants(audit, recording)
    if not variants:
        return False
    audit.kinds = [_layout(audit, tuple(output.shape)) for output in audit.outputs]
    audit.steps = [any(isinstance(k, int) for k in kinds or ()) for kinds in audit.kinds]
    audit.alone, audit.alone_outputs, audit.groups = [], [], []
    for view, how in variants:
        outputs = audit.runner.outputs(view)
        audit.checked.append(f"outputs at real steps {how}")
        found = audit.differences(outputs, view, [audit.whole], [audit.outputs])
        seen = {leak.output for leak in audit.leaks}
        for difference, number, bare in found:
            if number not in seen:
                seen.add(number)
                audit.leaks.append(Leak(view, bare, difference, number, how, refilled=True))
    audit.notes.append(
        "The model fixes its number of steps, so no row can run alone: its padding was changed "
        "instead. Loss, metrics and gradients were not compared."
    )
    return True


def _layout(audit, shape):
    if not shape or shape[0] != audit.whole.size:
        return None
    kinds = ["rows"]
    for axis, size in enumerate(shape[1:], start=1):
        step = axis == 1 and len(shape) > 2 and size in audit.whole.steps
        kinds.append(audit.whole.steps.index(size) if step else "same")
    return tuple(kinds)


def _variants(audit, recording):
    """Return `(view, how)` for each way to change the padding and nothing else."""
    variants, batch = [], audit.batch
    tables = list(_tables(batch, recording))
    if tables:
        view = batch.view()
        view.context = lambda: _other_rows(tables)
        variants.append((view, "with another vector for the padding id"))
    floats = list(batch.refillable)
    for number, leaf in enumerate(batch.leaves):
        free = leaf.dtype.kind == "f" and batch.sequence_of(number) is not None
        batch.refillable[number] = batch.refillable[number] or (
            free and audit.made[number] is None and not _is_mask_input(batch, number)
        )
    if any(r and leaf.dtype.kind == "f" for r, leaf in zip(batch.refillable, batch.leaves)):  # noqa: B905
        view = batch.view(fill=np.random.default_rng(0), kinds="f")
        variants.append((view, "with other values in the padding"))
    batch.refillable = floats
    return variants


def _is_mask_input(batch, number):
    return "it is a mask itself" in batch.inputs[number]


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
