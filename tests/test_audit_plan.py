"""What `audit` takes each input for: masks among the inputs, companions, guesses, sides, rows."""

import numpy as np
import pytest

from course_lib import audit
from tests.needs import keras

layers, ops = keras.layers, keras.ops
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

LENGTHS = np.array([3, 5, 2, 6])
MASK = np.arange(6) < LENGTHS[:, None]
RNG = np.random.default_rng(0)
IDS = np.where(MASK, RNG.integers(2, 7, (4, 6)), 0)
SERIES = np.where(MASK[..., None], RNG.normal(size=(4, 6, 3)), 0).astype("float32")
both = pytest.mark.parametrize("broken", [True, False], ids=["broken", "sound"])


@pytest.fixture(autouse=True)
def _seed():
    keras.utils.set_random_seed(1)


def embedding(name="embedding", **options):
    return layers.Embedding(9, 4, name=name, **options)


def blames(report, *findings):
    assert [(one.kind, one.layer) for one in report.findings] == list(findings), report


# ---------------------------------------------------------------------- masks among the inputs


def beside(name, dtype, broken):
    """Return a model that reads a series, and a mask beside it that only tells if there is any."""
    series, mask = (
        keras.Input((None, 3), name="series"),
        keras.Input((None,), dtype=dtype, name=name),
    )
    real = ops.cast(mask, "bool")
    state = layers.GRU(6, name="gru")(series, **({} if broken else {"mask": real}))
    some = ops.cast(ops.any(real, axis=1, keepdims=True), "float32")
    return keras.Model({"series": series, name: mask}, ops.concatenate([state, some], axis=-1))


@both
@pytest.mark.parametrize(
    ("name", "dtype"), [("mask", "bool"), ("attention_mask", "int32"), ("real", "bool")]
)
@pytest.mark.parametrize("noise", [0, 1], ids=["zeros", "noise"])
def test_a_mask_among_the_inputs_is_the_truth(name, dtype, noise, broken):
    x = {"series": SERIES + noise * ~MASK[..., None] * RNG.normal(size=(4, 6, 3)), name: MASK}
    x[name] = MASK.astype(dtype)
    report = audit(beside(name, dtype, broken), x)
    blames(report, *[("never", "gru")] * broken)
    goes = f"`series`: a sequence, 2 to 6 real steps; goes with `{name}`"
    assert goes in report.inputs
    assert f"`{name}`: a sequence, 2 to 6 real steps; it is a mask itself" in report.inputs
    assert goes in repr(report)


@both
def test_zero_padded_features_beside_padded_ids(broken):
    ids, series = keras.Input((None,), name="ids"), keras.Input((None, 3), name="series")
    words = embedding(mask_zero=True)
    options = {} if broken else {"mask": words.compute_mask(ids)}
    states = [layers.LSTM(3)(words(ids)), layers.GRU(3, name="gru")(series, **options)]
    model = keras.Model({"ids": ids, "series": series}, layers.Concatenate()(states))
    report = audit(model, {"ids": IDS, "series": SERIES})
    blames(report, *[("never", "gru")] * broken)
    assert "`series`: a sequence, 2 to 6 real steps; goes with `ids`" in report.inputs


@both
def test_a_real_id_zero_beside_a_mask_is_no_padding(broken):
    ids, mask = keras.Input((None,), name="ids"), keras.Input((None,), name="padding_mask")
    real = ops.cast(mask, "bool")
    out = layers.LSTM(3, name="lstm")(embedding()(ids), **({} if broken else {"mask": real}))
    x = np.where(MASK, IDS, 1)
    x[:, 0] = 0
    report = audit(
        keras.Model({"ids": ids, "padding_mask": mask}, out), {"ids": x, "padding_mask": MASK * 1}
    )
    blames(report, *[("never", "embedding")] * broken)


