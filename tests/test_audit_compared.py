"""What `audit` compares where rows cannot be cut, and beside outputs: losses of all sorts."""

import numpy as np
import pytest

from course_lib import audit
from course_lib._audit.sample import pick
from course_lib._audit.second_look import second_looks
from tests.needs import keras

layers, ops = keras.layers, keras.ops
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

MASK = np.arange(6) < np.array([3, 5, 2, 6])[:, None]
IDS = np.where(MASK, np.random.default_rng(0).integers(2, 7, (4, 6)), 0)
SERIES = np.random.default_rng(1).normal(size=(4, 6, 2)).astype("float32")
ZEROED = SERIES * MASK[..., None]
both = pytest.mark.parametrize("broken", [True, False], ids=["broken", "sound"])
SPARSE = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


@pytest.fixture(autouse=True)
def _seed():
    keras.utils.set_random_seed(1)


def embedding(mask_zero=True):
    return layers.Embedding(9, 4, mask_zero=mask_zero, name="embedding")


def blames(report, *findings):
    assert [(one.kind, one.layer) for one in report.findings] == list(findings), report


# ---------------------------------------------------------------------- rows that cannot be cut


@both
@pytest.mark.parametrize("length", [None, 8])
def test_a_model_of_strings(length, broken):
    vectorize = layers.TextVectorization(output_sequence_length=length)
    vectorize.adapt(["a b c d e f g"])
    model = keras.Sequential(
        [keras.Input((1,), dtype="string"), vectorize, embedding(not broken), layers.LSTM(3)]
    )
    texts = np.array([["a b"], ["c d e f"], ["a"], ["g f e d c"]])
    report = audit(model, texts)
    assert [one.kind for one in report.findings] == ["never"] * broken, report
    assert report.inputs == ["`x`: text, of which the model makes ids; id 0 is padding"]


class Blank(layers.Layer):
    """Zeros at padded steps."""

    def call(self, x, mask=None):
        return x * ops.cast(mask, x.dtype)[..., None]


@both
def test_a_model_that_fixes_its_steps(broken):
    middle = [] if broken else [Blank()]
    model = keras.Sequential(
        [keras.Input((6,)), embedding(), *middle, layers.Flatten(name="flat"), layers.Dense(2)]
    )
    report = audit(model, IDS)
    blames(report, *[("leak", "flat")] * broken)
    assert any("no row can run alone" in note for note in report.notes)
    if broken:
        (text,) = report.findings[0].evidence
        assert "changes with another vector for the padding id" in text
        assert text.endswith(" after.")


@both
def test_a_fixed_number_of_features(broken):
    x, mask = keras.Input((6, 2), name="series"), keras.Input((6,), name="mask")
    h = x if broken else x * ops.cast(mask, "float32")[..., None]
    model = keras.Model({"series": x, "mask": mask}, layers.Dense(2)(layers.Flatten(name="f")(h)))
    report = audit(model, {"series": SERIES, "mask": MASK})
    blames(report, *[("leak", "f")] * broken)


@both
def test_values_behind_a_masking_layer_of_fixed_steps(broken):
    x = keras.Input((6, 2))
    h = layers.Dense(2, bias_initializer="ones")(layers.Masking()(x))
    h = layers.Permute((2, 1), name="turn")(h if broken else Blank()(h))
    report = audit(keras.Model(x, layers.Dense(6)(h)), ZEROED)
    blames(report, *[("leak", "turn")] * broken)
    assert "outputs at real steps with other values in the padding behind `Masking`" in (
        report.checked
    )


@both
def test_fixed_steps_and_padding_told_by_its_value_are_refused(broken):
    # Whatever stands in the padding is real to such a model, so an accusation would be a guess.
    x = keras.Input((6, 2))
    real = ops.cast(ops.any(ops.not_equal(x, 0), axis=-1, keepdims=True), "float32")
    h = layers.Dense(2, bias_initializer="ones")(x)
    out = layers.Dense(2)(layers.Flatten()(h if broken else h * real))
    model = keras.Model(x, out + ops.sum(real, axis=1))
    with pytest.raises(ValueError, match="fixes its number of steps and tells padding by its"):
        audit(model, ZEROED)


def test_what_truly_cannot_be_asked_is_refused():
    class Where(layers.Layer):
        def call(self, ids):
            return ops.reshape(ops.cast(ids, "float32"), (-1, 6))

    model = keras.Sequential([keras.Input((6,)), Where(), layers.Dense(2)])
    with pytest.raises(ValueError, match="`model` must run on rows of other lengths"):
        audit(model, IDS)


# ---------------------------------------------------------------------- added losses


