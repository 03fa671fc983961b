"""The table of faults: a title, what happened, and how to fix it, for each kind of finding.

Every fix is done as it says, and audited again, in `tests/audit_fixes.py` and
`tests/test_audit_advice.py`. What fixes a leak at a layer that is known is in `leaks`.
"""

from collections.abc import Callable
from typing import NamedTuple

from course_lib._audit.messages import align, by_hand, let_out, make, pass_by_hand, pass_on

EACH_STEP = "Let the loss return one value for each step."


class Fault(NamedTuple):
    """One kind of fault.

    Attributes:
        title: what a report calls it.
        what: what happened, a clause.
        fix: how to fix it, sentences; or a function of the `Cause` that returns ways.
    """

    title: str
    what: str
    fix: str | Callable


FAULTS = {
    "leak": Fault(
        "padding leaks in",
        "padding is mixed into real steps here",
        "Use a layer that takes a mask, or zero the padding and divide by the number of real "
        "steps, or cut the padding off before this layer.",
    ),
    "lost": Fault("mask lost", "the mask ends here, and it is still needed", pass_on),
    "ignored": Fault(
        "mask ignored",
        "a mask lies on the input, but Keras did not hand it to `call`: with more than one tensor "
        "argument it looks only for an argument that is named after the tensor's, with `_mask`",
        pass_by_hand,
    ),
    "stripped": Fault(
        "mask stripped",
        "this layer takes the mask off its own input tensors, so that whoever reads them "
        "afterwards finds none",
        "Normalise first (pre-norm, so that the residual adds another tensor). Inside the `call` "
        "of a layer of your own, `call(self, x, mask=None)`, you can also set it again after this "
        "layer: `x._keras_mask = mask`.",
    ),
    "overwritten": Fault(
        "mask overwritten",
        "`query_mask=` was given by hand and replaced by the mask that lies on the query, or by "
        "none",
        "Let the query tensor carry the mask itself (`mask_zero=True` makes it). `attention_mask=` "
        "would reach the attention, but not a loss behind it.",
    ),
    "neutralised": Fault(
        "mask made all True",
        "a mask comes out of here in which every step is real",
        lambda cause: ("give every branch the mask before they meet", by_hand(cause)),
    ),
    "misaligned": Fault(
        "mask misaligned",
        "the mask that comes out of here does not belong to the steps that come out",
        align,
    ),
    "unmasked branch": Fault(
        "mask meets a branch without one",
        "one of the merged branches has no mask, and so the result has none",
        lambda cause: ("give the other branch the mask too", by_hand(cause)),
    ),
    "never": Fault("no mask made", "no mask is made here", make),
    "inside": Fault("mask stays inside", "a mask is made inside and does not come out", let_out),
    "wrong mask": Fault(
        "mask of other steps made",
        "the mask that is made here is not that of the batch",
        "The padding must be what the layer looks for: id 0 for `Embedding`, `mask_value` at every "
        "feature for `Masking`.",
    ),
    "loss": Fault(
        "loss counts padding",
        "the loss counts padding although its prediction carries the right mask",
        EACH_STEP,
    ),
    "added loss": Fault(
        "added loss counts padding",
        "the loss that this layer adds with `add_loss` changes with the number of padded steps",
        "Take `mask` as an argument of its `call`, leave padded steps out of what is added up, and "
        "divide by the number of real steps.",
    ),
    "choice": Fault(
        "padded steps can be chosen",
        "padded steps are among those that the loss or metric chooses from",
        "Let the model end with `ops.where(mask, scores, -1e9)`, so that no padded step is chosen. "
        "The output must carry no mask: one of (B, T) does not fit the one value for each row.",
    ),
    "metric": Fault(
        "metric counts padding",
        "the metric counts padding although its prediction carries the right mask",
        "Put it into `weighted_metrics` and pass `sample_weight=` with zeros at padded steps.",
    ),
    "sample_weight": Fault(
        "weights of the wrong shape",
        "sample weights of shape (B,) do not weight the samples of a loss that has steps",
        "Give them the shape (B, 1) or (B, T).",
    ),
    "neighbours": Fault(
        "rows see each other",
        "a row's values change with the other rows of its batch although none has padding, so what "
        "padding does cannot be told apart from it",
        "Let each row be computed by itself (no statistics, sorting or capacity over the rows of a "
        "batch in inference), and audit again.",
    ),
    "gradient": Fault(
        "gradients see padding",
        "the values are right, but the gradients are not those of the rows alone",
        "Look for an operation whose gradient at padded steps is not zero, or not a number.",
    ),
}

# What fixes a loss depends on what it returns. Weights fix none of these: they cannot take padding
# out of one number, and do not fit one for each row.
LOSSES = {
    "scalar": (
        "it returns one number for the whole batch, so neither a mask nor `sample_weight` can take "
        "padding out of it",
        EACH_STEP,
    ),
    "row": (
        "it returns one number for each row, so a mask over steps does not fit",
        f"{EACH_STEP} One that must read whole rows, such as CTC, "
        "belongs into the model's own `compute_loss`, which can count the real steps of `x` "
        "(`ops.ctc_loss` takes them as `output_length`).",
    ),
    "step": (
        "",
        "Let the value at each step depend on that step alone; in a `Loss` of your own write "
        "`call`, and leave `__call__` to Keras, which applies the mask there.",
    ),
}

# The losses of Keras that sum over everything return one value for each step if told so.
WITH_AXIS = "Give it `axis=-1`: it then scores each step over its classes, one value for each step."

METRIC_OF_THE_BATCH = (
    "Let its function return one value for each step: one number for the whole batch takes neither "
    "a mask nor weights."
)

# A prediction of shape (B, T, 1) loses its last axis beside targets of shape (B, T).
WITH_TARGETS_SHAPED = (
    "Give the targets the shape of the predictions, `y[..., None]`: without it Keras takes the "
    "last axis off the predictions, and the loss means over the steps."
)

OWN_LOSS = (
    "Leave padded steps out of what `compute_loss` adds up, and divide by the number of real steps."
)

ACTIVITY = (
    "Take the regularizer off, and add the penalty in a layer of your own: its `call` takes "
    "`mask`, leaves padded steps out of the sum, and calls `add_loss`."
)
