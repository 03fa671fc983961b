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


def with_more_padding_inside(context, seen):
    """Append zeros inside each step, where steps are sequences of ids themselves."""
    numbers = _padded_inside(context.batch)
    if not numbers:
        return seen
    view, outputs, said = _run_with_more_inside(context, numbers)
    found = [] if outputs is None else differences(context, outputs, view)
    return seen + said + Seen(leaks=leaks_of(found, view, HOW))
