"""Where a raw operation stands: it has no name that a reader knows, so the layers around it do."""

import linecache

from course_lib._audit.cause import Cause, Raw

# Operations that only prepare others, and say nothing to a reader.
PLUMBING = {
    "Cast", "Const", "Identity", "Pack", "ReadVariableOp", "Shape", "ShapeN", "Fill", "ExpandDims",
    "Squeeze", "Range", "StopGradient", "ZerosLike", "OnesLike", "NoOp", "EagerConst",
}  # fmt: skip


class RawOperations:
    """The part of a story that names raw operations; `Story` gives it the two runs."""

    def _raw(self, tensor, call, kind="leak", inside=None):
        near, kinds, lines = self._nearest(tensor, call if inside is None else inside)
        if inside is not None:
            near = [
                place for place in self.run.ancestors([tensor]) if self._owner(place) is not None
            ]
            near.sort(key=lambda place: self.order[id(self._owner(place))])
            near = near[-1:]
        if kind == "lost":
            near = [place for place in near if self._mask_before(place, call) is not None]
        what = ", ".join(kinds) or "operation"
        around = inside if inside is not None else call.parent if call is not None else None
        within = around.name if around is not None and around.parent is not None else ""
        after = (call.name,) if call is not None else ()
        place = Raw(what, within, self._names(near), after, id(tensor))
        known = self._known(call if inside is None else inside)
        known.pop(id(tensor), None)
        operations = self.culprit([tensor], set(known)) if kind == "leak" else ()
        return Cause(kind, place, None, _source(lines), operations=operations)

    def _raw_call(self, call, kind="leak"):
        names = []
        for _, tensor, _, _ in self.inputs(call):
            producer = self._producer(tensor, call)
            if producer is not None and producer.name not in names:
                names.append(producer.name)
        readers = [
            other
            for other in self.calls
            if any(t is mine for _, _, t, _ in other.inputs for mine, _ in call.outputs)
        ]
        # Of a block and the layer in it that reads the tensor, the layer is named.
        later = [
            one.name for one in readers if not any(one in other.ancestors for other in readers)
        ]
        what = call.class_name
        place = Raw(what, "", tuple(names), tuple(dict.fromkeys(later)), id(call.outputs[0][0]))
        return Cause(kind, place, call, operations=(what,))

    def _names(self, places):
        owners = [self._owner(place) for place in places]
        return tuple(dict.fromkeys(owner.name for owner in owners if owner is not None))

    def _owner(self, place):
        for call in self.calls:
            if not self._children(call) and any(id(t) == place for t, _ in call.outputs):
                return call
        return None


def _source(lines):
    for line in reversed(lines):
        if line is not None:
            text = linecache.getline(line[0], line[1]).strip()
            if text and not text.startswith("outputs = "):
                return f"the line is `{text}`"
    return ""
