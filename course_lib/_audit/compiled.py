"""Check what is compiled: losses and metrics, on the predictions as they are and on others."""

from dataclasses import replace

import numpy as np

from course_lib._audit.attempt import attempt, first_line, named
from course_lib._audit.blame import blame_loss, blame_metric
from course_lib._audit.context import Seen
from course_lib._audit.loss import (
    MEANS,
    Verdict,
    alone,
    loss_parts,
    value_in_batch,
    value_of,
    zero_at_padding,
)
from course_lib._audit.metrics import check_metric, metric_parts
from course_lib._audit.predictions import predictions_of, turned
from course_lib._audit.run import array
from course_lib._audit.targets import check_target, is_built_in, other_targets, picks_step
from course_lib._keras_private import compiled_metrics

OTHER = " with other predictions at padded steps"
TURNED = " with predictions turned round (1 - p), and others at padded steps"


# ---------------------------------------------------------------------- losses


def check_losses(scored):
    """Return what is `Seen` of the compiled losses, the sound parts, and if one is only scaled."""
    context, sound, found, is_scaled = scored.context, [], Seen(), False
    given = (scored.model, scored.y, scored.structure, context.sample_weight)
    parts, error = attempt(loss_parts, *given)
    if error is not None and scored.made_up:
        note = "Loss and metrics were not compared: pass `y` for that."
        return Seen(notes=(note,)), [], False
    if error is not None:
        raise ValueError(
            f"`y` must fit the model's outputs and losses, got {shapes(scored.y)} ({error})"
        ) from error
    for part in parts:
        more, holds, scaled = _check_loss(scored, part)
        found, is_scaled = found + more, is_scaled or scaled
        sound += [part] if holds else []
    made_up = " (made-up targets)" if scored.made_up else ""
    found += Seen(checked=(f"compiled loss{made_up}",))
    return found, sound if len(sound) == len(parts) else [], is_scaled


def _check_loss(scored, part):
    """Return what is `Seen` of one loss, if it is sound, and if it is only scaled."""
    context, axes = scored.context, scored.context.axes[part.output]
    if axes is None:
        return Seen(), False, False
    if not scored.made_up:
        check_target(part, scored.outputs[part.output], axes, context.batch.sequences)
    if _picks_leaking_step(scored, part.target, part.output):
        return Seen(), False, False
    truth = _truth(scored, part)
    verdict, how = judged(scored, part, scored.outputs[part.output], truth), ""
    if verdict is None:
        note = f"The loss `{part.name}` does not run on rows alone ({first_line(truth[1])})."
        return Seen(notes=(note,)), False, False
    others = predictions_of(context, scored.outputs, part.output, part.target)[1:]
    for other in others if verdict.holds(scored.share) else ():
        again = judged(scored, part, other, truth)
        if not again.holds(scored.share):
            verdict, how = again, OTHER
    if verdict.holds(scored.share):
        return _with_other_targets(scored, part, verdict), True, False
    if _only_divides_by_more(scored, part, verdict):
        return _scaled(part, verdict), False, True
    return _blamed(scored, part, verdict, how), False, False


def _truth(scored, part):
    """Return what a loss ought to be by the rows alone, or the error, as `attempt` does."""
    context = scored.context
    predictions = [outputs[part.output] for outputs in context.alone_outputs]
    return attempt(alone, part, context.axes[part.output], context.alone, predictions)


def judged(scored, part, prediction, truth):
    """Return the `Verdict` on a loss, by what `_truth` says; `None` if it does not run on rows."""
    context, (right, refused) = scored.context, truth
    given = (prediction, context.axes[part.output], context.whole)
    value, error = attempt(value_in_batch, part, *given)
    if refused is not None and error is not None:
        raise ValueError(
            f"`y` must fit the loss `{part.name}`, which fails on the batch as it does on "
            f"its rows alone, got {shapes(scored.y)} ({first_line(error)})"
        ) from error
    if refused is not None:
        return None
    wanted, unit = right
    if error is not None:
        return Verdict(None, wanted, named(error), unit)
    return Verdict(float(value), wanted, "", unit)


def _picks_leaking_step(scored, target, number):
    """Return True if steps are classes, and their values are known to be wrong."""
    wrong = any(one.output == number for one in scored.leaks)
    return wrong and picks_step(target, scored.context.axes[number])


def _only_divides_by_more(scored, part, verdict):
    """Return True if padding changes nothing but what the sum is divided by."""
    share = _share_of_real(scored.context, part)
    if verdict.batch is None or share is None:
        return False
    scaled = [wanted * share for wanted in verdict.wanted]
    return Verdict(verdict.batch, scaled).holds(scored.share)


