"""What fixes a leak, by the class of the layer or by the operations that were run there.

A name says nothing: `Maximum` takes the larger of two tensors, not of the steps, and a layer may
be called `Conv_block`. So classes are compared with Keras's own, bases included, and operations
with the whole names that Keras and TensorFlow give them.
"""

import re

from course_lib._audit.messages import ZEROED

CUT = "cut the padding off before it, with rows of one length in a batch."
AT_THE_END = (
    'With `padding="post"` its outputs are right: pad at the end, or count its positions from each '
    "row's first real step."
)
# By the side on which the padding stands.
COUNTED = {
    "pre": "It counts columns, padding included: count positions from each row's first real step, "
    "`ops.maximum(ops.cumsum(mask, axis=1) - 1, 0)`, or pad at the end.",
    "post": "It counts columns, padding included: count positions from each row's last real step, "
    "`ops.sum(mask, axis=1, keepdims=True) - ops.cumsum(mask, axis=1)`, or pad in front.",
}
STRIDED = (
    'Where its windows begin depends on the number of steps: use `padding="valid"`, pad the rows '
    "at the end, and hand on which windows are real; or cut the padding off."
)
INSIDE = (
    "It sees the zeros that end a step's own ids. Audit the part that reads one step, with steps "
    "as its rows (`x.reshape(-1, x.shape[2])`), and fix what is found there."
)
ROWS = (
    "It reads no steps, so it is not padding that it mixes, but the rows of a batch: let each row "
    "be computed by itself, and audit again."
)
# Zero times NaN is NaN, in what is computed and in its gradient: no layer behind takes it out.
NAN_FIRST = f"Set NaN to zero first, right behind the input: `{ZEROED}`."
REFILLED = "Set padded steps to zero before this layer."
# What is no operation, but many of them: one turn for each step.
LOOP = "EachStep"


def _put(what, value, before="it", then=""):
    """Return the advice to put at padded steps what an operation does not see."""
    where = f"`ops.where(mask[..., None], x, {value})`"
    return f"Put {what} at padded steps before {before}: {where}{then}."


# Whole names of layers and operations, and what fixes the leak there; the first that fits. In a
# `call` with several operations, the one that mixes steps is seldom the last: scores go through a
# softmax, and then into a sum that would be right without them.
LEAKS = (
    (
        LOOP,
        "It goes through the steps one after the other: keep at a padded step what was before it, "
        "`state = ops.where(mask[:, t, None], new, state)`.",
    ),
    (
        "(STFT|Mel)Spectrogram|I?R?FFT(2|2D|3D)?|I?STFT",
        f"A Fourier transform reads every step, and no mask reaches it: {CUT}",
    ),
    (r"Adaptive(Average|Max)Pooling\dD", f"Its windows depend on the number of steps: {CUT}"),
    (
        "(Log)?Softmax",
        "Put a large negative number at the scores of padded steps before the softmax: "
        "`ops.where(mask, scores, -1e9)`, with the steps of `mask` along the axis of the softmax "
        "(`mask[:, :, None]` for axis 1 of three, `mask[:, None]` for the last).",
    ),
    (
        "GlobalAveragePooling[23]D",
        "Pool each step by itself first, in a `TimeDistributed`, and then the steps with a layer "
        "that takes the mask, such as `GlobalAveragePooling1D`; or add up the real steps and "
        "divide by their number.",
    ),
    (r"GlobalMaxPooling\dD|Max|Amax|Arg[Mm]ax", _put("minus infinity", "-np.inf", "the maximum")),
    ("Min|Amin|Arg[Mm]in", _put("infinity", "np.inf", "the minimum")),
    (
        "TopK(V2)?|Sort|Argsort",
        "Put at padded steps what is never taken, minus infinity if the largest are taken, "
        "infinity if the smallest are: `ops.where(mask[..., None], x, -np.inf)`.",
    ),
    ("Logsumexp", _put("a large negative number", "-1e9")),
    ("Prod|Cumprod", _put("one", "1")),
    (
        "Any|All",
        "Join the mask before it: `ops.logical_and(x, mask)` before `any`, "
        "`ops.logical_or(x, ops.logical_not(mask))` before `all`.",
    ),
    (
        "Std|Var|Variance|Moments",
        "Compute it of the real steps alone: set what is squared to zero at padding, add up, and "
        "divide by the number of real steps.",
    ),
    (
        "Median|Quantile|Percentile",
        f"It counts steps, and no value at padded ones is right for it: {CUT}",
    ),
    (
        r"MaxPooling\dD|MaxPool(V2|3D)?",
        _put("a large negative number", "-1e9", "the windows are taken", ", and hand the mask on"),
    ),
    (
        r"AveragePooling\dD|AvgPool(3D)?|AveragePool",
        "Pool the steps with zeros at padding, and the mask itself as numbers; the first divided "
        "by the second is the mean of the real steps in each window.",
    ),
    (
        "GlobalAveragePooling1D|Mean|Average",
        "Use a mean that takes the mask, such as `GlobalAveragePooling1D`, or add up the real "
        "steps and divide by their number.",
    ),
    (
        r"(Depthwise|Separable)?Conv(\dD)?(Transpose)?|DepthwiseConv2dNative|"
        r"Conv\dDBackpropInput(V2)?",
        "Set padded steps to zero before the convolution, as a row alone has them at its border, "
        "and hand the mask on; or cut the padding off.",
    ),
    (
        r"ZeroPadding\dD|Sum|Pad(V2)?|Mat[Mm]ul|BatchMatMulV2|Einsum|Dot|Norm|Normalize|"
        "CountNonzero",
        # By `where`: zero times infinity is no zero.
        "Set padded steps to zero before it: `ops.where(mask[..., None], x, 0)`.",
    ),
    ("GroupNormalization", "Use `LayerNormalization`, which normalises each step by itself."),
    (
        "GetItem|StridedSlice|Take(AlongAxis)?|Gather(V2|Nd)",
        "Take each row's last real step by its length, or let the layer before it return the last "
        "output itself (`return_sequences=False`).",
    ),
)


def fix_of(layer, operations, axes=3):
    """Return what fixes a leak, by the layer's class, or else by its operations; or nothing.

    Args:
        layer: the layer, or `None`.
        operations: the names of the operations that were run there.
        axes: how many axes that has which they read.
    """
    kinds = [kind for kind in type(layer).__mro__ if kind.__module__.split(".")[0] == "keras"]
    for names in ([kind.__name__ for kind in kinds], operations):
        for pattern, fix in LEAKS:
            if any(re.fullmatch(pattern, name) for name in names):
                return STRIDED if _is_strided(layer) else _along(fix, axes)
    return ""


def _along(fix, axes):
    """Return a fix with the mask as a column beside that many axes."""
    nones = ["None"] * (axes - 2)
    return fix.replace("[..., None]", f"[{', '.join(['...', *nones])}]" if nones else "")


def _is_strided(layer):
    """Return True for windows that "same" begins elsewhere for another number of steps."""
    size = getattr(layer, "kernel_size", getattr(layer, "pool_size", None))
    stride = getattr(layer, "strides", None)
    if getattr(layer, "padding", "") != "same" or not size or not stride:
        return False
    size, stride = (one[0] if isinstance(one, (tuple, list)) else one for one in (size, stride))
    ahead = {max(size - rest, 0) // 2 for rest in range(1, stride + 1)}
    return len(ahead) > 1 and not type(layer).__name__.endswith("Transpose")
