"""`audit` finds what shows padding, accuses nothing else, and leaves everything as it was."""

import random
import warnings

import numpy as np
import pytest

from course_lib import assert_padding_invariant, audit
from tests.needs import keras

layers, ops = keras.layers, keras.ops
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

IDS = np.array([[3, 2, 1, 0, 0, 0], [4, 1, 1, 2, 5, 0], [5, 2, 0, 0, 0, 0], [1, 2, 3, 4, 5, 1]])
STEPS = np.random.default_rng(0).normal(size=(4, 6, 1)).astype("float32")


def embedding(**options):
    return layers.Embedding(7, 4, mask_zero=True, **options)


def tagger(loss="mse", metrics=("mae",), middle=()):
    model = keras.Sequential(
        [embedding(), *middle, layers.LSTM(3, return_sequences=True), layers.Dense(1)]
    )
    model.compile("adam", loss, metrics=list(metrics))
    return model


def leaky():
    model = keras.Sequential([embedding(), layers.Conv1D(3, 3, padding="same", name="conv")])
    model.compile("adam", "mse")
    return model


# ---------------------------------------------------------------------- the report


def test_a_sound_model_is_ok():
    report = audit(tagger(), IDS, STEPS)
    assert report.ok
    assert report.findings == []
    for what in ("outputs at real steps", "compiled loss", "metrics", "gradients", "more steps"):
        assert any(what in text for text in report.checked), what


def test_a_finding_says_what_where_and_how_much():
    report = audit(leaky(), IDS)
    assert not report.ok
    (one,) = report.findings
    assert (one.kind, one.layer, one.symptom) == ("leak", "conv", "outputs")
    assert "Keras warned" in one.message
    assert "in the batch" in one.evidence[0]
    text = repr(report)
    assert "padding leaks in at conv" in text
    assert max(map(len, text.splitlines())) <= 100


def test_html_is_escaped():
    name = "<img src=x>"
    model = keras.Sequential([embedding(), layers.Conv1D(3, 3, padding="same", name=name)])
    text = audit(model, IDS)._repr_html_()
    assert name not in text
    assert "&lt;img src=x&gt;" in text


def test_the_picture_is_the_traces():
    assert audit(leaky(), IDS).picture().png().startswith(b"\x89PNG")


def test_the_assertion_tells_the_same_story():
    assert_padding_invariant(tagger(), IDS, STEPS)
    with pytest.raises(AssertionError, match="padding leaks in at conv"):
        assert_padding_invariant(leaky(), IDS)


def test_a_dropped_mask_that_nobody_needs_is_a_note():
    model = keras.Sequential([embedding(), layers.Conv1D(3, 3, padding="causal", name="conv")])
    report = audit(model, IDS)
    assert report.ok
    assert any("Keras warned that conv drops the mask" in note for note in report.notes)
    assert any('needs padding="post"' in note for note in report.notes)


def test_a_loss_without_targets_is_tried_on_made_up_ones():
    def build(x):
        return layers.Dense(1)(ops.tanh(embedding(name="embedding")(x)))

    x = keras.Input((None,), dtype="int32")
    model = keras.Model(x, build(x))
    model.compile("sgd", "mse")
    report = audit(model, IDS)
    assert [one.kind for one in report.findings] == ["lost"]
    assert "Tanh between 'embedding'" in report.findings[0].layer
    assert any("made-up targets" in note for note in report.notes)


def test_a_train_step_of_ones_own_is_named():
    class Own(keras.Sequential):
        def train_step(self, data):
            raise AssertionError("an audit does not train")

    own, plain = Own(tagger().layers), tagger()
    own.compile("adam", "mse", metrics=["mae"])
    told = [set(audit(model, IDS, STEPS).notes) for model in (own, plain)]
    (note,) = told[0] - told[1]
    assert note.startswith("The model's own `train_step` was not run")