class Balance(layers.Layer):
    """A router's loss: how evenly steps are spread."""

    def __init__(self, broken, only_training, size=20, **options):
        super().__init__(**options)
        self.broken, self.only_training, self.supports_masking = broken, only_training, True
        self.choose = layers.Dense(3, kernel_initializer=keras.initializers.RandomNormal(0, size))

    def call(self, x, mask=None, training=False):
        if training or not self.only_training:
            chances = ops.softmax(self.choose(x))
            real = ops.cast(mask, "float32")[..., None]
            real = ops.ones_like(real) if self.broken else real
            load = ops.sum(chances * real, axis=(0, 1)) / ops.sum(real)
            self.add_loss(3 * ops.sum(load**2))
        return x


@both
@pytest.mark.parametrize("only_training", [True, False], ids=["training", "inference"])
@pytest.mark.parametrize("size", [20, 0.05], ids=["trained", "new"])
def test_the_loss_that_a_router_adds(size, only_training, broken):
    x = keras.Input((None,))
    router = Balance(broken, only_training, size, name="router")
    report = audit(keras.Model(x, layers.LSTM(3)(router(embedding()(x)))), IDS)
    blames(report, *[("added loss", "router")] * broken)
    where = "in training" if only_training else "in inference"
    assert any(text.startswith(f"added losses {where}") for text in report.checked)


@both
def test_the_loss_that_a_model_adds(broken):
    class Model(keras.Model):
        def __init__(self):
            super().__init__(name="own")
            self.table, self.state = embedding(), layers.LSTM(3)

        def call(self, ids):
            x = self.table(ids)
            real = ops.cast(self.table.compute_mask(ids), "float32")[..., None]
            size = ops.square(x)
            mean = ops.sum(size * real) / ops.sum(real)
            self.add_loss(ops.mean(size) if broken else mean)
            return self.state(x)

    blames(audit(Model(), IDS), *[("added loss", "own")] * broken)


WITH_EMPTY = np.concatenate([IDS, np.zeros((1, 6), int)])


def test_a_row_of_nothing_but_padding_is_no_row_that_a_loss_is_divided_by():
    class Few(layers.Layer):
        def call(self, x, mask=None):
            if x.shape[1] is not None and x.shape[1] > 6:
                raise ValueError("too many steps")
            sizes = ops.sum(x**2 * ops.cast(mask, "float32")[..., None], axis=(1, 2))
            self.add_loss(ops.mean(sizes))
            return x

    few = Few()
    few.supports_masking = True
    assert audit(keras.Sequential([embedding(), few, layers.LSTM(3)]), WITH_EMPTY).ok


def test_an_activity_regularizer_beside_a_row_of_nothing_but_padding():
    dense = layers.Dense(3, activity_regularizer="l2", name="dense")
    blames(audit(keras.Sequential([embedding(), dense]), WITH_EMPTY), ("leak", "dense"))


# ---------------------------------------------------------------------- shorter outputs, positions


class Shift(layers.Layer):
    """All steps but the last; real where the next step is."""

    def call(self, x):
        return x[:, :-1]

    def compute_mask(self, x, mask=None):
        return None if mask is None else mask[:, 1:]


@both
def test_outputs_with_fewer_steps_than_the_input(broken):
    x = keras.Input((None,))
    h = layers.LSTM(4, return_sequences=True, name="lstm")(embedding()(x))
    h = h[:, :-1] if broken else Shift()(h)
    model = keras.Model(x, layers.Dense(8, name="out")(h))
    model.compile("sgd", SPARSE)
    report = audit(model, IDS, IDS[:, 1:])
    wanted = ("lost", "raw operation GetItem between 'lstm' and 'out'")
    blames(report, *[wanted] * broken)
    weights = MASK[:, 1:].astype("float32")
    report = audit(model, IDS, IDS[:, 1:], weights)
    assert report.ok, report


def test_gradients_of_nothing_are_not_said_to_be_compared():
    model = keras.Sequential([embedding(), Shift()])
    checked = audit(model, IDS).checked
    assert not any(text.startswith("gradients") for text in checked), checked


@pytest.mark.parametrize("last", [ops.round, ops.negative])
def test_variables_without_a_gradient_are_not_said_to_be_compared(last):
    x = keras.Input((None,))
    checked = audit(keras.Model(x, last(layers.LSTM(3)(embedding()(x)))), IDS).checked
    counts = [text for text in checked if text.startswith("gradients")]
    assert counts == ["gradients of 4 variables, rows of 4 lengths"] * (last is ops.negative)


# ---------------------------------------------------------------------- losses of whole rows


def ctc(y, scores):
    ones = ops.ones_like(y[:, 0], "int32")
    steps = ones * ops.shape(scores)[1]
    return ops.ctc_loss(ops.cast(y, "int32"), scores, 2 * ones, steps, mask_index=0)


