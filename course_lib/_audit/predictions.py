"""What losses and metrics are tried on: predictions and targets as they are, and others."""

import numpy as np

from course_lib._audit.attempt import attempt
from course_lib._audit.layout import unfold
from course_lib._audit.part import parts_of
from course_lib._audit.run import array, flat
from course_lib._audit.targets import is_built_in, picks_step
from course_lib._keras_private import function_of, mask_of, matched_losses, with_mask


def like(tensor, values):
    """Return values as a tensor with the shape, the dtype and the mask of another."""
    import keras

    values = keras.ops.convert_to_tensor(values.reshape(tuple(tensor.shape)))
    return with_mask(keras.ops.cast(values, tensor.dtype), mask_of(tensor))


def repaired(context, seen):
    """Return the context with the values of the rows alone at real steps of outputs, masks kept.

    So a loss is judged by its own faults, not by those of the values that come to it.
    """
    import keras

    wrong = {leak.output for leak in seen.leaks}
    outputs = [
        _repaired(context, number) if number in wrong else output
        for number, output in enumerate(context.outputs)
    ]
    leaves, is_tensor = iter(outputs), keras.ops.is_tensor
    result = keras.tree.map_structure(
        lambda leaf: next(leaves) if is_tensor(leaf) else leaf, context.result
    )
    return context.but(outputs=outputs, result=result)


def _repaired(context, number):
    output, axes = context.outputs[number], context.axes[number]
    values = unfold(array(output), context.whole).copy()
    for view, outputs in zip(context.alone, context.alone_outputs, strict=True):
        own = unfold(array(outputs[number]), view)
        for place, row in enumerate(view.rows):
            index = axes.own(values.shape, row, context.whole, own.shape, view.rows)
            values[index] = own[place]
    return like(output, values)


def predictions_of(context, part):
    """Return a part's output as it is and, where it may be, with real values at padded steps.

    A loss or metric that looks at padding can be right by chance: for these values, not for
    others.
    """
    output, axes = context.outputs[part.output], context.axes[part.output]
    if axes.sequence is None or picks_step(part.target, axes):
        return [output]
    values = array(output)
    real = context.batch.sequences[axes.sequence].real
    if values.shape[:2] != real.shape or real.all():
        return [output]
    values = values.copy()
    values[~real] = np.resize(values[real], (int((~real).sum()), *values.shape[2:]))
    return [output, like(output, values)]


def are_fixed(context, number):
    """Return True if an output is one and the same at all padded steps, whatever the weights.

    Then this is part of what the model promises: no input and no training makes another.
    """
    padded = ~context.batch.sequences[context.axes[number].sequence].real
    values = array(context.outputs[number])[padded]
    if not (values == values[:1]).all():
        return False
    for look in context.looks:
        with look():
            again, _ = attempt(context.runner.outputs, context.whole)
        # Under a look, 16 bits are 32.
        if again and not np.allclose(array(again[number])[padded], values, context.share, 0):
            return False
    return True


def turned(context, prediction, number):
    """Return the context and a prediction with `1 - p` for each value of an output, or `-p`.

    Counting what lies beyond a threshold is right by chance where nothing does, as before training.
    What is done to each value by itself makes no sound metric see padding. Every other padded step
    keeps its value, so that padding lies on both sides.
    """
    values = array(prediction)
    top = 1 if (values >= 0).all() and (values <= 1).all() else 0
    padded = ~context.batch.sequences[context.axes[number].sequence].real
    kept = values[padded][::2]
    values = top - values
    values[tuple(place[::2] for place in np.nonzero(padded))] = kept
    alone = tuple(
        [like(one, top - array(one)) if place == number else one for place, one in enumerate(group)]
        for group in context.alone_outputs
    )
    return context.but(alone_outputs=alone), like(prediction, values)


# ---------------------------------------------------------------------- targets


def made_up_targets(context):
    """Return targets that fit the compiled losses, or `None` where only their author knows them."""
    import keras

    model, outputs = context.model, context.result
    # With the outputs for targets, Keras tells which loss is for which.
    matched, error = attempt(matched_losses, model, outputs, outputs, None)
    if error is not None:
        return None
    made = [np.zeros(tuple(tensor.shape), "float32") for tensor in flat(outputs)]
    generator = np.random.default_rng(0)
    for part in parts_of("loss", matched, outputs):
        loss = part.scorer
        name = getattr(function_of(loss), "__name__", type(loss).__name__).replace("_", "").lower()
        if name == "ctc" or not is_built_in(loss):
            return None
        target = _made_up(name, part.target.shape, generator)
        axes = context.axes[part.output]
        if picks_step(target, axes):  # a step of the row's own
            sequence = context.batch.sequences[axes.sequence]
            target = sequence.starts + target % np.maximum(sequence.lengths, 1)
        made[part.output] = target
    return keras.tree.pack_sequence_as(outputs, made)


def _made_up(name, shape, generator):
    if name.startswith("sparse"):
        return generator.integers(shape[-1], size=shape[:-1])
    if name.startswith("binary"):
        return generator.integers(2, size=shape).astype("float32")
    if name.startswith(("categorical", "kl")):
        return np.eye(shape[-1], dtype="float32")[generator.integers(shape[-1], size=shape[:-1])]
    return generator.uniform(0.5, 1.5, size=shape).astype("float32")


def other_targets(part, axes, batch):
    """Return the targets with other values at padded steps, or `None` if they have none."""
    if axes.sequence is None or part.target.ndim < 2:
        return None
    sequence = batch.sequences[axes.sequence]
    if part.target.shape[1] != sequence.real.shape[1] or sequence.real.all():
        return None
    changed = part.target.copy()
    if changed.dtype.kind == "f" and "crossentropy" not in part.scorer.name:
        changed[~sequence.real] = changed[~sequence.real] + 100
    else:
        values = changed[sequence.real]
        # Another value that really occurs, so that it is a class that the loss knows.
        changed[~sequence.real] = values[np.arange((~sequence.real).sum()) % len(values)]
    return changed
