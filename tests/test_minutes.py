"""What a lesson asks of its reader is counted, and what it shows is more than yes and no."""

import re

import pytest

from tools.minutes import boolean_share, cells_of, lessons, reading, rounded, source, spoiled

LONGEST, MOST_BOOLEANS = 35, 0.15

EACH = pytest.mark.parametrize("path", lessons(), ids=lambda path: path.stem)


@EACH
def test_the_minutes_are_counted(path):
    stated = re.search(r"^\*\*Time\.\*\* (\d+) minutes", source(cells_of(path)[0]), re.MULTILINE)[1]
    assert int(stated) == rounded(reading(cells_of(path)))


@EACH
def test_a_lesson_is_no_longer_than_this(path):
    assert reading(cells_of(path)) <= LONGEST


@EACH
def test_a_lesson_shows_more_than_yes_and_no(path):
    assert boolean_share(cells_of(path)) < MOST_BOOLEANS


@EACH
def test_no_claim_is_in_sight_of_a_question(path):
    assert spoiled(cells_of(path)) == []


def text(words):
    return {"cell_type": "markdown", "source": words, "metadata": {}}


def code(source, shown="", folded=False):
    outputs = [{"data": {"text/plain": shown}}] if shown else []
    metadata = {"jupyter": {"source_hidden": True}} if folded else {}
    return {"cell_type": "code", "source": source, "metadata": metadata, "outputs": outputs}


def test_minutes_are_words_lines_and_questions():
    cells = [text("word " * 199 + "*Predict"), code("a\n\nb"), code("c\n" * 99, folded=True)]
    assert reading(cells) == pytest.approx(1 + 2 * 7 / 60 + 25 / 60)
    assert rounded(10.1) == 15
    assert rounded(10) == 10


@pytest.mark.parametrize(
    ("shown", "is_boolean"),
    [
        ("True", True),
        ("(True, False)", True),
        ("array([[ True, False],\n       [ True,  True]])", True),
        ("[[True], [False]]", True),
        ("[[ True False  True]\n [ True  True False]]", False),
        ("0.5", False),
        ("3 of 5 are True", False),
    ],
)
def test_what_says_yes_or_no_alone(shown, is_boolean):
    assert boolean_share([code("x", shown)]) == is_boolean


ASKED = text("*Predict: is it so?*\n\n<details><summary>Answer</summary>\n\nYes.\n\n</details>")
CLAIM = text("**Claim 1.1.** It is so.")
FOLDED = text(f"<details><summary>What it shows</summary>\n\n{CLAIM['source']}\n\n</details>")


@pytest.mark.parametrize(
    ("cells", "places"),
    [
        ([ASKED, code("x"), CLAIM], [0]),
        ([ASKED, CLAIM, code("x")], [0]),
        ([ASKED, text("A way to look:"), code("x"), code("y"), CLAIM], [0]),
        ([ASKED, code("x"), FOLDED], []),
        ([ASKED, code("x"), FOLDED, CLAIM], []),
        ([ASKED, code("x"), text("## Next"), CLAIM], []),
        ([CLAIM, ASKED, code("x")], []),
    ],
)
def test_a_claim_in_sight_of_a_question_is_seen(cells, places):
    assert spoiled(cells) == places
