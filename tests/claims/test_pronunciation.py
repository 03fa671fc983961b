"""The claims of lesson 11, on small models of random weights: what is counted and what is kept."""

import importlib

import numpy as np
import pytest

from tests.claims.support import array, claim, got_with, keras, no_such_thing

IDS = np.array([[3, 1, 2, 4, 0, 0], [4, 2, 0, 0, 0, 0], [1, 3, 1, 2, 4, 3], [2, 0, 0, 0, 0, 0]])
LABELS = np.array([[3, 1, 3, 0, 0, 0], [1, 0, 0, 0, 0, 0], [3, 0, 3, 2, 1, 3], [1, 0, 0, 0, 0, 0]])
REAL = IDS != 0


def reader(mask_zero=True):
    """Return a small model as the lesson's: ids → 4 scores for each step."""
    keras.utils.set_random_seed(3)
    inputs = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(5, 6, mask_zero=mask_zero)(inputs)
    x = keras.layers.Bidirectional(keras.layers.GRU(5, return_sequences=True))(x)
    return keras.Model(inputs, keras.layers.Dense(4)(x))


def crossentropy(labels, scores):
    """Return the loss of each step, by NumPy."""
    scores = scores - scores.max(axis=-1, keepdims=True)
    logs = scores - np.log(np.exp(scores).sum(axis=-1, keepdims=True))
    return -np.take_along_axis(logs, labels[..., None], axis=-1)[..., 0]


def row_alone(model, row):
    return array(model(row[row != 0][None]))[0]


def as_alone(called, model, ids):
    """Whether `called` gives each row of `ids` what `model` gives the row without its padding."""
    rows = zip(array(called(ids)), ids, strict=True)
    return all(np.allclose(out[row != 0], row_alone(model, row), atol=1e-5) for out, row in rows)


def compiled(model):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(loss=loss, metrics=["accuracy"])
    return model


def right_steps(model, rows):
    """Return for each row, run alone, which of its steps are right."""
    alone = [row_alone(model, IDS[row]).argmax(axis=-1) for row in rows]
    return [out == LABELS[row, : len(out)] for out, row in zip(alone, rows, strict=True)]


def in_batches(model, batches):
    """Return the accuracy that `evaluate` reports for batches that are given as ids and labels."""
    tf = importlib.import_module("tensorflow")
    spec = tf.TensorSpec((None, None), "int32")
    data = tf.data.Dataset.from_generator(lambda: batches, output_signature=(spec, spec))
    data = data.apply(tf.data.experimental.assert_cardinality(len(batches)))
    return model.evaluate(data, verbose=0)[1]


@claim("11.1", "In batches of one width, the accuracy in the log weights all real steps alike.")
def test_the_accuracy_of_one_width():
    model = compiled(reader())
    right = right_steps(model, range(4))
    by_step = np.concatenate(right).mean()
    assert abs(np.mean([row.mean() for row in right]) - by_step) > 0.01
    for size in (1, 2, 3, 4):
        _, accuracy = model.evaluate(IDS, LABELS, batch_size=size, verbose=0)
        assert np.isclose(accuracy, by_step, atol=1e-6)


@claim("11.2", "In batches of several widths, a real step weighs 1 over the width of its batch.")
def test_the_accuracy_of_several_widths():
    model = compiled(reader())
    for rows_of in (((0, 2), (1, 3)), ((1,), (0, 3), (2,)), ((0, 1, 3), (2,))):
        widths = [REAL[list(rows)].sum(axis=1).max() for rows in rows_of]
        pairs = list(zip(map(list, rows_of), widths, strict=True))
        batches = [(IDS[rows, :width], LABELS[rows, :width]) for rows, width in pairs]
        rights = [np.concatenate(right_steps(model, rows)) for rows, _ in pairs]
        weighed = sum(right.sum() / width for right, width in zip(rights, widths, strict=True))
        steps = sum(right.size / width for right, width in zip(rights, widths, strict=True))
        accuracy = in_batches(model, batches)
        assert np.isclose(accuracy, weighed / steps, atol=1e-6)
        assert abs(accuracy - np.concatenate(rights).mean()) > 1e-3


