"""The pictures of lesson 08: read without colour, by their alt text, and refused when wrong."""

import numpy as np
import pytest

from course_lib.pictures_batching import (
    draw_batches,
    draw_costs,
    draw_looks,
    draw_packed,
    draw_ways,
)

SHORT, LONG = np.array([[True, False], [True, True]]), np.ones((2, 3), bool)


def texts(picture):
    return [text.get_text() for axes in picture.figure.axes for text in axes.texts]


class TestBatches:
    def test_the_alt_text_tells_shapes_and_shares(self):
        picture = draw_batches({"a": [SHORT, LONG], "b": [LONG]}, "Title")
        assert (
            picture.alt == "Title: a: 2 × 2, 2 × 3 steps, 90.0% real. b: 2 × 3 steps, 100.0% real."
        )
        assert texts(picture) == ["a\n90.0% real", "b\n100.0% real"]
        assert picture.png().startswith(b"\x89PNG")

    def test_each_step_is_a_box_at_its_row_and_padding_is_hatched(self):
        (axes,) = draw_batches({"a": [SHORT], "b": [LONG]}).figure.axes
        assert [bool(box.get_hatch()) for box in axes.patches] == [False, True] + [False] * 8
        places = [box.get_xy() for box in axes.patches]
        assert places[:4] == [(0, 0), (1, 0), (0, 1), (1, 1)]
        assert len(set(places)) == 10

    @pytest.mark.parametrize(
        ("ways", "error", "words"),
        [
            ({}, ValueError, "`ways` must hold at least one way of batching"),
            ({"a": []}, ValueError, r"`ways\['a'\]` must hold at least one batch"),
            ({"a": [SHORT, [[1]]]}, TypeError, r"`ways\['a'\]\[1\]` must be bool"),
            ({"a": [np.zeros((0, 2), bool)]}, ValueError, r"`ways\['a'\]\[0\]`"),
        ],
    )
    def test_bad_input(self, ways, error, words):
        with pytest.raises(error, match=words):
            draw_batches(ways)


class TestPacked:
    def test_the_alt_text_reads_the_sequences(self):
        picture = draw_packed([[1, 1, 2, 0], [1, 0, 0, 0]], [["a", "b", "c", ""], ["d"] * 4], "T")
        assert picture.alt == "T: Row 0: a b | c | 1 of padding. Row 1: d | 3 of padding."
        assert texts(picture) == ["a\n1", "b\n1", "c\n2", "d\n1"]

    def test_a_line_stands_where_a_sequence_starts_behind_another(self):
        (axes,) = draw_packed([[1, 1, 2, 0], [1, 2, 3, 3]], [["a"] * 4] * 2).figure.axes
        assert [line.get_xdata()[0] for line in axes.lines] == [2, 1, 2]

    @pytest.mark.parametrize(
        ("segments", "words", "error", "match"),
        [
            ([[1.0]], [["a"]], TypeError, "`segments` must be integers, got dtype float64"),
            ([[1, 1]], [["a"]], ValueError, r"`words` must have shape \(1, 2\), got \(1, 1\)"),
            (np.zeros((0, 2), int), [], ValueError, "`segments`"),
        ],
    )
    def test_bad_input(self, segments, words, error, match):
        with pytest.raises(error, match=match):
            draw_packed(segments, words)


class TestLooks:
    def test_the_alt_text_says_who_looks_at_whom(self):
        mask = np.array([[True, False, True], [False, True, False], [False, False, False]])
        picture = draw_looks(mask, ["a", "b", ""], "T")
        assert picture.alt == "T: a looks at a pad. b looks at b. pad looks at nothing."
        (axes,) = picture.figure.axes
        assert [bool(box.get_hatch()) for box in axes.patches] == (~mask).ravel().tolist()

    @pytest.mark.parametrize(
        ("mask", "words", "error", "match"),
        [
            ([[1]], ["a"], TypeError, "`mask` must be bool"),
            (LONG, ["a", "b"], ValueError, r"`mask` must be square, got shape \(2, 3\)"),
            (SHORT, ["a"], ValueError, "`words` must name 2 steps, got 1"),
        ],
    )
    def test_bad_input(self, mask, words, error, match):
        with pytest.raises(error, match=match):
            draw_looks(mask, words)


class TestCosts:
    def test_the_lines_are_the_times(self):
        picture = draw_costs([8, 16], {"LSTM": [1, 2.5], "attention": [1, 40]}, 8, "T")
        assert picture.alt == (
            "T: 8 real steps. LSTM padded to 8: × 1, 16: × 2.5. "
            "attention padded to 8: × 1, 16: × 40."
        )
        (axes,) = picture.figure.axes
        assert [list(line.get_ydata()) for line in axes.lines] == [[1, 2.5], [1, 40]]
        assert len({line.get_marker() for line in axes.lines}) == 2
        assert texts(picture) == ["LSTM: × 2.5", "attention: × 40"]

    @pytest.mark.parametrize(
        ("steps", "times", "match"),
        [
            ([8], {}, "`times` must hold at least one layer"),
            ([8], {"a": [1, 2]}, r"`times\['a'\]` must have shape \(1,\), got \(2,\)"),
            ([8], {"a": [0]}, r"`times\['a'\]` must be above 0"),
            ([], {"a": []}, "`steps`"),
        ],
    )
    def test_bad_input(self, steps, times, match):
        with pytest.raises(ValueError, match=match):
            draw_costs(np.array(steps, int), times, 8)


WAYS = {"a": {"real": 0.25, "seconds": 8.0, "loss": 1}, "b": {"real": 0.995, "seconds": 2.0}}


class TestWays:
    def test_the_alt_text_tells_both(self):
        picture = draw_ways(WAYS, "T")
        assert (
            picture.alt == "T: real steps, seconds of an epoch. a: 25.0%, 8.0 s. b: 99.5%, 2.0 s."
        )
        assert texts(picture) == ["25.0%", "99.5%", "8.0 s", "2.0 s, 4.0 times as fast"]

    def test_the_bars_are_the_numbers(self):
        shares, seconds = draw_ways(WAYS).figure.axes
        assert [box.get_width() for box in shares.patches] == [0.25, 0.75, 0.995, 1 - 0.995]
        assert [box.get_width() for box in seconds.patches] == [8.0, 2.0]

    @pytest.mark.parametrize(
        ("ways", "match"),
        [
            ({}, "`ways` must hold at least one"),
            (
                {"a": {"real": 1.5, "seconds": 1}},
                r"`ways\['a'\]\['real'\]` must be 0 to 1, got 1.5",
            ),
            (
                {"a": {"real": 1, "seconds": 0}},
                r"`ways\['a'\]\['seconds'\]` must be above 0, got 0",
            ),
        ],
    )
    def test_bad_input(self, ways, match):
        with pytest.raises(ValueError, match=match):
            draw_ways(ways)
