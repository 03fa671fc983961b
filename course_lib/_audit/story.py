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

# Operations that only prepare others, and say nothing to a reader.
PLUMBING = {
    "Cast", "Const", "Identity", "Pack", "ReadVariableOp", "Shape", "ShapeN", "Fill", "ExpandDims",
    "Squeeze", "Range", "StopGradient", "ZerosLike", "OnesLike", "NoOp", "EagerConst",
}  # fmt: skip


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
        partner: dict of a call and the same call of the other run.
        index: the `Index` of the run.
        twins: dict of a tensor's id and `(itself, the same tensor of the other run)`.
        states: what was found out of tensors.
    """

    batch: Batch
    padded: View
    bare: View
    share: float
    run: Any
    reference: Any
    partner: dict
    index: Index
    twins: dict
    states: dict = field(default_factory=dict)

    @property
    def calls(self):
        """The calls that are looked at: not those inside Keras's own layers."""
        return self.index.calls

    @property
    def outputs(self):
        """The tensors that the model gave out in both runs, in pairs."""
        pairs = zip(flat(self.run.result), flat(self.reference.result), strict=False)
        return list(pairs)

    # ------------------------------------------------------------------ what is sound

    def state(self, mine, other):
        """Return "sound", "reversed", "unsound" or "unknown" for a tensor of both runs."""
        key = (id(mine), id(other))
        if key not in self.states:
            self.states[key] = self._state(array(mine), array(other))
        return self.states[key]

    def _state(self, mine, other):
        views, side = (mine, self.padded, other, self.bare), self.batch.side
        found = compare(*views, side=side)
        if found is None:
            return "unknown"
        if found.relative <= self.share:
            return "sound"
        if self.counts_columns(mine):
            return "unsound"
        back = compare(*views, side=side, turned=True)
        return "reversed" if back is not None and back.relative <= self.share else "unsound"

    def counts_columns(self, tensor):
        """Return True if a tensor with steps is the same in all rows, whatever their length."""
        values = array(tensor)
        steps = values.ndim > 1 and values.shape[1] in self.padded.steps
        return steps and len(values) > 1 and bool((values == values[:1]).all())

    def inputs(self, call):
        """Return `(argument, tensor, mask, state)` for each input of a call."""
        pairs = zip(call.inputs, self.partner[call].inputs, strict=False)
        return [(name, t, mask, self.state(t, o[2])) for (name, _, t, mask), o in pairs]

    def output_states(self, call):
        """Return the state of each output of a call."""
        pairs = zip(call.outputs, self.partner[call].outputs, strict=False)
        return [self.state(mine, other) for (mine, _), (other, _) in pairs]

    def known(self, call):
        """Return the state of each tensor that layers gave out, or were given, before `call`."""
        known = {}
        for earlier in self.index.before(call):
            known.update(self.given_out(earlier))
        for around in call.ancestors if call is not None else ():
            if around in self.partner:
                for _, tensor, _, state in self.inputs(around):
                    known.setdefault(id(tensor), state)
        return known

    def given_out(self, call):
        """Return the state of each tensor that a call gave out."""
        pairs = zip(call.outputs, self.output_states(call), strict=False)
        return {id(tensor): state for (tensor, _), state in pairs}

    def is_sequence(self, tensor):
        """Return True if a tensor has steps: as many as the batch, or as they are in two runs."""
        shape = tuple(tensor.shape)
        if len(shape) < 2 or shape[0] != self.padded.size:
            return False
        if shape[1] in self.padded.steps:
            return True
        _, other = self.twins.get(id(tensor), (tensor, tensor))
        return len(shape) == len(other.shape) and shape[1:] != tuple(other.shape[1:])

    # ------------------------------------------------------------------ operations

    def nearest(self, tensor, call):
        """Look back from a tensor to those that layers gave out.

        Returns:
            Their ids, and dict of the operations on the way and the line that each was called from.
        """
        known = self.known(call)
        known.pop(id(tensor), None)
        way = self.run.ancestors([tensor], until=known)
        operations = {}
        for place in reversed(way):
            if place not in known and place in self.run.made_by:
                kind, _, line = self.run.made_by[place]
                if kind not in PLUMBING:
                    operations.pop(kind, None)
                    operations[kind] = line
        return [place for place in way if place in known], operations

    def culprit(self, tensors, until):
        """Return the operation, in a tuple, that first gave out an unsound tensor; all if unknown.

        Args:
            tensors: what the operations made, tensors that layers gave out or read.
            until: ids of tensors that layers gave out or read: where the operations begin.
        """
        others = [self.twins[id(one)][1] for one in tensors if id(one) in self.twins]
        ends = {id(self.twins[place][1]) for place in until if place in self.twins}
        mine = _operations(self.run, tensors, until)
        theirs = _operations(self.reference, others, ends)
        kinds = [kind for kind, _ in mine]
        if kinds == [kind for kind, _ in theirs]:
            for (kind, tensor), (_, other) in zip(mine, theirs, strict=True):
                if self.state(tensor, other) == "unsound":
                    return (kind,)
        if _runs_oftener(kinds, [kind for kind, _ in theirs]):
            return (LOOP,)
        return tuple(dict.fromkeys(kinds))


def tell(runner, batch, padded, bare, share, training=False):
    """Run both views, in inference or training, and return the `Story`."""
    run = runner.record(padded, training=training)
    reference = runner.record(bare, training=training)
    partner = _partners(run, reference)
    seen = tuple(call for call in run.ended if call in partner and _is_visible(call))
    index, twins = Index(run, seen), _twins(partner)
    return Story(batch, padded, bare, share, run, reference, partner, index, twins)


def _is_visible(call):
    return not any(around.is_built_in for around in call.ancestors)


def _partners(run, reference):
    """Return which call of one run is which of the other: same path, same occurrence."""
    places, partner = {}, {}
    for call in reference.ended:
        places.setdefault(tuple(call.path), []).append(call)
    counted = {}
    for call in run.ended:
        path = tuple(call.path)
        number = counted[path] = counted.get(path, -1) + 1
        if number < len(places.get(path, [])):
            partner[call] = places[path][number]
    return partner


def _twins(partner):
    """Return dict of a tensor's id and the tensors of both runs that stand at the same place."""
    twins = {}
    for call, other in partner.items():
        mine = [t for _, _, t, _ in call.inputs] + [t for t, _ in call.outputs]
        theirs = [t for _, _, t, _ in other.inputs] + [t for t, _ in other.outputs]
        if len(mine) == len(theirs):
            twins.update({id(one): (one, two) for one, two in zip(mine, theirs, strict=True)})
    return twins


def _runs_oftener(mine, theirs):
    """Return True if more steps let operations run more often, several times at least."""
    here, there = Counter(mine), Counter(theirs)
    return here > there and all(here[kind] > 1 for kind in here - there)


def _operations(run, tensors, until):
    """Return `(operation, tensor)` for all that made the tensors, in the order of running."""
    wanted = set(run.ancestors(tensors, until=until)) - set(until)
    return [(run.made_by[p][0], run.alive[p]) for p in run.made_by if p in wanted]
