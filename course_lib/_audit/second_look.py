"""Weights and precisions under which a leak cannot hide."""

import contextlib
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from course_lib._audit.run import altered, array, float32, is_short
from course_lib._keras_private import layers_of

# How large biases are made, and how much larger than the largest weight the row for padding.
LOUD = 3.0


@dataclass(frozen=True, eq=False)
class SecondLook:
    """Float32 instead of 16 bits, and weights that hide nothing: called, a context of these.

    Attributes:
        model: the model.
        changes: `(variable, function of its value)` for each weight that is another then.
        how: what is done, in a few words.
        how_exactly: what is done, and to which weights.
    """

    model: Any
    changes: tuple
    how: str
    how_exactly: str

    @contextlib.contextmanager
    def __call__(self):
        with float32(self.model), altered(self.changes):
            yield


def second_looks(model):
    """Return each `SecondLook` at a model, gentle ones first; none if nothing would change.

    A bias of zeros hides a leak until it is trained, and a largest value is padding's only if
    padding's row of the embedding is large. No weight of a sound model can make padding visible, so
    weights that are still all equal are moved, and rows for padding are made large.

    A layer behind may make numbers of one sign of a large row, which no maximum takes: the other
    look turns it round. And zeros at padding are no maximum where any step has a larger one: biases
    that are large, one up and one down, make units whose every step is below zero.
    """
    tables, equal, biases = _kinds(model)
    gentle = [(one, partial(_moved, seed=seed)) for seed, one in enumerate(equal)]
    gentle += [(one, partial(with_loud_row, row=0)) for one in tables]
    loud = [(one, _one_up_one_down) for one in biases]
    loud += [(one, partial(with_loud_row, row=0, sign=-1)) for one in tables]
    short = any(is_short(layer.compute_dtype) for layer in layers_of(model))
    how = " and ".join(["in float32"] * short + ["with other weights"] * bool(gentle or loud))
    large = ["the row for padding"] * bool(tables) + ["biases"] * bool(biases)
    what = ["constant ones moved"] * bool(equal)
    what += [f"{' and '.join(large)} made large"] * bool(large)
    exactly = ": ".join(filter(None, [how, ", ".join(what)]))
    looks = [gentle] * bool(gentle or short) + [loud] * bool(loud)
    return [SecondLook(model, tuple(changes), how, exactly) for changes in looks]


def _kinds(model):
    """Return the trained weights that are tables, those all equal, and those that are biases."""
    import keras

    trained = [one for one in model.trainable_variables if "float" in str(one.dtype)]
    masking = {
        id(layer.embeddings)
        for layer in layers_of(model)
        if isinstance(layer, keras.layers.Embedding) and layer.mask_zero
    }
    tables = [one for one in trained if id(one) in masking]
    others = [one for one in trained if id(one) not in masking]
    equal = [one for one in others if _all_equal(array(one.value))]
    moved = {id(one) for one in equal}
    biases = [
        one
        for one in others
        if len(one.shape) == 1 or (len(one.shape) and (id(one) in moved or "bias" in one.name))
    ]
    return tables, equal, biases


def with_loud_row(table, row, sign=1):
    """Return a table of vectors in which one row is larger than all others, of both signs."""
    large = sign * LOUD * np.abs(table).max() * np.resize([1.0, -1.0], table.shape[1])
    return np.concatenate([table[:row], large[None], table[row + 1 :]])


def _moved(value, seed):
    """Return a value moved up a little, in the same way each time: a look is entered again."""
    return value + np.random.default_rng(seed).uniform(0.05, 0.25, value.shape)


def _one_up_one_down(value):
    return value + LOUD * np.resize([-1.0, 1.0], value.shape[-1])


def _all_equal(value):
    return value.size > 0 and (value == value.flat[0]).all()
