"""Why a layer that sees padding does: the cause is read off the masks around it."""

import numpy as np

from course_lib._audit.cause import Cause, between
from course_lib._audit.messages import is_own, padding_value
from course_lib._audit.raw import RawOperations
from course_lib._keras_private import mask_of
from course_lib._mask_words import Letters, any_mask, hears, is_merge, overwritten


class Causes(RawOperations):
    """The part of a story that asks for causes; `Story` gives it the two runs."""

    def explain(self, call):
        """Return the `Cause` for a layer whose inputs are sound and whose outputs are not."""
        if overwritten(call, Letters()):
            return Cause("overwritten", call.name, call)
        inputs = self.inputs(call)
        for _, tensor, _, state in inputs:
            if state == "reversed":
                return self._misaligned(tensor, call)
        filled = _filled(call)
        sequences = [(name, t, mask) for name, t, mask, _ in inputs if self._is_sequence(t)]
        bare = [(name, t) for name, t, mask in sequences if mask is None]
        # Of attention's inputs it is the values, and the keys with them, that must be masked.
        bare.sort(key=lambda one: one[0] not in ("value", "key"))
        if not call.received or not hears(call):
            return self._leak(call, _warned(call))
        if not filled:
            if any(mask is not None for _, _, mask in sequences):
                return Cause("ignored", call.name, call)
            return self._first_loss(bare, call) or self._leak(call)
        for name, mask in filled.items():
            if self._is_wrong(mask):
                return self._changed(mask, call, name)
        needed = [one for one in bare if not _is_query(one[0], call)]
        found = self._first_loss(needed, call) if needed else None
        return found or self._leak(call, "although the mask came to it")

    def _leak(self, call, detail=""):
        """Return the `Cause` of a layer that mixes steps, with the operations that it runs."""
        inputs = {id(tensor) for _, _, tensor, _ in call.inputs}
        own = call.is_layer and is_own(call.layer)
        operations = self.culprit([tensor for tensor, _ in call.outputs], inputs) if own else ()
        return Cause("leak", call.name, call, detail, operations=operations)

    def _first_loss(self, tensors, call):
        causes = [(self.lost(tensor, call), name) for name, tensor in tensors]
        causes.sort(key=lambda one: one[0].kind == "never")
        if not causes:
            return None
        cause, name = causes[0]
        by = f"{name}_mask" if f"{name}_mask" in call.received else "mask"
        return cause.needed_by(f"`{call.name}`", by)

    def lost(self, tensor, call):
        """Return the `Cause` why a tensor that comes to `call` (the end: `None`) has no mask."""
        cause = self._lost(tensor, call)
        if cause.is_raw and cause.kind == "lost":
            block = self._block(tensor, call)
            if block is not None:
                return Cause("lost", block.name, block, cause.layer)
        return cause

    def _block(self, tensor, call):
        """Return the outermost layer with a `call` of its own that was given a mask and lost it."""
        import keras

        for block in reversed(self.calls):
            if call is not None and self.order[id(block)] >= self.order[id(call)]:
                continue
            own = block.is_layer and not isinstance(block.layer, keras.Model)
            around = call is not None and block in call.ancestors
            if around or not own or not self._children(block):
                continue
            given = any(mask is not None for *_, mask in block.inputs)
            if given and any(tensor is mine for mine, _ in block.outputs):
                return block
        return None

    def _lost(self, tensor, call):
        stripped = self._stripped(id(tensor), call)
        if stripped is not None:
            return Cause("stripped", stripped.name, stripped)
        producer = self._producer(tensor, call)
        if producer is not None and overwritten(producer, Letters()):
            return Cause("overwritten", producer.name, producer)
        if producer is None or not producer.is_layer:
            return self._lost_between(tensor, call, producer)
        masks = [mask for *_, mask in producer.inputs if mask is not None]
        if masks or _filled(producer):
            bare = [t for _, _, t, mask in producer.inputs if mask is None and self._is_sequence(t)]
            if bare and (is_merge(producer.layer) or len(bare) < len(producer.inputs)):
                for other in bare:
                    cause = self.lost(other, producer)
                    if cause.kind != "never":
                        return cause
                return Cause("unmasked branch", producer.name, producer)
            return Cause("lost", producer.name, producer, _warned(producer))
        inside = self._made_inside(tensor, producer)
        if inside is not None:
            return inside
        causes = [self.lost(t, producer) for _, _, t, _ in producer.inputs if self._is_sequence(t)]
        for cause in causes:
            if cause.kind != "never":
                return cause
        if causes and causes[0].call is not None:
            return causes[0]
        return self._never(producer)

    def _never(self, call):
        """Return the `Cause` of a layer that makes no mask of what it reads, and could."""
        padding = None
        for _, _, tensor, _ in call.inputs:
            values = np.asarray(tensor)
            for truth in self.truths():
                if padding is None and values.shape[:2] == truth.shape:
                    padding = padding_value(values, truth)
        return Cause("never", call.name, call, padding=padding)

    def _made_inside(self, tensor, producer):
        """Return the `Cause` if a layer inside `producer` made the mask that `tensor` lacks."""
        way = self.run.ancestors([tensor])
        for call in self.calls:
            if producer not in call.ancestors or any(mask is not None for *_, mask in call.inputs):
                continue
            for made, mask in call.outputs:
                fits = mask is not None and tuple(mask.shape) == tuple(tensor.shape[:2])
                if fits and id(made) in way and self.is_right(mask):
                    maker, value = _in_words(call, producer)
                    detail = f"{maker} makes it"
                    return Cause("inside", producer.name, producer, detail, value=value)
        return None

    def _lost_between(self, tensor, call, producer):
        if producer is not None:
            tensors = [(t, mask) for _, _, t, mask in producer.inputs]
        else:
            near, _, _ = self._nearest(tensor, call)
            tensors = [(self.run.alive[p], self._mask_before(p, call)) for p in near]
        for one, mask in tensors:
            if mask is not None:
                if producer is not None:
                    return self._raw_call(producer, "lost")
                return self._raw(tensor, call, kind="lost")
            stripped = self._stripped(id(one), call)
            if stripped is not None:
                return Cause("stripped", stripped.name, stripped)
        for one, _ in tensors:
            if self._is_sequence(one):
                cause = self.lost(one, producer or call)
                if cause.kind != "never" or cause.call is not None:
                    return cause
        return Cause("never", "the model") if call is None else self._never(call)

    def _stripped(self, place, call):
        """Return the earlier call that took the mask off a tensor."""
        for earlier in self.calls:
            if earlier is call:
                break
            if not self._children(earlier) and any(id(t) == place for t in earlier.stripped):
                return earlier
        return None

    def _mask_before(self, place, call):
        for earlier in self.calls:
            if earlier is call:
                break
            for tensor, mask in earlier.outputs:
                if id(tensor) == place:
                    return mask
        around = call.parent if call is not None else self.run.calls[0]
        while around is not None:
            for _, _, tensor, mask in around.inputs:
                if id(tensor) == place:
                    return mask
            around = around.parent
        return None

    def _producer(self, tensor, call):
        """Return the innermost call that gave out a tensor before `call`, or `None`."""
        for earlier in self.calls:
            if earlier is call:
                break
            if any(tensor is mine for mine, _ in earlier.outputs):
                return earlier
        return None

    def _changed(self, mask, call, name):
        """Return the `Cause` of a mask that is none of the batch's."""
        kind = "neutralised" if all(np.asarray(m).all() for m in _leaves(mask)) else "misaligned"
        for _, tensor, attached, _ in self.inputs(call):
            if attached is not None and self._is_wrong(attached):
                by = "" if name == "query_mask" else name
                cause = self.changed(tensor, call)
                neutral = cause.kind == "neutralised"
                return cause.needed_by(f"`{call.name}`", by) if neutral else cause
        return self._handed_over(kind, call, name)

    @staticmethod
    def _handed_over(kind, call, name):
        fix = "Hand over the mask of these steps." if name in call.explicit else ""
        return Cause(kind, call.name, call, f"it was handed over as `{name}`", fix)

    def changed(self, tensor, call):
        """Return the `Cause` why the mask on a tensor is none of the batch's."""
        mask = mask_of(tensor)
        kind = "neutralised" if mask is None or np.asarray(mask).all() else "misaligned"
        producer = self._producer(tensor, call)
        if producer is None:
            return Cause(kind, call.name if call is not None else "the model", call)
        for _, earlier, attached, _ in self.inputs(producer):
            if attached is not None and self._is_wrong(attached):
                return self.changed(earlier, producer)
        if not any(attached is not None for _, _, attached, _ in self.inputs(producer)):
            kind = "wrong mask"
        return Cause(kind, producer.name, producer)

    def _misaligned(self, tensor, call):
        producer = self._producer(tensor, call)
        if producer is not None:
            # The layer that turned the time round is the first one whose output is turned.
            for _, earlier, _, state in self.inputs(producer):
                if state == "reversed":
                    return self._misaligned(earlier, producer)
        if producer is None:
            near, _, _ = self._nearest(tensor, call)
            name = between(self._names(near), (call.name,) if call is not None else ())
        else:
            name = producer.name
        return Cause("misaligned", name, producer, "its output runs backwards, its mask does not")

    # ------------------------------------------------------------------ masks and axes

    def is_right(self, mask):
        """Return True if a mask is that of one of the batch's sequences."""
        mask = np.asarray(mask).astype(bool)
        rows = len(self.padded.rows)
        return any(
            mask.shape[1:] == truth.shape[1:] and np.array_equal(mask[:rows], truth)
            for truth in self.truths()
        )

    def _is_wrong(self, mask):
        leaves = [np.asarray(one) for one in _leaves(mask)]
        steps = {truth.shape[1] for truth in self.truths()}
        # Masks of other shapes (attention's, or after pooling) are not judged.
        return any(
            one.ndim == 2 and one.shape[1] in steps and not self.is_right(one) for one in leaves
        )

    def truths(self):
        """Return the mask of each sequence in the padded view."""
        truths = []
        for number, sequence in enumerate(self.batch.sequences):
            truth = np.zeros((len(self.padded.rows), self.padded.steps[number]), bool)
            for place, row in enumerate(self.padded.rows):
                start, length = (
                    part[number][place] for part in (self.padded.starts, self.padded.lengths)
                )
                real = sequence.real[row, sequence.starts[row] : sequence.stops[row]]
                real = real if len(real) == length else np.ones(length, bool)
                truth[place, start : start + len(real)] = real
            truths.append(truth)
        return truths

    def _is_sequence(self, tensor):
        shape = tuple(tensor.shape)
        if len(shape) < 2 or shape[0] != self.padded.size:
            return False
        return id(tensor) in self.growing or shape[1] in self.padded.steps

    def _growing(self):
        """Return the ids of the tensors with an axis that is longer in the padded run."""
        growing = set()
        for call, other in self.partner.items():
            mine = [t for _, _, t, _ in call.inputs] + [t for t, _ in call.outputs]
            theirs = [t for _, _, t, _ in other.inputs] + [t for t, _ in other.outputs]
            if len(mine) == len(theirs):
                growing.update(
                    id(a)
                    for a, b in zip(mine, theirs, strict=True)
                    if len(a.shape) == len(b.shape) and a.shape[1:] != b.shape[1:]
                )
        return growing


def _leaves(mask):
    import keras

    return [leaf for leaf in keras.tree.flatten(mask) if leaf is not None]


def _filled(call):
    """Return the mask arguments of a call that say which steps are padding."""
    return {
        name: mask
        for name, mask in call.received.items()
        if any_mask(mask) and not (name == "attention_mask" and _is_causal(mask))
    }


def _is_causal(mask):
    """Return True for an attention mask that is the same for all rows: it knows of no padding."""
    mask = np.asarray(mask).astype(bool)
    if mask.ndim == 2:
        return mask.shape[0] == mask.shape[1] and bool((mask == np.tril(mask)).all())
    return mask.ndim > 2 and bool((mask == mask[:1]).all())


def _is_query(name, call):
    return name == "query" and any(one[0] in ("value", "key") for one in call.inputs)


def _warned(call):
    if call.warned:
        return "Keras warned of it"
    return ""


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
