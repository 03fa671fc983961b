"""What lesson 11 says in *In practice*: each sentence that a machine can be asked is asked here."""

import numpy as np
import pytest

from tests.needs import keras

tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
layers = keras.layers
IDS = np.array([[3, 1, 2, 0], [4, 2, 0, 0]])


def mask_of(tensor):
    mask = getattr(tensor, "_keras_mask", None)
    return None if mask is None else np.asarray(mask)


def reader(**options):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((None,), dtype="int32")
    x = layers.Embedding(5, 3, mask_zero=True)(inputs)
    return keras.Model(inputs, layers.GRU(2, return_sequences=True, **options)(x))


def test_predictions_without_a_last_axis():
    loss = keras.losses.MeanSquaredError()
    predicted = tf.constant([[1.0, 2, 3], [4, 5, 6]])
    predicted._keras_mask = tf.constant([[True, True, False], [True, False, False]])
    with pytest.raises(tf.errors.InvalidArgumentError):
        loss(np.zeros((2, 3)), predicted)
    square = tf.constant([[1.0, 2], [4, 5]])
    square._keras_mask = tf.constant([[True, True], [True, False]])
    assert abs(float(loss(np.zeros((2, 2)), square)) - (1 + 4 + 16) / 3) > 1
    with_axis = square[..., None]
    with_axis._keras_mask = square._keras_mask
    assert np.isclose(float(loss(np.zeros((2, 2, 1)), with_axis)), (1 + 4 + 16) / 3)


def test_a_function_of_tensorflow_returns_no_mask():
    model = reader()
    called = tf.function(model)
    assert mask_of(called(tf.constant(IDS))) is None
    assert np.array_equal(mask_of(model(IDS)), IDS != 0)
    assert np.allclose(called(tf.constant(IDS)), model(IDS), atol=1e-6)


def test_sentences_of_words():
    ids = tf.constant([[[1, 2, 0], [3, 0, 0]], [[4, 1, 2], [0, 0, 0]]])
    keras.utils.set_random_seed(0)
    inner = keras.Sequential([layers.Embedding(5, 3, mask_zero=True), layers.GRU(2)])
    words = layers.TimeDistributed(inner)(ids)
    assert mask_of(words) is None
    assert np.allclose(words[0, 1], inner(np.array([[3]]))[0], atol=1e-6)
    outer = layers.GRU(2)
    alone = outer(words[1:, :1])[0]
    assert not np.allclose(outer(words)[1], alone, atol=1e-4)
    mask = tf.constant(ids.numpy().any(axis=-1))
    assert np.allclose(outer(words, mask=mask)[1], alone, atol=1e-6)


def test_masking_and_nan():
    x = np.full((1, 2, 2), np.nan, "float32")
    assert mask_of(layers.Masking(np.nan)(x)).all()
    partly = np.array([[[0, 0], [0, 1]]], "float32")
    assert mask_of(layers.Masking(0.0)(partly)).tolist() == [[False, True]]


def test_ignore_class_is_no_mask_for_layers():
    labels = np.array([[1, 0, 1, 0], [1, 1, 0, 0]])
    loss = keras.losses.SparseCategoricalCrossentropy(ignore_class=0)
    scores = tf.constant(np.random.default_rng(0).dirichlet([1, 1], (2, 4)))
    of_ones = -np.log(scores.numpy()[labels == 1][:, 1]).mean()
    assert np.isclose(float(loss(labels, scores)), of_ones, atol=1e-6)
    plain = keras.Sequential([layers.Embedding(5, 3), layers.GRU(2)])
    assert not np.allclose(plain(IDS)[1], plain(IDS[1:, :2])[0], atol=1e-4)


def test_weights_of_classes_in_fit():
    labels, loss = (IDS == 2).astype(int), keras.losses.SparseCategoricalCrossentropy
    for weights, fails in (
        ({"class_weight": {0: 1.0, 1: 2.0}}, True),
        ({"sample_weight": 1.0 + labels}, False),
    ):
        model = keras.Sequential([layers.Embedding(5, 3, mask_zero=True), layers.Dense(2)])
        model.compile("sgd", loss(from_logits=True))
        if fails:
            with pytest.raises(tf.errors.InvalidArgumentError):
                model.fit(IDS, labels, verbose=0, **weights)
        else:
            model.fit(IDS, labels, verbose=0, **weights)


def test_a_width_that_is_fixed(tmp_path):
    model = reader()
    signature = [keras.InputSpec(dtype="int32", shape=(None, 28))]
    model.export(str(tmp_path), input_signature=signature, verbose=False)
    served = tf.saved_model.load(str(tmp_path))
    assert served.serve(np.zeros((2, 28), "int32")).shape == (2, 28, 2)
    with pytest.raises((TypeError, ValueError)):
        served.serve(np.zeros((2, 6), "int32"))


@pytest.mark.parametrize(("widths", "fails"), [((4, 4, 4, 5), True), ((4, 5, 4, 6), False)])
def test_a_py_dataset_takes_its_widths_from_the_first_batches(widths, fails):
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return len(widths)

        def __getitem__(self, at):
            return np.ones((2, widths[at]), int), np.ones((2, widths[at], 2))

    model = reader()
    model.compile("sgd", "mse")
    if fails:
        with pytest.raises(tf.errors.InvalidArgumentError):
            model.evaluate(Batches(), verbose=0)
    else:
        model.evaluate(Batches(), verbose=0)
