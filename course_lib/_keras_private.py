"""Keras's and TensorFlow's private names, and nothing else: a new Keras is read in this file.

What is public stays where it is used. Each function says what it takes from inside.
"""

import contextlib
import logging
import random

# ---------------------------------------------------------------------- masks and layers


def mask_of(tensor):
    """Return the mask that Keras attached to a tensor, or `None`."""
    return getattr(tensor, "_keras_mask", None)


def with_mask(tensor, mask):
    """Attach a mask to a tensor, unless it is `None`, and return the tensor."""
    if mask is not None:
        tensor._keras_mask = mask
    return tensor


def layers_of(model):
    """Return a model and all layers inside it, as a list."""
    return list(model._flatten_layers())


def is_functional(model):
    """Return True for a Functional or Sequential model."""
    import keras

    return isinstance(model, keras.Sequential) or hasattr(model, "_inputs_struct")


def takes_mask(layer):
    """Return False for a `Lambda` whose function has no argument `mask`."""
    return getattr(layer, "_fn_expects_mask_arg", True)


@contextlib.contextmanager
def replaced(values):
    """Set attributes behind Keras's back, and put them back.

    Args:
        values: list of `(layer, name, value)`; Keras's own `__setattr__` would track or refuse.
    """
    absent, before = object(), []
    try:
        for layer, name, value in values:
            before.append((layer, name, layer.__dict__.get(name, absent)))
            layer.__dict__[name] = value
        yield
    finally:
        for layer, name, value in reversed(before):
            if value is absent:
                layer.__dict__.pop(name, None)
            else:
                layer.__dict__[name] = value


def any_length(model):
    """Let Functional models take other lengths than their inputs were declared with, meanwhile."""
    import keras

    models = [layer for layer in layers_of(model) if isinstance(layer, keras.Model)]
    models += [one._functional for one in models if getattr(one, "_functional", None) is not None]
    models = list({id(one): one for one in models if hasattr(one, "_inputs_struct")}.values())
    return replaced([(one, "_manual_input_spec", None) for one in models])


def in_float32(layers):
    """Let layers compute in float32 meanwhile."""
    import keras

    wanted = [one for one in layers if one.__dict__.get("_dtype_policy") is not None]
    return replaced([(one, "_dtype_policy", keras.DTypePolicy("float32")) for one in wanted])


def attribute(layer, name):
    """Return what a layer holds under a name in its own `__dict__`, or `None`."""
    return layer.__dict__.get(name)


# ---------------------------------------------------------------------- what is compiled


def compiled_loss(model):
    """Return the losses of `compile`, or `None`."""
    return getattr(model, "_compile_loss", None)


def compiled_metrics(model):
    """Return the metrics of `compile`, or `None`."""
    return getattr(model, "_compile_metrics", None)


def user_metrics(model):
    """Return what was given to `compile` as `metrics=` and as `weighted_metrics=`."""
    compiled = compiled_metrics(model)
    if compiled is None:
        return None, None
    return compiled._user_metrics, compiled._user_weighted_metrics


def function_of(loss):
    """Return the function that a loss or metric of Keras wraps, or `None`."""
    return getattr(loss, "fn", getattr(loss, "_fn", None))


def matched_losses(model, y, outputs, sample_weight):
    """Return `(loss, y_true, y_pred, sample_weight, weight)` for each, as Keras matches them."""
    import keras
    from keras.src.trainers.compile_utils import CompileLoss

    compiled = compiled_loss(model)
    own = CompileLoss(
        compiled._user_loss, compiled._user_loss_weights, output_names=compiled.output_names
    )
    seen = []

    class Spy:
        def __init__(self, loss):
            self.loss = loss

        def __call__(self, y_true, y_pred, sample_weight=None):
            seen.append((self.loss, y_true, y_pred, sample_weight))
            return keras.ops.zeros(())

    build = own.build

    def build_and_watch(y_true, y_pred):
        build(y_true, y_pred)
        own._flat_losses = [one._replace(loss=Spy(one.loss)) for one in own._flat_losses]

    own.build = build_and_watch
    own(y, outputs, sample_weight)
    shares = [one.loss_weights for one in own._flat_losses]
    return [
        (loss, y_true, y_pred, weight, 1.0 if share is None else float(share))
        for (loss, y_true, y_pred, weight), share in zip(seen, shares, strict=False)
    ]


