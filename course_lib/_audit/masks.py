"""Why a tensor has no mask, or a wrong one: read off the calls that made it."""

import numpy as np

from course_lib._audit import raw
from course_lib._audit.cause import Cause, between
from course_lib._audit.messages import padding_value
from course_lib._audit.truth import is_causal, is_right, is_wrong, leaves_of, truths
from course_lib._inputs import as_numpy
from course_lib._keras_private import mask_of
from course_lib._mask_words import Letters, any_mask, is_merge, overwritten

# ---------------------------------------------------------------------- none


def lost(story, tensor, call):
    """Return the `Cause` why a tensor that comes to `call` (the end: `None`) has no mask."""
    cause = _lost(story, tensor, call)
    if cause.is_raw and cause.kind == "lost":
        block = _block(story, tensor, call)
        if block is not None:
            return Cause("lost", block.name, block, cause.layer)
    return cause


def _block(story, tensor, call):
    """Return the outermost layer with a `call` of its own that was given a mask and lost it."""
    import keras

    for block in reversed(list(story.index.before(call))):
        own = block.is_layer and not isinstance(block.layer, keras.Model)
        around = call is not None and block in call.ancestors
        if around or not own or not story.index.children(block):
            continue
        given = any(mask is not None for *_, mask in block.inputs)
        if given and any(tensor is mine for mine, _ in block.outputs):
            return block
    return None


def _lost(story, tensor, call):
    stripper = story.index.stripper(id(tensor), call)
    if stripper is not None:
        return Cause("stripped", stripper.name, stripper)
    producer = story.index.producer(tensor, call)
    if producer is not None and overwritten(producer, Letters()):
        return Cause("overwritten", producer.name, producer)
    if producer is None or not producer.is_layer:
        return _lost_between(story, tensor, call, producer)
    if any(mask is not None for *_, mask in producer.inputs) or filled(producer):
        return _lost_here(story, producer)
    inside = _made_inside(story, tensor, producer)
    return inside or _lost_before(story, producer)


def _lost_here(story, producer):
    """Return the `Cause` if a layer was given a mask, and gave out none."""
    bare = [t for _, _, t, mask in producer.inputs if mask is None and story.is_sequence(t)]
    if not bare or not (is_merge(producer.layer) or len(bare) < len(producer.inputs)):
        return Cause("lost", producer.name, producer, warned(producer))
    for other in bare:
        cause = lost(story, other, producer)
        if cause.kind != "never":
            return cause
    return Cause("unmasked branch", producer.name, producer)


def _lost_before(story, producer):
    """Return the `Cause` if what a layer reads has no mask either."""
    causes = [
        lost(story, tensor, producer)
        for _, _, tensor, _ in producer.inputs
        if story.is_sequence(tensor)
    ]
    for cause in causes:
        if cause.kind != "never":
            return cause
    if causes and causes[0].call is not None and not _reads_ids(producer):
        return causes[0]
    return _never(story, producer)


def _reads_ids(call):
    """Return True for an `Embedding`: it makes the mask, whoever made the ids."""
    import keras

    return isinstance(call.layer, keras.layers.Embedding)


def _never(story, call):
    """Return the `Cause` of a layer that makes no mask of what it reads, and could."""
    padding = None
    # No mask goes through a raw operation: it must be made of what comes out.
    read = [tensor for _, _, tensor, _ in call.inputs]
    for tensor in read if call.is_layer else [made for made, _ in call.outputs]:
        values = as_numpy(tensor)
        for truth in truths(story.padded):
            if padding is None and values.shape[:2] == truth.shape:
                padding = padding_value(values, truth)
    return Cause("never", call.name, call, padding=padding)


def _lost_between(story, tensor, call, producer):
    """Return the `Cause` if raw operations made the tensor: a call of its own, or none."""
    index = story.index
    if producer is not None:
        tensors = [(t, mask) for _, _, t, mask in producer.inputs]
    else:
        near, _ = story.nearest(tensor, call)
        tensors = [(story.run.alive[p], index.mask_at(p, call)) for p in near]
    for one, mask in tensors:
        if mask is not None and producer is not None:
            return raw.called(story, producer, "lost")
        if mask is not None:
            return raw.losing(story, tensor, call)
        stripper = index.stripper(id(one), call)
        if stripper is not None:
            return Cause("stripped", stripper.name, stripper)
    for one, _ in tensors:
        if story.is_sequence(one):
            cause = lost(story, one, producer or call)
            if cause.kind != "never" or cause.call is not None:
                return cause
    return Cause("never", "the model") if call is None else _never(story, call)


