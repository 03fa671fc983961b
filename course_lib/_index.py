"""Who made, got and passed on each tensor of a recording: what `trace` and `audit` look up."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any


@dataclass(frozen=True, eq=False)
class Index:
    """The calls of a recording by their tensors, which are compared by identity.

    Attributes:
        recording: the `Recording`.
        calls: those of its calls that are looked at, in the order in which they ended.
    """

    recording: Any
    calls: tuple

    @cached_property
    def order(self):
        """Dict of a call and its number among those that are looked at."""
        return {call: number for number, call in enumerate(self.calls)}

    @cached_property
    def _gave(self):
        return _by_tensor((call, call.made) for call in self.calls)

    @cached_property
    def _stripped(self):
        return _by_tensor((call, call.stripped) for call in self.calls)

    def before(self, call):
        """Return the calls that ended before `call` did; all for the end, `None`."""
        return self.calls[: self.order.get(call)]

    def children(self, call):
        """Return the calls inside one that are looked at."""
        return [child for child in call.children if child in self.order]

    def gave(self, tensor, call=None):
        """Return the calls that gave out a tensor before `call` ended, the innermost one first."""
        return self._until(call, self._gave.get(id(tensor), []))

    def _until(self, call, calls):
        end = self.order.get(call, len(self.calls))
        return [one for one in calls if self.order[one] < end]

    def producer(self, tensor, call):
        """Return the innermost call that gave out a tensor before `call`, or `None`."""
        return next(iter(self.gave(tensor, call)), None)

    def owner(self, tensor):
        """Return the call without others inside that gave out a tensor, or `None`."""
        return next((one for one in self.gave(tensor) if not self.children(one)), None)

    def names(self, tensors):
        """Return the names of those who own tensors, each once."""
        found = [self.owner(tensor) for tensor in tensors]
        return tuple(dict.fromkeys(one.name for one in found if one is not None))

    def stripper(self, tensor, call):
        """Return the call before `call` that took the mask off a tensor, or `None`."""
        found = self._until(call, self._stripped.get(id(tensor), []))
        return next((one for one in found if not self.children(one)), None)

    def readers(self, call):
        """Return the calls that read what a call gave out, the innermost ones."""
        given = {id(tensor) for tensor in call.made}
        found = [one for one in self.calls if any(id(tensor) in given for tensor in one.read)]
        return [one for one in found if not any(one in other.ancestors for other in found)]

    def known(self, call):
        """Return dict of id and mask: what was given out before `call`, or to those around it."""
        known = {}
        around = self.recording.calls[:1] if call is None else call.ancestors
        for outer in reversed(around):
            known.update({id(tensor): mask for _, _, tensor, mask in outer.inputs})
        for earlier in reversed(self.before(call)):
            known.update({id(tensor): mask for tensor, mask in earlier.outputs})
        return known


def _by_tensor(pairs):
    """Return dict of a tensor's id and the calls that it belongs to, in their order."""
    found = {}
    for call, tensors in pairs:
        for place in dict.fromkeys(map(id, tensors)):
            found.setdefault(place, []).append(call)
    return found


def masks_before(recording, call):
    """Return dict of id and mask: what calls that began before `call` gave out."""
    earlier = recording.calls[: recording.calls.index(call)]
    return {id(tensor): mask for one in earlier for tensor, mask in one.outputs}
