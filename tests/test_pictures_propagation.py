"""The picture of a mask's walk: what it says and what it draws come from the masks."""

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from course_lib.pictures import HATCH
from course_lib.pictures_propagation import OUTLINES, draw_walk

MASK = np.array([True, True, False])


def boxes_and_cells(picture):
    """Return the boxes of the layers and the squares of the masks, left to right."""
    patches = [p for p in picture.figure.axes[0].patches if isinstance(p, Rectangle)]
    patches.sort(key=lambda patch: patch.get_x())
    return [p for p in patches if p.get_height() == 1], [p for p in patches if p.get_height() < 1]


def words(picture):
    return [text.get_text() for text in picture.figure.axes[0].texts if text.get_text()]


def test_each_deed_is_read_from_the_masks():
    masks = [None, MASK, MASK, MASK, None, None]
    picture = draw_walk(["a", "b", "c", "d", "e", "f"], masks, uses=["d"])
    assert picture.alt == (
        "a gets no mask. b makes a mask, real at 0-1, padding at 2. c passes the mask on. "
        "d uses the mask; passes it on. e drops the mask. f gets no mask."
    )
    found = [word for word in words(picture) if word in OUTLINES]
    assert found == ["has none", "makes", "passes on", "uses", "drops", "has none"]


def test_a_layer_that_would_use_a_mask_gets_none():
    picture = draw_walk(["a", "b"], [None, None], uses=["b"])
    assert picture.alt == "a gets no mask. b gets no mask."


def test_a_use_that_ends_the_mask():
    picture = draw_walk(["a", "b"], [MASK, None], uses=["b"], title="Walk")
    assert picture.alt.startswith("Walk: ")
    assert picture.alt.endswith("b uses the mask; its output has none.")


def test_padding_is_hatched_and_real_steps_are_not():
    boxes, cells = boxes_and_cells(draw_walk(["a", "b"], [MASK, ~MASK]))
    assert len(boxes) == 2
    hatched = [cell.get_hatch() == HATCH for cell in cells]
    assert hatched == [False, False, True, True, True, False]


def test_where_there_is_no_mask_there_are_words():
    picture = draw_walk(["a", "b"], [MASK, None])
    assert len(boxes_and_cells(picture)[1]) == 3
    assert words(picture).count("no mask") == 1


def test_outlines_tell_the_deeds_apart_without_colour():
    def outline(style):
        return style["linewidth"], style.get("linestyle"), "facecolor" in style

    assert len({outline(style) for style in OUTLINES.values()}) == len(OUTLINES)


def test_a_long_mask_stays_between_the_boxes():
    boxes, cells = boxes_and_cells(draw_walk(["a", "b"], [np.ones(60, bool)] * 2))
    left = boxes[0].get_x() + boxes[0].get_width()
    inside = [c for c in cells if c.get_x() < boxes[1].get_x()]
    assert len(inside) == 60
    assert min(c.get_x() for c in inside) > left
    assert max(c.get_x() + c.get_width() for c in inside) < boxes[1].get_x()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([], []), ValueError, "got 0 and 0"),
        ((["a"], [MASK, MASK]), ValueError, "got 1 and 2"),
        ((["a"], [np.ones(3)]), TypeError, "must be bool .* got float64"),
        (
            (["a", "b"], [np.ones(3, bool), np.ones(2, bool)]),
            ValueError,
            r"`masks` must have the same number of steps, got \[2, 3\]",
        ),
        ((["a"], [np.ones((2, 3), bool)]), ValueError, r"shape \(T,\), got \(2, 3\)"),
        ((["a"], [np.ones(0, bool)]), ValueError, r"got \(0,\)"),
        ((["a"], [MASK], ["b"]), ValueError, r"`uses` must hold names out of \['a'\]"),
    ],
)
def test_errors(arguments, error, message):
    with pytest.raises(error, match=message):
        draw_walk(*arguments)
