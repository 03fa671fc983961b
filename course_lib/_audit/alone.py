"""Lay out: run the rows of one length by themselves, and find the axes of each output."""

import functools
from dataclasses import replace
from itertools import combinations

import numpy as np

from course_lib._audit.attempt import attempt, first_line
from course_lib._audit.batch import groups
from course_lib._audit.compare import compare
from course_lib._audit.context import Seen
from course_lib._audit.layout import layouts, unfold
from course_lib._audit.made import attached, ids_of_text
from course_lib._audit.refill import refilled
from course_lib._audit.refuse import nothing_to_cut
from course_lib._audit.run import array, flat, rows_of
from course_lib._audit.sample import is_sound, pick
from course_lib._audit.view import Sequence


def lay_out(context, recording):
    """Return the `Context` with the rows alone and the axes of outputs, and what was noted.

    Lengths that the model refuses are left out. If it refuses all, its padding is to be refilled.
    """
    every = groups(context.batch)
    run = functools.cache(lambda place: _run_alone(context, every[place]))
    small = _sampled(context, every, run) if context.batch.has_leaves else None
    if small is not None:
        return small
    tried = [run(place) for place in range(len(every))]
    ran = [(view, outputs) for view, outputs, error in tried if error is None]
    failed = [(view, error) for view, _, error in tried if error is not None]
    padded = any(view.steps != context.whole.steps for view, _ in ran)
    if not (padded and _text_is_cut(context, ran[0][0])):
        return _without_rows_alone(context, recording, failed)
    context, seen = _with_alone(context, ran), Seen()
    if failed:
        note = (
            f"Rows of {listed(view.steps for view, _ in failed)} steps do not run alone "
            f"({first_line(failed[-1][1])}), and were left out of all that was compared."
        )
        rows = np.concatenate([view.rows for view, _ in failed])
        context, seen = _with_axes(_leave_out(context, rows)), Seen(notes=(note,))
    return context, seen + _outputs_without_rows(context)


def _run_alone(context, rows):
    """Return `(view, outputs, error)` of rows of one length by themselves."""
    view = context.batch.view(rows, place="alone")
    return view, *attempt(context.runner.outputs, view)


def _with_alone(context, ran):
    views, outputs = zip(*ran, strict=True)
    return _with_axes(context.but(alone=views, alone_outputs=outputs))


def _with_axes(context):
    return context.but(axes=tuple(_axes_of(context, n) for n in range(len(context.outputs))))


def _sampled(context, every, run):
    """Return what `lay_out` does for rows of a few lengths, `None` if all must run alone."""
    import keras

    places = pick(len(every))
    if len(places) == len(every) or any(run(place)[2] is not None for place in places):
        return None
    context = _with_alone(context, [run(place)[:2] for place in places])
    others = [rows for place, rows in enumerate(every) if place not in places]
    rest = np.concatenate(others)
    if not is_sound(context, rest):
        return None
    text = f"outputs with 1 more step of padding: {len(rest)} rows in {len(others)} more lengths"
    keep = np.setdiff1d(np.arange(context.batch.size), rest)
    taken = functools.partial(keras.ops.take, indices=keep, axis=0)
    result = rows_of(context.result, context.batch.size, taken)
    return _leave_out(context, rest, result), Seen(checked=(text,))


def _without_rows_alone(context, recording, failed):
    """Return what `lay_out` does if no row runs alone: two sequences may be one, or none is cut."""
    batch = context.batch
    joined = _join_sequences(batch)
    if joined is not None:
        return lay_out(context.but(batch=joined, whole=joined.view()), recording)
    context = refilled(context, recording)
    if context is not None:
        return context, Seen()
    if not failed:
        raise ValueError(nothing_to_cut(batch))
    error = failed[-1][1]
    raise ValueError(
        "`model` must run on rows of other lengths, and it does not run on one of "
        f"{listed(view.steps for view, _ in failed)} steps ({first_line(error)}); pass a model "
        "without layers that fix the number of steps (such as `Flatten` before `Dense`), or the "
        "part of it before them"
    ) from error


def _outputs_without_rows(context):
    shapes = [tuple(output.shape) for output in context.outputs]
    if not any(context.axes):
        raise ValueError(
            f"`model` must give out tensors with a row for each row of `x`, got shapes {shapes}"
        )
    return Seen(
        notes=tuple(
            f"{context.name_of(number)} of shape {shape} has no row for each row of the batch, and "
            "was not compared."
            for number, shape in enumerate(shapes)
            if context.axes[number] is None
        )
    )


def _axes_of(context, number):
    """Return the axes of an output: of inputs with equally many steps, the one that fits."""
    shape = unfold(array(context.outputs[number]), context.whole).shape
    others = [
        (unfold(array(outputs[number]), view).shape, view)
        for outputs, view in zip(context.alone_outputs, context.alone, strict=True)
    ]
    ways = layouts(shape, context.whole, others, context.side)
    if len(ways) < 2:
        return ways[0] if ways else None
    mask = attached(context.outputs[number])
    for axes in ways:
        along = next((one.sequence for one in axes.axes if one.kind == "steps"), None)
        known = mask is not None and along is not None
        if known and np.array_equal(context.batch.sequences[along].real, mask):
            return axes
    return min(ways, key=lambda axes: _distance(context, number, axes))


def _distance(context, number, axes):
    mine = array(context.outputs[number])
    pairs = zip(context.alone, context.alone_outputs, strict=True)
    found = [compare(mine, context.whole, array(one[number]), view, axes) for view, one in pairs]
    return sum(min(one.relative, 1.0) for one in found if one is not None)


def _leave_out(context, rows, result=None):
    """Go on without some rows: the model runs on the others if their `result` is not known."""
    import keras

    def cut(leaf):
        fits = leaf is not None and np.ndim(leaf) and len(leaf) == context.batch.size
        return np.asarray(leaf)[keep] if fits else leaf

    keep = np.setdiff1d(np.arange(context.batch.size), rows)
    batch = context.batch.without(rows)
    whole = batch.view()
    result = context.runner.own_result(whole) if result is None else result
    return context.but(
        batch=batch,
        whole=whole,
        result=result,
        outputs=flat(result),
        y=keras.tree.map_structure(cut, context.y),
        sample_weight=keras.tree.map_structure(cut, context.sample_weight),
        alone=tuple(batch.view(group, place="alone") for group in groups(batch)),
    )


def _text_is_cut(context, shortest):
    """Return False for a layer that pads its ids of strings to a number of steps of its own."""
    made = [n for n, one in enumerate(context.batch.sequences) if not one.leaves]
    if not made:
        return True
    wanted = (len(shortest.rows), shortest.steps[made[0]])
    ids = ids_of_text(context.runner.record(shortest, follow=False))
    return any(tuple(tensor.shape[:2]) == wanted for tensor in ids)


def _join_sequences(batch):
    """Return the batch with two sequences of equally many steps taken for one, `None` without."""
    for one, other in combinations(batch.sequences, 2):
        if one.real.shape == other.real.shape:
            both = Sequence((*one.leaves, *other.leaves), one.real | other.real)
            others = [both if s is one else s for s in batch.sequences if s is not other]
            return replace(batch, sequences=tuple(others))
    return None


def listed(values):
    """Return values as a text, lengths of one sequence without their tuple."""
    flattened = [
        value[0] if isinstance(value, tuple) and len(value) == 1 else value for value in values
    ]
    return ", ".join(str(value) for value in flattened)
