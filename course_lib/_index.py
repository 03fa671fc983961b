"""Who made, got and passed on each tensor of a recording: what `trace` and `audit` look up."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any


@dataclass(frozen=True, eq=False)
class Index:
    """The calls of a recording by their tensors.

    Tensors are compared by identity: the recording keeps them alive.

    Attributes:
        recording: the `Recording`.
        calls: those of its calls that are looked at, in the order in which they ended.
    """

    recording: Any
    calls: tuple

    @cached_property
    def order(self):
        """Dict of a call's id and its place among all calls that ended."""
        return {id(call): place for place, call in enumerate(self.recording.ended)}

    @cached_property
    def _ids(self):
        return {id(call) for call in self.calls}

    def before(self, call):
        """Yield the calls that ended before `call` did; all for the end, `None`."""
        for earlier in self.calls:
            if earlier is call:
                return
            yield earlier

    def children(self, call):
        """Return the calls inside one that are looked at."""
        return [child for child in call.children if id(child) in self._ids]

    def producer(self, tensor, call):
        """Return the innermost call that gave out a tensor before `call`, or `None`."""
        for earlier in self.before(call):
            if any(tensor is mine for mine, _ in earlier.outputs):
                return earlier
        return None

    def owner(self, place):
        """Return the call without others inside that gave out the tensor of an id, or `None`."""
        for call in self.calls:
            if any(id(t) == place for t, _ in call.outputs) and not self.children(call):
                return call
        return None

    def owners(self, places):
        """Return the names of the owners of tensors, each once."""
        found = [self.owner(place) for place in places]
        return tuple(dict.fromkeys(one.name for one in found if one is not None))

    def readers(self, call):
        """Return the calls that read what a call gave out, the innermost ones."""
        given = [tensor for tensor, _ in call.outputs]
        found = [
            other
            for other in self.calls
            if any(tensor is mine for _, _, tensor, _ in other.inputs for mine in given)
        ]
        return [one for one in found if not any(one in other.ancestors for other in found)]

    def stripper(self, place, call):
        """Return the call before `call` that took the mask off the tensor of an id, or `None`."""
        for earlier in self.before(call):
            if any(id(t) == place for t in earlier.stripped) and not self.children(earlier):
                return earlier
        return None

    def mask_at(self, place, call):
        """Return the mask that the tensor of an id had when it was given out before `call`."""
        for earlier in self.before(call):
            for tensor, mask in earlier.outputs:
                if id(tensor) == place:
                    return mask
        around = call.parent if call is not None else self.recording.calls[0]
        while around is not None:
            for _, _, tensor, mask in around.inputs:
                if id(tensor) == place:
                    return mask
            around = around.parent
        return None


def masks_before(recording, call):
    """Return dict of id and mask: what calls that began before `call` gave out, or were given."""
    known = {}
    for earlier in recording.calls:
        if earlier is call:
            break
        if earlier.finished:
            known.update({id(tensor): mask for tensor, mask in earlier.outputs})
        else:
            known.update({id(tensor): mask for _, _, tensor, mask in earlier.inputs})
    return known