def test_a_mask_that_marks_padding_is_read_the_other_way():
    series, mask = (
        keras.Input((None, 3), name="series"),
        keras.Input((None,), name="key_padding_mask"),
    )
    out = layers.GRU(6, name="gru")(series, mask=ops.logical_not(ops.cast(mask, "bool")))
    model = keras.Model({"series": series, "key_padding_mask": mask}, out)
    report = audit(model, {"series": SERIES, "key_padding_mask": ~MASK})
    assert report.ok, report
    assert "`series`: a sequence, 2 to 6 real steps; goes with `key_padding_mask`" in report.inputs


@both
@pytest.mark.parametrize("told", ["by its name", "by rows without a step", "by `mask=`"])
def test_a_mask_that_marks_padding_is_known_beside_noise(told, broken):
    name = "src_key_padding_mask" if told == "by its name" else "padding_mask"
    series, marks = keras.Input((None, 3), name="series"), keras.Input((None,), name=name)
    real = ops.logical_not(ops.cast(marks, "bool"))
    out = layers.GRU(6, name="gru")(series, **({} if broken else {"mask": real}))
    model = keras.Model({"series": series, name: marks}, out)
    mask = MASK if told == "by rows without a step" else MASK[[0, 0, 2, 2]]
    x = {"series": RNG.normal(size=(4, 6, 3)).astype("float32"), name: ~mask}
    report = audit(model, x, mask={"series": mask} if told == "by `mask=`" else None)
    blames(report, *[("never", "gru")] * broken)
    low, high = mask.sum(axis=1).min(), mask.sum(axis=1).max()
    assert all(f"a sequence, {low} to {high} real steps" in line for line in report.inputs)


@both
def test_two_masks_speak_of_two_sequences_of_equal_size(broken):
    names = ("source_ids", "source_mask", "target_ids", "target_mask")
    inputs = {name: keras.Input((None,), name=name) for name in names}
    masks = [ops.cast(inputs[name], "bool") for name in names[1::2]]
    first = layers.LSTM(3, name="enc")(embedding("one")(inputs["source_ids"]), mask=masks[0])
    options = {} if broken else {"mask": masks[1]}
    second = layers.LSTM(3, name="dec")(embedding("two")(inputs["target_ids"]), **options)
    other = np.arange(6) < np.array([5, 2, 6, 4])[:, None]
    x = dict(zip(names, (IDS, MASK, np.where(other, 3, 0), other), strict=True))
    report = audit(keras.Model(inputs, layers.Add()([first, second])), x)
    assert [one.kind for one in report.findings] == ["never"] * broken, report
    assert [line.rpartition("; ")[2] for line in report.inputs] == [
        "goes with `source_mask`", "it is a mask itself",
        "goes with `target_mask`", "it is a mask itself",
    ]  # fmt: skip


@both
@pytest.mark.parametrize("shape", [(4,), (4, 1)])
def test_lengths_tell_what_is_real_beside_noise(shape, broken):
    inputs = {
        "series": keras.Input((None, 3)),
        "seq_lengths": keras.Input(shape[1:], dtype="int32"),
    }
    places = ops.cumsum(ops.ones_like(inputs["series"][..., 0]), axis=1)
    real = places <= ops.cast(ops.reshape(inputs["seq_lengths"], (-1, 1)), "float32")
    out = layers.GRU(6, name="gru")(inputs["series"], **({} if broken else {"mask": real}))
    noise = RNG.normal(size=(4, 6, 3)).astype("float32")
    x = {"series": noise, "seq_lengths": LENGTHS.reshape(shape)}
    report = audit(keras.Model(inputs, out), x)
    blames(report, *[("never", "gru")] * broken)
    assert "a sequence, 2 to 6 real steps; `seq_lengths` tells how many" in report.inputs[1]
    with pytest.raises(ValueError, match=r"`series`: float32 .*say with `mask=`"):
        audit(keras.Model(inputs, out), {**x, "seq_lengths": LENGTHS.reshape(shape) + 1})


# ---------------------------------------------------------------------- steps on several axes


@both
def test_steps_may_be_the_last_axis(broken):
    wave = keras.Input((3, None))
    steps = layers.Permute((2, 1), name="permute")(wave)
    options = {} if broken else {"mask": ops.any(ops.not_equal(steps, 0), axis=-1)}
    model = keras.Model(wave, layers.GRU(2, name="gru")(steps, **options))
    report = audit(model, SERIES.transpose(0, 2, 1))
    blames(report, *[("never", "permute")] * broken)
    assert "6 real steps along axis 2; steps of zeros are padding" in report.inputs[0]


