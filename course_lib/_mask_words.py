"""What a layer did with a mask, in a word or a few; and a letter for each mask."""

import numpy as np

from course_lib._keras_private import takes_mask

NONE = "–"


class Letters:
    """One letter for each mask that differs in shape or value from those before."""

    def __init__(self):
        self.masks = {}

    def __call__(self, mask):
        """Return the letter of `mask`; a dash for `None`."""
        if mask is None:
            return NONE
        if isinstance(mask, (list, tuple)):
            return "[" + ", ".join(self(one) for one in mask) + "]"
        if isinstance(mask, dict):
            return "{" + ", ".join(f"{key}: {self(one)}" for key, one in mask.items()) + "}"
        values = np.asarray(mask).astype(bool)
        for letter, known in self.masks.items():
            if known.shape == values.shape and (known == values).all():
                return letter
        letter = _letter(len(self.masks))
        self.masks[letter] = values
        return letter


def _letter(number):
    rest, last = divmod(number, 26)
    return (_letter(rest - 1) if rest else "") + chr(ord("A") + last)


def shown_received(call):
    """Return the mask arguments that are worth a word: `mask`, and of the others the filled."""
    return {
        name: mask
        for name, mask in call.received.items()
        if name == "mask" or any_mask(mask) or _ignored_argument(call, name)
    }


def _ignored_argument(call, name):
    """Return True if `x_mask` stayed empty although argument `x` carries a mask."""
    argument = name.removesuffix("_mask")
    return any(arg == argument and mask is not None for arg, _, _, mask in call.inputs)


def any_mask(value):
    """Return True if the nest `value` holds a mask."""
    import keras

    return any(leaf is not None for leaf in keras.tree.flatten(value))


def what_it_did(call, letters):
    """Return what a call did with the mask, in a word or a few."""
    attached = [mask for *_, mask in call.inputs if mask is not None]
    received = any(any_mask(mask) for mask in call.received.values()) and hears(call)
    out = any(mask is not None for _, mask in call.outputs)
    words = []
    if overwritten(call):
        words.append("overwrites what it was given")
    if not attached and not received:
        words.append("makes" if out else NONE)
    elif is_merge(call.layer) and out:
        words.append("merges")
    elif received:
        words.append("uses" if out else "uses and ends")
        if out:
            words[-1] += " and passes" if not _changes(call, letters) else " and changes"
    else:
        if attached and "mask" in call.received and hears(call):
            words.append("ignores")
        passes = "changes" if _changes(call, letters) else "passes"
        words.append(passes if out else _dropped(call))
    if call.stripped:
        words.append("strips its inputs")
    return ", ".join(words)


def hears(call):
    """Return False for a `Lambda` whose function takes no mask: what it is handed goes nowhere."""
    import keras

    return not isinstance(call.layer, keras.layers.Lambda) or takes_mask(call.layer)


def _changes(call, letters):
    """Return True if a mask comes out that did not go in."""
    before = [mask for *_, mask in call.inputs]
    for value in call.received.values():
        before += value if isinstance(value, (list, tuple)) else [value]
    known = {letters(mask) for mask in before if mask is not None}
    return any(letters(mask) not in known for _, mask in call.outputs if mask is not None)


def is_merge(layer):
    """Return True for `Add`, `Concatenate` and the other layers that make one tensor of several."""
    modules = {kind.__module__.rpartition(".")[0] for kind in type(layer).__mro__}
    return any(module.endswith("layers.merging") for module in modules)


def _dropped(call):
    return "drops (warned)" if call.warned else "drops silently"


def overwritten(call):
    """Return True if the caller filled a mask argument, and the layer threw it away.

    `MultiHeadAttention` reads the query's mask from the query itself, whatever `query_mask` says.
    """
    import keras

    if not isinstance(call.layer, keras.layers.MultiHeadAttention):
        return False
    if "query_mask" not in call.explicit:
        return False
    query = next((mask for name, _, _, mask in call.inputs if name == "query"), None)
    letters = Letters()
    return letters(query) != letters(call.received["query_mask"])
