"""The claims of lesson 07."""

import numpy as np
import pytest

from course_lib import pad
from course_lib.attention import combine_masks, multi_head_attention
from tests.claims.support import array, claim, got_with, keras, mask_of, no_such_thing, tensor

layers = keras.layers
ROWS = [[3, 2, 1, 4], [5, 6, 1, 2, 7, 3], [4, 1, 8], [6, 2]]
IDS = pad(ROWS)
MASK = IDS != 0
STEPS = IDS.shape[1]


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(1)


def needs_masks_by_hand():
    if keras.__name__ != "keras":
        no_such_thing("masks of query, key and value by hand in MultiHeadAttention")


@pytest.fixture
def embedding():
    """Return an embedding whose vectors are large enough for weights that differ."""
    layer = layers.Embedding(9, 4, mask_zero=True, embeddings_initializer="random_normal")
    layer.build((None,))
    layer.set_weights([np.random.default_rng(0).normal(size=(9, 4)).astype("float32")])
    return layer


@pytest.fixture
def attention():
    """Return an attention whose biases are not zero, as after some training."""
    layer = layers.MultiHeadAttention(2, 3)
    layer(np.zeros((1, 2, 4), "float32"), np.zeros((1, 2, 4), "float32"))
    rng = np.random.default_rng(2)
    layer.set_weights([rng.normal(size=w.shape).astype("float32") for w in layer.get_weights()])
    return layer


def plain(embedding, ids=IDS):
    """Return the vectors without their mask."""
    return array(embedding(np.asarray(ids)))


def softmax(scores):
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def same_alone(run):
    """Whether each row gets, at its real steps, what `run` gives it without padding."""
    in_batch = run(IDS)
    return all(
        np.allclose(in_batch[row, : len(ids)], run(np.array([ids]))[0], atol=1e-5)
        for row, ids in enumerate(ROWS)
    )


@claim(
    "7.1",
    "Without a mask, attention gives weight to padding, even if its vector is all zeros.",
)
def test_zeros_get_weight(embedding):
    x = plain(embedding) * MASK[..., None]
    _, weights = layers.Attention()([tensor(x), tensor(x)], return_attention_scores=True)
    assert np.allclose(array(weights), softmax(x @ x.swapaxes(1, 2)), atol=1e-5)
    to_padding = np.broadcast_to(~MASK[:, None, :], weights.shape)
    assert (array(weights)[to_padding] > 0).all()


def weights_of(ids, embedding, **options):
    x = plain(embedding, ids)
    real = tensor(np.asarray(ids) != 0)
    options |= {"mask": [real, real], "return_attention_scores": True}
    return array(layers.Attention()([tensor(x), tensor(x)], **options)[1])


@claim(
    "7.2",
    "With the mask before the softmax, a real step gets the weights that it gets alone.",
)
def test_before_the_softmax(embedding):
    in_batch = weights_of(IDS, embedding)
    for row, ids in enumerate(ROWS):
        alone = weights_of([ids], embedding)[0]
        assert np.allclose(in_batch[row, : len(ids), : len(ids)], alone, atol=1e-5)
        assert not in_batch[row, :, len(ids) :].any()


@claim(
    "7.3",
    "With the mask after the softmax, the weights of a row with padding sum to less than 1.",
)
def test_after_the_softmax(embedding):
    x = plain(embedding)
    weights = array(keras.activations.softmax(tensor(x @ x.swapaxes(1, 2))))
    sums = (weights * MASK[:, None, :]).sum(axis=-1)
    padded = ~MASK.all(axis=1)
    assert (sums[padded] < 1 - 1e-4).all()
    assert np.allclose(sums[~padded], 1, atol=1e-5)


@claim("7.4", "With `use_causal_mask=True`, a step looks at itself and at earlier steps only.")
def test_causal(embedding, attention):
    x = plain(embedding)
    options = {"use_causal_mask": True, "return_attention_scores": True}
    _, weights = layers.Attention()([tensor(x), tensor(x)], **options)
    _, of_heads = attention(tensor(x), tensor(x), **options)
    earlier = np.arange(STEPS) <= np.arange(STEPS)[:, None]
    for found in (array(weights), array(of_heads)):
        looks = found > 0
        assert np.array_equal(looks, np.broadcast_to(earlier, looks.shape))


