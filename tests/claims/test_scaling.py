"""The claims of lesson 09. Devices must be there before TensorFlow starts: in own processes.

`tests/claims/_scaling_worker.py` is the code of those processes; it prints JSON, which is compared
here with NumPy and with one big batch.
"""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from course_lib.scaling import run_workers, token_weights, weights_of_means
from tests.claims import _scaling_worker as scaling_worker
from tests.claims.support import array, claim, got_with, keras, no_such_thing, tensor

CODE = Path(scaling_worker.__file__).read_text()
IDS, TARGETS = scaling_worker.IDS, scaling_worker.TARGETS
MASK = IDS != 0
SECONDS = 240


@pytest.fixture(scope="module")
def devices():
    """Start both kinds of processes at once; return what the one with four devices found."""
    settings = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "2"}
    done = subprocess.run(
        [sys.executable, "-c", CODE + "\non_devices()\n"],
        env=settings,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.strip().splitlines()[-1])


@pytest.fixture(scope="module")
def workers():
    if keras.__name__ == "tf_keras":
        no_such_thing("the worker's loop is written for Keras 3")
    printed = run_workers(CODE + "\non_workers()\n", seconds=SECONDS)
    return [json.loads(lines.splitlines()[-1]) for lines in printed]


def squares(ids=IDS, targets=TARGETS):
    """Return the losses of the steps under the first weights, by NumPy."""
    table, kernel, bias = (np.array(one) for one in scaling_worker.WEIGHTS)
    return np.square(table[ids] @ kernel + bias - targets)[..., 0]


def expected(weights, ids=IDS, targets=TARGETS):
    """Return loss and gradients of kernel and bias for these weights of steps, by NumPy."""
    table, kernel, bias = (np.array(one, float) for one in scaling_worker.WEIGHTS)
    errors = 2 * (table[ids] @ kernel + bias - targets)[..., 0] * weights
    of_kernel = (errors[..., None] * table[ids]).sum((0, 1))
    return [(squares(ids, targets) * weights).sum(), *of_kernel, errors.sum()]


def one_batch(ids=IDS, targets=TARGETS):
    mask = ids != 0
    return expected(mask / mask.sum(), ids, targets)


def largest_difference(splits, way):
    """Return by how much a way of the fix misses one big batch at most, over random batches."""
    gaps = []
    for ids, targets, results in splits:
        wanted = one_batch(np.array(ids), np.array(targets))
        gaps.append(np.abs(np.subtract(results[way], wanted)).max())
    return max(gaps)


def close(found, wanted):
    return np.allclose(found, wanted, atol=1e-5)


@claim("9.1", "On several replicas, `fit` reports the mean of the replicas' masked means.")
def test_the_log_of_replicas(devices):
    for count in (1, 2, 4):
        loss = devices[f"fit {count}"][0]
        parts = zip(np.split(squares(), count), np.split(MASK, count), strict=True)
        assert np.isclose(loss, np.mean([part[real].mean() for part, real in parts]), atol=1e-5)
    assert abs(devices["fit 2"][0] - devices["fit 1"][0]) > 1e-3


def weights_by_keras(mask, parts):
    """Return what each step weighs in the mean of the parts' losses: nudge one after the other."""
    weights = np.zeros(mask.shape)
    for row, step in np.argwhere(mask):
        losses = []
        part = row // (len(mask) // parts)
        for index, real in enumerate(np.split(mask, parts)):
            prediction = np.zeros((*real.shape, 1), "float32")
            if index == part:
                prediction[row % len(real), step] = 1
            y_pred = tensor(prediction)
            y_pred._keras_mask = tensor(real)
            loss = keras.losses.MeanSquaredError()(np.zeros(prediction.shape, "float32"), y_pred)
            losses.append(float(array(loss)))
        weights[row, step] = np.mean(losses)
    return weights


