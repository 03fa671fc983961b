"""On every path of attention, a row in a padded batch gets what it gets alone."""

import numpy as np
import pytest

from tests.needs import keras
from tests.paths.alone import ANYWHERE, BEHIND, Path, X, check

tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
layers = keras.layers


def near(options):
    """Half precision keeps three digits."""
    return 1e-2 if options.get("dtype") == "mixed_float16" else 1e-5


def dot(kind="Attention", mask=ANYWHERE, more=None, **options):
    layer = getattr(layers, kind)(**options)

    def call(x, mask):
        masks = None if mask is None else [mask, mask]
        return layer([x, x], mask=masks, **(more or {}))

    return Path(call, True, mask=mask, near=near(options))


def heads(kind="MultiHeadAttention", mask=ANYWHERE, name="value_mask", scores=False, **options):
    own = {key: options.pop(key) for key in ("use_causal_mask",) if key in options}
    sizes = (2, 3) if kind == "MultiHeadAttention" else (3, 2, 1)
    layer = getattr(layers, kind)(*sizes, **options)

    def call(x, mask):
        given = {} if mask is None or name is None else {name: mask}
        out = layer(x, x, return_attention_scores=scores, **given, **own)
        return out[0] if scores else out

    return Path(call, True, mask=mask, near=near(options))


def pairs():
    """`GroupQueryAttention` whose mask of pairs forbids what the mask of the value allows."""
    layer = layers.GroupQueryAttention(3, 2, 1)

    def call(x, mask):
        every = tf.ones(x.shape[:2], bool)
        allowed = every if mask is None else mask
        return layer(x, x, attention_mask=allowed[:, None], value_mask=every)

    return Path(call, True)


keras.utils.set_random_seed(0)
GROUP = {"kind": "GroupQueryAttention"}
PATHS = {
    "attention causal": dot(more={"use_causal_mask": True}),
    "additive causal": dot("AdditiveAttention", more={"use_causal_mask": True}),
    "heads": heads(),
    "heads causal alone": heads(mask=BEHIND, name=None, use_causal_mask=True),
    "heads window": heads(mask=BEHIND, sliding_window=3),
    "groups key": heads(name="key_mask", **GROUP),
    "groups scores": heads(scores=True, **GROUP),
    "groups causal": heads(mask=BEHIND, name="query_mask", use_causal_mask=True, **GROUP),
    "groups causal alone": heads(mask=BEHIND, name=None, use_causal_mask=True, **GROUP),
    "groups window": heads(mask=BEHIND, sliding_window=3, **GROUP),
    "groups pairs": pairs(),
    "attention half": dot(dtype="mixed_float16"),
    "heads scores half": heads(scores=True, dtype="mixed_float16"),
}


@pytest.mark.parametrize("name", PATHS)
def test_outputs_and_gradients(name):
    check(PATHS[name])


@pytest.mark.parametrize("kind", ["Attention", "AdditiveAttention"])
def test_in_half_precision_a_row_of_padding_is_finite(kind):
    x, nothing = tf.constant(X), tf.zeros((3, 5), bool)
    layer = getattr(layers, kind)(dtype="mixed_float16")
    with tf.GradientTape() as tape:
        tape.watch(x)
        out = layer([x, x], mask=[None, nothing])
        total = tf.reduce_sum(tf.cast(out, "float32"))
    assert np.isfinite(out).all()
    assert np.isfinite(tape.gradient(total, x)).all()
