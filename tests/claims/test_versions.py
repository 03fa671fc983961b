"""The claims of lesson 10: the thread's examples, the coming release, and the other paths."""

import numpy as np
import pytest

from tests.claims.support import array, claim, got_with, keras, mask_of, mean, tensor

layers = keras.layers
RNG = np.random.default_rng(10)
X = RNG.normal(size=(3, 5, 4)).astype("float32")
# Padding behind, in front and between.
MASK = np.array([[1, 1, 1, 0, 0], [0, 1, 1, 1, 1], [1, 0, 1, 1, 0]], dtype=bool)
IDS = np.where(MASK, np.arange(1, 6), 0)
RECURRENT = ("SimpleRNN", "GRU", "LSTM")


def alone(layer, row):
    """Return what a layer puts out for the real steps of a row and nothing else."""
    return array(layer(X[row : row + 1, MASK[row]]))[0]


def same_weights(layer, other):
    layer(X[:, :1])
    other(X[:, :1])
    other.set_weights(layer.get_weights())


def sequence_model(layer, steps=None):
    """A model for sequences: a number for each step of `IDS`."""
    keras.utils.set_random_seed(10)
    ids = keras.Input((steps,))
    embedded = layers.Embedding(9, 4, mask_zero=True)(ids)
    return keras.Model(ids, layers.Dense(1)(layer(embedded)))


@claim("10.1", "The thread's LSTM repeats its first output at step 2, and its third at step 4.")
def test_the_threads_lstm():
    keras.utils.set_random_seed(10)
    x = keras.Input(shape=(4,))
    embedded = layers.Embedding(5, 5, mask_zero=True)(x)
    model = keras.Model(x, layers.LSTM(3, return_sequences=True)(embedded))
    (out,) = model.predict(np.array([[1, 0, 2, 0]]), verbose=0)
    assert np.array_equal(out[[0, 2]], out[[1, 3]])
    assert not np.allclose(out[0], out[2], atol=1e-4)


@claim("10.2", "The thread's loss is the mean over its first two steps.")
def test_the_threads_loss():
    keras.utils.set_random_seed(10)
    x = keras.Input(shape=(4,))
    model = keras.Model(x, layers.Dense(3)(layers.Embedding(5, 5, mask_zero=True)(x)))
    model.compile(loss="mse", optimizer="adam")
    data_in, data_out = np.array([[1, 2, 0, 0]]), np.arange(12.0).reshape(1, 4, 3)
    squares = np.square(model.predict(data_in, verbose=0) - data_out)
    loss = model.evaluate(data_in, data_out, verbose=0)
    assert np.isclose(loss, squares[0, :2].mean(), rtol=1e-5)
    assert not np.isclose(loss, squares.mean(), rtol=1e-2)


def told(layer, supports):
    layer.supports_masking = supports
    return layer


def wrapped():
    return layers.Bidirectional(layers.LSTM(3, return_sequences=True))


MAKERS = [*(lambda k=k: getattr(layers, k)(3, return_sequences=True) for k in RECURRENT), wrapped]


@claim("10.4", "A recurrent layer with `supports_masking = True` passes the mask on.")
def test_told_to_pass_it_on():
    for make in MAKERS:
        embedded = layers.Embedding(9, 4, mask_zero=True)(IDS)
        assert np.array_equal(mask_of(told(make(), True)(embedded)), MASK)


@claim("10.3", "A recurrent layer with `supports_masking = False` uses the mask and ends it.")
@pytest.mark.filterwarnings("ignore:.*does not support masking")
def test_told_not_to():
    for make in MAKERS:
        layer = told(make(), False)
        out = layer(layers.Embedding(9, 4, mask_zero=True)(IDS))
        assert mask_of(out) is None
        by_hand, unmasked = array(layer(X, mask=tensor(MASK))), array(layer(X))
        assert not np.allclose(by_hand, unmasked, atol=1e-3)


