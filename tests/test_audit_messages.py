"""What `audit` says: names that are the reader's, and no advice that does not help.

That each fix does help is tried by the pairs of `tests/audit_fixes.py`.
"""

import numpy as np
import pytest

from course_lib import audit
from tests.audit_pairs import IDS, STEPS, embedding, functional
from tests.needs import keras

layers, ops = keras.layers, keras.ops
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")

# ---------------------------------------------------------------------- fixes


def mean_error(y_true, y_pred):
    return ops.mean(ops.abs(y_true - y_pred))


def row_error(y_true, y_pred):
    return ops.mean(ops.abs(y_true - y_pred), axis=(1, 2))


@pytest.mark.parametrize(
    "loss", [mean_error, row_error, keras.losses.Dice(), keras.losses.Tversky()]
)
def test_weights_are_no_mend_for_a_loss_that_has_no_steps(loss):
    model = keras.Sequential([embedding(), layers.Dense(1, activation="sigmoid")])
    model.compile("sgd", loss)
    weights = (IDS != 0).astype("float32")
    y = (STEPS > 0).astype("float32")
    # What the message must not advise: the weights change nothing about the padding.
    (one,) = audit(model, IDS, y, weights).findings
    assert one.kind == "loss"
    assert "pass `sample_weight=`" not in one.message
    by_axis = isinstance(loss, keras.losses.Loss)
    fix = "Give it `axis=-1`" if by_axis else "Let the loss return one value for each step."
    assert fix in one.message


def doubled(last, **compiled):
    x = keras.Input((None,), dtype="int32")
    model = keras.Model(x, last(embedding(name="embedding")(x) * 2))
    if compiled:
        model.compile("sgd", **compiled)
    return model


def test_a_lost_mask_is_given_by_hand_only_to_a_layer():
    """A loss takes no mask by hand, and says that it is the loss that needs one."""
    (one,) = audit(doubled(layers.LSTM(3, name="lstm")), IDS).findings
    assert "(`lstm` needs it)" in one.message
    assert one.message.endswith("or give the mask to `lstm` by hand (`mask=`).")
    (one,) = audit(doubled(layers.Dense(1), loss="mse"), IDS, STEPS).findings
    assert "(the loss needs it)" in one.message
    assert "by hand" not in one.message


def test_no_message_advises_to_set_the_mask_on_the_output():
    """It does nothing for a loss: the mask would be set on a symbolic tensor, once."""
    messages = []
    for last, compiled in ((layers.LSTM(3), {}), (layers.Dense(1), {"loss": "mse"})):
        messages += [one.message for one in audit(doubled(last, **compiled), IDS).findings]
    assert len(messages) == 2
    for message in messages:
        assert "Set the mask again" not in message
        assert "`Lambda(f, mask=...)`" in message


class Inner(layers.Layer):
    """An `Embedding` in an attribute or in a list, which reads the ids themselves or a copy."""

    def __init__(self, listed=False, copied=False, **options):
        super().__init__(**options)
        self.copied, table = copied, embedding(name="table")
        if listed:
            self.tables = [table]
        else:
            self.tok = table

    def call(self, words):
        table = self.tables[0] if hasattr(self, "tables") else self.tok
        return table(words + 0 if self.copied else words) * 2


def message_of_inner(**options):
    x = keras.Input((None,), dtype="int32")
    steps = Inner(name="tokpos", **options)(x)
    (one,) = audit(keras.Model(x, layers.LSTM(3, name="lstm")(steps)), IDS).findings
    assert (one.kind, one.layer) == ("inside", "tokpos")
    return one.message


def test_a_mask_that_is_made_inside_is_told_by_the_authors_own_names():
    message = message_of_inner()
    assert (
        "a mask is made inside and does not come out (`tok` makes it; `lstm` needs it)" in message
    )
    fix = "Give `tokpos` a `compute_mask` that returns `self.tok.compute_mask(words)`."
    assert message.endswith(fix)
    # What the layer inside reads is not what `compute_mask` is given, or it has no name.
    assert message_of_inner(copied=True).endswith("that returns the mask of `self.tok`.")
    assert message_of_inner(listed=True).endswith("that returns the mask of `table`.")


# ---------------------------------------------------------------------- names