EDGES = RNG.integers(0, 2, (4, 6, 6)) * MASK[:, :, None] * MASK[:, None]


@both
def test_who_is_next_to_whom_is_cut_along_both_axes(broken):
    nodes, edges = keras.Input((None,), name="nodes"), keras.Input((None, None), name="edges")
    real = ops.cast(ops.not_equal(nodes, 0), "float32")[..., None]
    h = layers.Dense(4, name="dense")(
        ops.matmul(edges, embedding()(nodes) * (1 if broken else real))
    )
    model = keras.Model({"nodes": nodes, "edges": edges}, ops.sum(h * real, axis=1))
    # An edge to padding: what padding holds gets in, unless it was set to zero.
    towards = np.where(MASK[:, None] | ~MASK[:, :, None], EDGES, 1).astype("float32")
    report = audit(model, {"nodes": IDS, "edges": towards})
    assert [one.kind for one in report.findings] == ["leak"] * broken, report
    assert "Matmul" in report.findings[0].layer if broken else True
    assert "`edges`: a sequence, 2 to 6 real steps along axes 1 and 2; goes with `nodes`" in (
        report.inputs
    )
    assert any("alone and in the batch" in text for text in report.checked)


@both
@pytest.mark.parametrize(
    ("shape", "values", "axes"),
    [
        ((1, None), MASK[:, None], "axis 2"),
        ((1, 1, None), MASK[:, None, None], "axis 3"),
        ((1, None, None), MASK[:, None, None] & np.tril(np.ones((6, 6), bool)), "axes 2 and 3"),
    ],
    ids=["(B, 1, T)", "(B, 1, 1, T)", "(B, 1, T, T)"],
)
def test_a_mask_of_attention_goes_along_the_axis_of_steps(shape, values, axes, broken):
    ids, given = keras.Input((None,), name="ids"), keras.Input(shape, dtype="bool", name="mask")
    h = embedding()(ids)
    scores = ops.einsum("bid,bjd->bij", h, h)
    scores = scores if len(shape) == 2 else scores[:, None]
    real = ops.logical_or(given, broken)
    weights = layers.Activation("softmax", name="weights")(ops.where(real, scores, -1e9))
    out = ops.matmul(weights, h if len(shape) == 2 else h[:, None])
    report = audit(keras.Model({"ids": ids, "mask": given}, out), {"ids": IDS, "mask": values})
    assert report.ok is not broken, report
    assert f"`mask`: a sequence, 2 to 6 real steps along {axes}; goes with `ids`" in report.inputs
    assert any("alone and in the batch" in text for text in report.checked)


SENTENCES = IDS[..., None] * (np.arange(3) < np.array([2, 1, 2, 1, 2, 2])[:, None])


def bags(broken):
    ids = keras.Input((None, None), name="words")
    real = ops.cast(ops.not_equal(ids, 0), "float32")[..., None]
    words = embedding()(ids)
    bag = ops.sum(words if broken else words * real, axis=2) * ops.max(real, axis=2)
    return keras.Model(ids, ops.sum(bag, axis=1))


@both
def test_words_in_sentences_are_padded_inside_as_well(broken):
    report = audit(bags(broken), SENTENCES)
    assert [(one.kind, "Sum" in one.layer) for one in report.findings] == [("leak", True)] * broken
    assert "outputs without the zeros that end its steps" in report.checked
    assert ("outputs with 3 more zeros along axis 2" in report.checked) is not broken


def test_the_layer_that_sees_padding_inside_sentences_is_named():
    each = keras.Sequential([embedding(), layers.GlobalMaxPooling1D(name="pool")])
    ids = keras.Input((None, None), name="words")
    report = audit(keras.Model(ids, layers.TimeDistributed(each, name="each")(ids)), SENTENCES)
    (one,) = report.findings
    assert one.layer == "each"
    assert "Audit the part that reads one step" in one.message
    # Done as it says: the part is told what its fault is.
    blames(audit(each, SENTENCES.reshape(-1, 3)), ("leak", "pool"))
    assert "differs without the zeros that end its steps" in report.findings[0].evidence[0]


