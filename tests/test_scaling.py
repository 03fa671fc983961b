"""Weights of steps against Keras and one big batch; processes that end, one way or another."""

import json
import os
import signal
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.pictures_scaling import draw_gaps, draw_weights
from course_lib.scaling import (
    free_addresses,
    run_workers,
    token_weights,
    weights_of_means,
)
from tests.needs import keras

tf = pytest.importorskip("tensorflow")
MASK = np.arange(3) < np.array([3, 2, 1, 1])[:, None]


@st.composite
def splits(draw):
    """Return a mask and in how many parts it is cut; rows and parts may be all padding."""
    parts = draw(st.sampled_from([1, 2, 4]))
    rows = parts * draw(st.integers(1, 3))
    steps = draw(st.integers(1, 5))
    lengths = draw(st.lists(st.integers(0, steps), min_size=rows, max_size=rows))
    return np.arange(steps) < np.array(lengths)[:, None], parts


def loss_of(values, mask, parts, weights):
    """Return the sum of the parts' losses, each a sum over its own rows, by Keras."""
    total = 0.0
    for value, real, weight in zip(
        *(np.split(a, parts) for a in (values, mask, weights)), strict=True
    ):
        y_pred = tf.constant(value[..., None], tf.float32)
        y_pred._keras_mask = tf.constant(real)
        loss = keras.losses.MeanSquaredError(reduction="sum")
        total += float(loss(np.zeros((*value.shape, 1), "float32"), y_pred, weight))
    return total


def one_loss(values, mask):
    y_pred = tf.constant(values[..., None], tf.float32)
    y_pred._keras_mask = tf.constant(mask)
    return float(keras.losses.MeanSquaredError()(np.zeros((*values.shape, 1), "float32"), y_pred))


class TestWeights:
    @settings(max_examples=100, deadline=None)
    @given(splits(), st.integers(0, 99))
    def test_parts_are_one_big_batch(self, split, seed):
        mask, parts = split
        steps = np.random.default_rng(seed).normal(size=(*mask.shape, 3))
        weights = token_weights(mask)
        cut = zip(np.split(steps, parts), np.split(weights, parts), strict=True)
        found = sum((part * weight[..., None]).sum((0, 1)) for part, weight in cut)
        real = steps[mask]
        wanted = real.mean(axis=0) if len(real) else np.zeros(3)
        assert np.allclose(found, wanted, atol=1e-5)
        of_micro = token_weights(mask, parts)
        assert np.allclose(of_micro, parts * weights)
        assert weights.dtype == np.float32

    @settings(max_examples=100, deadline=None)
    @given(splits())
    def test_means_of_means(self, split):
        mask, parts = split
        values = np.arange(1.0, mask.size + 1).reshape(mask.shape)
        cut = zip(np.split(values, parts), np.split(mask, parts), strict=True)
        means = [part[real].mean() if real.any() else 0.0 for part, real in cut]
        assert np.isclose((weights_of_means(mask, parts) * values).sum(), np.mean(means))

    @settings(max_examples=10, deadline=None)
    @given(splits(), st.integers(0, 99))
    def test_keras_agrees(self, split, seed):
        mask, parts = split
        values = np.random.default_rng(seed).normal(size=mask.shape)
        fixed = loss_of(values, mask, parts, token_weights(mask))
        assert np.isclose(fixed, one_loss(values, mask), atol=1e-5)

    @settings(max_examples=10, deadline=None)
    @given(splits(), st.integers(0, 99))
    def test_gradients_of_keras_agree(self, split, seed):
        mask, parts = split
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(*mask.shape, 2)).astype("float32")
        kernel = tf.Variable(rng.normal(size=(2, 1)).astype("float32"))

        def gradient(reduction, rows, weights=None):
            with tf.GradientTape() as tape:
                y_pred = tf.matmul(x[rows], tf.tile(kernel[None], (len(x[rows]), 1, 1)))
                y_pred._keras_mask = tf.constant(mask[rows])
                loss = keras.losses.MeanSquaredError(reduction=reduction)
                value = loss(np.ones(y_pred.shape, "float32"), y_pred, weights)
            return tape.gradient(value, kernel).numpy()

        size, weights = len(mask) // parts, token_weights(mask)
        cuts = [slice(size * part, size * (part + 1)) for part in range(parts)]
        found = sum(gradient("sum", rows, weights[rows]) for rows in cuts)
        assert np.allclose(found, gradient("sum_over_batch_size", slice(None)), atol=1e-5)

    def test_by_hand(self):
        assert weights_of_means(MASK, 2)[:, 0].tolist() == [0.1, 0.1, 0.25, 0.25]
        assert np.allclose(token_weights(MASK)[MASK], 1 / 7)
        assert not token_weights(np.zeros((2, 2), bool)).any()

    @pytest.mark.parametrize(
        ("call", "error", "words"),
        [
            (lambda: weights_of_means(MASK, 3), ValueError, "`parts` must divide the 4 rows .*3"),
            (lambda: weights_of_means(MASK, 0), ValueError, "`parts` must be at least 1, got 0"),
            (lambda: weights_of_means(MASK * 1, 2), TypeError, "`mask` must be bool"),
            (lambda: token_weights(MASK, 1.5), TypeError, "`micro_batches` must be an integer"),
            (lambda: token_weights(MASK[0]), ValueError, r"`mask` must have shape \(B, T\)"),
            (lambda: run_workers(print), TypeError, "`code` must be a string"),
            (lambda: run_workers("", 0), ValueError, "`workers` must be at least 1, got 0"),
            (lambda: run_workers("", 1, 0), ValueError, "`seconds` must be at least 1, got 0"),
        ],
    )
    def test_bad_input(self, call, error, words):
        with pytest.raises(error, match=words):
            call()


