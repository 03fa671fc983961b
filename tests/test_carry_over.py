"""The LSTM in NumPy against `keras.layers.LSTM`, and each error that it raises."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from course_lib import lstm
from tests.needs import keras

FLAGS = ("return_sequences", "return_state", "go_backwards", "zero_output_for_mask")
SHAPES = st.tuples(*[st.integers(1, 4)] * 4)  # B, T, D, units
LAYERS = {}


def keras_lstm(units, features, flags, use_bias=True):
    """Return a built layer; making one costs more than calling it, so each is made once."""
    key = (units, features, use_bias, *sorted(flags.items()))
    if key not in LAYERS:
        LAYERS[key] = keras.layers.LSTM(units, use_bias=use_bias, **flags)
        LAYERS[key].build((None, None, features))
    return LAYERS[key]


def values(rng, *shape):
    return rng.normal(size=shape).astype("float32")


def weights(rng, features, units, use_bias=True):
    shapes = [(features, 4 * units), (units, 4 * units), (4 * units,)]
    return [values(rng, *shape) for shape in shapes[: 3 if use_bias else 2]]


def parts(result):
    """Return an output, alone or with its states, as a list of arrays."""
    result = result if isinstance(result, tuple) else (result,)
    return [keras.ops.convert_to_numpy(part) for part in result]


def differ(one, other, tolerance=1e-6):
    """Return the greatest difference of two results, after a look at their shapes."""
    one, other = parts(one), parts(other)
    assert [part.shape for part in one] == [part.shape for part in other]
    assert {part.dtype for part in one + other} == {np.dtype("float32")}
    return max(np.abs(a - b).max() for a, b in zip(one, other, strict=True))


@settings(max_examples=200, deadline=None)
@given(
    shape=SHAPES,
    flags=st.fixed_dictionaries({name: st.booleans() for name in FLAGS}),
    use_bias=st.booleans(),
    with_state=st.booleans(),
    dtype=st.sampled_from(["float32", "float64", "float16", "int32", "bool"]),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_agrees_with_keras(shape, flags, use_bias, with_state, dtype, seed, data):
    (batch, steps, features, units), rng = shape, np.random.default_rng(seed)
    mask = data.draw(st.none() | arrays(bool, (batch, steps)))
    x = values(rng, batch, steps, features).astype(dtype)
    own = weights(rng, features, units, use_bias)
    state = [values(rng, batch, units), values(rng, batch, units)] if with_state else None
    layer = keras_lstm(units, features, flags, use_bias)
    layer.set_weights(own)
    theirs = layer(x, mask=mask, initial_state=state)
    ours = parts(lstm(x, own, mask, initial_state=state, **flags))
    # Keras casts what comes to float32; here NumPy's rule for inputs and weights together holds.
    assert {part.dtype for part in ours} == {np.result_type(x, np.float32)}
    ours = tuple(part.astype("float32") for part in ours)
    assert differ(ours if len(ours) > 1 else ours[0], theirs) <= 1e-6


# Each of the masks that a random one seldom hits: all real, all padding, either side, B = T.
MASKS = {
    "all real": [[True, True, True]],
    "all padding": [[False, False, False]],
    "one row all padding": [[True, True, False], [False, False, False]],
    "leading padding": [[False, True, True], [False, False, True]],
    "trailing padding": [[True, True, False], [True, False, False]],
    "padding between": [[True, False, True]],
    "B = T": [[True, False, False], [True, True, False], [False, True, True]],
    "one step": [[True], [False]],
}


@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("zero_output_for_mask", [False, True])
@pytest.mark.parametrize("return_sequences", [False, True])
@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
def test_masks_of_every_kind(mask, return_sequences, zero_output_for_mask, go_backwards):
    flags = dict(zip(FLAGS, (return_sequences, True, go_backwards, zero_output_for_mask), strict=1))
    mask, rng = np.array(mask), np.random.default_rng(0)
    x, own = values(rng, *mask.shape, 2), weights(rng, 2, 3)
    state = [values(rng, len(mask), 3), values(rng, len(mask), 3)]
    layer = keras_lstm(3, 2, flags)
    layer.set_weights(own)
    for start in (None, state):
        theirs = layer(x, mask=mask, initial_state=start)
        assert differ(lstm(x, own, mask, initial_state=start, **flags), theirs) <= 1e-6


def test_agrees_over_a_hundred_steps():
    rng = np.random.default_rng(0)
    x, own = values(rng, 8, 100, 6), weights(rng, 6, 16)
    own = [weight / 4 for weight in own]
    mask = np.arange(100) < rng.integers(0, 101, size=(8, 1))
    layer = keras_lstm(16, 6, {"return_sequences": True, "return_state": True})
    layer.set_weights(own)
    ours = lstm(x, own, mask, return_sequences=True, return_state=True)
    assert differ(ours, layer(x, mask=mask)) <= 1e-6


@settings(max_examples=100, deadline=None)
@given(shape=SHAPES, seed=st.integers(0, 2**32 - 1), data=st.data())
def test_masked_steps_are_as_if_they_were_not_there(shape, seed, data):
    """The real steps alone, without padding, give the same outputs and the same states."""
    (batch, steps, features, units), rng = shape, np.random.default_rng(seed)
    mask = data.draw(arrays(bool, (batch, steps)))
    x, own = values(rng, batch, steps, features), weights(rng, features, units)
    outputs, h, c = lstm(x, own, mask, return_sequences=True, return_state=True)
    for row in np.flatnonzero(mask.any(axis=1)):
        alone = lstm(x[row : row + 1, mask[row]], own, return_sequences=True, return_state=True)
        assert np.allclose(outputs[row, mask[row]], alone[0][0], atol=1e-6)
        assert np.allclose(h[row], alone[1], atol=1e-6)
        assert np.allclose(c[row], alone[2], atol=1e-6)


@pytest.mark.parametrize("filler", [np.nan, np.inf, -np.inf, 1e30])
def test_what_stands_at_padding_is_not_seen(filler):
    rng = np.random.default_rng(0)
    x, own = values(rng, 2, 4, 3), weights(rng, 3, 2)
    mask = np.array([[True, True, False, False], [False, True, False, True]])
    filled = np.where(mask[..., None], x, np.float32(filler))
    with np.errstate(all="raise", under="ignore"):
        ours = lstm(filled, own, mask, return_sequences=True)
    assert np.array_equal(ours, lstm(x, own, mask, return_sequences=True))


def test_large_gates_do_not_overflow():
    own = [np.full((1, 4), 1e4), np.zeros((1, 4)), np.zeros(4)]
    with np.errstate(all="raise"):
        out = lstm(np.array([[[-1.0], [1.0]]]), own)
    assert out == pytest.approx(np.tanh(1))


def test_takes_lists_of_numbers():
    own = [[[0.1, 0.2, 0.3, 0.4]], [[0.5, 0.6, 0.7, 0.8]], [0, 1, 0, 0]]
    out = lstm([[[1], [2]]], own)
    assert np.array_equal(out, lstm(np.array([[[1.0], [2.0]]]), [np.array(w) for w in own]))


X = np.ones((2, 3, 2), "float32")
OWN = [np.ones((2, 12)), np.ones((3, 12)), np.ones(12)]
STATE = np.zeros((2, 3))
NAN = np.where(np.arange(12).reshape(2, 3, 2) == 3, np.nan, 1.0)
WRONG = {
    "no flag": (
        {"return_sequences": "no"},
        TypeError,
        r"`return_sequences` must be True or False, got 'no' \(str\)",
    ),
    "a number as a flag": (
        {"go_backwards": 1},
        TypeError,
        r"`go_backwards` must be True or False, got 1 \(int\)",
    ),
    "None as a flag": ({"return_state": None}, TypeError, "`return_state` must be True or False"),
    "a mask as a flag": (
        {"zero_output_for_mask": np.ones((2, 3), bool)},
        TypeError,
        "`zero_output_for_mask` must be True or False",
    ),
    "no time axis": ({"inputs": X[:, 0]}, ValueError, r"`inputs` must have 3 axes.*\(2, 2\)"),
    "no rows": (
        {"inputs": X[:0]},
        ValueError,
        r"`inputs` must hold at least one .*\(0, 3, 2",
    ),
    "no steps": ({"inputs": X[:, :0]}, ValueError, r"`inputs` must hold at least .*\(2, 0, 2"),
    "ragged": (
        {"inputs": [[[1, 2]], [[1]]]},
        ValueError,
        "`inputs` must be a rectangle of numbers",
    ),
    "words": ({"inputs": [[["a"]]]}, TypeError, "`inputs` must hold numbers, got dtype <U1"),
    "NaN at a real step": (
        {"inputs": NAN},
        ValueError,
        r"`inputs` must be numbers at real steps, got NaN at index \(0, 1, 1\)",
    ),
    "NaN beside another padding": (
        {"inputs": NAN, "mask": [[True, True, False]] * 2},
        ValueError,
        r"`inputs` must be numbers at real steps, got NaN at index \(0, 1, 1\)",
    ),
    "float mask": (
        {"mask": np.ones((2, 3))},
        TypeError,
        "`mask` must be bool with True at real steps, got dtype float64",
    ),
    "mask of ids": ({"mask": [[1, 2, 0]] * 2}, TypeError, "`mask` must be bool.*got dtype int64"),
    "mask of another shape": (
        {"mask": np.ones((3, 2), bool)},
        ValueError,
        r"`mask` must have shape \(2, 3\), got \(3, 2\)",
    ),
    "mask longer than the batch": (
        {"mask": np.ones((2, 4), bool)},
        ValueError,
        r"`mask` must have shape \(2, 3\), got \(2, 4\)",
    ),
    "mask with a last axis": (
        {"mask": np.ones((2, 3, 1), bool)},
        ValueError,
        r"`mask` must have shape \(2, 3\), got \(2, 3, 1\)",
    ),
    "weights as one array": (
        {"weights": OWN[0]},
        TypeError,
        "`weights` must be a list of arrays .* got ndarray",
    ),
    "weights of another layer": (
        {"weights": OWN[:1]},
        ValueError,
        "`weights` must hold a kernel, .* got 1 arrays",
    ),
    "too many weights": ({"weights": OWN * 2}, ValueError, "`weights` .* got 6 arrays"),
    "a GRU's weights": (
        {"weights": [np.ones((2, 9)), np.ones((3, 9)), np.ones((2, 9))]},
        ValueError,
        r"`weights\[0\]`, the kernel, must have shape \(2, 12\) .* got \(2, 9\)",
    ),
    "a kernel for other features": (
        {"weights": [np.ones((5, 12)), *OWN[1:]]},
        ValueError,
        r"`weights\[0\]`, the kernel, must have shape \(2, 12\) for 2 features.*got \(5, 12\)",
    ),
    "the kernels exchanged": (
        {"weights": [OWN[1], OWN[0], OWN[2]]},
        ValueError,
        r"`weights\[0\]`, the kernel, must have shape .* got \(3, 12\)",
    ),
    "a short bias": (
        {"weights": [*OWN[:2], np.ones(3)]},
        ValueError,
        r"`weights\[2\]`, the bias, must have shape \(12,\) .* got \(3,\)",
    ),
    "a flat recurrent kernel": (
        {"weights": [OWN[0], np.ones(12), OWN[2]]},
        ValueError,
        r"`weights\[1\]` must have 2 axes, got shape \(12,\)",
    ),
    "no units": (
        {"weights": [np.ones((2, 0)), np.ones((0, 0)), np.ones(0)]},
        ValueError,
        r"`weights\[0\]`.* and 0 units",
    ),
    "NaN in the weights": (
        {"weights": [OWN[0] * np.nan, *OWN[1:]]},
        ValueError,
        r"`weights\[0\]` must be numbers, got NaN at index \(0, 0\)",
    ),
    "one state": (
        {"initial_state": [STATE]},
        ValueError,
        "`initial_state` must hold two states, h and c, got 1",
    ),
    "three states": (
        {"initial_state": [STATE] * 3},
        ValueError,
        "`initial_state` must hold two states, h and c, got 3",
    ),
    "state as one array": (
        {"initial_state": np.zeros((2, 2, 3))},
        TypeError,
        r"`initial_state` must be a list \[h, c\], got ndarray",
    ),
    "state of another shape": (
        {"initial_state": [STATE, STATE[:1]]},
        ValueError,
        r"`initial_state\[1\]` must have shape \(2, 3\), got \(1, 3\)",
    ),
    "state of more units": (
        {"initial_state": [STATE, np.zeros((2, 4))]},
        ValueError,
        r"`initial_state\[1\]` must have shape \(2, 3\), got \(2, 4\)",
    ),
    "NaN in a state": (
        {"initial_state": [STATE, STATE * np.nan]},
        ValueError,
        r"`initial_state\[1\]` must be numbers, got NaN at index \(0, 0\)",
    ),
}


@pytest.mark.parametrize(("changed", "error", "message"), WRONG.values(), ids=WRONG)
def test_wrong_arguments(changed, error, message):
    with pytest.raises(error, match=message):
        lstm(**{"inputs": X, "weights": OWN, **changed})


def test_sound_arguments_pass():
    assert lstm(X, OWN).shape == (2, 3)
    assert lstm(NAN, OWN, [[True, False, True]] * 2).shape == (2, 3)


class TestFinePrint:
    """What the lesson says in *In practice*."""

    def test_leading_padding_with_initial_state(self):
        rng = np.random.default_rng(0)
        x, own = values(rng, 1, 2, 2), weights(rng, 2, 3)
        state = [values(rng, 1, 3), values(rng, 1, 3)]
        mask = np.zeros((1, 2), bool)
        layer = keras_lstm(3, 2, {"return_sequences": True, "return_state": True})
        layer.set_weights(own)
        outputs, *after = parts(layer(x, mask=mask, initial_state=state))
        assert not outputs.any()
        assert np.array_equal(after, state)

    def test_nan_at_padding_reaches_the_gradients(self):
        tf = pytest.importorskip("tensorflow")
        layer = keras_lstm(3, 2, {})
        mask = np.array([[True, False]])
        spoiled = {}
        for filler in (0, np.nan):
            x = np.where(mask[..., None], np.ones((1, 2, 2)), filler).astype("float32")
            with tf.GradientTape() as tape:
                total = tf.reduce_sum(layer(x, mask=mask))
            gradients = tape.gradient(total, layer.trainable_variables)
            assert np.isfinite(total)
            spoiled[filler] = all(np.isnan(gradient).any() for gradient in gradients)
        assert spoiled == {0: False, np.nan: True}

    def test_unrolled_bidirectional_loses_real_outputs(self):
        x, mask = values(np.random.default_rng(0), 1, 4, 2), np.array([[True, True, False, False]])
        lost = {}
        for unroll in (False, True):
            inner = keras.layers.LSTM(3, return_sequences=True, unroll=unroll)
            outputs = keras.ops.convert_to_numpy(keras.layers.Bidirectional(inner)(x, mask=mask))
            assert outputs[mask][:, :3].all()
            lost[unroll] = not outputs[mask][:, 3:].any()
        assert lost == {False: False, True: True}

    def test_zeros_without_return_sequences(self):
        x, mask = values(np.random.default_rng(0), 2, 3, 2), [[True, True, False], [True] * 3]
        layer = keras_lstm(3, 2, {"zero_output_for_mask": True})
        last = keras.ops.convert_to_numpy(layer(x, mask=np.array(mask)))
        assert last.any(axis=1).tolist() == [False, True]

    def test_flip_puts_the_output_right_and_drops_the_mask(self):
        ids = np.array([[1, 2, 0, 0]])
        vectors = keras.layers.Embedding(5, 2, mask_zero=True)(ids)
        flags = {"return_sequences": True, "go_backwards": True}
        flipped = keras.ops.flip(keras_lstm(3, 2, flags)(vectors), axis=1)
        assert keras.ops.convert_to_numpy(flipped).any(axis=-1).tolist() == (ids != 0).tolist()
        assert getattr(flipped, "_keras_mask", None) is None

    def test_states_carry_no_mask(self):
        layer = keras_lstm(3, 2, {"return_sequences": True, "return_state": True})
        vectors = keras.layers.Embedding(5, 2, mask_zero=True)(np.array([[1, 0]]))
        masks = [getattr(part, "_keras_mask", None) for part in layer(vectors)]
        assert [mask is None for mask in masks] == [False, True, True]
