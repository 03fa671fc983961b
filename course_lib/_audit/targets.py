"""Targets: do they fit, and which are a row's own."""

from course_lib._keras_private import function_of


def check_target(part, output, axes, sequences):
    """Raise if a target has another number of steps than the output that it belongs to."""
    loss = part.scorer
    reads_labels = type(loss).__name__ == "CTC" or not is_built_in(loss)  # as long as they may be
    if axes.sequence is None or reads_labels:
        return
    if picks_step(part.target, axes) and loss.name.startswith("sparse"):
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


def is_built_in(loss):
    """Return True for Keras's own losses and metrics, and for the functions behind them."""
    sources = (type(loss), loss, function_of(loss))
    modules = {getattr(one, "__module__", None) or "keras" for one in sources} - {"builtins"}
    return all(module.split(".")[0] in ("keras", "tf_keras") for module in modules)


def own_targets(target, axes, view, alone_shape):
    """Return the targets of a view's rows at their own steps.

    Targets that are steps count from the row's first one.
    """
    if not picks_step(target, axes):
        return axes.cut(target, view, alone_shape)
    starts = view.batch.sequences[axes.sequence].starts[view.rows]
    return target[view.rows] - starts.reshape(starts.shape + (1,) * (target.ndim - 1))
