"""Where a raw operation stands: it has no name that a reader knows, so the layers around it do."""

import linecache

from course_lib._audit.cause import Cause, Raw
from course_lib._audit.leaks import COUNTED


def unsound(story, tensor, call):
    """Return the `Cause` of a tensor that operations before `call` made of sound ones."""
    near, operations = story.nearest(tensor, call)
    place = _place(story, tensor, operations, near, call, call.parent)
    return _leak(story, tensor, place, operations, call)


def unsound_inside(story, tensor, call):
    """Return the `Cause` of a tensor that operations inside `call` made of sound ones."""
    _, operations = story.nearest(tensor, call)
    index = story.index
    owned = [place for place in story.run.ancestors([tensor]) if index.owner(place) is not None]
    owned.sort(key=lambda place: index.order[id(index.owner(place))])
    place = _place(story, tensor, operations, owned[-1:], None, call)
    return _leak(story, tensor, place, operations, call)


def losing(story, tensor, call):
    """Return the `Cause` of a tensor that operations before `call` made of one with a mask."""
    near, operations = story.nearest(tensor, call)
    near = [place for place in near if story.index.mask_at(place, call) is not None]
    around = call.parent if call is not None else None
    place = _place(story, tensor, operations, near, call, around)
    return Cause("lost", place, None, _source(operations.values()))


def called(story, call, kind="leak"):
    """Return the `Cause` at a raw operation of a Functional model, which is a call of its own."""
    producers = [story.index.producer(tensor, call) for _, tensor, _, _ in story.inputs(call)]
    before = tuple(dict.fromkeys(one.name for one in producers if one is not None))
    # Of a block and the layer in it that reads the tensor, the layer is named.
    after = tuple(dict.fromkeys(one.name for one in story.index.readers(call)))
    made = call.outputs[0][0]
    place = Raw(call.class_name, "", before, after, id(made))
    counts = kind == "leak" and story.batch.side == "pre" and story.counts_columns(made)
    fix = COUNTED if counts else ""
    return Cause(kind, place, call, operations=(call.class_name,), fix=fix)


def _place(story, tensor, operations, near, call, around):
    what = ", ".join(operations) or "operation"
    within = around.name if around is not None and around.parent is not None else ""
    after = (call.name,) if call is not None else ()
    return Raw(what, within, story.index.owners(near), after, id(tensor))


def _leak(story, tensor, place, operations, call):
    known = set(story.known(call)) - {id(tensor)}
    culprit = story.culprit([tensor], known)
    return Cause("leak", place, None, _source(operations.values()), operations=culprit)


def _source(lines):
    for line in reversed(list(lines)):
        if line is not None:
            text = linecache.getline(line[0], line[1]).strip()
            if text and not text.startswith("outputs = "):
                return f"the line is `{text}`"
    return ""
