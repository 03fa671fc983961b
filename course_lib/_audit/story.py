"""Two recordings of the model laid beside each other: rows with padding, and the same rows alone.

A tensor is sound if it is equal at the rows' own steps. Where one that is not is made of tensors
that are, padding comes in; `causes` looks for that.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from course_lib._audit.batch import Batch
from course_lib._audit.compare import compare
from course_lib._audit.leaks import LOOP
from course_lib._audit.run import array, flat
from course_lib._audit.view import View
from course_lib._index import Index

# Operations that take steps out of a tensor.
TAKES = ("StridedSlice", "GatherV2")


@dataclass(frozen=True, eq=False)
class Story:
    """Two runs side by side.

    Attributes:
        batch: the `Batch`.
        padded: the `View` with padding.
        bare: the `View` of some of its rows to compare with.
        share: the difference that is taken for rounding.
        run: the `Recording` of the padded view.
        reference: that of the bare one.
        index: the `Index` of the run: of the calls that the reference has too, without those
            inside Keras's own layers.
        twins: dict of a tensor's id and the same tensor of the other run.
        states: what was found out of tensors.
    """

    batch: Batch
    padded: View
    bare: View
    share: float
    run: Any
    reference: Any
    index: Index
    twins: dict
    states: dict = field(default_factory=dict)

    @property
    def outputs(self):
        """The tensors that the model gave out."""
        return flat(self.run.result)

    # ------------------------------------------------------------------ what is sound

    def state(self, tensor):
        """Return "sound", "reversed", "unsound" or "unknown" for a tensor of a call."""
        if id(tensor) not in self.states:
            self.states[id(tensor)] = self.compared(tensor, self.twins.get(id(tensor)))
        return self.states[id(tensor)]

    def unsound(self, tensors):
        """Return those of a call's tensors that are unsound."""
        return [tensor for tensor in tensors if self.state(tensor) == "unsound"]

    def compared(self, mine, other):
        """Return the state of a tensor, given the same one of the other run."""
        if other is None:
            return "unknown"
        mine, side = array(mine), self.batch.side
        views = (mine, self.padded, array(other), self.bare)
        found = compare(*views, side=side)
        if found is None:
            return "unknown"
        if found.relative <= self.share:
            return "sound"
        if self.counts_columns(mine):
            return "unsound"
        back = compare(*views, side=side, turned=True)
        return "reversed" if back is not None and back.relative <= self.share else "unsound"

    def counts_columns(self, values):
        """Return True if an array with steps is the same in all rows, whatever their length."""
        steps = values.ndim > 1 and values.shape[1] in self.padded.steps
        return steps and len(values) > 1 and bool((values == values[:1]).all())

    def is_sequence(self, tensor):
        """Return True if a tensor has steps: as many as the batch, or as they are in two runs."""
        shape = tuple(tensor.shape)
        if len(shape) < 2 or shape[0] != self.padded.size:
            return False
        other = tuple(self.twins.get(id(tensor), tensor).shape)
        fits = len(shape) == len(other) and shape[1:] != other[1:]
        return shape[1] in self.padded.steps or fits

    def pairs(self, tensors):
        """Return those of a call's tensors that are in both runs, in pairs."""
        return [(one, self.twins[id(one)]) for one in tensors if id(one) in self.twins]

    def have_no_steps(self, pairs):
        """Return True if tensors are of rows, all sound, and no axis of theirs can be of steps."""
        return bool(pairs) and all(
            mine.shape[:1] == (self.padded.size,)
            and mine.shape[1:] == other.shape[1:]
            and not {*mine.shape[1:]} & {*self.padded.steps}
            and self.compared(mine, other) == "sound"
            for mine, other in pairs
        )

    # ------------------------------------------------------------------ operations

    def nearest(self, tensor, call):
        """Look back from a tensor to those that layers gave out, or were given, before `call`.

        Returns:
            Those tensors, the latest first, and the `Operation`s in between.
        """
        known = self.index.known(call).keys() - {id(tensor)}
        way = self.run.ancestors([tensor], until=known)
        return [one for place, one in way.items() if place in known], _made(self.run, way, known)

    def culprit(self, tensors, until):
        """Return the first operation that made an unsound tensor; all of them if that is unknown.

        Args:
            tensors: what the operations made, tensors of calls.
            until: ids of tensors that layers gave out or read: where the operations begin.

        Returns:
            Its name, in a tuple, and list of what it read, tensors of both runs in pairs.
        """
        others = [other for _, other in self.pairs(tensors)]
        ends = {id(self.twins[place]) for place in until if place in self.twins}
        mine = _made(self.run, self.run.ancestors(tensors, until), until)
        theirs = _made(self.reference, self.reference.ancestors(others, ends), ends)
        kinds, other_kinds = ([one.kind for one in made] for made in (mine, theirs))
        if kinds == other_kinds:
            for one, other in zip(mine, theirs, strict=True):
                if self.compared(one.tensor, other.tensor) == "unsound":
                    kind = LOOP if self._is_in_a_loop(one, mine) else one.kind
                    return (kind,), list(zip(one.inputs, other.inputs, strict=False))
        if _runs_oftener(kinds, other_kinds):
            return (LOOP,), []
        return tuple(dict.fromkeys(kinds)), []

    def _is_in_a_loop(self, one, made):
        """Return True if an operation takes a step by a line that is run for each of them."""
        counted = Counter(other.kind for other in made if other.line == one.line)
        times = max(2, max(self.padded.steps) - 1)
        return one.line and one.kind in TAKES and min(counted.values()) >= times


def story_of(context, padded, bare, share, training=False):
    """Run two views, in inference or training, and return the `Story`."""
    run, reference = (context.runner.record(one, training=training) for one in (padded, bare))
    partner = _partners(run, reference)
    seen = tuple(call for call in run.ended if call in partner and _is_visible(call))
    index, twins = Index(run, seen), _twins(partner)
    return Story(context.batch, padded, bare, share, run, reference, index, twins)


def _is_visible(call):
    return not any(around.is_built_in for around in call.ancestors)


def _partners(run, reference):
    """Return which call of one run is which of the other: same path, same occurrence."""
    others = dict(_numbered(reference.ended))
    return {call: others[key] for key, call in _numbered(run.ended) if key in others}


def _numbered(calls):
    """Return `((path, how often it was run before), call)` for each call."""
    counted = Counter()
    for call in calls:
        path = tuple(call.path)
        yield (path, counted[path]), call
        counted[path] += 1


def _twins(partner):
    """Return dict of a tensor's id and the tensor of the other run that stands where it does."""
    twins = {}
    for call, other in partner.items():
        for mine, theirs in ((call.read, other.read), (call.made, other.made)):
            for one, two in zip(mine, theirs, strict=False):
                twins.setdefault(id(one), two)
    return twins


def _runs_oftener(mine, theirs):
    """Return True if more steps let operations run more often, several times at least."""
    here, there = Counter(mine), Counter(theirs)
    return here > there and all(here[kind] > 1 for kind in here - there)


def _made(run, way, until):
    """Return the `Operation`s on a way from tensors back to known ones, as they were run."""
    found = [run.made_by[place] for place in way if place in run.made_by and place not in until]
    return sorted(found, key=lambda one: one.number)