@claim("10.5", "A copy made from a layer's config forgets `supports_masking` set by hand.")
def test_a_copy_forgets():
    layer = layers.LSTM(3)
    default = layer.supports_masking
    copy = layers.LSTM.from_config(told(layer, not default).get_config())
    assert copy.supports_masking == default


class MaskedLSTM(layers.LSTM):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.supports_masking = True


@claim("10.6", "A subclass that sets it in `__init__` keeps it in a copy.")
def test_a_subclass_keeps_it():
    copy = MaskedLSTM.from_config(MaskedLSTM(3, return_sequences=True).get_config())
    assert np.array_equal(mask_of(copy(layers.Embedding(9, 4, mask_zero=True)(IDS))), MASK)


@claim("10.7", "An unrolled recurrent layer returns what it returns in a loop.")
def test_unrolled():
    ways = [{"return_sequences": True, "go_backwards": True}]
    if hasattr(keras, "ops"):  # Keras 2 ends in an error without `return_sequences`
        ways.append({"zero_output_for_mask": True})
    ways.append({"return_sequences": True, "zero_output_for_mask": True})
    for kind, options in (*((kind, ways[0]) for kind in RECURRENT), *(("LSTM", w) for w in ways)):
        loop = getattr(layers, kind)(3, **options)
        unrolled = getattr(layers, kind)(3, unroll=True, **options)
        same_weights(loop, unrolled)
        assert np.allclose(array(loop(X, mask=MASK)), array(unrolled(X, mask=MASK)), atol=1e-6)
        assert not np.allclose(array(loop(X, mask=MASK)), array(loop(X)), atol=1e-3)


@claim("10.8", "`SimpleRNN`, `GRU` and stacked cells give each row the state that it gets alone.")
def test_every_cell():
    stack = layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)])
    for layer in (*(getattr(layers, kind)(3) for kind in RECURRENT), stack):
        batch = array(layer(X, mask=MASK))
        assert np.allclose(batch, [alone(layer, row) for row in range(3)], atol=1e-6)


@claim("10.10", "A stateful layer goes on from the state of each row's last real step.")
def test_stateful():
    twice = [np.concatenate([X[row, MASK[row]]] * 2)[None] for row in range(3)]
    for kind, unroll in (("GRU", False), ("LSTM", True)):
        layer = getattr(layers, kind)(3, stateful=True, unroll=unroll)
        once = getattr(layers, kind)(3)
        layer(X, mask=MASK)
        once(X[:, :1])
        once.set_weights(layer.get_weights()[:3])
        second = array(layer(X, mask=MASK))
        assert np.allclose(second, [array(once(row))[0] for row in twice], atol=1e-6)


@claim("10.11", "Eagerly, as a graph and compiled by XLA, `evaluate` reports the same masked loss.")
def test_eager_graph_xla():
    targets = RNG.normal(size=(3, 5, 1)).astype("float32")
    model = sequence_model(told(layers.LSTM(3, return_sequences=True, unroll=True), True), 5)
    model.compile(loss="mse", run_eagerly=True)
    squares = np.square(array(model(IDS)) - targets)
    ways = (
        {"run_eagerly": True},
        {"run_eagerly": False, "jit_compile": False},
        {"jit_compile": True},
    )
    for way in ways:
        model.compile(loss="mse", **way)
        assert np.isclose(model.evaluate(IDS, targets, verbose=0), squares[MASK].mean(), rtol=1e-5)


@claim("10.9", "In mixed precision, a row gets what it gets alone, up to half's rounding.")
def test_mixed_precision():
    for kind in RECURRENT:
        layer = getattr(layers, kind)(3, dtype="mixed_float16")
        batch = array(layer(X, mask=MASK))
        assert batch.dtype == np.float16
        assert np.allclose(batch, [alone(layer, row) for row in range(3)], atol=2e-3)
    embedding = layers.Embedding(9, 4, mask_zero=True, dtype="mixed_float16")
    half = told(layers.LSTM(3, return_sequences=True, dtype="mixed_float16"), True)(embedding(IDS))
    assert np.array_equal(mask_of(half), MASK)
    targets = np.zeros((3, 5, 3), "float32")
    got_with("3.0", "a loss that reads the mask of a tensor by itself")
    loss = array(keras.losses.MeanSquaredError()(targets, half))
    squares = np.square(array(half).astype("float32"))
    assert np.isclose(loss, squares[MASK].mean(), rtol=1e-2)


