"""Where padding comes in: the calls whose inputs are sound and whose outputs are not, and why."""

from course_lib._audit import raw
from course_lib._audit.cause import Cause, join
from course_lib._audit.masks import filled, given_wrong, lost_first, misaligned
from course_lib._audit.messages import is_own
from course_lib._audit.truth import is_wrong
from course_lib._mask_words import hears, overwritten


def causes_in(story):
    """Return a `Cause` for each place where padding enters tensors that outputs depend on."""
    turned = [tensor for tensor in story.outputs if story.state(tensor) == "reversed"]
    found = [misaligned(story, tensor, None) for tensor in turned]
    matters = _what_matters(story)
    for call in story.index.calls:
        bad = [tensor for tensor in story.unsound(call.made) if matters(tensor)]
        unsound = story.unsound(call.read)
        fresh = [one for one in unsound if matters(one) and _is_fresh(story, one, call)]
        found += [raw.unsound(story, one, call) for one in fresh]
        if bad and not unsound:
            found += _of_call(story, call, bad)
    return join(found)


def _what_matters(story):
    """Return a function: True for a tensor that the wrong outputs were made of.

    A sound tensor ends the way back: what it was made of may be unsound, as columns are that serve
    to tell what comes before what.
    """
    made = [tensor for call in story.index.calls for tensor in call.made]
    sound = {id(tensor) for tensor in made if story.state(tensor) == "sound"}
    relevant = story.run.ancestors(story.unsound(story.outputs), until=sound)
    return lambda tensor: not story.run.made_by or id(tensor) in relevant


def _is_fresh(story, tensor, call):
    """Return True if raw operations before or in a call made a tensor of nothing unsound."""
    known = story.index.known(call)
    return id(tensor) not in known and not story.unsound(story.nearest(tensor, call)[0])


def _of_call(story, call, bad):
    if not story.index.children(call):
        return [explain_call(story, call) if call.is_layer else raw.called(story, call)]
    made = [tensor for tensor in bad if _is_fresh(story, tensor, call)]
    causes = [raw.unsound(story, tensor, call, inside=True) for tensor in made]
    if not causes or not call.is_block:
        return causes
    # A layer of the user's own answers for what its `call` does.
    cause = explain_call(story, call)
    return [cause.but(detail=cause.detail or causes[0].layer)]


def explain_call(story, call):
    """Return the `Cause` for a layer whose inputs are sound and whose outputs are not."""
    if overwritten(call):
        return Cause("overwritten", call)
    for tensor in call.read:
        if story.state(tensor) == "reversed":
            return misaligned(story, tensor, call)
    if not call.received or not hears(call):
        return _leak(story, call)
    sequences = [one for one in call.inputs if story.is_sequence(one[2])]
    bare = [(name, tensor) for name, _, tensor, mask in sequences if mask is None]
    given = filled(call)
    if not given and len(bare) < len(sequences):
        return Cause("ignored", call)
    for name, mask in given.items():
        if is_wrong(mask, story.padded):
            return given_wrong(story, mask, call, name)
    found = lost_first(story, _needed(bare, call), call)
    return found or _leak(story, call, "although the mask came to it" if given else "")


def _leak(story, call, detail=""):
    """Return the `Cause` of a layer that mixes steps, one's own by one of its operations."""
    found = (), story.pairs(call.read)
    if is_own(call.layer):
        known = story.index.known(call).keys() | set(map(id, call.read))
        found = story.culprit(call.made, known - set(map(id, call.made)))
    return raw.leak(story, call, *found, detail)


def _needed(tensors, call):
    """Return the inputs without attention's query: its mask keeps no padding out of real steps."""
    attends = any(name in ("value", "key") for name, *_ in call.inputs)
    return [one for one in tensors if not (attends and one[0] == "query")]
