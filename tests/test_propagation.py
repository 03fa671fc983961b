"""`trace` tells what real tensors carry, and leaves model and Keras as they were."""

import contextlib
import random
import threading
import warnings

import numpy as np
import pytest

from course_lib import trace
from tests.needs import keras

layers = keras.layers

IDS = np.array([[3, 2, 1, 0, 0], [4, 1, 1, 2, 0]])


def embedding(**options):
    return layers.Embedding(6, 4, mask_zero=True, **options)


def functional(build, *, inputs=None):
    x = inputs or keras.Input((None,), dtype="int32")
    return keras.Model(x, build(x))


def same(variable, value):
    return np.array_equal(keras.ops.convert_to_numpy(variable), value)


def did(report):
    return {row.layer: row.did for row in report.rows}


def test_the_letters_stand_for_the_masks_that_keras_attached():
    report = trace(keras.Sequential([embedding(), layers.LSTM(3, return_sequences=True)]), IDS)
    assert [row.mask_out for row in report.rows] == [["A"], ["A"]]
    assert np.array_equal(report.masks["A"], IDS != 0)


@pytest.mark.parametrize(
    ("layer", "told"),
    [
        (layers.Dense(4), "passes"),
        (layers.LayerNormalization(), "passes"),
        (layers.LSTM(3, return_sequences=True), "uses and passes"),
        (layers.LSTM(3), "uses and ends"),
        (layers.GlobalAveragePooling1D(), "uses and ends"),
        (layers.Conv1D(3, 2), "drops (warned)"),
        (layers.Flatten(), "drops (warned)"),
    ],
)
def test_what_a_layer_did(layer, told):
    row = trace(keras.Sequential([embedding(), layer]), IDS)[layer.name]
    assert row.did == told
    assert row.warned == told.endswith("(warned)")


def test_a_merge_of_two_masks_and_of_a_mask_and_none():
    def build(x):
        real, bare = embedding(name="real")(x), layers.Embedding(6, 4, name="bare")(x)
        both = layers.Add(name="both")([real, layers.Dense(4)(real)])
        half = layers.Add(name="half")([real, bare])
        joined = layers.Concatenate(name="joined")([real, bare])
        return [both, half, joined]

    report = trace(functional(build), IDS)
    told = did(report)
    assert told["both"] == "merges"
    assert told["half"] == "drops silently"
    assert report["joined"].mask_out == ["B"]
    assert report.masks["B"].all()


def test_attention_strips_the_mask_that_its_symbolic_input_keeps():
    def build(x):
        x = embedding()(x)
        return layers.Add(name="residual")([x, layers.MultiHeadAttention(1, 2, name="mha")(x, x)])

    model = functional(build)
    assert model.output._keras_mask is not None
    report = trace(model, IDS)
    assert report["mha"].did == "uses and passes, strips its inputs"
    assert report["residual"].mask_in == ["–", "A"]
    assert report["residual"].mask_out == ["–"]


def test_an_lstm_with_an_initial_state_ignores_the_mask_that_it_passes():
    class Decoder(keras.Model):
        def __init__(self):
            super().__init__()
            self.embed, self.lstm = embedding(), layers.LSTM(4, return_sequences=True, name="lstm")

        def call(self, x):
            x = self.embed(x)
            state = keras.ops.zeros((2, 4))
            return self.lstm(x, initial_state=[state, state])

    row = trace(Decoder(), IDS)["lstm"]
    assert row.did == "ignores, passes"
    assert row.received == {"mask": "–"}


def test_a_query_mask_given_by_hand_is_overwritten():
    class Model(keras.Model):
        def __init__(self):
            super().__init__()
            self.embed, self.mha = embedding(), layers.MultiHeadAttention(1, 2, name="mha")

        def call(self, x):
            x = self.embed(x)
            return self.mha(x, x, query_mask=keras.ops.ones((2, 5), dtype="bool"))

    assert trace(Model(), IDS)["mha"].did.startswith("overwrites what it was given")


def test_a_raw_operation_is_named_in_functional_and_subclassed_models():
    class Doubles(keras.Model):
        def __init__(self):
            super().__init__()
            self.embed, self.lstm = embedding(), layers.LSTM(3)

        def call(self, x):
            return self.lstm(self.embed(x) * 2)

    for model in (functional(lambda x: layers.LSTM(3)(embedding()(x) * 2)), Doubles()):
        rows = trace(model, IDS).rows
        raw = [row for row in rows if row.layer == "raw operation"]
        assert [(row.mask_in, row.mask_out, row.did) for row in raw] == [
            (["A"], ["–"], "drops silently")
        ]
        assert raw[0].class_name in ("Multiply", "Mul")
        assert (raw[0].depth, raw[0].warned, raw[0].shapes) == (0, False, [(2, 5, 4)])
        assert rows[-1].received == {"mask": "–"}


