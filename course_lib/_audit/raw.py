"""Leaks, and raw operations: these have no name that a reader knows, so the layers around do."""

import linecache

from course_lib._audit.cause import Cause, Raw
from course_lib._audit.leaks import COUNTED, ROWS, fix_of
from course_lib._audit.run import array

# Operations that only prepare others, and say nothing to a reader.
PLUMBING = {
    "Cast", "Const", "Identity", "Pack", "ReadVariableOp", "Shape", "ShapeN", "Fill", "ExpandDims",
    "Squeeze", "Range", "StopGradient", "ZerosLike", "OnesLike", "NoOp", "EagerConst",
}  # fmt: skip

# How many operations a place names.
NAMED = 3


def leak(story, place, operations, read, detail=""):
    """Return the `Cause` of a leak.

    Args:
        story: the `Story`.
        place: the `Call` of a layer, or a `Raw`.
        operations: the names of the operations that mix steps.
        read: list of the tensors that those or the layer read, of both runs in pairs.
        detail: what else is known.
    """
    rows = [pair for pair in read if tuple(pair[0].shape[:1]) == (story.padded.size,)]
    axes = max((len(mine.shape) for mine, _ in rows), default=3)
    fix = fix_of(getattr(place, "layer", None), operations, axes)
    return Cause("leak", place, detail, ROWS if story.have_no_steps(read) else fix)


def unsound(story, tensor, call, inside=False):
    """Return the `Cause` of a tensor that operations before or inside `call` made of sound ones."""
    place, detail = _between(story, tensor, call, inside)
    known = story.index.known(call).keys() - {id(tensor)}
    return leak(story, place, *story.culprit([tensor], known), detail)


def losing(story, tensor, call):
    """Return the `Cause` of a tensor that operations before `call` made of one with a mask."""
    return Cause("lost", *_between(story, tensor, call, masked=True))


def called(story, call, kind="leak"):
    """Return the `Cause` at a raw operation of a Functional model, which is a call of its own."""
    # Of a block and the layer in it that reads the tensor, the layer is named.
    after = tuple(dict.fromkeys(one.name for one in story.index.readers(call)))
    made = call.made[0]
    place = Raw(call.class_name, "", story.index.names(call.read), after, id(made))
    if kind != "leak":
        return Cause(kind, place)
    if story.counts_columns(array(made)):
        return Cause(kind, place, fix=COUNTED[story.batch.side])
    return leak(story, place, (call.class_name,), story.pairs(call.read))


def _between(story, tensor, call, inside=False, masked=False):
    """Return the `Raw` that made a tensor before or inside a call, and what else is known of it."""
    near, operations = story.nearest(tensor, call)
    if masked:
        masks = story.index.known(call)
        near = [one for one in near if masks[id(one)] is not None]
    operations = [one for one in operations if one.kind not in PLUMBING]
    last_first = dict.fromkeys(one.kind for one in reversed(operations))
    around = call if inside or call is None else call.parent
    within = around.name if around is not None and around.parent is not None else ""
    after = () if inside or call is None else (call.name,)
    kinds = list(reversed(last_first))
    what = ", ".join([*kinds[:NAMED], *["…"] * (len(kinds) > NAMED)]) or "operation"
    place = Raw(what, within, story.index.names(near), after, id(tensor))
    return place, _source(operations)


def _source(operations):
    """Return a clause that quotes the last line of the reader's own that ran an operation."""
    for one in reversed(operations):
        if one.line is not None:
            text = linecache.getline(one.line[0], one.line[1]).strip()
            if text and not text.startswith("outputs = "):
                return f"the line is `{text}`"
    return ""