def two_branches(*last):
    """Return a model in which several layers read the sum of two."""
    x = keras.Input((None,), dtype="int32")
    h = embedding(name="embedding")(x)
    total = layers.GRU(3, return_sequences=True, name="gru")(h) + layers.Dense(3, name="dense")(h)
    return keras.Model(x, [layer(total) for layer in last])


def test_a_raw_operation_of_several_inputs_stands_after_them():
    (one,) = audit(two_branches(layers.LSTM(2, name="lstm")), IDS).findings
    assert one.layer == "raw operation Add after 'gru' and 'dense', before 'lstm'"


def test_a_raw_operation_stands_before_all_that_read_it():
    block = keras.Sequential([layers.LSTM(2, name="inner")], name="block")
    (one,) = audit(two_branches(layers.LSTM(2, name="lstm"), block), IDS).findings
    before, after = one.layer.split(", before ")
    assert before == "raw operation Add after 'gru' and 'dense'"
    assert set(after.split(" and ")) == {"'lstm'", "'inner'"}


def test_a_long_place_is_wrapped():
    long = [layers.LSTM(2, name=f"a_rather_long_name_of_a_layer_{number}") for number in range(3)]
    report = audit(two_branches(*long), IDS)
    assert max(map(len, repr(report).splitlines())) <= 100
    assert all(layer.name in repr(report) for layer in long)


def test_a_layer_that_reads_twice_is_named_once():
    x = keras.Input((None,), dtype="int32")
    doubled, lstm = embedding(name="embedding")(x) * 2, layers.LSTM(2, name="lstm")
    (one,) = audit(keras.Model(x, lstm(doubled) + lstm(doubled)), IDS).findings
    assert one.layer == "raw operation Multiply between 'embedding' and 'lstm'"


def test_outputs_with_keys_are_called_by_them():
    x = keras.Input((None,), dtype="int32")
    h = embedding(name="embedding")(x)
    leaky = layers.Dense(1)(layers.Conv1D(3, 3, padding="same", name="conv")(h))
    sound = layers.LSTM(2)(h)
    for outputs, name in (
        ({"tags": leaky, "score": sound}, "Output `tags` differs"),
        ({"score": leaky, "tags": sound}, "Output `score` differs"),
        ([sound, leaky], "Output 1 differs"),
    ):
        (one,) = audit(keras.Model(x, outputs), IDS).findings
        assert [text.startswith(name) for text in one.evidence] == [True]


def test_an_output_in_a_nest_is_called_by_its_outermost_key():
    class Nest(keras.Model):
        def __init__(self):
            super().__init__()
            self.embed, self.lstm = embedding(), layers.LSTM(2)
            self.conv = layers.Conv1D(2, 3, padding="same", name="conv")

        def call(self, ids):
            x = self.embed(ids)
            return {"both": {"score": self.lstm(x), "tags": self.conv(x)}, "an_extra": None}

    (one,) = audit(Nest(), IDS).findings
    assert [text.startswith("Output `both` differs") for text in one.evidence] == [True]


def test_the_notes_call_outputs_by_their_keys():
    x = keras.Input((None,), dtype="int32")
    h = embedding(name="embedding")(x)
    model = keras.Model(x, {"tags": layers.Dense(1)(h * 2), "score": layers.LSTM(2)(h)})
    report = audit(model, IDS)
    assert report.ok
    assert any(
        note.startswith("Output `tags` has steps and carries no mask") for note in report.notes
    )


def test_a_loss_of_ones_own_is_no_compiled_one():
    class Own(keras.Sequential):
        def train_step(self, data):
            return {}

    model = Own([embedding(), layers.Dense(1)])
    model.compile("sgd")
    notes = audit(model, IDS, STEPS).notes
    assert notes[:2] == [
        "No loss or metric is compiled: `y` was not used.",
        "The model's own `train_step` was not run; what padding does there is unknown.",
    ]


def test_training_that_is_compared_with_itself_says_nothing_of_rows_alone():
    statistics = layers.BatchNormalization(name="norm")
    (one,) = audit(functional(lambda x: statistics(embedding()(x) * 1.5)), IDS).findings
    (evidence,) = one.evidence
    assert "changes in training, with more padding: row " in evidence
    assert " before, " in evidence
    assert "alone" not in evidence