def test_words_whose_number_is_fixed_are_said_not_to_be_compared():
    ids = keras.Input((None, 3), dtype="int32")
    each = layers.Dense(2)(layers.Reshape((-1, 12))(embedding()(ids)))
    real = ops.cast(ops.any(ops.not_equal(ids, 0), axis=-1, keepdims=True), "float32")
    out = ops.sum(each * real, axis=1)
    report = audit(keras.Model(ids, out), SENTENCES)
    assert report.ok
    assert any("along axis 2 too" in note and "was not compared" in note for note in report.notes)


# ---------------------------------------------------------------------- guesses


def with_segments(second):
    first, other = (keras.Input((None,), name=name) for name in ("token_ids", second))
    words = layers.Add()([embedding("word")(first), embedding("second")(other)])
    return keras.Model({"token_ids": first, second: other}, layers.LSTM(3, name="lstm")(words))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("segment_ids", np.tile([0, 0, 0, 1, 1, 1], (4, 1))),
        ("positions", np.tile(np.arange(6), (4, 1))),
    ],
)
def test_zeros_of_segments_and_positions_are_no_padding(name, values):
    model = with_segments(name)
    with pytest.raises(ValueError, match="every step is real"):
        audit(model, {"token_ids": np.maximum(IDS, 1), name: values})
    report = audit(model, {"token_ids": IDS, name: values})
    assert not report.ok
    assert f"`{name}`: a sequence, 2 to 6 real steps; goes with `token_ids`" in report.inputs


def test_floats_of_a_fixed_number_are_no_series():
    x = keras.Input((6,), name="numbers")
    message = r"can be told from its values.*`x`: float32 of shape \(4, 6\)\); say with `mask=`"
    with pytest.raises(ValueError, match=message):
        audit(keras.Model(x, layers.Dense(2)(x)), SERIES[..., 0])


def test_a_zero_at_the_first_step_of_every_row_is_asked_for():
    ids = np.maximum(IDS, 1)
    ids[:, 0] = 0
    with pytest.raises(ValueError, match="may be padding or a token; say with `mask=`"):
        audit(keras.Sequential([embedding(), layers.LSTM(3)]), ids)


def test_an_input_without_steps_is_called_so():
    ids, age = keras.Input((None,), name="ids"), keras.Input((2,), name="age")
    state = layers.LSTM(3)(embedding(mask_zero=True)(ids))
    model = keras.Model({"ids": ids, "age": age}, layers.Concatenate()([state, age]))
    report = audit(model, {"ids": IDS, "age": np.ones((4, 2), "float32")})
    assert report.ok
    assert report.inputs[0] == "`age`: no sequence, handed over as it is"


OTHER = np.arange(5) < np.array([5, 2, 4, 3])[:, None]


def ids_beside(shape, read, **options):
    """Return a model of masked ids and of another input, of which `read` makes `(B, D)`."""
    ids, other = keras.Input((None,), name="ids"), keras.Input(shape, name="other", **options)
    state = layers.GRU(3, name="state")(embedding(mask_zero=True)(ids))
    return keras.Model({"ids": ids, "other": other}, layers.Concatenate()([state, read(other)]))


@both
def test_a_second_input_may_be_padded_with_any_value(broken):
    """It has another number of steps, and was handed over as it is: that compared nothing."""
    gru = layers.GRU(3, name="gru")
    model = ids_beside((None, 3), lambda x: gru(x if broken else layers.Masking(-9.0)(x)))
    other = np.where(OTHER[..., None], RNG.normal(size=(4, 5, 3)), -9)
    report = audit(model, {"ids": IDS, "other": other})
    blames(report, *[("never", "gru")] * broken)
    why = "steps of -9 are padding" if broken else "the model makes a mask of it"
    assert f"`other`: a sequence, 2 to 5 real steps; {why}" in report.inputs