def test_zero_weights_at_padding_are_no_fault():
    x = keras.Input((None,), dtype="int32")
    model = keras.Model(x, layers.Dense(1)(ops.tanh(embedding()(x))))
    model.compile("sgd", "mse", weighted_metrics=["mae"])
    report = audit(model, IDS, STEPS, sample_weight=(IDS != 0).astype("float32"))
    assert report.ok, report
    assert any("divides by all steps" in note for note in report.notes)


def test_rows_of_nothing_but_padding_are_left_out():
    ids = IDS.copy()
    ids[2] = 0
    assert audit(tagger(), ids, STEPS).ok
    model = keras.Sequential([embedding(), layers.GlobalAveragePooling1D(), layers.Dense(1)])
    model.compile("sgd", "mse")
    report = audit(model, ids, STEPS[:, 0])
    assert report.ok, report
    assert any("Rows without a real step (2)" in note for note in report.notes)


def test_padding_between_real_steps():
    ids = IDS.copy()
    ids[1, 2] = ids[3, 0] = 0
    assert audit(tagger(), ids, STEPS).ok
    assert not audit(leaky(), ids).ok


# ---------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("x", "options", "error", "text"),
    [
        (np.ones((2, 3), int), {}, ValueError, "`x` must hold padding"),
        (np.zeros((2, 3), int), {}, ValueError, "nothing but padding"),
        (np.zeros((0, 3), int), {}, ValueError, "at least one row"),
        ([1, 0], {}, ValueError, "got a number; pass an array"),
        (np.array([["a", "b"]]), {}, TypeError, "`x` must hold numbers"),
        (iter([IDS]), {}, TypeError, "`x` must be one batch"),
        (IDS, {"y": STEPS[:, :4]}, ValueError, r"`y` must have shape \(4, 6\)"),
        (IDS, {"y": STEPS[:3]}, ValueError, "`y` must have 4 rows"),
        (IDS, {"y": STEPS, "sample_weight": np.ones(3)}, ValueError, "`sample_weight` must have 4"),
        (IDS, {"mask": np.ones((4, 6))}, TypeError, "`mask` must be bool"),
        (IDS, {"mask": np.ones((4, 5), bool)}, ValueError, "`mask` must have the first two axes"),
        (IDS, {"mask": [IDS != 0, None]}, ValueError, "for each of the 1 inputs"),
    ],
)
def test_bad_input_says_so(x, options, error, text):
    with pytest.raises(error, match=text):
        audit(tagger(), x, **options)


def test_a_mask_may_be_written_out():
    vectors = np.ones((2, 3, 2), "float32")
    written = [[True, True, False], [True, False, False]]
    model = keras.Sequential([keras.Input((None, 2)), layers.GlobalAveragePooling1D()])
    assert audit(model, vectors, mask=written).ok


def test_a_ragged_tensor_is_named():
    tf = pytest.importorskip("tensorflow")
    with pytest.raises(TypeError, match=r"got a RaggedTensor as input 0; its `to_tensor\(\)` pads"):
        audit(tagger(), tf.ragged.constant([[1], [1, 2]]))


def test_what_is_no_model_says_so():
    with pytest.raises(TypeError, match="`model` must be a Keras model or layer, got function"):
        audit(lambda x: x, IDS)


def test_a_keras_that_is_too_old_says_so(monkeypatch):
    for version in ("2.15.0", "3.0.5", "3.7.0"):
        monkeypatch.setattr(keras, "__version__", version)
        with pytest.raises(
            RuntimeError, match=f"`audit` needs Keras 3.8 or later, got .*{version}"
        ):
            audit(tagger(), IDS)


def test_a_model_that_takes_one_length_only_says_so():
    """Its padding is changed instead; only where nothing can be changed is it refused."""
    model = keras.Sequential([keras.Input((6,)), embedding(), layers.Flatten(), layers.Dense(1)])
    assert [one.kind for one in audit(model, IDS).findings] == ["leak"]
    plain = keras.Sequential([keras.Input((6,)), layers.Dense(1)])
    with pytest.raises(ValueError, match="must run on rows of other lengths"):
        audit(plain, IDS)


