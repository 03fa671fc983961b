"""On every path, masks go from layer to layer, and states from call to call."""

import numpy as np
import pytest

from tests.needs import keras

tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
layers = keras.layers

X, LATER = np.random.default_rng(0).normal(size=(2, 3, 4, 2)).astype("float32")
MASK = np.array([[1, 1, 0, 0], [0, 1, 1, 1], [1, 0, 1, 0]], dtype=bool)
# In the second call, no row is real where it was in the first.
THEN = np.array([[0, 0, 1, 1], [1, 1, 0, 0], [1, 1, 1, 1]], dtype=bool)


def masked(values=X, mask=MASK):
    tensor = tf.constant(values)
    tensor._keras_mask = tf.constant(mask)
    return tensor


def mask_of(tensor):
    mask = getattr(tensor, "_keras_mask", None)
    return None if mask is None else np.asarray(mask)


class Spy(layers.Layer):
    """Puts out its mask as numbers, one a step."""

    def __init__(self):
        super().__init__()
        self.supports_masking = True

    def call(self, x, mask=None):
        return x[..., 0] * 0 + (-1.0 if mask is None else tf.cast(mask, "float32"))


def cells(**options):
    return layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)], **options)


STATEFUL = {
    "LSTM": lambda **options: layers.LSTM(3, **options),
    "unrolled": lambda **options: layers.GRU(3, unroll=True, **options),
    "backwards": lambda **options: layers.GRU(3, go_backwards=True, **options),
    "both ways": lambda **options: layers.Bidirectional(layers.GRU(3, **options)),
    "stack": cells,
}


@pytest.mark.parametrize("graph", [False, True], ids=["eager", "graph"])
@pytest.mark.parametrize("name", STATEFUL)
def test_a_row_goes_on_from_its_own_last_real_step(name, graph):
    layer = STATEFUL[name](stateful=True)
    call = tf.function(layer) if graph else layer
    call(tf.constant(X), mask=tf.constant(MASK))
    second = np.asarray(call(tf.constant(LATER), mask=tf.constant(THEN)))
    own = STATEFUL[name](return_state=True)
    own(X[:1])
    for mine, other in zip(own.trainable_variables, layer.trainable_variables, strict=True):
        mine.assign(other)
    for row in range(3):
        _, *states = own(X[row : row + 1, MASK[row]])
        alone, *_ = own(LATER[row : row + 1, THEN[row]], initial_state=states)
        assert np.allclose(second[row], alone[0], atol=1e-5)


@pytest.mark.parametrize("name", [name for name in STATEFUL if name != "stack"])
def test_after_a_reset_all_begins_anew(name):
    layer = STATEFUL[name](stateful=True)
    first, second = (np.asarray(layer(X)) for _ in range(2))
    assert (first != second).all()
    layer.reset_state()
    assert np.array_equal(layer(X), first)


def test_both_halves_that_are_not_merged_carry_the_mask():
    halves = layers.Bidirectional(layers.GRU(3, return_sequences=True), merge_mode=None)(masked())
    assert all(np.array_equal(mask_of(half), MASK) for half in halves)


@pytest.mark.parametrize("steps", [3, None])
def test_each_step_of_time_distributed_gets_its_own_mask(steps):
    def call(x, mask):
        return layers.TimeDistributed(Spy())(x, mask=mask)

    # Three rows of three steps: see test_paths_that_are_broken.
    kinds = [tf.TensorSpec((3, steps, 2)), tf.TensorSpec((3, steps), tf.bool)]
    out = tf.function(call, input_signature=kinds)(X[:, :3], MASK[:, :3])
    assert np.array_equal(out, MASK[:, :3])


def test_an_input_that_is_converted_keeps_its_mask():
    half = layers.Dense(2, dtype="mixed_float16")(masked())
    assert half.dtype == "float16"
    assert np.array_equal(mask_of(half), MASK)


def test_the_mask_given_by_hand_goes_on():
    out = layers.GRU(3, return_sequences=True)(masked(), mask=tf.constant(THEN))
    assert np.array_equal(mask_of(out), THEN)


def inner_model():
    x = keras.Input((4, 2))
    return told(keras.Model(x, Spy()(x)))


