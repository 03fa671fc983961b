"""A `Cause` in words: what happened at which layer, who needs the mask, and how to fix it."""

import sys
from pathlib import Path

import numpy as np

from course_lib._audit import leaks
from course_lib._audit.faults import FAULTS


def message_of(cause):
    """Return what a `Cause` is, and what fixes it, as a text of a few sentences."""
    fault = FAULTS[cause.kind]
    details = ", ".join(filter(None, [cause.detail, _needed(cause)]))
    details = f" ({details})" if details else ""
    of_class = f" ({cause.call.class_name})" if cause.call is not None and not cause.is_raw else ""
    about = f"At the {cause.layer}: " if cause.is_raw else f"At `{cause.layer}`{of_class}: "
    write = WRITERS.get(cause.kind, lambda cause: fault.fix)
    return f"{about}{fault.what}{details}. {cause.fix or write(cause)}"


def _needed(cause):
    if not cause.needs:
        return ""
    return f"{joined(cause.needs)} need{'s' * (len(cause.needs) == 1)} it"


def joined(words):
    """Return "a", "a and b" or "a, b and c"."""
    *others, last = words
    return f"{', '.join(others)} and {last}" if others else last


def _by_hand(cause):
    """Return the offer to hand the mask over; a loss takes none."""
    if not cause.by or len(cause.by) < len(cause.needs):
        return ""
    arguments = ", ".join(f"`{name}=`" for name in dict.fromkeys(cause.by))
    return f"give the mask to {joined(cause.needs)} by hand ({arguments})"


def _or(*ways):
    """Return the ways that there are as one sentence."""
    ways = [way for way in ways if way]
    text = ", or ".join(ways)
    return f"{text[:1].upper()}{text[1:]}."


def _pass_on(cause):
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
    elif is_own(cause.call.layer):
        way = "give it a `compute_mask` that returns the mask of its output"
    else:
        way = f"use a subclass of `{cause.call.class_name}` whose `compute_mask` returns the mask"
        way += " of its output"
    return _or(way, _by_hand(cause))


def _ignored(cause):
    by_hand = "pass it by hand, `layer(..., mask=mask)`"
    if not is_own(cause.call.layer):
        return _or(by_hand)
    return _or(by_hand, "name the arguments of `call` `x_mask`, `y_mask`")


def _make(cause):
    """Return what makes a mask where none is made: what finds this batch's padding."""
    import keras

    ways = []
    call = cause.call
    if call is not None and isinstance(call.layer, keras.layers.Embedding):
        if cause.padding == 0:
            ways.append("use `mask_zero=True` in the `Embedding`")
        elif not cause.by:
            ways.append("pad with id 0 and use `mask_zero=True` in the `Embedding`")
    elif cause.padding is not None and _rank(call) > 3:
        axes = ", ".join(str(axis) for axis in range(2, _rank(call)))
        ways.append(
            "put a layer of your own before it whose `compute_mask(x)` returns "
            f"`ops.any(x != {cause.padding:g}, axis=({axes}))`"
        )
    elif cause.padding is not None:
        value = "" if cause.padding == 0 else f"(mask_value={cause.padding:g})"
        where = "before" if call is None or call.is_layer else "after"
        ways.append(f"put a `Masking{value}` layer {where} it")
    elif not cause.by:
        ways.append("pass `sample_weight=` with zeros at padded steps")
    return _or(*ways, _by_hand(cause))


def _rank(call):
    """Return the largest number of axes among what a call reads."""
    return max((len(tensor.shape) for _, _, tensor, _ in call.inputs), default=0) if call else 0


def _come_out(cause):
    layer = cause.call.layer
    way = f"give `{cause.layer}` a `compute_mask` that returns {cause.value}"
    if not is_own(layer):
        way = (
            f"use a subclass of `{cause.call.class_name}` with a `compute_mask` that returns "
            f"{cause.value}"
        )
        return _or(way, _by_hand(cause))
    return _or(way)


WRITERS = {
    "leak": leaks.fix_of,
    "lost": _pass_on,
    "ignored": _ignored,
    "never": _make,
    "inside": _come_out,
    "neutralised": lambda cause: _or(FAULTS["neutralised"].fix, _by_hand(cause)),
    "unmasked branch": lambda cause: _or(FAULTS["unmasked branch"].fix, _by_hand(cause)),
}


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
    return any(
        len(tensor.shape) > 1 and tuple(tensor.shape[:2]) == tuple(shape)
        for tensor, _ in call.outputs
        for shape in masked
    )


def padding_value(values, real):
    """Return the one value that stands at all padded steps and at no real one, `None` without."""
    padded = values[~real]
    if not padded.size or values.dtype.kind not in "biuf" or not (padded == padded.flat[0]).all():
        return None
    axes = tuple(range(2, values.ndim))
    found = (values != padded.flat[0]).any(axis=axes) if axes else values != padded.flat[0]
    return padded.flat[0] if np.array_equal(found, real) else None
