"""The claims of lesson 05. A masked output is made by attaching a mask, as a layer would."""

import numpy as np
import pytest

from tests.claims.support import array, claim, got_with, keras, mean, release, tensor

RNG = np.random.default_rng(5)
LENGTHS = np.array([5, 2, 3, 1])
MASK = np.arange(5) < LENGTHS[:, None]
Y_TRUE = RNG.integers(2, size=(4, 5, 3)).astype("float32")
Y_PRED = RNG.uniform(0.1, 0.9, size=(4, 5, 3)).astype("float32")
# The same targets with the padded ones turned over.
SPOILED = np.where(MASK[..., None], Y_TRUE, 1 - Y_TRUE)
SQUARES = np.square(Y_TRUE - Y_PRED).mean(axis=-1)


def masked(values=Y_PRED, mask=MASK):
    result = tensor(values)
    result._keras_mask = tensor(mask)
    return result


def mse(y_true=Y_TRUE, y_pred=None, sample_weight=None, reduction="sum_over_batch_size"):
    loss = keras.losses.MeanSquaredError(reduction=reduction)
    y_pred = masked() if y_pred is None else y_pred
    return array(loss(y_true, y_pred, sample_weight=sample_weight))


def model(raw=False):
    keras.utils.set_random_seed(3)
    ids = keras.Input((None,))
    outputs = keras.layers.Dense(3)(keras.layers.Embedding(9, 4, mask_zero=True)(ids))
    return keras.Model(ids, outputs * 1.0 if raw else outputs)


def evaluate(network, targets, loss="mse"):
    ids = np.where(MASK, np.arange(1, 6), 0)
    network.compile(loss=loss, run_eagerly=True)
    return network.evaluate(ids, targets, verbose=0), array(network(ids))


@claim(
    "5.1",
    "If a loss has one number per step, a masked output's loss is the mean over its real steps.",
)
def test_mean_over_real_steps():
    reported, predicted = evaluate(model(), Y_TRUE)
    squares = np.square(predicted - Y_TRUE).mean(axis=-1)
    assert np.isclose(reported, squares[MASK].mean(), rtol=1e-6)
    assert not np.isclose(reported, squares.mean(), rtol=1e-2)


@claim("5.2", "Every real step weighs the same, whichever row it is in.")
def test_tokens_not_rows():
    # Raising the loss of one real step by 9/11 raises the loss by that over 11, wherever it is.
    for row, step in np.argwhere(MASK):
        prediction = Y_TRUE.copy()
        prediction[row, step] += 3
        assert np.isclose(mse(y_pred=masked(prediction)), 9 / MASK.sum())


@claim("5.3", '`reduction="sum"` adds the losses of the real steps only.')
def test_sum():
    assert np.isclose(mse(reduction="sum"), SQUARES[MASK].sum())


@claim("5.4", '`reduction="none"` returns 0 at padded steps.')
def test_none():
    assert np.allclose(mse(reduction="none"), np.where(MASK, SQUARES, 0))


@claim("5.5", "Finite targets at padded steps do not change a masked mean squared error.")
def test_padded_targets():
    network = model()
    assert evaluate(network, Y_TRUE)[0] == evaluate(network, SPOILED)[0]


@claim("5.6", "After a raw operation on the output, targets at padded steps change the loss.")
def test_raw_operation():
    network = model(raw=True)
    assert abs(evaluate(network, Y_TRUE)[0] - evaluate(network, SPOILED)[0]) > 1e-3


@claim("5.7", "The gradient of a masked loss is zero at padded steps.")
def test_gradient():
    tf = pytest.importorskip("tensorflow")
    y_pred = tf.constant(Y_PRED)
    with tf.GradientTape() as tape:
        tape.watch(y_pred)
        y_pred._keras_mask = tf.constant(MASK)
        loss = keras.losses.MeanSquaredError()(Y_TRUE, y_pred)
    gradient = tape.gradient(loss, y_pred).numpy()
    expected = 2 * (Y_PRED - Y_TRUE) / 3 / MASK.sum()
    assert np.allclose(gradient, np.where(MASK[..., None], expected, 0), atol=1e-7)


@claim("5.8", "`sample_weight` of shape `(B, 1)` weights rows.")
def test_row_weights():
    weights = RNG.uniform(1, 5, size=(4, 1))
    assert np.isclose(mse(sample_weight=weights), (SQUARES * weights)[MASK].sum() / MASK.sum())


@claim(
    "5.9",
    "On losses of shape `(B, T)` with B = T, `sample_weight` of shape `(B,)` weights time steps.",
)
def test_weights_of_one_axis():
    weights = np.array([5.0, 1.0, 2.0, 3.0])
    square, mask = SQUARES[:, :4], MASK[:, :4]
    loss = mse(Y_TRUE[:, :4], masked(Y_PRED[:, :4], mask), weights)
    assert np.isclose(loss, (square * weights[None, :])[mask].sum() / mask.sum())
    assert not np.isclose(loss, (square * weights[:, None])[mask].sum() / mask.sum(), rtol=1e-2)


@claim("5.10", "By default, a weighted masked loss is divided by the number of real steps.")
def test_default_divisor():
    weights = RNG.uniform(1, 5, size=(4, 5))
    assert np.isclose(mse(sample_weight=weights), (SQUARES * weights)[MASK].sum() / MASK.sum())


