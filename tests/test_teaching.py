"""The guide for teachers: its made parts are up to date, and its timetables add up."""

import itertools
import re

import pytest

from course_lib.exercises._exercise import LESSONS, all_exercises, exercises_of
from tools import teaching

TEXT = teaching.GUIDE.read_text(encoding="utf-8")
KEY = teaching.KEY.read_text(encoding="utf-8")
MINUTES = {exercise.id: exercise.minutes for exercise in all_exercises()}
NOTES = teaching.tomllib.loads(teaching.NOTES.read_text(encoding="utf-8"))["lesson"]


def test_both_pages_are_up_to_date():
    assert teaching.guide(TEXT) == TEXT, "run `make teaching`"
    assert teaching.answer_key() == KEY, "run `make teaching`"


def test_every_exercise_with_its_mistakes_and_hints_is_in_the_key():
    for exercise in all_exercises():
        part = KEY.partition(f"### {exercise.id} ")[2].partition("\n### ")[0]
        assert exercise.solution_source in part
        for hint in exercise.hints:
            assert " ".join(hint.split()) in part
        lines = [line for line in part.splitlines() if line.startswith("| ")][2:]
        assert len(lines) == len(exercise.wrong)
        # A bar in a cell would begin another one.
        assert all(len(re.findall(r"(?<!\\)\|", line)) == 3 for line in lines)


def test_links_into_the_key_meet_a_heading():
    headings = re.findall(r"^#+ (.+)$", KEY, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in headings}
    linked = re.findall(r"\(answer_key\.md#([^)]+)\)", TEXT)
    assert len(linked) == len(MINUTES)
    assert set(linked) <= anchors


def test_a_lesson_without_notes_has_its_part():
    lines = "\n".join(teaching.lesson_part(1, exercises_of("padding"), {}))
    assert "**Aim.** Turn three rows" in lines
    assert "[1.2 A mask for padding in front]" in lines
    assert "Ask." not in lines


def test_a_note_on_an_exercise_that_is_not_there_is_an_error():
    with pytest.raises(LookupError, match=r"lesson 01 has no exercise \['1.9'\]"):
        list(teaching.lesson_part(1, exercises_of("padding"), {"drop": ["1.9"]}))


def test_without_its_marks_the_page_is_refused():
    with pytest.raises(ValueError, match="must hold two lines"):
        teaching.guide(TEXT.replace(teaching.END, ""))


def test_what_is_dropped_is_never_all():
    for number, word in LESSONS.items():
        dropped = set(NOTES.get(f"{number:02d}", {}).get("drop", []))
        assert not dropped or dropped < {exercise.id for exercise in exercises_of(word)}


def timetable(title):
    """Return the rows of a timetable: (from, minutes, the rest), times in minutes."""
    part = TEXT.partition(f"\n### {title}\n")[2].partition("\n#")[0]
    rows = re.findall(r"^\| (\d+):(\d\d) \| (\d+) \| (.+) \|$", part, re.MULTILINE)
    return [(60 * int(hour) + int(m), int(minutes), rest) for hour, m, minutes, rest in rows]


@pytest.mark.parametrize(("title", "total"), [("90 minutes", 90), ("One day", 450)])
def test_a_timetable_adds_up(title, total):
    rows = timetable(title)
    assert sum(minutes for _, minutes, _ in rows) == total
    for (start, minutes, _), (after, _, _) in itertools.pairwise(rows):
        assert start + minutes == after
    for _, minutes, rest in rows:
        exercises = re.findall(r"\b\d+\.\d\b", rest)
        assert sum(MINUTES[number] for number in exercises) <= minutes


def test_scenes_that_the_timetable_names_are_in_the_lesson():
    for _, _, rest in timetable("90 minutes"):
        path = re.search(r"\(\.\./(notebooks/\w+\.ipynb)\)", rest)
        for scene in re.findall(r"(?<!\*)\*([^*]+)\*(?!\*)", rest):
            assert f"## {scene}" in (teaching.ROOT / path[1]).read_text(encoding="utf-8")


def test_no_exercise_of_the_timetables_is_one_to_drop():
    dropped = {number for notes in NOTES.values() for number in notes.get("drop", [])}
    named = {n for _, _, rest in timetable("One day") for n in re.findall(r"\b\d+\.\d\b", rest)}
    assert named
    assert not named & dropped
