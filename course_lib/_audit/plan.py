"""Find out what each input is: a sequence, of which lengths; a companion of one; or no sequence.

What is asked, in the order of `SOURCES`: `mask=`; text; an input that is a mask itself; the masks
that the model makes of its inputs; what goes with these; and last the values: id 0, leading or
trailing steps of one value, or lengths by their name. Each source makes a new `Plan` of one, and
`Batch.inputs` says it in words.
"""

from dataclasses import dataclass, replace
from functools import reduce
from itertools import combinations
from typing import Any

import numpy as np

from course_lib._audit.batch import Batch
from course_lib._audit.guesses import (
    LENGTHS,
    by_one_value,
    by_zeros_and_lengths,
    not_shortened,
)
from course_lib._audit.inputs import (
    axes_of_steps,
    beside,
    guessed,
    in_words,
    kinship,
    read_inputs,
    same_stops,
)
from course_lib._audit.made import ids_of_text, runs_shorter
from course_lib._audit.refuse import check_batch
from course_lib._audit.view import Sequence

# So many inputs are tried together for one axis of steps.
MOST = 4


def find_batch(runner, recording):
    """Return the `Batch`: the leaves with their sequences, and what each leaf was taken for."""
    request = runner.request
    inputs = read_inputs(request, recording)
    batch = Batch(request.leaves, masks=request.masks, fixed=runner.fixed)
    plan = Plan(runner, recording, inputs, batch, {})
    plan = reduce(lambda plan, source: source(plan), SOURCES, plan)
    names = [one.name for one in inputs]
    check_batch(plan.batch, names)
    untold = tuple(_tells_nothing(plan, one) for one in inputs)
    return replace(
        plan.batch,
        untold=untold,
        refillable=tuple(a and _is_told(plan, one) for a, one in zip(untold, inputs, strict=True)),
        inputs=in_words(plan.batch, names, plan.why),
        unsure=tuple(
            text
            for one in inputs
            if (text := not_shortened(one, inputs)) and _may_be_shorter(plan, one)
        ),
    )


@dataclass(frozen=True, eq=False)
class Plan:
    """What is known so far.

    Attributes:
        runner: the `Runner`, to see whether the model runs on fewer steps.
        recording: what the model did on the batch as it came.
        inputs: tuple of `Input`, one for each leaf.
        batch: the `Batch`, with the sequences found.
        why: dict of the number of a leaf and how it is known what is real in it.
    """

    runner: Any
    recording: Any
    inputs: tuple
    batch: Batch
    why: dict

    @property
    def free(self):
        """The inputs that belong to no sequence."""
        return [one for one in self.inputs if self.batch.sequence_of(one.number) is None]

    def add(self, one, real, why, made=False):
        """Return the plan with an input in the sequence with these real steps, or in a new one."""
        why = {**self.why, one.number: why}
        for old in self.batch.sequences:
            if np.array_equal(old.real, real):
                return replace(self._with(old, (one.number,)), why=why)
        return replace(self._and(Sequence((one.number,), real, made)), why=why)

    def _and(self, sequence):
        sequences = (*self.batch.sequences, sequence)
        return replace(self, batch=replace(self.batch, sequences=sequences))

    def _with(self, old, numbers):
        new = replace(old, leaves=(*old.leaves, *numbers))
        sequences = tuple(new if one is old else one for one in self.batch.sequences)
        return replace(self, batch=replace(self.batch, sequences=sequences))

    def runs(self, place, numbers=()):
        """Return True if the model takes a step less in a sequence and in some more leaves."""
        sequence = self.batch.sequences[place]
        sequence = replace(sequence, leaves=(*sequence.leaves, *numbers))
        return runs_shorter(self.runner, self.batch, sequence)


# ---------------------------------------------------------------------- what is certain


def _given(plan):
    for one in plan.inputs:
        if one.given is not None:
            plan = plan.add(one, one.given, "`mask=` tells which steps are real")
    return plan


def _text(plan):
    """Take the ids that a layer makes of strings for the sequence: that layer cuts a row."""
    if not any(one.values.dtype.kind in "OSU" for one in plan.inputs):
        return plan
    for ids in ids_of_text(plan.recording):
        if "int" in str(ids.dtype) and len(ids.shape) == 2 and ids.shape[1] > 1:
            return plan._and(Sequence((), np.asarray(ids) != 0, True))
    raise ValueError(
        "`x` holds strings, and no layer makes padded ids of them that can be read; pass the "
        "ids, and the part of the model that reads them"
    )


def _mask_inputs(plan):
    """Add the inputs that are masks themselves, and the inputs that they speak of."""
    masks = [one for one in plan.inputs if one.tells is not None]
    for mask in masks:
        plan = plan.add(mask, mask.tells, "it is a mask itself")
    for one in plan.free:
        mask = _mask_of(plan, one, [m for m in masks if m.tells.shape == one.values.shape[:2]])
        if mask is not None:
            plan = plan.add(one, mask.tells, f"goes with `{mask.name}`")
    return plan


def _mask_of(plan, one, masks):
    """Return which of the mask inputs of its size speaks of an input, or `None`."""
    if not masks:
        return None
    own = one.made if one.made is not None else guessed(one, plan.inputs)
    equal = [mask for mask in masks if own is not None and np.array_equal(own, mask.tells)]
    if equal:
        return equal[0]
    best = max(masks, key=lambda mask: kinship(mask.name, one.name))
    others = [other for other in beside(one, plan.inputs) if other.tells is None]
    if kinship(best.name, one.name) or not others:
        return best
    blank = [mask for mask in masks if one.is_blank(mask.tells)]
    if blank and (own is None or same_stops(own, blank[0].tells)):
        return blank[0]
    # If no input is blank where the mask says so, there is noise in the padding of all.
    noisy = not any(other.is_blank(best.tells) for other in others)
    return best if own is None and noisy else None


