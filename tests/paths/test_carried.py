"""On every path, a mask gets to the layers that use it."""

import numpy as np
import pytest

from tests.needs import keras
from tests.paths.alone import Spy, mask_of, with_mask

tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
layers = keras.layers

X, LATER = np.random.default_rng(0).normal(size=(2, 3, 4, 2)).astype("float32")
MASK = np.array([[1, 1, 0, 0], [0, 1, 1, 1], [1, 0, 1, 0]], dtype=bool)
# The mask of a second tensor.
THEN = np.array([[0, 0, 1, 1], [1, 1, 0, 0], [1, 1, 1, 1]], dtype=bool)


def test_an_input_that_is_converted_keeps_its_mask():
    half = layers.Dense(2, dtype="mixed_float16")(with_mask(X, MASK))
    assert half.dtype == "float16"
    assert np.array_equal(mask_of(half), MASK)


def test_the_mask_given_by_hand_goes_on():
    out = layers.GRU(3, return_sequences=True)(with_mask(X, MASK), mask=tf.constant(THEN))
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
    out = model(X, mask=tf.constant(MASK)) if by_hand else model(with_mask(X, MASK))
    assert np.array_equal(out, MASK)


def test_a_sequential_of_a_dict_hands_on_its_masks():
    assert np.array_equal(sequential(Pick())({"x": with_mask(X, MASK)}), MASK)


def test_a_lambda_may_take_the_mask():
    layer = layers.Lambda(lambda x, mask: tf.cast(mask, "float32"), mask=lambda x, mask: mask)
    assert np.array_equal(layer(with_mask(X, MASK)), MASK)


def test_joined_steps_have_the_masks_one_behind_the_other():
    out = layers.Concatenate(axis=1)([with_mask(X, MASK), with_mask(LATER, THEN)])
    assert np.array_equal(mask_of(out), np.concatenate([MASK, THEN], axis=1))


def test_joined_features_are_real_where_one_of_them_is():
    out = layers.Concatenate()([with_mask(X, MASK), with_mask(LATER, THEN)])
    assert np.array_equal(mask_of(out), MASK | THEN)


def test_a_padded_factor_is_one():
    out = layers.Multiply()([with_mask(X, MASK), with_mask(LATER, THEN)])
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


def test_a_mean_that_keeps_the_axis_of_steps():
    pooled = layers.GlobalAveragePooling1D(keepdims=True)(with_mask(X, MASK))
    assert np.allclose(pooled, [[x[real].mean(axis=0)] for x, real in zip(X, MASK, strict=True)])