def test_a_model_that_is_random_in_inference_says_so():
    class Noise(layers.Layer):
        def __init__(self):
            super().__init__()
            self.seeds, self.supports_masking = keras.random.SeedGenerator(1), True

        def call(self, x):
            return x + keras.random.normal(ops.shape(x), seed=self.seeds)

    with pytest.raises(ValueError, match="the same outputs for the same inputs"):
        audit(keras.Sequential([embedding(), Noise()]), IDS)


def test_a_declared_length_does_not_matter():
    model = keras.Sequential([embedding(), layers.LSTM(3)])
    x = keras.Input((6,), dtype="int32")
    fixed = keras.Model(x, model(x))
    assert audit(fixed, IDS).ok
    with pytest.raises(ValueError, match="expected shape"):
        fixed(IDS[:, :4])


# ---------------------------------------------------------------------- as it was before


class Whole(keras.Model):
    """Everything that has a state: weights, statistics, seeds, a stateful layer, metrics."""

    def __init__(self, fail=False):
        super().__init__()
        self.embed, self.norm = embedding(), layers.BatchNormalization()
        self.drop, self.lstm = layers.Dropout(0.5), layers.LSTM(3, return_sequences=True)
        self.state = layers.GRU(2, stateful=True, return_sequences=True)
        self.dense, self.fail, self.calls = layers.Dense(1), fail, 0

    def call(self, ids, training=None):
        self.calls += 1
        if self.fail and self.calls > 4:
            raise RuntimeError("half-way")
        x = self.drop(self.norm(self.embed(ids), training=training), training=training)
        return self.dense(self.state(self.lstm(x)))


def state_of(model):
    variables = [*model.variables, *model.optimizer.variables, *model.state.states]
    for metric in model.metrics:
        variables += metric.variables
    values = [ops.convert_to_numpy(variable) for variable in variables]
    values += [random.getstate()[1], np.random.get_state()[1]]
    values.append([layer.trainable for layer in model._flatten_layers()])
    return [np.array(value) for value in values]


@pytest.mark.parametrize("fail", [False, True])
def test_the_model_is_as_it_was(fail):
    keras.utils.set_random_seed(0)
    model = Whole()
    model.norm.trainable = False
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(IDS, STEPS, verbose=0, batch_size=4)
    model.fail, model.calls = fail, 0
    before, call = state_of(model), (keras.layers.Layer.__call__, keras.Operation.__call__)
    filters = list(warnings.filters)
    if fail:
        with pytest.raises((RuntimeError, ValueError), match="half-way"):
            audit(model, IDS, STEPS)
    else:
        audit(model, IDS, STEPS)
    after = state_of(model)
    assert len(before) == len(after)
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))
    assert (keras.layers.Layer.__call__, keras.Operation.__call__) == call
    assert warnings.filters == filters


def test_training_goes_on_as_if_nothing_had_been():
    losses = []
    for look in (False, True):
        keras.utils.set_random_seed(0)
        model = tagger(middle=[layers.Dropout(0.5)])
        model.fit(IDS, STEPS, verbose=0, shuffle=False)
        if look:
            audit(model, IDS, STEPS)
        losses.append(model.fit(IDS, STEPS, verbose=0, epochs=3, shuffle=False).history["loss"])
    assert losses[0] == losses[1]


