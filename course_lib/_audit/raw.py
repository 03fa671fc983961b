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
    return Cause("leak", place, detail, ROWS if story.have_no_steps(rows) else fix)


def unsound(story, tensor, call, inside=False):
    """Return the `Cause` of a tensor that operations before or inside `call` made of sound ones."""
    near, operations = story.nearest(tensor, call)
    around, reader = (call, None) if inside else (call.parent, call)
    place = _place(story, tensor, operations, near, reader, around)
    known = story.index.known(call).keys() - {id(tensor)}
    return leak(story, place, *story.culprit([tensor], known), _source(operations))


def losing(story, tensor, call):
    """Return the `Cause` of a tensor that operations before `call` made of one with a mask."""
    near, operations = story.nearest(tensor, call)
    masks = story.index.known(call)
    near = [one for one in near if masks[id(one)] is not None]
    around = call.parent if call is not None else None
    place = _place(story, tensor, operations, near, call, around)
    return Cause("lost", place, _source(operations))


def called(story, call, kind="leak"):
    """Return the `Cause` at a raw operation of a Functional model, which is a call of its own."""
    producers = [story.index.producer(tensor, call) for tensor in call.read]
    before = tuple(dict.fromkeys(one.name for one in producers if one is not None))
    # Of a block and the layer in it that reads the tensor, the layer is named.
    after = tuple(dict.fromkeys(one.name for one in story.index.readers(call)))
    made = call.made[0]
    place = Raw(call.class_name, "", before, after, id(made))
    if kind == "lost":
        return Cause(kind, place)
    if story.batch.side == "pre" and story.counts_columns(array(made)):
        return Cause(kind, place, fix=COUNTED)
    return leak(story, place, (call.class_name,), story.pairs(call.read))


def _place(story, tensor, operations, near, call, around):
    kinds = [one.kind for one in operations if one.kind not in PLUMBING]
    what = ", ".join(reversed(dict.fromkeys(reversed(kinds)))) or "operation"
    within = around.name if around is not None and around.parent is not None else ""
    after = (call.name,) if call is not None else ()
    return Raw(what, within, story.index.names(near), after, id(tensor))


def _source(operations):
    """Return a clause that quotes the last line of the reader's own that ran an operation."""
    for one in reversed(operations):
        if one.line is not None and one.kind not in PLUMBING:
            text = linecache.getline(one.line[0], one.line[1]).strip()
            if text and not text.startswith("outputs = "):
                return f"the line is `{text}`"
    return ""
