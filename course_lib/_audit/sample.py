"""A batch of many lengths: a few run alone, and the others only if padding shows anywhere.

What padding does to a row shows in most rows. So where the rows of a few lengths are what they are
alone, and all others keep their values with one more step of padding, these others may go.
"""

import numpy as np

from course_lib._audit.attempt import attempt
from course_lib._audit.axes import ROWS
from course_lib._audit.differences import differences
from course_lib._keras_private import mask_of, with_mask

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
    size = context.batch.size
    for output, axes in zip(context.outputs, context.axes, strict=True):
        if axes is None or axes.is_free or ROWS in axes.axes[1:] or output.shape[0] != size:
            return False
    if differences(context, context.outputs, context.whole):
        return False
    view = context.batch.view(rest, extra=1)
    outputs, error = attempt(context.runner.outputs, view)
    if error is not None:
        return False
    return not differences(context, context.outputs, context.whole, [view], [outputs])


def rows_of(result, keep):
    """Return what the model gave out, for some rows of the batch, masks included."""
    import keras

    def cut(leaf):
        return None if leaf is None else keras.ops.take(leaf, keep, axis=0)

    def with_own_mask(leaf):
        return with_mask(cut(leaf), cut(mask_of(leaf))) if keras.ops.is_tensor(leaf) else leaf

    return keras.tree.map_structure(with_own_mask, result)
