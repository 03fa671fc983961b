"""The claims of lesson 04."""

import numpy as np
import pytest

from tests.claims.support import array, claim, keras, mask_of, tensor

# Padding between, in front, at the end, nothing but padding, and none.
MASK = np.array(
    [
        [True, False, True, False, False],
        [False, False, True, True, False],
        [True, True, False, False, False],
        [False, False, False, False, False],
        [True, True, True, True, True],
    ]
)
AT_THE_END = np.arange(6) < np.array([6, 1, 2, 3, 4, 5])[:, None]


def values(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def layer(kind="LSTM", units=3, **options):
    """Return a built layer of 2 features with random weights, the same for the same arguments."""
    made = getattr(keras.layers, kind)(units, **options)
    made.build((5 if options.get("stateful") else None, None, 2))
    made.set_weights([values(*w.shape, seed=i) for i, w in enumerate(made.get_weights())])
    return made


def states_of(x, mask=None):
    """Return the final states `h` and `c`."""
    return [array(state) for state in layer(return_state=True)(x, mask=mask)[1:]]


def carried(outputs, mask):
    """Return the rows and steps that repeat the step before, and those that should."""
    repeats = (outputs[:, 1:] == outputs[:, :-1]).all(axis=-1)
    return repeats, ~mask[:, 1:]


@claim("4.1", "At a masked step, an LSTM repeats its output of the step before.")
def test_lstm_carries():
    outputs = array(layer(return_sequences=True)(values(5, 5, 2), mask=MASK))
    repeats, should = carried(outputs, MASK)
    assert np.array_equal(repeats, should)


@claim("4.2", "A masked step leaves both states of an LSTM as they were.")
def test_states_stay():
    x = values(5, 5, 2)
    for last in range(1, 5):
        mask = MASK[:, : last + 1]
        for before, after in zip(
            states_of(x[:, :last], mask[:, :-1]), states_of(x[:, : last + 1], mask), strict=True
        ):
            stays = np.abs(before - after).max(axis=1) < 1e-6
            assert np.array_equal(stays, ~MASK[:, last])


@claim("4.3", "In Keras's loop, an LSTM computes its masked steps too.")
def test_masked_steps_are_computed():
    class Counting(keras.layers.LSTMCell):
        calls = 0

        def call(self, *args, **kwargs):
            self.calls += 1
            return super().call(*args, **kwargs)

    def calls(steps, real):
        cell = Counting(3)
        mask = np.arange(steps)[None] < real
        keras.layers.RNN(cell)(values(1, steps, 2), mask=mask)
        return cell.calls

    assert calls(6, real=6) == calls(6, real=1) == calls(6, real=0) == calls(2, real=2) + 4


@claim("4.4", "The vectors at masked steps do not change an LSTM's output.")
def test_padding_is_not_seen():
    one = layer(return_sequences=True)
    x = values(5, 5, 2)
    clean = array(one(x, mask=MASK))
    for filler in (np.nan, np.inf, 1e6):
        filled = np.where(MASK[..., None], x, np.float32(filler))
        assert np.array_equal(array(one(filled, mask=MASK)), clean)
    # A real step is seen.
    x[4, 2] += 1
    assert not np.array_equal(array(one(x, mask=MASK)), clean)


@claim("4.5", "With a mask, an LSTM outputs zeros before the first real step.")
def test_zeros_in_front():
    outputs = array(layer(return_sequences=True)(values(5, 5, 2), mask=MASK))
    nothing_yet = MASK.cumsum(axis=1) == 0
    assert np.array_equal((outputs == 0).all(axis=-1), nothing_yet)


@claim(
    "4.6",
    "With a mask, the final states of an LSTM are the same for padding in front as for padding "
    "at the end.",
)
def test_either_side():
    x = values(6, 6, 2)
    # The real steps of every row, moved to its end.
    in_front = np.zeros_like(x)
    in_front[AT_THE_END[:, ::-1]] = x[AT_THE_END]
    for one, other in zip(
        states_of(x, AT_THE_END), states_of(in_front, AT_THE_END[:, ::-1]), strict=True
    ):
        assert np.allclose(one, other, atol=1e-6)


@claim(
    "4.7",
    "With a mask, the last output of a row padded at the end is the output of its last real step.",
)
def test_last_output():
    x, lengths = values(6, 6, 2), AT_THE_END.sum(axis=1)
    outputs = array(layer(return_sequences=True)(x, mask=AT_THE_END))
    last = array(layer()(x, mask=AT_THE_END))
    assert np.array_equal(outputs[:, -1], outputs[np.arange(6), lengths - 1])
    assert np.allclose(last, outputs[:, -1], atol=1e-6)
    alone = [array(layer()(x[i : i + 1, :n]))[0] for i, n in enumerate(lengths)]
    assert np.allclose(last, alone, atol=1e-6)


@claim("4.8", "`zero_output_for_mask=True` puts zeros into the output at masked steps.")
def test_zero_output():
    x = values(5, 5, 2)
    one = layer(return_sequences=True, return_state=True, zero_output_for_mask=True)
    outputs, *states = [array(part) for part in one(x, mask=MASK)]
    plain = array(layer(return_sequences=True)(x, mask=MASK))
    assert np.array_equal(outputs, np.where(MASK[..., None], plain, 0))
    assert np.array_equal(states, states_of(x, MASK))


@claim("4.9", "`Bidirectional` with `return_sequences=True` outputs zeros at masked steps.")
def test_bidirectional():
    both = keras.layers.Bidirectional(keras.layers.LSTM(3, return_sequences=True))
    outputs = array(both(values(5, 5, 2), mask=MASK))
    assert outputs.shape == (5, 5, 6)
    for half in (outputs[..., :3], outputs[..., 3:]):
        assert np.array_equal((half == 0).all(axis=-1), ~MASK)


@claim("4.10", "With `go_backwards=True`, the mask on the output is not reversed.")
def test_go_backwards():
    ids = np.array([[1, 2, 0, 0], [3, 0, 0, 0]])
    embedding = keras.layers.Embedding(5, 2, mask_zero=True)
    reversed_out = layer(return_sequences=True, go_backwards=True)(embedding(ids))
    turned = array(embedding(ids))[:, ::-1]
    forwards = array(layer(return_sequences=True)(turned, mask=(ids != 0)[:, ::-1]))
    assert np.allclose(array(reversed_out), forwards, atol=1e-6)
    assert np.array_equal(mask_of(reversed_out), ids != 0)


@claim("4.11", "At a masked step, a GRU repeats its output of the step before.")
def test_gru_carries():
    outputs = array(layer("GRU", return_sequences=True)(values(5, 5, 2), mask=MASK))
    repeats, should = carried(outputs, MASK)
    assert np.array_equal(repeats, should)


@claim("4.12", "A batch of padding leaves the states of a stateful LSTM as they were.")
def test_stateful():
    one = layer(stateful=True)
    x = values(5, 5, 2)
    one(x, mask=np.ones((5, 5), bool))
    before = [state.numpy() for state in one.states]
    assert all(state.any() for state in before)
    one(x, mask=np.zeros((5, 5), bool))
    assert np.array_equal(before, [state.numpy() for state in one.states])
    one(x, mask=MASK)
    assert not np.array_equal(before, [state.numpy() for state in one.states])


@pytest.fixture
def masked_input():
    """Vectors that carry a mask, the bare vectors, the mask, and two states of zeros."""
    ids = np.array([[1, 0, 2, 0], [0, 3, 4, 4]])
    vectors = keras.layers.Embedding(5, 2, mask_zero=True)(ids)
    return vectors, array(vectors), ids != 0, [tensor(np.zeros((2, 3), "float32"))] * 2


@claim("4.13", "An LSTM called with `initial_state` ignores the mask attached to its input.")
def test_initial_state_alone(masked_input):
    attached, bare, _, zeros = masked_input
    one = layer(return_sequences=True)
    started = one(attached, initial_state=zeros)
    assert np.allclose(array(started), array(one(bare)), atol=1e-6)
    assert not np.allclose(array(started), array(one(attached)), atol=1e-3)


@claim("4.14", "An LSTM called with both `initial_state` and `mask=` uses the mask.")
def test_initial_state_with_mask(masked_input):
    attached, _, mask, zeros = masked_input
    one = layer(return_sequences=True)
    fixed = array(one(attached, initial_state=zeros, mask=mask))
    assert np.allclose(fixed, array(one(attached)), atol=1e-6)


@claim("4.15", "With `return_sequences=True`, an LSTM's output carries the mask of its input.")
def test_mask_goes_on(masked_input):
    attached, bare, mask, _ = masked_input
    one = layer(return_sequences=True)
    assert np.array_equal(mask_of(one(attached)), mask)
    assert mask_of(one(bare)) is None


@claim("4.16", "With a mask, a padded row has the outputs at its real steps that it has alone.")
def test_solo():
    one = layer(return_sequences=True)
    x = values(6, 6, 2)
    for mask in (AT_THE_END, AT_THE_END[:, ::-1]):
        outputs = array(one(x, mask=mask))
        for row, output, real in zip(x, outputs, mask, strict=True):
            assert np.allclose(output[real], array(one(row[real][None]))[0], atol=1e-6)
