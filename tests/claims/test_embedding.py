"""The claims of lesson 02."""

import warnings

import numpy as np
import pytest

from tests.claims.support import array, claim, keras, mask_of, tensor

IDS = np.array([[3, 1, 4, 1, 5], [5, 2, 6, 0, 0], [2, 0, 0, 0, 0]])
MASK = IDS != 0
WIDTH = 4


@pytest.fixture
def table():
    return np.random.default_rng(0).normal(size=(7, WIDTH)).astype("float32")


def embed(table, ids=IDS, mask_zero=True):
    """Return a layer with this table, and what it makes of the ids."""
    layer = keras.layers.Embedding(*table.shape, mask_zero=mask_zero)
    layer.build((None, None))
    layer.set_weights([table])
    return layer, layer(ids)


def table_gradient(head, table, ids=IDS):
    """Return TensorFlow's gradient of the sum of squares of `head(embedding(ids))`."""
    tf = pytest.importorskip("tensorflow")
    layer, _ = embed(table)
    with tf.GradientTape() as tape, warnings.catch_warnings(record=True):
        loss = tf.reduce_sum(head(layer(ids)) ** 2)
    (gradient,) = tape.gradient(loss, layer.trainable_variables)
    return tf.convert_to_tensor(gradient).numpy()


def plain_mean(vectors):
    return sum(vectors[:, step] for step in range(vectors.shape[1])) / vectors.shape[1]


@claim("2.1", "An `Embedding` returns the rows of its table at the given ids.")
@pytest.mark.parametrize("mask_zero", [False, True])
def test_rows_of_the_table(table, mask_zero):
    _, vectors = embed(table, mask_zero=mask_zero)
    for (row, step), number in np.ndenumerate(IDS):
        assert np.array_equal(array(vectors)[row, step], table[number])


@claim("2.2", "With `mask_zero=True`, the vector at a padded step is row 0 of the table.")
def test_padded_vector(table):
    _, vectors = embed(table)
    padded = array(vectors)[~MASK]
    assert len(padded) == 6
    assert (padded == table[0]).all()
    # The table that a layer makes for itself holds no zeros there.
    keras.utils.set_random_seed(0)
    layer = keras.layers.Embedding(7, WIDTH, mask_zero=True)
    assert array(layer(IDS))[~MASK].all()


@claim("2.3", "`mask_zero` changes no vector.")
def test_same_vectors(table):
    _, with_mask = embed(table)
    _, without = embed(table, mask_zero=False)
    assert np.array_equal(array(with_mask), array(without))


@claim("2.4", "With `mask_zero=True`, the output carries the mask `ids != 0`.")
def test_the_mask(table):
    _, vectors = embed(table)
    expected = [[True] * 5, [True] * 3 + [False] * 2, [True] + [False] * 4]
    assert mask_of(vectors).tolist() == expected


@claim("2.5", "With `mask_zero=False`, `compute_mask` returns `None`.")
def test_no_mask(table):
    layer, vectors = embed(table, mask_zero=False)
    assert layer.compute_mask(IDS) is None
    assert mask_of(vectors) is None


@claim(
    "2.6",
    "An LSTM returns the same state for a mask from `Embedding`, from `Masking` or by hand.",
)
def test_three_ways(table):
    lstm = keras.layers.LSTM(3)
    masked, plain = embed(table)[1], embed(table, mask_zero=False)[1]
    zeroed = np.where(MASK[..., None], array(plain), np.float32(0))
    by_hand = array(lstm(plain, mask=tensor(MASK)))
    assert np.allclose(array(lstm(masked)), by_hand, atol=1e-6)
    assert np.allclose(array(lstm(keras.layers.Masking(0.0)(zeroed))), by_hand, atol=1e-6)
    # The common result is right, and not one that all three get wrong: each row alone.
    for row, mask, state in zip(IDS, MASK, by_hand, strict=True):
        assert np.allclose(array(lstm(table[row[mask]][None]))[0], state, atol=1e-6)


@claim("2.7", "`Masking(mask_value=0.0)` masks every step whose numbers are all 0.")
def test_masking():
    features = np.array([[[0, 0], [0, 1], [2, 0], [3, 4]]], "float32")
    assert mask_of(keras.layers.Masking(mask_value=0.0)(features)).tolist() == [
        [False, True, True, True]
    ]


@claim("2.8", "Row 0 gets a gradient as soon as a padded vector enters the loss.")
@pytest.mark.parametrize("name", ["plain mean", "Flatten", "Conv1D"])
def test_row_0_is_trained(table, name):
    head = {
        "plain mean": plain_mean,
        "Flatten": keras.layers.Flatten(),
        "Conv1D": keras.layers.Conv1D(2, 3),
    }[name]
    assert table_gradient(head, table)[0].any()


@claim(
    "2.9",
    "Row 0 gets a gradient of zero while every layer that mixes steps uses the mask.",
)
@pytest.mark.parametrize("name", ["LSTM", "GRU", "GlobalAveragePooling1D"])
def test_row_0_is_not_trained(table, name):
    kind = getattr(keras.layers, name)
    head = kind() if name.startswith("Global") else kind(3)
    gradient = table_gradient(lambda vectors: head(keras.layers.Dense(5)(vectors)), table)
    assert gradient.any(axis=1).tolist() == [False, True, True, True, True, True, True]


@claim("2.10", "`input_dim` must be at least the largest id + 1.")
def test_input_dim():
    tf = pytest.importorskip("tensorflow")
    with tf.device("cpu"):
        assert keras.layers.Embedding(7, 2)(IDS).shape == (3, 5, 2)
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"= 6 is not in \[0, 6\)"):
            keras.layers.Embedding(6, 2)(IDS)


@claim("2.11", "The id −1 takes the last row of the table.")
def test_minus_one(table):
    _, vectors = embed(table, np.array([[1, -1]]))
    assert np.array_equal(array(vectors)[0], table[[1, 6]])


@claim("2.12", "The id −1 is not masked.")
def test_minus_one_is_not_masked(table):
    layer, _ = embed(table)
    assert array(layer.compute_mask(np.array([[1, -1, 0]]))).tolist() == [[True, True, False]]


@claim("2.13", "With `mask_zero=True`, a real word at id 0 is masked.")
def test_a_word_at_id_0(table):
    lstm = keras.layers.LSTM(3)
    with_zero, without = (embed(table, np.array([row]))[1] for row in ([0, 3, 0, 2], [3, 2]))
    assert mask_of(with_zero).tolist() == [[False, True, False, True]]
    assert np.allclose(array(lstm(with_zero)), array(lstm(without)), atol=1e-6)


@claim(
    "2.14",
    "After `Embedding(mask_zero=True)`, an LSTM gives each row of a batch the state that it gets "
    "alone.",
)
def test_solo(table):
    lstm = keras.layers.LSTM(3)
    for width in (5, 6, 40):
        ids = np.pad(IDS, ((0, 0), (0, width - 5)))
        states = array(lstm(embed(table, ids)[1]))
        for row, mask, state in zip(IDS, MASK, states, strict=True):
            alone = array(lstm(embed(table, row[mask][None])[1]))[0]
            assert np.allclose(state, alone, atol=1e-6)
