"""What the tests of paths share: the solo test of outputs and gradients, and masks on tensors."""

from typing import Any, NamedTuple

import numpy as np
import pytest

from tests.needs import keras

tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")

# Padding behind, in front and between.
ANYWHERE = np.array([[1, 1, 1, 0, 0], [0, 0, 1, 1, 1], [1, 0, 1, 1, 0]], dtype=bool)
BEHIND = np.arange(5) < np.array([3, 2, 5])[:, None]
X = np.random.default_rng(0).normal(size=(3, 5, 4)).astype("float32")


class Path(NamedTuple):
    """A way to compute: `call(x, mask)`, and whether its outputs have a time axis."""

    call: Any
    steps: bool = False
    x: Any = X
    mask: Any = ANYWHERE
    near: float = 1e-5


def answers(path, x, mask, pulls=None):
    """Return the outputs, how hard each of their numbers pulls, and the gradient of the input."""
    x = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(x)
        outputs = [tf.cast(one, "float32") for one in tf.nest.flatten(path.call(x, mask))]
        if pulls is None:
            pulls = [np.random.default_rng(2).normal(size=one.shape) for one in outputs]
            real = mask[(...,) + (None,) * (len(outputs[0].shape) - 2)] if path.steps else 1
            pulls = [(pull * real).astype("float32") for pull in pulls]
        total = tf.add_n([tf.reduce_sum(o * p) for o, p in zip(outputs, pulls, strict=True)])
    return [one.numpy() for one in outputs], pulls, tape.gradient(total, x).numpy()


def check(path):
    """Assert that each row gets what it gets alone, and that padding gets no gradient."""
    outputs, pulls, gradient = answers(path, path.x, path.mask)
    assert not gradient[~path.mask].any()
    for row, real in enumerate(path.mask):
        kept = (slice(row, row + 1), real) if path.steps else slice(row, row + 1)
        own = answers(path, path.x[row : row + 1, real], None, [pull[kept] for pull in pulls])
        for together, alone in zip(outputs, own[0], strict=True):
            assert np.allclose(together[kept], alone, atol=path.near), f"outputs of row {row}"
        assert np.allclose(gradient[row, real], own[2][0], atol=path.near), f"gradient of row {row}"


def with_mask(values, mask):
    """Return a tensor that carries a mask, as a layer would put it out."""
    tensor = tf.constant(values)
    tensor._keras_mask = tf.constant(mask)
    return tensor


def mask_of(tensor):
    """Return the mask that a tensor carries, or `None`."""
    mask = getattr(tensor, "_keras_mask", None)
    return None if mask is None else np.asarray(mask)


class Spy(keras.layers.Layer):
    """Puts out its mask as numbers, one a step."""

    def __init__(self):
        super().__init__()
        self.supports_masking = True

    def call(self, x, mask=None):
        return x[..., 0] * 0 + (-1.0 if mask is None else tf.cast(mask, "float32"))
