"""Weights and precisions under which a leak cannot hide."""

import contextlib

import numpy as np

from course_lib._audit.run import array, float32, tolerance
from course_lib._keras_private import layers_of

# Differences of less than this share of the scale are looked at twice.
DOUBTFUL = 1e-3
# How much larger than the largest weight the row for padding is made in a second look.
LOUD = 3.0


class SecondLook:
    """Float32 instead of 16 bits, and weights that hide nothing.

    A bias of zeros hides a leak until it is trained, and a largest value is padding's only if
    padding's row of the embedding is large. No weight of a sound model can make padding visible, so
    weights that are still all equal are moved, and rows for padding are made large. A layer behind
    may turn a large row into numbers of one sign, which no maximum takes: `sign` -1 turns the row.
    """

    def __init__(self, model, sign=1):
        import keras

        self.model, self.sign = model, sign
        self.equal = [
            variable for variable in model.trainable_variables if _all_equal(array(variable.value))
        ]
        self.tables = [
            layer.embeddings
            for layer in layers_of(model)
            if isinstance(layer, keras.layers.Embedding)
            and layer.mask_zero
            and any(layer.embeddings is one for one in model.trainable_variables)
        ]
        self.short = tolerance(model) > DOUBTFUL
        self.needed = bool(self.equal) or bool(self.tables) or self.short
        changed = ["constant ones (such as zero biases) moved"] * bool(self.equal)
        changed += ["the embedding's row for padding made large"] * bool(self.tables)
        parts = ["in float32"] * self.short + ["with other weights"] * bool(changed)
        self.how = " and ".join(parts)
        self.how_exactly = ": ".join(filter(None, [self.how, ", ".join(changed)]))

    def __enter__(self):
        self._stack = contextlib.ExitStack()
        self._stack.enter_context(float32(self.model))
        changed = list({id(one): one for one in (*self.equal, *self.tables)}.values())
        self._values = [(variable, array(variable.value)) for variable in changed]
        generator = np.random.default_rng(0)
        for variable in self.equal:
            value = array(variable.value)
            variable.assign(value + generator.uniform(0.05, 0.25, size=value.shape))
        for variable in self.tables:
            value = array(variable.value)
            large = self.sign * LOUD * np.abs(value).max() * np.resize([1.0, -1.0], value.shape[1])
            variable.assign(np.concatenate([large[None], value[1:]]))
        return self

    def __exit__(self, *error):
        for variable, value in self._values:
            variable.assign(value)
        self._stack.close()


def tolerance_of(context):
    """Return the share for rounding in a second look, which computes in float32."""
    return 2e-5 if context.short else tolerance(context.model)


def _all_equal(value):
    return value.size > 0 and value.dtype.kind == "f" and (value == value.flat[0]).all()
