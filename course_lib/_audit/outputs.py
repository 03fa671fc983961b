"""Check: the outputs of the batch against those of its rows alone, in several arrangements.

`CHECKS` is the order, and says when each is wanted: see `context.in_order`.
"""

import contextlib
from dataclasses import replace

import numpy as np

from course_lib._audit.attempt import attempt, first_line, named
from course_lib._audit.context import Seen, in_order
from course_lib._audit.control import control
from course_lib._audit.differences import differences, leaks_of
from course_lib._audit.explain import who_shows
from course_lib._audit.inside import with_more_padding_inside
from course_lib._audit.refill import with_other_padding
from course_lib._audit.run import ROUNDING, array, flat, no_dropout
from course_lib._keras_private import layers_of
from course_lib._state import unchanged

# How many lengths are enough where a second look costs as much as the first.
FEW = 2


def look_at_outputs(context):
    """Return what is `Seen` of the outputs."""
    if context.refills:
        return with_other_padding(context, Seen())
    return in_order(CHECKS, context, Seen())


# ---------------------------------------------------------------------- the checks


def as_it_is(context, seen):
    """Compare the batch with its rows alone."""
    lengths = len(context.alone)
    found = differences(context, context.outputs, context.whole)
    text = (
        f"outputs at real steps: {len(context.whole.rows)} rows in {lengths} "
        f"length{'s' * (lengths > 1)}, alone and in the batch"
    )
    leaks = leaks_of(found, context.whole, "in the batch as it is")
    return seen + Seen(leaks=leaks, checked=(text,))


def with_more_padding(context, seen):
    """Append steps of padding."""
    # Twice as many steps, for a model that halves them and doubles them again.
    for extra in (context.batch.longest + 3, 1, context.batch.longest):
        view = context.batch.view(extra=extra)
        outputs, error = attempt(context.runner.outputs, view)
        if error is not None:
            continue
        how = f"with {extra} more steps of padding"
        leaks = leaks_of(differences(context, outputs, view), view, how)
        return seen + Seen(leaks=leaks, checked=(f"outputs {how}",), runs_longer=True)
    note = f"The model runs on no longer rows ({first_line(error)}): more padding was not tried."
    return seen + Seen(notes=(note,))


def with_other_values(context, seen):
    """Write other values into padding that is told from outside.

    If it is one value that the model is not told by a mask to ignore, it can only know padding by
    that value: this makes a note, as for ids.
    """
    batch = context.batch
    numbers = [number for number, free in enumerate(batch.refillable) if free]
    ids = [number for number in numbers if batch.leaves[number].dtype.kind != "f"]
    known = [number for number in numbers if number not in ids and _is_one_value(context, number)]
    others = [number for number in numbers if number not in (*ids, *known)]
    for refilled, kind in ((others, None), (known, "values"), (ids, "ids")):
        if refilled and seen.is_clean:
            seen = seen + _with_values(context, refilled, kind)
    return seen


def _with_values(context, refilled, kind):
    batch, how = context.batch, "with other values in the padding"
    flags = tuple(number in refilled for number in range(len(batch.leaves)))
    view = replace(batch, refillable=flags).view(fill=np.random.default_rng(0))
    found = differences(context, context.runner.outputs(view), view)
    if kind is None:
        return Seen(leaks=leaks_of(found, view, how), checked=(f"outputs {how}",))
    note = (
        f"With other {kind} in the padding the outputs change: this model tells padding by its "
        f"value ({batch.padding_value(refilled[0]):g}). Pad with no other."
    )
    return Seen(notes=(note,) * bool(found), checked=(f"outputs {how}",))


def _is_one_value(context, number):
    """Return True if padding is one value in an input, whose mask does not go to the call."""
    batch = context.batch
    padded = batch.leaves[number][~batch.sequences[batch.sequence_of(number)].mask]
    handed = context.runner.takes_mask and batch.masks[number] is not None
    return not handed and bool(padded.size) and np.unique(padded).size == 1


