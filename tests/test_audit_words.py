"""How a report reads: who is named, what is chosen by class, no backticks, nothing on stderr."""

import gc
import io
import logging
import re
import sys

import pytest

from course_lib import audit
from course_lib._audit import progress
from course_lib._audit.faults import FAULTS
from course_lib._audit.report import Finding
from tests.audit_pairs import IDS, embedding, functional
from tests.needs import keras
from tests.test_audit_advice import LEFT, Own, with_mask

layers, ops = keras.layers, keras.ops
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture(autouse=True)
def _seed():
    keras.utils.set_random_seed(1)


# ---------------------------------------------------------------------- by class and operation


def test_the_larger_of_two_tensors_is_no_largest_step():
    def away(x, mask):
        places = ops.maximum(ops.cumsum(ops.cast(mask, "int32"), axis=1) - 1, 0)
        x = x + ops.cast(places, x.dtype)[..., None]
        return x - ops.mean(x, axis=1, keepdims=True)

    (one,) = audit(functional(lambda x: with_mask(away)(embedding()(x))), IDS).findings
    assert "np.inf" not in one.message
    assert "divide by their number" in one.message


@pytest.mark.parametrize("name", ["Conv_block", "FFT", "MaxPooling1D", "GetItem"])
def test_the_name_of_a_layer_or_a_class_of_ones_own_chooses_nothing(name):
    mean = with_mask(lambda x, mask: ops.mean(x, axis=1), name=name)
    type(mean).__name__ = name
    (one,) = audit(
        functional(lambda x: mean(layers.Dense(2, name="conv")(embedding()(x)))), IDS
    ).findings
    assert one.layer == name
    assert "such as `GlobalAveragePooling1D`" in one.message


def test_of_several_operations_the_one_that_mixes_steps_is_meant():
    # The softmax is over features, and harmless; the mean is not.
    def call(model, ids):
        return ops.mean(ops.softmax(model.table(ids), axis=-1), axis=1)

    (one,) = audit(Own(call, table=embedding()), IDS).findings
    assert "Softmax, Mean" in one.layer
    assert "divide by their number" in one.message


# ---------------------------------------------------------------------- masks of attention


def attended(last, times=1, **table):
    """Return a model whose attention is given a causal mask by hand."""

    def call(model, ids):
        x, steps = model.table(ids) * times if times != 1 else model.table(ids), ops.shape(ids)[1]
        causal = ops.arange(steps)[:, None] >= ops.arange(steps)[None]
        return model.last(model.mha(x, x, x, attention_mask=causal if times != 1 else causal[None]))

    mha = layers.MultiHeadAttention(1, 2, name="mha")
    return Own(call, table=embedding(**table), mha=mha, last=last)


def test_a_causal_mask_by_hand_says_nothing_of_padding():
    model = attended(layers.GlobalAveragePooling1D(), mask_zero=False)
    (one,) = audit(model, LEFT).findings
    assert (one.kind, one.layer) == ("never", "embedding")


def test_a_causal_mask_by_hand_is_no_mask_of_other_steps():
    (one,) = audit(attended(layers.Dense(1), times=2.0), LEFT).findings
    assert one.kind == "lost"
    assert one.layer == "raw operation Mul between 'embedding' and 'mha'"
    assert "(`value_mask=`)" in one.message


# ---------------------------------------------------------------------- once


def test_a_leak_that_three_layers_read_is_one_finding():
    def call(model, ids):
        x = model.table(ids)
        x = x - ops.mean(x, axis=1, keepdims=True)
        return model.q(x), model.k(x), model.v(x)

    dense = {name: layers.Dense(2, name=name) for name in "qkv"}
    (one,) = audit(Own(call, table=embedding(), **dense), IDS).findings
    assert one.layer.endswith("after 'embedding', before 'q' and 'k' and 'v'")


# ---------------------------------------------------------------------- words


def test_each_kind_of_fault_has_a_title_of_its_own():
    titles = [Finding(kind, "x", "").title for kind in FAULTS]
    assert all(titles)
    assert len(set(titles)) == len(titles)


def leaky():
    return functional(
        lambda x: layers.GlobalMaxPooling1D(name="pool")(layers.Dense(2)(embedding()(x)))
    )


def test_code_is_code_in_html():
    html = audit(leaky(), IDS)._repr_html_()
    assert "`" not in html
    assert "<code>pool</code>" in html


def test_the_short_form_is_the_verdict_and_a_paragraph_for_each_finding():
    report = audit(leaky(), IDS)
    first, *rest = report.short().splitlines()
    assert first == repr(report).splitlines()[0]
    assert " ".join(line.strip() for line in rest) == f"- {report.findings[0].message}"
    sound = audit(functional(lambda x: layers.LSTM(2)(embedding()(x))), IDS)
    assert re.fullmatch(r"\w+: padding is invisible\.", sound.short())


def test_strings_go_through_the_models_own_preprocessor():
    model = leaky()
    model.preprocessor = lambda texts: IDS
    with pytest.raises(TypeError, match=r"`model\.preprocessor\(x\)`"):
        audit(model, ["a b", "c"])


def test_tensorflow_says_nothing_of_tensors_in_calls_that_failed():
    tf = pytest.importorskip("tensorflow")

    class Steps(layers.Layer):
        def call(self, x):
            steps = tf.TensorArray(tf.float32, size=x.shape[1])
            for step in range(x.shape[1]):
                steps = steps.write(step, x[:, step])
            if x.shape[1] < 4:
                raise ValueError("too short")
            return tf.transpose(steps.stack(), [1, 0, 2])

        def compute_output_spec(self, x):
            return keras.KerasTensor(x.shape)

    model = functional(lambda x: layers.Dense(1)(Steps()(embedding()(x))))
    said, handler = [], logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())
    logging.getLogger("tensorflow").addHandler(handler)
    try:
        report = audit(model, IDS)
        gc.collect()
    finally:
        logging.getLogger("tensorflow").removeHandler(handler)
    assert any("do not run alone" in note for note in report.notes)
    assert said == []


class Terminal(io.StringIO):
    """A place to write to that somebody watches, or not."""

    watched = True

    def isatty(self):
        return self.watched


@pytest.mark.parametrize("watched", [True, False])
def test_a_terminal_is_told_what_takes_so_long(watched, monkeypatch):
    terminal = Terminal()
    terminal.watched = watched
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "AFTER", 0)
    monkeypatch.setenv("TERM", "xterm")
    report = audit(functional(lambda x: layers.LSTM(2)(embedding()(x))), IDS)
    text = f"loss, metrics, gradients (forward pass {report.forwards})"
    assert (text in terminal.getvalue()) is watched
    assert bool(terminal.getvalue()) is watched
