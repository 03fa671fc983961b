"""Read: what is asked, checked; every refusal names the argument."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from course_lib._arguments import as_layer
from course_lib._inputs import as_nest, complete_mask, read_inputs, read_mask
from course_lib._keras_private import layers_of


@dataclass(frozen=True, eq=False)
class Request:
    """What is audited.

    Attributes:
        model: the model or layer.
        x: the inputs, in the user's form.
        y: the targets.
        sample_weight: their weights.
        mask: the masks, in the form of `x`, or `None`.
        pass_mask: True if they go to the model's call, `None` if the kind of model decides.
        leaves: the inputs as arrays, as `fit` casts them.
        masks: a bool array or `None` for each of these; `None` if there is no mask at all.
        bare: for each leaf, True if `mask` has `None` for it: it is no sequence of its own.
    """

    model: Any
    x: Any
    y: Any
    sample_weight: Any
    mask: Any
    pass_mask: bool | None
    leaves: list
    masks: list | None
    bare: list


def read(model, x, y, sample_weight, mask, pass_mask):
    """Return the `Request`, or raise an error that says what is wrong with an argument."""
    model = as_layer(model, "model", by="audit", since="3.8")
    _check_preprocessor(model, x)
    leaves = [as_fit_casts(leaf) for leaf in read_inputs(x, _reads_strings(model))]
    given = as_nest(mask)
    mask = complete_mask(given, x)
    masks = read_mask(mask, leaves)
    bare = _bare(given, mask, leaves)
    return Request(model, x, y, sample_weight, mask, pass_mask, leaves, masks, bare)


def _bare(given, mask, leaves):
    """Return for each leaf if `None` is written for it; a dict that leaves it out says nothing."""
    import keras

    if not isinstance(mask, (list, tuple, dict)):
        return [False] * len(leaves)
    if isinstance(given, dict) and isinstance(mask, dict):
        mask = {key: False if key not in given else one for key, one in mask.items()}
    return [one is None for one in keras.tree.flatten(mask)]


def as_fit_casts(array):
    """Return doubles as `fit` would hand them to the model, other arrays as they are."""
    import keras

    return array.astype(keras.config.floatx()) if array.dtype == np.float64 else array


def _reads_strings(model):
    """Return True for a model that makes ids of strings itself."""
    import keras

    if any(str(one.dtype) == "string" for one in getattr(model, "inputs", None) or []):
        return True
    kinds = (keras.layers.TextVectorization, keras.layers.StringLookup, keras.layers.Hashing)
    return any(isinstance(layer, kinds) for layer in layers_of(model))


def _check_preprocessor(model, x):
    import keras

    leaves = keras.tree.flatten(x)
    strings = any(np.asarray(leaf).dtype.kind in "SU" for leaf in leaves)
    if strings and getattr(model, "preprocessor", None) is not None:
        raise TypeError(
            "`x` must hold numbers, got strings; this model has a preprocessor, so pass what it "
            "makes of them: `model.preprocessor(x)`"
        )
