"""What is known of each input by itself, and what it looks like by its name and values."""

import re
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

import numpy as np

from course_lib._audit.made import is_read_by_embedding, made_masks
from course_lib._audit.view import Sequence

# What ends in "mask" and says something else than which steps are real.
OTHER_MASKS = ("loss", "causal", "mlm", "span", "global", "lookahead", "look_ahead")


@dataclass(frozen=True, eq=False)
class Input:
    """One input.

    Attributes:
        number: its place among the leaves of `x`.
        values: the array.
        name: as the reader knows it.
        given: bool, shape `(B, T)`, what `mask=` says of it, or `None`.
        made: bool, shape `(B, T)`, the mask that the model makes of it, or `None`.
        is_looked_up: True if an `Embedding` reads it as it is.
        bare: True if `mask=` has `None` for it.
        shape: the shape that the model declares, `None` for open axes; `None` if it declares none.
        tells: bool, shape `(B, T)`, which steps are real, if it is a mask itself; else `None`.
    """

    number: int
    values: Any
    name: str
    given: Any
    made: Any
    is_looked_up: bool
    bare: bool
    shape: tuple | None
    tells: Any = None

    def has_steps(self, count):
        """Return True if its second axis has so many steps."""
        return self.values.ndim >= 2 and self.values.shape[1] == count > 1

    @property
    def is_series(self):
        """True for floats `(B, T)` for which the model leaves `T` open."""
        return self.values.ndim == 2 and self.values.dtype.kind == "f" and bool(self.is_open())

    def is_open(self, axis=1):
        """Return True if the model leaves the size of an axis open, `None` if it does not say."""
        return None if self.shape is None else self.shape[axis : axis + 1] == (None,)

    @property
    def could_be_ids(self):
        """True for integers with steps, and for floats that a table reads; masks are none."""
        if self.values.ndim < 2 or self.values.shape[1] < 2 or self.tells is not None:
            return False
        looked_up = self.values.ndim == 2 and self.is_looked_up
        return self.values.dtype.kind in "biu" or looked_up

    def is_blank(self, real):
        """Return True if it holds nothing in the padding: one value, or the same each row."""
        padding = self.values[~real]
        if not len(padding) or (padding == padding[0]).all():
            return True
        return len(self.values) > 1 and bool((self.values == self.values[:1]).all())


def read_inputs(request, recording):
    """Return the tuple of `Input`: what is known of each leaf before any is a sequence."""
    leaves, model = request.leaves, request.model
    names = names_of(request.x, model, len(leaves))
    inputs = tuple(
        Input(*known)
        for known in zip(
            range(len(leaves)),
            leaves,
            names,
            request.masks or [None] * len(leaves),
            made_masks(recording, leaves),
            [is_read_by_embedding(recording, leaf) for leaf in leaves],
            request.bare,
            shapes_of(model, names),
            strict=True,
        )
    )
    masks = [one for one in inputs if _is_mask(one, inputs)]
    others = [one for one in inputs if one not in masks]
    return tuple(replace(one, tells=_told(one, others)) if one in masks else one for one in inputs)


def _is_mask(one, inputs):
    """Return True for zeros and ones, or bools, that tell which steps of an input are real."""
    values, others = one.values, beside(one, inputs)
    if values.ndim != 2 or values.dtype.kind not in "biuf" or not np.isin(values, (0, 1)).all():
        return False
    if one.given is not None or one.is_looked_up or not others:
        return False
    if is_named_mask(one.name) or values.dtype == bool:
        return True
    real = values.astype(bool)
    is_one_run = np.array_equal(real, Sequence((), real).mask)
    return is_one_run and not real.all() and any(other.is_blank(real) for other in others)


def _told(one, others):
    """Return which steps are real by a mask, `None` if it says of all that they are."""
    real = one.values.astype(bool)
    values = [other.values for other in beside(one, others)]
    given = [other.given for other in others if other.given is not None]
    real = ~real if turned_round(real, values, one.name, given) else real
    return None if real.all() and not is_named_mask(one.name) else real


def beside(one, inputs):
    """Return the other inputs with as many steps."""
    steps = one.values.shape[1] if one.values.ndim > 1 else 0
    return [other for other in inputs if other is not one and other.has_steps(steps)]


def real_by_values(one, padding=0):
    """Return which steps of an input hold something: ids other than 0, steps other than zeros.

    Shape `(B, T)`; `None` for what is neither ids nor features with steps.
    """
    values = one.values
    if values.ndim < 2 or values.shape[1] < 2 or values.dtype.kind not in "biuf":
        return None
    real = (values != padding).reshape(*values.shape[:2], -1).any(axis=2)
    if one.could_be_ids:
        return real
    # Zeros between are values of a series.
    return Sequence((), real).mask if values.ndim >= 3 or one.is_series else None


