"""The pictures of lesson 11: what they tell, and what they refuse."""

import numpy as np
import pytest

from course_lib.pictures_pronunciation import (
    draw_costs,
    draw_curves,
    draw_right,
    draw_stress,
    draw_words,
)
from course_lib.pronunciation import parse

WORDS = [
    parse("banana", ["B", "AH0", "N", "AE1", "N", "AH0"]),
    parse("abba", ["AE1", "B", "AH0"]),
    parse("akin", ["AH0", "K", "IH1", "N"]),
]


def test_words_and_labels_are_counted():
    alt = draw_words(WORDS).alt
    assert "number of phones: 3 1, 4 1, 5 0, 6 1." in alt
    assert "label: unstressed 4, primary 3, secondary 0, consonant 6." in alt
    with pytest.raises(ValueError, match="`words` must hold at least one word, got none"):
        draw_words([])


FOUND = {
    "model": [np.array(word.stresses) for word in WORDS],
    "guess": [np.array(WORDS[0].stresses), np.array([1, 3, 0]), np.array([1, 3, 0, 3])],
}


class TestRight:
    def test_shares_by_length_and_pattern(self):
        picture = draw_right(FOUND, WORDS, fewest=1)
        assert "phones: model: 3 100%, 4 100%, 6 100%; guess: 3 100%, 4 0%, 6 100%." in picture.alt
        assert "0 none: model: 01 100%, 10 100%, 010 100%; guess: 01 0%" in picture.alt

    def test_series_differ_without_colour(self):
        axes, _ = draw_right(FOUND, WORDS, fewest=1).figure.axes
        assert [bool(patch.get_hatch()) for patch in axes.patches] == [False] * 3 + [True] * 3

    def test_bad_input_is_named(self):
        with pytest.raises(ValueError, match="`found` must mark each of 3 words, got 1"):
            draw_right({"model": FOUND["model"][:1]}, WORDS)
        with pytest.raises(ValueError, match="`words` must hold 50 or more of one kind, got 3"):
            draw_right(FOUND, WORDS)


HISTORY = {"loss": [0.5, 0.25], "accuracy": [0.5, 0.75]}
HISTORY |= {f"val_{name}": [v / 2 for v in values] for name, values in HISTORY.items()}


class TestCurves:
    def test_all_four_are_told(self):
        picture = draw_curves(HISTORY, "Training")
        assert picture.alt.startswith("Training: loss, training: 0.50, 0.25. loss, validation:")
        assert picture.alt.endswith("accuracy, validation: 0.25, 0.38.")
        assert [line.get_linestyle() for line in picture.figure.axes[0].lines] == ["-", "--"]

    def test_bad_input_is_named(self):
        with pytest.raises(ValueError, match=r"`history` must have 'accuracy', got loss"):
            draw_curves({"loss": [1.0]})


COSTS = {
    "none": {"log": [0.95, 0.95], "words": [0.75, 0.77], "words alone": [0.75, 0.77]},
    "no mask": {"log": [0.98, 0.99], "words": [0.75, 0.76], "words alone": [0.2, 0.3]},
}


class TestCosts:
    def test_means_and_ranges(self):
        picture = draw_costs(COSTS, "Costs")
        assert picture.alt == (
            "Costs: none: log 95%, words 76%, words alone 76%. "
            "no mask: log 98%, words 76%, words alone 25%."
        )
        (axes,) = picture.figure.axes
        lines = [line.get_xdata() for line in axes.lines if len(line.get_xdata()) == 2]
        assert [list(map(float, line)) for line in lines[-1:]] == [[0.2, 0.3]]
        marks = {line.get_marker() for line in axes.lines if len(line.get_xdata()) == 1}
        assert len(marks) == 3, "marks differ in shape"

    def test_bad_input_is_named(self):
        with pytest.raises(ValueError, match="at least one model, got none"):
            draw_costs({})
        with pytest.raises(ValueError, match="must give 'words' for each model, not so 'none'"):
            draw_costs({"none": {"log": [1.0], "words alone": [1.0]}})


class TestStress:
    shares = np.array([[0.1, 0.7, 0.2, 0], [0, 0, 0, 1], [0.6, 0.2, 0.2, 0]])

    def test_the_word_is_told(self):
        picture = draw_stress(WORDS[1].phones, self.shares, "abba")
        assert picture.alt == "abba: AE primary, B consonant, AH unstressed."
        (axes,) = picture.figure.axes
        assert [text.get_text() for text in axes.texts] == ["70%", "AE", "B", "60%", "AH"]
        high, low = (patch.get_height() for patch in axes.patches)
        assert high > low

    def test_bad_input_is_named(self):
        with pytest.raises(ValueError, match=r"`shares` must have shape \(2, 4\), got \(3, 4\)"):
            draw_stress(["AE", "B"], self.shares)
        with pytest.raises(ValueError, match="`shares` must"):
            draw_stress([], np.zeros((0, 4)))
