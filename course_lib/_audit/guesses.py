"""Guess by values and names what is real in inputs of which nothing else tells it."""

from dataclasses import replace

import numpy as np

from course_lib._audit.inputs import guessed, is_length_of, kinship, padding_of, real_by_values

ZEROS = ("0 is padding", "steps of zeros are padding")
LENGTHS = "tells how many are real"


def by_zeros_and_lengths(inputs, free):
    """Return the guesses `(input, real, why, along)`, the surest first.

    Args:
        inputs: tuple of `Input`.
        free: those among them that belong to no sequence.
    """
    ways = (_by_zeros, _by_lengths, _by_zeros_at_the_last_axis)
    return _open_first(inputs, free, [one for way in ways for one in way(inputs, free)])


def by_one_value(inputs, free):
    """Return guesses for features of which some row begins or ends in steps of one value."""
    values = [(one, padding_of(one)) for one in free]
    guesses = [
        (one, real_by_values(one, value), f"steps of {value:g} are padding", {})
        for one, value in values
        if value is not None
    ]
    return _open_first(inputs, free, guesses)


def not_shortened(one, inputs):
    """Return what is to be said of an input that could be a sequence and is taken for none."""
    if not one.bare:
        return (
            f"`{one.name}` was not shortened: its number of steps is open, and nothing tells which "
            "of them are padding. If some are, say with `mask=` which are real (`None`: all are)."
        )
    if guessed(one, inputs) is None and padding_of(one) is None:
        return ""
    return (
        f"`{one.name}` was not shortened: `mask=` has `None` for it. It looks padded; if it is, "
        "pass a mask for it too."
    )


def _open_first(inputs, free, guesses):
    """Return the guesses without blocks of a fixed size beside a sequence of any length.

    Three categories, or the fields of a date, hold zeros that are values. Those with as many steps
    as a sequence may belong to it. An input with `None` for a mask is no sequence of its own.
    """
    guesses = [guess for guess in guesses if not guess[0].bare]
    known = [(one, 1) for one in inputs if one not in free]
    known += [(one, _axis(one, along)) for one, _, _, along in guesses]
    steps = {one.values.shape[axis] for one, axis in known if one.is_open(axis)}

    def may_be(one, axis):
        return not steps or one.is_open(axis) is not False or one.values.shape[axis] in steps

    return [guess for guess in guesses if may_be(guess[0], _axis(guess[0], guess[3]))]


def _axis(one, along):
    return along.get(one.number, (1,))[0]


def _by_zeros(inputs, free):
    found = [(one, guessed(one, inputs)) for one in free]
    found = [(one, real) for one, real in found if real is not None]
    # Ids before features, and the one with the most real steps first: what stands within it
    # can belong to it.
    found.sort(key=lambda pair: (not pair[0].could_be_ids, -pair[1].sum()))
    return [(one, real, ZEROS[not one.could_be_ids], {}) for one, real in found]


def _by_lengths(inputs, free):
    """Yield inputs without a blank step, of which another input holds the lengths."""
    whole = [one for one in inputs if one.values.dtype.kind in "iu" and one.values[0].size == 1]
    for one in free:
        lengths = [other for other in whole if is_length_of(other.name, one.name)]
        near = [kinship(other.name, one.name) for other in lengths]
        if not near or near.count(max(near)) > 1:
            continue
        length = lengths[near.index(max(near))]
        real, values = real_by_values(one), length.values.reshape(-1, 1)
        if real is None or not real.all() or values.min() < 0 or values.max() > real.shape[1]:
            continue
        told = np.arange(real.shape[1]) < values
        if told.any() and not told.all():
            yield one, told, f"`{length.name}` {LENGTHS}", {}


def _by_zeros_at_the_last_axis(inputs, free):
    """Yield features `(B, D, T)` of which some row begins or ends in steps of zeros."""
    for one in free:
        real = real_by_values(one) if one.values.ndim == 3 and not one.could_be_ids else None
        if real is not None and real.all():
            real = real_by_values(replace(one, values=np.moveaxis(one.values, 2, 1)))
            if real is not None and not real.all():
                yield one, real, ZEROS[1], {one.number: (2,)}
