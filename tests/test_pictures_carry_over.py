"""`draw_states`: what it draws, what it tells, and each error."""

import numpy as np
import pytest
from matplotlib.patches import FancyArrowPatch, Rectangle

from course_lib.pictures_carry_over import draw_states

# New, carried, new, changed though it is padding.
STATES = np.array([[0.5, -1.0], [0.5, -1.0], [0.25, -2.0], [0.3, 1.0]])
MASK = np.array([True, False, True, False])


def axes_of(picture):
    (axes,) = picture.figure.axes
    return axes


def texts(picture):
    return [text.get_text() for text in axes_of(picture).texts if text.get_text()]


def arrows(picture):
    """Return (from step, to step) for each arrow."""
    found = [t.arrow_patch for t in axes_of(picture).texts if hasattr(t, "arrow_patch")]
    assert all(isinstance(arrow, FancyArrowPatch) for arrow in found)
    ends = [t for t in axes_of(picture).texts if hasattr(t, "arrow_patch")]
    return [(int(t.xyann[0]), int(t.xy[0])) for t in ends]


def test_draws_every_number_and_hatches_padding():
    picture = draw_states(STATES, MASK)
    boxes = [patch for patch in axes_of(picture).patches if isinstance(patch, Rectangle)]
    hatched = {int(box.get_x()) for box in boxes if box.get_hatch()}
    assert len(boxes) == STATES.size
    assert hatched == {1, 3}
    assert set(texts(picture)) >= {f"{value:.4f}" for value in STATES.ravel()}


def test_tells_what_the_numbers_show():
    picture = draw_states(STATES, MASK, title="Row")
    assert [text for text in texts(picture) if text.isalpha()] == [
        "new",
        "carried",
        "new",
        "changed",
    ]
    assert arrows(picture) == [(0, 1)]
    assert picture.alt == (
        "Row: 2 units over 4 steps. Step 0: real, new values. "
        "Step 1: padding, carried from step 0. Step 2: real, new values. "
        "Step 3: padding, but the values changed."
    )


def test_zeros_in_front_are_not_called_carried():
    picture = draw_states(np.zeros((2, 1)), np.zeros(2, bool))
    assert arrows(picture) == []
    assert picture.alt.endswith("Step 0: padding, zeros. Step 1: padding, zeros.")


def test_a_real_step_that_repeats_is_still_new():
    picture = draw_states(np.ones((2, 1)), np.ones(2, bool))
    assert arrows(picture) == []
    assert picture.alt.endswith("Step 1: real, new values.")


@pytest.mark.filterwarnings("error")
def test_infinite_states_get_the_darkest_colour():
    picture = draw_states([[np.inf], [-np.inf], [2.0], [1.0]], np.ones(4, bool))
    up, down, largest, half = (patch.get_facecolor() for patch in axes_of(picture).patches[:4])
    assert up == largest != half
    assert down not in (up, half)
    assert draw_states([[np.inf]], [True]).png()


def test_no_minus_before_zero():
    assert "-0.0000" not in texts(draw_states([[-0.00001]], [True]))


def test_ids_stand_under_the_steps():
    labels = axes_of(draw_states(STATES, MASK, [7, 0, 8, 0])).get_xticklabels()
    assert [label.get_text() for label in labels] == ["0\nid 7", "1\nid 0", "2\nid 8", "3\nid 0"]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((STATES[0], MASK), ValueError, "`states` must have 2 axes"),
        ((STATES[:0], MASK[:0]), ValueError, "`states` must hold at least one number"),
        ((STATES * np.nan, MASK), ValueError, "`states` must be numbers, got NaN"),
        ((STATES, MASK[:2]), ValueError, r"`mask` must have shape \(4,\), got \(2,\)"),
        ((STATES, MASK * 1.0), TypeError, "`mask` must be bool"),
        ((STATES, MASK, [1, 2]), ValueError, r"`ids` must have shape \(4,\), got \(2,\)"),
        ((STATES, MASK, [[1], [2, 3]]), ValueError, r"`ids` .* \(4,\), got rows of different"),
    ],
)
def test_wrong_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        draw_states(*arguments)
