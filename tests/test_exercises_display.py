"""What a check shows: words, HTML and a picture that says the same without colour."""

import numpy as np
import pytest

pytest.importorskip("hypothesis", reason="checking needs Hypothesis: `make .venv` installs it")

from course_lib import check, hint
from course_lib.exercises._compare import compare
from course_lib.exercises._drawing import draw_problem
from course_lib.exercises._exercise import find
from course_lib.exercises._result import Result, as_html


def off_by_half(values, mask):
    return find("1.3").solution(values, mask) + 0.5


def test_a_wrong_answer_is_drawn():
    result = check("1.3", off_by_half)
    assert result.status == "wrong"
    assert not result
    lines = repr(result).splitlines()
    assert lines[:2] == ["1.3 A mean that does not see padding: not yet.", "Its values differ."]
    assert sum("values = " in line or "mask = " in line for line in lines) == 2
    assert any(line.startswith("yours,    result = [") for line in lines)
    assert any(line.startswith("expected, result = [") for line in lines)
    assert lines[-1] == "exact: False | approximate: False | largest difference: 0.5"
    assert result.picture.alt.startswith(
        "Your result beside the expected one. 2 of 2 values differ, at (0, 0), (0, 1)"
    )
    assert result.picture.png().startswith(b"\x89PNG")


def test_the_smallest_failing_case_is_shown():
    """Wrong from width 3 on, for rows of two: the case that is shown is as small as that."""

    def answer(lengths, maxlen):
        mask = find("1.2").solution(lengths, maxlen)
        return ~mask if maxlen >= 3 and len(lengths) == 2 else mask

    details = check("1.2", answer).details
    assert "lengths = [0 0]\nmaxlen = 3\n" in details


def test_where_it_differs_is_seen_without_colour():
    got, expected = np.array([[1.0, 2.0]]), np.array([[1.0, 2.5]])
    figure = draw_problem(compare(got, expected)).figure
    texts = [[text.get_text() for text in axes.texts] for axes in figure.axes]
    assert texts == [["1", "≠ 2"], ["1", "2.5"]]
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["yours", "expected"]
    thick = [patch for patch in figure.axes[0].patches if patch.get_linewidth() > 2]
    assert len(thick) == 1


@pytest.mark.parametrize(
    ("got", "expected", "drawn"),
    [
        (np.ones((2, 3)), np.zeros((2, 3)), True),
        (np.array([True, False]), np.array([True, True]), True),
        (np.ones((2, 3)), np.zeros((2, 4)), False),
        (np.ones((2, 3)), np.zeros((2, 3), int), False),
        (np.ones((2, 2, 2)), np.zeros((2, 2, 2)), True),
        (np.float64(3), np.float64(4), True),
        (None, np.ones(2), False),
        ([1, 2], np.ones(2), False),
        (np.ones((50, 50)), np.zeros((50, 50)), False),
        (np.ones((0, 3)), np.zeros((2, 3)), False),
        (np.array(["a"]), np.zeros(1), False),
    ],
)
def test_what_can_be_drawn_is_drawn(got, expected, drawn):
    picture = draw_problem(compare(got, expected))
    assert (picture is not None) == drawn
    if drawn:
        assert picture.png().startswith(b"\x89PNG")


def test_a_batch_shows_the_row_that_differs():
    expected = np.zeros((3, 2, 2))
    got = expected.copy()
    got[2, 1, 0] = 7
    picture = draw_problem(compare(got, expected))
    assert "1 of 4 values differ, at (1, 0)" in picture.alt


def test_html_says_the_same_and_escapes():
    result = Result("1.1", "A < B", "wrong", "Is `a < b` so?\nYes.", details="x = <generator>")
    html = result._repr_html_()
    assert "1.1 A &lt; B: not yet." in html
    assert "<code>a &lt; b</code> so?<br>Yes." in html
    assert "x = &lt;generator&gt;" in html
    assert as_html("a & b") == "a &amp; b"


def test_it_displays_itself(monkeypatch):
    display = pytest.importorskip("IPython.display", reason="IPython is not installed")

    shown = []
    monkeypatch.setattr(display, "display", lambda one, raw=False: shown.append(one))
    check("1.3", off_by_half)._ipython_display_()
    assert set(shown[0]) == {"text/plain", "text/html"}
    assert shown[1].alt in repr(shown[1])
    shown.clear()
    check("1.1", find("1.1").solution)._ipython_display_()
    assert len(shown) == 1


@pytest.mark.parametrize(
    ("title", "told", "shown"),
    [
        ("Lengths", "9.9 Lengths: not attempted yet.", "9.9 Lengths: not"),
        ("Which rows?", "9.9 Which rows? Not attempted yet.", "9.9 Which rows? Not"),
        ("`f` of <T>", "9.9 `f` of <T>: not", "9.9 <code>f</code> of &lt;T&gt;: not"),
    ],
)
def test_the_first_line_reads_well(title, told, shown):
    result = Result("9.9", title, "not attempted", "")
    assert repr(result).startswith(told)
    assert f"<strong>{shown} attempted yet.</strong>" in result._repr_html_()


def test_a_hint_is_shown():
    text = hint("1.1")
    assert repr(text).startswith("Hint ")
    assert "<strong>Hint" in text._repr_html_()


def test_results_are_the_same_twice():
    for answer in (off_by_half, find("1.3").wrong[0].answer, find("1.3").solution, ...):
        one, two = check("1.3", answer), check("1.3", answer)
        assert repr(one) == repr(two)
        assert one._repr_html_() == two._repr_html_()


def test_a_part_of_a_result_has_a_name():
    def another_layer(embedding, scale, lstm, ids):
        return "nowhere", find("6.1").solution(embedding, scale, lstm, ids)[1]

    result = check("6.1", another_layer)
    assert result.message.startswith("Look at `layer`. ")
    assert "yours,    layer = " in result.details


def test_values_of_another_kind_are_not_called_exact():
    result = check("1.1", lambda row, maxlen: find("1.1").solution(row, maxlen) + 0.0)
    assert result.message.startswith("Its dtype is float64; expected: integers.")
    assert "exact" not in result.details