@both
def test_predictions_that_the_model_fixes_at_padded_steps(broken):
    """A sure blank at each padded step adds nothing, and no input or training makes another."""
    x = keras.Input((None, 2))
    real = ops.any(ops.not_equal(x, 0), axis=-1)
    h = layers.GRU(3, return_sequences=True)(x, mask=real)
    sure = 99.0 * ops.one_hot(ops.zeros_like(x[..., 0], "int32"), 4)
    blank = layers.Dense(4, kernel_initializer="identity")(sure) if broken else sure
    model = keras.Model(x, ops.where(real[..., None], layers.Dense(4)(h), blank))
    model.compile("sgd", ctc)
    report = audit(model, ZEROED, np.array([[1, 2], [2, 3], [3, 1], [1, 3]]))
    assert [one.symptom for one in report.findings] == ["loss"] * broken, report
    assert "compiled loss" in report.checked


@both
def test_zeros_at_padding_that_training_ends_are_not_fixed(broken):
    """Zeros because a bias is still zero: a sum over all steps is right by chance."""
    x = keras.Input((None, 2))
    model = keras.Model(x, layers.Dense(2, activation="relu", use_bias=broken)(x))
    model.compile("sgd", lambda y, p: ops.square(y[:, 0] - ops.sum(p, axis=(1, 2))))
    report = audit(model, ZEROED, np.ones((4, 1)))
    assert [one.symptom for one in report.findings] == ["loss"] * broken, report


# ---------------------------------------------------------------------- targets that are steps


class Scores(keras.Model):
    """One score for each step, at the end of a `call`: no layer made it."""

    def __init__(self):
        super().__init__()
        self.embedding, self.score = embedding(), layers.Dense(1, name="score")

    def call(self, ids):
        return self.score(self.embedding(ids))[..., 0]


@pytest.mark.parametrize("y", [np.array([1, 4, 0, 5]), None], ids=["y", "made up"])
def test_scores_of_padded_steps_in_a_call(y):
    model = Scores()
    model.compile("sgd", SPARSE)
    blames(audit(model, IDS, y), ("choice", model.name))


@both
@pytest.mark.parametrize("side", ["post", "pre"])
def test_targets_that_are_positions(side, broken):
    x = keras.Input((None,))
    h = layers.LSTM(4, return_sequences=True, name="lstm")(embedding()(x))
    scores = ops.squeeze(layers.Dense(1, name="score")(h), -1)
    scores = scores if broken else ops.where(ops.not_equal(x, 0), scores, -1e9)
    model = keras.Model(x, ops.softmax(scores))
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    ids, y = IDS, np.array([1, 4, 0, 5])
    if side == "pre":
        ids = np.array([np.roll(row, (row == 0).sum()) for row in IDS])
        y = y + (IDS == 0).sum(axis=1)
    report = audit(model, ids, y)
    assert report.ok is not broken, report
    assert [one.symptom for one in report.findings] == ["outputs"] * broken
    assert ({"compiled loss", "metrics"} <= set(report.checked)) is not broken


# ---------------------------------------------------------------------- without targets


@both
def test_a_loss_whose_weights_come_from_a_pipeline(broken):
    names = ("token_ids", "padding_mask")
    inputs = {name: keras.Input((None,), name=name) for name in names}
    mask = ops.cast(inputs["padding_mask"], "bool")
    options = {} if broken else {"mask": mask}
    h = layers.LSTM(4, return_sequences=True, name="lstm")(
        embedding(False)(inputs["token_ids"]), **options
    )
    model = keras.Model(inputs, layers.Dense(9)(h * 1.0))
    model.compile("sgd", SPARSE, weighted_metrics=["accuracy"])
    x = {"token_ids": IDS[:, ::-1] if broken else IDS}
    x["padding_mask"] = x["token_ids"] != 0
    report = audit(model, x)
    blames(report, *[("never", "embedding")] * broken)
    if not broken:
        assert any("as your pipeline gives them" in note for note in report.notes)
        assert audit(model, x, IDS, MASK.astype("float32")).ok
        assert not audit(model, x, IDS).ok


def test_a_mask_that_the_model_makes_and_loses_is_a_fault_without_targets():
    x = keras.Input((None,))
    model = keras.Model(x, layers.Dense(9)(embedding()(x) * 2))
    model.compile("sgd", SPARSE)
    assert [one.kind for one in audit(model, IDS).findings] == ["lost"]


# ------------------------------------------------------------------ a row for padding that hides


@pytest.mark.parametrize("sign", [1, -1])
def test_a_maximum_of_which_padding_is_never_the_largest(sign):
    """A large row for padding is of one sign behind this layer; of one of both the maximum is."""
    inputs = keras.Input((None,), dtype="int32")
    dense = layers.Dense(2, name="dense")
    model = keras.Model(inputs, layers.GlobalMaxPooling1D(name="max")(dense(embedding()(inputs))))
    small = np.full((9, 4), 0.01)
    small[0] = -1.0  # under this row, as it is, no maximum is padding's
    model.get_layer("embedding").set_weights([small])
    dense.set_weights([sign * np.array([[1.0, 1.0], [-1.0, -1.0]] * 2) + 0.5, np.ones(2)])
    blames(audit(model, IDS), ("leak", "max"))


