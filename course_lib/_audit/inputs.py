"""What an input looks like by its name and values alone; NumPy, and no model."""

import re

import numpy as np

# What ends in "mask" and says something else than which steps are real.
OTHER_MASKS = ("loss", "causal", "mlm", "span", "global", "lookahead", "look_ahead")


def names_of(x, model, count):
    """Return a name for each leaf of `x`: its key, the model's name for it, or its place."""
    import keras

    if count == 1 and not isinstance(x, dict):
        return ["x"]
    inputs = [one.name for one in getattr(model, "inputs", None) or [] if hasattr(one, "name")]
    names = []
    for place, (path, _) in enumerate(keras.tree.flatten_with_path(x)):
        keys = [str(key) for key in path if isinstance(key, str)]
        if keys:
            names.append(".".join(keys))
        elif len(inputs) == count:
            names.append(inputs[place])
        else:
            names.append(f"x[{place}]")
    return names


def of_any_length(model, leaves):
    """Return the numbers of the floats `(B, T)` for which the model leaves `T` open: series."""
    inputs = getattr(model, "inputs", None) or []
    pairs = enumerate(zip(inputs, leaves, strict=True) if len(inputs) == len(leaves) else ())
    return {
        number
        for number, (one, leaf) in pairs
        if leaf.ndim == 2 and leaf.dtype.kind == "f" and tuple(one.shape)[1:] == (None,)
    }


def is_mask(leaf):
    """Return True for zeros and ones of shape `(B, T)`, or bools."""
    if leaf.ndim != 2 or leaf.shape[1] < 2 or leaf.dtype.kind not in "biuf":
        return False
    return leaf.dtype == bool or bool(np.isin(leaf, (0, 1)).all())


def is_named_mask(name):
    """Return True for `mask`, `padding_mask`, `attention_mask_1` and their like."""
    last = name.lower().split(".")[-1]
    return bool(re.search(r"mask(_?\d+)?$", last)) and not any(one in last for one in OTHER_MASKS)


def kinship(mask, name):
    """Return how many words at the beginning a mask's name shares with that of an input."""
    first, second = re.split(r"[_.]", mask.lower()), re.split(r"[_.]", name.lower())
    shared = 0
    for one, other in zip(first, second, strict=False):
        if one != other or "mask" in one:
            break
        shared += 1
    return shared


def ends(real):
    """Return True if each row's real steps are one run."""
    padded = np.pad(real, ((0, 0), (1, 1))).astype(int)
    return bool(((np.diff(padded, axis=1) == 1).sum(axis=1) <= 1).all())


def is_counter(leaf):
    """Return True for positions: each row counts 0, 1, 2 from its first step on."""
    return leaf.ndim == 2 and bool((leaf[:, :2] == (0, 1)).all())


def no_padding_at(own, real):
    """Return True if an input's own padding begins elsewhere than a mask says, in most rows."""
    stops = [mask.shape[1] - mask[:, ::-1].argmax(axis=1) for mask in (own, real)]
    return bool((stops[0] != stops[1]).mean() > 0.5)


def turned_round(mask, leaves, name="", given=()):
    """Return True if a mask is True at padding.

    `mask=` says it if it is given for one of the inputs; else the values, what it marks being one
    value and the rest not; else that a row would have no real step; else its name, PyTorch's.

    Args:
        mask: bool, shape `(B, T)`.
        leaves: the inputs that it may speak of.
        name: its name.
        given: what is known of the inputs, bool of shape `(B, T)`.
    """
    if any(np.array_equal(one, ~mask) for one in given):
        return True

    def blank(leaf, where):
        values = leaf[where]
        return len(values) > 1 and bool((values == values[0]).all())

    said = [(blank(leaf, mask), blank(leaf, ~mask)) for leaf in leaves]
    if any(True in one for one in said):
        return (True, False) in said and not any(off for _, off in said)
    if given or mask.any(axis=1).all():
        return not given and "key_padding" in name.lower()
    return bool((~mask).any(axis=1).all() and not mask[:, 0].any())


def axes_of_steps(leaves, steps):
    """Return the axes of each leaf that has so many steps along others than axis 1 alone."""
    found = {
        number: tuple(axis for axis in range(1, leaf.ndim) if leaf.shape[axis] == steps)
        for number, leaf in enumerate(leaves)
    }
    return {number: axes for number, axes in found.items() if axes not in ((), (1,))}


def in_words(batch, names, why):
    """Return what each input was taken for, a line each.

    Args:
        batch: the `Batch`.
        names: the name of each leaf.
        why: dict of the number of a leaf and how it is known what is real in it.
    """
    lines = []
    for number, name in enumerate(names):
        which = batch.sequence_of(number)
        if batch.leaves[number].dtype.kind in "OSU":
            lines.append(f"`{name}`: text, of which the model makes ids; id 0 is padding")
            continue
        if which is None:
            lines.append(f"`{name}`: no sequence, handed over as it is")
            continue
        lengths = batch.sequences[which].real.sum(axis=1)
        low, high = int(lengths.min()), int(lengths.max())
        span = f"{low} to {high}" if low != high else f"{low}"
        axes = batch.along.get(number)
        several = "axes" if axes and len(axes) > 1 else "axis"
        where = f" along {several} {' and '.join(map(str, axes))}" if axes else ""
        lines.append(f"`{name}`: a sequence, {span} real steps{where}; {why[number]}")
    return tuple(lines)


def ends_in_zeros_inside(leaf, real):
    """Return True for ids `(B, T, W)` of which some step ends in zeros, and none begins with one.

    Sentences of words: each step is a sequence of its own, padded at its end.
    """
    if leaf.ndim != 3 or leaf.dtype.kind not in "iu" or leaf.shape[2] < 2:
        return False
    words = leaf[real] != 0
    falls = (np.diff(words.astype(int), axis=1) <= 0).all()
    return bool(falls and words[:, 0].all() and not words[:, -1].all())
