"""Why a loss or a metric counts padding: the mask of its prediction, or what it does with it."""

from dataclasses import replace

import numpy as np

from course_lib._audit import raw
from course_lib._audit.attempt import attempt, named
from course_lib._audit.cause import Cause
from course_lib._audit.context import Seen
from course_lib._audit.faults import (
    LOSSES,
    METRIC_OF_THE_BATCH,
    WITH_AXIS,
    WITH_TARGETS_SHAPED,
)
from course_lib._audit.judge import each_of, judged
from course_lib._audit.made import attached
from course_lib._audit.masks import changed, lost
from course_lib._audit.part import alone
from course_lib._audit.report import finding
from course_lib._audit.run import array
from course_lib._audit.targets import picks_step
from course_lib._audit.truth import is_right
from course_lib._audit.verdict import in_words
from course_lib._keras_private import function_of, user_metrics

# The score of a step that never is chosen.
HOPELESS = -1e9


def blame(context, part, verdict, how, other=None):
    """Return what is `Seen` of a loss or metric that counts padding.

    Args:
        context: the `Context`.
        part: the `Part`.
        verdict: the `Verdict` on it.
        how: on which predictions, in words.
        other: its value with other targets at padded steps, or `None`.
    """
    cause = next(filter(None, (cause_of(context, part) for cause_of in CAUSES)))
    if _is_the_pipelines(context, cause):
        note = (
            f"On made-up targets without weights the {part} counts padding: pass `y` and "
            "`sample_weight` as your pipeline gives them."
        )
        return Seen(notes=(note,))
    if verdict.error is not None:
        evidence = [f"The {part} fails on the batch ({named(verdict.error)})."]
    else:
        evidence = [
            f"The {part} is {in_words(verdict.batch)} in the batch{how}; its rows alone "
            f"give {in_words(verdict.wanted[0])}."
        ]
        if other is not None:
            evidence.append(f"With other targets at padded steps it is {in_words(other)}.")
    return Seen(findings=(finding(cause, part.kind, evidence),))


def _weights_cause(context, part):
    """Return the `Cause` if a loss would be right without its weights, else `None`."""
    if part.kind != "loss" or part.weights is None or part.weights.ndim != 1:
        return None
    output = context.outputs[part.output]
    verdict, _ = judged(context, replace(part, weights=None), [output])
    if not verdict.holds(context.score_share):
        return None
    return Cause("sample_weight", part.scorer.name, f"the shape is {part.weights.shape}")


def _choice_cause(context, part):
    """Return the `Cause` if steps are classes, and all is right once no padded one can win."""
    import keras

    output, axes = context.outputs[part.output], context.axes[part.output]
    if not picks_step(part.target, axes):
        return None
    scores = np.where(axes.real(context.whole), array(output).astype("float32"), HOPELESS)
    verdict, _ = judged(context, part, [keras.ops.convert_to_tensor(scores)])
    if not verdict.holds(context.score_share):
        return None
    story = context.story
    # The model itself gives out what a raw operation of its `call` makes.
    maker = story.index.producer(story.outputs[part.output], None)
    cause = Cause("choice", maker) if maker.is_layer else raw.called(story, maker, "choice")
    return cause.but(detail="`y` gives each row the step that is right")


def _mask_cause(context, part):
    """Return the `Cause` if the output's mask is not the batch's, `None` if it is right."""
    number, needs = part.output, f"the {part.kind}"
    shorter = context.axes[number].is_shorter
    if not context.has_steps(number) and not shorter:
        return None
    mask, story = attached(context.outputs[number]), context.story
    tensor = story.outputs[number]
    if mask is None:
        return lost(story, tensor, None).needed_by(needs)
    if not shorter and not is_right(mask, story.padded):
        return changed(story, tensor, None)
    return None


def _is_the_pipelines(context, cause):
    """Return True if nobody said how padding is to be left out of a loss on made-up targets.

    A model that makes no mask, or has weighted metrics, may get weights from its data pipeline.
    """
    _, weighted = user_metrics(context.model)
    masks = any(sequence.made for sequence in context.batch.sequences)
    return context.made_up and (bool(weighted) or not masks or cause.kind == "never")


def _own_cause(context, part):
    """Return the `Cause` in a loss or metric whose prediction carries the right mask."""
    import keras

    cause, function = Cause(part.kind, part.scorer.name), function_of(part.scorer)
    axes, shape = _axes_returned(context, part), context.outputs[part.output].shape
    if part.kind == "metric":
        return cause if axes else cause.but(fix=METRIC_OF_THE_BATCH)
    detail, fix = LOSSES[("scalar", "row", "step")[min(axes, 2)]]
    # `Dice` and `Tversky` sum over all axes unless they are given some.
    if axes == 0 and function in (keras.losses.dice, keras.losses.tversky):
        fix = WITH_AXIS
    module = getattr(function, "__module__", "")
    if axes == 1 and module.startswith("keras.") and tuple(shape) == (*part.target.shape, 1):
        fix = WITH_TARGETS_SHAPED
    return cause.but(detail=detail, fix=fix)


def _axes_returned(context, part):
    """Return of how many axes the values behind a loss or metric are, 2 if it has none behind."""
    each, error = attempt(each_of, part, alone(context, part)[-1])
    return 2 if error is not None else np.ndim(each)


# The first that applies.
CAUSES = (_weights_cause, _choice_cause, _mask_cause, _own_cause)
