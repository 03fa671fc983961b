"""Where a raw operation stands: it has no name that a reader knows, so the layers around it do."""

import linecache
from dataclasses import dataclass

# Operations that only prepare others, and say nothing to a reader.
PLUMBING = {
    "Cast", "Const", "Identity", "Pack", "ReadVariableOp", "Shape", "ShapeN", "Fill", "ExpandDims",
    "Squeeze", "Range", "StopGradient", "ZerosLike", "OnesLike", "NoOp", "EagerConst",
}  # fmt: skip


@dataclass
class Cause:
    """Why padding is seen.

    Attributes:
        kind: a key of `mends.MENDS`.
        layer: the layer's name, or the raw operation and the layers on both its sides.
        call: the `Call`, or `None`.
        detail: what else is known, a clause.
        mend: what mends this one, where that of its kind would not; else empty.
        needs: who needs the mask that is not there, "`lstm`" or "the loss"; empty if unknown.
        by: the argument by which that layer can be given the mask; empty for a loss.
    """

    kind: str
    layer: str
    call: object = None
    detail: str = ""
    mend: str = ""
    needs: str = ""
    by: str = ""

    @property
    def is_raw(self):
        """True for a raw operation, False for a layer."""
        return self.layer.startswith("raw operation")


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
        name = self._between(tensor, call, near)
        what = ", ".join(kinds) or "operation"
        around = inside if inside is not None else call.parent if call is not None else None
        within = f" in '{around.name}'" if around is not None and around.parent is not None else ""
        return Cause(kind, f"raw operation {what}{within} {name}", None, _source(lines))

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
        return Cause(kind, f"raw operation {call.class_name} {_place(names, later)}", call)

    def _between(self, tensor, call, near=None):
        near = self._nearest(tensor, call)[0] if near is None else near
        names = []
        for place in near:
            owner = self._owner(place)
            if owner is not None and owner.name not in names:
                names.append(owner.name)
        return _place(names, [call.name] if call is not None else [])

    def _owner(self, place):
        for call in self.calls:
            if not self._children(call) and any(id(t) == place for t, _ in call.outputs):
                return call
        return None


def _place(before, after):
    """Return where something stands, in the names of the layers before and after it."""
    before, after = list(dict.fromkeys(before)), list(dict.fromkeys(after))
    first = " and ".join(f"'{name}'" for name in before) or "the input"
    last = " and ".join(f"'{name}'" for name in after) or "the output"
    if len(before) > 1 or len(after) > 1:
        return f"after {first}, before {last}"
    return f"between {first} and {last}"


def _source(lines):
    for line in reversed(lines):
        if line is not None:
            text = linecache.getline(line[0], line[1]).strip()
            if text and not text.startswith("outputs = "):
                return f"the line is `{text}`"
    return ""
