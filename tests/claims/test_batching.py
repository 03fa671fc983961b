"""The claims of lesson 08: what a masked step costs, buckets, and packed rows, by Keras."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.batching import batches_by_length, pack, packed_mask
from tests.claims.support import array, claim, keras, tensor

tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
layers = keras.layers

# Phones of eight words, as ids: "most of an epoch of words is padding".
ROWS = [[7, 10, 13, 14], [2, 15], [1, 8], [6, 11, 2, 4], [2, 15], [16, 5, 3, 17], [4, 17]]
ROWS.append([11, 1, 3, 12, 9])
LENGTHS = np.array([len(row) for row in ROWS])
sequences = st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=8), min_size=1, max_size=9)


def padded(rows):
    return keras.utils.pad_sequences(rows, padding="post")


def stream(rows):
    signature = tf.TensorSpec([None], tf.int32)
    return tf.data.Dataset.from_generator(lambda: iter(rows), output_signature=signature)


@claim("8.1", "An LSTM runs its cell at a masked step as it does at a real one.")
def test_a_masked_step_is_run():
    class Counting(layers.LSTMCell):
        seen = ()

        def call(self, inputs, states, training=None):
            self.seen = (*self.seen, array(inputs)[0, 0])
            return super().call(inputs, states, training=training)

    x = np.arange(1.0, 21.0, dtype="float32").reshape(1, 20, 1)
    cell = Counting(3)
    rnn = layers.RNN(cell)
    for real in (20, 2, 0):
        cell.seen = ()
        rnn(tensor(x), mask=tensor(np.arange(20)[None] < real))
        # Keras runs the cell at the first step once more, to learn the shapes of its results.
        assert list(cell.seen[-20:]) == x.ravel().tolist()
        assert len(cell.seen) <= 21


@claim("8.2", "Attention computes a score for every pair of steps, masked or not.")
def test_scores_of_masked_steps():
    attention = layers.MultiHeadAttention(2, 4)
    for steps in (4, 8):
        x = np.random.default_rng(0).normal(size=(1, steps, 3)).astype("float32")
        own = np.tile(np.arange(steps) < 2, (1, steps, 1))
        _, scores = attention(x, x, attention_mask=own, return_attention_scores=True)
        scores = array(scores)
        assert scores.shape == (1, 2, steps, steps)
        assert not scores[..., 2:].any()
        # What a masked step holds is computed with: nothing else turns NaN into NaN everywhere.
        x[:, 2:] = np.nan
        assert np.isnan(array(attention(x, x, attention_mask=own))).all()


@claim("8.3", "`padded_batch` pads each batch to the longest of its own rows.")
@settings(max_examples=20, deadline=None)
@given(sequences, st.integers(1, 4))
def test_padded_batch(rows, size):
    batches = [rows[start : start + size] for start in range(0, len(rows), size)]
    found = list(stream(rows).padded_batch(size))
    assert len(found) == len(batches)
    for batch, own in zip(found, batches, strict=True):
        assert batch.numpy().tolist() == padded(own).tolist()


@claim("8.4", "`bucket_by_sequence_length` never puts rows of two buckets into one batch.")
@settings(max_examples=20, deadline=None)
@given(sequences, st.integers(1, 4))
def test_buckets(rows, size):
    edges = [3, 5]
    dataset = stream(rows).bucket_by_sequence_length(
        lambda row: tf.shape(row)[0], edges, [size] * 3
    )
    found = []
    for batch in dataset:
        own = [np.trim_zeros(row).tolist() for row in batch.numpy()]
        found += own
        assert len(own) <= size
        assert len(set(np.digitize([len(row) for row in own], edges))) == 1
        assert batch.shape[1] == max(map(len, own))
    assert sorted(found) == sorted(rows)


def model(seed=0):
    """Return embedding and dense layer of a masked model, one number a step."""
    keras.utils.set_random_seed(seed)
    ids = keras.Input((None,), dtype="int32")
    vectors = layers.Embedding(20, 4, mask_zero=True)(ids)
    return keras.Model(ids, layers.Dense(1)(vectors))


def targets(ids):
    return (np.asarray(ids)[..., None] / 10).astype("float32")


def squares(network, row):
    """Return the losses of a row's steps, alone, by NumPy."""
    ids = np.array([row])
    return np.square(array(network(ids)) - targets(ids))[0, :, 0]


