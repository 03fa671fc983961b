"""What fixes a fault where that depends on the layer: ways, each a clause, of which one is enough.

A way that is empty does not help here.
"""

import sys
from pathlib import Path

import numpy as np

ZEROED = "ops.where(ops.isnan(x), 0.0, x)"
TURN = (
    "Turn the output round again in a layer that hands the mask on "
    "(`Lambda(lambda x: ops.flip(x, axis=1), mask=...)`), or use `Bidirectional`."
)
MASK_ZERO = "use `mask_zero=True` in the `Embedding`"


def joined(words):
    """Return "a", "a and b" or "a, b and c"."""
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def as_sentence(ways):
    """Return the ways that there are as one sentence."""
    text = ", or ".join(filter(None, ways))
    return f"{text[:1].upper()}{text[1:]}."


def by_hand(cause):
    """Return the offer to hand the mask over, empty if someone needs it who takes none."""
    if not cause.needs or not all(by for _, by in cause.needs):
        return ""
    arguments = ", ".join(f"`{by}=`" for by in dict.fromkeys(by for _, by in cause.needs))
    return f"give the mask to {joined([name for name, _ in cause.needs])} by hand ({arguments})"


def pass_on(cause):
    """Return what fixes a mask that ends.

    Not to set `_keras_mask` on the output: in a Functional model that is done to the symbolic
    tensor, once, and no call repeats it. A later layer has got the mask as an argument by then, a
    loss has not.
    """
    import keras

    if cause.is_raw:
        way = (
            "put the operation into a layer that says which mask its output has "
            "(`Lambda(f, mask=...)`, or a layer of your own with `compute_mask`)"
        )
    elif isinstance(cause.call.layer, keras.layers.Lambda):
        way = "let the `Lambda` say which mask its output has, `Lambda(f, mask=...)`"
    elif cause.call.layer.supports_masking and is_own(cause.call.layer):
        way = "let its `compute_mask` return the mask of its output"
    elif _keeps_steps(cause.call) and not cause.call.layer.supports_masking:
        way = "set `supports_masking = True` on it, as its output has the steps of its input"
    else:
        way = compute_mask(cause.call, "the mask of its output")
    return way, by_hand(cause)


def pass_by_hand(cause):
    """Return what fixes a mask that Keras does not hand to a layer."""
    named = "name the arguments of `call` `x_mask`, `y_mask`" if is_own(cause.call.layer) else ""
    return "pass it by hand, `layer(..., mask=mask)`", named


def make(cause):
    """Return what makes a mask where none is made."""
    import keras

    way, handed = cause.way, by_hand(cause)
    if way and cause.through:
        way += f" and hand the mask on at {joined(cause.through)}"
    elif not way and not handed:
        way = "pass `sample_weight=` with zeros at padded steps"
        if cause.call and isinstance(cause.call.layer, keras.layers.Embedding):
            way = f"pad with id 0 and {MASK_ZERO}"
    return way, handed


def way_to_make(call, padding, axes):
    """Return what makes a mask of what a call reads; nothing for a table of other ids.

    Args:
        call: the `Call`.
        padding: the value that stands at all padded steps.
        axes: how many axes the tensor has.
    """
    import keras

    if isinstance(call.layer, keras.layers.Embedding):
        return MASK_ZERO if padding == 0 else ""
    if np.isnan(padding):
        # NaN equals nothing, and zero times NaN is NaN.
        return f"set NaN to zero, `{ZEROED}`, then {way_to_make(call, 0, axes)}"
    if axes > 3:
        others = ", ".join(map(str, range(2, axes)))
        mask = f"`ops.any(x != {padding:g}, axis=({others}))`"
        return f"put a layer of your own before it whose `compute_mask(x)` returns {mask}"
    masking = "" if padding == 0 else f"(mask_value={padding:g})"
    return f"put a `Masking{masking}` layer {'before' if call.is_layer else 'after'} it"


def align(cause):
    """Return what fixes a mask of other steps than those that come out."""
    if cause.call is None or not cause.call.is_layer:
        return "hand over the mask of these steps", ""
    return compute_mask(cause.call, "the mask of the steps that it gives out"), by_hand(cause)


def let_out(cause):
    """Return what lets a mask out that is made inside a layer."""
    return cause.way, "" if is_own(cause.call.layer) else by_hand(cause)


def compute_mask(call, value):
    """Return what lets a mask out of a layer: a method that returns that value."""
    way = f"give `{call.name}`"
    if not is_own(call.layer):
        way = f"use a subclass of `{call.class_name}` with"
    return f"{way} a `compute_mask` that returns {value}"


def is_own(layer):
    """Return True for a layer whose class the reader can edit: neither Keras's nor a package's."""
    module = type(layer).__module__
    if module.split(".")[0] in ("keras", "tf_keras"):
        return False
    place = getattr(sys.modules.get(module), "__file__", None) or ""
    return not {"site-packages", "dist-packages"} & set(Path(place).parts)


def _keeps_steps(call):
    """Return True if what comes out has the rows and steps of an input that carries a mask."""
    masked = [tensor.shape[:2] for *_, tensor, mask in call.inputs if mask is not None]
    masked += [mask.shape[:2] for mask in call.received.values() if hasattr(mask, "shape")]
    steps = {tuple(shape) for shape in masked}
    return any(len(one.shape) > 1 and tuple(one.shape[:2]) in steps for one in call.made)


def holds_nan(values):
    """Return True if floats hold one that is not a number."""
    return values.dtype.kind == "f" and bool(np.isnan(values).any())


def padding_value(values, real):
    """Return the one value that stands at all padded steps and at no real one, `None` without."""
    padded = values[~real]
    # A tensor of bool is a mask itself, and no values that one could be made of.
    if not padded.size or values.dtype.kind not in "iuf":
        return None
    first = padded.flat[0]
    is_padding = np.isnan(values) if np.isnan(first) else values == first
    found = ~is_padding.reshape(*real.shape, -1).all(axis=2)
    return first if is_padding[~real].all() and np.array_equal(found, real) else None
