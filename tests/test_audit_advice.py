"""What a message of `audit` advises is done as it says, and the model is audited again.

Further advice is done in the pairs of `tests/audit_fixes.py`.
"""

import importlib
import sys
import textwrap
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from course_lib import audit
from course_lib._audit import leaks
from course_lib._audit.faults import FAULTS
from tests.audit_pairs import (
    CLASSES,
    FEATURES,
    IDS,
    MASK,
    STEPS,
    Blank,
    Case,
    D,
    embedding,
    functional,
)
from tests.needs import keras

layers, ops = keras.layers, keras.ops
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

LEFT = np.array([np.roll(row, (row == 0).sum()) for row in IDS])


@dataclass
class Advice:
    """A fault, what is said of it, and the ways of doing it.

    Attributes:
        name: what is wrong.
        kind: the finding's kind.
        say: parts of the message.
        unsaid: what must not be advised.
        make: a function that makes the `Case`, of `None` as it is wrong, of a way as it is right.
        ways: the ways to do what is advised.
    """

    name: str
    kind: str
    say: tuple
    unsaid: tuple
    make: Any
    ways: tuple


ADVICE = []


def advice(name, kind, *say, unsaid=(), ways=("done",)):
    def add(make):
        ADVICE.append(Advice(name, kind, say, unsaid, make, ways))
        return make

    return add