def test_nested_models_are_opened_and_keras_layers_are_not():
    inner = keras.Sequential([layers.Dense(4, name="dense")], name="inner")
    model = keras.Sequential([embedding(), inner, layers.Bidirectional(layers.LSTM(2), name="bi")])
    report = trace(model, IDS)
    assert [(row.layer, row.depth) for row in report.rows][1:] == [
        ("inner", 0),
        ("dense", 1),
        ("bi", 0),
    ]


def test_a_raw_operation_stands_as_deep_as_the_layer_that_it_robs():
    class Halves(keras.Model):
        def __init__(self):
            super().__init__(name="halves")
            self.lstm = layers.LSTM(3, name="lstm")

        def call(self, x):
            return self.lstm(x / 2)

    model = keras.Sequential([embedding(name="e"), Halves()])
    rows = [(row.layer, row.depth) for row in trace(model, IDS).rows]
    assert rows == [("e", 0), ("halves", 0), ("raw operation", 1), ("lstm", 1)]


class Eager(keras.Model):
    """A model without a graph of its own: what it does between layers is seen only as it runs."""

    def __init__(self, behind):
        super().__init__()
        self.embed, self.behind = embedding(), behind
        self.parts = [layers.Add(), layers.Add(), layers.Dense(4)]

    def call(self, ids):
        return self.behind(self.embed(ids), *self.parts)


def raw_operations(model):
    return [row for row in trace(model, IDS).rows if row.layer == "raw operation"]


def test_a_robbed_tensor_is_told_once_wherever_it_goes():
    def twice(x, add, other, dense):
        bare = x * 2
        return other([add([bare, bare]), dense(bare)])

    assert len(raw_operations(Eager(twice))) == 1


def test_a_robbed_tensor_beside_a_masked_one_is_told():
    (row,) = raw_operations(Eager(lambda x, add, *_: add([x, x * 2])))
    assert row.mask_in == ["A"]


def test_a_robbed_tensor_is_told_though_a_later_layer_gives_it_out_again():
    def dropped(x, add, other, dense):
        bare = x * 2
        return add([dense(bare), layers.Dropout(0.5)(bare)])  # in inference: the same tensor

    (row,) = raw_operations(Eager(dropped))
    assert row.mask_in == ["A"]


def test_a_mask_put_back_by_hand_is_not_lost():
    def put_back(x, add, other, dense):
        y = x * 2
        y._keras_mask = x._keras_mask
        return dense(y)

    assert raw_operations(Eager(put_back)) == []


def test_a_trace_runs_in_inference():
    class Asks(layers.Layer):
        def call(self, x, training=None):
            asked.append(training)
            return x

    asked = []
    trace(keras.Sequential([embedding(), Asks()]), IDS)
    assert asked[-1] is False


def test_a_mask_by_hand_dicts_lists_and_a_single_layer():
    lstm = layers.LSTM(2, name="lstm")
    x = np.ones((2, 5, 3), "float32")
    report = trace(lstm, x, mask=IDS != 0)
    assert report["lstm"].received == {"mask": "A"}
    assert report["lstm"].depth == 0
    named = {"a": keras.Input((None,), name="a"), "b": keras.Input((None,), name="b")}
    model = keras.Model(named, [embedding(name="e")(named["a"]), embedding(name="f")(named["b"])])
    report = trace(model, {"a": IDS, "b": IDS[:, ::-1].copy()})
    assert {report["e"].mask_out[0], report["f"].mask_out[0]} == {"A", "B"}


def test_bad_arguments_are_named():
    with pytest.raises(TypeError, match="`model` must be a Keras model or layer, got str"):
        trace("model", IDS)
    with pytest.raises(TypeError, match="`mask` must be bool"):
        trace(layers.LSTM(2), np.ones((2, 5, 3)), mask=np.ones((2, 5)))
    with pytest.raises(TypeError, match=r"`mask` must be bool .* got dtype bfloat16"):
        trace(layers.LSTM(2), np.ones((2, 5, 3)), mask=keras.ops.ones((2, 5), "bfloat16"))
    with pytest.raises(KeyError, match="no layer 'gru' was called"):
        trace(keras.Sequential([embedding(name="e")]), IDS)["gru"]


