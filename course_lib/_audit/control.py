"""What differs and is not padding: rounding that grows, and rows that see their neighbours."""

from dataclasses import replace

import numpy as np

from course_lib._audit.attempt import attempt
from course_lib._audit.compare import compare
from course_lib._audit.context import Leak, Seen
from course_lib._audit.run import array, flat, shaken

# Differences of less than this share of the scale are looked at twice.
DOUBTFUL = 1e-3

# A change that has grown is as large as chance will have it, so one that is small is tried again,
# unless it is smaller than chance can make it.
SHAKES = 4
TOO_LITTLE = 1e-3


def control(context, seen):
    """Return what was seen, told from rounding that grows and from rows that see each other."""
    rounding = [leak for leak in seen.leaks if _is_rounding(context, leak)]
    kept = tuple(leak for leak in seen.leaks if leak not in rounding)
    notes = ()
    if rounding and not seen.is_shaky:
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
    is_shaky = seen.is_shaky or bool(rounding)
    told = replace(seen, leaks=kept if crowd is None else (), is_shaky=is_shaky)
    return told + Seen(notes=notes, crowds=() if crowd is None else (crowd,))


def _is_rounding(context, leak):
    """Return True if the row alone differs as much by its copies or by tiny changes."""
    view, runner, number = leak.bare, context.runner, leak.output
    size, noise = abs(leak.difference.batch - leak.difference.alone), 0
    with leak.context():
        own = array(runner.outputs(view)[number]).astype(float)
        for turn in range(SHAKES):
            with shaken(context.model, turn):
                shaky = array(runner.outputs(view.shaken(turn))[number]).astype(float)
            noise = max(noise, 3 * np.abs(shaky - own).max(initial=0))
            if noise >= size or noise < TOO_LITTLE * size:
                break
        if leak.difference.relative < DOUBTFUL and runner.fixed is None:
            copies = array(flat(runner(view.repeat(3)))[number])
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
    with leak.context():
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
