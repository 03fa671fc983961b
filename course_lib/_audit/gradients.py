"""The gradients of a batch against those of its rows alone, with dropout off."""

import numpy as np

from course_lib._audit.attempt import attempt, named
from course_lib._audit.axes import along
from course_lib._audit.cause import Cause
from course_lib._audit.context import Seen
from course_lib._audit.loss import alone, value_in_batch
from course_lib._audit.report import finding
from course_lib._audit.run import array

# A gradient is a sum over rows and steps in another order: more rounding than in a value.
LOOSER = 50
# They are compared for rows of so many lengths.
LENGTHS = 4


def check_gradients(context, parts):
    """Return what is `Seen` of the gradients, of the sound parts of the loss or of all outputs."""
    import keras

    variables = context.model.trainable_variables
    if keras.backend.backend() != "tensorflow" or not variables:
        return Seen()
    views = context.spread(LENGTHS)
    worst, error = attempt(compare_gradients, context, views, parts)
    if error is not None:
        return Seen(notes=(f"Gradients could not be compared ({named(error)}).",))
    share, variable, mine, right = worst
    text = (
        f"gradients of {len(variables)} variables, rows of {len(views)} "
        f"length{'s' * (len(views) > 1)}"
    )
    seen = Seen(checked=(text,))
    if share <= LOOSER * context.share:
        return seen
    evidence = f"The gradient of `{variable.path}` is {mine:.4g} in the batch, {right:.4g} alone."
    layer = variable.path.split("/")[-2] if "/" in variable.path else variable.path
    return seen + Seen(findings=(finding(Cause("gradient", layer), "gradients", [evidence]),))


def compare_gradients(context, views, parts):
    """Compare the gradients of some rows, batched and alone.

    Args:
        context: the `Context`.
        views: the views alone that are taken.
        parts: the parts of the compiled loss; without any, a fixed weighting of the outputs at
            real steps is taken for the loss.

    Returns:
        What `worst_variable` returns.
    """
    import tensorflow as tf

    runner, axes = context.runner, context.axes
    together = context.batch.view(_rows_of(context, views))
    with tf.GradientTape() as tape:
        outputs = runner.outputs(together)
        losses = [
            value_in_batch(part, outputs[part.output], axes[part.output], together)
            for part in parts
        ]
        loss = sum(part.weight * one for part, one in zip(parts, losses, strict=True))
        loss = loss if parts else _weighted(outputs, axes, together)
    mine = _gradients(tape, loss, runner.model)
    with tf.GradientTape() as tape:
        several = [runner.outputs(view) for view in views]
        pairs = zip(several, views, strict=True)
        loss = (
            _loss_alone(context, several, views, parts, losses)
            if parts
            else sum(_weighted(outputs, axes, view) for outputs, view in pairs)
        )
    wanted = _gradients(tape, loss, runner.model)
    return worst_variable(runner.model.trainable_variables, mine, wanted)


def _rows_of(context, views):
    rows = np.concatenate([view.rows for view in views])
    if all(one is not None and one.sequence is not None for one in context.axes):
        # Rows of nothing but padding have no steps to be scored, so they must count for nothing.
        rows = np.concatenate([rows, np.flatnonzero(context.batch.empty)])
    return rows


def _loss_alone(context, several, views, parts, losses):
    """Return what the loss of the rows alone comes to: of several right values the nearest."""
    total = 0.0
    for part, in_batch in zip(parts, losses, strict=True):
        predictions = [outputs[part.output] for outputs in several]
        found, _ = alone(part, context.axes[part.output], views, predictions, True)
        nearest = min(found, key=lambda one, b=in_batch: abs(float(one) - float(b)))
        total += part.weight * nearest
    return total


def _gradients(tape, loss, model):
    import tensorflow as tf

    found = tape.gradient(loss, [variable.value for variable in model.trainable_variables])
    # Gradients of an embedding come as rows; they are compared as the whole table.
    return [None if one is None else array(tf.convert_to_tensor(one)) for one in found]


def _weighted(outputs, all_axes, view):
    """Return a sum of all outputs at real steps, each with a weight of its own."""
    import keras

    total = keras.ops.zeros(())
    for number, (output, axes) in enumerate(zip(outputs, all_axes, strict=True)):
        dtype = keras.backend.standardize_dtype(output.dtype)
        if axes is None or axes.is_free or "float" not in dtype:
            continue
        weights = _weights(number, axes, tuple(output.shape), view)
        real = keras.ops.where(weights != 0, keras.ops.cast(output, "float32"), 0.0)
        total += keras.ops.sum(real * weights)
    return total


def _weights(number, axes, shape, view):
    """Return the weights of an output in a view: the same for a row's own steps in every view."""
    batch = view.batch
    along_steps = {
        place: batch.sequences[axis.sequence].real
        for place, axis in enumerate(axes.axes)
        if axis.kind == "steps"
    }
    whole = [batch.size, *shape[1:]]
    for place, real in along_steps.items():
        whole[place] = real.shape[1]
    weights = np.random.default_rng(number).uniform(0.5, 1.5, size=whole).astype("float32")
    for place, real in along_steps.items():
        weights = weights * along(real, len(whole), place)
    weights[batch.empty] = 0
    return axes.cut(weights, view) if view.pure and len(view.rows) else weights[view.rows]


def worst_variable(variables, batch, wanted):
    """Return `(share, variable, batch's value, wanted value)` where gradients differ most.

    The share is that of the variable's largest wanted gradient, or a tenth of the largest of all
    where a variable ought to have next to none.
    """
    sizes = [np.abs(one[np.isfinite(one)]).max(initial=0) for one in wanted if one is not None]
    largest = max(sizes, default=0)
    worst = (0.0, None, 0.0, 0.0)
    for variable, mine, right in zip(variables, batch, wanted, strict=True):
        if mine is None and right is None:
            continue
        mine = np.zeros_like(right) if mine is None else mine
        right = np.zeros_like(mine) if right is None else right
        if not mine.size:
            continue
        scale = max(np.abs(right[np.isfinite(right)]).max(initial=0), 0.1 * largest, 1e-12)
        with np.errstate(invalid="ignore"):
            share = np.abs(mine - right) / scale
        same = np.isnan(mine) & np.isnan(right)
        share = np.where(same, 0, np.where(np.isnan(share), np.inf, share))
        where = np.unravel_index(int(share.argmax()), share.shape)
        if share[where] > worst[0]:
            worst = (float(share[where]), variable, float(mine[where]), float(right[where]))
    return worst