def by_length():
    return batches_by_length(LENGTHS, 4)


IN_ORDER = [np.arange(4), np.arange(4, 8)]


def rows_of(batch):
    return [ROWS[at] for at in batch]


@claim(
    "8.5",
    "Of two batches with equally many rows, a real step weighs more in the one with the shorter "
    "rows.",
)
def test_weight_of_a_step():
    weights = []
    for batch in by_length():
        real = padded(rows_of(batch)) != 0
        told = []
        for changed in np.argwhere(real):
            prediction = np.zeros((*real.shape, 1), "float32")
            prediction[tuple(changed)] = 1
            y_pred = tensor(prediction)
            y_pred._keras_mask = tensor(real)
            loss = keras.losses.MeanSquaredError()(np.zeros_like(prediction), y_pred)
            told.append(float(array(loss)))
        assert np.allclose(told, 1 / LENGTHS[batch].sum())
        weights.append(told[0])
    assert LENGTHS[by_length()[0]].max() < LENGTHS[by_length()[1]].min()
    assert weights[0] > 2 * weights[1]


def evaluated(network, batches, **compiled):
    """Return the loss that `evaluate` reports for these batches, all of them of 4 rows."""
    network.compile(**{"loss": "mse"} | compiled)
    steps = LENGTHS.max()
    ids = np.concatenate(
        [keras.utils.pad_sequences(rows_of(b), steps, padding="post") for b in batches]
    )
    return network.evaluate(ids, targets(ids), batch_size=4, verbose=0)


@claim("8.6", "The loss that `evaluate` reports depends on which rows share a batch.")
def test_loss_in_the_log():
    network = model()
    found = []
    for batches in (IN_ORDER, by_length()):
        means = [
            np.concatenate([squares(network, ROWS[at]) for at in batch]).mean() for batch in batches
        ]
        found.append(evaluated(network, batches))
        assert np.isclose(found[-1], np.mean(means), atol=1e-5)
    assert abs(found[0] - found[1]) > 1e-3


def gradient(network, batch, loss):
    """Return the gradient of a batch's loss as one vector."""
    ids = padded(rows_of(batch))
    with tf.GradientTape() as tape:
        value = loss(targets(ids), network(ids))
    parts = tape.gradient(value, network.trainable_weights)
    return np.concatenate([np.ravel(tf.convert_to_tensor(part)) for part in parts])


@claim(
    "8.7",
    'With `reduction="sum"` and one `loss_weights` for all batches, a real step weighs the same in '
    "every batch.",
)
def test_one_divisor():
    network, summed = model(), keras.losses.MeanSquaredError(reduction="sum")
    mean = np.concatenate([squares(network, row) for row in ROWS]).mean()
    whole = gradient(network, np.arange(8), keras.losses.MeanSquaredError())
    for batches in (IN_ORDER, by_length()):
        # Two batches, and `evaluate` takes their mean: each step weighs 1 over all steps.
        found = evaluated(network, batches, loss=summed, loss_weights=2 / LENGTHS.sum())
        assert np.isclose(found, mean, atol=1e-5)
        parts = [gradient(network, batch, summed) / LENGTHS.sum() for batch in batches]
        assert np.allclose(sum(parts), whole, atol=1e-6)
    own = [gradient(network, batch, keras.losses.MeanSquaredError()) for batch in by_length()]
    assert not np.allclose(np.mean(own, axis=0), whole, atol=1e-3)


class Reader:
    """Embeddings of phones and of places, and attention: what it reads in rows and alone."""

    def __init__(self):
        keras.utils.set_random_seed(0)
        self.phones, self.places = layers.Embedding(20, 4), layers.Embedding(12, 4)
        self.attention = layers.MultiHeadAttention(2, 4)

    def __call__(self, ids, positions, mask):
        x = self.phones(np.asarray(ids)) + self.places(np.asarray(positions))
        return array(self.attention(x, x, attention_mask=mask))

    def alone(self, row):
        steps = len(row)
        return self([row], [np.arange(steps)], np.ones((1, steps, steps), bool))[0]


def distance(together, packed, alone, rows=ROWS):
    """Return for each sequence how far it is from what it would get alone."""
    found = []
    for ids, (row, start) in zip(rows, packed.places, strict=True):
        own = together[row, start : start + len(ids)]
        found.append(abs(own - alone(ids)).max())
    return np.array(found)


