"""`progress()`: what was solved where, from one small file in the learner's folder.

The file is written beside its place and then moved over the old one, so a crash leaves the old
file or the new one, whole. `COURSE_PROGRESS` may name another file; the word `off` means that none
is read or written, which is how the tests and `make run` keep out of a learner's record.
"""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from course_lib.exercises._exercise import LESSONS, exercises_of
from course_lib.pictures import BLUE, HATCH, INK, PALE, Picture, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FILE = ".course_progress.json"
VERSION = 1


class Progress(Picture):
    """What was solved where, as a picture and as lines of text.

    Attributes:
        solved: the numbers of the solved exercises.
        tried: the numbers of those that were tried and are not solved yet.
    """

    def __init__(self, figure: Figure, alt: str, solved: list[str], tried: list[str]) -> None:
        super().__init__(figure, alt)
        self.solved = solved
        self.tried = tried


def progress() -> Progress:
    """Return what was solved so far, lesson by lesson; it displays itself as a picture."""
    entries, note = read()
    lines, rows, solved, tried = [], [], [], []
    for number, lesson in LESSONS.items():
        ids = [exercise.id for exercise in exercises_of(lesson)]
        states = [_state(entries.get(one)) for one in ids]
        solved += [one for one, state in zip(ids, states, strict=True) if state == "solved"]
        tried += [one for one, state in zip(ids, states, strict=True) if state == "tried"]
        name = f"{number:02d} {lesson.replace('_', ' ')}"
        rows.append((name, list(zip(ids, states, strict=True))))
        lines.append(f"{name}: {_in_words(rows[-1][1])}")
    total = sum(len(cells) for _, cells in rows)
    head = f"{len(solved)} of {total} exercises solved."
    text = "\n".join([head, *lines, *([note] if note else [])])
    return Progress(_draw(rows, head), text, solved, tried)


def _state(entry):
    return "open" if entry is None else "solved" if entry["solved"] else "tried"


def _in_words(cells):
    parts = []
    for state in ("solved", "tried", "open"):
        ids = [one for one, its in cells if its == state]
        if ids:
            parts.append(f"{', '.join(ids)} {state}")
    return "; ".join(parts) + "."


def path():
    """Return where the record is kept, or `None` if none is."""
    name = os.environ.get("COURSE_PROGRESS", FILE)
    return None if name == "off" else Path(name)


def read():
    """Return the entries, and a note if a record was there that could not be read.

    Such a record is kept under another name, and a new one is begun.
    """
    place = path()
    if place is None:
        return {}, ""
    try:
        text = place.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}, ""
    except UnicodeDecodeError:
        return {}, _put_aside(place, "is damaged")
    except OSError as error:
        return {}, f"Your progress could not be read ({error.strerror})."
    try:
        return entries_in(text), ""
    except ValueError as error:
        return {}, _put_aside(place, str(error))


def entries_in(text):
    """Return {exercise's number: {"solved": bool, "tries": int}} of a record's text.

    Raises:
        ValueError: it is no record of this version; the message goes on from "the record …".
    """
    try:
        record = json.loads(text)
        version = record["version"]
        if version == VERSION:
            entries = record["exercises"]
            for entry in entries.values():
                if not isinstance(entry["solved"], bool) or not isinstance(entry["tries"], int):
                    raise TypeError
            return entries
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ValueError("is damaged") from None
    raise ValueError(f"is of another version ({version!r})")


def _put_aside(place, why):
    number = 1
    while (aside := place.with_name(f"{place.name}.{number}.old")).exists():
        number += 1
    try:
        os.replace(place, aside)
    except OSError as error:
        return f"Your record of progress {why} and could not be moved ({error.strerror})."
    return f"Your record of progress {why}. It is kept as {aside.name}, and a new one is begun."


def record(exercise_id, *, solved):
    """Add one try to the record. Once solved, an exercise stays solved.

    Returns:
        A note for the learner if something went wrong, else "".
    """
    place = path()
    if place is None:
        return ""
    # Read anew each time: another notebook may have written since.
    entries, note = read()
    old = entries.get(exercise_id, {"solved": False, "tries": 0})
    entries[exercise_id] = {"solved": solved or old["solved"], "tries": old["tries"] + 1}
    text = json.dumps({"version": VERSION, "exercises": entries}, indent=1, sort_keys=True)
    beside = place.with_name(f"{place.name}.{os.getpid()}.new")
    try:
        with open(beside, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, place)
    except OSError as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        return f"{note} Your progress could not be saved ({error.strerror}).".strip()
    return note


def _draw(rows, head):
    from matplotlib.patches import Rectangle

    columns = max(len(cells) for _, cells in rows)
    figure, axes = new_figure(2.2 + 0.8 * columns, 0.6 + 0.42 * len(rows))
    for row, (_, cells) in enumerate(rows):
        for column, (exercise_id, state) in enumerate(cells):
            box = Rectangle((column + 0.04, row + 0.08), 0.92, 0.84)
            box.set(
                edgecolor="#999999" if state == "open" else INK,
                facecolor=BLUE if state == "solved" else PALE if state == "open" else "white",
                hatch=HATCH if state == "open" else None,
                linewidth=2 if state == "tried" else 0.8,
            )
            axes.add_patch(box)
            axes.text(
                column + 0.5,
                row + 0.5,
                {"solved": f"✓ {exercise_id}", "tried": f"{exercise_id} …"}.get(state, exercise_id),
                ha="center",
                va="center",
                fontsize=9,
                color="white" if state == "solved" else INK,
                bbox={"facecolor": PALE, "edgecolor": "none", "pad": 1}
                if state == "open"
                else None,
            )
    axes.set(xlim=(0, columns), ylim=(len(rows), 0), xticks=[])
    axes.set_yticks([row + 0.5 for row in range(len(rows))], [name for name, _ in rows])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(head, loc="left", fontsize=10, color=INK)
    return figure
