"""Check: loss, metrics and gradients of the batch against those of its rows alone."""

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from course_lib._audit.added_losses import check_activity, check_added_losses
from course_lib._audit.compiled import check_losses, check_metrics
from course_lib._audit.context import Context, Seen
from course_lib._audit.explain import story_of
from course_lib._audit.gradients import check_gradients
from course_lib._audit.own_losses import check_own_loss, has_own
from course_lib._audit.predictions import in_form, repaired
from course_lib._audit.targets import made_up_targets
from course_lib._keras_private import compiled_loss, compiled_metrics

# How much of a loss or a metric is taken for rounding, beside the share for outputs.
LEAST = 1e-4


@dataclass(frozen=True, eq=False)
class Scored:
    """What losses and metrics are tried on.

    Attributes:
        context: the `Context`.
        leaks: the outputs that are known to be wrong, tuple of `Leak`.
        y: targets, the user's or made up.
        made_up: True if nobody gave them.
        outputs: the output tensors, with the values of the rows alone where they differ.
        structure: the same in the model's own form.
        share: what is taken for rounding.
        story: a function that returns the `Story` of the whole batch, told once.
    """

    context: Context
    leaks: tuple
    y: Any
    made_up: bool
    outputs: list
    structure: Any
    share: float
    story: Any

    @property
    def model(self):
        """The audited model."""
        return self.context.model


def look_at_scores(context, seen):
    """Return what is `Seen` of loss, metrics and gradients, as far as they are there."""
    model = context.model
    scored = _scored(context, seen)
    own_loss = has_own(model, "compute_loss")
    known = own_loss or compiled_loss(model) is not None or compiled_metrics(model) is not None
    found, parts, is_scaled = Seen(), [], False
    if scored.y is None and known:
        found += Seen(notes=("Loss and metrics were not compared: pass `y` for that.",))
    elif scored.y is not None and not known:
        found += Seen(notes=("The model is not compiled: `y` was not used.",))
        _check_rows(scored)
    elif scored.y is not None:
        _check_rows(scored)
        more, parts, is_scaled = _compare_compiled(scored)
        found += more
    for method in ("train_step", "test_step"):
        if has_own(model, method):
            note = f"The model's own `{method}` was not run; what padding does there is unknown."
            found += Seen(notes=(note,))
    found += check_activity(context)
    found += check_added_losses(context, seen)
    wrong = any(one.symptom == "loss" for one in found.findings)
    if not (seen.leaks or wrong or is_scaled):
        found += check_gradients(context, parts)
    return found


def _scored(context, seen):
    outputs = repaired(context, seen)
    structure, y = in_form(context, outputs), context.y
    if y is None and compiled_loss(context.model) is not None:
        names = getattr(context.model, "output_names", None)
        y = made_up_targets(context.model, structure, names)
    made_up = context.y is None and y is not None

    @functools.cache
    def story():
        (bare,) = context.spread(1, padded=True)
        return story_of(context, context.whole, bare, context.share)

    share = max(LEAST, context.share)
    return Scored(context, seen.leaks, y, made_up, outputs, structure, share, story)


def _compare_compiled(scored):
    """Return what is seen of the loss and the metrics, the parts that are sound, and if scaled."""
    found, parts, is_scaled = Seen(), [], False
    if scored.made_up:
        note = "No `y` was given: loss and metrics were tried on made-up targets."
        found += Seen(notes=(note,))
    if compiled_loss(scored.model) is not None:
        more, parts, is_scaled = check_losses(scored)
        found += more
    found += check_metrics(scored)
    if has_own(scored.model, "compute_loss") and not scored.made_up:
        found += check_own_loss(scored)
    return found, parts, is_scaled


def _check_rows(scored):
    import keras

    rows = scored.context.batch.size
    given = (("y", scored.y), ("sample_weight", scored.context.sample_weight))
    for name, value in given:
        for leaf in keras.tree.flatten(value):
            if leaf is not None and (not np.ndim(leaf) or len(leaf) != rows):
                raise ValueError(
                    f"`{name}` must have {rows} rows as `x` has, got shape {np.shape(leaf)}"
                )