def sequential(*made):
    return told(keras.Sequential([*made, Spy()]))


def told(model):
    model.supports_masking = True
    return model


class Pick(layers.Layer):
    """Takes `x` out of a dict, with its mask."""

    def __init__(self):
        super().__init__()
        self.supports_masking = True

    def call(self, inputs):
        return inputs["x"] * 1.0

    def compute_mask(self, inputs, mask=None):
        return mask["x"]


@pytest.mark.parametrize("by_hand", [False, True])
@pytest.mark.parametrize("make", [inner_model, sequential])
def test_a_model_hands_a_mask_to_its_layers(make, by_hand):
    model = make()
    out = model(X, mask=tf.constant(MASK)) if by_hand else model(masked())
    assert np.array_equal(out, MASK)


def test_a_sequential_of_a_dict_hands_on_its_masks():
    assert np.array_equal(sequential(Pick())({"x": masked()}), MASK)


def test_a_lambda_may_take_the_mask():
    layer = layers.Lambda(lambda x, mask: tf.cast(mask, "float32"), mask=lambda x, mask: mask)
    assert np.array_equal(layer(masked()), MASK)


def test_joined_steps_have_the_masks_one_behind_the_other():
    out = layers.Concatenate(axis=1)([masked(), masked(LATER, THEN)])
    assert np.array_equal(mask_of(out), np.concatenate([MASK, THEN], axis=1))


def test_joined_features_are_real_where_one_of_them_is():
    out = layers.Concatenate()([masked(), masked(LATER, THEN)])
    assert np.array_equal(mask_of(out), MASK | THEN)


def test_a_padded_factor_is_one():
    out = layers.Multiply()([masked(), masked(LATER, THEN)])
    factors = np.where(MASK[..., None], X, 1) * np.where(THEN[..., None], LATER, 1)
    assert np.allclose(out, np.where((MASK | THEN)[..., None], factors, 0))
    assert np.array_equal(mask_of(out), MASK | THEN)


def test_masking_of_another_value():
    filled = np.where(MASK[..., None], X, -1)
    filled[0, 0] = 0
    out = layers.Masking(mask_value=-1.0)(filled)
    assert np.array_equal(mask_of(out), MASK)
    assert np.allclose(out, np.where(MASK[..., None], filled, 0))


def test_the_moving_statistics_are_of_real_steps():
    layer = layers.BatchNormalization(momentum=0.0)
    layer(X, mask=tf.constant(MASK), training=True)
    assert np.allclose(layer.moving_mean, X[MASK].mean(axis=0), atol=1e-4)
    assert np.allclose(layer.moving_variance, X[MASK].var(axis=0), atol=1e-4)


@pytest.mark.parametrize("kind", ["Attention", "AdditiveAttention", "MultiHeadAttention"])
def test_in_half_precision_a_row_of_padding_is_finite(kind):
    x, nothing = tf.constant(X), tf.zeros((3, 4), bool)
    heads = kind == "MultiHeadAttention"
    layer = getattr(layers, kind)(*((2, 3) if heads else ()), dtype="mixed_float16")
    with tf.GradientTape() as tape:
        tape.watch(x)
        if heads:
            out = layer(x, x, value_mask=nothing, return_attention_scores=True)[0]
        else:
            out = layer([x, x], mask=[None, nothing])
        total = tf.reduce_sum(tf.cast(out, "float32"))
    assert np.isfinite(out).all()
    assert np.isfinite(tape.gradient(total, x)).all()


def test_paths_that_are_broken():
    """What Keras 3.15.1 cannot do; when a later one can, this turns red."""
    stack = cells(stateful=True)
    stack(X)
    with pytest.raises(AttributeError, match="assign"):
        stack.reset_state()
    both = layers.Bidirectional(layers.GRU(3, return_state=True, stateful=True))
    with pytest.raises(TypeError, match="generator"):
        both(X)
    # In a graph, of an unknown number of steps it takes as many as there are rows.
    wrapped = tf.function(
        layers.TimeDistributed(Spy()), input_signature=[tf.TensorSpec((None, None, 2))]
    )
    assert wrapped(X[:2]).shape == (2, 2)
