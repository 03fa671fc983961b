"""The picture of a trace: the mask that leaves each layer, and what the layer did, in words."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from course_lib.pictures import HATCH, INK, RED
from course_lib.pictures_propagation import TRACE_ROWS, TRACE_STEPS, draw_trace
from course_lib.propagation import Trace, TraceRow

MASK = np.array([[True, True, False], [True, False, False]])


def row(layer, did, mask_out="–", depth=0):
    return TraceRow(layer, "Layer", depth, [], {}, [mask_out], did, False, [(2, 3)])


def cells_of(picture, place):
    """Return the rectangles that are drawn in the line of a layer, from the top left on."""
    (axes,) = picture.figure.axes
    inside = [p for p in axes.patches if isinstance(p, Rectangle) and place < p.get_y() < place + 1]
    return sorted(inside, key=lambda p: (round(p.get_y(), 6), p.get_x()))


def texts(picture):
    (axes,) = picture.figure.axes
    return [text for text in axes.texts if text.get_text()]


TRACE = Trace(
    [
        row("ids", "–", "–"),
        row("embedding", "makes", "A"),
        row("inner", "passes on", "A", depth=1),
        row("conv", "drops (warned)"),
        row("attention", "uses and strips"),
    ],
    {"A": MASK},
    [],
)


def test_each_mask_is_drawn_where_it_leaves():
    picture = draw_trace(TRACE)
    for place in (1, 2):
        drawn = cells_of(picture, place)
        assert [cell.get_hatch() for cell in drawn] == [
            None if real else HATCH for real in MASK.ravel()
        ]
        assert [round(cell.get_x(), 6) for cell in drawn] == pytest.approx(
            [0, 1 / 3, 2 / 3] * 2, abs=1e-5
        )
        assert sum(cell.get_width() * cell.get_height() for cell in drawn) == pytest.approx(0.76)
    for place in (0, 3, 4):
        (frame,) = cells_of(picture, place)
        assert (frame.get_linestyle(), frame.get_hatch()) == (":", None)
        assert frame.get_facecolor()[3] == 0


def test_what_each_layer_did_stands_beside_it():
    told = [text.get_text() for text in texts(draw_trace(TRACE))]
    assert told == [
        "ids (Layer)",
        "no mask",
        "embedding (Layer)",
        "A: makes",
        "    inner (Layer)",
        "A: passes on",
        "conv (Layer)",
        "no mask: drops (warned)",
        "attention (Layer)",
        "no mask: uses and strips",
    ]


def test_a_lost_mask_is_told_by_colour_and_by_weight():
    drawn = texts(draw_trace(TRACE))
    bold = [text for text in drawn if text.get_weight() == "bold"]
    assert [text.get_text() for text in bold] == [
        "no mask: drops (warned)",
        "no mask: uses and strips",
    ]
    assert [text for text in drawn if to_hex(text.get_color()) == to_hex(RED)] == bold
    assert {to_hex(text.get_color()) for text in drawn} == {to_hex(RED), to_hex(INK)}


def test_a_large_mask_is_cut():
    large = Trace([row("e", "makes", "A")], {"A": np.ones((9, 99), bool)}, [])
    assert len(cells_of(draw_trace(large), 0)) == TRACE_ROWS * TRACE_STEPS


def test_a_mask_of_three_axes_shows_its_first_feature():
    deep = Trace([row("e", "makes", "A")], {"A": np.stack([MASK, ~MASK], axis=2)}, [])
    assert [cell.get_hatch() is None for cell in cells_of(draw_trace(deep), 0)] == list(
        MASK.ravel()
    )


def test_what_a_screen_reader_gets():
    assert draw_trace(TRACE).alt == (
        "The mask on its way through 5 calls: embedding (Layer) makes; inner (Layer) passes on; "
        "conv (Layer) drops (warned); attention (Layer) uses and strips."
    )


def test_a_trace_without_rows():
    with pytest.raises(ValueError, match="`trace` must have at least one row, got none"):
        draw_trace(Trace([], {}, []))
