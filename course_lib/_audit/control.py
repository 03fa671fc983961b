"""What differs and is not padding: rounding that grows, and rows that see their neighbours."""

import contextlib
from dataclasses import dataclass

import numpy as np

from course_lib._audit.batch import View
from course_lib._audit.compare import compare
from course_lib._audit.run import array, flat, shaken
from course_lib._audit.second_look import DOUBTFUL


@dataclass
class Leak:
    """An output that differs at real steps.

    Attributes:
        padded: the view with padding.
        bare: the view that it was compared with.
        difference: the largest `Difference`.
        output: the number of the output.
        how: what was done to the batch, for the reader.
        context: a function that returns the context in which it is seen.
        training: True if it is seen in training.
        refilled: True if it is the same batch twice, its padding changed.
    """

    padded: View
    bare: View
    difference: object
    output: int
    how: str
    context: object = contextlib.nullcontext
    training: bool = False
    refilled: bool = False

    def __str__(self):
        if not self.refilled:
            return f"differs {self.how}: {self.difference}"
        before, after = f"{self.difference.alone:.4g}", f"{self.difference.batch:.4g}"
        return f"changes {self.how}: {self.difference.where}: {before} before, {after} after"


def control(audit):
    """Tell padding from rounding that grows, and from rows that see their neighbours."""
    kept, rounding = [], None
    for leak in audit.leaks:
        if _is_rounding(audit, leak):
            rounding = leak
        else:
            kept.append(leak)
    audit.leaks = kept
    if rounding is not None:
        audit.is_shaky = True
        audit.notes.append(
            f"{audit.name_of(rounding.output)} differs {rounding.how} ({rounding.difference}), "
            "and as much without padding when weights and inputs change by two millionths: "
            "rounding that grows from step to step, and not padding."
        )
    if kept:
        audit.crowd = _neighbours(audit, max(kept, key=lambda one: one.difference.relative))
    if audit.crowd is not None:
        audit.leaks = []
    if audit.crowd is not None or audit.is_shaky:
        audit.notes.append("Loss, metrics and gradients were not compared.")


def _is_rounding(audit, leak):
    """Return True if the row alone differs as much by its copies or by tiny changes."""
    view = leak.bare
    own = array(audit.alone_outputs[audit.alone.index(view)][leak.output]).astype(float)
    size = abs(leak.difference.batch - leak.difference.alone)
    with shaken(audit.model):
        shaky = audit.runner.outputs(view.shaken())[leak.output]
    noise = 3 * np.abs(array(shaky).astype(float) - own).max(initial=0)
    if leak.difference.relative < DOUBTFUL and audit.runner.fixed is None:
        copies = array(flat(audit.runner(view.repeat(3)))[leak.output])
        repeated = copies[: len(own)].astype(float)
        noise = max(noise, 20 * np.abs(repeated - own).max(initial=0))
    return bool(noise >= size)


def _neighbours(audit, leak):
    """Return a `Leak` between a row alone and beside others without padding, or `None`."""
    row = int(np.flatnonzero(audit.batch.numbers == leak.difference.row)[0])
    others = [r for r in np.flatnonzero(~audit.batch.empty) if r != row]
    others = others[: 3 if audit.runner.fixed is None else min(3, audit.runner.fixed - 1)]
    if not others or not all(sequence.leaves for sequence in audit.batch.sequences):
        return None
    alone, crowd = audit.batch.crowd(row, others)
    try:
        single, several = audit.runner.outputs(alone), audit.runner.outputs(crowd)
    except Exception:
        # A model may take no other rows of this length.
        return None
    mine, other = array(several[leak.output]), array(single[leak.output])
    found = compare(audit.batch, mine, crowd, other, alone, side=audit.side)
    least = max(audit.share, 0.02 * leak.difference.relative)
    if found is None or found.relative <= least:
        return None
    return Leak(crowd, alone, found, leak.output, "beside other rows without padding")
