"""The gradients of a batch against those of its rows alone, with dropout off."""

import numpy as np

from course_lib._audit.loss import alone, value_in_batch
from course_lib._audit.run import array
from course_lib._audit.targets import cut

# A gradient is a sum over rows and steps in another order: more rounding than in a value.
LOOSER = 50


def check_gradients(runner, groups, batch, kinds, parts, side):
    """Compare the gradients of some groups' rows, batched and alone.

    Args:
        runner: a `Runner`.
        groups: the rows of each group that is taken.
        batch: the `Batch`.
        kinds: for each output, what its axes are.
        parts: the parts of the compiled loss; without any, a fixed weighting of the outputs at
            real steps is taken for the loss.
        side: where padding stands.

    Returns:
        What `worst_variable` returns.
    """
    import tensorflow as tf

    rows = np.concatenate(groups)
    if all(axes is not None and isinstance((*axes, None)[1], int) for axes in kinds):
        # Rows of nothing but padding have no steps to be scored, so they must count for nothing.
        rows = np.concatenate([rows, np.flatnonzero(batch.empty)])
    together = batch.view(rows)
    views = [batch.view(group, place="alone") for group in groups]
    with tf.GradientTape() as tape:
        outputs = runner.outputs(together)
        if parts:
            losses = [value_in_batch(part, outputs[part.output], kinds, together) for part in parts]
            loss = sum(part.weight * one for part, one in zip(parts, losses, strict=True))
        else:
            loss = _weighted(outputs, kinds, together)
    mine = _gradients(tape, loss, runner.model)
    with tf.GradientTape() as tape:
        several = [runner.outputs(view) for view in views]
        if parts:
            loss = 0.0
            for part, in_batch in zip(parts, losses, strict=True):
                predictions = [outputs[part.output] for outputs in several]
                found, _ = alone(part, kinds[part.output], views, predictions, side, True)
                nearest = min(found, key=lambda one, b=in_batch: abs(float(one) - float(b)))
                loss += part.weight * nearest
        else:
            pairs = zip(several, views, strict=True)
            loss = sum(_weighted(outputs, kinds, view) for outputs, view in pairs)
    wanted = _gradients(tape, loss, runner.model)
    return worst_variable(runner.model.trainable_variables, mine, wanted)


def _gradients(tape, loss, model):
    import tensorflow as tf

    found = tape.gradient(loss, [variable.value for variable in model.trainable_variables])
    # Gradients of an embedding come as rows; they are compared as the whole table.
    return [None if one is None else array(tf.convert_to_tensor(one)) for one in found]


def _weighted(outputs, kinds, view):
    """Return a sum of all outputs at real steps, each with a weight of its own."""
    import keras

    total = keras.ops.zeros(())
    for number, (output, axes) in enumerate(zip(outputs, kinds, strict=True)):
        dtype = keras.backend.standardize_dtype(output.dtype)
        if axes is None or "free" in axes or "float" not in dtype:
            continue
        weights = _weights(number, axes, tuple(output.shape), view)
        real = keras.ops.where(weights != 0, keras.ops.cast(output, "float32"), 0.0)
        total += keras.ops.sum(real * weights)
    return total


def _weights(number, axes, shape, view):
    """Return the weights of an output in a view: the same for a row's own steps in every view."""
    batch = view.batch
    steps = [sequence.real.shape[1] for sequence in batch.sequences]
    whole = [batch.size]
    whole += [
        steps[kind] if isinstance(kind, int) else size
        for kind, size in zip(axes[1:], shape[1:], strict=True)
    ]
    weights = np.random.default_rng(number).uniform(0.5, 1.5, size=whole).astype("float32")
    for axis, kind in enumerate(axes[1:], start=1):
        if isinstance(kind, int):
            real = batch.sequences[kind].real
            form = [len(real), *(real.shape[1] if d == axis else 1 for d in range(1, len(whole)))]
            weights = weights * real.reshape(form)
    weights[batch.empty] = 0
    if view.pure and len(view.rows):
        return cut(weights, axes, view)
    return weights[view.rows]


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
