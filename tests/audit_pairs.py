"""Models that show their padding, and their fixed twins: what `audit` must tell apart.

Each pair names the public thread or the row of the layer table that it is built from. The layers'
names are fixed, so that a test can ask whether the right one is blamed.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.needs import keras

layers, ops = keras.layers, keras.ops

IDS = np.array(
    [
        [3, 2, 1, 0, 0, 0],
        [4, 1, 1, 2, 5, 0],
        [5, 2, 0, 0, 0, 0],
        [1, 2, 3, 4, 5, 1],
    ]
)
MASK = IDS != 0
FEATURES = np.where(MASK[..., None], np.random.default_rng(1).normal(size=(4, 6, 3)), 0.0).astype(
    "float32"
)
STEPS = np.random.default_rng(2).normal(size=(4, 6, 1)).astype("float32")
CLASSES = np.random.default_rng(3).integers(0, 2, size=(4, 6, 1)).astype("float32")
ROWS = np.random.default_rng(4).normal(size=(4, 1)).astype("float32")
V, D = 7, 4


@dataclass
class Case:
    """A model and what is audited with it."""

    model: Any
    x: Any = None
    y: Any = None
    options: dict = field(default_factory=dict)

    def __post_init__(self):
        if self.x is None:
            self.x = IDS


@dataclass
class Pair:
    """A broken model and its fixed twin.

    Attributes:
        name: what is wrong, in a few words.
        source: where people met it: public issue threads, or a row of the layer table.
        broken: a function that makes the broken `Case`.
        fixed: a function that makes the fixed `Case`.
        layer: what the finding's layer must contain.
        kind: the finding's kind.
    """

    name: str
    source: str
    broken: Any
    fixed: Any
    layer: str
    kind: str


PAIRS = []


def pair(name, source, *, layer, kind):
    """Add what a function `make(broken)` returns for True and for False."""

    def add(make):
        PAIRS.append(Pair(name, source, lambda: make(True), lambda: make(False), layer, kind))
        return make

    return add


def embedding(name="embedding", mask_zero=True):
    return layers.Embedding(V, D, mask_zero=mask_zero, name=name)


def functional(build, **compiled):
    x = keras.Input((None,), dtype="int32")
    model = keras.Model(x, build(x))
    if compiled:
        model.compile("sgd", **compiled)
    return model


class Keep(layers.Layer):
    """A function of each step by itself: the mask still holds for what comes out."""

    def __init__(self, function, **options):
        super().__init__(**options)
        self.function, self.supports_masking = function, True

    def call(self, x):
        return self.function(x)


class Blank(layers.Layer):
    """Zeros at padded steps."""

    def __init__(self, **options):
        super().__init__(**options)
        self.supports_masking = True

    def call(self, x, mask=None):
        return x if mask is None else x * ops.cast(mask, x.dtype)[..., None]


# ---------------------------------------------------------------------- layers that mix steps


@pair("a convolution reads across the border", "#12475, #20113", layer="conv", kind="leak")
def _(broken):
    def build(x):
        x = embedding()(x)
        if not broken:
            x = Blank()(x)
        x = layers.Conv1D(5, 3, padding="same", name="conv")(x)
        return x

    return Case(functional(build))


@pair("average after a causal convolution", "#12475", layer="conv", kind="lost")
def _(broken):
    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.embed = embedding()
            self.conv = layers.Conv1D(5, 3, padding="causal", name="conv")
            self.pool = layers.GlobalAveragePooling1D(name="pool")

        def call(self, ids):
            x = self.embed(ids)
            mask = x._keras_mask if hasattr(x, "_keras_mask") else None
            x = self.conv(x)
            return self.pool(x) if broken else self.pool(x, mask=mask)

    return Case(Model())


@pair("the largest value is padding's", "#3777", layer="pool", kind="leak")
def _(broken):
    class MaskedMax(layers.Layer):
        def call(self, x, mask=None):
            return ops.max(ops.where(mask[..., None], x, -1e9), axis=1)

    def build(x):
        x = layers.Dense(D, name="dense")(embedding()(x))
        pool = layers.GlobalMaxPooling1D(name="pool") if broken else MaskedMax(name="pool")
        return pool(x)

    return Case(functional(build))


@pair("statistics over all steps", "tf #32322", layer="norm", kind="leak")
def _(broken):
    def build(x):
        kind = layers.GroupNormalization if broken else layers.LayerNormalization
        options = {"groups": 2} if broken else {}
        return layers.LSTM(3)(kind(name="norm", **options)(embedding()(x)))

    return Case(functional(build))


@pair("a pooling of windows", "layer table", layer="pool", kind="leak")
def _(broken):
    def build(x):
        x = embedding()(x)
        if broken:
            x = layers.AveragePooling1D(3, strides=1, padding="same", name="pool")(x)
        return layers.Dense(1)(x)

    return Case(functional(build))


# ---------------------------------------------------------------------- raw operations


@pair(
    "a raw multiplication", "#18416", layer="Multiply between 'embedding' and 'lstm'", kind="lost"
)
def _(broken):
    def build(x):
        x = embedding()(x)
        x = x * 2 if broken else Keep(lambda t: t * 2)(x)
        return layers.LSTM(3, name="lstm")(x)

    return Case(functional(build))


@pair("positions added by hand", "#18416", layer="between 'embedding' and 'pool'", kind="lost")
def _(broken):
    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.embed, self.position = embedding(), layers.Embedding(50, D, name="position")
            self.pool = layers.GlobalAveragePooling1D(name="pool")

        def call(self, ids):
            x = self.embed(ids)
            mask = self.embed.compute_mask(ids)
            x = x + self.position(ops.arange(ops.shape(ids)[1]))[None]
            return self.pool(x) if broken else self.pool(x, mask=mask)

    return Case(Model())


@pair(
    "features joined by ops.concatenate",
    "#18416",
    layer="after 'embedding' and 'other', before 'gru'",
    kind="lost",
)
def _(broken):
    def build(x):
        one, two = embedding()(x), embedding("other")(x)
        if broken:
            both = ops.concatenate([one, two], axis=-1)
        else:
            both = layers.Concatenate(name="concat")([one, two])
        return layers.GRU(3, name="gru")(both)

    return Case(functional(build))


@pair("a mean of all steps", "#5572", layer="'lstm' and the output", kind="leak")
def _(broken):
    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.embed = embedding()
            self.lstm = layers.LSTM(3, return_sequences=True, name="lstm")
            self.pool = layers.GlobalAveragePooling1D(name="pool")

        def call(self, ids):
            x = self.lstm(self.embed(ids))
            return ops.mean(x, axis=1) if broken else self.pool(x)

    return Case(Model())


@pair("the last step of a bidirectional layer", "#3086", layer="GetItem", kind="leak")
def _(broken):
    def build(x):
        x = embedding()(x)
        both = layers.Bidirectional(layers.LSTM(3, return_sequences=broken), name="both")(x)
        return both[:, -1] if broken else both

    return Case(functional(build))


@pair("a Lambda that averages", "#18416", layer="average", kind="leak")
def _(broken):
    def build(x):
        x = embedding()(x)
        if broken:
            return layers.Lambda(lambda t: ops.mean(t, axis=1), name="average")(x)
        return layers.GlobalAveragePooling1D(name="average")(x)

    return Case(functional(build))


# ---------------------------------------------------------------------- the silent faults


@pair("an LSTM with an initial state", "silent fault 1", layer="decoder", kind="ignored")
def _(broken):
    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.embed, self.start = embedding(), layers.Dense(3, name="start")
            self.lstm = layers.LSTM(3, name="decoder")

        def call(self, ids):
            x = self.embed(ids)
            state = self.start(ops.ones((ops.shape(ids)[0], 1)))
            options = {} if broken else {"mask": self.embed.compute_mask(ids)}
            return self.lstm(x, initial_state=[state, state], **options)

    return Case(Model())


@pair("a residual around attention", "silent fault 2", layer="mha", kind="stripped")
def _(broken):
    def build(x):
        x = embedding()(x)
        query = x if broken else layers.LayerNormalization(name="before")(x)
        attended = layers.MultiHeadAttention(1, 2, name="mha")(query, query)
        x = layers.Add(name="residual")([x, attended])
        return layers.Dense(1)(layers.LayerNormalization(name="after")(x))

    return Case(functional(build, loss="mse"), y=STEPS)


@pair("query_mask by hand", "silent fault 3", layer="mha", kind="overwritten")
def _(broken):
    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.embed = embedding(mask_zero=False)
            self.mha = layers.MultiHeadAttention(1, 2, name="mha")
            self.dense = layers.Dense(1)

        def call(self, ids):
            x, mask = self.embed(ids), ops.not_equal(ids, 0)
            if not broken:
                x._keras_mask = mask
            options = {"query_mask": mask} if broken else {}
            return self.dense(self.mha(x, x, value_mask=mask, **options))

    model = Model()
    model.compile("sgd", "mse")
    return Case(model, y=STEPS)


@pair("weights of shape (B,)", "silent fault 4", layer="mean_squared_error", kind="sample_weight")
def _(broken):
    model = functional(lambda x: layers.Dense(1)(embedding()(x)), loss="mean_squared_error")
    weights = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "float32")
    x = np.concatenate([IDS, IDS[:2, ::1]])
    x = np.where(np.arange(6) < np.array([3, 5, 2, 6, 4, 1])[:, None], np.maximum(x, 1), 0)
    y = np.resize(STEPS, (6, 6, 1))
    return Case(model, x, y, {"sample_weight": weights if broken else weights[:, None]})


@pair("a loss that returns a scalar", "silent fault 5", layer="scalar_loss", kind="loss")
def _(broken):
    def scalar_loss(y_true, y_pred):
        return ops.mean(ops.square(y_true - y_pred))

    def step_loss(y_true, y_pred):
        return ops.mean(ops.square(y_true - y_pred), axis=-1)

    loss = scalar_loss if broken else step_loss
    return Case(functional(lambda x: layers.Dense(1)(embedding()(x)), loss=loss), y=STEPS)


@pair("AUC counts padding", "silent fault 5", layer="auc", kind="metric")
def _(broken):
    auc = keras.metrics.AUC(name="auc")
    compiled = {"metrics": [auc]} if broken else {"weighted_metrics": [auc]}
    model = functional(
        lambda x: layers.Dense(1, activation="sigmoid")(embedding()(x)),
        loss="binary_crossentropy",
        **compiled,
    )
    weights = MASK.astype("float32")
    return Case(model, y=CLASSES, options={"sample_weight": weights})


# ---------------------------------------------------------------------- losses


@pair("a loss that returns one value a row", "#15323", layer="row_loss", kind="loss")
def _(broken):
    def row_loss(y_true, y_pred):
        return ops.mean(ops.square(y_true - y_pred), axis=(1, 2))

    loss = row_loss if broken else "mse"
    return Case(functional(lambda x: layers.Dense(1)(embedding()(x)), loss=loss), y=STEPS)


@pair("the loss after a raw softmax", "#18416", layer="'dense' and the output", kind="lost")
def _(broken):
    def build(x):
        x = layers.Dense(2, name="dense")(embedding()(x))
        return ops.softmax(x) if broken else layers.Activation("softmax")(x)

    model = functional(build, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return Case(model, y=CLASSES[..., 0].astype("int32"))


@pair("no mask was made", "#744, #3490", layer="embedding", kind="never")
def _(broken):
    def build(x):
        return layers.LSTM(3)(embedding(mask_zero=not broken)(x))

    return Case(functional(build))


@pair("Masking looks for another value", "#7901", layer="masking", kind="wrong mask")
def _(broken):
    x = keras.Input((None, 3))
    h = layers.Masking(-1.0 if broken else 0.0, name="masking")(x)
    return Case(keras.Model(x, layers.LSTM(2, name="lstm")(h)), FEATURES)


# ---------------------------------------------------------------------- merges


@pair("a mask meets a branch without one", "#19817", layer="add", kind="unmasked branch")
def _(broken):
    def build(x):
        one, two = embedding()(x), embedding("other", mask_zero=not broken)(x)
        return layers.GRU(3, name="gru")(layers.Add(name="add")([one, two]))

    return Case(functional(build))


@pair("Concatenate makes every step real", "#20440", layer="concat", kind="neutralised")
def _(broken):
    def build(x):
        one, two = embedding()(x), embedding("other", mask_zero=not broken)(x)
        return layers.GRU(3, name="gru")(layers.Concatenate(name="concat")([one, two]))

    return Case(functional(build))


@pair("time runs backwards, the mask does not", "layer table", layer="back", kind="misaligned")
def _(broken):
    def build(x):
        x = embedding()(x)
        lstm = layers.LSTM(3, return_sequences=True, go_backwards=True, name="back")
        x = lstm(x) if broken else Keep(lambda t: ops.flip(t, axis=1))(lstm(x))
        return layers.Dense(1)(x)

    return Case(functional(build, loss="mse"), y=STEPS)


# ---------------------------------------------------------------------- layers of one's own


@pair("a layer that passes the mask on and averages", "tf #32322", layer="mine", kind="leak")
def _(broken):
    class Mine(layers.Layer):
        def __init__(self, **options):
            super().__init__(**options)
            self.supports_masking = True

        def call(self, x, mask=None):
            if broken:
                return x - ops.mean(x, axis=1, keepdims=True)
            weights = ops.cast(mask, x.dtype)[..., None]
            mean = ops.sum(x * weights, 1, keepdims=True) / ops.sum(weights, 1, keepdims=True)
            return x - mean

    return Case(functional(lambda x: layers.Dense(1)(Mine(name="mine")(embedding()(x)))))


@pair("call(x, y, mask=None)", "layer table", layer="mine", kind="ignored")
def _(broken):
    class One(layers.Layer):
        def call(self, x, y, mask=None):
            return _masked_sum(x * y, mask)

    class Other(layers.Layer):
        def call(self, x, y, x_mask=None, y_mask=None):
            return _masked_sum(x * y, x_mask)

    def build(x):
        mine = (One if broken else Other)(name="mine")
        return mine(embedding()(x), embedding("other")(x))

    return Case(functional(build))


def _masked_sum(x, mask):
    return ops.sum(x if mask is None else x * ops.cast(mask, x.dtype)[..., None], axis=1)


@pair("attention pooling without a mask", "tf #45854", layer="'scores'", kind="leak")
def _(broken):
    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.embed, self.scores = embedding(), layers.Dense(1, name="scores")

        def call(self, ids):
            x = self.embed(ids)
            scores = self.scores(x)
            if not broken:
                scores = scores + 1e9 * (ops.cast(ids != 0, "float32")[..., None] - 1)
            return ops.sum(ops.softmax(scores, axis=1) * x, axis=1)

    return Case(Model())


# ---------------------------------------------------------------------- several inputs, other ways


@pair("a decoder attends to padding", "tf #45854", layer="'encoder' and 'attend'", kind="lost")
def _(broken):
    source, target = keras.Input((None,), name="source"), keras.Input((None,), name="target")
    memory = layers.GRU(D, return_sequences=True, name="encoder")(embedding("read")(source))
    memory = memory / 2.0 if broken else Keep(lambda t: t / 2.0)(memory)
    query = embedding("write")(target)
    out = layers.MultiHeadAttention(1, 2, name="attend")(query, memory)
    model = keras.Model({"source": source, "target": target}, layers.Dense(1)(out))
    return Case(model, {"source": IDS, "target": IDS[::-1, :5].copy()})


@pair("a block inside a nested model", "#12475", layer="inner_conv", kind="leak")
def _(broken):
    inner = [layers.Conv1D(D, 3, padding="same", name="inner_conv")] if broken else []
    block = keras.Sequential([*inner, layers.Dense(D, name="inner_dense")], name="block")
    return Case(functional(lambda x: layers.GRU(2)(block(embedding()(x)))))


@pair(
    "statistics of a batch in training", "layer table", layer="'embedding' and 'norm'", kind="lost"
)
def _(broken):
    def build(x):
        x = embedding()(x)
        x = x * 1.5 if broken else Keep(lambda t: t * 1.5)(x)
        return layers.Dense(1)(layers.BatchNormalization(name="norm")(x))

    return Case(functional(build))


@pair("a mask by hand that a layer ignores", "layer table", layer="mine", kind="leak")
def _(broken):
    class Mine(layers.Layer):
        def call(self, x, mask=None):
            return ops.sum(x, axis=1) if broken else _masked_sum(x, mask)

    x = keras.Input((None, 3))
    model = keras.Model(x, Mine(name="mine")(x))
    return Case(model, FEATURES, options={"mask": MASK, "pass_mask": True})


@pair("a bias of zeros hides a leak", "layer table", layer="GlobalSum", kind="leak")
def _(broken):
    class GlobalSum(layers.Layer):
        def call(self, x):
            return ops.sum(x, axis=1)

    x = keras.Input((None, 3))
    h = layers.Dense(4, use_bias=broken, name="dense")(x)
    return Case(keras.Model(x, GlobalSum(name="GlobalSum")(h)), FEATURES)


@pair("a mixed policy", "layer table", layer="conv", kind="leak")
def _(broken):
    policy = keras.DTypePolicy("mixed_bfloat16")

    def build(x):
        x = layers.Embedding(V, D, mask_zero=True, dtype=policy)(x)
        if broken:
            x = layers.Conv1D(D, 3, padding="same", name="conv", dtype=policy)(x)
        x = layers.LSTM(3, dtype=policy, return_sequences=True)(x)
        return layers.Dense(1, dtype=policy)(x)

    return Case(functional(build))


@pair("padding on the left and positions", "#33148", layer="position", kind="leak")
def _(broken):
    class Position(layers.Layer):
        def __init__(self, **options):
            super().__init__(**options)
            self.table, self.supports_masking = layers.Embedding(50, D), True

        def call(self, x, mask=None):
            if broken:
                places = ops.arange(ops.shape(x)[1])[None]
            else:
                places = ops.maximum(ops.cumsum(ops.cast(mask, "int32"), axis=1) - 1, 0)
            return x + self.table(places)

    left = np.array([np.roll(row, (row == 0).sum()) for row in IDS])
    return Case(functional(lambda x: Position(name="position")(embedding()(x))), left)
