"""What is JAX's own: `make backends` runs this, and `make test` skips it.

Lesson 09 says of `keras.distribution` what is asked here; docs/backends.md says why tests of the
carry-over fail on JAX.
"""

import os
import subprocess
import sys

import numpy as np
import pytest

from tests.needs import keras

pytestmark = pytest.mark.skipif(keras.backend.backend() != "jax", reason="about JAX")

# Devices are cut before JAX starts, so each number of them needs a process of its own.
TRAINING = """
import sys
import keras
import numpy as np

devices = keras.distribution.list_devices()[: int(sys.argv[1])]
assert len(devices) == int(sys.argv[1])
keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices))
rng = np.random.default_rng(0)
ids = np.where(np.arange(8) < np.array([[8], [7], [2], [1]]), rng.integers(1, 20, (4, 8)), 0)
targets = rng.normal(size=(4, 8, 1))
keras.utils.set_random_seed(0)
model = keras.Sequential([keras.layers.Embedding(20, 4, mask_zero=True), keras.layers.Dense(1)])
model.compile(keras.optimizers.SGD(0.1), "mse")
log = model.fit(ids, targets, batch_size=4, epochs=3, shuffle=False, verbose=0).history["loss"]
print(*log, *np.concatenate([weight.ravel() for weight in model.get_weights()]))
"""


def trained_on(devices):
    settings = {"XLA_FLAGS": "--xla_force_host_platform_device_count=4"}
    command = [sys.executable, "-c", TRAINING, str(devices)]
    ran = subprocess.run(
        command, env=os.environ | settings, capture_output=True, text=True, timeout=300
    )
    assert ran.returncode == 0, ran.stderr
    return np.array(ran.stdout.split(), float)


@pytest.mark.parametrize("devices", [2, 4])
def test_data_parallel_gives_the_loss_and_weights_of_one_device(devices):
    assert np.abs(trained_on(devices) - trained_on(1)).max() < 1e-6


def test_before_the_first_real_step_the_output_is_the_initial_state():
    lstm = keras.layers.LSTM(2, return_sequences=True)
    mask = np.array([[False, False, True, False]])
    h, c = np.array([[0.5, -0.25]]), np.array([[1.0, 2.0]])
    output = lstm(np.ones((1, 4, 3)), mask=mask, initial_state=[h, c])[0]
    assert np.allclose(output[:2], h)  # TensorFlow gives zeros
    assert np.array_equal(output[3], output[2])
    assert not np.allclose(output[2], h)
