"""On every path, losses and metrics are those of the real steps."""

import numpy as np
import pytest

from tests.needs import keras
from tests.paths.alone import with_mask

tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")

RNG = np.random.default_rng(0)
MASK = np.array([[1, 1, 1, 0, 0], [0, 1, 1, 1, 1], [1, 0, 1, 1, 0]], dtype=bool)
IDS = np.where(MASK, np.arange(1, 6), 0)
LABELS = np.array([[0, 1, 2, 1, 1], [2, 2, 0, 3, 1], [1, 1, 0, 3, 2]])
SCORES = RNG.normal(size=(3, 5, 4)).astype("float32")
WEIGHTS = RNG.uniform(1, 5, size=(3, 5)).astype("float32")


def masked(values):
    return with_mask(values, MASK)


def crossentropies():
    """Return the loss of each step by NumPy."""
    logs = SCORES - np.log(np.exp(SCORES).sum(axis=-1, keepdims=True))
    return -np.take_along_axis(logs, LABELS[..., None], -1)[..., 0]


def test_errors_in_half_precision_are_squared_in_single():
    # 300 squared is 90 000, and half precision ends at 65 504.
    far = np.full((3, 5, 1), 300, "float16")
    loss = keras.losses.MeanSquaredError()(np.zeros((3, 5, 1), "float32"), masked(far))
    assert np.isclose(loss, 90_000)


@pytest.mark.parametrize("reduction", ["mean", "sum_over_batch_size"])
def test_both_names_of_the_mean_divide_by_the_real_steps(reduction):
    targets = np.zeros_like(SCORES)
    loss = keras.losses.MeanSquaredError(reduction=reduction)(targets, masked(SCORES))
    assert np.isclose(loss, np.square(SCORES).mean(axis=-1)[MASK].mean())


def test_without_a_mask_an_ignored_class_is_left_out_of_the_divisor():
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0)
    assert np.isclose(loss(LABELS, tf.constant(SCORES)), crossentropies()[LABELS != 0].mean())


def test_a_metric_leaves_out_padding_and_the_ignored_class():
    metric = keras.metrics.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0)
    metric.update_state(LABELS, masked(SCORES))
    assert np.isclose(metric.result(), crossentropies()[MASK & (LABELS != 0)].mean())


def test_a_weighted_metric_beside_a_mask():
    metric = keras.metrics.SparseCategoricalAccuracy()
    metric.update_state(LABELS, masked(SCORES), sample_weight=WEIGHTS)
    right = SCORES.argmax(axis=-1) == LABELS
    assert np.isclose(metric.result(), np.average(right[MASK], weights=WEIGHTS[MASK]))


def model(outputs):
    """Return a model whose outputs have one number for each step of `IDS`."""
    keras.utils.set_random_seed(0)
    ids = keras.Input((5,))
    x = keras.layers.Embedding(9, 4, mask_zero=True)(ids)
    made = [keras.layers.Dense(1)(x) for _ in range(outputs)]
    return keras.Model(ids, made if outputs > 1 else made[0])


def test_each_output_has_its_own_mask():
    network = model(2)
    network.compile(loss=["mse", "mse"], loss_weights=[1, 3], run_eagerly=True)
    one, other = (np.square(np.asarray(out))[MASK].mean() for out in network(IDS))
    loss = network.evaluate(IDS, [np.zeros((3, 5, 1))] * 2, verbose=0, return_dict=True)["loss"]
    assert np.isclose(loss, one + 3 * other, rtol=1e-5)


@pytest.mark.parametrize(
    "way",
    [{"run_eagerly": True}, {"jit_compile": False}, {"jit_compile": True}],
    ids=["eager", "graph", "compiled"],
)
def test_a_step_of_training(way):
    network = model(1)
    network.compile(keras.optimizers.SGD(1.0), "mse", weighted_metrics=["mae"], **way)
    dense = network.layers[-1]
    out, bias = np.asarray(network(IDS))[..., 0], dense.get_weights()[1]
    loss, error = network.train_on_batch(IDS, np.zeros((3, 5, 1)), sample_weight=WEIGHTS)
    assert np.isclose(loss, (np.square(out) * WEIGHTS)[MASK].sum() / MASK.sum(), rtol=1e-5)
    assert np.isclose(error, np.average(np.abs(out)[MASK], weights=WEIGHTS[MASK]), rtol=1e-5)
    moved = 2 * (out * WEIGHTS)[MASK].sum() / MASK.sum()
    assert np.allclose(bias - dense.get_weights()[1], moved, rtol=1e-4)