def test_other_weights_are_said_by_what_was_done_to_them():
    moved, large = "constant ones moved", "and biases made large"
    for model, wanted in (
        ([embedding(), layers.Dense(1)], f"{moved}, the row for padding {large}"),
        ([embedding(), layers.Dense(1, use_bias=False)], "the row for padding made large"),
        ([layers.Masking(), layers.Dense(1)], f"{moved}, biases made large"),
    ):
        x = IDS if isinstance(model[0], layers.Embedding) else IDS[..., None].astype("float32")
        report = audit(keras.Sequential(model), x)
        assert f"outputs with other weights: {wanted}" in report.checked, report


def test_what_is_known_of_a_lost_mask_stands_apart_from_who_needs_it():
    class Block(layers.Layer):
        def call(self, x):
            return x + 2.0 * x

    ids = keras.Input((None,), dtype="int32")
    steps = Block(name="block")(embedding()(ids))
    (one,) = audit(keras.Model(ids, layers.LSTM(3, name="lstm")(steps)), IDS).findings
    assert "(Keras warned of it; `lstm` needs it)" in one.message


def decoder(fixed=False):
    """Return a translator whose decoder begins with the encoder's state."""
    source, target = keras.Input((None,), name="source"), keras.Input((None,), name="target")
    _, state = layers.GRU(3, return_state=True, name="enc")(embedding("read")(source))
    table = embedding("write")
    options = {"mask": table.compute_mask(target)} if fixed else {}
    steps = layers.GRU(3, return_sequences=True, name="dec")
    out = steps(table(target), initial_state=state, **options)
    return keras.Model({"source": source, "target": target}, layers.Dense(1)(out))


def test_the_layer_is_named_that_makes_a_model_need_one_side():
    x = {"source": IDS, "target": IDS[::-1].copy()}
    (note,) = audit(decoder(), x).notes
    assert note.startswith('This model needs padding="post": ')
    assert note.endswith("its outputs change (`dec` gets no mask).")
    assert audit(decoder(fixed=True), x).notes == []


@pytest.mark.parametrize(
    ("last", "wanted"),
    [
        (lambda x: layers.GlobalMaxPooling1D(name="max")(x), "(padding leaks in at `max`)."),
        (lambda x: layers.LSTM(3, use_bias=False, name="next")(x * 2), "(`next` gets no mask)."),
        (
            lambda x: x[:, 0],
            "(padding leaks in at the raw operation GetItem between 'lstm' and the",
        ),
    ],
)
def test_whatever_shows_the_other_side_is_named(last, wanted):
    x = keras.Input((None,), dtype="int32")
    steps = layers.LSTM(3, return_sequences=True, name="lstm")(embedding()(x))
    ids = IDS if "next" not in wanted else IDS[:, ::-1].copy()
    report = audit(keras.Model(x, last(steps)), ids)
    assert any(wanted in note and "needs padding=" in note for note in report.notes), report


def test_a_bias_that_is_zero_for_now_hides_no_leak():
    """Zeros in front leave the state of an LSTM at zero only until its biases are trained."""
    x = keras.Input((None,), dtype="int32")
    steps = layers.LSTM(3, return_sequences=True)(embedding()(x))
    report = audit(keras.Model(x, layers.LSTM(3, name="next")(steps * 2)), IDS[:, ::-1].copy())
    (finding,) = report.findings
    assert finding.kind == "lost"
    assert "with other weights" in finding.evidence[0]


def test_features_with_zeros_in_front_need_a_mask_however_new_the_layer():
    series = np.where((IDS[:, ::-1] != 0)[..., None], 1.0, 0.0).astype("float32")
    report = audit(keras.Sequential([layers.LSTM(3, name="lstm")]), series)
    assert [(one.kind, one.layer) for one in report.findings] == [("never", "lstm")]


def test_a_raw_operation_in_a_call_that_shows_the_other_side_is_named():
    class First(keras.Model):
        def __init__(self):
            super().__init__()
            self.embed = embedding()
            self.lstm = layers.LSTM(3, return_sequences=True, name="lstm")

        def call(self, ids):
            return self.lstm(self.embed(ids))[:, 0]

    (note,) = audit(First(), IDS).notes
    assert "(padding leaks in at the raw operation StridedSlice between 'lstm' and" in note
