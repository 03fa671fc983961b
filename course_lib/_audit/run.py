"""Run the audited model on a view of the batch, and leave no trace in it."""

import contextlib
import inspect
from functools import partial

import numpy as np

from course_lib._audit.view import shake
from course_lib._keras_private import (
    attribute,
    in_float32,
    is_functional,
    layers_of,
    mask_of,
    replaced,
    with_mask,
)
from course_lib._recorder import Recording

# The share of a tensor's scale that is taken for rounding in float32: layers add theirs up.
ROUNDING = 2e-5
# What makes a layer random in training.
RATES = ("rate", "dropout", "recurrent_dropout", "_dropout", "stddev", "dropout_rate")


class Runner:
    """The model, and how it takes its inputs.

    Attributes:
        model: the model.
        structure: an `x`, for its form.
        takes_mask: True if the masks of a view are handed over as `mask=`.
        forwards: how many forward passes were run.
        progress: the `Progress`, which is told of each.
    """

    def __init__(self, model, structure, mask, pass_mask, progress):
        self.model, self.structure, self.mask = model, structure, mask
        self.progress = progress
        self.takes_mask = mask is not None and _is_handed_over(model, pass_mask)
        self.forwards = 0
        self.fixed = _fixed_batch_size(model)

    def inputs(self, view):
        """Return the tensors and keyword arguments for the model's call."""
        import keras

        leaves, masks = view.leaves, view.masks
        if self.fixed is not None and len(view.rows) != self.fixed:
            # Rows are repeated to fill a batch whose size the model fixes.
            leaves, masks = view.taken(np.resize(np.arange(len(view.rows)), self.fixed))
        tree, tensor = keras.tree, keras.ops.convert_to_tensor
        x = tree.pack_sequence_as(self.structure, [_as_tensor(leaf) for leaf in leaves])
        if not self.takes_mask:
            return x, {}
        masks = [None if mask is None else tensor(mask, dtype="bool") for mask in masks]
        if not isinstance(self.mask, (list, tuple, dict)):
            return x, {"mask": masks[0]}
        return x, {"mask": tree.pack_sequence_as(self.mask, masks)}

    def __call__(self, view, training=False):
        """Run the model on a view: its outputs, as it gives them."""
        self.forwards += 1
        self.progress(self.forwards)
        x, kwargs = self.inputs(view)
        self.reset_states()
        with view.context():
            return self.model(x, training=training, **kwargs)

    def outputs(self, view):
        """Run the model on a view: its output tensors, without rows that only filled the batch."""
        return flat(self.own_result(view))

    def own_result(self, view):
        """Run the model on a view: its outputs in their own form, without rows that only filled."""
        import keras

        return keras.tree.map_structure(lambda leaf: self._own_rows(leaf, view), self(view))

    def _own_rows(self, leaf, view):
        rows = len(view.rows)
        filled = self.fixed is not None and rows != self.fixed
        if not filled or tuple(getattr(leaf, "shape", ()))[:1] != (self.fixed,):
            return leaf
        mask = mask_of(leaf)
        return with_mask(leaf[:rows], None if mask is None else mask[:rows])

    def record(self, view, follow=True, training=False):
        """Run the model on a view: the `Recording`; its `result` is what the model gave out."""
        with Recording(follow) as recording:
            recording.result = self(view, training=training)
        return recording

    def reset_states(self):
        """Let a stateful layer begin anew, as the rows of a view are not those of the last one."""
        import keras

        for layer in layers_of(self.model):
            if isinstance(layer, keras.layers.RNN) and layer.stateful and layer.built:
                layer.reset_state()


def _is_handed_over(model, pass_mask):
    """Return True if `mask=` goes to the model's call, and does not only tell what is real."""
    takes = "mask" in inspect.signature(model.call).parameters
    if pass_mask and not takes:
        raise ValueError("`pass_mask` must be False for a model whose `call` takes no `mask`")
    if pass_mask is None:
        # What `fit` runs is the model without a mask by hand.
        pass_mask = not is_functional(model)
    return takes and pass_mask


def _as_tensor(leaf):
    import keras

    if leaf.dtype.kind in "OSU":
        import tensorflow as tf

        return tf.constant(leaf.astype(object))
    return keras.ops.convert_to_tensor(leaf)


def flat(outputs):
    """Return the tensors among the outputs."""
    import keras

    return [leaf for leaf in keras.tree.flatten(outputs) if keras.ops.is_tensor(leaf)]


def as_tensors(nest):
    """Return a nest of arrays as one of tensors, floats as `fit` casts them; `None` stays."""
    import keras

    def convert(leaf):
        if leaf is None:
            return None
        tensor = keras.ops.convert_to_tensor(leaf)
        double = keras.backend.standardize_dtype(tensor.dtype) == "float64"
        return keras.ops.cast(tensor, keras.config.floatx()) if double else tensor

    return keras.tree.map_structure(convert, nest)


def array(tensor):
    """Return a tensor as an array; 16-bit floats as 32-bit ones, complex ones as pairs."""
    import keras

    if "float" in keras.backend.standardize_dtype(tensor.dtype):
        tensor = keras.ops.cast(tensor, "float32")
    values = keras.ops.convert_to_numpy(tensor)
    return np.stack([values.real, values.imag], axis=-1) if values.dtype.kind == "c" else values


def _fixed_batch_size(model):
    sizes = [tensor.shape[0] for tensor in getattr(model, "inputs", None) or []]
    for layer in layers_of(model):
        if getattr(layer, "stateful", False) and hasattr(layer, "cell"):
            sizes += [state.shape[0] for state in (layer.states or []) if hasattr(state, "shape")]
    return next((int(size) for size in sizes if size is not None), None)


def no_dropout(model):
    """Take the chance out of training: every rate is 0 meanwhile."""
    rates = [(layer, name, attribute(layer, name)) for layer in layers_of(model) for name in RATES]
    chance = [one for one in rates if isinstance(one[2], float) and one[2] > 0]
    return replaced([(layer, name, 0.0) for layer, name, _ in chance])


def float32(model):
    """Compute in float32 what a mixed policy computes in 16 bits."""
    return in_float32([layer for layer in layers_of(model) if is_short(layer.compute_dtype)])


@contextlib.contextmanager
def altered(changes):
    """Give variables other values meanwhile: `(variable, function of its value)` for each."""
    before = []
    try:
        for variable, change in changes:
            before.append((variable, array(variable.value)))
            variable.assign(change(before[-1][1]))
        yield
    finally:
        for variable, value in reversed(before):
            variable.assign(value)


def shaken(model, turn=0):
    """Change every weight by two millionths meanwhile, in one of five ways."""
    floats = [one for one in model.variables if "float" in one.dtype]
    return altered([(one, partial(shake, turn=turn)) for one in floats])


def is_short(dtype):
    """Return True for the 16-bit floats."""
    return dtype in ("float16", "bfloat16")


def tolerance(model):
    """Return which share of a tensor's scale is taken for rounding, by the coarsest dtype."""
    dtypes = {layer.compute_dtype for layer in layers_of(model)}
    if "bfloat16" in dtypes:
        return 6e-2
    return 1e-2 if "float16" in dtypes else ROUNDING
