"""What the tests of claims share: which Keras they ask, and the number that each carries.

The claims are asked of more than one version of Keras, so they take `keras` from here and no
TensorFlow by name. `CLAIMS_KERAS=tf_keras` asks Keras 2.
"""

import importlib
import os

import numpy as np
import pytest

keras = importlib.import_module(os.environ.get("CLAIMS_KERAS", "keras"))


def claim(number, sentence):
    """Mark a test as the proof of a lesson's numbered sentence."""
    return pytest.mark.claim(number, sentence)


def no_such_thing(reason):
    """End a test of a claim that has no meaning under the Keras that is asked."""
    pytest.skip(f"no such thing: {reason}")


def got_with(version, what):
    """End the test if the Keras that is asked is older than `version`, the first to have `what`."""
    if release(keras.__version__) < release(version):
        no_such_thing(f"{what} came with Keras {version}")


def release(version):
    """Return (major, minor) of a version, so that 3.9 is older than 3.10."""
    return tuple(int(part) for part in version.split(".")[:2])


def tensor(values):
    """Return values as a tensor. Keras 2 has no `keras.ops`, and TensorFlow's tensors alone."""
    if hasattr(keras, "ops"):
        return keras.ops.convert_to_tensor(values)
    return importlib.import_module("tensorflow").convert_to_tensor(values)


def mean(values, axis=None):
    """Return the mean of a tensor, in the words of the Keras that is asked."""
    return (keras.ops if hasattr(keras, "ops") else keras.backend).mean(values, axis=axis)


def array(tensor):
    """Return a tensor's values as a NumPy array."""
    return np.asarray(keras.ops.convert_to_numpy(tensor) if hasattr(keras, "ops") else tensor)


def mask_of(tensor):
    """Return the mask that Keras attached to a tensor as an array, or `None`."""
    mask = getattr(tensor, "_keras_mask", None)
    return None if mask is None else array(mask)