def test_nothing_is_printed(capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = keras.Sequential([embedding(), layers.Flatten(), layers.Reshape((-1, 4))])
        audit(model, IDS)
    out, err = capsys.readouterr()
    assert (out, err) == ("", "")


# ---------------------------------------------------------------------- faults put into Keras


def test_a_fault_in_keras_recurrence_is_found(monkeypatch):
    call = layers.LSTM.call

    def forgets(self, sequences, initial_state=None, mask=None, training=False):
        return call(self, sequences, initial_state=initial_state, training=training)

    model = keras.Sequential([embedding(), layers.LSTM(3, name="lstm")])
    assert audit(model, IDS).ok
    monkeypatch.setattr(layers.LSTM, "call", forgets)
    report = audit(model, IDS)
    assert [(one.kind, one.layer) for one in report.findings] == [("leak", "lstm")]


def test_a_fault_in_keras_masked_loss_is_found(monkeypatch):
    from keras.src.losses import loss

    assert audit(tagger(metrics=()), IDS, STEPS).ok
    monkeypatch.setattr(loss, "apply_mask", lambda sample_weight, mask, **_: sample_weight)
    report = audit(tagger(metrics=()), IDS, STEPS)
    assert [(one.kind, one.symptom) for one in report.findings] == [("loss", "loss")]


def test_a_fault_in_keras_attention_is_found(monkeypatch):
    x = keras.Input((None,), dtype="int32")
    h = embedding()(x)
    model = keras.Model(x, layers.MultiHeadAttention(1, 2, name="mha")(h, h))
    assert audit(model, IDS).ok
    monkeypatch.setattr(
        layers.MultiHeadAttention, "_compute_attention_mask", lambda *args, **options: None
    )
    assert [one.layer for one in audit(model, IDS).findings] == ["mha"]


def test_a_fault_in_the_gradients_alone_is_found():
    @ops.custom_gradient
    def passes(x):
        # The value is right; the gradient is that of something else at every step.
        return x, lambda *args, upstream=None: (args[0] if upstream is None else upstream) + 1.0

    class Odd(layers.Layer):
        def __init__(self, **options):
            super().__init__(**options)
            self.supports_masking = True

        def call(self, x):
            return passes(x)

    model = keras.Sequential([embedding(name="table"), layers.Dense(3), Odd(name="odd")])
    report = audit(model, IDS)
    assert [one.symptom for one in report.findings] == ["gradients"]


# ---------------------------------------------------------------------- other losses


@pytest.mark.parametrize("steps", [True, False])
def test_a_compute_loss_of_ones_own(steps):
    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.embed, self.dense = embedding(), layers.Dense(1)
            self.last = layers.LSTM(3, return_sequences=steps)

        def call(self, ids):
            return self.dense(self.last(self.embed(ids)))

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            return ops.mean(ops.square(y - y_pred))

    model = Model()
    model.compile("sgd")
    report = audit(model, IDS, STEPS if steps else STEPS[:, 0])
    # A plain mean is right for one value a row, and counts padding where there are steps.
    assert report.ok is not steps, report


def test_an_activity_regularizer_counts_padding():
    model = tagger(middle=[layers.Dense(4, activity_regularizer="l2", name="dense")])
    assert [one.layer for one in audit(model, IDS, STEPS).findings] == ["dense"]


def test_gradients_that_are_zero_but_for_rounding_are_no_fault():
    x = keras.Input((None,), dtype="int32")
    steps = layers.LSTM(4, return_sequences=True)(embedding()(x))
    # A bias before a softmax over time has no effect, so its gradient is rounding alone.
    scores = layers.Reshape((-1,))(layers.Dense(1)(steps))
    model = keras.Model(x, layers.Softmax()(scores, mask=ops.not_equal(x, 0)))
    report = audit(model, IDS)
    assert report.ok, report


def test_precision_that_is_right_by_chance_is_found():
    model = keras.Sequential([embedding(), layers.Dense(1, activation="sigmoid")])
    model.compile("sgd", "binary_crossentropy", metrics=[keras.metrics.Precision(name="precision")])
    model(IDS)
    table = model.layers[0].get_weights()[0]
    model.layers[1].set_weights([np.array([[1.0], [0], [0], [0]]), np.zeros(1)])
    table[:, 0] = [-9, 1, 2, 3, 4, 5, 6]
    model.layers[0].set_weights([table])
    y = np.random.default_rng(0).integers(0, 2, size=(4, 6, 1))
    assert [(one.kind, one.layer) for one in audit(model, IDS, y).findings] == [
        ("metric", "precision")
    ]
