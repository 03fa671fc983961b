"""The picture of the solo test says what an independent comparison says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.pictures_lost_masks import draw_differences


def signs(picture):
    """Return how many cells carry each sign."""
    texts = [text.get_text() for axes in picture.figure.axes for text in axes.texts]
    return {sign: texts.count(sign) for sign in ("=", "≠")}


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 5), min_size=1, max_size=4), st.integers(0, 2**31), st.booleans())
def test_each_step_is_drawn_once(lengths, seed, features):
    rng = np.random.default_rng(seed)
    shape = (len(lengths), 5, 2) if features else (len(lengths), 5)
    in_batch = rng.normal(size=shape)
    alone, changed, equal = [], 0, 0
    for row, length in zip(in_batch, lengths, strict=True):
        own = row[:length].copy()
        moved = rng.random(length) < 0.4
        own[moved] += 0.5
        changed += moved.sum()
        equal += length > 0 and not moved.any()
        alone.append(own)
    picture = draw_differences(in_batch, alone)
    assert signs(picture) == {"=": sum(lengths) - changed, "≠": changed}
    assert picture.alt.count("all equal") == equal
    assert picture.alt.count("all padding") == lengths.count(0)


def test_alt_text_names_the_steps():
    in_batch = np.zeros((2, 4))
    picture = draw_differences(in_batch, [[0, 0, 7], [1, 1]], "Outputs")
    assert picture.alt == (
        "Outputs: 2 rows. Row 0, 3 real steps: equal at 0-1, different at 2. "
        "Row 1, 2 real steps: all differ."
    )


def test_tolerance():
    near = [[0.0, 1e-3]]
    assert signs(draw_differences(np.zeros((1, 2)), near)) == {"=": 1, "≠": 1}
    assert signs(draw_differences(np.zeros((1, 2)), near, tolerance=0.01)) == {"=": 2, "≠": 0}


def test_one_nan_differs_from_a_number_and_not_from_another():
    picture = draw_differences(np.array([[np.nan, np.nan]]), [[np.nan, 1.0]])
    assert signs(picture) == {"=": 1, "≠": 1}


@pytest.mark.parametrize(
    ("in_batch", "alone", "words"),
    [
        (np.zeros(3), [[0]], "`in_batch` must have shape"),
        (np.zeros((0, 3)), [], "`in_batch` must have shape"),
        (np.zeros((2, 3)), [[0]], "`alone` must have 2 rows, got 1"),
        (np.zeros((1, 3)), [0.0], r"row 0 of `alone` must fit .* \(3,\), got \(\)"),
        (np.zeros((1, 3)), [[0] * 4], r"row 0 of `alone` .* \(3,\), got \(4,\)"),
        (np.zeros((1, 3, 2)), [[0]], "row 0 of `alone`"),
    ],
)
def test_errors(in_batch, alone, words):
    with pytest.raises(ValueError, match=words):
        draw_differences(in_batch, alone)
