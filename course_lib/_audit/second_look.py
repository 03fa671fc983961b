"""Weights and precisions under which a leak cannot hide."""

import contextlib
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from course_lib._audit.run import altered, array, float32, is_short
from course_lib._keras_private import layers_of

# How much larger than the largest weight the row for padding is made.
LOUD = 3.0


@dataclass(frozen=True, eq=False)
class SecondLook:
    """Float32 instead of 16 bits, and weights that hide nothing: called, a context of these.

    A bias of zeros hides a leak until it is trained, and a largest value is padding's only if
    padding's row of the embedding is large. No weight of a sound model can make padding visible, so
    weights that are still all equal are moved, and rows for padding are made large. A layer behind
    may make numbers of one sign of a large row, which no maximum takes: `sign` -1 negates the row.
    And zeros at padding are no maximum where all else is larger: `negated` negates all others.

    Attributes:
        model: the model.
        equal: its weights that are all equal.
        tables: those of its embeddings that make a mask.
        others: all others that are trained.
        is_short: True if something is computed in 16 bits.
        sign: 1 or -1.
        negated: True negates the others.
    """

    model: Any
    equal: list
    tables: list
    others: list
    is_short: bool
    sign: int = 1
    negated: bool = False

    @contextlib.contextmanager
    def __call__(self):
        generator = np.random.default_rng(0)
        changes = [
            *((one, lambda v: v + generator.uniform(0.05, 0.25, v.shape)) for one in self.equal),
            *((one, partial(with_loud_row, row=0, sign=self.sign)) for one in self.tables),
            *((one, np.negative) for one in self.others if self.negated),
        ]
        with float32(self.model), altered(changes):
            yield

    @property
    def needed(self):
        """False if nothing would change."""
        return bool(self.equal or self.tables or self.is_short)

    @property
    def how(self):
        """What is done, in a few words."""
        weights = ["with other weights"] * bool(self.equal or self.tables)
        return " and ".join(["in float32"] * self.is_short + weights)

    @property
    def how_exactly(self):
        """What is done, and to which weights."""
        changed = ["constant ones (such as zero biases) moved"] * bool(self.equal)
        changed += ["the embedding's row for padding made large"] * bool(self.tables)
        changed += ["all others negated"] * bool(self.others and self.negated)
        return ": ".join(filter(None, [self.how, ", ".join(changed)]))


def second_look(model):
    """Return the `SecondLook` at a model."""
    import keras

    trained = model.trainable_variables
    tables = [
        layer.embeddings
        for layer in layers_of(model)
        if isinstance(layer, keras.layers.Embedding)
        and layer.mask_zero
        and any(layer.embeddings is one for one in trained)
    ]
    equal = [one for one in trained if _all_equal(array(one.value))]
    tables = list({id(one): one for one in tables}.values())
    known = {id(one) for one in (*equal, *tables)}
    others = [one for one in trained if "float" in str(one.dtype) and id(one) not in known]
    short = any(is_short(layer.compute_dtype) for layer in layers_of(model))
    return SecondLook(model, equal, tables, others, short)


def with_loud_row(table, row, sign=1):
    """Return a table of vectors in which one row is larger than all others, of both signs."""
    large = sign * LOUD * np.abs(table).max() * np.resize([1.0, -1.0], table.shape[1])
    return np.concatenate([table[:row], large[None], table[row + 1 :]])


def _all_equal(value):
    return value.size > 0 and value.dtype.kind == "f" and (value == value.flat[0]).all()