@claim("9.2", "The fewer real steps a replica has, the more each of them weighs.")
def test_weights():
    for parts in (1, 2, 4):
        weights = weights_by_keras(MASK, parts)
        assert np.allclose(weights, weights_of_means(MASK, parts))
        steps = np.repeat([part.sum() for part in np.split(MASK, parts)], len(MASK) // parts)
        heaviest = [weights[row].max() for row in np.argsort(-steps, kind="stable")]
        assert all(a <= b + 1e-7 for a, b in itertools.pairwise(heaviest))


@claim(
    "9.3",
    "The gradients on several replicas are those of the mean of the replicas' masked means.",
)
def test_the_gradients_of_replicas(devices):
    for count in (1, 2, 4):
        assert close(devices[f"fit {count}"], expected(weights_of_means(MASK, count)))
    assert not close(devices["fit 2"], one_batch())


@claim("9.4", "`gradient_accumulation_steps` takes the mean of the micro-batches' masked means.")
def test_micro_batches(devices):
    got_with("3.1", "gradient_accumulation_steps")
    assert close(devices["micro"], expected(weights_of_means(MASK, 2)))
    assert not close(devices["micro"], one_batch())


@claim("9.5", "If all replicas have the same number of real steps, nothing changes.")
def test_same_counts():
    same = np.array([[1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 0], [1, 1, 0, 0]], bool)
    assert np.allclose(weights_by_keras(same, 2), same / same.sum())
    assert not np.allclose(weights_by_keras(same, 4), same / same.sum())


@claim("9.6", "No order of a batch's rows makes the weights more unequal than sorting by length.")
def test_sorting_is_worst():
    lengths = np.array([1, 2, 3, 5, 5, 6])

    def unequal(order):
        mask = np.arange(6) < np.array(order)[:, None]
        weights = weights_by_keras(mask, 3)[mask]
        return weights.max() / weights.min()

    some = [np.random.default_rng(seed).permutation(lengths) for seed in range(8)]
    assert max(map(unequal, some)) <= unequal(lengths) + 1e-5
    every = (np.arange(6) < np.array(order)[:, None] for order in itertools.permutations(lengths))
    by_count = [np.sum(mask.reshape(3, -1), axis=1) for mask in every]
    sorted_counts = np.array([3, 8, 11])
    assert max(max(count) / min(count) for count in by_count) == max(sorted_counts) / 3


@claim(
    "9.7",
    'With `reduction="sum"` and weights of 1 over the real steps of the whole batch, `fit` on '
    "replicas gives the loss and the gradients of one big batch.",
)
def test_the_fix_for_fit(devices):
    for count in (1, 2, 4):
        assert close(devices[f"fixed {count}"], one_batch())
        assert largest_difference(devices["splits"], f"fit {count}") < 1e-5


@claim(
    "9.8",
    "With these weights times the number of micro-batches, `gradient_accumulation_steps` gives "
    "the loss and the gradients of one big batch.",
)
def test_the_fix_for_micro_batches(devices):
    got_with("3.1", "gradient_accumulation_steps")
    assert close(devices["micro fixed"], one_batch())
    assert largest_difference(devices["splits"], "fit micro") < 1e-5


@claim(
    "9.9",
    "A sum of losses over the number of real steps on all replicas gives a custom loop the loss "
    "and the gradients of one big batch.",
)
def test_the_fix_for_a_loop(devices):
    for count in (1, 2, 4):
        assert close(devices[f"loop {count}"], one_batch())
        assert largest_difference(devices["splits"], f"loop {count}") < 1e-5


@claim("9.10", "Two workers with this loop get the loss of one device.")
def test_two_workers(workers):
    assert len(workers) == 2
    for worker in workers:
        assert close(worker["loop"], one_batch())
        assert largest_difference(worker["splits"], "loop") < 1e-5


@claim("9.11", "`fit` of Keras 3 fails under `MultiWorkerMirroredStrategy`.")
def test_fit_on_two_workers(workers):
    assert [worker["fit"] for worker in workers] == ["ValueError PerReplica"] * 2


@claim(
    "9.12",
    "With the fix, a batch in parts gives the loss and the gradients of its rows alone, weighted "
    "by their real steps.",
)
def test_rows_alone(devices):
    alone = np.sum(devices["alone"], axis=0)
    for count in (1, 2, 4):
        assert close(devices[f"fixed {count}"], alone)
    assert np.allclose(token_weights(MASK).sum(), 1)
