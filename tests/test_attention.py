"""Attention in NumPy against Keras, for random masks; and each row against itself alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.attention import attend, combine_masks, multi_head_attention
from tests.needs import keras

B, T, S, D = 2, 3, 4, 4
SEEDS = st.integers(0, 2**32 - 1)


def values(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def masks(seed):
    """Return random masks of query, value and key, and of pairs."""
    draw = np.random.default_rng(seed)
    shapes = (B, T), (B, S), (B, S), (B, T, S)
    return [draw.random(shape) < 0.7 for shape in shapes]


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def carrying(x, mask):
    """Return a tensor that carries `mask`, as a layer of Keras would hand it on."""
    masking = keras.layers.Masking(mask_value=-99.0)
    marked = np.where(mask[..., None], x, np.float32(-99))
    return masking(keras.ops.convert_to_tensor(marked))


@pytest.fixture(scope="module")
def layer():
    made = keras.layers.MultiHeadAttention(num_heads=2, key_dim=3, value_dim=5)
    made.build((B, T, D), (B, S, D))
    made.set_weights([values(*w.shape, seed=i) for i, w in enumerate(made.get_weights())])
    return made


class TestCombineMasks:
    @settings(max_examples=50, deadline=None)
    @given(SEEDS, st.booleans())
    def test_asks_each_mask_of_each_pair(self, seed, causal):
        query, value, key, pairs = masks(seed)
        mask = combine_masks(query, value, key, pairs, use_causal_mask=causal)
        for (b, q, k), seen in np.ndenumerate(mask):
            real = query[b, q] and value[b, k] and key[b, k] and pairs[b, q, k]
            assert seen == (real and (k <= q or not causal))

    @pytest.mark.parametrize(
        ("arguments", "error", "words"),
        [
            ({"query_mask": np.ones((B, T))}, TypeError, "`query_mask` must be bool"),
            ({"value_mask": np.ones((B + 1, S), bool)}, ValueError, "`value_mask` must have shape"),
            ({"key_mask": np.ones((B, T), bool)}, ValueError, r"`key_mask` must have shape \(2, 4"),
            ({"attention_mask": np.ones((B, S), bool)}, ValueError, "`attention_mask` must have"),
            ({"use_causal_mask": 1}, TypeError, "`use_causal_mask` must be True or False, got 1"),
        ],
    )
    def test_bad_input(self, arguments, error, words):
        query, value, *_ = masks(0)
        with pytest.raises(error, match=words):
            combine_masks(**{"query_mask": query, "value_mask": value} | arguments)


class TestAttend:
    @settings(max_examples=25, deadline=None)
    @given(SEEDS, st.booleans())
    def test_is_attention_of_keras(self, seed, causal):
        query, value = values(B, T, D, seed=seed), values(B, S, D, seed=seed + 1)
        real = masks(seed)[1]
        real[:, 0] = True  # of a row of padding alone Keras has more than one opinion
        mask = combine_masks(np.ones((B, T), bool), real, use_causal_mask=causal)
        scaled = query / np.sqrt(np.float32(D))  # this layer does not divide by itself
        theirs = keras.layers.Attention()(
            [scaled, value],
            mask=[None, real],
            use_causal_mask=causal,
            return_attention_scores=True,
        )
        for our, their in zip(attend(query, value, mask=mask), theirs, strict=True):
            np.testing.assert_allclose(our, array(their), atol=1e-5)

    @settings(max_examples=50, deadline=None)
    @given(SEEDS, st.integers(1, S))
    def test_a_row_gets_what_it_would_get_alone(self, seed, length):
        x = values(1, S, D, seed=seed)
        real = np.arange(S)[None] < length
        out, weights = attend(x, x, mask=combine_masks(real, real))
        alone, own = attend(x[:, :length], x[:, :length])
        np.testing.assert_allclose(out[:, :length], alone, atol=1e-6)
        np.testing.assert_allclose(weights[:, :length, :length], own, atol=1e-6)
        assert not weights[:, :, length:].any()
        assert not out[:, length:].any()

    def test_large_scores_do_not_overflow(self):
        x = np.full((1, 2, 1), 1e18, "float32")
        assert attend(x, x)[1].tolist() == [[[0.5, 0.5]] * 2]

    def test_a_mask_does_not_stop_nan_in_keras(self):
        value = values(1, 2, D)
        value[:, 1] = np.nan
        real = np.array([[True, False]])
        out = keras.layers.Attention()([value[:, :1], value], mask=[None, real])
        assert np.isnan(array(out)).all()

    @pytest.mark.parametrize(
        ("arguments", "error", "words"),
        [
            ({"query": [1.0]}, ValueError, r"`query` must have at least 2 axes, got shape \(1,\)"),
            ({"query": np.ones((B, T, 3))}, ValueError, r"`value` must have shape \(2, 4, 3\)"),
            ({"key": np.ones((B, 3, D))}, ValueError, r"`value` must have shape \(2, 3, 4\)"),
            ({"value": np.full((B, S, D), np.nan)}, ValueError, "`value` must be numbers"),
            ({"value": [["a"]]}, TypeError, "`value` must hold numbers"),
            ({"mask": np.ones((B, S), bool)}, ValueError, r"`mask` must have shape \(2, 3, 4\)"),
            ({"mask": np.ones((B, T, S))}, TypeError, "`mask` must be bool"),
        ],
    )
    def test_bad_input(self, arguments, error, words):
        with pytest.raises(error, match=words):
            attend(**{"query": values(B, T, D), "value": values(B, S, D)} | arguments)


class TestMultiHeadAttention:
    @settings(max_examples=25, deadline=None)
    @given(SEEDS, st.booleans())
    def test_is_that_of_keras_with_each_mask(self, layer, seed, causal):
        query, value = values(B, T, D, seed=seed), values(B, S, D, seed=seed + 1)
        real, *others = masks(seed)
        theirs = layer(
            carrying(query, real),
            value,
            value_mask=others[0],
            key_mask=others[1],
            attention_mask=others[2],
            use_causal_mask=causal,
            return_attention_scores=True,
        )
        mask = combine_masks(real, *others, use_causal_mask=causal)
        ours = multi_head_attention(query, value, layer.get_weights(), mask)
        for our, their in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(our, array(their), atol=1e-5)

    def test_without_scores_real_queries_get_the_same(self, layer):
        x, real = values(B, S, D), np.arange(S) < np.array([[4], [2]])
        theirs = array(layer(x, x, attention_mask=combine_masks(real, real)))
        ours, _ = multi_head_attention(x, x, layer.get_weights(), combine_masks(real, real))
        np.testing.assert_allclose(ours[real], theirs[real], atol=1e-5)

    @pytest.mark.parametrize(
        ("change", "error", "words"),
        [
            (lambda w: np.ones(3), TypeError, "`weights` must be a list of arrays"),
            (lambda w: w[:7], ValueError, "`weights` must hold .* got 7 arrays"),
            (lambda w: [*w[:2], w[2][:, :1], *w[3:]], ValueError, r"`weights\[2\]` must have"),
            (lambda w: [*w[:7], w[7][:1]], ValueError, r"`weights\[7\]` must have shape \(4,\)"),
        ],
    )
    def test_bad_weights(self, layer, change, error, words):
        x = values(B, S, D)
        with pytest.raises(error, match=words):
            multi_head_attention(x, x, change(layer.get_weights()))
