"""`draw_curves`: what it draws, what it tells, and each error."""

import numpy as np
import pytest

from course_lib.pictures_start_here import draw_curves

CURVES = {"with the mask": [0.85, 1.0], "without": [0.5, 0.5]}


def test_a_line_for_each_model_and_one_for_guessing():
    (axes,) = draw_curves(CURVES, 0.53).figure.axes
    lines = [np.asarray(line.get_ydata(), float).tolist() for line in axes.lines]
    assert lines == [[0.85, 1.0], [0.5, 0.5], [0.53, 0.53]]
    assert len({line.get_marker() for line in axes.lines}) == 3
    assert [text.get_text().strip() for text in axes.texts] == [
        "with the mask: 1.00",
        "without: 0.50",
        "guessing: 0.53",
    ]


def test_tells_what_the_lines_show():
    assert draw_curves(CURVES, 0.53, title="Guests").alt == (
        "Guests: with the mask: 0.85 after epoch 1, 1.00 after 2. "
        "without: 0.50 after epoch 1, 0.50 after 2. Guessing gives 0.53."
    )


@pytest.mark.parametrize(
    ("curves", "guessing", "error", "message"),
    [
        ({}, 0.5, ValueError, "`curves` must hold 1 or 2 curves, got 0"),
        ({"a": [0.5], "b": [0.5], "c": [0.5]}, 0.5, ValueError, "got 3"),
        ({"a": []}, 0.5, ValueError, r"`curves\['a'\]` must hold shares .* got \[\]"),
        ({"a": [1.5]}, 0.5, ValueError, r"`curves\['a'\]` must hold shares from 0 to 1"),
        ({"a": [np.nan]}, 0.5, ValueError, r"`curves\['a'\]`"),
        ({"a": ["x"]}, 0.5, TypeError, r"`curves\['a'\]`"),
        ({"a": [0.5]}, -1, ValueError, "`guessing` must hold shares"),
    ],
)
def test_says_what_came(curves, guessing, error, message):
    with pytest.raises(error, match=message):
        draw_curves(curves, guessing)
