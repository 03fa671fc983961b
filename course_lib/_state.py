"""Run somebody else's model and leave it as it was."""

import contextlib
import random

import numpy as np

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
    for layer in _layers(model):
        variables += _untracked(layer)
    generator = keras.src.backend.common.global_state.get_global_attribute("global_seed_generator")
    if generator is not None and seeds:
        variables.append(generator.state)
    variables = list({id(variable): variable for variable in variables}.values())
    values = [keras.ops.copy(variable) for variable in variables]
    losses = [(layer, list(layer._losses), set(layer._loss_ids)) for layer in _layers(model)]
    python_state, numpy_state = random.getstate(), np.random.get_state()
    context, context_state = _tensorflow_random()
    try:
        yield
    finally:
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        if seeds:
            random.setstate(python_state)
            np.random.set_state(numpy_state)
            if context is not None:
                context.setstate(context_state)
        for layer in _layers(model):
            layer._losses, layer._loss_ids = [], set()
        for layer, values, ids in losses:
            layer._losses, layer._loss_ids = values, ids


def build(model, *args, **kwargs):
    """Call a model that is not built, so that all its variables are there. Built ones are left."""
    import keras

    layers = _layers(model)
    if all(layer.built for layer in layers):
        return
    new = [layer for layer in layers if not layer.built]
    with unchanged(model, seeds=False), Recording():
        model(*args, **kwargs)
    for layer in [*new, *(one for one in _layers(model) if one not in layers)]:
        if isinstance(layer, keras.layers.RNN) and layer.stateful:
            layer.reset_state()


def _layers(model):
    return list(model._flatten_layers())


def _untracked(layer):
    """Return variables that `layer.variables` leaves out, such as the states of a stateful RNN."""
    import keras

    attributes = [seed.state for seed in layer._seed_generators]
    for value in list(vars(layer).values()):
        if isinstance(value, (keras.Variable, list, tuple, dict)):
            # Keys that cannot be sorted make no tree.
            with contextlib.suppress(TypeError, ValueError):
                attributes += keras.tree.flatten(value)
    return [value for value in attributes if isinstance(value, keras.Variable)]


def _tensorflow_random():
    """Return the generator from which TensorFlow draws the seeds of operations, and its state."""
    import keras

    if keras.backend.backend() != "tensorflow":
        return None, None
    from tensorflow.python.eager import context

    generator = getattr(context.context(), "_rng", None)
    return (
        (generator, generator.getstate()) if isinstance(generator, random.Random) else (None,) * 2
    )
