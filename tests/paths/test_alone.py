"""On every path, a row in a padded batch gets the outputs and the gradients that it gets alone."""

from typing import Any, NamedTuple

import numpy as np
import pytest

from tests.needs import keras

tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
layers = keras.layers

# Padding behind, in front, between, and none.
ANYWHERE = np.array([[1, 1, 1, 0, 0], [0, 0, 1, 1, 1], [1, 0, 1, 1, 0], [1] * 5], dtype=bool)
BEHIND = np.arange(5) < np.array([3, 2, 5, 4])[:, None]
X = np.random.default_rng(0).normal(size=(4, 5, 4)).astype("float32")
IMAGES = np.random.default_rng(1).normal(size=(4, 5, 3, 2)).astype("float32")


class Path(NamedTuple):
    """A way to compute: `call(x, mask)`, and whether its outputs have a time axis."""

    call: Any
    steps: bool = False
    x: Any = X
    mask: Any = ANYWHERE
    near: float = 1e-5


def recurrent(kind, **options):
    options.setdefault("return_state", not options.get("return_sequences"))
    layer = getattr(layers, kind)(3, **options)
    return Path(lambda x, mask: layer(x, mask=mask), options.get("return_sequences", False))


def integers(kind, **options):
    """A recurrent layer whose mask is of 0 and 1."""
    layer = getattr(layers, kind)(3, **options)
    return Path(lambda x, mask: layer(x, mask=None if mask is None else mask.astype("int32")))


def stack(**options):
    layer = layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)], **options)
    return Path(lambda x, mask: layer(x, mask=mask), options.get("return_sequences", False))


def both_ways(merge_mode="concat", **options):
    layer = layers.Bidirectional(layers.GRU(3, **options), merge_mode=merge_mode)
    return Path(lambda x, mask: layer(x, mask=mask), options.get("return_sequences", False))


def both_ways_from_states():
    layer = layers.Bidirectional(layers.GRU(3))

    def call(x, mask):
        return layer(x, mask=mask, initial_state=[tf.fill((len(x), 3), 0.3)] * 2)

    return Path(call)


def images(**options):
    layer = layers.ConvLSTM1D(2, 2, **options)
    return Path(lambda x, mask: layer(x, mask=mask), x=IMAGES)


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


def pooling():
    layer = layers.GlobalAveragePooling1D(keepdims=True)
    return Path(lambda x, mask: layer(x, mask=mask))


keras.utils.set_random_seed(0)
GROUP = {"kind": "GroupQueryAttention"}
PATHS = {
    "LSTM": recurrent("LSTM"),
    "LSTM steps": recurrent("LSTM", return_sequences=True),
    "LSTM unrolled": recurrent("LSTM", unroll=True),
    "LSTM unrolled steps": recurrent("LSTM", unroll=True, return_sequences=True),
    "LSTM backwards": recurrent("LSTM", go_backwards=True),
    "GRU unrolled backwards": recurrent("GRU", unroll=True, go_backwards=True),
    "SimpleRNN steps": recurrent("SimpleRNN", return_sequences=True),
    "GRU integers": integers("GRU"),
    "GRU unrolled integers": integers("GRU", unroll=True),
    "stack": stack(return_state=True),
    "stack unrolled steps": stack(unroll=True, return_sequences=True),
    "both ways last": both_ways(return_state=True),
    "both ways summed": both_ways("sum", return_sequences=True),
    "both ways apart": both_ways(None, return_sequences=True),
    "both ways from states": both_ways_from_states(),
    "images": images(return_state=True),
    "attention": dot(),
    "attention causal": dot(more={"use_causal_mask": True}),
    "additive causal": dot("AdditiveAttention", more={"use_causal_mask": True}),
    "heads": heads(),
    "heads scores": heads(scores=True),
    "heads causal alone": heads(mask=BEHIND, name=None, use_causal_mask=True),
    "heads causal alone scores": heads(mask=BEHIND, name=None, scores=True, use_causal_mask=True),
    "heads window": heads(mask=BEHIND, sliding_window=3),
    "groups key": heads(name="key_mask", **GROUP),
    "groups scores": heads(scores=True, **GROUP),
    "groups causal": heads(mask=BEHIND, name="query_mask", use_causal_mask=True, **GROUP),
    "groups causal alone": heads(mask=BEHIND, name=None, use_causal_mask=True, **GROUP),
    "groups window": heads(mask=BEHIND, sliding_window=3, **GROUP),
    "groups pairs": pairs(),
    "attention half": dot(dtype="mixed_float16"),
    "heads scores half": heads(scores=True, dtype="mixed_float16"),
    "pooling": pooling(),
}


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


@pytest.mark.parametrize("name", PATHS)
def test_outputs_and_gradients(name):
    path = PATHS[name]
    outputs, pulls, gradient = answers(path, path.x, path.mask)
    assert not gradient[~path.mask].any()
    for row, real in enumerate(path.mask):
        kept = (slice(row, row + 1), real) if path.steps else slice(row, row + 1)
        own = answers(path, path.x[row : row + 1, real], None, [pull[kept] for pull in pulls])
        for together, alone in zip(outputs, own[0], strict=True):
            assert np.allclose(together[kept], alone, atol=path.near), f"outputs of row {row}"
        assert np.allclose(gradient[row, real], own[2][0], atol=path.near), f"gradient of row {row}"