def twice(context, seen):
    """Refuse a model that is random, and tell padding from what else may differ."""
    again = context.runner.outputs(context.whole)
    for number, (one, other) in enumerate(zip(context.outputs, again, strict=True)):
        one, other = array(one), array(other)
        if context.axes[number] is None or np.array_equal(one, other, equal_nan=True):
            continue
        noise = np.nanmax(np.abs(one.astype(float) - other.astype(float)))
        if noise > context.share * max(np.abs(one).max(), 1e-12):
            raise ValueError(
                "`model` must give the same outputs for the same inputs in inference; two "
                f"runs differ by {noise:.4g}. Layers that are random in inference, or that "
                "keep a state, cannot be audited: build the model without them"
            )
    return control(context, seen)


def with_other_weights(context, seen):
    """Try float32 and other weights: what is hidden now shows after training."""
    alone, how = context.spread(FEW, padded=True), ""
    view = context.batch.view(np.concatenate([one.rows for one in alone]))
    for look, rows in zip(context.looks, (alone, alone[:1]), strict=False):
        found, error = _found_under(look, context, view, rows)
        if error is not None:
            return seen + Seen(notes=(f"A second look {look.how} failed ({named(error)}).",))
        leaks, how = leaks_of(found, view, look.how, context=look), look.how_exactly
        if leaks:
            return control(context, seen + Seen(leaks=leaks, checked=(f"outputs {how}",)))
    return seen + Seen(checked=(f"outputs {how}",) * bool(how))


def _found_under(look, context, view, alone):
    """Return `(differences between a view and rows alone under a look, error)`."""
    with look():
        ran, error = attempt(lambda: [context.runner.outputs(one) for one in (view, *alone)])
    if error is not None:
        return [], error
    outputs, *bare = ran
    if not all(np.isfinite(array(one)).all() for group in bare for one in group):
        return [], None
    return differences(context, outputs, view, alone, bare, ROUNDING), None


def in_training(context, seen):
    """Compare training with itself, with more padding, where statistics are taken of a batch."""
    import keras

    kind = keras.layers.BatchNormalization
    normalises = any(isinstance(layer, kind) for layer in layers_of(context.model))
    if not normalises and not context.trains:
        return seen
    padded = context.batch.view(extra=context.batch.longest + 3)
    with _training(context.model):
        longer, error = attempt(context.runner, padded, training=True)
    if error is not None:
        return seen
    with _training(context.model):
        base = flat(context.runner(context.whole, training=True))
    found = differences(context, flat(longer), padded, [context.whole], [base])
    model = context.model
    leaks = leaks_of(
        found, padded, "in training, with more padding",
        context=lambda: _training(model), training=True,
    )  # fmt: skip
    return seen + Seen(
        leaks=leaks, checked=("outputs in training, dropout off, with more padding",)
    )


@contextlib.contextmanager
def _training(model):
    with unchanged(model), no_dropout(model):
        yield


def on_the_other_side(context, seen):
    """Put the padding on the other side: that a model needs one is a note."""
    other = "pre" if context.side == "post" else "post"
    view, alone = context.batch.view(place=other), context.spread(1, padded=True)
    look = [contextlib.nullcontext, *context.looks][-1]
    found, error = _found_under(look, context, view, alone)
    if not found and error is None:
        return seen + Seen(checked=(f'outputs with padding="{other}"',))
    how = "with the padding on the other side"
    leaks = leaks_of(found, view, how, context=look)
    who = who_shows(context, leaks[0]) if leaks else ""
    note = f'This model needs padding="{context.side}": {how} its outputs change{who}.'
    return seen + Seen(notes=(note,))


def _always(context, seen):
    return True


def _clean(context, seen):
    return seen.is_clean


def _clean_and_padded_outside(context, seen):
    return seen.is_clean and context.batch.has_leaves


def _leaking(context, seen):
    return not seen.is_clean


CHECKS = (
    (as_it_is, _always),
    (with_more_padding, _clean_and_padded_outside),
    (with_more_padding_inside, _clean),
    (with_other_values, _clean),
    (twice, _leaking),
    (with_other_weights, _clean),
    (in_training, _clean),
    (on_the_other_side, _clean_and_padded_outside),
)
