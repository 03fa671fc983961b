"""What fixes a leak, by the class of the layer or by the operations that were run there.

A name says nothing: `Maximum` takes the larger of two tensors, not of the steps, and a layer may
be called `Conv_block`. So classes are compared with Keras's own, bases included, and operations
with the whole names that Keras and TensorFlow give them.
"""

from dataclasses import dataclass

DEFAULT = (
    "Use a layer that takes a mask, or zero the padding and divide by the number of real "
    "steps, or cut the padding off before this layer."
)
AT_THE_END = (
    'With `padding="post"` its outputs are right: pad at the end, or count its positions from each '
    "row's first real step."
)
COUNTED = (
    "It counts columns, padding included: count positions from each row's first real step, "
    "`ops.maximum(ops.cumsum(mask, axis=1) - 1, 0)`, or pad at the end."
)
# What is no operation, but many of them: one turn for each step.
LOOP = "one turn for each step"
STRIDED = (
    'Where its windows begin depends on the number of steps: use `padding="valid"`, pad the rows '
    "at the end, and hand on which windows are real; or cut the padding off."
)
INSIDE = (
    "It sees the zeros that end a step's own ids. Audit the part that reads one step, with steps "
    "as its rows (`x.reshape(-1, x.shape[2])`), and fix what is found there."
)
REFILLED = "Set padded steps to zero before this layer."


def _ranks(*names):
    return frozenset(f"{name}{rank}D" for name in names for rank in (1, 2, 3))


@dataclass(frozen=True)
class Leak:
    """One way to mix steps: the layers and operations that do it, and what fixes it."""

    classes: frozenset
    operations: frozenset
    fix: str


