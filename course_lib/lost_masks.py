"""Lesson 06: is padding invisible in a model, and if not, where does it come in and why?

The verdict is the solo test's, never that of a `_keras_mask`: a padded batch must give each row
what the row gets alone. The story is the trace's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from course_lib._audit.audit import run_audit

if TYPE_CHECKING:
    from course_lib._audit.report import AuditReport


def audit(
    model: Any,
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    mask: Any = None,
    *,
    pass_mask: bool | None = None,
) -> AuditReport:
    """Compare a padded batch with its rows run alone, and tell where padding is seen, and why.

    Rows of one length go together, so there is one forward pass for each length. Of more than eight
    lengths eight run alone, and the others only if padding shows in a row of these, or if one more
    step of padding changes another row. Compared are the outputs at real steps, the compiled loss,
    metrics and gradients. The batch is also tried with
    more padding, with other values in its padding where `mask=` tells what is real, and with other
    weights for those that are still all equal (a bias of zeros hides a leak until it is trained).
    Everything runs in inference, with dropout off; a model with `BatchNormalization` also in
    training, against itself with more padding. Afterwards weights, optimizer, metrics, states and
    random seeds are what they were.

    Args:
        model: a Keras model or layer; need not be compiled.
        x: one padded batch: an array, or a list or dict of arrays. An input of zeros and ones, or
            of bools, of shape `(B, T)` tells which steps are real (`padding_mask`). Without one, 0
            is padding in ids; in features, and in floats `(B, T)` whose `T` the model leaves open,
            what the model's `Masking` looks for, or steps of zeros; beside these, steps of another
            value. A block whose size the model fixes, beside a sequence, is none. If nothing stands
            out, integers called `lengths`, one for each row, tell it. `inputs` of the report says
            what each input was taken for.
        y: its targets, as `fit` takes them. Without them, the losses of Keras are tried on targets
            that are made up.
        sample_weight: as `fit` takes them.
        mask: bool, shape `(B, T)`, True at real steps (or a list or dict of such, in the form of
            `x`). `None` for an input says that it has no mask of its own: its zeros are values. A
            dict may leave inputs out; these are what their values say.
        pass_mask: True also hands `mask` to the model's call, as `fit` does not; False only tells
            by it what is real. `None` tells for a Functional or Sequential model, and hands it to
            another model or layer whose `call` takes one.

    Returns:
        An `AuditReport` with `ok`, `findings` and `notes`.

    Raises:
        TypeError: `model` is no Keras layer, `x` holds no numbers, or `mask` is not bool.
        ValueError: there is no padding in the batch, or nothing else; shapes do not fit; the model
            does not run on other lengths.
        RuntimeError: Keras is older than 3.8.
    """
    return run_audit(model, x, y, sample_weight, mask, pass_mask)


def assert_padding_invariant(
    model: Any,
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    mask: Any = None,
    *,
    pass_mask: bool | None = None,
) -> None:
    """Raise an `AssertionError` that tells the story if `audit` finds anything.

    For a test of your own model; the arguments are those of `audit`. Make the batch once, in a
    fixture, padded as your data are, with rows of several lengths:

        @pytest.fixture(scope="session")
        def batch():
            return next(iter(my_dataset.batch(24)))  # (x, y)

        def test_padding_is_invisible(batch):
            assert_padding_invariant(build_model(), *batch)

    Raises:
        AssertionError: padding changes an output, the loss, a metric or a gradient; the text is
            the report.
        TypeError, ValueError, RuntimeError: as in `audit`.
    """
    __tracebackhide__ = True
    report = audit(model, x, y, sample_weight, mask, pass_mask=pass_mask)
    if not report.ok:
        raise AssertionError(f"padding must be invisible\n{report!r}")