def matched_metrics(model, y, outputs, sample_weight):
    """Return `(metric, y_true, y_pred, sample_weight)` for each, as Keras matches them.

    The metrics are the user's own objects where objects were given.
    """
    from keras.src.trainers.compile_utils import CompileMetrics

    compiled = compiled_metrics(model)
    own = CompileMetrics(
        compiled._user_metrics, compiled._user_weighted_metrics, output_names=compiled.output_names
    )
    own.build(y, outputs)
    targets, predictions = own._flatten_y(y), own._flatten_y(outputs)
    weights = [None] * len(predictions)
    if sample_weight is not None:
        given = own._flatten_y(sample_weight)
        weights = given if len(given) == len(predictions) else [given[0]] * len(predictions)
    matched = []
    for metrics, weighted in ((own._flat_metrics, False), (own._flat_weighted_metrics, True)):
        for group, y_true, y_pred, weight in zip(
            metrics, targets, predictions, weights, strict=False
        ):
            used = weight if weighted else None
            matched += [(one, y_true, y_pred, used) for one in (group.metrics if group else [])]
    return matched


# ---------------------------------------------------------------------- what a call leaves behind


def added_losses(layer):
    """Return the losses that a layer added with `add_loss` in its last call."""
    return list(layer._losses)


def clear_losses(model):
    """Forget what was added with `add_loss`."""
    model._clear_losses()


@contextlib.contextmanager
def losses_kept(model):
    """Put back what was added with `add_loss`, in layers that come meanwhile nothing."""
    before = [(layer, list(layer._losses), set(layer._loss_ids)) for layer in layers_of(model)]
    try:
        yield
    finally:
        for layer in layers_of(model):
            layer._losses, layer._loss_ids = [], set()
        for layer, values, ids in before:
            layer._losses, layer._loss_ids = values, ids


def seeds_of(layer):
    """Return the variables of a layer's seed generators."""
    return [seed.state for seed in layer._seed_generators]


def global_seed():
    """Return the variable of Keras's global seed generator, or `None`."""
    import keras

    state = keras.src.backend.common.global_state
    generator = state.get_global_attribute("global_seed_generator")
    return None if generator is None else generator.state


@contextlib.contextmanager
def tensorflow_seeds_kept():
    """Put back the generator from which TensorFlow draws the seeds of operations."""
    import keras

    generator = None
    if keras.backend.backend() == "tensorflow":
        from tensorflow.python.eager import context

        generator = getattr(context.context(), "_rng", None)
    if not isinstance(generator, random.Random):
        yield
        return
    state = generator.getstate()
    try:
        yield
    finally:
        generator.setstate(state)


# ---------------------------------------------------------------------- TensorFlow


@contextlib.contextmanager
def following(note):
    """Call `note(operation, inputs, outputs)` for each eager operation of TensorFlow."""
    import keras

    if keras.backend.backend() != "tensorflow":
        yield
        return
    from tensorflow.python.framework import op_callbacks

    def callback(op_type, inputs, attrs, outputs, op_name=None, graph=None):
        if graph is None:
            note(op_type, inputs, outputs)

    op_callbacks.add_op_callback(callback)
    try:
        yield
    finally:
        op_callbacks.remove_op_callback(callback)


@contextlib.contextmanager
def unused_is_no_error():
    """Keep "Object was never used" off stderr.

    TensorFlow says so of a `TensorArray` in a call that failed, as one on rows too short may.
    """
    logger = logging.getLogger("tensorflow")

    def wanted(record):
        return "Object was never used" not in record.getMessage()

    logger.addFilter(wanted)
    try:
        yield
    finally:
        logger.removeFilter(wanted)
