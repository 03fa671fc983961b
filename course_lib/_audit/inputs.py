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
