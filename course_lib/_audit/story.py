"""Where padding comes in, and why: two recordings of the model laid beside each other.

One run shows rows with padding, the other the same rows alone. The first tensor that differs at
the rows' own steps, made of tensors that do not, names the place; the masks there name the cause.
"""

from course_lib._audit.cause import join
from course_lib._audit.causes import Causes
from course_lib._audit.compare import compare
from course_lib._audit.raw import PLUMBING
from course_lib._audit.run import array, flat


class Story(Causes):
    """Two runs side by side.

    Args:
        runner: a `Runner`.
        batch: the `Batch`.
        padded: the `View` with padding.
        bare: the `View` of some of its rows to compare with.
        share: the difference that is taken for rounding.
        training: run as in training.
        side: where padding stands.
    """

    def __init__(self, runner, batch, padded, bare, share, training=False, side="post"):
        self.batch, self.padded, self.bare = batch, padded, bare
        self.share, self.side = share, side
        self.run = runner.record(padded, training=training)
        self.reference = reference = runner.record(bare, training=training)
        self.partner = _pairs(self.run, reference)
        self.twins = _twins(self.partner)
        self.outputs = list(zip(flat(self.run.result), flat(reference.result), strict=False))
        self.calls = [call for call in self.run.ended if self._is_visible(call)]
        self.order = {id(call): place for place, call in enumerate(self.run.ended)}
        self.states = {}
        self.growing = self._growing()

    def _is_visible(self, call):
        ancestor = call.parent
        while ancestor is not None:
            if ancestor.is_built_in:
                return False
            ancestor = ancestor.parent
        return call in self.partner

    def _children(self, call):
        return [child for child in call.children if self._is_visible(child)]

    # ------------------------------------------------------------------ what is sound

    def state(self, mine, other):
        """Return "sound", "reversed", "unsound" or "unknown" for a tensor of both runs."""
        key = (id(mine), id(other))
        if key not in self.states:
            self.states[key] = self._state(array(mine), array(other))
        return self.states[key]

    def _state(self, mine, other):
        views = (mine, self.padded, other, self.bare)
        found = compare(self.batch, *views, side=self.side)
        if found is None:
            return "unknown"
        if found.relative <= self.share:
            return "sound"
        back = compare(self.batch, *views, side=self.side, reverse=True)
        return "reversed" if back is not None and back.relative <= self.share else "unsound"

    def inputs(self, call):
        """Return `(argument, tensor, mask, state)` for each input of a call."""
        other = self.partner[call].inputs
        pairs = zip(call.inputs, other, strict=False)
        return [(name, t, mask, self.state(t, o[2])) for (name, _, t, mask), o in pairs]

    def output_states(self, call):
        """Return the state of each output of a call."""
        pairs = zip(call.outputs, self.partner[call].outputs, strict=False)
        return [self.state(mine, other) for (mine, _), (other, _) in pairs]

    def culprit(self, tensors, until):
        """Return the operation, in a tuple, that first gave out an unsound tensor; all if unknown.

        Args:
            tensors: what the operations made, tensors that layers gave out or read.
            until: ids of tensors that layers gave out or read: where the operations begin.
        """
        others = [self.twins[id(one)] for one in tensors if id(one) in self.twins]
        ends = {id(self.twins[place]) for place in until if place in self.twins}
        mine = _operations(self.run, tensors, until)
        theirs = _operations(self.reference, others, ends)
        kinds = [kind for kind, _ in mine]
        if kinds == [kind for kind, _ in theirs]:
            for (kind, tensor), (_, other) in zip(mine, theirs, strict=True):
                if self.state(tensor, other) == "unsound":
                    return (kind,)
        return tuple(dict.fromkeys(kinds))

    # ------------------------------------------------------------------ where it came in

    def causes(self):
        """Return a `Cause` for each place where padding enters tensors that outputs depend on."""
        wrong = [mine for mine, other in self.outputs if self.state(mine, other) == "unsound"]
        turned = [mine for mine, other in self.outputs if self.state(mine, other) == "reversed"]
        causes = [self._misaligned(tensor, None) for tensor in turned]
        relevant = set(self.run.ancestors(wrong))
        for call in self.calls:
            states = self.output_states(call)
            bad = [
                tensor
                for (tensor, _), state in zip(call.outputs, states, strict=False)
                if state == "unsound" and (not self.run.made_by or id(tensor) in relevant)
            ]
            inputs = self.inputs(call)
            for _, tensor, _, state in inputs:
                if state == "unsound" and self._is_fresh(tensor, call):
                    causes.append(self._raw(tensor, call))
            if bad and not any(state == "unsound" for *_, state in inputs):
                causes.extend(self._of_call(call, bad))
        return join(causes)

    def _is_fresh(self, tensor, call):
        """Return True if raw operations made the tensor, out of nothing unsound that is known."""
        if self._producer(tensor, call) is not None:
            return False
        known = self._known(call)
        if id(tensor) in known:
            return False
        return not any(known[place] == "unsound" for place in self._nearest(tensor, call)[0])

    def _known(self, call):
        """Return the state of each tensor that layers gave out, or were given, before `call`."""
        known = {}
        for earlier in self.calls:
            if earlier is call:
                break
            for (tensor, _), state in zip(
                earlier.outputs, self.output_states(earlier), strict=False
            ):
                known[id(tensor)] = state
        around = call.parent if call is not None else None
        while around is not None:
            if around in self.partner:
                for _, tensor, _, state in self.inputs(around):
                    known.setdefault(id(tensor), state)
            around = around.parent
        return known

    def _nearest(self, tensor, call):
        """Look back from a tensor to those that layers gave out: their ids, and the operations."""
        known = self._known(call)
        known.pop(id(tensor), None)
        way = self.run.ancestors([tensor], until=known)
        operations = {}  # the first line of source that each was called from
        for place in reversed(way):
            if place not in known and place in self.run.made_by:
                kind, _, line = self.run.made_by[place]
                if kind not in PLUMBING:
                    operations.pop(kind, None)
                    operations[kind] = line
        return (
            [place for place in way if place in known],
            list(operations),
            list(operations.values()),
        )

    def _of_call(self, call, bad):
        import keras

        if self._children(call):
            made = [tensor for tensor in bad if self._is_made_inside(tensor, call)]
            causes = [self._raw(tensor, None, inside=call) for tensor in made]
            if causes and not isinstance(call.layer, keras.Model):
                # A layer of the user's own answers for what its `call` does.
                cause = self.explain(call)
                operations = tuple(kind for one in causes for kind in one.operations)
                return [cause.but(detail=cause.detail or causes[0].layer, operations=operations)]
            return causes
        if not call.is_layer:
            return [self._raw_call(call)]
        return [self.explain(call)]

    def _is_made_inside(self, tensor, call):
        """Return True if no call inside gave out the tensor, nor an unsound one it was made of."""
        known = {}
        for earlier in self.calls:
            if self.order[id(earlier)] < self.order[id(call)]:
                pairs = zip(earlier.outputs, self.output_states(earlier), strict=False)
                known.update({id(t): state for (t, _), state in pairs})
        if id(tensor) in known:
            return False
        way = self.run.ancestors([tensor], until=known)
        return not any(known.get(place) == "unsound" for place in way)


def _pairs(run, reference):
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
    """Return dict of a tensor's id and the same tensor of the other run."""
    twins = {}
    for call, other in partner.items():
        mine = [t for _, _, t, _ in call.inputs] + [t for t, _ in call.outputs]
        theirs = [t for _, _, t, _ in other.inputs] + [t for t, _ in other.outputs]
        if len(mine) == len(theirs):
            twins.update({id(one): two for one, two in zip(mine, theirs, strict=True)})
    return twins


def _operations(run, tensors, until):
    """Return `(operation, tensor)` for all that made the tensors, in the order of running."""
    wanted = set(run.ancestors(tensors, until=until)) - set(until)
    return [(run.made_by[p][0], run.alive[p]) for p in run.made_by if p in wanted]
