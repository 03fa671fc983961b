"""Check: ids of three axes, sentences of words, whose steps are padded inside as well."""

from dataclasses import replace

import numpy as np

from course_lib._audit.attempt import attempt, first_line
from course_lib._audit.context import Seen
from course_lib._audit.differences import differences, leaks_of
from course_lib._audit.inputs import ends_in_zeros_inside

EXTRA = 3
HOW = f"with {EXTRA} more zeros along axis 2"


def _padded_inside(batch):
    """Return the numbers of the leaves whose steps are padded along axis 2."""
    return [
        number
        for number, leaf in enumerate(batch.leaves)
        if batch.sequence_of(number) is not None
        and number not in batch.along
        and ends_in_zeros_inside(leaf, batch.sequences[batch.sequence_of(number)].real)
    ]


def _longer_inside(batch, numbers):
    """Return the view of the batch with more zeros at the end of each step of some leaves."""
    view = batch.view()
    leaves = [
        np.pad(leaf, ((0, 0), (0, 0), (0, EXTRA))) if number in numbers else leaf
        for number, leaf in enumerate(view.leaves)
    ]
    return replace(view, leaves=leaves)


def _run_with_more_inside(context, numbers):
    """Return `(view, outputs, seen)`; the outputs are `None` if the model fixes that axis."""
    view = _longer_inside(context.batch, numbers)
    outputs, error = attempt(context.runner.outputs, view)
    if error is None:
        return view, outputs, Seen(checked=(f"outputs {HOW}",))
    note = (
        "Ids end in zeros along axis 2 too, and the model does not run on more of them "
        f"({first_line(error)}): whether it sees these was not compared."
    )
    return view, None, Seen(notes=(note,))


def _shorter_inside(view, numbers):
    """Return the view without the zeros that end all steps of some leaves."""
    leaves = list(view.leaves)
    for number in numbers:
        width = int((leaves[number] != 0).any(axis=(0, 1)).sum())
        leaves[number] = leaves[number][:, :, :width]
    return replace(view, leaves=leaves)


def _differ_without(context, numbers):
    """Compare the batch with its rows alone, whose steps are cut inside as well."""
    views = [_shorter_inside(view, numbers) for view in context.alone]
    outputs, error = attempt(lambda: [context.runner.outputs(view) for view in views])
    if error is not None:
        return Seen()
    found = differences(context, context.outputs, context.whole, views, outputs)
    how = "without the zeros that end its steps"
    return Seen(leaks=leaks_of(found, context.whole, how, inside=True), checked=(f"outputs {how}",))


def with_more_padding_inside(context, seen):
    """Take zeros inside each step off, and append some, where steps are ids themselves."""
    numbers = _padded_inside(context.batch)
    if not numbers:
        return seen
    seen = seen + _differ_without(context, numbers)
    if not seen.is_clean:
        return seen
    view, outputs, said = _run_with_more_inside(context, numbers)
    if outputs is None:
        return seen + said
    found = differences(context, outputs, view, [context.whole], [context.outputs])
    return seen + said + Seen(leaks=leaks_of(found, view, HOW, refilled=True, inside=True))
