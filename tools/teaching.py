"""Write what a teacher reads of the lessons and exercises: `make teaching`.

`docs/answer_key.md` is made from the exercises alone: task, hints, solution, usual mistakes with
their questions. In `docs/teaching.md` the part between two marks is made, from the exercises, the
lessons' first cells and `teaching_notes.toml`; all around it is written by hand.
"""

import json
import re
import tomllib
from pathlib import Path

from course_lib.exercises._exercise import LESSONS, exercises_of
from tools.minutes import reading, rounded

ROOT = Path(__file__).resolve().parent.parent
GUIDE = ROOT / "docs" / "teaching.md"
KEY = ROOT / "docs" / "answer_key.md"
NOTES = ROOT / "tools" / "teaching_notes.toml"
BEGIN = "<!-- What follows is made by `make teaching`: edit tools/teaching_notes.toml instead. -->"
END = "<!-- Here ends what `make teaching` makes. -->"

KEY_HEAD = """\
# Answer key

Made by `make teaching` from `course_lib/exercises`. A solution is one of many: `check` runs an
answer on drawn cases and compares results, not text. Below each solution stand the usual mistakes.
`check` knows them by what they compute, and asks the question beside them; ask the same in class.
"""


def notebook_of(number):
    """Return the path of a lesson's notebook, `None` if it is not there yet."""
    found = sorted((ROOT / "notebooks").glob(f"{number:02d}_*.ipynb"))
    return found[0] if found else None


def lesson_head(path):
    """Return (title, what you'll do, minutes of reading) of a notebook."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    text = "".join(cells[0]["source"]) + "\n\n" + "".join(cells[1]["source"])
    title = re.search(r"^# (.+)$", text, re.MULTILINE)[1]
    aim = re.search(r"\*\*What you'll do\.?\*\*\.? *(.+?)(?:\n\n|\Z)", text, re.DOTALL)
    return title, " ".join(aim[1].split()) if aim else "", rounded(reading(cells))


def row(cells):
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def anchor(exercise):
    """Return the name that a link to an exercise's heading has, as GitHub and Sphinx make it."""
    name = f"{exercise.id} {exercise.title}".lower()
    return re.sub(r"[^\w\- ]", "", name).replace(" ", "-")


def check_notes(number, exercises, notes):
    """Raise if the notes name an exercise that the lesson does not have."""
    unknown = set(notes.get("drop", [])) - {exercise.id for exercise in exercises}
    if unknown:
        raise LookupError(
            f"tools/teaching_notes.toml: lesson {number:02d} has no exercise {sorted(unknown)}"
        )


def lesson_part(number, exercises, notes):
    """Yield the lines of a lesson in the guide."""
    check_notes(number, exercises, notes)
    path = notebook_of(number)
    if path is not None:
        title, aim, minutes = lesson_head(path)
        total = sum(exercise.minutes for exercise in exercises)
        yield f"### {number:02d} {title}\n"
        link = f"[The lesson](../notebooks/{path.name})"
        yield f"{link}: {minutes} minutes to read, {total} of exercises.\n"
        yield f"**Aim.** {aim}\n"
    else:
        yield f"### {number:02d} {LESSONS[number].replace('_', ' ')}\n"
    if notes.get("ask"):
        yield "**Ask.**\n"
        yield from [f"- {question}" for question in notes["ask"]]
        yield ""
    if notes.get("stumble"):
        yield f"**Where they stumble.** {notes['stumble']}\n"
    if exercises:
        yield from exercise_table(exercises, notes.get("drop", []))
    if notes.get("why"):
        yield f"Why these are dropped first: {notes['why']}\n"


def exercise_table(exercises, dropped):
    yield row(["exercise", "minutes", "", "short of time", "mistakes that it knows"])
    yield row(["---", "---", "---", "---", "---"])
    for exercise in exercises:
        link = f"[{exercise.id} {exercise.title}](answer_key.md#{anchor(exercise)})"
        keep = "drop" if exercise.id in dropped else "keep"
        names = "; ".join(wrong.name for wrong in exercise.wrong)
        yield row([link, exercise.minutes, exercise.difficulty, keep, names])
    yield ""


def guide(text):
    """Return the guide with its made part made anew.

    Raises:
        ValueError: the two marks do not stand in it, each once and in order.
    """
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"docs/teaching.md must hold two lines, in order: {BEGIN!r} and {END!r}")
    notes = tomllib.loads(NOTES.read_text(encoding="utf-8"))["lesson"]
    parts = []
    for number, word in LESSONS.items():
        parts += lesson_part(number, exercises_of(word), notes.get(f"{number:02d}", {}))
    before, after = text[: text.index(BEGIN)], text[text.index(END) :]
    return f"{before}{BEGIN}\n\n" + "\n".join(parts).rstrip() + f"\n\n{after}"


def answer_key():
    """Return the whole page of answers."""
    parts = [KEY_HEAD]
    for number, word in LESSONS.items():
        path = notebook_of(number)
        parts.append(f"## {number:02d} {lesson_head(path)[0] if path else word}\n")
        for exercise in exercises_of(word):
            parts += exercise_part(exercise)
    return "\n".join(parts).rstrip() + "\n"


def exercise_part(exercise):
    """Yield the lines of an exercise in the answer key."""
    yield f"### {exercise.id} {exercise.title}\n"
    yield f"{exercise.minutes} minutes, {exercise.difficulty}. {exercise.task}\n"
    yield "Hints:\n"
    yield from [f"{n}. {' '.join(hint.split())}" for n, hint in enumerate(exercise.hints, 1)]
    yield f"\n```python\n{exercise.solution_source}\n```\n"
    yield row(["if they have", "ask"])
    yield row(["---", "---"])
    yield from [row([wrong.name, " ".join(wrong.question.split())]) for wrong in exercise.wrong]
    yield ""


def main():
    """Write both pages."""
    KEY.write_text(answer_key(), encoding="utf-8")
    GUIDE.write_text(guide(GUIDE.read_text(encoding="utf-8")), encoding="utf-8")
    for page in (KEY, GUIDE):
        print(f"wrote {page.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