def _made_inside(story, tensor, producer):
    """Return the `Cause` if a layer inside `producer` made the mask that `tensor` lacks."""
    way = story.run.ancestors([tensor])
    for call in story.calls:
        if producer not in call.ancestors or any(mask is not None for *_, mask in call.inputs):
            continue
        for made, mask in call.outputs:
            fits = mask is not None and tuple(mask.shape) == tuple(tensor.shape[:2])
            if fits and id(made) in way and is_right(mask, story.padded):
                maker, value = _in_words(call, producer)
                detail = f"{maker} makes it"
                return Cause("inside", producer.name, producer, detail, value=value)
    return None


def _in_words(maker, producer):
    """Return who made a mask inside `producer`, and how `compute_mask` gets at it.

    By the names that the layer's author gave them, if the maker is an attribute and reads the first
    argument of `call`: `compute_mask` is given that one alone.
    """
    names = [name for name, value in vars(producer.layer).items() if value is maker.layer]
    if not names:
        return f"`{maker.name}`", f"the mask of `{maker.name}`"
    first = [(name, tensor) for name, _, tensor, _ in producer.inputs]
    name = first[0][0]
    alone = [one for one, _ in first].count(name) == 1
    if alone and maker.inputs and maker.inputs[0][2] is first[0][1]:
        return f"`{names[0]}`", f"`self.{names[0]}.compute_mask({name})`"
    return f"`{names[0]}`", f"the mask of `self.{names[0]}`"


# ---------------------------------------------------------------------- a wrong one


def given_wrong(story, masks, call, name):
    """Return the `Cause` of a mask argument that is none of the batch's."""
    kind = "neutralised" if all(mask.all() for mask in leaves_of(masks)) else "misaligned"
    for _, tensor, attached, _ in story.inputs(call):
        if attached is not None and is_wrong(attached, story.padded):
            by = "" if name == "query_mask" else name
            cause = changed(story, tensor, call)
            neutral = cause.kind == "neutralised"
            return cause.needed_by(f"`{call.name}`", by) if neutral else cause
    fix = "Hand over the mask of these steps." if name in call.explicit else ""
    return Cause(kind, call.name, call, f"it was handed over as `{name}`", fix)


def changed(story, tensor, call):
    """Return the `Cause` why the mask on a tensor is none of the batch's."""
    mask = mask_of(tensor)
    kind = "neutralised" if mask is None or np.asarray(mask).all() else "misaligned"
    producer = story.index.producer(tensor, call)
    if producer is None:
        return Cause(kind, call.name if call is not None else "the model", call)
    masks = [(one, mask) for _, one, mask, _ in story.inputs(producer) if mask is not None]
    for earlier, attached in masks:
        if is_wrong(attached, story.padded):
            return changed(story, earlier, producer)
    return Cause(kind if masks else "wrong mask", producer.name, producer)


def misaligned(story, tensor, call):
    """Return the `Cause` of a tensor whose steps run backwards, while its mask does not."""
    producer = story.index.producer(tensor, call)
    if producer is None:
        near, _ = story.nearest(tensor, call)
        name = between(story.index.owners(near), (call.name,) if call is not None else ())
    else:
        # The layer that turned the time round is the first one whose output is turned.
        for _, earlier, _, state in story.inputs(producer):
            if state == "reversed":
                return misaligned(story, earlier, producer)
        name = producer.name
    return Cause("misaligned", name, producer, "its output runs backwards, its mask does not")


# ---------------------------------------------------------------------- words


def filled(call):
    """Return the mask arguments of a call that say which steps are padding."""
    return {
        name: mask
        for name, mask in call.received.items()
        if any_mask(mask) and not (name == "attention_mask" and is_causal(mask))
    }


def warned(call):
    """Return a clause if Keras warned that a layer drops the mask."""
    return "Keras warned of it" if call.warned else ""