@claim(
    "8.8",
    "With a mask for each sequence and positions that start anew, `MultiHeadAttention` gives each "
    "sequence of a packed row what it would get alone.",
)
@settings(max_examples=20, deadline=None)
@given(sequences, st.integers(8, 12))
def test_packed_attention(rows, steps):
    reader, packed = Reader(), pack(rows, steps)
    together = reader(packed.ids, packed.positions, packed_mask(packed.segments))
    assert distance(together, packed, reader.alone, rows).max() < 1e-5


@claim("8.9", "With a mask of its padding alone, a packed row's sequences see each other.")
def test_a_mask_of_the_padding():
    reader, packed = Reader(), pack(ROWS, 10)
    real = packed.segments != 0
    together = reader(packed.ids, packed.positions, real[:, :, None] & real[:, None, :])
    assert (distance(together, packed, reader.alone) > 1e-3).all()


def lstm_alone(lstm, phones):
    return lambda row: array(lstm(phones(np.array([row]))))[0]


@claim("8.10", "An LSTM begins a packed sequence with the state that the one before it left.")
def test_an_lstm_reads_on():
    keras.utils.set_random_seed(0)
    phones, lstm = layers.Embedding(20, 4), layers.LSTM(3, return_sequences=True)
    packed = pack(ROWS, 10)
    together = array(lstm(phones(packed.ids)))
    gaps = distance(together, packed, lstm_alone(lstm, phones))
    assert ((gaps < 1e-6) == (packed.places[:, 1] == 0)).all()
    cell = layers.LSTM(3, return_sequences=True, return_state=True)
    cell(phones(packed.ids))
    cell.set_weights(lstm.get_weights())
    last, first = ROWS[7], ROWS[0]
    (row, start), length = packed.places[0], len(first)
    assert packed.places[7].tolist() == [row, 0]
    assert start == len(last)
    _, *states = cell(phones(np.array([last])))
    handed_on, *_ = cell(phones(np.array([first])), initial_state=states)
    assert np.allclose(array(handed_on)[0], together[row, start : start + length], atol=1e-6)


@claim(
    "8.11",
    "An LSTM whose cell clears its states where a sequence starts gives each sequence of a packed "
    "row what it would get alone.",
)
@settings(max_examples=10, deadline=None)
@given(sequences, st.integers(8, 12))
def test_a_cell_that_starts_anew(rows, steps):
    class Fresh(layers.LSTMCell):
        def build(self, shape):
            super().build((shape[0], shape[1] - 1))

        def call(self, inputs, states, training=None):
            kept = [state * (1 - inputs[:, -1:]) for state in states]
            return super().call(inputs[:, :-1], kept, training=training)

    keras.utils.set_random_seed(0)
    phones = layers.Embedding(20, 4)
    fresh = layers.RNN(Fresh(3), return_sequences=True)
    packed = pack(rows, steps)
    starts = ((packed.segments != 0) & (packed.positions == 0)).astype("float32")
    together = array(fresh(np.concatenate([array(phones(packed.ids)), starts[..., None]], axis=-1)))
    lstm = layers.LSTM(3, return_sequences=True)
    lstm(phones(np.array([[1]])))
    lstm.set_weights(fresh.get_weights())
    assert distance(together, packed, lstm_alone(lstm, phones), rows).max() < 1e-5


@claim(
    "8.12",
    "Padded to the longest, padded per batch, in buckets or packed: each word gets what it would "
    "get alone.",
)
def test_four_ways():
    reader = Reader()
    expected = [reader.alone(row) for row in ROWS]
    for batches, steps in ((IN_ORDER, 12), (IN_ORDER, None), (by_length(), None)):
        for batch in batches:
            ids = keras.utils.pad_sequences(rows_of(batch), steps, padding="post")
            real = ids != 0
            positions = np.arange(ids.shape[1]) * real
            found = reader(ids, positions, real[:, :, None] & real[:, None, :])
            for at, row in zip(batch, found, strict=True):
                assert np.allclose(row[: LENGTHS[at]], expected[at], atol=1e-5)
    packed = pack(ROWS, 10)
    together = reader(packed.ids, packed.positions, packed_mask(packed.segments))
    assert distance(together, packed, reader.alone).max() < 1e-5
