"""What the messages of `audit` advise, done as they say: more pairs for `tests/audit_pairs.py`."""

import numpy as np

from tests.audit_pairs import CLASSES, PAIRS, STEPS, Case, D, embedding, functional, pair
from tests.needs import keras

layers, ops = keras.layers, keras.ops

__all__ = ["PAIRS"]

# ---------------------------------------------------------------------- a mask that ends


def same_mask(x, mask):
    return mask


class Twice(layers.Layer):
    """An operation in a layer that says which mask its output has."""

    def call(self, x):
        return x * 2

    def compute_mask(self, x, mask=None):
        return mask


# What is advised where a raw operation ends the mask, tried before a layer and before a loss.
PUT_INTO = {
    "Lambda(f, mask=...)": lambda x: layers.Lambda(lambda t: t * 2, mask=same_mask)(x),
    "a layer with compute_mask": lambda x: Twice()(x),
}
for how, put in PUT_INTO.items():

    @pair(f"a raw operation: {how}, LSTM", "#18416", layer="'embedding' and 'lstm'", kind="lost")
    def _(broken, put=put):
        return Case(
            functional(
                lambda x: layers.LSTM(3, name="lstm")((_twice if broken else put)(embedding()(x)))
            )
        )

    @pair(f"a raw operation: {how}, loss", "#18416", layer="'embedding' and 'dense'", kind="lost")
    def _(broken, put=put):
        def build(x):
            return layers.Dense(1, name="dense")((_twice if broken else put)(embedding()(x)))

        return Case(functional(build, loss="mse", metrics=["mae"]), y=STEPS)


def _twice(x):
    return x * 2


@pair("a raw operation: mask= by hand", "#18416", layer="'embedding' and 'lstm'", kind="lost")
def _(broken):
    def build(x):
        table = embedding()
        options = {} if broken else {"mask": table.compute_mask(x)}
        return layers.LSTM(3, name="lstm")(table(x) * 2, **options)

    return Case(functional(build))


@pair("a raw operation: value_mask= by hand", "#18416", layer="'embedding' and 'mha'", kind="lost")
def _(broken):
    def build(x):
        table = embedding()
        options = {} if broken else {"value_mask": table.compute_mask(x)}
        query = embedding("query")(x)
        return layers.MultiHeadAttention(1, 2, name="mha")(query, table(x) * 2, **options)

    return Case(functional(build))


@pair("a mask set again on a symbolic tensor", "#18416", layer="'embedding' and", kind="lost")
def _(broken):
    # It seems to help, but only a later layer gets it; a loss does not.
    def build(x):
        x = embedding()(x)
        doubled = x * 2 if broken else PUT_INTO["Lambda(f, mask=...)"](x)
        doubled._keras_mask = x._keras_mask
        return layers.Dense(1)(doubled)

    return Case(functional(build, loss="mse"), y=STEPS)


@pair("a layer that drops the mask: supports_masking", "layer table", layer="rms", kind="lost")
def _(broken):
    norm = layers.RMSNormalization(name="rms")
    norm.supports_masking = not broken
    return Case(functional(lambda x: layers.Dense(1)(norm(embedding()(x))), loss="mse"), y=STEPS)


@pair("a layer that drops the mask: compute_mask", "layer table", layer="stack", kind="lost")
def _(broken):
    class Stack(layers.Layer):
        """Every step, after its own negative."""

        def call(self, x):
            return ops.reshape(ops.stack([-x, x], axis=2), (ops.shape(x)[0], -1, D))

    class Masked(Stack):
        def compute_mask(self, x, mask=None):
            return None if mask is None else ops.repeat(mask, 2, axis=1)

    def build(x):
        return layers.LSTM(3, name="lstm")(
            (Stack if broken else Masked)(name="stack")(embedding()(x))
        )

    return Case(functional(build))


@pair("a compute_mask that returns None", "layer table", layer="mine", kind="lost")
def _(broken):
    class Mine(layers.Layer):
        def call(self, x):
            return x * 2

        def compute_mask(self, x, mask=None):
            return None if broken else mask

    model = functional(lambda x: layers.Dense(1)(Mine(name="mine")(embedding()(x))), loss="mse")
    return Case(model, y=STEPS)


@pair("a Lambda that does not say its mask", "#18416", layer="twice", kind="lost")
def _(broken):
    twice = layers.Lambda(_twice, mask=None if broken else same_mask, name="twice")
    return Case(functional(lambda x: layers.Dense(1)(twice(embedding()(x))), loss="mse"), y=STEPS)