# The first that fits. In a `call` with several operations, the one that mixes steps is seldom the
# last: scores go through a softmax, and then into a sum that would be right without them.
LEAKS = (
    Leak(
        frozenset(),
        frozenset({LOOP}),
        "It goes through the steps one after the other: keep at a padded step what was before it, "
        "`state = ops.where(mask[:, t, None], new, state)`.",
    ),
    Leak(
        frozenset({"STFTSpectrogram", "MelSpectrogram"}),
        frozenset(
            f"{kind}FFT{rank}" for kind in ("", "I", "R", "IR") for rank in ("", "2", "2D", "3D")
        )
        | {"STFT", "ISTFT"},
        "A Fourier transform reads every step, and no mask reaches it: cut the padding off before "
        "it, with rows of one length in a batch.",
    ),
    Leak(
        _ranks("AdaptiveAveragePooling", "AdaptiveMaxPooling"),
        frozenset(),
        "Its windows depend on the number of steps: cut the padding off before it, with rows of "
        "one length in a batch.",
    ),
    Leak(
        frozenset({"Softmax"}),
        frozenset({"Softmax", "LogSoftmax"}),
        "Put a large negative number at the scores of padded steps before the softmax: "
        "`ops.where(mask, scores, -1e9)`, with the steps of `mask` along the axis of the softmax "
        "(`mask[..., None]` for axis 1 of three, `mask[:, None]` for the last).",
    ),
    Leak(
        frozenset({"GlobalAveragePooling2D", "GlobalAveragePooling3D"}),
        frozenset(),
        "Pool each step by itself first, in a `TimeDistributed`, and then the steps with a layer "
        "that takes the mask, such as `GlobalAveragePooling1D`; or add up the real steps and "
        "divide by their number.",
    ),
    Leak(
        _ranks("GlobalMaxPooling"),
        frozenset({"Max", "Amax", "ArgMax", "Argmax"}),
        "Put minus infinity at padded steps before the maximum: "
        "`ops.where(mask[..., None], x, -np.inf)`.",
    ),
    Leak(
        frozenset(),
        frozenset({"Min", "Amin", "ArgMin", "Argmin"}),
        "Put infinity at padded steps before the minimum: `ops.where(mask[..., None], x, np.inf)`.",
    ),
    Leak(
        frozenset(),
        frozenset({"TopK", "TopKV2", "Sort", "Argsort"}),
        "Put at padded steps what comes last in this order, minus infinity where the largest come "
        "first, else infinity: `ops.where(mask[..., None], x, -np.inf)`.",
    ),
    Leak(
        frozenset(),
        frozenset({"Logsumexp"}),
        "Put a large negative number at padded steps before it: "
        "`ops.where(mask[..., None], x, -1e9)`.",
    ),
    Leak(
        frozenset(),
        frozenset({"Prod", "Cumprod"}),
        "Put one at padded steps before it: `ops.where(mask[..., None], x, 1)`.",
    ),
    Leak(
        frozenset(),
        frozenset({"Any", "All"}),
        "Join the mask before it: `ops.logical_and(x, mask)` before `any`, "
        "`ops.logical_or(x, ops.logical_not(mask))` before `all`.",
    ),
    Leak(
        frozenset(),
        frozenset({"Std", "Var", "Variance", "Moments"}),
        "Compute it of the real steps alone: set what is squared to zero at padding, add up, and "
        "divide by the number of real steps.",
    ),
    Leak(
        frozenset(),
        frozenset({"Median", "Quantile", "Percentile"}),
        "It counts steps, and no value at padded ones is right for it: cut the padding off before "
        "it, with rows of one length in a batch.",
    ),
    Leak(
        _ranks("MaxPooling"),
        frozenset({"MaxPool", "MaxPoolV2", "MaxPool3D"}),
        "Put a large negative number at padded steps before the windows are taken, "
        "`ops.where(mask[..., None], x, -1e9)`, and hand the mask on.",
    ),
    Leak(
        _ranks("AveragePooling"),
        frozenset({"AvgPool", "AvgPool3D", "AveragePool"}),
        "Pool the steps with zeros at padding, and the mask itself as numbers; the first divided "
        "by the second is the mean of the real steps in each window.",
    ),
    Leak(
        _ranks("GlobalAveragePooling"),
        frozenset({"Mean", "Average"}),
        "Use a mean that takes the mask, such as `GlobalAveragePooling1D`, or add up the real "
        "steps and divide by their number.",
    ),
    Leak(
        _ranks("Conv", "DepthwiseConv", "SeparableConv")
        | {f"Conv{n}DTranspose" for n in (1, 2, 3)},
        frozenset({"Conv2D", "Conv", "Conv3D", "DepthwiseConv", "DepthwiseConv2dNative"})
        | {"SeparableConv", "ConvTranspose", "Conv2DBackpropInput", "Conv3DBackpropInputV2"},
        "Set padded steps to zero before the convolution, as a row alone has them at its border, "
        "and hand the mask on; or cut the padding off.",
    ),
    Leak(
        frozenset({"Dot"}) | _ranks("ZeroPadding"),
        frozenset({"Sum", "Pad", "PadV2", "Matmul", "MatMul", "BatchMatMulV2", "Einsum", "Dot"})
        | {"Norm", "Normalize", "CountNonzero"},
        "Set padded steps to zero before it: `x * ops.cast(mask, x.dtype)[..., None]`.",
    ),
    Leak(
        frozenset({"GroupNormalization"}),
        frozenset(),
        "Use `LayerNormalization`, which normalises each step by itself.",
    ),
    Leak(
        frozenset(),
        frozenset({"GetItem", "StridedSlice", "Take", "TakeAlongAxis", "GatherV2", "GatherNd"}),
        "Take each row's last real step by its length, or let the layer before it return the last "
        "output itself (`return_sequences=False`).",
    ),
)


def fix_of(cause):
    """Return what fixes a leak, by the layer's class, or else by its operations."""
    own = _keras_classes(cause)
    for leak in LEAKS:
        if own & leak.classes:
            return STRIDED if _is_strided(cause.call.layer) else leak.fix
    for leak in LEAKS:
        if set(cause.operations) & leak.operations:
            return leak.fix
    return DEFAULT


def is_known(cause):
    """Return True if the layer's class or its operations say what fixes it."""
    return fix_of(cause) is not DEFAULT


def _keras_classes(cause):
    """Return the names of Keras's own classes that a layer is one of."""
    if cause.call is None or not cause.call.is_layer:
        return set()
    kinds = type(cause.call.layer).__mro__
    return {kind.__name__ for kind in kinds if kind.__module__.split(".")[0] in ("keras",)}


def _is_strided(layer):
    """Return True for windows that "same" begins elsewhere for another number of steps."""
    size = getattr(layer, "kernel_size", getattr(layer, "pool_size", None))
    stride = getattr(layer, "strides", None)
    if getattr(layer, "padding", "") != "same" or not size or not stride:
        return False
    size, stride = (one[0] if isinstance(one, (tuple, list)) else one for one in (size, stride))
    ahead = {max(size - rest, 0) // 2 for rest in range(1, stride + 1)}
    return len(ahead) > 1 and not type(layer).__name__.endswith("Transpose")
