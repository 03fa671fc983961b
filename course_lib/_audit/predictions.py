"""The predictions that losses and metrics are tried on, as they are and with other padding."""

import numpy as np

from course_lib._audit.layout import unfold
from course_lib._audit.run import array
from course_lib._audit.targets import picks_step
from course_lib._keras_private import mask_of, with_mask


def in_form(context, outputs):
    """Return outputs in the model's own form."""
    import keras

    leaves = iter(outputs)
    packed = [
        next(leaves) if keras.ops.is_tensor(leaf) else leaf
        for leaf in keras.tree.flatten(context.result)
    ]
    return keras.tree.pack_sequence_as(context.result, packed)


def repaired(context, seen):
    """Return the outputs with the values of the rows alone at real steps, masks kept.

    So a loss is judged by its own faults, not by those of the values that come to it.
    """
    wrong = {leak.output for leak in seen.leaks}
    return [
        _repaired(context, number) if number in wrong else output
        for number, output in enumerate(context.outputs)
    ]


def _repaired(context, number):
    import keras

    output, axes = context.outputs[number], context.axes[number]
    values = unfold(array(output), context.whole).copy()
    for view, outputs in zip(context.alone, context.alone_outputs, strict=True):
        own = unfold(array(outputs[number]), view)
        for place, row in enumerate(view.rows):
            index = axes.own(values.shape, row, context.whole, own.shape, view.rows)
            values[index] = own[place]
    tensor = keras.ops.cast(values.reshape(tuple(output.shape)), output.dtype)
    return with_mask(tensor, mask_of(output))


def predictions_of(context, outputs, number, target):
    """Return an output as it is and, where it may be, with values of real steps at the padded ones.

    A loss or metric that looks at padding can be right by chance: for these values, not for
    others. Where the model makes zeros of padding, these are part of what it promises.
    """
    import keras

    output, axes = outputs[number], context.axes[number]
    if axes.sequence is None or picks_step(target, axes):
        return [output]
    values = array(output)
    real = context.batch.sequences[axes.sequence].real
    if values.shape[:2] != real.shape or real.all() or not values[~real].any():
        return [output]
    values = values.copy()
    values[~real] = np.resize(values[real], (int((~real).sum()), *values.shape[2:]))
    changed = keras.ops.cast(keras.ops.convert_to_tensor(values), output.dtype)
    return [output, with_mask(changed, mask_of(output))]


def turned(context, prediction, number):
    """Return the context and a prediction with `1 - p` for each value of an output, or `-p`.

    Counting what lies beyond a threshold is right by chance where nothing does, as before training.
    What is done to each value by itself makes no sound metric see padding. Every other padded step
    keeps its value, so that padding lies on both sides.
    """
    import keras

    values = array(prediction)
    top = 1 if (values >= 0).all() and (values <= 1).all() else 0
    padded = ~context.batch.sequences[context.axes[number].sequence].real
    kept = values[padded][::2]
    values = top - values
    values[tuple(place[::2] for place in np.nonzero(padded))] = kept

    def like(tensor, changed):
        changed = keras.ops.cast(keras.ops.convert_to_tensor(changed), tensor.dtype)
        return with_mask(changed, mask_of(tensor))

    alone = tuple(
        [like(one, top - array(one)) if place == number else one for place, one in enumerate(group)]
        for group in context.alone_outputs
    )
    return context.but(alone_outputs=alone), like(prediction, values)