def _made(plan):
    for one in plan.free:
        if one.made is not None and not one.made.all():
            plan = plan.add(one, one.made, "the model makes a mask of it", made=True)
    return plan


# ---------------------------------------------------------------------- what goes with it


def _companions(plan):
    for place, sequence in enumerate(plan.batch.sequences):
        if sequence.leaves:
            plan = _with_companions(plan, place)
    return plan


def _with_companions(plan, place):
    """Add inputs that share the axis: those without a value in the padding, others at need."""
    sequence = plan.batch.sequences[place]
    steps = sequence.real.shape[1]
    free = [one for one in plan.free if one.has_steps(steps)]
    wider = _along_more_axes(plan, sequence)
    if not free and not wider.batch.along:
        return plan
    blank = [one.number for one in free if _belongs(plan, one, sequence)]
    others = [one.number for one in free if one.number not in blank]
    ways = [(*blank, *some) for some in _subsets(others)]
    ways += [some for some in _subsets([one.number for one in free]) if some not in ways]
    more = [n for n in wider.batch.along if n not in plan.batch.along]
    tries = [(plan, way) for way in ways]
    if more:
        more = [n for n in more if n not in sequence.leaves]
        tries += [(wider, tuple(dict.fromkeys((*more, *way)))) for way in ways]
    runs = (one for one in tries if one[0].runs(place, one[1]))
    plan, way = next(runs, (plan, tuple(blank)))
    first = plan.inputs[sequence.leaves[0]].name
    why = dict.fromkeys(way, f"goes with `{first}`")
    return replace(plan._with(sequence, way), why={**plan.why, **why})


def _subsets(numbers):
    """Yield so many of the inputs as are tried together, few before many."""
    for count in range(min(len(numbers), MOST) + 1):
        yield from combinations(numbers, count)


def _along_more_axes(plan, sequence):
    """Return the plan in which steps are cut along all axes that have so many of them."""
    free = {one.number for one in plan.free} | set(sequence.leaves)
    found = axes_of_steps(plan.batch.leaves, sequence.real.shape[1])
    along = {number: axes for number, axes in found.items() if number in free}
    return replace(plan, batch=replace(plan.batch, along={**plan.batch.along, **along}))


def _belongs(plan, one, sequence):
    if not one.is_blank(sequence.real):
        return False
    own = guessed(one, plan.inputs)
    if own is None or np.array_equal(own, sequence.real):
        return True
    return one.values.dtype.kind == "f" and same_stops(own, sequence.real)


# ---------------------------------------------------------------------- what is a guess


def _guesses(plan):
    return reduce(_guess, by_zeros_and_lengths(plan.inputs, plan.free), plan)


def _more_guesses(plan):
    """Take one value other than 0 for padding, if it is known already that there is some."""
    if not plan.batch.sequences:
        return plan
    return reduce(_guess, by_one_value(plan.inputs, plan.free), plan)


def _guess(plan, guess):
    """Return the plan with a guess, if the input is still free and the model runs with it."""
    one, real, why, along = guess
    if one not in plan.free:
        return plan
    place = len(plan.batch.sequences)
    if not place:
        _refuse_zeros_first(one, real)
    # What is called a length, or a last axis, may be no such thing. Steps of zeros are: if the
    # model runs on no row alone, that is said in the end.
    must_run = place or along or LENGTHS in why
    batch = replace(plan.batch, along={**plan.batch.along, **along})
    found = replace(plan, batch=batch, why={**plan.why, one.number: why})
    found = _with_companions(found._and(Sequence((one.number,), real)), place)
    return plan if must_run and not found.runs(place) else found


def _refuse_zeros_first(one, real):
    zeros_first = len(real) > 1 and not real[:, 0].any() and real[:, 1:].all()
    if one.could_be_ids and zeros_first:
        raise ValueError(
            f"`{one.name}` has id 0 at the first step of every row and nowhere else, "
            "which may be padding or a token; say with `mask=` which steps are real"
        )


SOURCES = (_given, _text, _mask_inputs, _made, _companions, _guesses, _more_guesses)


def _may_be_shorter(plan, one):
    """Return True for an input that is no sequence and could be one: it may have other sizes.

    If the model declares none, it is asked whether it runs with a step less.
    """
    if one not in plan.free or one.values.ndim < 2:
        return False
    if one.shape is not None:
        sizes = zip(one.shape[1:], one.values.shape[1:], strict=False)
        return any(declared is None and size > 1 for declared, size in sizes)
    every = np.ones(one.values.shape[:2], bool)
    return every.shape[1] > 1 and runs_shorter(
        plan.runner, plan.batch, Sequence((one.number,), every)
    )


def _tells_nothing(plan, one):
    """Return True if padding is not told by an input's own values."""
    return one.tells is None and one.made is None and one.number not in plan.batch.along


def _is_told(plan, one):
    """Return True if an input's padding is told from outside."""
    which = plan.batch.sequence_of(one.number)
    leaves = () if which is None else plan.batch.sequences[which].leaves
    told = one.given is not None or any(plan.inputs[n].tells is not None for n in leaves)
    return told or LENGTHS in plan.why.get(one.number, "")
