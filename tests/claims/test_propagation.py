"""The claims of lesson 03."""

import warnings

import numpy as np
import pytest

from tests.claims.support import array, claim, keras, mask_of

layers = keras.layers
ROWS = [[5, 2, 7], [3, 1, 4, 2], [6]]


class Probe(layers.Layer):
    """Keeps the masks that its `call` was given."""

    def __init__(self):
        super().__init__()
        self.supports_masking = True
        self.seen = []

    def call(self, x, mask=None):
        self.seen.append(None if mask is None else array(mask))
        return x * 1.0


class TwoTensors(Probe):
    def call(self, x, y, mask=None):
        self.seen.append(mask)
        return x + y


class TwoNames(Probe):
    def call(self, x, y, x_mask=None, y_mask=None):
        self.seen.append([None if mask is None else array(mask) for mask in (x_mask, y_mask)])
        return x + y


class Center(layers.Layer):
    """Takes the mean over all steps away, and forwards the mask unread."""

    def __init__(self):
        super().__init__()
        self.supports_masking = True

    def call(self, x):
        return x - sum(x[:, step : step + 1] for step in range(x.shape[1])) / x.shape[1]


class EverySecond(layers.Layer):
    def call(self, x):
        return x[:, ::2]

    def compute_mask(self, x, mask=None):
        return mask[:, 1::2]


def padded(width=5):
    return keras.utils.pad_sequences(ROWS, maxlen=width, padding="post")


@pytest.fixture
def embedding():
    keras.utils.set_random_seed(3)
    return layers.Embedding(10, 4, mask_zero=True)


@pytest.fixture
def lstm():
    return layers.LSTM(3, return_sequences=True)


