"""The gradients of a batch against those of its rows alone, with dropout off."""

import numpy as np

from course_lib._audit.attempt import attempt, named
from course_lib._audit.axes import FREE, ROWS
from course_lib._audit.cause import Cause
from course_lib._audit.compare import largest
from course_lib._audit.context import Seen
from course_lib._audit.judge import right_values, value_of
from course_lib._audit.layout import unfold
from course_lib._audit.part import alone, in_batch
from course_lib._audit.report import finding
from course_lib._audit.run import array

# A gradient is a sum over rows and steps in another order: more rounding than in a value.
LOOSER = 50
# They are compared for rows of so many lengths.
LENGTHS = 4


def check_gradients(context, seen):
    """Compare the gradients, of the sound parts of the loss or of all outputs."""
    import keras

    variables = context.model.trainable_variables
    if keras.backend.backend() != "tensorflow" or not variables:
        return seen
    if not seen.losses and not _comparable(context):
        return seen
    views = context.spread(LENGTHS)
    worst, error = attempt(_compared, context, views, seen.losses)
    if error is not None:
        return seen + Seen(notes=(f"Gradients could not be compared ({named(error)}).",))
    (share, variable, mine, right), count = worst
    if not count:
        return seen
    text = (
        f"gradients of {count} variable{'s' * (count > 1)}, rows of {len(views)} "
        f"length{'s' * (len(views) > 1)}"
    )
    seen += Seen(checked=(text,))
    if share <= LOOSER * context.share:
        return seen
    evidence = f"The gradient of `{variable.path}` is {mine:.4g} in the batch, {right:.4g} alone."
    layer = variable.path.split("/")[-2] if "/" in variable.path else variable.path
    return seen + Seen(findings=(finding(Cause("gradient", layer), "gradients", [evidence]),))


def _compared(context, views, parts):
    """Return the `worst_variable`, and how many have a gradient: zeros say nothing of padding."""
    together = context.batch.view(_rows_of(context, views))
    mine, losses = _gradients(context, parts, [together])
    right, _ = _gradients(context, parts, views, beside=losses)
    count = sum(bool(one.any() or two.any()) for one, two in zip(mine, right, strict=True))
    return worst_variable(context.model.trainable_variables, mine, right), count


def _rows_of(context, views):
    rows = np.concatenate([view.rows for view in views])
    if all(one is not None and one.sequence is not None for one in context.axes):
        # Rows of nothing but padding have no steps to be scored, so they must count for nothing.
        rows = np.concatenate([rows, np.flatnonzero(context.batch.empty)])
    return rows


def _gradients(context, parts, views, beside=None):
    """Return the gradients of the sum of `_losses`, and these."""
    import tensorflow as tf

    with tf.GradientTape() as tape:
        outputs = [context.runner.outputs(view) for view in views]
        losses = _losses(context, parts, views, outputs, beside)
        total = sum(losses)
    variables = [variable.value for variable in context.model.trainable_variables]
    found = tape.gradient(total, variables, unconnected_gradients="zero")
    # Gradients of an embedding come as rows; they are compared as the whole table.
    return [array(tf.convert_to_tensor(one)) for one in found], losses


def _losses(context, parts, views, outputs, beside):
    """Return the parts of the loss in a padded view, or what rows alone say, nearest to those.

    Without parts, a fixed weighting of the outputs at real steps is taken for the loss.
    """
    if not parts:
        return [_weighted(context, one, view) for one, view in zip(outputs, views, strict=True)]
    if beside is None:
        updates = [in_batch(context, part, outputs[0][part.output], views[0]) for part in parts]
        pairs = zip(parts, updates, strict=True)
        return [part.weight * value_of(part, update) for part, update in pairs]
    losses = []
    for part, batch in zip(parts, beside, strict=True):
        found = right_values(part, alone(context, part, views, outputs))
        found = [part.weight * value for value in found]
        losses.append(min(found, key=lambda one, batch=batch: abs(float(one - batch))))
    return losses


def _comparable(context):
    """Return the numbers of outputs that are floats, each step of which some row alone has too."""
    import keras

    return [
        number
        for number, (output, axes) in enumerate(zip(context.outputs, context.axes, strict=True))
        if axes is not None
        and not {FREE, ROWS}.intersection(axes.axes[1:])
        and "float" in keras.backend.standardize_dtype(output.dtype)
    ]


def _weighted(context, outputs, view):
    """Return a sum of all outputs at real steps, each with a weight of its own."""
    import keras

    total = keras.ops.zeros(())
    for number in _comparable(context):
        output = outputs[number]
        weights = _weights(number, context.axes[number], tuple(output.shape), view)
        real = keras.ops.where(weights != 0, keras.ops.cast(output, "float32"), 0.0)
        total += keras.ops.sum(real * weights)
    return total


def _weights(number, axes, shape, view):
    """Return the weights of an output in a view: the same for a row's own steps in every view."""
    weights = unfold(np.zeros(shape, "float32"), view)
    for place, row in enumerate(view.rows):
        if not view.batch.empty[row]:
            index = axes.own(weights.shape, place, view, weights.shape)
            generator = np.random.default_rng((number, int(row)))
            own = generator.uniform(0.5, 1.5, weights[index].shape)
            holes = axes.holes(view.batch, row)
            weights[index] = own if holes is None else np.where(holes, 0, own)
    return weights.reshape(shape)


def worst_variable(variables, batch, wanted):
    """Return `(share, variable, batch's value, wanted value)` where gradients differ most.

    The share is that of the variable's largest wanted gradient, or a tenth of the largest of all
    where a variable ought to have next to none.
    """
    sizes = [np.abs(one[np.isfinite(one)]).max(initial=0) for one in wanted]
    worst = (0.0, None, 0.0, 0.0)
    for variable, mine, right, size in zip(variables, batch, wanted, sizes, strict=True):
        found = largest(mine, right, max(size, 0.1 * max(sizes), 1e-12), None)
        if found is not None and found[0] > worst[0]:
            share, where = found
            worst = (share, variable, float(mine[where]), float(right[where]))
    return worst
