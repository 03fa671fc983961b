"""The picture of attention weights: every number is drawn, and the alt text says what they say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.pictures import HATCH
from course_lib.pictures_attention import draw_attention

WORDS = [["bank", "lends", "[pad]"]]
MASK = np.array([[True, True, False]])


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 2), st.integers(1, 3), st.integers(1, 4), st.integers(0, 2**31))
def test_each_weight_stands_in_its_cell(grids, queries, steps, seed):
    draw = np.random.default_rng(seed)
    weights = draw.dirichlet(np.ones(steps), (grids, queries))
    mask = draw.random((grids, steps)) < 0.6
    names = [[f"k{step}" for step in range(steps)]] * grids
    query_names = [[f"q{query}" for query in range(queries)]] * grids
    titles = [f"grid {grid}" for grid in range(grids)]
    picture = draw_attention(weights, names, mask, titles, query_names)
    for axes, shares, real in zip(picture.figure.axes, weights, mask, strict=True):
        cells = {
            tuple(np.subtract(text.get_position(), 0.5).astype(int)): text.get_text()
            for text in axes.texts
        }
        assert cells == {(s, q): f"{100 * shares[q, s]:.0f}" for q, s in np.ndindex(shares.shape)}
        hatched = {
            int(box.get_x()): box.get_hatch() == HATCH
            for box in axes.patches
            if box.get_height() == 1
        }
        assert hatched == {step: not real[step] for step in range(steps)}
        assert [tick.get_text() for tick in axes.get_xticklabels()] == names[0]
        assert [tick.get_text() for tick in axes.get_yticklabels()] == query_names[0]
    assert picture.alt.count("looks most at") == grids * queries
    assert picture.alt.count("padding gets") == (~mask).any(axis=1).sum()


def test_alt_text():
    weights = np.array([[[0.5, 0.25, 0.25], [0.25, 0.75, 0.0], [0.0, 0.0, 0.0]]])
    assert draw_attention(weights, WORDS, MASK, ["Row 1"]).alt == (
        'Row 1: "bank" looks most at "bank" (50%), "lends" looks most at "lends" (75%), '
        '"[pad]" looks at nothing, padding gets 0% to 25% of a line.'
    )
    told = draw_attention(weights, WORDS, MASK | True, ["Row 1"]).alt
    assert "padding" not in told


def test_lines_are_queries_and_columns_are_words():
    weights = np.array([[[0.75, 0.25, 0.0]]])
    picture = draw_attention(weights, WORDS, MASK, ["Cross"], [["Geld"]])
    assert picture.alt.startswith('Cross: "Geld" looks most at "bank" (75%)')
    assert picture.figure.axes[0].get_ylim() == (1, 0)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"weights": np.ones((3, 3))}, ValueError, "`weights` must have 3 axes"),
        ({"weights": np.zeros((1, 0, 3))}, ValueError, "`weights` must hold at least one number"),
        ({"weights": np.full((1, 3, 3), np.nan)}, ValueError, "`weights` must be numbers"),
        ({"weights": np.full((1, 3, 3), 2.0)}, ValueError, "from 0 to 1, got 2 to 2"),
        ({"weights": np.full((1, 3, 3), -0.1)}, ValueError, "from 0 to 1, got -0.1 to -0.1"),
        ({"mask": MASK.astype(int)}, TypeError, "`mask` must be bool"),
        ({"mask": MASK[:, :2]}, ValueError, r"`mask` must have shape \(1, 3\)"),
        ({"words": [["bank"]]}, ValueError, r"`words` must have shape \(1, 3\) .* got \(1, 1\)"),
        ({"query_words": [["a", "b"]]}, ValueError, r"`query_words` must have shape \(1, 3\)"),
        ({"titles": []}, ValueError, r"`titles` must have shape \(1,\) .* got \(0,\)"),
    ],
)
def test_errors(change, error, words):
    arguments = {"weights": np.full((1, 3, 3), 0.3), "words": WORDS, "mask": MASK, "titles": ["a"]}
    with pytest.raises(error, match=words):
        draw_attention(**arguments | change)