@claim(
    "11.3",
    "Without a mask, if all padding is labelled right, the error in the log is that of the real "
    "steps times their share.",
)
def test_the_error_in_the_log():
    # Row 0 of the table is the score of label 0, so padding is labelled right.
    scores = np.random.default_rng(0).normal(size=(5, 4))
    scores[0] = [9, 0, 0, 0]
    for mask_zero in (False, True):
        inputs = keras.Input((None,), dtype="int32")
        embedding = keras.layers.Embedding(5, 4, mask_zero=mask_zero)
        model = keras.Model(inputs, embedding(inputs))
        embedding.set_weights([scores])
        compiled(model)
        wrong = scores[IDS].argmax(axis=-1) != LABELS
        assert not wrong[~REAL].any()
        assert wrong[REAL].any()
        _, accuracy = model.evaluate(IDS, LABELS, verbose=0)
        share = 1 if mask_zero else REAL.mean()
        assert np.isclose(1 - accuracy, wrong[REAL].mean() * share, atol=1e-6)


@claim(
    "11.4",
    "Without a mask, padding behind a word changes what a bidirectional GRU puts out at its real "
    "steps.",
)
def test_padding_behind():
    word = np.array([[3, 1, 2]])
    padded = np.pad(word, ((0, 0), (0, 4)))
    for mask_zero, same in ((False, False), (True, True)):
        model = reader(mask_zero)
        gap = np.abs(array(model(padded))[:, :3] - array(model(word))).max()
        assert (gap < 1e-5) == same
        assert same or gap > 1e-3


@claim("11.5", "Under weights of `labels != 0`, real steps of class 0 have no part in the loss.")
def test_weights_from_labels():
    weights = (LABELS != 0).astype("float32")
    model = reader()
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    assert (REAL & (LABELS == 0)).any()
    losses = np.concatenate(
        [
            (crossentropy(y[: len(out)], out) * w[: len(out)])
            for out, y, w in zip((row_alone(model, r) for r in IDS), LABELS, weights, strict=True)
        ]
    )
    found = model.evaluate(IDS, LABELS, sample_weight=weights, verbose=0)
    # Divided by all real steps; those of class 0 add nothing.
    assert np.isclose(found, losses.sum() / REAL.sum(), atol=1e-5)
    other = np.where((LABELS == 0) & REAL, 3, LABELS)
    assert np.isclose(model.evaluate(IDS, other, sample_weight=weights, verbose=0), found)
    assert not np.isclose(
        model.evaluate(IDS, other, verbose=0), model.evaluate(IDS, LABELS, verbose=0)
    )


@claim("11.6", "A model loaded from a `.keras` file gives each row in a batch what it gets alone.")
def test_a_loaded_model(tmp_path):
    model = reader()
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert as_alone(loaded, model, IDS)
    without = reader(mask_zero=False)
    without.save(tmp_path / "without.keras")
    assert not as_alone(keras.models.load_model(tmp_path / "without.keras"), without, IDS)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """Return a function that exports a model and gives back what serves it."""
    got_with("3.0", "export")
    if keras.__name__ == "tf_keras":
        no_such_thing("`serve` is the endpoint of Keras 3")
    tf = importlib.import_module("tensorflow")
    kept = []

    def export(model):
        path = str(tmp_path_factory.mktemp("export"))
        model.export(path)
        kept.append(tf.saved_model.load(path))
        return lambda ids: kept[-1].serve(ids.astype("int32"))

    return export


@claim("11.7", "An exported model gives a row in a batch of any width what it gets alone.")
def test_an_exported_model(exported):
    model = reader()
    served = exported(model)
    for width in (6, 7, 20):
        assert as_alone(served, model, np.pad(IDS, ((0, 0), (0, width - 6))))
    without = reader(mask_zero=False)
    assert not as_alone(exported(without), without, IDS)


@claim("11.8", "The result of an exported model carries no mask.")
def test_the_result_of_an_exported_model(exported):
    model = reader()
    assert not hasattr(exported(model)(IDS), "_keras_mask")
    assert hasattr(model(IDS), "_keras_mask")


@claim(
    "11.9",
    "In a padded batch, each phone of a word gets the scores that it gets in the word alone.",
)
def test_the_solo_test():
    model = reader()
    assert as_alone(model, model, IDS)
    assert as_alone(model, model, np.pad(IDS, ((0, 0), (0, 9))))
    front = np.array([np.roll(row, (row == 0).sum()) for row in IDS])
    assert as_alone(model, model, front)
