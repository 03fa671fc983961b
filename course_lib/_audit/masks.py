"""Why a tensor has no mask, or a wrong one: read off the calls that made it."""

import numpy as np

from course_lib._audit import raw
from course_lib._audit.cause import Cause, between
from course_lib._audit.messages import TURN, compute_mask, is_own, padding_value, way_to_make
from course_lib._audit.truth import is_causal, is_right, is_wrong, leaves_of, truths
from course_lib._inputs import as_numpy
from course_lib._keras_private import mask_of
from course_lib._mask_words import any_mask, is_merge, overwritten

# ---------------------------------------------------------------------- none


def lost_first(story, tensors, call):
    """Return the `Cause` why inputs of a call, `(argument, tensor)`, have no mask, or `None`."""
    # Of attention's inputs it is the values, and the keys with them, that must be masked.
    tensors = sorted(tensors, key=lambda one: one[0] not in ("value", "key"))
    causes = [(lost(story, tensor, call), name) for name, tensor in tensors]
    if not causes:
        return None
    cause, name = min(causes, key=lambda one: one[0].kind == "never")
    by = f"{name}_mask" if f"{name}_mask" in call.received else "mask"
    blocks = [one for one in call.ancestors if one.is_block and one.received and is_own(one.layer)]
    block = blocks[-1] if blocks else None
    if block is None or cause.kind != "never" or cause.needs:
        return cause.needed_by(f"`{call.name}`", by)
    if filled(block):
        fix = f"Hand the mask on in its `call`: give it to `{call.name}` (`{by}=`)."
        return Cause("leak", block, "although the mask came to it", fix)
    # Of its mask arguments, the one that says most likely which steps are real.
    by = min(block.received, key=lambda name: ("padding" not in name, name != "mask"))
    return cause.needed_by(f"`{block.name}`", by)


def lost(story, tensor, call):
    """Return the `Cause` why a tensor that comes to `call` (the end: `None`) has no mask."""
    cause = _lost(story, tensor, call)
    if cause.is_raw and cause.kind == "lost":
        # The outermost layer with a `call` of its own that was given a mask has lost it.
        for block in reversed(story.index.gave(tensor, call)):
            if block.is_block and block.attached:
                return Cause("lost", block, f"at the {cause.layer}")
    return cause


def _lost(story, tensor, call):
    stripper = story.index.stripper(tensor, call)
    if stripper is not None:
        return Cause("stripped", stripper)
    producer = story.index.producer(tensor, call)
    if producer is None or not producer.is_layer:
        return _lost_between(story, tensor, call, producer)
    if overwritten(producer):
        return Cause("overwritten", producer)
    if producer.attached or filled(producer):
        return _lost_here(story, producer)
    inside = _made_inside(story, tensor, producer)
    drops = "" if producer.layer.supports_masking else f"`{producer.name}`"
    return inside or _lost_before(story, producer.read, producer, producer, drops)


def _lost_here(story, producer):
    """Return the `Cause` if a layer was given a mask, and gave out none."""
    bare = [t for _, _, t, mask in producer.inputs if mask is None and story.is_sequence(t)]
    if not bare or not (is_merge(producer.layer) or len(bare) < len(producer.inputs)):
        return Cause("lost", producer)
    cause = _first(story, bare, producer)
    return cause if cause.kind != "never" else Cause("unmasked branch", producer)


def _first(story, tensors, call):
    """Return the `Cause` of a tensor whose mask was there; that could make one; any; or `None`."""
    causes = [lost(story, tensor, call) for tensor in tensors if story.is_sequence(tensor)]
    return min(causes, key=lambda one: (one.kind == "never", not one.way), default=None)


def _lost_before(story, tensors, reader, maker, drops):
    """Return the `Cause` if what a call reads has no mask either.

    Args:
        story: the `Story`.
        tensors: what it reads.
        reader: the call.
        maker: the call that ought to make a mask where none is made before, `None` for the model.
        drops: who would not hand a mask on that is made before, in words, or empty.
    """
    import keras

    cause = _first(story, tensors, reader)
    if cause is not None and cause.kind != "never":
        return cause
    # An `Embedding` makes the mask, whoever made the ids.
    reads_ids = maker is not None and isinstance(maker.layer, keras.layers.Embedding)
    if cause is not None and cause.call is not None and not reads_ids:
        # A mask that is made right before the reader comes through no operation, only through it.
        itself = reader.is_layer and drops == f"`{reader.name}`"
        passes = drops and (itself or cause.call is not reader)
        return cause.but(through=(*cause.through, drops)) if passes else cause
    return Cause("never", "the model") if maker is None else _never(story, maker)


