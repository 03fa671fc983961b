"""Read a lesson as a talk: which cells are on which slide, under which title, with which notes.

It stands in the cells' metadata, so that it is edited beside the cell and no reader sees it:
`slideshow.slide_type` says where a cell goes, `talk` what is said. CONTRIBUTING.md tells how to
write one.
"""

from dataclasses import dataclass, field

from course_lib.exercises._exercise import find
from tools import talk_text
from tools.talk_text import EXERCISE, Part, code_parts, text_parts

BEGINS = ("slide", "subslide")  # the second one in a lesson that is not a talk yet
BELONGS = ("-", "fragment")
KEYS = {"title", "notes", "text", "show"}


@dataclass
class Slide:
    """One slide: its title (Markdown), its parts in order, and its notes (Markdown)."""

    title: str
    kind: str
    label: str = ""
    parts: list[Part] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def size(self, part):
        """Pixels for code or an output: as large as its longest line and the height allow."""
        longest = max(map(len, part.lines), default=1)
        count = sum(len(other.lines) for other in self.parts)
        others = sum(other.boxes for other in self.parts if not other.lines)
        by_width = 1170 / (0.605 * longest)
        by_height = (500 - 70 * others) / (1.35 * max(count, 1))
        largest = 27 if part.kind == "code" else 34
        return int(min(largest, max(20, min(by_width, by_height))))


def place_of(cell):
    return cell.metadata.get("slideshow", {}).get("slide_type", "-")


def is_talk(notebook):
    """Whether titles and notes are written, or the slides are still the lesson cut up."""
    return any("talk" in cell.metadata for cell in notebook.cells)


def slides_of(notebook):
    """Return the lesson's slides, in order."""
    slides = []
    for cell in notebook.cells:
        place = place_of(cell)
        if place in BEGINS:
            slides.append(begin(cell, first=not slides))
        elif place in BELONGS and slides:
            slides[-1].parts += parts_of(cell, press=place == "fragment")
    return slides


def begin(cell, first):
    """Return the slide that begins with a cell."""
    talk = talk_of(cell)
    exercise = EXERCISE.match(cell.source)
    if exercise:
        return exercise_slide(find(exercise[1]), talk["notes"])
    parts = parts_of(cell, press=False)
    asks = any(part.kind == "question" for part in parts)
    kind = "first" if first else "predict" if asks else "plain"
    title = talk["title"] or talk_text.heading_of(cell)
    return Slide(title, kind, "Predict" if asks else "", parts, talk["notes"])


def talk_of(cell):
    """Return the `talk` of a cell, with every key that may stand there."""
    talk = {"title": "", "notes": [], "text": None, "show": "both", **cell.metadata.get("talk", {})}
    where = f"the talk of cell {cell.get('id')}"
    if unknown := set(talk) - KEYS:
        raise ValueError(f"{where} may have {sorted(KEYS)}, got {sorted(unknown)}")
    if not isinstance(talk["notes"], list):
        raise ValueError(f"notes in {where} must be a list of paragraphs, got {talk['notes']!r}")
    if talk["show"] not in ("both", "code", "output"):
        raise ValueError(f"show in {where} must be both, code or output, got {talk['show']!r}")
    return talk


def parts_of(cell, press):
    """Return what a cell puts on its slide; with `press`, at the press of a key."""
    talk = talk_of(cell)
    if cell.cell_type == "markdown":
        return text_parts(cell.source, talk["text"], press)
    return code_parts(cell, talk["show"], press) if cell.cell_type == "code" else []


def exercise_slide(exercise, notes):
    """Return an exercise's slide: title, minutes and task; its hints and mistakes are notes."""
    minutes = f"{exercise.minutes} minute{'s' if exercise.minutes > 1 else ''}"
    asked = " / ".join(exercise.hints)
    mistakes = [f"- {wrong.name}: *{wrong.question}*" for wrong in exercise.wrong]
    return Slide(
        f"{exercise.id} {exercise.title}",
        "exercise",
        f"Exercise, {minutes}",
        [Part("text", talk_text.html(exercise.task))],
        [
            *notes,
            f"**Time.** {minutes} ({exercise.difficulty}). Then unfold the notebook's solution.",
            f"**Hints**, one after the other: {asked}",
            "**They stumble** over:\n\n" + "\n".join(mistakes),
        ],
    )