def two_inputs():
    inputs = [keras.Input((None,)), keras.Input((None,))]
    return keras.Model(inputs, layers.Add()([embedding()(one) for one in inputs]))


@pytest.mark.parametrize(
    ("x", "mask", "error", "message"),
    [
        (
            [1, 2],
            None,
            ValueError,
            "`x` must hold arrays .*, got a number; pass an array, not a list",
        ),
        ([[1, 2], [3]], None, ValueError, "`x` must hold arrays .*, got a number; pass an array"),
        (None, None, TypeError, "`x` must hold arrays, got None as input 0"),
        ("text", None, TypeError, "`x` must be one batch: an array, .* got str"),
        (iter([IDS]), None, TypeError, "`x` must be one batch: an array, .* got list_iterator"),
        (
            np.array([[1], [1, 2]], dtype=object),
            None,
            TypeError,
            "`x` must hold numbers, got dtype object as input 0; `course_lib.pad` makes",
        ),
        (IDS[:0], None, ValueError, "`x` must hold at least one row, got an empty batch"),
        (IDS[:, :0], None, ValueError, r"`x` .* one step, got shape \(2, 0\) as input 0"),
        (IDS, IDS[:, :3] != 0, ValueError, r"`mask` .* \(\(2, 5\)\), got \(2, 3\)"),
        (IDS, IDS[:1] != 0, ValueError, r"`mask` .* \(\(2, 5\)\), got \(1, 5\)"),
        (IDS, np.ones((2, 5, 4), bool), ValueError, r"`mask` .*, got \(2, 5, 4\)"),
        (IDS, [[True], [True, False]], ValueError, r"`mask` .*, got rows of different lengths"),
        (IDS, [[1, 0]] * 2, TypeError, "`mask` must be bool .* got dtype int64"),
        (IDS, [IDS[:, 0] != 0], ValueError, r"`mask` must have shape \(2, 5\), got \(2,\)"),
        (IDS, [IDS != 0, None], ValueError, "`mask` .* each of the 1 inputs, got 2"),
        (IDS, {"a": IDS[:, 1:] != 0}, ValueError, r"`mask` must have shape \(2, 5\), got \(2, 4"),
    ],
)
def test_bad_inputs_and_masks_are_named(x, mask, error, message):
    with nothing_left_behind(), pytest.raises(error, match=message):
        trace(keras.Sequential([embedding(), layers.LSTM(2)]), x, mask)


def test_ragged_tensors_are_named():
    tf = pytest.importorskip("tensorflow")
    with pytest.raises(TypeError, match=r"got a RaggedTensor as input 0; its `to_tensor\(\)` pads"):
        trace(embedding(), tf.ragged.constant([[1], [1, 2]]))


def test_inputs_of_different_batches_are_named():
    with pytest.raises(ValueError, match=r"`x` .* one batch size, got \[1, 2\] rows"):
        trace(two_inputs(), [IDS, IDS[:1]])
    with pytest.raises(ValueError, match=r"`mask` .* each of the 2 inputs, got 1"):
        trace(two_inputs(), [IDS, IDS], mask=[IDS != 0])


def test_a_mask_for_a_layer_that_takes_none_is_named():
    with pytest.raises(TypeError, match=r"`mask` must be None .* as Dense's, got a mask"):
        trace(layers.Dense(2), np.ones((2, 5, 3)), mask=IDS != 0)


def test_a_mask_written_out_and_one_of_three_axes():
    x = np.ones((2, 5, 3), "float32")
    written = trace(layers.LSTM(2, name="lstm"), x, mask=(IDS != 0).tolist())
    assert np.array_equal(written.masks["A"], IDS != 0)

    class Takes(layers.Layer):
        def call(self, x, mask=None):
            return x

    ids = np.stack([IDS, IDS], axis=2)
    report = trace(Takes(name="takes"), np.ones((2, 5, 2, 4), "float32"), mask=ids != 0)
    assert report["takes"].received == {"mask": "A"}
    assert report.masks["A"].shape == (2, 5, 2)


def test_strings_may_come_first():
    vectorize = layers.TextVectorization(vocabulary=["a", "b"])
    model = keras.Sequential([vectorize, embedding(name="e")])
    assert trace(model, np.array(["a b", "b"]))["e"].did == "makes"


def test_the_table_is_plain_text_and_the_html_is_escaped():
    report = trace(keras.Sequential([embedding(name="<script>"), layers.Dense(1)]), IDS)
    assert repr(report).splitlines()[-1] == "A: shape (2, 5), 7 of 10 real"
    assert len({line.index("A ") for line in repr(report).splitlines()[2:3]}) == 1
    assert "<script>" not in report._repr_html_()
    assert "&lt;script&gt;" in report._repr_html_()


