"""Check: loss, metrics and gradients of the batch against those of its rows alone.

`CHECKS` is the order, and says which are wanted: each is `(context, what was seen) → what is seen`.
"""

import numpy as np

from course_lib._audit.compiled import check_losses, check_metrics
from course_lib._audit.context import Seen, in_order
from course_lib._audit.gradients import check_gradients
from course_lib._audit.own_losses import check_added_losses, check_own_loss, has_own
from course_lib._audit.predictions import made_up_targets, repaired
from course_lib._keras_private import compiled_loss, compiled_metrics


def look_at_scores(context, seen):
    """Return what is `Seen`, with that of loss, metrics and gradients, as far as they are there."""
    context = repaired(context, seen)
    if context.y is None and compiled_loss(context.model) is not None:
        y = made_up_targets(context)
        context = context.but(y=y, made_up=y is not None)
    return in_order(CHECKS, context, seen)


# ---------------------------------------------------------------------- the checks


def look_at_targets(context, seen):
    """Say what the targets are good for; raise if they are those of other rows."""
    import keras

    rows, model = context.batch.size, context.model
    given = (("y", context.y), ("sample_weight", context.sample_weight))
    for name, value in given if context.y is not None else ():
        for leaf in keras.tree.flatten(value):
            if leaf is not None and (not np.ndim(leaf) or len(leaf) != rows):
                raise ValueError(
                    f"`{name}` must have {rows} rows as `x` has, got shape {np.shape(leaf)}"
                )
    scores = (compiled_loss(model), compiled_metrics(model), has_own(model, "compute_loss") or None)
    note = ""
    if scores == (None, None, None):
        note = "No loss or metric is compiled: `y` was not used." if context.y is not None else ""
    elif context.y is None:
        note = "Loss and metrics were not compared: pass `y` for that."
    elif context.made_up:
        note = "No `y` was given: loss and metrics were tried on made-up targets."
    return seen + Seen(notes=(note,) if note else ())


def look_at_own_steps(context, seen):
    """Say what of the model's own was not run."""
    for method in ("train_step", "test_step"):
        if has_own(context.model, method):
            note = f"The model's own `{method}` was not run; what padding does there is unknown."
            seen += Seen(notes=(note,))
    return seen


def _always(context, seen):
    return True


def _has_loss(context, seen):
    return context.y is not None and compiled_loss(context.model) is not None


def _has_metrics(context, seen):
    return context.y is not None and compiled_metrics(context.model) is not None


def _has_own_loss(context, seen):
    return context.y is not None and not context.made_up and has_own(context.model, "compute_loss")


def _is_sound(context, seen):
    return not seen.leaks and all(one.symptom != "loss" for one in seen.findings)


CHECKS = (
    (look_at_targets, _always),
    (check_losses, _has_loss),
    (check_metrics, _has_metrics),
    (check_own_loss, _has_own_loss),
    (look_at_own_steps, _always),
    (check_added_losses, _always),
    (check_gradients, _is_sound),
)
