"""Why a loss or a metric counts padding: the mask of its prediction, or what it does with it."""

import numpy as np

from course_lib._audit.attempt import attempt
from course_lib._audit.cause import Cause
from course_lib._audit.context import Seen
from course_lib._audit.faults import (
    LOSSES,
    METRIC_OF_THE_BATCH,
    WITH_AXIS,
    WITH_TARGETS_SHAPED,
)
from course_lib._audit.made import attached
from course_lib._audit.masks import changed, lost
from course_lib._audit.report import finding
from course_lib._audit.run import array, as_tensors, flat
from course_lib._audit.truth import is_right
from course_lib._keras_private import function_of, user_metrics


def blame_loss(scored, part, verdict, evidence, by_weights):
    """Return what is `Seen` of a loss that counts padding."""
    if by_weights:
        cause = Cause("sample_weight", part.name, f"the shape is {part.weights.shape}")
    else:
        cause = _mask_cause(scored, part.output, "the loss") or Cause("loss", part.name)
    if _is_the_pipelines(scored, cause):
        return _pipeline_note(f"the loss `{part.name}`")
    if cause.kind == "loss":
        detail, fix = LOSSES[verdict.unit]
        if verdict.unit == "scalar" and _can_keep_steps(part.loss):
            fix = WITH_AXIS
        if verdict.unit == "row" and _lacks_last_axis(scored, part):
            fix = WITH_TARGETS_SHAPED
        cause = cause.but(detail=detail, fix=fix)
    return Seen(findings=(finding(cause, "loss", evidence),))


def blame_metric(scored, metric, number, verdict, how, target=None):
    """Return what is `Seen` of a metric that counts padding."""
    if verdict.error:
        text = f"The metric `{metric.name}` fails on the batch ({verdict.error})."
    else:
        text = (
            f"The metric `{metric.name}` is {_numbers(verdict.batch)} in the batch{how}; its "
            f"rows alone give {_numbers(verdict.wanted[0])}."
        )
    cause = _mask_cause(scored, number, "the metric") or Cause("metric", metric.name)
    if cause.kind == "metric" and _is_of_the_batch(scored, metric, number, target):
        cause = cause.but(fix=METRIC_OF_THE_BATCH)
    if _is_the_pipelines(scored, cause):
        return _pipeline_note(f"the metric `{metric.name}`")
    return Seen(findings=(finding(cause, "metric", [text]),))


def _mask_cause(scored, number, needs):
    """Return the `Cause` if the output's mask is not the batch's, `None` if it is right."""
    context = scored.context
    shorter = context.axes[number].is_shorter
    if not context.has_steps(number) and not shorter:
        return None
    mask, story = attached(context.outputs[number]), scored.story()
    tensor = story.outputs[number]
    if mask is None:
        return lost(story, tensor, None).needed_by(needs)
    if not shorter and not is_right(mask, story.padded):
        return changed(story, tensor, None)
    return None


def _is_the_pipelines(scored, cause):
    """Return True if nobody said how padding is to be left out of a loss on made-up targets.

    A model that makes no mask, or has weighted metrics, may get weights from its data pipeline.
    """
    _, weighted = user_metrics(scored.model)
    masks = any(sequence.made for sequence in scored.context.batch.sequences)
    return scored.made_up and (bool(weighted) or not masks or cause.kind == "never")


def _pipeline_note(what):
    note = (
        f"On made-up targets without weights {what} counts padding: pass `y` and "
        "`sample_weight` as your pipeline gives them."
    )
    return Seen(notes=(note,))


def _can_keep_steps(loss):
    """Return True for `Dice` and `Tversky`, which sum over all axes unless they are given some."""
    import keras

    return function_of(loss) in (keras.losses.dice, keras.losses.tversky)


def _is_of_the_batch(scored, metric, number, target):
    """Return True for a function that returns one number, whatever the number of steps."""
    function, output = function_of(metric), scored.outputs[number]
    if function is None or target is None:
        return False
    (target,) = flat(as_tensors(target))
    value, error = attempt(function, target, output)
    return error is None and not np.ndim(array(value))


def _lacks_last_axis(scored, part):
    """Return True for targets `(B, T)` beside predictions `(B, T, 1)`, in a loss of Keras."""
    shape = tuple(scored.context.outputs[part.output].shape)
    module = getattr(function_of(part.loss), "__module__", "")
    return module.startswith("keras.") and shape == (*part.target.shape, 1)


def _numbers(values):
    return ", ".join(f"{value:.4g}" for value in np.ravel(values)[:4])