def _never(story, call):
    """Return the `Cause` of a layer that makes no mask of what it reads, and could."""
    # No mask goes through a raw operation: it must be made of what comes out.
    for tensor in call.read if call.is_layer else call.made:
        values = as_numpy(tensor)
        for truth in truths(story.padded):
            fits = values.shape[:2] == truth.shape
            padding = padding_value(values, truth) if fits else None
            if padding is not None:
                return Cause("never", call, way=way_to_make(call, padding, values.ndim))
    return Cause("never", call)


def _lost_between(story, tensor, call, producer):
    """Return the `Cause` if raw operations made the tensor: a call of its own, or none."""
    if producer is not None:
        if producer.attached:
            return raw.called(story, producer, "lost")
        return _lost_before(story, producer.read, producer, call, f"`{producer.name}`")
    near, known = story.nearest(tensor, call)[0], story.index.known(call)
    if any(known[id(one)] is not None for one in near):
        return raw.losing(story, tensor, call)
    drops = f"the operations before `{call.name}`" if call is not None else "the last operations"
    return _lost_before(story, near, call, call, drops)


def _made_inside(story, tensor, producer):
    """Return the `Cause` if a layer inside `producer` made the mask that `tensor` lacks."""
    way = story.run.ancestors([tensor])
    for call in story.index.calls:
        if producer not in call.ancestors or call.attached:
            continue
        for made, mask in call.outputs:
            fits = mask is not None and tuple(mask.shape) == tuple(tensor.shape[:2])
            if fits and id(made) in way and is_right(mask, story.padded):
                maker, value = _in_words(call, producer)
                way = compute_mask(producer, value)
                return Cause("inside", producer, f"{maker} makes it", way=way)
    return None


def _in_words(maker, producer):
    """Return who made a mask inside `producer`, and how `compute_mask` gets at it.

    By the names that the layer's author gave them, if the maker is an attribute and reads the first
    argument of `call`: `compute_mask` is given that one alone.
    """
    names = [name for name, value in vars(producer.layer).items() if value is maker.layer]
    if not names:
        return f"`{maker.name}`", f"the mask of `{maker.name}`"
    first, _, tensor, _ = producer.inputs[0]
    alone = [name for name, *_ in producer.inputs].count(first) == 1
    if alone and maker.inputs and maker.read[0] is tensor:
        return f"`{names[0]}`", f"`self.{names[0]}.compute_mask({first})`"
    return f"`{names[0]}`", f"the mask of `self.{names[0]}`"


# ---------------------------------------------------------------------- a wrong one


def given_wrong(story, masks, call, name):
    """Return the `Cause` of a mask argument that is none of the batch's."""
    cause = _came_wrong(story, call)
    if cause is not None:
        by = "" if name == "query_mask" else name
        return cause.needed_by(f"`{call.name}`", by) if cause.kind == "neutralised" else cause
    kind = "neutralised" if all(mask.all() for mask in leaves_of(masks)) else "misaligned"
    fix = "Hand over the mask of these steps." if name in call.explicit else ""
    return Cause(kind, call, f"it was handed over as `{name}`", fix)


def changed(story, tensor, call):
    """Return the `Cause` why the mask on a tensor is none of the batch's."""
    mask = mask_of(tensor)
    kind = "neutralised" if mask is None or np.asarray(mask).all() else "misaligned"
    producer = story.index.producer(tensor, call)
    if producer is None:
        return Cause(kind, "the model" if call is None else call)
    here = Cause(kind if producer.attached else "wrong mask", producer)
    return _came_wrong(story, producer) or here


def _came_wrong(story, call):
    """Return the `Cause` why the mask on an input of a call is none of the batch's, or `None`."""
    for _, _, tensor, mask in call.inputs:
        if mask is not None and is_wrong(mask, story.padded):
            return changed(story, tensor, call)
    return None


def misaligned(story, tensor, call):
    """Return the `Cause` of a tensor whose steps run backwards, while its mask does not."""
    place = story.index.producer(tensor, call)
    if place is None:
        near, _ = story.nearest(tensor, call)
        place = between(story.index.names(near), (call.name,) if call is not None else ())
    else:
        # The layer that turned the time round is the first one whose output is turned.
        for earlier in place.read:
            if story.state(earlier) == "reversed":
                return misaligned(story, earlier, place)
    return Cause("misaligned", place, "its output runs backwards, its mask does not", TURN)


def filled(call):
    """Return the mask arguments of a call that say which steps are padding."""
    return {
        name: mask
        for name, mask in call.received.items()
        if any_mask(mask) and not (name == "attention_mask" and is_causal(mask))
    }
