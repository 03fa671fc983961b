"""Check: the outputs of the batch against those of its rows alone, in several arrangements.

`CHECKS` is the order, and says when to stop: each is `(context, what was seen) → what it sees`.
"""

import contextlib

import numpy as np

from course_lib._audit.attempt import attempt, first_line, named
from course_lib._audit.context import Seen
from course_lib._audit.control import control
from course_lib._audit.differences import differences, leaks_of
from course_lib._audit.explain import who_shows
from course_lib._audit.inside import with_more_padding_inside
from course_lib._audit.messages import padding_value
from course_lib._audit.refill import with_other_padding
from course_lib._audit.run import ROUNDING, array, flat, no_dropout
from course_lib._audit.second_look import second_looks
from course_lib._keras_private import layers_of
from course_lib._state import unchanged

# How many lengths are enough where a second look costs as much as the first.
FEW = 2


def look_at_outputs(context):
    """Return what is `Seen` of the outputs."""
    seen = Seen()
    if context.refills:
        return with_other_padding(context, seen)
    for check, wanted in CHECKS:
        if wanted(seen):
            seen = check(context, seen)
    return seen


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
    if not context.batch.has_leaves:
        return seen
    for extra in (context.batch.longest + 3, 1):
        view = context.batch.view(extra=extra)
        outputs, error = attempt(context.runner.outputs, view)
        if error is not None:
            continue
        how = f"with {extra} more steps of padding"
        leaks = leaks_of(differences(context, outputs, view), view, how)
        return seen + Seen(leaks=leaks, checked=(f"outputs {how}",), runs_longer=True)
    note = (
        f"The model does not run on longer rows ({first_line(error)}); more padding was not tried."
    )
    return seen + Seen(notes=(note,))


def with_other_values(context, seen):
    """Write other values into padding that is told from outside.

    Where the model is not told, it can only know padding by its value: that makes a note.
    """
    for kinds in ("f", "iu"):
        refilled = [
            number
            for number, leaf in enumerate(context.batch.leaves)
            if context.batch.refillable[number] and leaf.dtype.kind in kinds
        ]
        if refilled and seen.is_clean:
            seen = seen + _with_values(context, kinds, refilled)
    return seen


def _with_values(context, kinds, refilled):
    view = context.batch.view(fill=np.random.default_rng(0), kinds=kinds)
    found = differences(context, context.runner.outputs(view), view)
    seen = Seen(checked=("outputs with other values in the padding",))
    if kinds == "f" and not _tells_by_value(context, refilled):
        return seen + Seen(leaks=leaks_of(found, view, "with other values in the padding"))
    if not found:
        return seen
    note = (
        f"With other {'ids' if kinds == 'iu' else 'values'} in the padding the outputs "
        "change: this model tells padding by its value "
        f"({context.batch.padding_value(refilled[0]):g}). Pad with no other."
    )
    return seen + Seen(notes=(note,))


def _tells_by_value(context, numbers):
    """Return True if padding is one value in all these inputs, and no mask goes to the call."""
    batch = context.batch
    told = context.runner.takes_mask or any("is a mask itself" in text for text in batch.inputs)
    real = [batch.sequences[batch.sequence_of(number)].mask for number in numbers]
    return not told and all(
        padding_value(batch.leaves[number], one) is not None
        for number, one in zip(numbers, real, strict=True)
    )


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
    for look, rows in zip(second_looks(context.model), (alone, alone[:1]), strict=False):
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
    if not context.batch.has_leaves:
        return seen
    other = "pre" if context.side == "post" else "post"
    view, alone = context.batch.view(place=other), context.spread(1, padded=True)
    look = [contextlib.nullcontext, *second_looks(context.model)][-1]
    found, error = _found_under(look, context, view, alone)
    if not found and error is None:
        return seen + Seen(checked=(f'outputs with padding="{other}"',))
    how = "with the padding on the other side"
    leaks = leaks_of(found, view, how, context=look)
    who = who_shows(context, leaks[0]) if leaks else ""
    note = f'This model needs padding="{context.side}": {how} its outputs change{who}.'
    return seen + Seen(notes=(note,))


def _always(seen):
    return True


def _clean(seen):
    return seen.is_clean


def _leaking(seen):
    return not seen.is_clean


CHECKS = (
    (as_it_is, _always),
    (with_more_padding, _clean),
    (with_more_padding_inside, _clean),
    (with_other_values, _clean),
    (twice, _leaking),
    (with_other_weights, _clean),
    (in_training, _clean),
    (on_the_other_side, _clean),
)