@claim(
    "7.5",
    "`MultiHeadAttention` lets a query look at a step if all of its masks allow it.",
)
def test_all_masks(embedding, attention):
    needs_masks_by_hand()
    draw = np.random.default_rng(3)
    value_mask, key_mask = draw.random((2, *MASK.shape)) < 0.8
    pairs = draw.random((len(IDS), STEPS, STEPS)) < 0.8
    masks = {"value_mask": value_mask, "key_mask": key_mask, "attention_mask": pairs}

    wanted = combine_masks(MASK, use_causal_mask=True, **masks)
    somewhere = wanted.any(axis=2)  # of a query that may look nowhere, see 7.11

    def looks(use_causal_mask=True, **given):
        given = {name: tensor(mask) for name, mask in given.items()}
        options = {"use_causal_mask": use_causal_mask, "return_attention_scores": True}
        out, weights = attention(embedding(IDS), plain(embedding), **given, **options)
        seen = array(weights).swapaxes(1, 2)[somewhere] > 0  # query, head, step
        return array(out)[somewhere], seen

    out, seen = looks(**masks)
    assert np.array_equal(seen, np.repeat(wanted[somewhere][:, None], 2, axis=1))
    x = plain(embedding)
    ours, _ = multi_head_attention(x, x, attention.get_weights(), wanted)
    assert np.allclose(out, ours[somewhere], atol=1e-5)
    # Each of them has forbidden something.
    assert looks(use_causal_mask=False, **masks)[1].sum() > seen.sum()
    for left_out in masks:
        fewer = {name: mask for name, mask in masks.items() if name != left_out}
        assert looks(**fewer)[1].sum() > seen.sum()


@claim("7.6", "`Attention` and `AdditiveAttention` put out zeros for a masked query.")
@pytest.mark.parametrize("name", ["Attention", "AdditiveAttention"])
def test_masked_queries(embedding, name):
    layer, x = getattr(layers, name)(), embedding(IDS)
    out = array(layer([x, x]))
    assert not out[~MASK].any()
    assert out[MASK].all()
    bare = tensor(plain(embedding))
    by_hand = layer([bare, bare], mask=[tensor(MASK), tensor(MASK)])
    assert np.allclose(array(by_hand), out, atol=1e-6)
    # The mask of the value does not do it.
    every = tensor(np.ones_like(MASK))
    assert array(layer([bare, bare], mask=[every, tensor(MASK)]))[~MASK].all()


@claim("7.7", "`GroupQueryAttention` leaves the mask on its inputs.")
@pytest.mark.filterwarnings("ignore:Layer '(query|key|value)'")
def test_group_query(embedding):
    if not hasattr(layers, "GroupQueryAttention"):
        no_such_thing("GroupQueryAttention")
    layer = layers.GroupQueryAttention(3, 2, 1)
    x = embedding(IDS)
    layer(x, x)
    assert np.array_equal(mask_of(x), MASK)
    assert same_alone(lambda ids: array(layer(embedding(ids), embedding(ids))))


@claim("7.8", "Without the mask of the query, real steps get what they get alone.")
def test_columns(embedding, attention):
    needs_masks_by_hand()
    assert same_alone(
        lambda ids: array(
            attention(plain(embedding, ids), plain(embedding, ids), value_mask=tensor(ids != 0))
        )
    )


@claim(
    "7.9",
    "Without the mask of key and value, real steps of a padded row get something else.",
)
def test_lines(embedding, attention):
    in_batch = array(attention(embedding(IDS), plain(embedding)))
    for row, ids in enumerate(ROWS):
        x = plain(embedding, [ids])
        gap = np.abs(in_batch[row, : len(ids)] - array(attention(x, x))[0])
        assert (gap.max(axis=-1) > 1e-3).all() == (len(ids) < STEPS)


@claim(
    "7.10",
    "In a row that is all padding, `Attention` gives every step the same weight.",
)
def test_nothing_to_look_at(embedding):
    x = embedding(np.zeros((1, STEPS), int))
    _, weights = layers.Attention()([x, x], return_attention_scores=True)
    assert np.allclose(array(weights), 1 / STEPS)


