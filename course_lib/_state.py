"""Run somebody else's model and leave it as it was."""

import contextlib
import random

import numpy as np

from course_lib._keras_private import (
    global_seed,
    layers_of,
    losses_kept,
    seeds_of,
    tensorflow_seeds_kept,
)
from course_lib._recorder import Recording


@contextlib.contextmanager
def unchanged(model, more=(), seeds=True):
    """Put variables, losses and random seeds back when the block ends, however it ends.

    Args:
        model: a Keras model or layer. Variables that the block itself creates stay.
        more: further variables to put back, such as those of metrics.
        seeds: False leaves the global random states alone: initial weights were drawn from them,
            and what is drawn next must differ.
    """
    import keras

    optimizer = getattr(model, "optimizer", None)
    metrics = getattr(model, "metrics", None) or []
    variables = [*model.variables, *more, *(getattr(optimizer, "variables", None) or [])]
    for metric in metrics:
        variables += metric.variables
    for layer in layers_of(model):
        variables += _untracked(layer)
    if seeds and global_seed() is not None:
        variables.append(global_seed())
    variables = list({id(variable): variable for variable in variables}.values())
    values = [keras.ops.copy(variable) for variable in variables]
    with contextlib.ExitStack() as stack:
        stack.enter_context(losses_kept(model))
        if seeds:
            stack.enter_context(_seeds_kept())
        try:
            yield
        finally:
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)


@contextlib.contextmanager
def _seeds_kept():
    python_state, numpy_state = random.getstate(), np.random.get_state()
    with tensorflow_seeds_kept():
        try:
            yield
        finally:
            random.setstate(python_state)
            np.random.set_state(numpy_state)


def build(model, *args, **kwargs):
    """Call a model that is not built, so that all its variables are there. Built ones are left."""
    import keras

    layers = layers_of(model)
    if all(layer.built for layer in layers):
        return
    new = [layer for layer in layers if not layer.built]
    with unchanged(model, seeds=False), Recording():
        model(*args, **kwargs)
    for layer in [*new, *(one for one in layers_of(model) if one not in layers)]:
        if isinstance(layer, keras.layers.RNN) and layer.stateful:
            layer.reset_state()


def _untracked(layer):
    """Return variables that `layer.variables` leaves out, such as the states of a stateful RNN."""
    import keras

    attributes = seeds_of(layer)
    for value in list(vars(layer).values()):
        if isinstance(value, (keras.Variable, list, tuple, dict)):
            # Keys that cannot be sorted make no tree.
            with contextlib.suppress(TypeError, ValueError):
                attributes += keras.tree.flatten(value)
    return [value for value in attributes if isinstance(value, keras.Variable)]
