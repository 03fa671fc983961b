"""Check what is compiled: losses and metrics, on the predictions as they are and on others."""

from dataclasses import replace

import numpy as np

from course_lib._audit.attempt import attempt, first_line
from course_lib._audit.blame import blame
from course_lib._audit.context import Seen
from course_lib._audit.judge import MEANS, judged, value
from course_lib._audit.part import alone, in_batch, parts_of
from course_lib._audit.predictions import are_fixed, other_targets, predictions_of, turned
from course_lib._audit.run import array, as_tensors
from course_lib._audit.targets import check_target, is_built_in, picks_step
from course_lib._audit.verdict import in_words
from course_lib._keras_private import matched_losses, matched_metrics

OTHER = " with other predictions at padded steps"
TURNED = " with predictions turned round (1 - p), and others at padded steps"


def check_losses(context, seen):
    """Compare the compiled losses; the sound ones are `Seen`, if all are."""
    parts, error = attempt(_parts, context, "loss", matched_losses)
    if error is not None and context.made_up:
        return seen + Seen(notes=("Loss and metrics were not compared: pass `y` for that.",))
    if error is not None:
        raise ValueError(
            f"`y` must fit the model's outputs and losses, got {shapes(context.y)} ({error})"
        ) from error
    made_up = " (made-up targets)" if context.made_up else ""
    found = _checked(context, seen, parts, f"compiled loss{made_up}")
    return seen + (found if len(found.losses) == len(parts) else replace(found, losses=()))


def check_metrics(context, seen):
    """Compare the compiled metrics."""
    parts, error = attempt(_parts, context, "metric", matched_metrics)
    if error is not None and context.made_up:
        return seen
    if error is not None:
        note = f"The metrics do not fit `y` and were not compared ({error})."
        return seen + Seen(notes=(note,))
    return seen + _checked(context, seen, parts, "metrics")


def _parts(context, kind, matched):
    y, weights = as_tensors(context.y), as_tensors(context.sample_weight)
    found = matched(context.model, y, context.result, weights)
    return parts_of(kind, found, context.result)


def _checked(context, seen, parts, text):
    """Return what is `Seen` of some parts, and what was checked if any could be compared."""
    found, compared = Seen(), False
    leaking = {leak.output for leak in seen.leaks}
    for part in parts:
        axes = context.axes[part.output]
        if axes is None or (context.made_up and not is_built_in(part.scorer)):
            continue
        if part.kind == "loss" and not context.made_up:
            check_target(part, context.outputs[part.output], axes, context.batch.sequences)
        if part.output in leaking and picks_step(part.target, axes):
            continue  # steps are classes, and their values are known to be wrong
        verdict, how = _tried(context, part)
        compared = compared or bool(verdict.wanted)
        found += _told(context, part, verdict, how)
    return found + Seen(checked=(text,) * compared)


# ---------------------------------------------------------------------- to judge


def _tried(context, part):
    """Return the `Verdict` on a loss or metric, and on which predictions, in words.

    It is that on the first that it does not hold for, or else on the last. Predictions that the
    model can never make say nothing.
    """
    predictions = predictions_of(context, part)
    verdict, place = judged(context, part, predictions)
    how, is_metric = OTHER if place else "", part.kind == "metric"
    if place and is_metric and verdict.holds(context.score_share) and _has_floats(predictions[1]):
        bare, other = turned(context, predictions[1], part.output)
        again, _ = judged(bare, part, [other])
        verdict, how = again if again.wanted and not again.error else verdict, TURNED
    if place and not verdict.holds(context.score_share) and are_fixed(context, part.output):
        return judged(context, part, predictions[:1])[0], ""
    return verdict, how


def _has_floats(tensor):
    return array(tensor).dtype.kind == "f"


# ---------------------------------------------------------------------- to tell


def _told(context, part, verdict, how):
    """Return what is `Seen` of a loss or metric by its `Verdict`."""
    if not verdict.wanted:
        return _not_compared(context, part, verdict)
    if part.kind == "metric":
        is_sound = verdict.holds(context.score_share)
        return Seen() if is_sound else blame(context, part, verdict, how)
    other = _with_other_targets(context, part)
    if verdict.holds(context.score_share):
        note = ""
        if other is not None and not replace(verdict, wanted=[other]).holds(context.score_share):
            note = (
                f"The {part} reads the targets at padded steps: it is right for those "
                f"that were given ({in_words(verdict.batch)}), and {in_words(other)} for others."
            )
        return Seen(losses=(part,), notes=(note,) if note else ())
    if _only_divides_by_more(context, part, verdict):
        note = (
            f"The {part} is {in_words(verdict.batch)} in the batch, its rows alone "
            f"give {in_words(verdict.wanted[0])}: the sample weights leave padding out of the "
            "sum, but the mean still divides by all steps. With "
            '`reduction="mean_with_sample_weight"` it divides by the real ones.'
        )
        return Seen(notes=(note,))
    return blame(context, part, verdict, how, other)


def _not_compared(context, part, verdict):
    if verdict.error is not None and part.kind == "loss" and not context.made_up:
        raise ValueError(
            f"`y` must fit the {part}, which fails on the batch as it does on "
            f"its rows alone, got {shapes(context.y)} ({first_line(verdict.error)})"
        ) from verdict.error
    note = f"The {part} does not run on rows alone ({first_line(verdict.refused)})."
    return Seen(notes=(note,))


def _with_other_targets(context, part):
    """Return a loss with other targets at padded steps, `None` if it takes no others."""
    output = context.outputs[part.output]
    target = other_targets(part, context.axes[part.output], context.batch)
    if target is None:
        return None
    changed = replace(part, target=target)
    return attempt(value, part, in_batch(context, changed, output))[0]


def _only_divides_by_more(context, part, verdict):
    """Return True if weights are 0 at padding, and padding changes only what is divided by."""
    weights = part.weights
    if weights is None or verdict.error or part.scorer.reduction not in MEANS:
        return False
    groups = alone(context, part)
    if any(one.weights.shape[:2] != one.real.shape or one.real.ndim < 2 for one in groups):
        return False
    own = sum(np.abs(one.weights[one.real]).sum() for one in groups)
    if np.abs(weights).sum() > own + 1e-6:
        return False
    share = sum(one.real.sum() for one in groups) / np.prod(weights.shape[:2])
    scaled = replace(verdict, wanted=[right * share for right in verdict.wanted])
    return scaled.holds(context.score_share)


def shapes(y):
    """Return the shapes of targets, in words."""
    import keras

    return ", ".join(str(np.shape(leaf)) for leaf in keras.tree.flatten(y))