def test_every_cell_of_the_table():
    model = keras.Sequential([embedding(name="e"), layers.LSTM(2, name="l")])
    assert repr(trace(model, IDS)).splitlines()[2:4] == [
        "e      Embedding  –        –         A         makes",
        "l      LSTM       A        mask=A    –         uses and ends",
    ]


def test_nested_layers_are_indented():
    inner = keras.Sequential([layers.Dense(4, name="dense")], name="inner")
    report = trace(keras.Sequential([embedding(), inner]), IDS)
    header, rule, _, outside, inside, _ = repr(report).splitlines()
    assert header.startswith("layer  ")
    assert set(rule) == {"-", " "}
    assert outside.startswith("inner  ")
    assert inside.startswith("  dense  ")
    assert "padding-left:0.5em;text-align:left'>inner<" in report._repr_html_()
    assert "padding-left:2.0em;text-align:left'>dense<" in report._repr_html_()


def test_the_picture_says_in_words_what_it_shows():
    picture = trace(keras.Sequential([embedding(), layers.Conv1D(2, 2)]), IDS).picture()
    assert "drops (warned)" in picture.alt
    assert picture.png().startswith(b"\x89PNG")


def test_warnings_are_kept_and_not_printed():
    model = keras.Sequential([embedding(), layers.Conv1D(2, 2)])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        report = trace(model, IDS)
    assert caught == []
    assert any("does not support masking" in text for text in report.warnings)


@contextlib.contextmanager
def nothing_left_behind():
    before = keras.layers.Layer.__call__, keras.Operation.__call__
    yield
    assert (keras.layers.Layer.__call__, keras.Operation.__call__) == before


def test_variables_states_and_seeds_are_put_back():
    model = keras.Sequential(
        [
            keras.Input(batch_shape=(2, 5)),
            embedding(),
            layers.Dropout(0.5),
            layers.LSTM(3, stateful=True),
        ]
    )
    values = [keras.ops.convert_to_numpy(variable) for variable in model.variables]
    random_state, numpy_state = random.getstate(), np.random.get_state()[1].copy()
    with nothing_left_behind():
        trace(model, IDS)
    for variable, value in zip(model.variables, values, strict=True):
        assert same(variable, value), variable.path
    assert random.getstate() == random_state
    assert np.array_equal(np.random.get_state()[1], numpy_state)


def test_all_is_put_back_when_the_model_fails_half_way():
    class Fails(keras.layers.Layer):
        def call(self, x):
            keras.random.uniform((2,))
            raise RuntimeError("half-way")

    stateful = layers.LSTM(3, stateful=True, return_sequences=True)
    model = keras.Sequential([keras.Input(batch_shape=(2, 5)), embedding(), stateful])
    model(IDS)
    states = [keras.ops.convert_to_numpy(state) for state in stateful.states]
    broken = keras.Sequential([model, layers.Lambda(lambda x: 1 / 0 if hasattr(x, "numpy") else x)])
    with nothing_left_behind(), pytest.raises(ZeroDivisionError):
        trace(broken, IDS)
    for state, value in zip(stateful.states, states, strict=True):
        assert same(state, value)
    with nothing_left_behind(), pytest.raises(RuntimeError, match="half-way"):
        trace(keras.Sequential([embedding(), Fails()]), IDS)


def test_layers_called_by_another_thread_stay_out():
    other = layers.Dense(2, name="other")
    started, stop = threading.Event(), threading.Event()

    def work():
        while not stop.is_set():
            other(np.ones((1, 2), "float32"))
            started.set()

    thread = threading.Thread(target=work)
    thread.start()
    started.wait()
    try:
        with nothing_left_behind():
            names = [row.layer for row in trace(keras.Sequential([embedding(name="e")]), IDS).rows]
    finally:
        stop.set()
        thread.join()
    assert names == ["e"]


def test_two_traces_at_once_do_not_mix():
    reports, errors = {}, []

    def work(name):
        try:
            for _ in range(3):
                reports[name] = trace(keras.Sequential([embedding(name=name)]), IDS)
        except Exception as error:
            errors.append(error)

    with nothing_left_behind():
        threads = [threading.Thread(target=work, args=(name,)) for name in ("one", "two")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert errors == []
    assert {name: [row.layer for row in r.rows] for name, r in reports.items()} == {
        "one": ["one"],
        "two": ["two"],
    }
