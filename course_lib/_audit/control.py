"""What differs and is not padding: rounding that grows, and rows that see their neighbours."""

from dataclasses import replace

import numpy as np

from course_lib._audit.attempt import attempt
from course_lib._audit.compare import compare
from course_lib._audit.context import Leak, Seen
from course_lib._audit.run import array, flat, shaken
from course_lib._audit.second_look import DOUBTFUL


def control(context, seen):
    """Return what was seen, told from rounding that grows and from rows that see each other."""
    rounding = [leak for leak in seen.leaks if _is_rounding(context, leak)]
    kept = tuple(leak for leak in seen.leaks if leak not in rounding)
    notes = ()
    if rounding:
        name, leak = context.name_of(rounding[-1].output), rounding[-1]
        notes = (
            f"{name} differs {leak.how} ({leak.difference}), and as much without padding when "
            "weights and inputs change by two millionths: rounding that grows from step to step, "
            "and not padding.",
        )
    crowd = None
    if kept:
        crowd = _neighbours(context, max(kept, key=lambda one: one.difference.relative))
    if crowd is not None or rounding:
        notes += ("Loss, metrics and gradients were not compared.",)
    told = replace(seen, leaks=kept if crowd is None else (), is_shaky=bool(rounding))
    return told + Seen(notes=notes, crowds=() if crowd is None else (crowd,))


def _is_rounding(context, leak):
    """Return True if the row alone differs as much by its copies or by tiny changes."""
    view = leak.bare
    known = [
        one
        for alone, one in zip(context.alone, context.alone_outputs, strict=True)
        if alone is view
    ]
    own = (known[0] if known else context.runner.outputs(view))[leak.output]
    own = array(own).astype(float)
    size = abs(leak.difference.batch - leak.difference.alone)
    with shaken(context.model):
        shaky = context.runner.outputs(view.shaken())[leak.output]
    noise = 3 * np.abs(array(shaky).astype(float) - own).max(initial=0)
    if leak.difference.relative < DOUBTFUL and context.runner.fixed is None:
        copies = array(flat(context.runner(view.repeat(3)))[leak.output])
        repeated = copies[: len(own)].astype(float)
        noise = max(noise, 20 * np.abs(repeated - own).max(initial=0))
    return bool(noise >= size)


def _neighbours(context, leak):
    """Return a `Leak` between a row alone and beside others without padding, or `None`."""
    batch, runner = context.batch, context.runner
    row = int(np.flatnonzero(batch.numbers == leak.difference.row)[0])
    others = [r for r in np.flatnonzero(~batch.empty) if r != row]
    others = others[: 3 if runner.fixed is None else min(3, runner.fixed - 1)]
    if not others or not batch.has_leaves:
        return None
    alone, crowd = batch.crowd(row, others)
    single, refused = attempt(runner.outputs, alone)
    several, error = attempt(runner.outputs, crowd)
    if refused is not None or error is not None:
        return None
    mine, other = array(several[leak.output]), array(single[leak.output])
    found = compare(mine, crowd, other, alone, side=context.side)
    least = max(context.share, 0.02 * leak.difference.relative)
    if found is None or found.relative <= least:
        return None
    return Leak(crowd, alone, found, leak.output, "beside other rows without padding")