def warned(call):
    """Return a call's result and the texts of the warnings that came with it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = call()
    return result, [str(warning.message) for warning in caught]


def same(tensor, other):
    return np.allclose(array(tensor), array(other), atol=1e-6)


@claim("3.1", "A layer's output carries its mask in the attribute `_keras_mask`.")
def test_attribute(embedding):
    ids = padded()
    x = embedding(ids)
    for output in (x, layers.Dense(2)(x)):
        assert np.array_equal(array(output._keras_mask), ids != 0)


@claim(
    "3.2",
    "A layer called with one tensor gets the attached mask in the `mask` argument of its `call`.",
)
def test_one_tensor(embedding):
    probe, ids = Probe(), padded()
    for wanted in (ids, ids[:, ::-1], ids * 0):
        probe(embedding(wanted))
        assert np.array_equal(probe.seen[-1], wanted != 0)
    probe(array(embedding(ids)))
    assert probe.seen[-1] is None


@claim("3.3", "A raw operation on a tensor drops the mask without a warning.")
def test_raw_operations(embedding):
    x = embedding(padded())
    operations = [lambda x: x * 2, lambda x: x[:, :3], lambda x: x + x, lambda x: x[..., None]]
    if hasattr(keras, "ops"):
        operations.append(lambda x: keras.ops.cast(x, "float16"))
        operations.append(lambda x: keras.ops.concatenate([x, x], axis=-1))
        operations.append(keras.ops.relu)
    assert mask_of(x) is not None
    for operation in operations:
        result, texts = warned(lambda operation=operation: operation(x))
        assert mask_of(result) is None
        assert texts == []


@claim("3.4", "`Conv1D` drops the mask with a warning.")
def test_conv(embedding):
    result, texts = warned(lambda: layers.Conv1D(2, 2, name="conv")(embedding(padded())))
    assert mask_of(result) is None
    assert len(texts) == 1
    assert "'conv'" in texts[0]
    assert "destroy the mask" in texts[0]


@claim("3.5", "An explicit `mask=` wins over the attached one.")
def test_explicit(embedding, lstm):
    x, probe = embedding(padded()), Probe()
    for seed in range(5):
        explicit = np.random.default_rng(seed).random((3, 5)) < 0.5
        probe(x, mask=explicit)
        assert np.array_equal(probe.seen[-1], explicit)
        result = lstm(x, mask=explicit)
        assert same(result, lstm(array(x), mask=explicit))
        assert not same(result, lstm(x))


@claim("3.6", "A layer called with two tensors gets no mask in an argument called `mask`.")
def test_two_tensors(embedding):
    x, layer = embedding(padded()), TwoTensors()
    layer(x, x)
    layer(x, array(x))
    layer(array(x), x)
    assert layer.seen == [None, None, None]


@claim(
    "3.7", "A layer called with two tensors gets the mask of `x` in an argument called `x_mask`."
)
def test_names(embedding):
    ids, layer = padded(), TwoNames()
    x, y = embedding(ids), embedding(ids[:, ::-1])
    layer(x, y)
    layer(y=y, x=x)
    for masks in layer.seen:
        assert np.array_equal(masks[0], ids != 0)
        assert np.array_equal(masks[1], ids[:, ::-1] != 0)
    layer(x, array(y))
    assert layer.seen[-1][0] is not None
    assert layer.seen[-1][1] is None


@claim("3.8", "Of a layer called with two tensors, `compute_mask` gets the mask of the first.")
def test_compute_mask_of_two_tensors(embedding):
    given = []

    class Asked(layers.Layer):
        def call(self, x, y):
            return x + y

        def compute_mask(self, x, mask=None):
            given.append(None if mask is None else array(mask))
            return mask

    ids = padded()
    x, y = embedding(ids), embedding(ids[:, ::-1])
    assert np.array_equal(mask_of(Asked()(x, y)), ids != 0)
    assert np.array_equal(given[-1], ids != 0)
    assert np.array_equal(mask_of(Asked()(y, x)), ids[:, ::-1] != 0)
    assert mask_of(Asked()(array(x), y)) is None
    assert np.array_equal(mask_of(Asked()(x, array(y))), ids != 0)


@claim("3.9", "`Add` calls a step real if it is real in any of the inputs.")
def test_add(embedding):
    rng = np.random.default_rng(0)
    for _ in range(5):
        ids = rng.integers(0, 3, size=(3, 4, 6))
        result = layers.Add()([embedding(one) for one in ids])
        assert np.array_equal(mask_of(result), (ids != 0).any(axis=0))


@claim("3.10", "`Add` of a masked and an unmasked tensor has no mask.")
def test_add_unmasked(embedding):
    x, plain = embedding(padded()), array(embedding(padded()))
    for inputs in ([x, plain], [plain, x], [x, x, plain]):
        result, texts = warned(lambda inputs=inputs: layers.Add()(inputs))
        assert mask_of(result) is None
        assert texts == []
    assert mask_of(layers.Add()([x, x])) is not None


@claim("3.11", "`supports_masking` makes a layer pass the mask on, not use it.")
def test_supports_masking(embedding):
    ids, center = padded(), Center()
    x = embedding(ids)
    result = center(x)
    assert np.array_equal(mask_of(result), ids != 0)
    assert same(result, center(array(x)))
    alone = center(embedding(ids[:1, :3]))
    assert not same(result[:1, :3], alone)


@claim("3.12", "`compute_mask` decides which mask the output carries.")
def test_compute_mask(embedding):
    ids, layer = padded(6), EverySecond()
    # Not the mask of the steps that it keeps, on purpose: Keras has no opinion of its own.
    assert np.array_equal(mask_of(layer(embedding(ids))), ids[:, 1::2] != 0)


@claim(
    "3.13",
    "A raw operation before an `LSTM` fails the solo test unless the mask is passed by hand.",
)
def test_solo(embedding):
    dense, last = layers.Dense(3), layers.LSTM(2)

    def solo_test(between, width, **by_hand):
        inputs = keras.Input(shape=(None,), dtype="int32")
        if by_hand:
            by_hand["mask"] = embedding.compute_mask(inputs)
        model = keras.Model(inputs, last(between(dense(embedding(inputs))), **by_hand))
        alone = [array(model(np.array([row])))[0] for row in ROWS]
        return same(model(padded(width)), np.array(alone))

    for width in (5, 9):
        assert solo_test(layers.Activation("tanh"), width)
        assert not solo_test(lambda h: h * 2, width)
        assert solo_test(lambda h: h * 2, width, mask="that of the ids")
