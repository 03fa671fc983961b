"""The claims of lesson 06."""

import warnings

import numpy as np
import pytest

from course_lib import assert_padding_invariant, audit, pad
from tests.claims.support import array, claim, got_with, keras, mask_of, no_such_thing

layers = keras.layers
ROWS = [[3, 2, 1], [4, 1, 1, 2, 5], [5, 2], [6]]


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(1)


def embed(ids, dimensions=4):
    return layers.Embedding(10, dimensions, mask_zero=True)(np.asarray(ids))


def chain(*steps, mask_zero=True):
    return keras.Sequential([layers.Embedding(10, 4, mask_zero=mask_zero), *steps])


def solo_test(run, side="post", width=7):
    """Return True if each row gets in the batch, at its real steps, what it gets alone."""
    ids = pad(ROWS, width, padding=side)
    for number, in_batch in enumerate(array(run(ids))):
        alone = array(run(np.array([ROWS[number]])))[0]
        if in_batch.ndim > 1:
            in_batch = in_batch[ids[number] != 0]
        if not np.allclose(in_batch, alone, atol=1e-6):
            return False
    return True


def needs_audit():
    if keras.__name__ != "keras":
        no_such_thing("audit looks into Keras 3")
    got_with("3.8", "what audit reads of a compiled model")


@claim("6.1", "`audit` leaves the weights of the model as they were.")
def test_weights_stay():
    needs_audit()
    y = np.ones((4, 1), "float32")
    for mask_zero in (True, False):
        model = chain(layers.LSTM(3), layers.Dense(1), mask_zero=mask_zero)
        model.compile("adam", "mse")
        model.fit(pad(ROWS), y, verbose=0)
        before = [np.array(weight) for weight in model.get_weights()]
        audit(model, pad(ROWS), y)
        assert before
        assert all(map(np.array_equal, before, model.get_weights()))


@claim(
    "6.2",
    '`Conv1D` with `kernel_size=3` and `padding="same"` reads the padding beside a row\'s last '
    "real step.",
)
def test_conv_reads_its_neighbour():
    ids = pad(ROWS, 7)
    masked = embed(ids)
    assert np.array_equal(mask_of(masked), ids != 0)
    vectors = array(masked)
    conv = layers.Conv1D(2, 3, padding="same")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the mask ends here
        in_batch = array(conv(masked))
    kernel = conv.get_weights()[0]
    for number, row in enumerate(ROWS):
        last = len(row) - 1
        alone = array(conv(vectors[number : number + 1, : len(row)]))[0]
        assert np.allclose(in_batch[number, :last], alone[:last], atol=1e-6)
        padding = vectors[number, len(row)] @ kernel[2]
        assert np.abs(padding).max() > 1e-3
        assert np.allclose(in_batch[number, last], alone[last] + padding, atol=1e-6)


