"""A batch of many lengths: a few run alone, and the others only if padding shows anywhere.

What padding does to a row shows in most rows. So where the rows of a few lengths are what they are
alone, and all others keep their values with one more step of padding, these others may go.
"""

import numpy as np

from course_lib._audit.attempt import attempt
from course_lib._audit.axes import ROWS
from course_lib._audit.differences import differences

# So many lengths run alone.
FEW = 8


def pick(count):
    """Return the places of a few among so many lengths: the shortest, the longest, some between.

    Half of them are the shortest, which have the most padding. Of those between, every second is
    even: a layer with strides may be right at every second length.
    """
    if count <= FEW:
        return list(range(count))
    short = FEW // 2
    spread = np.linspace(short, count - 4, FEW - short)[1:-1].astype(int)
    spread += (spread + np.arange(len(spread))) % 2
    # The longest may have no padding, so the last but one is taken as well.
    return [*range(short), *spread.tolist(), count - 2, count - 1]


def is_sound(context, rest):
    """Return True if nothing differs, the rows of `rest` with one more step of padding included."""
    for axes in context.axes:
        if axes is None or axes.is_free or ROWS in axes.axes[1:]:
            return False
    if differences(context, context.outputs, context.whole):
        return False
    view = context.batch.view(rest, extra=1)
    outputs, error = attempt(context.runner.outputs, view)
    return error is None and not differences(
        context, context.outputs, context.whole, [view], [outputs]
    )