@pytest.mark.parametrize("kind", ["ids padded with 1", "one feature"])
def test_an_input_that_may_be_padded_is_said_not_to_be_shortened(kind):
    if kind == "ids padded with 1":
        model = ids_beside((None,), lambda x: layers.GRU(3)(embedding("two")(x)), dtype="int32")
        other = np.where(OTHER, RNG.integers(2, 7, OTHER.shape), 1)
    else:
        model = ids_beside((None, 1), layers.GRU(3, name="gru"))
        other = np.where(OTHER, RNG.normal(size=(4, 5)), -1)[..., None]
    x, words = {"ids": IDS, "other": other}, "`other` was not shortened: its number of steps is"
    assert [words in note for note in audit(model, x).notes].count(True) == 1
    # Said to hold no padding, it is taken at that word.
    none = audit(model, x, mask={"ids": MASK, "other": None})
    assert not any(words in note for note in none.notes)
    assert not audit(model, x, mask={"ids": MASK, "other": OTHER}).ok


def test_zeros_in_an_input_said_to_have_no_mask_are_values_and_told():
    model = ids_beside((None, 3), layers.GRU(3, name="gru"))
    x = {"ids": IDS, "other": RNG.normal(size=(4, 5, 3)) * OTHER[..., None]}
    report = audit(model, x, mask={"ids": MASK, "other": None})
    assert report.ok
    assert any("`other` was not shortened" in note for note in report.notes)
    # Left out of the dict, it is what its values say.
    blames(audit(model, x, mask={"ids": MASK}), ("never", "gru"))


CATEGORIES = np.array([[1, 0, 0], [2, 3, 1], [0, 2, 0], [3, 0, 0]])


@pytest.mark.parametrize("mask_zero", [False, True])
def test_a_block_of_a_fixed_size_beside_a_sequence_is_none(mask_zero):
    """The category 0 is one like the others, and the model would run on fewer of them."""
    table = embedding("categories", mask_zero=mask_zero)
    model = ids_beside((3,), lambda x: layers.Flatten(name="flatten")(table(x)), dtype="int32")
    report = audit(model, {"ids": IDS, "other": CATEGORIES})
    blames(report, *[("leak", "flatten")] * mask_zero)
    told = "a sequence, 1 to 3 real steps; the model makes a mask of it"
    assert f"`other`: {told if mask_zero else 'no sequence, handed over as it is'}" in report.inputs


def test_a_block_of_a_fixed_size_is_none_before_the_sequence_is_known():
    series, other = keras.Input((None, 3), name="series"), keras.Input((3,), name="other")
    states = [layers.GRU(3, name="gru")(series), layers.Flatten()(embedding()(other))]
    model = keras.Model({"series": series, "other": other}, layers.Concatenate()(states))
    blames(audit(model, {"series": SERIES, "other": CATEGORIES}), ("never", "gru"))


def test_a_mask_of_none_says_that_zeros_are_values():
    """A model of one's own declares no shapes: `None` is the way to say it."""

    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.words, self.table = embedding(mask_zero=True), embedding()
            self.gru = layers.GRU(3)

        def call(self, inputs):
            block = ops.sum(self.table(inputs["other"]), axis=1)
            return ops.concatenate([self.gru(self.words(inputs["ids"])), block], axis=-1)

    x = {"ids": IDS, "other": CATEGORIES}
    assert not audit(Model(), x).ok
    assert audit(Model(), x, mask={"ids": MASK, "other": None}).ok


def test_zeros_between_real_ids_are_no_padding_that_could_be_cut_off():
    ids = keras.Input((None,))
    model = keras.Model(ids, layers.LSTM(3)(embedding()(ids), mask=ops.not_equal(ids, 8)))
    x = np.where(MASK, IDS, 8)
    x[0, 1] = 0
    with pytest.raises(ValueError, match=r"begin or end with padding.*0 is padding.*`mask=`"):
        audit(model, x)
    assert audit(model, x, mask=MASK).ok