# ---------------------------------------------------------------------- a mask that is taken off


@pair("a residual inside a layer", "silent fault 2", layer="mha", kind="stripped")
def _(broken):
    class Block(layers.Layer):
        def __init__(self, **options):
            super().__init__(**options)
            self.mha, self.add = layers.MultiHeadAttention(1, 2, name="mha"), layers.Add()

        def call(self, x, mask=None):
            attended = self.mha(x, x)
            if not broken:
                x._keras_mask = mask
            return self.add([x, attended])

    return Case(
        functional(lambda x: layers.Dense(1)(Block(name="block")(embedding()(x))), loss="mse"),
        y=STEPS,
    )


# ---------------------------------------------------------------------- a mask that is made inside


class TokPos(layers.Layer):
    """Tokens and positions, the layer that everybody writes."""

    def __init__(self, **options):
        super().__init__(**options)
        self.tok = embedding("words")
        self.pos = layers.Embedding(50, D, name="places")

    def call(self, words):
        return self.tok(words) + self.pos(ops.arange(ops.shape(words)[1]))


class TokPosMask(TokPos):
    """The same layer with what the message says."""

    def compute_mask(self, words, mask=None):
        return self.tok.compute_mask(words)


@pair("a mask made inside, LSTM", "#18416", layer="tokpos", kind="inside")
def _(broken):
    tokpos = (TokPos if broken else TokPosMask)(name="tokpos")
    return Case(functional(lambda x: layers.LSTM(3, name="lstm")(tokpos(x))))


@pair("a mask made inside, loss", "#18416", layer="tokpos", kind="inside")
def _(broken):
    tokpos = (TokPos if broken else TokPosMask)(name="tokpos")
    return Case(functional(lambda x: layers.Dense(1)(tokpos(x)), loss="mse"), y=STEPS)


@pair("a mask made inside the whole model", "#18416", layer="whole", kind="inside")
def _(broken):
    class Whole(keras.Model):
        def __init__(self):
            super().__init__(name="whole")
            self.tok, self.dense = embedding("words"), layers.Dense(1)

        def call(self, ids):
            return self.dense(self.tok(ids)) * 2

    class Masked(Whole):
        def compute_mask(self, ids, mask=None):
            return self.tok.compute_mask(ids)

    model = (Whole if broken else Masked)()
    model.compile("sgd", "mse")
    return Case(model, y=STEPS)


# ---------------------------------------------------------------------- losses


def one_hot_tagger(loss):
    """Return a `Case` with two classes at each step."""
    y = np.eye(2, dtype="float32")[CLASSES[..., 0].astype(int)]
    build = lambda x: layers.Dense(2, activation="softmax")(embedding()(x))  # noqa: E731
    return Case(functional(build, loss=loss), y=y)


@pair("Dice of the whole batch", "silent fault 5", layer="dice", kind="loss")
def _(broken):
    return one_hot_tagger(keras.losses.Dice(axis=None if broken else -1))


@pair("Tversky of the whole batch", "silent fault 5", layer="tversky", kind="loss")
def _(broken):
    return one_hot_tagger(keras.losses.Tversky(axis=None if broken else -1))


@pair("a loss whose steps read each other", "silent fault 5", layer="centred", kind="loss")
def _(broken):
    def centred(y_true, y_pred):
        error = ops.abs(y_true - y_pred)
        if broken:
            error = error - ops.mean(error, axis=1, keepdims=True) / 2
        return ops.mean(error, axis=-1)

    return Case(functional(lambda x: layers.Dense(1)(embedding()(x)), loss=centred), y=STEPS)


@pair("a Loss whose __call__ forgets the mask", "silent fault 5", layer="own", kind="loss")
def _(broken):
    class Plain(keras.losses.Loss):
        def call(self, y_true, y_pred):
            return ops.mean(ops.abs(y_true - y_pred), axis=-1)

    class Forgets(Plain):
        def __call__(self, y_true, y_pred, sample_weight=None):
            return ops.mean(self.call(ops.cast(y_true, y_pred.dtype), y_pred))

    loss = (Forgets if broken else Plain)(name="own")
    return Case(functional(lambda x: layers.Dense(1)(embedding()(x)), loss=loss), y=STEPS)