@claim(
    "7.11",
    "In a row that is all padding, `MultiHeadAttention` puts out one thing if the scores are "
    "asked for, and another if not.",
)
def test_two_paths(embedding, attention):
    nothing = np.zeros((1, STEPS), int)
    asked, weights = attention(*[embedding(nothing)] * 2, return_attention_scores=True)
    not_asked = array(attention(*[embedding(nothing)] * 2))
    assert np.abs(not_asked - array(asked)).max() > 1e-2
    assert not array(weights).any()
    assert np.allclose(array(asked), attention.get_weights()[-1], atol=1e-6)  # the bias alone
    # All steps of the row are the same, so that any weights with a sum of 1 give this.
    *_, kernel, bias, mix, last = attention.get_weights()
    value = np.einsum("d,dnh->nh", plain(embedding, [[0]])[0, 0], kernel) + bias
    assert np.allclose(not_asked, np.einsum("nh,nhd->d", value, mix) + last, atol=1e-5)


@claim("7.12", "In float16, a line masked with −1e9 alone becomes NaN.")
def test_too_large_for_float16(embedding):
    def masked(low, dtype):
        with np.errstate(over="ignore"):
            scores = np.where([[True, True, False], [False] * 3], 0.0, low).astype(dtype)
        return array(keras.activations.softmax(tensor(scores)))

    some, none = masked(-1e9, "float16")
    assert np.allclose(some, [0.5, 0.5, 0])
    assert np.isnan(none).all()
    assert np.allclose(masked(-1e9, "float32")[1], 1 / 3)
    assert np.allclose(masked(-6e4, "float16")[1], 1 / 3, atol=1e-3)


@claim(
    "7.13",
    "In cross-attention, the value's mask says what is looked at, and the output carries the "
    "query's.",
)
def test_cross_attention(embedding, attention):
    targets = pad([[1, 2], [3, 4, 5], [6, 7, 8], [2]])
    real, (source, target) = targets != 0, (embedding(IDS), embedding(targets))
    out, weights = attention(target, source, return_attention_scores=True)
    assert np.array_equal(mask_of(out), real)
    seen = array(weights).swapaxes(1, 2)[real] > 0  # query, head, step
    wanted = combine_masks(real, MASK)[real]
    assert np.array_equal(seen, np.repeat(wanted[:, None], 2, axis=1))


def post_norm(x):
    x = layers.LayerNormalization()(layers.Add()([x, layers.MultiHeadAttention(2, 4)(x, x)]))
    hidden = layers.Dense(8, "relu")(x)
    return layers.LayerNormalization()(layers.Add()([x, layers.Dense(4)(hidden)]))


def pre_norm(x):
    normal = layers.LayerNormalization()(x)
    x = layers.Add()([x, layers.MultiHeadAttention(2, 4)(normal, normal)])
    hidden = layers.Dense(8, "relu")(layers.LayerNormalization()(x))
    return layers.Add()([x, layers.Dense(4)(hidden)])


def model_of(embedding, block, blocks):
    inputs = keras.Input((None,), dtype="int32")
    x = embedding(inputs)
    for _ in range(blocks):
        x = block(x)
    return keras.Model(inputs, layers.Dense(1)(x))


def losses(model):
    """Return the loss that Keras reports, and the means over real steps and over all."""
    y = np.where(MASK, 1.0, 100.0)[..., None]
    squares = np.square(array(model(IDS)) - y)
    return model.evaluate(IDS, y, verbose=0), squares[MASK].mean(), squares.mean()


@claim(
    "7.14",
    "After one post-norm block the mask is gone; in a second one, real steps look at padding.",
)
def test_post_norm(embedding):
    one, two = (model_of(embedding, post_norm, blocks) for blocks in (1, 2))
    assert mask_of(one(IDS)) is None
    assert same_alone(lambda ids: array(one(ids)))
    assert not same_alone(lambda ids: array(two(ids)))


@claim("7.15", "With pre-norm blocks, padding is invisible.")
def test_pre_norm(embedding):
    for blocks in (1, 2, 3):
        model = model_of(embedding, pre_norm, blocks)
        assert same_alone(lambda ids, model=model: array(model(ids)))
        model.compile(loss="mse")
        reported, real, every = losses(model)
        assert np.isclose(reported, real, rtol=1e-4)
        assert not np.isclose(reported, every, rtol=0.5)


@claim(
    "7.16",
    "An eager call and a graph lose this mask alike, while the symbolic output of the model still "
    "shows it.",
)
def test_eager_and_graph(embedding):
    got_with("3.8", "the mask that is taken off")
    model = model_of(embedding, post_norm, 1)
    assert model.outputs[0]._keras_mask is not None
    for eager in (True, False):
        model.compile(loss="mse", run_eagerly=eager)
        reported, real, every = losses(model)
        assert np.isclose(reported, every, rtol=1e-4)
        assert not np.isclose(reported, real, rtol=0.5)