@claim(
    "5.11",
    'With `reduction="mean_with_sample_weight"`, it is divided by the sum of the weights of the '
    "real steps.",
)
def test_weighted_divisor():
    got_with("3.7", '`reduction="mean_with_sample_weight"`')
    weights = RNG.uniform(1, 5, size=(4, 5))
    loss = mse(sample_weight=weights, reduction="mean_with_sample_weight")
    assert np.isclose(loss, (SQUARES * weights)[MASK].sum() / weights[MASK].sum())


class Masked(keras.layers.Layer):
    """Puts out what came in, with the mask of this file."""

    def __init__(self):
        super().__init__()
        self.supports_masking = True

    def call(self, x):
        return x * 1.0

    def compute_mask(self, x, mask=None):
        return tensor(MASK)


def metric(name, y_true):
    """Return what `evaluate` reports, and see that a metric used by itself says the same."""
    network = keras.Sequential([Masked()])
    network.compile(loss="mse", metrics=[getattr(keras.metrics, name)()], run_eagerly=True)
    reported = network.evaluate(Y_PRED, y_true, verbose=0)[1]
    # In Keras 2, `compile` hands the mask over, and a metric by itself knows of none.
    if release(keras.__version__) >= release("3.0"):
        alone = getattr(keras.metrics, name)()
        alone.update_state(y_true, masked())
        assert np.isclose(float(alone.result()), reported)
    return reported


@claim("5.12", "`BinaryAccuracy` leaves padded steps out.")
def test_accuracy():
    right = (Y_PRED > 0.5) == (Y_TRUE > 0.5)
    assert np.isclose(metric("BinaryAccuracy", Y_TRUE), right[MASK].mean())
    assert not np.isclose(right[MASK].mean(), right.mean(), rtol=1e-2)


@claim("5.13", "`Precision` counts padded steps.")
def test_precision():
    chosen = Y_PRED > 0.5
    assert np.isclose(metric("Precision", Y_TRUE), Y_TRUE[chosen].mean())
    real = chosen & MASK[..., None]
    assert not np.isclose(Y_TRUE[real].mean(), Y_TRUE[chosen].mean(), rtol=1e-2)


@claim("5.14", "`RootMeanSquaredError` counts padded steps.")
def test_root_mean_squared_error():
    assert np.isclose(metric("RootMeanSquaredError", Y_TRUE), np.sqrt(SQUARES.mean()))
    assert not np.isclose(SQUARES.mean(), SQUARES[MASK].mean(), rtol=1e-2)


@claim("5.15", "A loss function that returns one number per step is masked.")
def test_own_loss_per_step():
    network = model()
    values = [
        evaluate(network, y, lambda t, p: mean(abs(t - p), axis=-1))[0] for y in (Y_TRUE, SPOILED)
    ]
    assert values[0] == values[1]


@claim("5.16", "A loss function that returns a single number is not masked.")
def test_own_loss_of_one_number():
    network = model()
    reported, predicted = evaluate(network, Y_TRUE, lambda t, p: mean(abs(t - p)))
    assert np.isclose(reported, np.abs(predicted - Y_TRUE).mean(), rtol=1e-5)


@claim("5.17", "The loss of a batch that is all padding is 0.")
def test_nothing_real():
    assert mse(y_pred=masked(mask=np.zeros_like(MASK))) == 0


@claim("5.18", "NaN in a target at a padded step makes the loss NaN.")
def test_nan():
    targets = Y_TRUE.copy()
    targets[3, 4, 0] = np.nan
    assert not MASK[3, 4]
    assert np.isnan(mse(targets))


@claim(
    "5.19",
    "The loss that `evaluate` reports weights each batch by its rows, not by its real steps.",
)
def test_several_batches():
    network = model()
    ids = np.where(MASK, np.arange(1, 6), 0)
    network.compile(loss="mse", run_eagerly=True)
    squares = np.square(array(network(ids)) - Y_TRUE).mean(axis=-1)
    for size in (1, 2, 3, 4):
        parts = [slice(start, start + size) for start in range(0, 4, size)]
        means = [squares[part][MASK[part]].mean() for part in parts]
        reported = network.evaluate(ids, Y_TRUE, batch_size=size, verbose=0)
        rows = [len(MASK[part]) for part in parts]
        assert np.isclose(reported, np.average(means, weights=rows), rtol=1e-5)
        assert np.isclose(reported, squares[MASK].mean(), rtol=1e-3) == (size == 4)


@claim(
    "5.20",
    "The loss of a padded batch is the loss of its rows alone, weighted by their real steps.",
)
def test_solo():
    network = model()
    ids = np.where(MASK, np.arange(1, 6), 0)
    reported = array(keras.losses.MeanSquaredError()(Y_TRUE, network(ids)))
    alone = [
        array(keras.losses.MeanSquaredError()(y[None, :n], network(row[None, :n])))
        for y, row, n in zip(Y_TRUE, ids, LENGTHS, strict=True)
    ]
    assert np.isclose(reported, np.dot(alone, LENGTHS) / LENGTHS.sum(), rtol=1e-5)
