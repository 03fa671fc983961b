"""Targets: do they fit, which are a row's own, and others to try."""

import numpy as np

from course_lib._audit.run import flat
from course_lib._keras_private import function_of, user_loss


def check_target(part, output, axes, sequences):
    """Raise if a target has another number of rows or steps than the output that it belongs to."""
    if len(part.target) != len(output):
        raise ValueError(
            f"`y` must have {len(output)} rows as `x` has, got shape {part.target.shape}"
        )
    if axes is None or axes.sequence is None or reads_labels(part.loss):
        return
    if picks_step(part.target, axes) and part.loss.name.startswith("sparse"):
        return
    steps = sequences[axes.sequence].real.shape[1]
    if part.target.ndim < 2 or part.target.shape[1] != steps:
        raise ValueError(
            f"`y` must have shape ({len(output)}, {steps}) or ({len(output)}, {steps}, ...) for an "
            f"output of shape {tuple(output.shape)}, got {part.target.shape}"
        )


def picks_step(target, axes):
    """Return True for targets that are steps: one for each row, of an output `(B, T)`."""
    if axes is None or len(axes) != 2 or axes.sequence is None:
        return False
    return target.dtype.kind in "iu" and target.shape in ((len(target),), (len(target), 1))


def reads_labels(loss):
    """Return True for losses whose targets need not be as long as the output."""
    return type(loss).__name__ == "CTC" or not is_built_in(loss)


def is_built_in(loss):
    """Return True for Keras's own losses and metrics."""
    function = function_of(loss)
    names = [type(loss).__module__, getattr(function, "__module__", None) or "keras"]
    return all(name.split(".")[0] in ("keras", "tf_keras") for name in names)


def own_targets(target, axes, view, alone_shape):
    """Return the targets of a view's rows at their own steps.

    Targets that are steps count from the row's first one.
    """
    if not picks_step(target, axes):
        return axes.cut(target, view, alone_shape)
    starts = view.batch.sequences[axes.sequence].starts[view.rows]
    return target[view.rows] - starts.reshape(starts.shape + (1,) * (target.ndim - 1))


def other_targets(part, axes, batch):
    """Return the targets with other values at padded steps, or `None` if they have none."""
    if axes.sequence is None or part.target.ndim < 2:
        return None
    sequence = batch.sequences[axes.sequence]
    if part.target.shape[1] != sequence.real.shape[1] or sequence.real.all():
        return None
    changed = part.target.copy()
    if changed.dtype.kind == "f" and "crossentropy" not in part.loss.name:
        changed[~sequence.real] = changed[~sequence.real] + 100
    else:
        values = changed[sequence.real]
        # Another value that really occurs, so that it is a class that the loss knows.
        changed[~sequence.real] = values[np.arange((~sequence.real).sum()) % len(values)]
    return changed


def made_up_targets(model, outputs, names):
    """Return targets that fit the compiled losses, or `None` where only their author knows them."""
    import keras

    user = user_loss(model)
    tensors = flat(outputs)
    if isinstance(user, dict):
        keys = sorted(outputs) if isinstance(outputs, dict) else names
        losses = [user.get(key) for key in keys or []]
    elif isinstance(user, (list, tuple)):
        losses = list(user)
    else:
        losses = [user] * len(tensors)
    if len(losses) != len(tensors):
        return None
    generator = np.random.default_rng(0)
    made = []
    for loss, tensor in zip(losses, tensors, strict=True):
        one = None if loss is None else keras.losses.get(loss)
        shape = tuple(tensor.shape)
        if one is None:
            made.append(np.zeros(shape, "float32"))
            continue
        name = (getattr(one, "__name__", None) or type(one).__name__).lower().replace("_", "")
        if not callable(one) or name == "ctc" or not _is_keras(one):
            return None
        made.append(_made_up(name, shape, generator))
    return keras.tree.pack_sequence_as(outputs, made)


def _is_keras(loss):
    import keras

    if isinstance(loss, keras.losses.Loss):
        return is_built_in(loss)
    return (getattr(loss, "__module__", None) or "").split(".")[0] == "keras"


def _made_up(name, shape, generator):
    if name.startswith("sparse"):
        return generator.integers(shape[-1], size=shape[:-1])
    if name.startswith(("binary",)):
        return generator.integers(2, size=shape).astype("float32")
    if name.startswith(("categorical", "kl")):
        return np.eye(shape[-1], dtype="float32")[generator.integers(shape[-1], size=shape[:-1])]
    return generator.uniform(0.5, 1.5, size=shape).astype("float32")
