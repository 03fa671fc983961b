"""Reading docs/claims.md by code, on a page of its own and on the project's."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.versions import FAILS, HOLDS, Sentence, read_claims

ROOT = Path(__file__).parent.parent
PAGE = """# Claims

| column | Keras |
|---|---|
| 3.0 | 3.0.5 |

| claim | 3.0 | 3.1 | tf_keras |
| --- | :-: | :-: | :-: |
| **2.1** Rows are taken, `a | b` too. | ✓ | ✓ | ✓ |
| **2.10** It changed. | ✗ | ✓ | – |

- **2.10** 3.0: fails.

| claim | 3.0 | 3.1 | tf_keras |
| --- | :-: | :-: | :-: |
| **11.3** Unknown. | ? | ✓ | ✗ |
"""


@pytest.fixture
def page(tmp_path):
    def write(text=PAGE):
        path = tmp_path / "claims.md"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_sentences_of_a_page(page):
    first, second, third = read_claims(page())
    assert first.text == "Rows are taken, `a | b` too."
    assert first.verdicts == {"tf_keras": "✓", "3.0": "✓", "3.1": "✓"}
    assert list(first.verdicts) == ["tf_keras", "3.0", "3.1"]
    assert (second.number, second.lesson, second.changed, second.turns) == (
        "2.10",
        2,
        True,
        ["3.1"],
    )
    assert (third.lesson, third.changed, third.turns) == (11, True, ["3.1"])
    assert not first.changed


def test_the_projects_page_is_read_whole():
    text = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
    grid = text.split("## Every sentence under every version")[1]
    rows = [line for line in grid.splitlines() if line.startswith("| **")]
    sentences = read_claims(ROOT / "docs" / "claims.md")
    assert len(sentences) == len(rows)
    for row, sentence in zip(rows, sentences, strict=True):
        assert row.startswith(f"| **{sentence.number}** {sentence.text} |")
        assert sorted(sentence.verdicts.values()) == sorted([*row.split(" | ")[1:-1], row[-3]])


@given(st.lists(st.sampled_from("✓✗–?"), min_size=1, max_size=9))
def test_turns_are_where_the_answer_changes(verdicts):
    one = Sentence("1.1", "", {str(place): v for place, v in enumerate(verdicts)})
    answer, turns = None, []
    for name, verdict in one.verdicts.items():
        if verdict in (HOLDS, FAILS):
            if answer not in (None, verdict):
                turns.append(name)
            answer = verdict
    assert one.turns == turns
    assert one.changed == bool(turns)


def test_another_file_is_refused(page):
    with pytest.raises(ValueError, match=r"`path` must be a page that `make claims` wrote, got"):
        read_claims(page("# Nothing"))
    with pytest.raises(FileNotFoundError):
        read_claims("no-such-page.md")


def test_a_row_that_is_short_is_named(page):
    with pytest.raises(ValueError, match=r"each of 3 versions, got 2 for claim 2\.10"):
        read_claims(page(PAGE.replace("| ✗ | ✓ | – |", "| ✗ | ✓ |")))