def test_a_model_that_needs_an_even_number_of_steps_is_tried_with_twice_as_many():
    ids = keras.Input((None,))
    words = embedding()(ids)
    halved = layers.UpSampling1D(2)(layers.MaxPooling1D(2, padding="same")(words))
    report = audit(keras.Model(ids, layers.Concatenate()([words, halved])), IDS)
    assert "outputs with 6 more steps of padding" in report.checked
    assert any(note.startswith("Rows of 3, 5 steps do not run alone (") for note in report.notes)


# ---------------------------------------------------------------------- `mask=`


@pytest.mark.parametrize(
    ("kind", "told", "broken"),
    [
        ("real numbers", None, False),
        ("zeros and ones", {"ids": MASK, "weights": MASK}, False),
        ("zeros and ones", None, True),
        ("noise", None, False),
    ],
)
def test_weights_that_are_zero_at_padding_tell_it_by_their_value(told, kind, broken):
    inputs = {name: keras.Input((None,)) for name in ("ids", "mask", "weights")}
    options = {} if broken else {"mask": ops.cast(inputs["mask"], "bool")}
    words, weights = embedding()(inputs["ids"]), inputs["weights"][..., None]
    # From back to front: without a mask, real steps are reached from padding.
    states = layers.GRU(3, return_sequences=True, go_backwards=True)(words, **options)
    states = ops.flip(states, axis=1)
    mean = ops.sum(states * weights, axis=1) / ops.sum(weights, axis=1)
    noise = RNG.random((4, 6)) + 0.1
    values = {"real numbers": noise * MASK, "zeros and ones": MASK & (np.arange(6) % 2 == 0)}
    x = {"ids": IDS, "mask": MASK, "weights": values.get(kind, noise).astype("float32")}
    report = audit(keras.Model(inputs, mean), x, mask=told)
    assert report.ok is (kind != "noise" and not broken), report
    tells = [note for note in report.notes if "tells padding by its value (0)" in note]
    assert [note.split(" the outputs")[0] for note in tells] == [
        "With other values in the padding"
    ] * report.ok


@both
def test_padding_told_by_its_value_is_a_note(broken):
    ids = keras.Input((None,))
    options = {} if broken else {"mask": ops.not_equal(ids, 1)}
    model = keras.Model(ids, layers.LSTM(3, name="lstm")(embedding()(ids), **options))
    report = audit(model, np.where(MASK, IDS, 1), mask=MASK)
    blames(report, *[("never", "embedding")] * broken)
    told = [note for note in report.notes if "this model tells padding by its value (1)" in note]
    assert len(told) == 1 - broken


def test_a_mask_tells_and_is_not_handed_over():
    """`fit` hands no mask over: what is audited is the model that `fit` runs."""
    x = keras.Input((None, 3))
    model = keras.Model(x, layers.LSTM(5, name="lstm")(x))
    for options in ({}, {"pass_mask": False}):
        blames(audit(model, SERIES, mask=MASK, **options), ("never", "lstm"))
    assert audit(model, SERIES, mask=MASK, pass_mask=True).ok
    assert audit(layers.LSTM(5), SERIES, mask=MASK).ok
    with pytest.raises(ValueError, match="`pass_mask` must be False for a model whose `call`"):
        audit(layers.Dense(5), SERIES, mask=MASK, pass_mask=True)


def test_a_dict_of_masks_may_leave_inputs_out():
    a, b = keras.Input((None, 3), name="a"), keras.Input((None,), name="b")
    states = [layers.LSTM(5, name="lstm")(a), layers.LSTM(5)(embedding(mask_zero=True)(b))]
    model = keras.Model({"a": a, "b": b}, layers.Add()(states))
    blames(audit(model, {"a": SERIES + 1, "b": IDS}, mask={"a": MASK}), ("never", "lstm"))
    with pytest.raises(ValueError, match=r"`mask` must have keys of `x` .*, got 'c'"):
        audit(model, {"a": SERIES, "b": IDS}, mask={"c": MASK})


# ---------------------------------------------------------------------- sides and rows