class Spy(layers.Layer):
    """Puts out its mask as numbers."""

    def __init__(self):
        super().__init__()
        self.supports_masking = True

    def call(self, x, mask=None):
        return x[:, :1] * 0 + tensor(array(mask).astype("float32"))[:, None]


@claim("10.13", "`TimeDistributed` hands its layer the mask of each step.")
def test_time_distributed():
    out = array(layers.TimeDistributed(Spy())(X, mask=tensor(MASK)))
    assert np.array_equal(out[..., 0], MASK)


@claim("10.12", "Attention layers give padded steps the weight 0, whichever way they compute.")
def test_attention():
    later = np.array([[1, 1, 1, 0, 0]] * 3, dtype=bool)
    spoiled = np.where(later[..., None], X, 7).astype("float32")
    for layer in (layers.Attention(), layers.AdditiveAttention()):
        out = [array(layer([X, x], mask=[None, tensor(later)])) for x in (X, spoiled)]
        assert np.allclose(*out, atol=1e-6)
        assert not np.allclose(array(layer([X, X])), array(layer([X, spoiled])), atol=1e-3)
    heads = layers.MultiHeadAttention(2, 3)
    for scores in (False, True):
        options = {"attention_mask": later[:, None], "return_attention_scores": scores}
        out = [heads(X, x, **options) for x in (X, spoiled)]
        first, second = (array(one[0] if scores else one) for one in out)
        assert np.allclose(first, second, atol=1e-6)
    assert not array(out[0][1])[..., 3:].any()


@claim("10.14", "`GlobalAveragePooling1D` averages the real steps whichever axis comes first.")
def test_pooling():
    expected = [X[row, MASK[row]].mean(axis=0) for row in range(3)]
    last = layers.GlobalAveragePooling1D()(X, mask=tensor(MASK))
    first = layers.GlobalAveragePooling1D(data_format="channels_first")
    assert np.allclose(array(last), expected, atol=1e-6)
    swapped = first(np.swapaxes(X, 1, 2), mask=tensor(MASK))
    assert np.allclose(array(swapped), expected, atol=1e-6)


@claim("10.15", "Beside a mask, `ignore_class` leaves out its steps too.")
def test_ignore_class():
    got_with("3.0", "a loss that reads the mask of a tensor by itself")
    logits = tensor(X)
    logits._keras_mask = tensor(MASK)
    labels = np.array([[0, 1, 2, 1, 1], [2, 2, 0, 3, 1], [1, 1, 0, 3, 2]])
    options = {"from_logits": True, "ignore_class": 0}
    loss = array(keras.losses.SparseCategoricalCrossentropy(**options)(labels, logits))
    logs = X - np.log(np.exp(X).sum(axis=-1, keepdims=True))
    steps = -np.take_along_axis(logs, labels[..., None], -1)[..., 0]
    assert np.isclose(loss, steps[MASK & (labels != 0)].mean(), rtol=1e-5)


@claim("10.16", "Told to pass the mask on, a model reports the loss that its rows give alone.")
def test_solo():
    targets = RNG.normal(size=(3, 5, 1)).astype("float32")
    model = sequence_model(told(layers.LSTM(3, return_sequences=True), True))
    model.compile(loss="mse", run_eagerly=True)
    total = 0
    for row in range(3):
        real = MASK[row]
        out = array(model(IDS[row : row + 1, real]))
        total += float(mean(tensor(np.square(out - targets[row : row + 1, real])))) * real.sum()
    assert np.isclose(model.evaluate(IDS, targets, verbose=0), total / MASK.sum(), rtol=1e-5)
