"""Explain: a finding for each place where padding comes in."""

from dataclasses import replace

from course_lib._audit import leaks as fixes
from course_lib._audit.attempt import attempt
from course_lib._audit.cause import Cause
from course_lib._audit.causes import causes_in
from course_lib._audit.differences import differences
from course_lib._audit.faults import FAULTS
from course_lib._audit.messages import holds_nan, joined
from course_lib._audit.report import finding
from course_lib._audit.run import ROUNDING, array, float32
from course_lib._audit.story import story_of


def explain(context, seen):
    """Return the findings for what was seen of the outputs."""
    found = [_crowd(context, leak) for leak in seen.crowds]
    for leak in seen.leaks:
        evidence = [f"{context.name_of(leak.output)} {leak}."]
        for cause in causes_of(context, leak):
            whole = finding(_advised(context, cause, leak), "outputs", evidence)
            found += (_in_each_step(context, cause, whole) if leak.inside else None) or [whole]
    return tuple(found)


def _in_each_step(context, cause, whole):
    """Return the findings inside a `TimeDistributed`: its layer, audited with steps as its rows."""
    import keras

    from course_lib._audit.audit import run_audit

    if cause.call is None or not isinstance(cause.call.layer, keras.layers.TimeDistributed):
        return []
    ids = array(cause.call.read[0])
    report, error = attempt(run_audit, cause.call.layer.layer, ids.reshape(-1, *ids.shape[2:]))
    if error is not None:
        return []
    context.runner.progress.passes += report.forwards
    return [replace(one, evidence=whole.evidence) for one in report.findings]


def causes_of(context, leak):
    """Return a `Cause` for each place where padding enters what a `Leak` shows."""
    share = max(ROUNDING, min(context.share, leak.difference.relative / 3))
    ways = [leak.context]
    if context.share > ROUNDING:
        ways.insert(0, lambda: float32(context.model))
    for way in ways:
        with way():
            causes = causes_in(story_of(context, leak.padded, leak.bare, share, leak.training))
        if causes:
            return causes
    return [Cause("leak", context.model.name, "between the input and the output")]


def who_shows(context, leak):
    """Return in brackets where padding comes in, empty if that is not known."""
    places = []
    for cause in causes_of(context, leak):
        if cause.kind == "ignored" or cause.needs:
            needs = [name for name, _ in cause.needs] or [f"`{cause.layer}`"]
            places.append(f"{joined(needs)} get{'s' * (len(needs) == 1)} no mask")
        elif cause.kind == "leak" and (cause.is_raw or cause.call is not None):
            place = f"the {cause.layer}" if cause.is_raw else f"`{cause.layer}`"
            places.append(f"padding leaks in at {place}")
    return f" ({'; '.join(dict.fromkeys(places))})" if places else ""


def _crowd(context, leak):
    (first, *_), text = causes_of(context, leak), f"{context.name_of(leak.output)} {leak}."
    return finding(Cause("neighbours", first.place), "outputs", [text])


def _advised(context, cause, leak):
    """Return a leak's cause with a fix that the way of finding it tells of."""
    cause = _by_the_way(context, cause, leak)
    if cause.kind == "leak" and any(map(holds_nan, context.batch.leaves)):
        return cause.but(fix=f"{fixes.NAN_FIRST} {cause.fix or FAULTS['leak'].fix}")
    return cause


def _by_the_way(context, cause, leak):
    if leak.inside and not cause.is_raw:
        return cause.but(fix=fixes.INSIDE)
    if cause.kind != "leak" or cause.fix:
        return cause
    if leak.refilled:
        return cause.but(fix=fixes.REFILLED)
    if context.side == "pre" and _holds_at_the_end(context, leak):
        return cause.but(fix=fixes.AT_THE_END)
    return cause


def _holds_at_the_end(context, leak):
    if leak.training or not context.batch.has_leaves:
        return False
    view = context.batch.view(place="post")
    outputs, error = attempt(context.runner.outputs, view)
    if error is not None:
        return False
    return all(number != leak.output for _, number, _ in differences(context, outputs, view))