@claim("6.3", "`GlobalMaxPooling1D` takes padded steps into its maximum.")
def test_max_of_all_steps():
    values = np.array([[[-3.0], [-1.0], [0.0]], [[-2.0], [5.0], [0.0]]], "float32")
    real = layers.Masking(0.0)(values)
    assert np.array_equal(mask_of(real), values[..., 0] != 0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pooled = array(layers.GlobalMaxPooling1D()(real))
    assert np.array_equal(pooled, values.max(axis=1))
    assert not np.array_equal(pooled, np.where(values == 0, -np.inf, values).max(axis=1))


@claim("6.4", "Keras also warns of a mask that no later layer needs.")
def test_needless_warning():
    class MaskedMax(layers.Layer):
        def call(self, x, mask=None):
            x = x - 1e9 * (1.0 - keras.ops.cast(mask, x.dtype))[..., None]
            return keras.ops.max(x, axis=1)

    if not hasattr(keras, "ops"):
        no_such_thing("keras.ops")
    embedding, pool = layers.Embedding(10, 4, mask_zero=True), MaskedMax()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert solo_test(lambda ids: pool(embedding(ids)))
    assert any("MaskedMax" in str(one.message) for one in caught)


@claim(
    "6.5",
    "`GlobalMaxPooling1D` after an LSTM passes the solo test if the padding is at the end.",
)
def test_max_of_repeats():
    embedding, lstm = layers.Embedding(10, 4, mask_zero=True), layers.LSTM(5, return_sequences=True)
    pool = layers.GlobalMaxPooling1D()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for width in (5, 6, 60):
            assert solo_test(lambda ids: pool(lstm(embedding(ids))), "post", width)
        assert not solo_test(lambda ids: pool(lstm(embedding(ids))), "pre")


@claim(
    "6.6",
    "`Concatenate` of a masked and an unmasked tensor along the features carries a mask that is "
    "all `True`.",
)
def test_concatenate():
    ids = pad(ROWS, 7)
    masked = embed(ids)
    assert not mask_of(masked).all()
    plain = layers.Embedding(10, 2)(ids)
    for pair in ([masked, plain], [plain, masked]):
        assert np.array_equal(mask_of(layers.Concatenate()(pair)), np.ones(ids.shape, bool))


@claim(
    "6.7",
    "After a call of `MultiHeadAttention`, the tensor that it was given has no mask.",
)
def test_attention_strips():
    ids = pad(ROWS, 7)
    x = embed(ids)
    assert np.array_equal(mask_of(x), ids != 0)
    attended = layers.MultiHeadAttention(1, 4)(x, x)
    assert mask_of(x) is None
    assert np.array_equal(mask_of(attended), ids != 0)


@claim("6.8", "A model whose outputs pass the solo test can have a loss that counts padding.")
def test_sound_outputs_unsound_loss():
    inputs = keras.Input((None,), dtype="int32")
    x = layers.Dense(1)(layers.Embedding(10, 4, mask_zero=True)(inputs))
    model = keras.Model(inputs, x * 1.0)
    assert solo_test(model)
    ids = pad(ROWS, 7)
    real = (ids != 0)[..., None]
    targets = np.where(real, 0.5, 100.0)
    model.compile(loss="mse", run_eagerly=True)
    squares = np.square(array(model(ids)) - targets)
    reported = model.evaluate(ids, targets, verbose=0)
    assert np.isclose(reported, squares.mean(), rtol=1e-4)
    assert not np.isclose(reported, squares[real].mean(), rtol=0.5)


@claim("6.9", "`MultiHeadAttention` replaces a `query_mask` given by hand.")
def test_query_mask():
    if keras.__name__ != "keras":
        no_such_thing("query_mask")
    ids = pad(ROWS, 7)
    plain = array(embed(ids))
    by_hand = np.arange(7) < np.array([[1], [2], [1], [1]])
    attention = layers.MultiHeadAttention(1, 4)
    given = attention(plain, plain, query_mask=by_hand)
    assert mask_of(given) is None
    assert np.array_equal(array(given), array(attention(plain, plain)))
    # What the mask would have done, had it been used.
    used = attention(plain, plain, attention_mask=np.repeat(by_hand[:, :, None], 7, axis=2))
    assert not np.allclose(array(given), array(used), atol=1e-5)
    x = embed(ids)
    assert np.array_equal(mask_of(attention(x, plain, query_mask=by_hand)), ids != 0)


@claim("6.10", "`MultiHeadAttention` uses a `value_mask` given by hand.")
def test_value_mask():
    if keras.__name__ != "keras":
        no_such_thing("value_mask")
    embedding, attention = layers.Embedding(10, 4), layers.MultiHeadAttention(2, 3)

    def run(ids, by_hand=True):
        x = array(embedding(ids))
        return attention(x, x, value_mask=ids != 0) if by_hand else attention(x, x)

    assert solo_test(run)
    assert not solo_test(lambda ids: run(ids, by_hand=False))


@claim("6.11", "Padding changes the output of `GroupNormalization`.")
def test_group_normalization():
    ids = pad(ROWS, 7)
    embedding, norm = layers.Embedding(10, 4, mask_zero=True), layers.GroupNormalization(1)
    x = embedding(ids)
    out = norm(x)
    assert np.array_equal(mask_of(out), ids != 0)
    assert not solo_test(lambda ids: norm(embedding(ids)))
    vectors = array(x)
    mean, variance = (f(vectors, axis=(1, 2), keepdims=True) for f in (np.mean, np.var))
    wanted = (vectors - mean) / np.sqrt(variance + norm.epsilon)
    assert np.allclose(array(out), wanted, atol=1e-4)


@claim(
    "6.12",
    "`assert_padding_invariant` raises an `AssertionError` if padding changes a row's output.",
)
def test_assertion():
    needs_audit()
    for mask_zero in (True, False):
        model = chain(layers.LSTM(3), layers.Dense(1), mask_zero=mask_zero)
        assert solo_test(model) == mask_zero
        if mask_zero:
            assert_padding_invariant(model, pad(ROWS, 7))
        else:
            with pytest.raises(AssertionError, match="padding is visible"):
                assert_padding_invariant(model, pad(ROWS, 7))


@claim("6.13", "`audit` raises a `ValueError` for a batch without padding.")
def test_nothing_to_see():
    needs_audit()
    model = chain(layers.LSTM(3), mask_zero=False)
    with pytest.raises(ValueError, match="`x` must hold padding"):
        audit(model, np.array([[1, 2, 3], [3, 2, 1]]))
    with pytest.raises(ValueError, match="`x` must hold padding"):
        assert_padding_invariant(model, np.array([[1, 2, 3]]))
