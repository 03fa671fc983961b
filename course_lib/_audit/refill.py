"""A model that fixes its number of steps: no row can be cut, so its padding is changed instead."""

import contextlib
from dataclasses import replace
from functools import partial

import numpy as np

from course_lib._audit.axes import ROWS, SAME, Axes, steps
from course_lib._audit.context import Seen
from course_lib._audit.differences import differences, leaks_of
from course_lib._audit.run import altered, array
from course_lib._audit.second_look import LOUD, with_loud_row
from course_lib._keras_private import mask_of, with_mask

FIXED_AND_TOLD = (
    "`model` fixes its number of steps and tells padding by its value, so no row can run alone and "
    "nothing else can stand in its padding; pass a model without layers that fix the number of "
    "steps (such as `Flatten` before `Dense`), or the part of it before them"
)


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
        changes = [(table, partial(with_loud_row, row=row)) for table, row in tables]
        view = replace(batch.view(), context=lambda: altered(changes))
        found.append((view, "with another vector for the padding id"))
    maskings = _maskings(recording)
    if maskings:
        view = replace(batch.view(), context=lambda: _other_values_behind(maskings))
        found.append((view, "with other values in the padding behind `Masking`"))
    floats = [
        untold and leaf.dtype.kind == "f" and batch.sequence_of(number) is not None
        for number, (untold, leaf) in enumerate(zip(batch.untold, batch.leaves, strict=True))
    ]
    if any(floats):
        view = replace(batch, refillable=tuple(floats)).view(fill=np.random.default_rng(0))
        found.append((view, "with other values in the padding"))
    return found


def _nearly(view, whole):
    """Return a refilled view with a thousandth of what was changed; `None` if no input was."""
    pairs = list(zip(view.leaves, whole.leaves, strict=True))
    if all(np.array_equal(leaf, before) for leaf, before in pairs):
        return None
    leaves = [
        before + (leaf - before) / 1000 if leaf.dtype.kind == "f" else leaf
        for leaf, before in pairs
    ]
    return replace(
        view, leaves=[leaf.astype(one.dtype) for leaf, (one, _) in zip(leaves, pairs, strict=True)]
    )


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


def _maskings(recording):
    import keras

    layers = [call.layer for call in recording.calls]
    return list({id(one): one for one in layers if isinstance(one, keras.layers.Masking)}.values())


@contextlib.contextmanager
def _other_values_behind(maskings):
    """Let the layers give out loud values at padding, where they give out zeros."""

    def louder(call):
        def loud(inputs):
            import keras

            outputs = call(inputs)
            mask = mask_of(outputs)
            signs = np.resize([LOUD, -LOUD], inputs.shape[-1]).astype("float32")
            values = keras.ops.cast(signs, outputs.dtype)
            return with_mask(keras.ops.where(mask[..., None], outputs, values), mask)

        return loud

    for layer in maskings:
        layer.call = louder(layer.call)
    try:
        yield
    finally:
        for layer in maskings:
            del layer.call


# ---------------------------------------------------------------------- the check


def with_other_padding(context, seen):
    """Change the padding of a batch whose rows cannot run alone."""
    for view, how in context.refills:
        outputs = context.runner.outputs(view)
        found = differences(context, outputs, view, [context.whole], [context.outputs])
        if found and _tells_by_value(context, view, found):
            continue
        known = {leak.output for leak in seen.leaks}
        found = [one for one in found if one[1] not in known]
        leaks = leaks_of(found, view, how, refilled=True)
        seen = seen + Seen(leaks=leaks, checked=(f"outputs at real steps {how}",))
    if not seen.checked:
        raise ValueError(FIXED_AND_TOLD)
    return seen + Seen(
        notes=(
            "The model fixes its number of steps, so no row can run alone: its padding was changed "
            "instead. Loss, metrics and gradients were not compared.",
        )
    )


def _tells_by_value(context, view, found):
    """Return True if hardly anything in the padding changes the outputs as much as much does.

    What is mixed in grows with what stands there; what is compared with a value does not.
    """
    nearly_as_it_was = _nearly(view, context.whole)
    if nearly_as_it_was is None:
        return False
    outputs = context.runner.outputs(nearly_as_it_was)
    little = differences(context, outputs, view, [context.whole], [context.outputs])
    return bool(little) and little[0][0].relative > found[0][0].relative / 2
