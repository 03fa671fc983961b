"""Lessons and tests hold the same claims: none untested, none unshown, no two wordings."""

import json
import re
from collections import Counter
from pathlib import Path

from tools.claims_report import claims_in_tests

ROOT = Path(__file__).parent.parent
# "**Claim 2.1.** Row 0 of the table is an ordinary vector." A claim is one paragraph.
CLAIM = re.compile(r"\*\*Claim (\d+\.\d+)\.\*\* (.+?)(?=\n\s*\n|\n[-*>#]|\Z)", re.DOTALL)


# The recap repeats it as a list item: "- 2.1 Row 0 of the table is an ordinary vector."
RECAP = re.compile(r"^- (\d+\.\d+) (.+)$", re.MULTILINE)


def claims_in_lessons():
    """Return (number, sentence, lesson, place of the cell) for each claim."""
    found = []
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        for place, cell in enumerate(json.loads(path.read_text())["cells"]):
            if cell["cell_type"] == "markdown":
                for number, sentence in CLAIM.findall("".join(cell["source"])):
                    found.append((number, " ".join(sentence.split()), path.stem, place))
    return found


def test_lessons_and_tests_say_the_same():
    shown = {(number, sentence) for number, sentence, *_ in claims_in_lessons()}
    tested = {(number, sentence) for number, sentence, _ in claims_in_tests()}
    assert shown - tested == set(), "claims without a test"
    assert tested - shown == set(), "claims that no lesson makes"


def test_a_number_stands_once():
    numbers = Counter(number for number, *_ in claims_in_lessons())
    assert [number for number, count in numbers.items() if count > 1] == []


def test_a_claim_carries_its_lessons_number_and_module():
    for number, _, lesson, _ in claims_in_lessons():
        assert int(number.split(".")[0]) == int(lesson.split("_")[0])
    lesson_of = {int(path.stem[:2]): path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    for number, _, module in claims_in_tests():
        assert module in lesson_of[int(number.split(".")[0])]


def test_numbers_run_from_one():
    for lesson in {lesson for _, _, lesson, _ in claims_in_lessons()}:
        places = [int(n.split(".")[1]) for n, _, name, _ in claims_in_lessons() if name == lesson]
        assert places == list(range(1, len(places) + 1)), lesson


def test_a_claim_is_shown_by_a_cell_beside_it():
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text())["cells"]
        for number, _, lesson, place in claims_in_lessons():
            if lesson == path.stem:
                near = cells[max(place - 1, 0) : place + 2]
                assert any(cell["cell_type"] == "code" for cell in near), number


def test_the_recap_repeats_every_claim():
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text())["cells"]
        text = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
        made = [claim[:2] for claim in claims_in_lessons() if claim[2] == path.stem]
        assert RECAP.findall(text) == made, path.stem


def test_the_sentence_is_found():
    text = "Before.\n\n**Claim 2.1.** Row 0 is\nan ordinary vector.\n\nAfter."
    assert CLAIM.findall(text) == [("2.1", "Row 0 is\nan ordinary vector.")]