def made(make, way):
    keras.utils.set_random_seed(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make(way)


class Own(keras.Model):
    """A model whose `call` is a function of its layers, for what only eager code does."""

    def __init__(self, call, **parts):
        super().__init__()
        for name, layer in parts.items():
            setattr(self, name, layer)
        self.function = call

    def call(self, ids):
        return self.function(self, ids)


def with_mask(function, **options):
    """Return a layer that hands a function its steps and mask, and the mask on."""

    class With(layers.Layer):
        def __init__(self):
            super().__init__(**options)
            self.supports_masking = True

        def call(self, x, mask=None):
            return function(x, mask)

    return With()


def column(mask, x):
    return ops.cast(mask, x.dtype)[..., None]


# ---------------------------------------------------------------------- no mask is made


@advice(
    "attention without a mask", "never", "`mask_zero=True`", "by hand (`value_mask=`)",
    unsaid=["query_mask", "Masking"], ways=["mask_zero", "by hand"],
)  # fmt: skip
def _(way):
    x = keras.Input((None,), dtype="int32")
    e = embedding(mask_zero=way == "mask_zero")(x)
    options = {"value_mask": ops.not_equal(x, 0)} if way == "by hand" else {}
    return Case(keras.Model(x, layers.MultiHeadAttention(1, 2)(e, e, **options)))


@advice("no mask before a loss", "never", "Use `mask_zero=True`", unsaid=["Masking", "by hand"])
def _(way):
    def build(x):
        return layers.Dense(1)(embedding(mask_zero=bool(way))(x))

    return Case(functional(build, loss="mse"), y=STEPS)


OTHER = np.where(MASK, np.where(IDS == 1, 0, IDS), 1)  # 1 is padding, and 0 a word


@advice("another id is padding", "never", "to `lstm` by hand (`mask=`)", unsaid=["mask_zero"])
def _(way):
    x = keras.Input((None,), dtype="int32")
    options = {"mask": ops.not_equal(x, 1)} if way else {}
    out = layers.LSTM(3, name="lstm")(embedding(mask_zero=False)(x), **options)
    return Case(keras.Model(x, out), OTHER, options={"mask": MASK})


@advice("another id is padding before a loss", "never", "Pad with id 0 and use `mask_zero=True`")
def _(way):
    model = functional(lambda x: layers.Dense(1)(embedding(mask_zero=bool(way))(x)), loss="mse")
    return Case(model, IDS if way else OTHER, STEPS, {"mask": MASK})


@advice("values of attention after a query without a mask", "never", "Use `mask_zero=True`",
        unsaid=["Normalise first"])  # fmt: skip
def _(way):
    x = keras.Input((None,), dtype="int32")
    target, source = embedding("target")(x), embedding("source", mask_zero=bool(way))(x)
    # Self-attention takes the mask off its query, which the residual adds.
    query = layers.Add()([target, layers.MultiHeadAttention(1, 2)(target, target)])
    return Case(keras.Model(x, layers.MultiHeadAttention(1, 2, name="cross")(query, source)))


for value in (0.0, -1.0):
    say = "`Masking`" if value == 0 else "`Masking(mask_value=-1)`"

    @advice(
        f"features with {value} at padding", "never", f"Put a {say} layer before it",
        "by hand (`mask=`)", ways=["Masking", "by hand"],
    )  # fmt: skip
    def _(way, value=value):
        x = keras.Input((None, 3))
        h = layers.Masking(value)(x) if way == "Masking" else x
        options = {"mask": ops.any(x != value, axis=-1)} if way == "by hand" else {}
        series = np.where(MASK[..., None], FEATURES, value).astype("float32")
        case = Case(keras.Model(x, layers.GRU(3, name="gru")(h, **options)), series)
        return Case(case.model, case.x, options={"mask": MASK})


NAN = np.where(MASK[..., None], FEATURES, np.nan).astype("float32")


@advice("NaN at padding", "never", "At `gru` (GRU)", "Set NaN to zero, `ops.where(ops.isnan(x)",
        "then put a `Masking` layer before it", unsaid=["mask_value"])  # fmt: skip
def _(way):
    x = keras.Input((None, 3))
    h = layers.Masking()(ops.where(ops.isnan(x), 0.0, x)) if way else x
    return Case(keras.Model(x, layers.GRU(3, name="gru")(h)), NAN, options={"mask": MASK})


@advice("NaN at padding set to zero", "never", "At `where` (Where)", "Put a `Masking` layer",
        "to `gru` by hand", unsaid=["mask_value"], ways=["Masking", "by hand"])  # fmt: skip
def _(way):
    x = keras.Input((None, 3))
    h = ops.where(ops.isnan(x), 0.0, x)
    h = layers.Masking()(h) if way == "Masking" else h
    options = {"mask": ops.all(ops.isfinite(x), -1)} if way == "by hand" else {}
    return Case(
        keras.Model(x, layers.GRU(3, name="gru")(h, **options)), NAN, options={"mask": MASK}
    )


@advice("noise at padding", "never", "Pass `sample_weight=` with zeros", unsaid=["Masking"])
def _(way):
    x = keras.Input((None, 3))
    model = keras.Model(x, layers.Dense(1)(x))
    model.compile("sgd", "mse")
    noise = np.random.default_rng(5).normal(size=FEATURES.shape)
    series = np.where(MASK[..., None], FEATURES, noise).astype("float32")
    weights = {"sample_weight": MASK.astype("float32")} if way else {}
    return Case(model, series, STEPS, {"mask": MASK, **weights})


@advice("a mask that would not come through", "never", "Use `mask_zero=True` in the `Embedding`",
        "and hand the mask on at `conv`", "to `norm` by hand (`mask=`)",
        ways=["mask_zero", "by hand"])  # fmt: skip
def _(way):
    """Statistics of the batch in inference, of real steps alone once the mask is there."""
    x = keras.Input((None,), dtype="int32")
    conv = layers.Conv1D(3, 1, name="conv")
    conv.supports_masking = way == "mask_zero"
    h = conv(embedding(mask_zero=way == "mask_zero")(x))
    options = {"mask": ops.not_equal(x, 0)} if way == "by hand" else {}
    h = layers.BatchNormalization(name="norm")(h, training=True, **options)
    return Case(keras.Model(x, layers.LSTM(2)(h, mask=ops.not_equal(x, 0))))


# Two axes of padding: sentences in a text, and words in a sentence.
TEXTS = np.array([[[3, 1, 4], [1, 5, 0], [2, 0, 0]], [[6, 2, 0], [5, 3, 0], [0, 0, 0]]])


@advice("words in sentences", "never", "At `words` (Embedding)", "(`reader` needs it)",
        "Use `mask_zero=True` in the `Embedding`", unsaid=["td", "x.reshape"])  # fmt: skip
def _(way):
    words = layers.Embedding(7, D, mask_zero=bool(way), name="words")
    sentence = keras.Sequential([words, layers.LSTM(3, name="reader")])
    x = keras.Input((None, None), dtype="int32")
    each = layers.TimeDistributed(sentence, name="td")(x)
    return Case(keras.Model(x, layers.LSTM(2)(each, mask=ops.any(x != 0, axis=-1))), TEXTS)


@advice("sentences that a layer folds into rows", "never", "At `enc` (Sentences)",
        "and hand the mask on at `enc`", "to `doc` by hand (`mask=`)",
        ways=["Masking", "by hand"])  # fmt: skip
def _(way):
    class Sentences(layers.Layer):
        def __init__(self):
            super().__init__(name="enc")
            self.words, self.reader = layers.Embedding(7, D, mask_zero=True), layers.LSTM(3)
            self.supports_masking = way == "Masking"

        def call(self, ids, mask=None):
            each = self.words(ops.reshape(ids, (-1, ops.shape(ids)[2])))
            return ops.reshape(self.reader(each), (ops.shape(ids)[0], ops.shape(ids)[1], 3))

        def compute_output_shape(self, shape):
            return *shape[:2], 3

    x = keras.Input((None, None), dtype="int32")
    options = {"mask": ops.any(x != 0, axis=-1)} if way == "by hand" else {}
    ids = layers.Masking()(x) if way == "Masking" else x
    return Case(keras.Model(x, layers.GRU(2, name="doc")(Sentences()(ids), **options)), TEXTS)


# ---------------------------------------------------------------------- a mask that ends


class Block(layers.Layer):
    """Attention, a residual by hand and a layer: what comes out is made by the last layer."""

    def __init__(self, **options):
        super().__init__(**options)
        self.attend = layers.MultiHeadAttention(1, 2, name="attend")
        self.before, self.dense = layers.LayerNormalization(), layers.Dense(D, name="ff")

    def call(self, x):
        normal = self.before(x)
        return self.dense(x + self.attend(normal, normal))


@advice(
    "a block of one's own before a loss", "lost", "At `block` (Block)",
    "Set `supports_masking = True` on it", unsaid=["Lambda", "compute_mask"],
)  # fmt: skip
def _(way):
    block = Block(name="block")
    block.supports_masking = bool(way)
    return Case(functional(lambda x: layers.Dense(1)(block(embedding()(x))), loss="mse"), y=STEPS)


@advice(
    "a block of one's own before a layer", "lost", "At `block` (Block)",
    "Set `supports_masking = True` on it", "to `lstm` by hand (`mask=`)", ways=["set", "by hand"],
)  # fmt: skip
def _(way):
    block = Block(name="block")
    block.supports_masking = way == "set"
    x = keras.Input((None,), dtype="int32")
    options = {"mask": ops.not_equal(x, 0)} if way == "by hand" else {}
    return Case(keras.Model(x, layers.LSTM(3, name="lstm")(block(embedding()(x)), **options)))


class MaskedUp(layers.UpSampling1D):
    def compute_mask(self, x, mask=None):
        return None if mask is None else ops.repeat(mask, self.size, axis=1)


@advice(
    "a layer of Keras that makes other steps", "lost", "subclass of `UpSampling1D`",
    "with a `compute_mask` that returns", "to `lstm` by hand", unsaid=["supports_masking"],
    ways=["subclass", "by hand"],
)  # fmt: skip
def _(way):
    x = keras.Input((None,), dtype="int32")
    up = MaskedUp(2) if way == "subclass" else layers.UpSampling1D(2)
    options = {"mask": ops.repeat(ops.not_equal(x, 0), 2, axis=1)} if way == "by hand" else {}
    return Case(keras.Model(x, layers.LSTM(3, name="lstm")(up(embedding()(x)), **options)))


@advice(
    "what one operation made goes to three", "lost", "before 'a' and 'b' and 'c'",
    "`a`, `b` and `c` need it", "give the mask to `a`, `b` and `c` by hand (`mask=`)",
)  # fmt: skip
def _(way):
    def call(model, ids):
        doubled = model.table(ids) * 2.0
        options = {"mask": model.table.compute_mask(ids)} if way else {}
        return [lstm(doubled, **options) for lstm in (model.a, model.b, model.c)]

    lstms = {name: layers.LSTM(2, name=name) for name in "abc"}
    return Case(Own(call, table=embedding(), **lstms))


LIBRARY = '''
    import keras
    from keras import layers

    class Twice(layers.Layer):
        def call(self, x):
            return x * 2

    class Changed(layers.Layer):
        """Each step and its negative."""
        def call(self, x):
            both = keras.ops.stack([-x, x], axis=2)
            return keras.ops.reshape(both, (keras.ops.shape(x)[0], -1, 4))

    class Tokens(layers.Layer):
        def __init__(self, **options):
            super().__init__(**options)
            self.table = layers.Embedding(7, 4, mask_zero=True, name="table")
        def call(self, ids):
            return self.table(ids) * 2
'''


@pytest.fixture(scope="module", autouse=True)
def library(tmp_path_factory):
    """A package of layers, installed where packages are: nobody edits what stands there."""
    folder = tmp_path_factory.mktemp("lib") / "site-packages"
    folder.mkdir()
    (folder / "their_layers.py").write_text(textwrap.dedent(LIBRARY))
    sys.path.insert(0, str(folder))
    yield
    sys.path.remove(str(folder))
    sys.modules.pop("their_layers", None)


def theirs():
    return importlib.import_module("their_layers")


@advice("a package's layer", "lost", "Set `supports_masking = True` on it", unsaid=["compute_mask"])
def _(way):
    twice = theirs().Twice()
    twice.supports_masking = bool(way)
    return Case(functional(lambda x: layers.Dense(1)(twice(embedding()(x))), loss="mse"), y=STEPS)


@advice("a package's layer that makes other steps", "lost", "Use a subclass of `Changed`",
        "to `lstm` by hand", ways=["subclass", "by hand"])  # fmt: skip
def _(way):
    class Masked(theirs().Changed):
        def compute_mask(self, x, mask=None):
            return ops.repeat(mask, 2, axis=1)

    x = keras.Input((None,), dtype="int32")
    changed = (Masked if way == "subclass" else theirs().Changed)()
    options = {"mask": ops.repeat(ops.not_equal(x, 0), 2, axis=1)} if way == "by hand" else {}
    return Case(keras.Model(x, layers.LSTM(3, name="lstm")(changed(embedding()(x)), **options)))


@advice("a package's layer that keeps its mask inside", "inside", "Use a subclass of `Tokens`",
        "that returns `self.table.compute_mask(ids)`", "to `lstm` by hand",
        ways=["subclass", "by hand"])  # fmt: skip
def _(way):
    class Masked(theirs().Tokens):
        def compute_mask(self, ids, mask=None):
            return self.table.compute_mask(ids)

    x = keras.Input((None,), dtype="int32")
    tokens = (Masked if way == "subclass" else theirs().Tokens)(name="tokens")
    options = {"mask": ops.not_equal(x, 0)} if way == "by hand" else {}
    return Case(keras.Model(x, layers.LSTM(3, name="lstm")(tokens(x), **options)))


# ---------------------------------------------------------------------- masks that go astray


@advice("a state of Keras's own layer", "ignored", "Pass it by hand, `layer(..., mask=mask)`.",
        unsaid=["x_mask"])  # fmt: skip
def _(way):
    x = keras.Input((None,), dtype="int32")
    table, state = embedding(), ops.zeros_like(x[:, :3], dtype="float32")
    options = {"mask": table.compute_mask(x)} if way else {}
    return Case(keras.Model(x, layers.GRU(3)(table(x), initial_state=state, **options)))


@advice("two tensors and one mask", "ignored", "Pass it by hand", "`x_mask`, `y_mask`",
        ways=["by hand", "named"])  # fmt: skip
def _(way):
    class One(layers.Layer):
        def call(self, x, y, mask=None):
            return ops.sum(x * y if mask is None else x * y * column(mask, x), axis=1)

    class Named(layers.Layer):
        def call(self, x, y, x_mask=None, y_mask=None):
            return ops.sum(x * y * column(x_mask, x), axis=1)

    x = keras.Input((None,), dtype="int32")
    one, other = embedding(), embedding("other")
    options = {"mask": one.compute_mask(x)} if way == "by hand" else {}
    mine = (Named if way == "named" else One)(name="mine")
    return Case(keras.Model(x, mine(one(x), other(x), **options)))


@advice("query_mask by hand", "overwritten", "`mask_zero=True` makes it")
def _(way):
    def call(model, ids):
        x, mask = model.table(ids), ops.not_equal(ids, 0)
        return model.dense(
            model.mha(x, x, value_mask=mask, **({} if way else {"query_mask": mask}))
        )

    table = embedding(mask_zero=bool(way))
    model = Own(call, table=table, mha=layers.MultiHeadAttention(1, 2), dense=layers.Dense(1))
    model.compile("sgd", "mse")
    return Case(model, y=STEPS)


@advice("Concatenate makes every step real", "neutralised", "Give every branch the mask",
        "to `gru` by hand (`mask=`)", ways=["every branch", "by hand"])  # fmt: skip
def _(way):
    x = keras.Input((None,), dtype="int32")
    one, other = embedding(), embedding("other", mask_zero=way == "every branch")
    options = {"mask": one.compute_mask(x)} if way == "by hand" else {}
    both = layers.Concatenate()([one(x), other(x)])
    return Case(keras.Model(x, layers.GRU(3, name="gru")(both, **options)))


@advice("a mask meets a branch without one", "unmasked branch", "Give the other branch the mask",
        "to `gru` by hand (`mask=`)", ways=["the other branch", "by hand"])  # fmt: skip
def _(way):
    x = keras.Input((None,), dtype="int32")
    one, other = embedding(), embedding("other", mask_zero=way == "the other branch")
    options = {"mask": one.compute_mask(x)} if way == "by hand" else {}
    both = layers.Add()([one(x), other(x)])
    return Case(keras.Model(x, layers.GRU(3, name="gru")(both, **options)))


@advice("time runs backwards", "misaligned", "`Lambda(lambda x: ops.flip(x, axis=1), mask=...)`",
        "use `Bidirectional`", ways=["Lambda", "Bidirectional"])  # fmt: skip
def _(way):
    def build(x):
        back = layers.LSTM(3, return_sequences=True, go_backwards=way != "Bidirectional")
        if way == "Bidirectional":
            return layers.Dense(1)(layers.Bidirectional(back)(embedding()(x)))
        x = back(embedding()(x))
        if way == "Lambda":
            x = layers.Lambda(lambda x: ops.flip(x, axis=1), mask=lambda x, mask: mask)(x)
        return layers.Dense(1)(x)

    return Case(functional(build, loss="mse"), y=STEPS)


@advice("a mask one step late", "misaligned", "At `shift`", "Give `shift` a `compute_mask` that",
        unsaid=["round again", "Roll"])  # fmt: skip
def _(way):
    class Shift(layers.Layer):
        def call(self, x):
            return x * 1.0

        def compute_mask(self, x, mask=None):
            return mask if way else ops.roll(mask, 1, axis=1)

    pool = layers.GlobalAveragePooling1D()
    return Case(functional(lambda x: pool(Shift(name="shift")(embedding()(x)))))


@advice("a mask of other steps by hand", "misaligned", "Hand over the mask of these steps.")
def _(way):
    x = keras.Input((None,), dtype="int32")
    mask = ops.not_equal(x, 0 if way else 3)
    return Case(keras.Model(x, layers.LSTM(3)(embedding(mask_zero=False)(x), mask=mask)))


@advice("the padding is not id 0", "wrong mask", "id 0 for `Embedding`")
def _(way):
    model = functional(lambda x: layers.LSTM(3)(embedding()(x)))
    return Case(model, IDS if way else OTHER, options={"mask": MASK})


# ---------------------------------------------------------------------- losses, weights, gradients


@advice("weights of shape (B,)", "sample_weight", "the shape (B, 1) or (B, T)",
        ways=["(B, 1)", "(B, T)"])  # fmt: skip
def _(way):
    # As many steps as rows, so that Keras takes the weights of the rows for those of the steps.
    x = np.resize(np.where(MASK, np.maximum(IDS, 1), 0), (6, 6))
    weights = np.arange(1.0, 7.0, dtype="float32")
    weights = {None: weights, "(B, 1)": weights[:, None]}.get(way, weights[:, None] * np.ones(6))
    model = functional(lambda x: layers.Dense(1)(embedding()(x)), loss="mse")
    return Case(model, x, np.resize(STEPS, (6, 6, 1)), {"sample_weight": weights})


@advice("a score for each step", "choice", "end with `ops.where(mask, scores, -1e9)`",
        unsaid=["Put the operation into a layer"], ways=["where"])  # fmt: skip
def _(way):
    def build(x):
        scores = layers.Dense(1, name="score")(layers.GRU(3, return_sequences=True)(embedding()(x)))
        return ops.where(ops.not_equal(x, 0), scores[..., 0], -1e9) if way else scores[..., 0]

    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model = functional(build, loss=loss, metrics=["accuracy"])
    return Case(model, IDS, np.zeros(len(IDS), int))


@advice("a loss of one number", "loss", "Let the loss return one value for each step.")
def _(way):
    axis = -1 if way else None
    loss = lambda y, p: ops.mean(ops.square(y - p), axis=axis)  # noqa: E731
    return Case(functional(lambda x: layers.Dense(1)(embedding()(x)), loss=loss), y=STEPS)


class Whole(keras.Model):
    """Scores whole rows by CTC, in a loss or, as is advised, in a `compute_loss` of its own."""

    def __init__(self):
        super().__init__()
        self.table, self.dense = embedding(), layers.Dense(3, activation="softmax")

    def call(self, ids):
        return self.dense(self.table(ids))


class Counting(Whole):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        steps = ops.sum(ops.cast(ops.not_equal(x, 0), "int32"), axis=1)
        each = ops.ctc_loss(y, y_pred, ops.ones_like(steps), steps)
        return ops.mean(each)


@advice("a loss of whole rows", "loss", "model's own `compute_loss`", "`ops.ctc_loss` takes them")
def _(way):
    model = Counting() if way else Whole()
    model.compile("sgd", None if way else keras.losses.CTC())
    return Case(model, y=np.array([[1], [2], [1], [1]]))


@advice("targets without the last axis", "loss", "Give the targets the shape of the predictions",
        unsaid=["Let the loss"])  # fmt: skip
def _(way):
    model = functional(lambda x: layers.Dense(1)(embedding()(x)), loss="mse")
    return Case(model, y=STEPS if way else STEPS[..., 0])


@advice("a metric of all steps", "metric", "`weighted_metrics`", "`sample_weight=` with zeros")
def _(way):
    auc = keras.metrics.AUC(name="auc")
    compiled = {"weighted_metrics" if way else "metrics": [auc]}
    model = functional(
        lambda x: layers.Dense(1, activation="sigmoid")(embedding()(x)),
        loss="binary_crossentropy", **compiled,
    )  # fmt: skip
    return Case(model, y=CLASSES, options={"sample_weight": MASK.astype("float32")})


@advice("a metric of one number", "metric", "return one value for each step", unsaid=["weighted"])
def _(way):
    def largest(y, p):
        return ops.max(ops.abs(y - p), axis=-1 if way else None)

    model = functional(lambda x: layers.Dense(1)(embedding()(x)), loss="mse", metrics=[largest])
    return Case(model, y=STEPS)


class Attending(layers.Layer):
    """A block as libraries write them: it takes `padding_mask`, and may hand it on."""

    def __init__(self, hands_on):
        super().__init__(name="block")
        self.hands_on, self.attention = hands_on, layers.MultiHeadAttention(1, 2, name="mha")

    def call(self, x, padding_mask=None):
        mask = padding_mask if self.hands_on else None
        return x + self.attention(x, x, value_mask=mask)


def in_block(given, hands_on):
    ids, mask = keras.Input((None,), name="ids"), keras.Input((None,), name="padding_mask")
    options = {"padding_mask": ops.cast(mask, "bool")} if given else {}
    out = Attending(hands_on)(embedding(mask_zero=False)(ids), **options)
    x = {"ids": IDS, "padding_mask": MASK * 1}
    return Case(keras.Model({"ids": ids, "padding_mask": mask}, out), x)


@advice("a block that is not given its mask", "never", "to `block` by hand (`padding_mask=`)")
def _(way):
    return in_block(given=bool(way), hands_on=True)


@advice("a compute_loss of one's own", "loss", "what `compute_loss` adds up",
        "divide by the number of real steps")  # fmt: skip
def _(way):
    class Mine(keras.Model):
        def __init__(self):
            super().__init__()
            self.table, self.dense = embedding(), layers.Dense(1)

        def call(self, ids):
            return self.dense(self.table(ids))

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            error = ops.square(y - y_pred)[..., 0]
            if not way:
                return ops.mean(error)
            mask = ops.cast(ops.not_equal(x, 0), "float32")
            return ops.sum(error * mask) / ops.sum(mask)

    model = Mine()
    model.compile("sgd")
    return Case(model, y=STEPS)


@advice("an added loss", "added loss", "Take `mask` as an argument", "number of real steps")
def _(way):
    class Penalty(layers.Layer):
        def __init__(self):
            super().__init__(name="penalty")
            self.supports_masking = True

        def call(self, x, mask=None):
            mask = ops.ones_like(x[..., 0]) if not way else ops.cast(mask, x.dtype)
            self.add_loss(ops.sum(ops.mean(x**2, -1) * mask) / ops.sum(mask))
            return x

    return Case(functional(lambda x: layers.LSTM(2)(Penalty()(embedding()(x)))))


@advice("an activity regularizer", "leak", "Take the regularizer off", "calls `add_loss`")
def _(way):
    def penalty(x, mask):
        kept.add_loss(0.1 * ops.sum(x**2 * column(mask, x)) / ops.sum(ops.cast(mask, x.dtype)))
        return x

    kept = with_mask(penalty)

    def build(x):
        x = layers.Dense(3, activity_regularizer=None if way else "l2")(embedding()(x))
        return layers.LSTM(2)(kept(x) if way else x)

    return Case(functional(build))


@advice("a gradient that is not a number", "gradient", "is not zero, or not a number")
def _(way):
    def logarithm(x, mask):
        x = x * column(mask, x)
        size = ops.sum(x**2, axis=-1, keepdims=True)
        # What is thrown away afterwards still sends its gradient back, and that of a logarithm at
        # 0 is not a number.
        size = ops.where(mask[..., None], size, 1.0) if way else size
        return ops.where(mask[..., None], ops.log(size), 0.0)

    return Case(functional(lambda x: layers.LSTM(2)(with_mask(logarithm)(embedding()(x)))))


@advice("rows that see each other", "neighbours", "no statistics", "over the rows of a batch")
def _(way):
    def centre(x, mask):
        weight = column(mask, x)
        axes = 1 if way else (0, 1)
        mean = ops.sum(x * weight, axes, keepdims=True) / ops.sum(weight, axes, keepdims=True)
        return x - mean

    return Case(functional(lambda x: layers.LSTM(2)(with_mask(centre)(embedding()(x)))))


# ---------------------------------------------------------------------- leaks


def leak(name, *say, ways=("done",), unsaid=()):
    return advice(name, "leak", *say, unsaid=unsaid, ways=ways)


@leak("a largest value", "`ops.where(mask[..., None], x, -np.inf)`")
def _(way):
    def build(x):
        x = layers.Dense(D)(embedding()(x))
        if way:
            x = with_mask(lambda x, mask: ops.where(mask[..., None], x, -np.inf))(x)
        return layers.GlobalMaxPooling1D()(x)

    return Case(functional(build))


@leak("a largest value by an operation", "`ops.where(mask[..., None], x, -np.inf)`")
def _(way):
    def largest(x, mask):
        return ops.max(ops.where(mask[..., None], x, -np.inf) if way else x, axis=1)

    pool = with_mask(largest)
    return Case(functional(lambda x: pool(layers.Dense(D)(embedding()(x)))))


@leak("a largest value of images", "`ops.where(mask[..., None, None], x, -np.inf)`")
def _(way):
    x = keras.Input((None,), dtype="int32")
    h = layers.Reshape((-1, 1, D))(layers.Dense(D)(embedding()(x)))
    if way:
        h = ops.where(ops.not_equal(x, 0)[..., None, None], h, -np.inf)
    return Case(keras.Model(x, layers.GlobalMaxPooling2D()(h)))


@leak("rows in another order", "It reads no steps", "let each row be computed by itself",
      unsaid=["ops.where"])  # fmt: skip
def _(way):
    x = keras.Input((None,), dtype="int32")
    steps = layers.GRU(3)(embedding()(x))
    if not way:
        order = ops.argsort(ops.sum(ops.cast(x != 0, "int32"), axis=1))
        steps = ops.take(steps, order, axis=0)
    return Case(keras.Model(x, steps))


@leak("a smallest value by an operation", "`ops.where(mask[..., None], x, np.inf)`")
def _(way):
    def smallest(x, mask):
        return ops.min(ops.where(mask[..., None], x, np.inf) if way else x, axis=1)

    pool = with_mask(smallest)
    return Case(functional(lambda x: pool(layers.Dense(D)(embedding()(x)))))


@leak("the largest value of each window", "`ops.where(mask[..., None], x, -1e9)`, and hand")
def _(way):
    pool = layers.MaxPooling1D(3, strides=1, padding="same")

    def build(x):
        x = layers.Dense(D)(embedding()(x))
        if way:
            x = with_mask(lambda x, mask: ops.where(mask[..., None], x, -1e9))(x)
            pool.supports_masking = True
        return layers.Dense(1)(pool(x))

    return Case(functional(build, loss="mse"), y=STEPS)


@leak("the mean of each window", "Pool the steps with zeros at padding", "divided by the second")
def _(way):
    pool = layers.AveragePooling1D(3, strides=1, padding="same")

    def divided(x, mask):
        return pool(x * column(mask, x)) / ops.maximum(pool(column(mask, x)), 1e-9)

    def build(x):
        return layers.Dense(1)((with_mask(divided) if way else pool)(embedding()(x)))

    return Case(functional(build))


class Mean(layers.Layer):
    """The mean of `(B, T, D, 1)` over the steps that are not 0 in the ids, and over features."""

    def call(self, x, ids):
        mask = ops.cast(ops.not_equal(ids, 0), x.dtype)[..., None, None]
        return ops.sum(x * mask, (1, 2)) / (ops.sum(mask, (1, 2)) * x.shape[2])


@leak("a mean over steps and features", "add up the real steps and divide by their number")
def _(way):
    x = keras.Input((None,), dtype="int32")
    h = layers.Reshape((-1, D, 1))(embedding()(x))
    return Case(keras.Model(x, Mean()(h, x) if way else layers.GlobalAveragePooling2D()(h)))


@leak("a mean by an operation", "such as `GlobalAveragePooling1D`", "divide by their number",
      ways=["layer", "divide"])  # fmt: skip
def _(way):
    def call(model, ids):
        # A layer called "Conv_block" is no convolution.
        x = model.block(model.table(ids))
        if way == "layer":
            return layers.GlobalAveragePooling1D()(x)
        if way == "divide":
            mask = column(model.table.compute_mask(ids), x)
            return ops.sum(x * mask, axis=1) / ops.sum(mask, axis=1)
        return ops.mean(x, axis=1)

    return Case(Own(call, table=embedding(), block=layers.Dense(3, name="Conv_block")))


CONVOLUTIONS = {
    "Conv1D": lambda: layers.Conv1D(3, 3, padding="same"),
    "a dilated Conv1D": lambda: layers.Conv1D(3, 3, padding="same", dilation_rate=2),
    "an even Conv1D": lambda: layers.Conv1D(3, 4, padding="same"),
    "Conv1DTranspose": lambda: layers.Conv1DTranspose(3, 3, padding="same"),
    "DepthwiseConv1D": lambda: layers.DepthwiseConv1D(3, padding="same"),
    "SeparableConv1D": lambda: layers.SeparableConv1D(3, 3, padding="same"),
}
for what, convolution in CONVOLUTIONS.items():

    @leak(what, "Set padded steps to zero before the convolution")
    def _(way, make=convolution):
        def build(x):
            x = embedding()(x)
            return make()(Blank()(x) if way else x)

        return Case(functional(build))


@leak("Conv1D before a loss", "before the convolution", "hand the mask on")
def _(way):
    conv = layers.Conv1D(1, 3, padding="same")
    conv.supports_masking = bool(way)

    def build(x):
        x = embedding()(x)
        return conv(Blank()(x) if way else x)

    return Case(functional(build, loss="mse"), y=STEPS)


for what, kind in (("Conv1D", lambda **o: layers.Conv1D(3, 3, **o)),
                   ("MaxPooling1D", lambda **o: layers.MaxPooling1D(3, **o)),
                   ("AveragePooling1D", lambda **o: layers.AveragePooling1D(3, **o))):  # fmt: skip

    @leak(f"a strided {what}", 'use `padding="valid"`, pad the rows at the end',
          unsaid=["before the", "divided"])  # fmt: skip
    def _(way, kind=kind):
        layer = kind(strides=2, padding="valid" if way else "same")
        x = np.where(np.arange(12) < np.array([6, 9, 11, 12])[:, None], np.resize(IDS, (4, 12)), 0)
        x = np.where(np.arange(12) < np.array([6, 9, 11, 12])[:, None], np.maximum(x, 1), 0)
        return Case(functional(lambda x: layer(layers.Dense(D)(embedding()(x)))), x)


@leak("zeros at the border", "Set padded steps to zero before it")
def _(way):
    def build(x):
        x = embedding()(x)
        return layers.ZeroPadding1D((0, 1))(Blank()(x) if way else x)

    return Case(functional(build))


@leak("a product over steps", "Set padded steps to zero before it")
def _(way):
    def build(x):
        one, other = embedding()(x), embedding("other")(x)
        return layers.Dot((1, 1))([Blank()(one) if way else one, other])

    return Case(functional(build))


@leak("a sum by an operation", "Set padded steps to zero before it")
def _(way):
    total = with_mask(lambda x, mask: ops.sum(x * column(mask, x) if way else x, axis=1))
    return Case(functional(lambda x: total(embedding()(x))))


@leak("a sum of what is not a number", "right behind the input: `ops.where(ops.isnan(x), 0.0, x)`")
def _(way):
    x, mask = keras.Input((None, 3), name="x"), keras.Input((None,), name="mask")
    h = layers.Dense(2)(ops.where(ops.isnan(x), 0.0, x) if way else x) * mask[..., None]
    model = keras.Model({"x": x, "mask": mask}, ops.sum(h, axis=1))
    return Case(model, {"x": NAN, "mask": MASK * 1.0})


@leak("a sum of infinities", "`ops.where(mask[..., None], x, 0)`", unsaid=["ops.cast"])
def _(way):
    def total(x, mask):
        # The logarithm of 0 at padding, which no multiplication takes out.
        x = ops.log(column(mask, x)) + x
        return ops.sum(ops.where(mask[..., None], x, 0) if way else x * column(mask, x), axis=1)

    return Case(functional(lambda x: with_mask(total)(embedding()(x))))


@leak("a product over steps by an operation", "Set padded steps to zero before it")
def _(way):
    def gram(x, mask):
        x = x * column(mask, x) if way else x
        return ops.matmul(ops.transpose(x, (0, 2, 1)), x)

    return Case(functional(lambda x: with_mask(gram)(embedding()(x))))


@leak("scores over steps", "`ops.where(mask, scores, -1e9)`", "`mask[:, :, None]` for axis 1")
def _(way):
    def call(model, ids):
        x = model.table(ids)
        scores = model.scores(x)
        if way:
            scores = ops.where(ops.not_equal(ids, 0)[..., None], scores, -1e9)
        return ops.sum(ops.softmax(scores, axis=1) * x, axis=1)

    return Case(Own(call, table=embedding(), scores=layers.Dense(1)))


@leak("attention by hand", "`ops.where(mask, scores, -1e9)`", "`mask[:, None]` for the last")
def _(way):
    def attend(x, mask):
        scores = ops.einsum("bid,bjd->bij", x, x)
        if way:
            scores = ops.where(mask[:, None], scores, -1e9)
        return ops.einsum("bij,bjd->bid", ops.softmax(scores), x)

    return Case(functional(lambda x: with_mask(attend)(embedding()(x))))


# What stands at padding so that an operation over steps does not see it.
OPERATIONS = {
    "TopK": (lambda x: ops.top_k(ops.transpose(x, (0, 2, 1)), 1)[0], -np.inf, "is never taken"),
    "Sort": (lambda x: ops.sort(x, axis=1)[:, 0], np.inf, "infinity if the smallest are"),
    "Sort and flip": (
        lambda x: ops.flip(ops.sort(x, axis=1), axis=1)[:, 0],
        -np.inf,
        "minus infinity if the largest are taken",
    ),
    "Logsumexp": (lambda x: ops.logsumexp(x, axis=1), -1e9, "before it: `ops.where(mask[..., None"),
    "Prod": (lambda x: ops.prod(x + 1, axis=1), 0, "Put one at padded steps before it"),
    "Norm": (lambda x: ops.norm(x, axis=1), 0, "Set padded steps to zero before it"),
    "Any": (lambda x: ops.any(x > 0.04, axis=1), 0, "`ops.logical_and(x, mask)` before `any`"),
}

for name, (operation, value, said) in OPERATIONS.items():

    @leak(f"the operation {name}", said, unsaid=["takes a mask"])
    def _(way, operation=operation, value=value):
        def blank(x, mask):
            return ops.where(mask[..., None], x, value) if way else x

        return Case(
            functional(lambda x: operation(with_mask(blank)(embedding()(x)))),
            np.where(IDS == 1, 2, IDS),
        )


@leak("the variance of steps", "Compute it of the real steps alone", "number of real steps")
def _(way):
    def variance(x, mask):
        count = ops.sum(column(mask, x), axis=1, keepdims=True)
        away = x - ops.sum(x * column(mask, x), axis=1, keepdims=True) / count
        return ops.sum(ops.square(away) * column(mask, x), axis=1) / count[:, 0]

    of = with_mask(variance) if way else lambda x: ops.var(x, axis=1)
    return Case(functional(lambda x: of(embedding()(x))))


PIXELS = np.random.default_rng(7).normal(size=(*MASK.shape, 2, 2, 1))
FRAMES = np.where(MASK[:, :, None, None, None], PIXELS, 0).astype("float32")


class Frames(layers.Layer):
    """Makes the mask of steps that are images."""

    def call(self, x):
        return x

    def compute_mask(self, x, mask=None):
        return ops.any(x != 0, axis=(2, 3, 4))


@leak("a pooling of images and their steps", "in a `TimeDistributed`", "such as `GlobalAverage")
def _(way):
    x = keras.Input((None, 2, 2, 1))
    if way:
        each = layers.TimeDistributed(layers.GlobalAveragePooling2D())(Frames()(x))
        return Case(keras.Model(x, layers.GlobalAveragePooling1D()(each)), FRAMES)
    return Case(keras.Model(x, layers.GlobalAveragePooling3D()(Frames()(x))), FRAMES)


@advice("steps that are images", "never", "`ops.any(x != 0, axis=(2, 3, 4))`", "by hand (`mask=`)",
        unsaid=["`Masking`"], ways=["layer", "by hand"])  # fmt: skip
def _(way):
    x = keras.Input((None, 2, 2, 1))
    each = layers.TimeDistributed(layers.Flatten())(Frames()(x) if way == "layer" else x)
    options = {"mask": ops.any(x != 0, axis=(2, 3, 4))} if way == "by hand" else {}
    return Case(keras.Model(x, layers.GRU(2, name="gru")(each, **options)), FRAMES)


@advice("ids that a layer makes", "never", "`mask_zero=True` in the `Embedding`",
        ways=["mask_zero", "by hand"])  # fmt: skip
def _(way):
    x = keras.Input((None,), dtype="float32")
    ids = ops.cast(x, "int32")
    options = {"mask": ops.not_equal(ids, 0)} if way == "by hand" else {}
    out = layers.GRU(2, name="gru")(embedding(mask_zero=way == "mask_zero")(ids), **options)
    return Case(keras.Model(x, out), IDS.astype("float32"), options={"mask": MASK})


@leak("a block that does not hand its mask on", "give it to `mha` (`value_mask=`)")
def _(way):
    return in_block(given=True, hands_on=bool(way))


@leak("statistics of groups", "Use `LayerNormalization`")
def _(way):
    norm = layers.LayerNormalization() if way else layers.GroupNormalization(2)
    return Case(functional(lambda x: layers.LSTM(3)(norm(embedding()(x)))))


@leak("the last column", "last real step by its length", "`return_sequences=False`",
      ways=["by its length", "return_sequences"])  # fmt: skip
def _(way):
    x = keras.Input((None,), dtype="int32")
    steps = layers.Bidirectional(layers.LSTM(3, return_sequences=way != "return_sequences"))
    out = steps(embedding()(x))
    if way == "by its length":
        last = ops.sum(ops.cast(ops.not_equal(x, 0), "int32"), axis=1) - 1
        out = ops.take_along_axis(out, last[:, None, None], axis=1)[:, 0]
    elif way is None:
        out = out[:, -1]
    return Case(keras.Model(x, out))


@leak("the step behind the last one", "Use a layer that takes a mask", unsaid=["reads no steps"])
def _(way):
    def last(x, mask):
        place = ops.sum(ops.cast(mask, "int32"), axis=1) - (1 if way else 0)
        place = ops.minimum(place, ops.shape(x)[1] - 1)
        return ops.take_along_axis(x, place[:, None, None], axis=1)[:, 0]

    return Case(functional(lambda x: with_mask(last)(layers.Dense(D)(embedding()(x)))))


class Position(layers.Layer):
    """Learned positions, counted from the first column or from each row's first real step."""

    def __init__(self, counted):
        super().__init__(name="position")
        self.table, self.supports_masking = layers.Embedding(50, D), True
        self.counted = counted

    def call(self, x, mask=None):
        if self.counted:
            places = ops.maximum(ops.cumsum(ops.cast(mask, "int32"), axis=1) - 1, 0)
        else:
            places = ops.arange(ops.shape(x)[1])
        return x + self.table(places)


@leak("padding in front of learned positions", 'pad at the end',
      "count its positions from each row's first real step", unsaid=["takes a mask"],
      ways=["at the end", "counted"])  # fmt: skip
def _(way):
    model = functional(lambda x: Position(way == "counted")(embedding()(x)))
    return Case(model, IDS if way == "at the end" else LEFT)


@leak("columns counted as positions", "count positions from each row's first real step",
      "`ops.maximum(ops.cumsum(mask, axis=1) - 1, 0)`", unsaid=["takes a mask"])  # fmt: skip
def _(way):
    # The last step is read, so padding at the end would show too: the positions are to blame. What
    # else is counted by columns, what comes before what, is right, and not to be named.
    ids, mask = keras.Input((None,), name="ids"), keras.Input((None,), name="mask")
    columns = ops.cumsum(ops.ones_like(ids), axis=1)
    places = ops.maximum(ops.cumsum(mask, axis=1) - 1, 0) if way else columns - 1
    before = columns[:, :, None] >= columns[:, None]
    h = embedding(mask_zero=False)(ids) + layers.Embedding(50, D, name="places")(places)
    seen = ops.logical_and(before, ops.cast(mask, "bool")[:, None])
    out = layers.MultiHeadAttention(1, 2)(h, h, attention_mask=seen)[:, -1]
    model = keras.Model({"ids": ids, "mask": mask}, out)
    return Case(model, {"ids": LEFT, "mask": (LEFT > 0) * 1})


@leak("positions counted from the last column", "from each row's last real step",
      "`ops.sum(mask, axis=1, keepdims=True) - ops.cumsum(mask, axis=1)`", "or pad in front",
      ways=["counted", "in front"])  # fmt: skip
def _(way):
    x = keras.Input((None,), dtype="int32")
    mask = ops.cast(x != 0, "int32")
    places = ops.flip(ops.cumsum(ops.ones_like(x), axis=1), axis=1)
    if way == "counted":
        places = ops.sum(mask, axis=1, keepdims=True) - ops.cumsum(mask, axis=1)
    h = embedding()(x) + layers.Embedding(50, D, name="places")(places)
    ids = LEFT if way == "in front" else IDS
    return Case(keras.Model(x, layers.GRU(2)(h, mask=ops.not_equal(x, 0))), ids)


@leak("a loop over a fixed number of steps", "keep at a padded step what was before it",
      unsaid=["return_sequences"])  # fmt: skip
def _(way):
    def scores(x, mask):
        state = x[:, 0]
        for t in range(1, 6):
            new = ops.logsumexp(state[:, :, None], axis=1, keepdims=True)[:, 0] + x[:, t]
            state = ops.where(mask[:, t, None], new, state) if way else new
        return state

    x = keras.Input((6,), dtype="int32")
    out = with_mask(scores)(layers.Dense(D)(embedding()(x)))
    return Case(keras.Model(x, out), np.resize(IDS, (4, 6)) * (np.arange(6) < [[2], [3], [5], [6]]))


@leak("a convolution of what runs backwards", "Set padded steps to zero before the convolution",
      unsaid=["round again"])  # fmt: skip
def _(way):
    conv = layers.Conv1D(3, 3, padding="causal")

    def build(x):
        h = embedding()(x)
        h = Blank()(h) if way else h
        return ops.flip(conv(ops.flip(h, axis=1)), axis=1)

    return Case(functional(build))


@leak("a loop over steps", "keep at a padded step what was before it", unsaid=["to zero"])
def _(way):
    class Loop(layers.Layer):
        def __init__(self):
            super().__init__(name="loop")
            self.cell, self.supports_masking = layers.GRUCell(2), True

        def build(self, shape):
            self.cell.build((shape[0], shape[2]))

        def compute_output_shape(self, shape):
            return shape[0], 2

        def call(self, x, mask=None):
            state = ops.zeros((ops.shape(x)[0], 2))
            for t in range(x.shape[1] or 0):
                new, _ = self.cell(x[:, t], [state])
                state = ops.where(mask[:, t, None], new, state) if way else new
            return state

    return Case(functional(lambda x: Loop()(embedding()(x))))


@advice("a series of one feature", "never", "Put a `Masking` layer after it", "by hand (`mask=`)",
        ways=["Masking", "by hand"])  # fmt: skip
def _(way):
    x = keras.Input((None,))
    h = ops.expand_dims(x, -1)
    h = layers.Masking()(h) if way == "Masking" else h
    options = {"mask": ops.not_equal(x, 0)} if way == "by hand" else {}
    return Case(keras.Model(x, layers.GRU(2, name="gru")(h, **options)), FEATURES[..., 0] * MASK)


@leak("a fixed number of steps", "Set padded steps to zero before this layer.")
def _(way):
    x = keras.Input((6,), dtype="int32")
    h = embedding()(x)
    out = layers.Dense(2)(layers.Flatten()(Blank()(h) if way else h))
    return Case(keras.Model(x, out))


@leak("the mean of a layer of one's own", "such as `GlobalAveragePooling1D`")
def _(way):
    mean = with_mask(lambda x, mask: ops.mean(x, axis=1), name="mean")
    pool = layers.GlobalAveragePooling1D() if way else mean
    return Case(functional(lambda x: pool(embedding()(x))))


@leak("steps in another order", "Use a layer that takes a mask")
def _(way):
    def turned(x, mask):
        if not way:
            return ops.roll(x, 1, axis=1)
        return ops.where(mask[..., None], x, 0.0)

    return Case(functional(lambda x: with_mask(turned)(embedding()(x))))


# ---------------------------------------------------------------------- nothing but cutting helps


def fourier(model, ids):
    x = ops.transpose(model.table(ids), (0, 2, 1))
    return ops.fft((x, ops.zeros_like(x)))[0]


CUT_IT = "cut the padding off before it, with rows of one length in a batch"
CUT = {
    "median": lambda: functional(lambda x: ops.median(embedding()(x), axis=1)),
    "Fourier": lambda: Own(fourier, table=embedding()),
    "windows": lambda: functional(lambda x: layers.AdaptiveAveragePooling1D(2)(embedding()(x))),
}


@pytest.mark.parametrize("name", CUT)
def test_where_only_cutting_helps_it_is_said(name):
    model = made(lambda way: CUT[name](), None)
    x = np.where(IDS[:2] == 0, 0, IDS[:2])
    (one,) = audit(model, x).findings
    assert one.kind == "leak"
    assert CUT_IT in one.message
    # Done as it says: rows of one length have no padding that could be seen.
    for row in x:
        with pytest.raises(ValueError, match="every step is real"):
            audit(model, row[None, row != 0])


# ---------------------------------------------------------------------- the tests


@pytest.mark.parametrize("one", ADVICE, ids=lambda one: one.name)
def test_the_advice_is_given(one):
    case = made(one.make, None)
    report = audit(case.model, case.x, case.y, **case.options)
    assert [found.kind for found in report.findings] == [one.kind], report
    for text in one.say:
        assert text in report.findings[0].message, report
    for text in one.unsaid:
        assert text not in report.findings[0].message, report


@pytest.mark.parametrize(
    ("one", "way"),
    [pytest.param(one, way, id=f"{one.name}: {way}") for one in ADVICE for way in one.ways],
)
def test_the_advice_helps(one, way):
    case = made(one.make, way)
    report = audit(case.model, case.x, case.y, **case.options)
    assert report.ok, report


def test_every_kind_of_fault_and_of_leak_has_its_advice_done():
    from tests.audit_fixes import PAIRS

    assert {one.kind for one in (*ADVICE, *PAIRS)} == set(FAULTS)
    said = [text for one in ADVICE for text in one.say] + [CUT_IT]
    for _, fix in leaks.LEAKS:
        assert any(text in fix for text in said), fix
    assert len(ADVICE) + len(PAIRS) >= 90
