"""Where padding comes in: the calls whose inputs are sound and whose outputs are not, and why."""

import numpy as np

from course_lib._audit import raw
from course_lib._audit.cause import Cause, join
from course_lib._audit.masks import filled, given_wrong, lost_first, misaligned
from course_lib._audit.messages import is_own
from course_lib._audit.run import array
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
        if bad and not unsound and not _is_in_compute_mask(story, call):
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


def _is_in_compute_mask(story, call):
    """Return True for a raw operation by which a layer made its mask: the layer answers for it.

    A Functional model runs it again as a call of its own, for whoever takes that mask.
    """
    if call.is_layer or story.index.readers(call):
        return False
    given = [mask for one in story.index.calls for _, mask in one.outputs if mask is not None]
    return any(np.array_equal(array(made), array(mask)) for made in call.made for mask in given)


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
    takes_mask = bool(call.received) and hears(call)
    turned = [tensor for tensor in call.read if story.state(tensor) == "reversed"]
    # What takes no mask, and reads nothing that runs the other way, reads the padding itself.
    if turned and (takes_mask or len(turned) < len(call.read)):
        return misaligned(story, turned[0], call)
    if not takes_mask:
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
