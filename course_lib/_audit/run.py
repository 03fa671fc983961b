"""Run the audited model on a view of the batch, and leave no trace in it."""

import contextlib
import inspect
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np

from course_lib._audit.progress import Progress
from course_lib._audit.request import Request, as_fit_casts
from course_lib._audit.view import shake
from course_lib._inputs import as_numpy
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


@dataclass(frozen=True, eq=False)
class Runner:
    """The model, and how it takes its inputs.

    Attributes:
        request: the `Request`.
        progress: the `Progress`, which counts the forward passes.
    """

    request: Request
    progress: Progress

    @property
    def model(self):
        """The audited model."""
        return self.request.model

    @cached_property
    def takes_mask(self):
        """True if `mask=` goes to the model's call, and does not only tell what is real."""
        takes = "mask" in inspect.signature(self.model.call).parameters
        pass_mask = self.request.pass_mask
        if self.request.mask is None:
            return False
        if pass_mask and not takes:
            raise ValueError("`pass_mask` must be False for a model whose `call` takes no `mask`")
        # What `fit` runs is the model without a mask by hand.
        return takes and (not is_functional(self.model) if pass_mask is None else pass_mask)

    @cached_property
    def fixed(self):
        """The batch size that the model fixes once it is built, or `None`."""
        sizes = [tensor.shape[0] for tensor in getattr(self.model, "inputs", None) or []]
        for layer in layers_of(self.model):
            if getattr(layer, "stateful", False) and hasattr(layer, "cell"):
                states = [state for state in layer.states or [] if hasattr(state, "shape")]
                sizes += [state.shape[0] for state in states]
        return next((int(size) for size in sizes if size is not None), None)

    def inputs(self, view):
        """Return the tensors and keyword arguments for the model's call."""
        import keras

        leaves, masks = view.leaves, view.masks
        if self._is_filled(view):
            leaves, masks = view.taken(np.resize(np.arange(len(view.rows)), self.fixed))
        pack = keras.tree.pack_sequence_as
        x = pack(self.request.x, [_as_tensor(leaf) for leaf in leaves])
        if not self.takes_mask:
            return x, {}
        masks, form = as_tensors(masks), self.request.mask
        is_nest = isinstance(form, (list, tuple, dict))
        return x, {"mask": pack(form, masks) if is_nest else masks[0]}

    def _is_filled(self, view):
        """Return True if rows must be repeated to fill a batch whose size the model fixes."""
        return self.fixed is not None and len(view.rows) != self.fixed

    def __call__(self, view, training=False):
        """Run the model on a view: its outputs, as it gives them."""
        import keras

        self.progress.next_pass()
        x, kwargs = self.inputs(view)
        # The rows of a view are not those of the last one: a stateful layer begins anew.
        for layer in layers_of(self.model):
            if isinstance(layer, keras.layers.RNN) and layer.stateful and layer.built:
                layer.reset_state()
        with view.context():
            return self.model(x, training=training, **kwargs)

    def outputs(self, view):
        """Run the model on a view: its output tensors, without rows that only filled the batch."""
        return flat(self.own_result(view))

    def own_result(self, view):
        """Run the model on a view: its outputs in their own form, without rows that only filled."""
        result, rows = self(view), len(view.rows)
        if not self._is_filled(view):
            return result
        # A slice: of a gather, a gradient of the user's own would get a sparse tensor.
        return rows_of(result, self.fixed, lambda leaf: leaf[:rows])

    def record(self, view, follow=True, training=False):
        """Run the model on a view: the `Recording`; its `result` is what the model gave out."""
        with Recording(follow) as recording:
            recording.result = self(view, training=training)
        return recording


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
        return leaf if leaf is None else keras.ops.convert_to_tensor(as_fit_casts(as_numpy(leaf)))

    return keras.tree.map_structure(convert, nest)


def array(tensor):
    """Return a tensor as an array; 16-bit floats as 32-bit ones, complex ones as pairs."""
    import keras

    if "float" in keras.backend.standardize_dtype(tensor.dtype):
        tensor = keras.ops.cast(tensor, "float32")
    values = keras.ops.convert_to_numpy(tensor)
    return np.stack([values.real, values.imag], axis=-1) if values.dtype.kind == "c" else values


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


def rows_of(result, size, take):
    """Return what the model gave out, in its own form, for rows that are taken of so many."""
    import keras

    def taken(leaf):
        if tuple(getattr(leaf, "shape", ()))[:1] != (size,):
            return leaf
        mask = mask_of(leaf)
        return with_mask(take(leaf), None if mask is None else take(mask))

    return keras.tree.map_structure(taken, result)