@both
@pytest.mark.parametrize("lengths", [(4, 2, 6, 3), tuple(LENGTHS)], ids=["other", "equal"])
def test_two_inputs_padded_on_different_sides(lengths, broken):
    source, target = keras.Input((None,), name="source"), keras.Input((None,), name="target")
    _, *state = layers.LSTM(4, return_state=True)(embedding("read", mask_zero=True)(source))
    table = embedding("write", mask_zero=True)
    options = {} if broken else {"mask": table.compute_mask(target)}
    decoder = layers.LSTM(4, return_sequences=True, name="decoder")
    steps = decoder(table(target), initial_state=state, **options)
    model = keras.Model({"source": source, "target": target}, layers.Dense(5)(steps))
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    left = np.arange(6) >= 6 - np.array(lengths)[:, None]
    x = {"source": IDS, "target": np.where(left, RNG.integers(1, 7, (4, 6)), 0)}
    report = audit(model, x, RNG.integers(0, 5, (4, 6)))
    blames(report, *[("ignored", "decoder")] * broken)


def test_a_row_too_short_to_run_alone_is_in_neither_loss():
    class Windows(keras.Model):
        def __init__(self):
            super().__init__()
            self.table, self.out = embedding(mask_zero=True), layers.Dense(1, activation="sigmoid")
            self.conv = layers.Conv1D(4, 3)

        def call(self, ids):
            real = ops.cast(ops.not_equal(ids, 0), "float32")[..., None]
            windows, real = self.conv(self.table(ids) * real), real[:, 2:]
            return self.out(ops.max(windows * real - 1e9 * (1 - real), axis=1))

    model = Windows()
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    # The row too short stands before the one without a step: both keep their numbers.
    report = audit(
        model, IDS[[2, 0, 1, 3]] * [[1], [1], [0], [1]], np.array([[1.0], [0], [1], [0]])
    )
    assert report.ok, report
    assert any(note.startswith("Rows of 2 steps do not run alone") for note in report.notes)
    assert any(note.startswith("Rows without a real step (2)") for note in report.notes)


class Rows(layers.Layer):
    """A row less the mean of the batch."""

    def call(self, x):
        return x - ops.mean(x, axis=0, keepdims=True)


def test_rows_that_see_each_other_are_told_from_padding():
    ids = keras.Input((None,))
    states = layers.LSTM(4)(embedding(mask_zero=True)(ids))
    report = audit(keras.Model(ids, Rows(name="rows")(states)), IDS)
    blames(report, ("neighbours", "rows"))
    assert "although none has padding" in report.findings[0].message


class Grows(layers.Layer):
    """A map that doubles every error, 60 times."""

    def call(self, x):
        x = ops.sigmoid(50 * x)
        for _ in range(60):
            x = 3.9 * x * (1 - x)
        return x


@pytest.mark.parametrize("is_wild", [True, False])
def test_rounding_that_grows_is_told_from_padding(is_wild):
    lengths = np.random.default_rng(0).integers(20, 60, 8)
    ids = np.where(np.arange(60) < lengths[:, None], RNG.integers(1, 9, (8, 60)), 0)
    x = keras.Input((None,))
    words = embedding(mask_zero=True)(x)
    average = layers.GlobalAveragePooling1D(name="average")(words)
    out = Grows(name="grows")(average) if is_wild else average
    report = audit(keras.Model(x, layers.Dense(3)(out)), ids)
    assert report.ok, report
    told = any("rounding that grows" in note for note in report.notes)
    assert told is is_wild, report


# ---------------------------------------------------------------------- advice


@pytest.mark.parametrize("given", [None, "value_mask"])
def test_self_attention_is_given_the_mask_of_its_values(given):
    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.table = embedding()
            self.attend = layers.MultiHeadAttention(1, 2, name="mha")

        def call(self, ids):
            x, mask = self.table(ids), ops.not_equal(ids, 0)
            return self.attend(x, x, **({} if given is None else {given: mask}))

    report = audit(Model(), IDS)
    assert report.ok is (given is not None)
    if given is None:
        assert "give the mask to `mha` by hand (`value_mask=`)" in report.findings[0].message