def _share_of_real(context, part):
    """Return which share of steps is real, `None` if sample weights are not 0 at all others."""
    axes, weights = context.axes[part.output], part.weights
    if zero_at_padding(part, axes, context.batch):
        return context.batch.sequences[axes.sequence].real.mean()
    if not axes.is_shorter or weights is None or weights.ndim < 2:
        return None
    own = [
        axes.cut(weights, view, tuple(outputs[part.output].shape))
        for view, outputs in zip(context.alone, context.alone_outputs, strict=True)
    ]
    if part.loss.reduction not in MEANS or weights.sum() > sum(one.sum() for one in own) + 1e-6:
        return None
    return sum(one.size for one in own) / weights.size


def _scaled(part, verdict):
    note = (
        f"The loss `{part.name}` is {verdict.batch:.4g} in the batch, its rows alone "
        f"give {verdict.wanted[0]:.4g}: the sample weights leave padding out of the "
        "sum, but the mean still divides by all steps. With "
        '`reduction="mean_with_sample_weight"` it divides by the real ones.'
    )
    return Seen(notes=(note,))


def _value_for_others(scored, part):
    """Return the loss with other targets at padded steps, `None` if there are none."""
    context = scored.context
    targets = other_targets(part, context.axes[part.output], context.batch)
    if targets is None:
        return None
    return float(value_of(part, targets, scored.outputs[part.output], part.weights))


def _with_other_targets(scored, part, verdict):
    value, _ = attempt(_value_for_others, scored, part)  # a loss may refuse other targets
    if value is None or abs(value - verdict.batch) <= scored.share * max(abs(verdict.batch), 1e-6):
        return Seen()
    note = (
        f"The loss `{part.name}` reads the targets at padded steps: it is right for those "
        f"that were given ({verdict.batch:.4g}), and {value:.4g} for others."
    )
    return Seen(notes=(note,))


def _blamed(scored, part, verdict, how):
    if verdict.error:
        evidence = [f"The loss `{part.name}` fails on the batch ({verdict.error})."]
    else:
        evidence = [
            f"The loss `{part.name}` is {verdict.batch:.4g} in the batch{how}; its rows alone "
            f"give {verdict.wanted[0]:.4g}."
        ]
        value = _value_for_others(scored, part)
        if value is not None:
            evidence.append(f"With other targets at padded steps it is {value:.4g}.")
    return blame_loss(scored, part, verdict, evidence, _weights_are_to_blame(scored, part))


def _weights_are_to_blame(scored, part):
    if part.weights is None or part.weights.ndim != 1:
        return False
    without = replace(part, weights=None)
    verdict = judged(scored, without, scored.outputs[part.output], _truth(scored, without))
    return verdict is not None and verdict.holds(scored.share)


# ---------------------------------------------------------------------- metrics


def check_metrics(scored):
    """Return what is `Seen` of the compiled metrics."""
    context = scored.context
    if compiled_metrics(scored.model) is None:
        return Seen()
    given = (scored.model, scored.y, scored.structure, context.sample_weight)
    parts, error = attempt(metric_parts, *given)
    if error is not None:
        if scored.made_up:
            return Seen()
        note = f"The metrics do not fit `y` and were not compared ({error})."
        return Seen(notes=(note,))
    found = Seen()
    for metric, number, target, weights in parts:
        unknown = scored.made_up and not is_built_in(metric)
        leaking = _picks_leaking_step(scored, target, number)
        if context.axes[number] is not None and not unknown and not leaking:
            found += _check_metric(scored, metric, number, target, weights)
    return found + Seen(checked=("metrics",))


def _check_metric(scored, metric, number, target, weights):
    context = scored.context
    predictions = predictions_of(context, scored.outputs, number, target)
    given = (target, weights, scored.share)
    verdict, place = check_metric(context, metric, number, predictions, *given)
    how = OTHER if place else ""
    if place and verdict.holds(scored.share) and array(predictions[1]).dtype.kind == "f":
        bare, other = turned(context, predictions[1], number)
        again, _ = check_metric(bare, metric, number, [other], *given)
        verdict = again if again.wanted and not again.error else verdict
        how = TURNED
    if verdict.error and not scored.made_up:
        return blame_metric(scored, metric, number, verdict, "", target)
    if not verdict.wanted:
        return Seen(notes=(f"The metric `{metric.name}` could not be compared.",))
    if not verdict.holds(scored.share):
        return blame_metric(scored, metric, number, verdict, how, target)
    return Seen()


def shapes(y):
    """Return the shapes of targets, in words."""
    import keras

    return ", ".join(str(np.shape(leaf)) for leaf in keras.tree.flatten(y))