@both
@pytest.mark.parametrize("bias", [-3.0, 3.0], ids=["below", "above"])
def test_a_metric_with_a_threshold_that_no_prediction_crosses(bias, broken):
    x = keras.Input((None,))
    dense = layers.Dense(
        1, activation="sigmoid", bias_initializer=keras.initializers.Constant(bias)
    )
    model = keras.Model(x, dense(embedding()(x)))
    metric = keras.metrics.Recall(name="recall") if bias > 0 else keras.metrics.Precision(name="p")
    model.compile("sgd", "mse", **{"metrics" if broken else "weighted_metrics": [metric]})
    y = np.where(MASK, IDS % 2, 1)[..., None].astype("float32")
    report = audit(model, IDS, y, sample_weight=MASK.astype("float32"))
    blames(report, *[("metric", metric.name)] * broken)


# ---------------------------------------------------------------------- a batch of many lengths


MANY = np.arange(1, 21)
LONG = np.where(np.arange(20) < MANY[:, None], np.random.default_rng(2).integers(2, 9, (20, 20)), 0)

# The first of the lengths that run alone only if padding shows anywhere.
LATER = next(length for length in MANY if length - 1 not in pick(len(MANY)))


class Counts(layers.Layer):
    """Adds the number of padded steps to rows of one length, and takes only so many steps."""

    def __init__(self, length, most):
        super().__init__(name="counts")
        self.length, self.most, self.supports_masking = length, most, True

    def call(self, x, mask=None):
        if x.shape[1] is not None and x.shape[1] > self.most:
            raise ValueError("too many steps")
        real = ops.sum(ops.cast(mask, "int32"), axis=1)
        padded = ops.where(real == self.length, ops.shape(x)[1] - real, 0)
        return x + ops.cast(padded, x.dtype)[:, None, None]


def counting(length, most=50):
    model = keras.Sequential([embedding(), Counts(length, most)])
    model.compile("sgd", "mse", metrics=["mae"])
    return model


def test_of_many_lengths_a_few_run_alone_if_nothing_differs():
    report = audit(counting(50), LONG, LONG[..., None] * np.ones(4))
    assert report.ok
    assert report.forwards <= 25
    assert "outputs at real steps: 8 rows in 8 lengths, alone and in the batch" in report.checked
    (others,) = [text for text in report.checked if "more lengths" in text]
    assert others == "outputs with 1 more step of padding: 12 rows in 12 more lengths"


@pytest.mark.parametrize(("length", "most"), [(19, 50), (LATER, 50), (LATER, 20)])
def test_a_fault_in_rows_of_one_length_is_found_whichever_it_is(length, most):
    report = audit(counting(length, most), LONG)
    blames(report, ("leak", "counts"))
    (evidence,) = report.findings[0].evidence
    assert f"row {length - 1}," in evidence
    assert "outputs at real steps: 20 rows in 20 lengths, alone and in the batch" in report.checked


@pytest.mark.parametrize("seed", [22, 28, 43, 44])
def test_zeros_at_padding_are_found_though_all_else_is_larger_now(seed):
    """With these first weights a maximum takes none of the zeros in front."""
    keras.utils.set_random_seed(seed)
    x = keras.Input((None,))
    h = layers.LSTM(4, return_sequences=True)(layers.Embedding(6, 4, mask_zero=True)(x))
    model = keras.Model(x, layers.Dense(1)(layers.GlobalMaxPooling1D(name="max")(h)))
    rows = [[1, 2, 3], [3, 4, 5, 2, 1], [2, 1]]
    ids = keras.utils.pad_sequences(rows, 6)
    together = np.array(model(ids))
    for row, score in zip(rows, together, strict=True):
        assert np.allclose(score, model(np.array([row]))[0], atol=1e-6)
    blames(audit(model, ids), ("leak", "max"))


def test_a_second_look_is_the_same_whenever_it_is_entered():
    """What is explained must be what was seen: a look is entered again for that."""
    model = keras.Sequential([embedding(), layers.Dense(3), layers.Dense(2)])
    model.build((None, 6))
    before = model.get_weights()
    for look in second_looks(model):
        seen = []
        for _ in range(2):
            with look():
                seen.append(model.get_weights())
        assert not all(np.array_equal(one, two) for one, two in zip(seen[0], before, strict=True))
        for one, two in zip(*seen, strict=True):
            np.testing.assert_array_equal(one, two)
    for one, two in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, two)
