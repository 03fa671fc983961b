"""Where padding comes in: the calls whose inputs are sound and whose outputs are not, and why."""

from course_lib._audit import raw
from course_lib._audit.cause import Cause, join
from course_lib._audit.masks import filled, given_wrong, lost, misaligned, warned
from course_lib._audit.messages import is_own
from course_lib._audit.truth import is_wrong
from course_lib._mask_words import Letters, hears, overwritten


def causes_in(story):
    """Return a `Cause` for each place where padding enters tensors that outputs depend on."""
    states = [(mine, story.state(mine, other)) for mine, other in story.outputs]
    found = [misaligned(story, tensor, None) for tensor, state in states if state == "reversed"]
    matters = _what_matters(story, [tensor for tensor, state in states if state == "unsound"])
    for call in story.calls:
        bad = [
            tensor
            for (tensor, _), state in zip(call.outputs, story.output_states(call), strict=False)
            if state == "unsound" and matters(tensor)
        ]
        unsound = [tensor for _, tensor, _, state in story.inputs(call) if state == "unsound"]
        fresh = [one for one in unsound if matters(one) and _is_fresh(story, one, call)]
        found += [raw.unsound(story, one, call) for one in fresh]
        if bad and not unsound:
            found += _of_call(story, call, bad)
    return join(found)


def _what_matters(story, wrong):
    """Return a function: True for a tensor that the wrong outputs were made of.

    A sound tensor ends the way back: what it was made of may be unsound, as columns are that serve
    to tell what comes before what.
    """
    sound = {
        id(tensor)
        for call in story.calls
        for (tensor, _), state in zip(call.outputs, story.output_states(call), strict=False)
        if state == "sound"
    }
    relevant = set(story.run.ancestors(wrong, until=sound))
    return lambda tensor: not story.run.made_by or id(tensor) in relevant


def _is_fresh(story, tensor, call):
    """Return True if raw operations made the tensor, out of nothing unsound that is known."""
    known = story.known(call)
    if story.index.producer(tensor, call) is not None or id(tensor) in known:
        return False
    return not any(known[place] == "unsound" for place in story.nearest(tensor, call)[0])


def _of_call(story, call, bad):
    import keras

    if not story.index.children(call):
        return [explain_call(story, call) if call.is_layer else raw.called(story, call)]
    made = [tensor for tensor in bad if _is_made_inside(story, tensor, call)]
    causes = [raw.unsound_inside(story, tensor, call) for tensor in made]
    if not causes or isinstance(call.layer, keras.Model):
        return causes
    # A layer of the user's own answers for what its `call` does.
    cause = explain_call(story, call)
    operations = tuple(kind for one in causes for kind in one.operations)
    return [cause.but(detail=cause.detail or causes[0].layer, operations=operations)]


def _is_made_inside(story, tensor, call):
    """Return True if no call inside gave out the tensor, nor an unsound one it was made of."""
    known = {}
    for earlier in story.index.before(call):
        known.update(story.given_out(earlier))
    if id(tensor) in known:
        return False
    way = story.run.ancestors([tensor], until=known)
    return not any(known.get(place) == "unsound" for place in way)


def explain_call(story, call):
    """Return the `Cause` for a layer whose inputs are sound and whose outputs are not."""
    if overwritten(call, Letters()):
        return Cause("overwritten", call.name, call)
    inputs = story.inputs(call)
    for _, tensor, _, state in inputs:
        if state == "reversed":
            return misaligned(story, tensor, call)
    if not call.received or not hears(call):
        return _leak(story, call, warned(call))
    sequences = [(name, t, mask) for name, t, mask, _ in inputs if story.is_sequence(t)]
    bare = [(name, tensor) for name, tensor, mask in sequences if mask is None]
    given = filled(call)
    if not given:
        if len(bare) < len(sequences):
            return Cause("ignored", call.name, call)
        return _first_loss(story, _needed(bare, call), call) or _leak(story, call)
    for name, mask in given.items():
        if is_wrong(mask, story.padded):
            return given_wrong(story, mask, call, name)
    found = _first_loss(story, _needed(bare, call), call)
    return found or _leak(story, call, "although the mask came to it")


def _leak(story, call, detail=""):
    """Return the `Cause` of a layer that mixes steps, with the operation that does."""
    inputs = {id(tensor) for _, _, tensor, _ in call.inputs}
    own = call.is_layer and is_own(call.layer)
    outputs = [tensor for tensor, _ in call.outputs]
    operations = story.culprit(outputs, inputs) if own else ()
    return Cause("leak", call.name, call, detail, operations=operations)


def _first_loss(story, tensors, call):
    """Return the `Cause` why one of these inputs has no mask, `None` without inputs."""
    # Of attention's inputs it is the values, and the keys with them, that must be masked.
    tensors = sorted(tensors, key=lambda one: one[0] not in ("value", "key"))
    causes = [(lost(story, tensor, call), name) for name, tensor in tensors]
    causes.sort(key=lambda one: one[0].kind == "never")
    if not causes:
        return None
    cause, name = causes[0]
    by = f"{name}_mask" if f"{name}_mask" in call.received else "mask"
    block = _block_with_a_mask(call) if cause.kind == "never" and not cause.needs else None
    if block is None:
        return cause.needed_by(f"`{call.name}`", by)
    if filled(block):
        fix = f"Hand the mask on in its `call`: give it to `{call.name}` (`{by}=`)."
        return Cause("leak", block.name, block, "although the mask came to it", fix)
    return cause.needed_by(f"`{block.name}`", _mask_argument(block))


def _block_with_a_mask(call):
    """Return the outermost block of one's own around a call that takes a mask, or `None`."""
    import keras

    for around in call.ancestors[::-1]:
        own = around.is_layer and is_own(around.layer) and not isinstance(around.layer, keras.Model)
        if own and around.received:
            return around
    return None


def _mask_argument(block):
    """Return the mask argument of a block that says most likely which steps are real."""
    return min(block.received, key=lambda name: ("padding" not in name, name != "mask"))


def _needed(tensors, call):
    """Return the inputs without attention's query: its mask keeps no padding out of real steps."""
    attends = any(name in ("value", "key") for name, *_ in call.inputs)
    return [one for one in tensors if not (attends and one[0] == "query")]
