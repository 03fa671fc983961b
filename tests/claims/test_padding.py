"""The claims of lesson 01."""

import numpy as np
import pytest

from tests.claims.support import array, claim, keras

ROWS = [[83, 91, 1, 645, 1253, 927], [73, 8, 3215, 55, 927], [711, 632, 71]]
pad_sequences = keras.utils.pad_sequences
pool = keras.layers.GlobalAveragePooling1D()


@pytest.fixture
def batch():
    """Random values of shape (6, 5, 3), their lengths, and their mask."""
    rng = np.random.default_rng(1)
    lengths = np.array([5, 1, 2, 3, 4, 5])
    values = rng.normal(size=(6, 5, 3)).astype("float32")
    return values, lengths, np.arange(5) < lengths[:, None]


@claim("1.1", '`pad_sequences(padding="post")` puts zeros after the last step of a short row.')
def test_post():
    for row, padded in zip(ROWS, pad_sequences(ROWS, padding="post"), strict=True):
        assert padded.tolist() == row + [0] * (6 - len(row))


@claim("1.2", "By default, `pad_sequences` puts the zeros before the first step.")
def test_pre_is_the_default():
    for row, padded in zip(ROWS, pad_sequences(ROWS), strict=True):
        assert padded.tolist() == [0] * (6 - len(row)) + row


@claim("1.3", "By default, `pad_sequences` cuts a long row at its start.")
def test_cuts_at_the_start():
    for row, padded in zip(ROWS, pad_sequences(ROWS, maxlen=3), strict=True):
        assert padded.tolist() == row[-3:]


@claim("1.4", "By default, `pad_sequences` cuts floats to integers.")
def test_cuts_floats():
    values = np.random.default_rng(0).uniform(-9, 9, size=(1, 50))
    padded = pad_sequences(values)
    assert padded.dtype == np.int32
    assert np.array_equal(padded, np.trunc(values))


@claim("1.5", "`padded_batch` pads each batch to the longest row of that batch.")
def test_padded_batch():
    tf = pytest.importorskip("tensorflow")
    rows = [[1] * length for length in (6, 5, 3, 2, 1, 2, 4)]
    dataset = tf.data.Dataset.from_generator(
        lambda: rows, output_signature=tf.TensorSpec(shape=(None,), dtype=tf.int64)
    )
    assert [batch.shape[1] for batch in dataset.padded_batch(3)] == [6, 2, 4]


@claim("1.6", "`TextVectorization` pads at the end with 0.")
def test_text_vectorization():
    vectorize = keras.layers.TextVectorization(vocabulary=["a", "b", "c"])
    ids = array(vectorize(["a b c", "c", "d a"]))
    assert ids.tolist() == [[2, 3, 4], [4, 0, 0], [1, 2, 0]]


@claim("1.7", "A real step with id 0 looks like padding to `ids != 0`.")
def test_real_zero():
    lengths = np.array([2, 1])
    ids = pad_sequences([[0, 7], [7]], padding="post")
    real = np.arange(2) < lengths[:, None]
    # The one place where the two disagree is the real step with id 0.
    assert np.argwhere((ids != 0) != real).tolist() == [[0, 0]]


@claim("1.8", "Without `maxlen`, the longest row of a batch sets the width of all its rows.")
def test_width():
    rng = np.random.default_rng(0)
    for _ in range(20):
        lengths = rng.integers(0, 40, size=9)
        assert pad_sequences([[1] * length for length in lengths]).shape == (9, lengths.max())


@claim("1.9", "A plain mean over a padded row divides by the padded steps too.")
def test_plain_mean(batch):
    values, lengths, mask = batch
    padded = np.where(mask[..., None], values, 0)
    for row, mean, length in zip(values, padded.mean(axis=1), lengths, strict=True):
        assert np.allclose(mean, row[:length].sum(axis=0) / 5, atol=1e-6)
        assert np.allclose(mean, row[:length].mean(axis=0), atol=1e-6) == (length == 5)


@claim("1.10", "`GlobalAveragePooling1D` with a mask returns the mean over the real steps.")
def test_masked_pooling(batch):
    values, lengths, mask = batch
    pooled = array(pool(values, mask=mask))
    for row, mean, length in zip(values, pooled, lengths, strict=True):
        assert np.allclose(mean, row[:length].mean(axis=0), atol=1e-6)


@claim("1.11", "`GlobalAveragePooling1D` returns NaN for a row that is all padding.")
def test_nothing_real(batch):
    values, _, mask = batch
    mask[2] = False
    pooled = array(pool(values, mask=mask))
    assert np.isnan(pooled).any(axis=1).tolist() == [False, False, True, False, False, False]


@claim("1.12", "The masked mean of a row does not depend on how much padding follows it.")
def test_more_padding(batch):
    values, _, mask = batch
    short = array(pool(values, mask=mask))
    for more in (1, 30):
        longer = np.pad(values, ((0, 0), (0, more), (0, 0)), constant_values=9)
        pooled = array(pool(longer, mask=np.pad(mask, ((0, 0), (0, more)))))
        assert np.allclose(pooled, short, atol=1e-6)