NOTE = "import os, pathlib, sys\npathlib.Path({folder!r}, str(os.getpid())).touch()\n"
INDEX = "import json, os\nindex = json.loads(os.environ['TF_CONFIG'])['task']['index']\n"


def gone(folder):
    """Whether all processes that left a note there have ended."""
    pids = [int(path.name) for path in folder.iterdir()]
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    return len(pids)


class TestWorkers:
    def test_each_knows_all_and_itself(self):
        told = [json.loads(text) for text in run_workers(INDEX + "print(os.environ['TF_CONFIG'])")]
        assert [one["task"] for one in told] == [{"type": "worker", "index": i} for i in range(2)]
        first, second = (one["cluster"]["worker"] for one in told)
        assert first == second == sorted(set(first), key=first.index)
        assert all(address.startswith("127.0.0.1:") for address in first)

    def test_free_addresses_differ(self):
        assert len(set(free_addresses(8))) == 8

    def test_one_is_killed(self, tmp_path):
        code = NOTE.format(folder=str(tmp_path)) + INDEX
        # The second waits until the first has left its note, and is killed.
        code += (
            "import signal, time\n"
            f"while len(os.listdir({str(tmp_path)!r})) < 2: time.sleep(0.01)\n"
            f"if index: os.kill(os.getpid(), {int(signal.SIGKILL)})\ntime.sleep(60)"
        )
        started = time.monotonic()
        with pytest.raises(RuntimeError, match="worker 1 of 2 was killed by signal 9, and the oth"):
            run_workers(code)
        assert time.monotonic() - started < 30
        assert gone(tmp_path) == 2

    def test_one_fails(self):
        code = INDEX + "if index == 0: raise OSError('no memory')\nimport time\ntime.sleep(60)"
        with pytest.raises(RuntimeError, match=r"worker 0 of 2 ended with status 1.*no memory"):
            run_workers(code)

    def test_time_is_up(self, tmp_path):
        code = NOTE.format(folder=str(tmp_path)) + "import time\ntime.sleep(60)"
        with pytest.raises(TimeoutError, match="worker 0 of 2 was still running after 2 s"):
            run_workers(code, seconds=2)
        gone(tmp_path)


class TestPictures:
    def test_weights(self):
        picture = draw_weights(weights_of_means(MASK, 2), MASK, [["a"] * 3] * 4, "Two")
        assert picture.alt == (
            "Two: Row 0: 3 real steps, weight × 1 each. Row 1: 2 real steps, weight × 1 each. "
            "Row 2: 1 real step, weight × 2.5. Row 3: 1 real step, weight × 2.5."
        )
        texts = [text.get_text() for text in picture.figure.axes[0].texts]
        assert texts == ["a\n× 1"] * 5 + ["a\n× 2.5"] * 2
        uneven = draw_weights([[1.0, 2.0], [0, 0]], np.array([[True] * 2, [False] * 2]))
        assert uneven.alt == ("Row 0: 2 real steps, weights from × 1 to × 2. Row 1: all padding.")

    def test_gaps(self):
        picture = draw_gaps([[0, 0.25]], [2], ["a", "b"], "Far", "steps", "replicas")
        assert picture.alt == "Far: steps: a, b. replicas 2: 0%, 25%."
        texts = [text.get_text() for text in picture.figure.axes[0].texts]
        assert texts == ["0%", "25%"]

    @pytest.mark.parametrize(
        ("call", "words"),
        [
            (lambda: draw_weights([[1.0]], MASK), "`weights` must have the mask's shape"),
            (lambda: draw_weights(np.zeros((4, 3)), MASK), "`weights` must be positive"),
            (lambda: draw_weights(MASK * 1.0, ~MASK & MASK), "`mask` must have at least one real"),
            (lambda: draw_gaps([[-1]], "a", "b"), "`gaps` must be at least 0"),
            (lambda: draw_gaps([[1]], "ab", "b"), "`rows` must name 1"),
        ],
    )
    def test_bad_input(self, call, words):
        with pytest.raises(ValueError, match=words):
            call()