def padding_of(one):
    """Return the one value of steps at the rows' ends (or beginnings) that no real step holds.

    `None` for what is no features `(B, T, D)`, for zeros, and if a row has no other steps: of a
    single feature each step holds one value.
    """
    values = one.values
    if values.ndim < 3 or values.dtype.kind != "f" or values[0, 0].size < 2:
        return None
    for edge in (values[:, -1], values[:, 0]):
        flat = edge.reshape(len(edge), -1)
        blank = flat[(flat == flat[:, :1]).all(axis=1)]
        if len(blank) and blank.flat[0] and (blank == blank.flat[0]).all():
            real = real_by_values(one, blank.flat[0])
            if real.any(axis=1).all() and not (values[real] == blank.flat[0]).any():
                return blank.flat[0]
    return None


def guessed(one, inputs):
    """Return which steps are real by the values alone, `None` if they do not say."""
    real = real_by_values(one)
    if real is None or real.all():
        return None
    # Segments and positions are no ids if others are.
    flags = one.could_be_ids and (one.values.max() <= 1 or is_counter(one.values))
    return None if flags and any(other.could_be_ids for other in beside(one, inputs)) else real


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


def shapes_of(model, names):
    """Return for each leaf the shape that the model declares, `None` if it declares none."""
    inputs = getattr(model, "inputs", None) or []
    shapes = {getattr(one, "name", place): tuple(one.shape) for place, one in enumerate(inputs)}
    if len(shapes) != len(names):
        return [None] * len(names)
    # A list of inputs may be fed by their names: in another order.
    return [shapes[one] for one in names] if set(names) == set(shapes) else list(shapes.values())


def is_named_mask(name):
    """Return True for `mask`, `padding_mask`, `attention_mask_1` and their like."""
    last = name.lower().split(".")[-1]
    return bool(re.search(r"mask(_?\d+)?$", last)) and not any(one in last for one in OTHER_MASKS)


def is_length_of(length, name):
    """Return True for `lengths`, `seq_len_1` and their like, and for `note_length` of `note_ids`.

    No sequence has a `petal_length`.
    """
    last = length.lower().split(".")[-1]
    found = re.fullmatch(r"((seq(uence)?|inputs?|rows?)_?|(.+)_)?len(gth)?s?(_?\d+)?", last)
    return bool(found) and (not found[4] or kinship(length, name) > 0)


def kinship(mask, name):
    """Return how many words at the beginning a mask's name shares with that of an input."""
    pairs = zip(*(re.split(r"[_.]", one.lower()) for one in (mask, name)), strict=False)
    return len(list(takewhile(lambda pair: pair[0] == pair[1] and "mask" not in pair[0], pairs)))


def is_counter(leaf):
    """Return True for positions: each row counts 0, 1, 2 from its first step on."""
    return leaf.ndim == 2 and bool((leaf[:, :2] == (0, 1)).all())


def same_stops(own, real):
    """Return True if at least half of the rows end where another mask says that they do."""
    return bool((Sequence((), own).stops == Sequence((), real).stops).mean() >= 0.5)


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
    said = [_in_words(batch, number, why.get(number)) for number in range(len(names))]
    return tuple(f"`{name}`: {text}" for name, text in zip(names, said, strict=True))


def _in_words(batch, number, why):
    which, axes = batch.sequence_of(number), batch.along.get(number, ())
    if batch.leaves[number].dtype.kind in "OSU":
        return "text, of which the model makes ids; id 0 is padding"
    if which is None:
        return "no sequence, handed over as it is"
    lengths = batch.sequences[which].real.sum(axis=1)
    span = " to ".join(map(str, sorted({lengths.min(), lengths.max()})))
    where = f" along ax{'es' if len(axes) > 1 else 'is'} {' and '.join(map(str, axes))}"
    return f"a sequence, {span} real steps{where if axes else ''}; {why}"


def ends_in_zeros_inside(leaf, real):
    """Return True for ids `(B, T, W)` of which some step ends in zeros, and none begins with one.

    Sentences of words: each step is a sequence of its own, padded at its end.
    """
    if leaf.ndim != 3 or leaf.dtype.kind not in "iu" or leaf.shape[2] < 2:
        return False
    words = leaf[real] != 0
    falls = (np.diff(words.astype(int), axis=1) <= 0).all()
    return bool(falls and words[:, 0].all() and not words[:, -1].all())
