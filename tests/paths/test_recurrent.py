"""On every path of recurrent layers, a row in a padded batch gets what it gets alone."""

import numpy as np
import pytest

from tests.needs import keras
from tests.paths.alone import ANYWHERE, Path, Spy, X, check, mask_of, with_mask

tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
layers = keras.layers

IMAGES = np.random.default_rng(1).normal(size=(3, 5, 3, 2)).astype("float32")
LATER = np.random.default_rng(2).normal(size=(3, 5, 4)).astype("float32")
# In the second call, no row is real where it was in the first.
THEN = np.array([[0, 0, 0, 1, 1], [1, 1, 0, 0, 0], [1, 1, 1, 1, 1]], dtype=bool)


def recurrent(kind, **options):
    options.setdefault("return_state", not options.get("return_sequences"))
    layer = getattr(layers, kind)(3, **options)
    return Path(lambda x, mask: layer(x, mask=mask), options.get("return_sequences", False))


def integers(kind, **options):
    """A recurrent layer whose mask is of 0 and 1."""
    layer = getattr(layers, kind)(3, **options)
    return Path(lambda x, mask: layer(x, mask=None if mask is None else mask.astype("int32")))


def cells(**options):
    return layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)], **options)


def stack(**options):
    layer = cells(**options)
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


keras.utils.set_random_seed(0)
PATHS = {
    "LSTM steps": recurrent("LSTM", return_sequences=True),
    "LSTM unrolled steps": recurrent("LSTM", unroll=True, return_sequences=True),
    "GRU unrolled backwards": recurrent("GRU", unroll=True, go_backwards=True),
    "GRU integers": integers("GRU"),
    "stack": stack(return_state=True),
    "stack unrolled steps": stack(unroll=True, return_sequences=True),
    "both ways last": both_ways(return_state=True),
    "both ways summed": both_ways("sum", return_sequences=True),
    "both ways from states": both_ways_from_states(),
    "images": images(return_state=True),
}


@pytest.mark.parametrize("name", PATHS)
def test_outputs_and_gradients(name):
    check(PATHS[name])


STATEFUL = {
    "LSTM": lambda **options: layers.LSTM(3, **options),
    "unrolled": lambda **options: layers.GRU(3, unroll=True, **options),
    "backwards": lambda **options: layers.GRU(3, go_backwards=True, **options),
    "both ways": lambda **options: layers.Bidirectional(layers.GRU(3, **options)),
    "stack": cells,
}


@pytest.mark.parametrize(("name", "graph"), [(name, name == "both ways") for name in STATEFUL])
def test_a_row_goes_on_from_its_own_last_real_step(name, graph):
    layer = STATEFUL[name](stateful=True)
    call = tf.function(layer, autograph=False) if graph else layer
    call(tf.constant(X), mask=tf.constant(ANYWHERE))
    second = np.asarray(call(tf.constant(LATER), mask=tf.constant(THEN)))
    own = STATEFUL[name](return_state=True)
    own(X[:1])
    for mine, other in zip(own.trainable_variables, layer.trainable_variables, strict=True):
        mine.assign(other)
    for row in range(3):
        _, *states = own(X[row : row + 1, ANYWHERE[row]])
        alone, *_ = own(LATER[row : row + 1, THEN[row]], initial_state=states)
        assert np.allclose(second[row], alone[0], atol=1e-5)


@pytest.mark.parametrize("name", ["LSTM", "both ways"])
def test_after_a_reset_all_begins_anew(name):
    layer = STATEFUL[name](stateful=True)
    first, second = (np.asarray(layer(X)) for _ in range(2))
    assert (first != second).all()
    layer.reset_state()
    assert np.array_equal(layer(X), first)


def test_both_halves_that_are_not_merged_carry_the_mask():
    halves = layers.Bidirectional(layers.GRU(3, return_sequences=True), merge_mode=None)(
        with_mask(X, ANYWHERE)
    )
    assert all(np.array_equal(mask_of(half), ANYWHERE) for half in halves)


@pytest.mark.parametrize("steps", [3, None])
def test_each_step_of_time_distributed_gets_its_own_mask(steps):
    def call(x, mask):
        return layers.TimeDistributed(Spy())(x, mask=mask)

    # Three rows of three steps: see test_paths_that_are_broken.
    kinds = [tf.TensorSpec((3, steps, 4)), tf.TensorSpec((3, steps), tf.bool)]
    out = tf.function(call, input_signature=kinds, autograph=False)(X[:, :3], ANYWHERE[:, :3])
    assert np.array_equal(out, ANYWHERE[:, :3])


def test_paths_that_are_broken():
    """What Keras 3.15.1 cannot do; when a later one can, this turns red."""
    stack = cells(stateful=True)
    stack(X)
    with pytest.raises(AttributeError, match="assign"):
        stack.reset_state()
    both = layers.Bidirectional(layers.GRU(3, return_state=True, stateful=True))
    with pytest.raises(TypeError, match="generator"):
        both(X)
    # In a graph, of an unknown number of steps it takes as many as there are rows.
    kind = [tf.TensorSpec((None, None, 4))]
    wrapped = tf.function(layers.TimeDistributed(Spy()), input_signature=kind, autograph=False)
    assert wrapped(X[:2]).shape == (2, 2)
