"""`loss.py` against Keras, and against the losses of the rows alone."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from course_lib.loss import OF_CLASS_IDS, PER_STEP, REDUCTIONS, masked_loss, per_step_loss
from tests.needs import keras

CLASSES = {
    "".join(word.capitalize() for word in name.split("_")).replace("Kl", "KL"): name
    for name in PER_STEP
}
WITH_IDS = [name for name, own in CLASSES.items() if own in OF_CLASS_IDS]


@st.composite
def batches(draw):
    """Targets (one-hot), predictions (positive, summing to 1), mask and weights."""
    rows, steps, classes = draw(st.integers(1, 4)), draw(st.integers(1, 5)), draw(st.integers(2, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    dtype = draw(st.sampled_from(["float32", "float64", "float16"]))
    y_true = np.eye(classes, dtype=draw(st.sampled_from([dtype, "int32"])))
    y_true = y_true[rng.integers(classes, size=(rows, steps))]
    y_pred = rng.dirichlet(np.ones(classes), size=(rows, steps)).astype(dtype)
    mask = draw(arrays(bool, (rows, steps)))  # padding may stand between
    if draw(st.booleans()):
        lengths = mask.sum(axis=1, keepdims=True)
        mask = np.arange(steps) < lengths
        mask = mask[:, ::-1] if draw(st.booleans()) else mask
    return y_true, y_pred, mask, rng.uniform(0.1, 2, size=(rows, steps)).astype("float32")


def keras_loss(name, y_true, y_pred, mask, reduction, sample_weight=None):
    predictions = keras.ops.convert_to_tensor(y_pred)
    if mask is not None:
        predictions._keras_mask = keras.ops.convert_to_tensor(mask)
    if name in WITH_IDS:
        y_true = y_true.argmax(axis=-1)
    loss = getattr(keras.losses, name)(reduction=reduction)
    return np.asarray(loss(y_true, predictions, sample_weight=sample_weight))


def own_loss(name, y_true, y_pred, mask, reduction, sample_weight=None):
    if name in WITH_IDS:
        y_true = y_true.argmax(axis=-1)
    values = per_step_loss(CLASSES[name], y_true, y_pred)
    return masked_loss(values, mask, sample_weight, reduction)


@pytest.mark.parametrize("name", CLASSES)
@settings(max_examples=15, deadline=None)
@given(batch=batches(), reduction=st.sampled_from(REDUCTIONS), masked=st.booleans())
def test_every_loss_and_reduction_agrees_with_keras(name, batch, reduction, masked):
    y_true, y_pred, mask, _ = batch
    arguments = (name, y_true, y_pred, mask if masked else None, reduction)
    assert np.allclose(own_loss(*arguments), keras_loss(*arguments), rtol=2e-5, atol=1e-5)


@settings(max_examples=60, deadline=None)
@given(batch=batches(), reduction=st.sampled_from(REDUCTIONS), by_row=st.booleans())
def test_weights_agree_with_keras(batch, reduction, by_row):
    y_true, y_pred, mask, weights = batch
    weights = weights[:, :1] if by_row else weights
    arguments = ("MeanSquaredError", y_true, y_pred, mask, reduction, weights)
    assert np.allclose(own_loss(*arguments), keras_loss(*arguments), rtol=2e-5, atol=1e-5)


# Which numbers a loss takes, if not all: shares need no sum of 1, probabilities end at 1.
SHARES = ["Poisson", "CategoricalCrossentropy", "CategoricalFocalCrossentropy"]
PROBABILITIES = ["BinaryCrossentropy", "BinaryFocalCrossentropy"]


@pytest.mark.parametrize("name", [name for name in CLASSES if name not in WITH_IDS])
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**16), classes=st.integers(1, 4))
def test_every_formula_on_other_numbers(name, seed, classes):
    """Not what a softmax gives, but numbers of any size and sign, zeros and ones among them."""
    rng = np.random.default_rng(seed)
    y_true, y_pred = rng.uniform(-3, 3, size=(2, 2, 3, classes))
    for values in (y_true, y_pred):
        values[rng.integers(2, size=2), rng.integers(3, size=2)] = rng.integers(2, size=classes)
    if name in SHARES + PROBABILITIES:
        y_true, y_pred = np.abs(y_true) / 3, np.abs(y_pred) + 1e-3
    if name in PROBABILITIES:
        y_pred /= 3.1
    y_true, y_pred = y_true.astype("float32"), y_pred.astype("float32")
    own = own_loss(name, y_true, y_pred, None, "none")
    assert np.allclose(own, keras_loss(name, y_true, y_pred, None, "none"), rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("name", ["BinaryCrossentropy", "BinaryFocalCrossentropy", "Poisson"])
def test_certain_predictions(name):
    """At 0 and 1, the logarithm is cut off, and how far depends on the floats: 15.9 or 16.1."""
    y_true = np.array([[[0.0], [1.0], [0.0], [1.0]]], "float32")
    y_pred = np.array([[[0.0], [0.0], [1.0], [1.0]]], "float32")
    own = own_loss(name, y_true, y_pred, None, "none")
    assert np.allclose(own, keras_loss(name, y_true, y_pred, None, "none"), rtol=0.02, atol=1e-5)


def test_a_certain_share_is_cut_off_too():
    """The loss of a right and certain prediction is not 0, but what the cut leaves: about 1e-7."""
    certain = np.array([[[0.0, 1.0]]], "float32")
    arguments = ("CategoricalCrossentropy", certain, certain, None, "none")
    for loss in (own_loss(*arguments), keras_loss(*arguments)):
        assert 0.5e-7 < loss.item() < 2e-7


def test_every_built_in_loss_of_steps_is_there():
    """A loss that Keras adds must be written here too, or be named below."""
    y_true = np.eye(3)[[[0, 1, 2, 0], [2, 1, 0, 0]]].astype("float32")
    y_pred = np.full((2, 4, 3), 1 / 3, "float32")
    targets = {"vectors": y_true, "ids": y_true.argmax(-1)}
    of_steps, failed = {"vectors": set(), "ids": set()}, {"vectors": set(), "ids": set()}
    for name in dir(keras.losses):
        loss = getattr(keras.losses, name)
        if not isinstance(loss, type) or name == "Loss":
            continue
        for kind, wanted in targets.items():
            try:
                values = loss(reduction=None)(wanted, y_pred)
            except Exception:
                failed[kind].add(name)
            else:
                if values.shape == (2, 4):
                    of_steps[kind].add(name)
    # With ids, a loss of vectors may broadcast to some shape, or fail.
    assert of_steps["vectors"] | set(WITH_IDS) == set(CLASSES)
    assert set(WITH_IDS) == of_steps["ids"] - of_steps["vectors"]
    # CTC wants lengths, Circle labels of rows; the two others want ids.
    assert failed["vectors"] <= {"CTC", "Circle", *WITH_IDS}


@settings(max_examples=60, deadline=None)
@given(batch=batches(), name=st.sampled_from(sorted(PER_STEP)))
def test_rows_alone_weighted_by_their_real_steps(batch, name):
    y_true, y_pred, mask, _ = batch
    y_true = y_true.argmax(axis=-1) if name in OF_CLASS_IDS else y_true
    values = per_step_loss(name, y_true, y_pred)
    alone = [row[real].mean() if real.any() else 0 for row, real in zip(values, mask, strict=True)]
    steps = mask.sum(axis=1)
    expected = np.dot(alone, steps) / steps.sum() if mask.any() else 0
    assert np.isclose(masked_loss(values, mask), expected)


@settings(max_examples=30, deadline=None)
@given(batch=batches(), filler=st.sampled_from([np.nan, np.inf, -1e30]))
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_what_stands_at_padding_is_never_seen(batch, filler, reduction):
    y_true, y_pred, mask, weights = batch
    values = per_step_loss("mean_squared_error", y_true, y_pred)
    empty = ~mask.any(axis=1, keepdims=True)
    for own in (weights, weights[:, :1]):
        expected = masked_loss(values, mask, own, reduction)
        spoiled = np.where(~mask if own is weights else empty, filler, own)
        for losses in (values, np.where(mask, values, filler)):
            for weighed in (own, spoiled):
                assert np.array_equal(masked_loss(losses, mask, weighed, reduction), expected)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("name", "spoiled"),
    [(name, "y_pred") for name in sorted(PER_STEP)]
    + [(name, "y_true") for name in sorted(set(PER_STEP) - set(OF_CLASS_IDS))],
)
def test_nan_stays_in_its_step(name, spoiled):
    y_true = np.array([[[0.2, 0.8], [0.5, 0.5]], [[0.9, 0.1], [0.3, 0.7]]])
    y_pred = y_true[:, ::-1].copy()
    if name in OF_CLASS_IDS:
        y_true = y_true.argmax(axis=-1)
    expected = per_step_loss(name, y_true, y_pred)
    place = {"y_true": y_true, "y_pred": y_pred}[spoiled]
    place[1, 0, 1] = np.nan
    values = per_step_loss(name, y_true, y_pred)
    assert np.argwhere(np.isnan(values)).tolist() == [[1, 0]]
    others = ~np.isnan(values)
    assert np.array_equal(values[others], expected[others])


VALUES = np.ones((2, 3))
MASK = np.ones((2, 3), bool)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: masked_loss([1.0, 2.0]), ValueError, r"`values` must have 2 axes.*\(2,\)"),
        (lambda: masked_loss(VALUES, MASK[:, :2]), ValueError, r"`mask`.*\(2, 3\).*\(2, 2\)"),
        (lambda: masked_loss(VALUES, VALUES), TypeError, "`mask` must be bool.*float64"),
        (lambda: masked_loss(VALUES, MASK, [1, 2]), ValueError, r"`sample_weight`.*\(2, 1\).*\(2,"),
        (lambda: masked_loss(VALUES, MASK, [["a"]]), TypeError, "`sample_weight` must hold num"),
        (lambda: masked_loss(VALUES, reduction="avg"), ValueError, "`reduction`.*'avg'"),
        (lambda: masked_loss(VALUES, reduction=np.ones(2)), ValueError, r"`reduction`.*array\("),
        (lambda: masked_loss(VALUES, reduction=["sum"]), ValueError, r"`reduction`.*\['sum'\]"),
        (lambda: masked_loss(VALUES[:0]), ValueError, r"`values`.*empty batch, shape \(0, 3\)"),
        (lambda: masked_loss(VALUES[:, :0]), ValueError, r"`values`.*empty.*shape \(2, 0\)"),
        (
            lambda: masked_loss(VALUES, MASK, VALUES * np.nan),
            ValueError,
            r"`sample_weight` must be numbers at real steps, got NaN at index \(0, 0\)",
        ),
        (
            lambda: masked_loss(VALUES, MASK, [[1.0], [np.nan]]),
            ValueError,
            r"`sample_weight`.*NaN at index \(1, 0\)",
        ),
        (lambda: masked_loss(VALUES * np.nan), ValueError, r"`values`.*NaN at index \(0, 0\)"),
        (lambda: per_step_loss("mse", VALUES, VALUES), ValueError, "`name` must be.*'mse'"),
        (lambda: per_step_loss("huber", VALUES, VALUES), ValueError, "`y_pred` must have 3 axes"),
        *(
            (
                lambda shape=shape, name=name: per_step_loss(name, np.ones(shape), np.ones(shape)),
                ValueError,
                "`y_pred` must hold at least one number, got an empty .*" + re.escape(str(shape)),
            )
            for shape in ((0, 3, 4), (2, 0, 4), (2, 3, 0))
            for name in ("categorical_hinge", "huber")
        ),
        (
            lambda: per_step_loss("huber", np.ones((2, 3, 1)), np.ones((2, 3, 4))),
            ValueError,
            r"`y_true`.*\(2, 3, 4\).*\(2, 3, 1\)",
        ),
        (
            lambda: per_step_loss("huber", np.ones((2, 3, 4)), np.ones((2, 3, 1))),
            ValueError,
            r"`y_true`.*\(2, 3, 1\).*\(2, 3, 4\)",
        ),
        (
            lambda: per_step_loss("sparse_categorical_crossentropy", [[4, 7]], np.ones((1, 2, 3))),
            ValueError,
            "`y_true`.*from 0 to 2, got 4",
        ),
        (
            lambda: per_step_loss("sparse_categorical_crossentropy", [[3]], np.ones((1, 1, 3))),
            ValueError,
            "`y_true`.*from 0 to 2, got 3",
        ),
        (
            lambda: per_step_loss("sparse_categorical_crossentropy", [[-1]], np.ones((1, 1, 3))),
            ValueError,
            "`y_true`.*from 0 to 2, got -1",
        ),
        (
            lambda: per_step_loss("sparse_categorical_crossentropy", [[1]], np.ones((1, 2, 3))),
            ValueError,
            r"`y_true`.*\(1, 2\).*\(1, 1\)",
        ),
        (
            lambda: per_step_loss("sparse_categorical_crossentropy", [[1.0]], np.ones((1, 1, 3))),
            TypeError,
            "`y_true`.*float64",
        ),
        (
            lambda: per_step_loss("sparse_categorical_crossentropy", [[1, 1]], np.ones((1, 1, 3))),
            ValueError,
            r"`y_true`.*\(1, 1\).*\(1, 2\)",
        ),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()
