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


def array(tensor):
    """Return a tensor's values as a NumPy array."""
    return np.asarray(keras.ops.convert_to_numpy(tensor) if hasattr(keras, "ops") else tensor)


def mask_of(tensor):
    """Return the mask that Keras attached to a tensor as an array, or `None`."""
    mask = getattr(tensor, "_keras_mask", None)
    return None if mask is None else array(mask)
