"""Pictures by what they draw: which cells are solid, which hatched, what stands in them."""

import io

import matplotlib.image
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from course_lib.pictures import BLUE, HATCH, PALE, Picture, draw_mask, new_figure

MASK = np.array([[True, True, False], [False, False, False], [True, False, True]])


def cells(picture):
    """Return the drawn rectangles by (row, step)."""
    (axes,) = picture.figure.axes
    drawn = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    found = {(int(patch.get_y()), int(patch.get_x())): patch for patch in drawn}
    assert len(found) == len(drawn)
    return found


def texts(picture):
    """Return what is written into the cells by (row, step)."""
    (axes,) = picture.figure.axes
    return {(int(text.get_position()[1]), int(text.get_position()[0])): text for text in axes.texts}


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_each_step_is_one_cell_and_padding_is_hatched(data):
    shape = data.draw(st.tuples(st.integers(1, 4), st.integers(1, 5)))
    flat = data.draw(st.integers(0, 2 ** (shape[0] * shape[1]) - 1))
    mask = np.array([flat >> bit & 1 for bit in range(shape[0] * shape[1])], bool).reshape(shape)
    drawn = cells(draw_mask(mask))
    assert set(drawn) == set(np.ndindex(shape))
    for place, cell in drawn.items():
        assert cell.get_hatch() == (None if mask[place] else HATCH)
        assert to_hex(cell.get_facecolor()) == to_hex(BLUE if mask[place] else PALE)
        assert (cell.get_width(), cell.get_height()) == (1, 1)


def test_values_stand_in_their_cells():
    values = np.array([[7, 8, 0], [0, 0, 0], [9, 0, -1]])
    written = {place: text.get_text() for place, text in texts(draw_mask(MASK, values)).items()}
    assert written == {place: str(values[place]) for place in np.ndindex(MASK.shape)}
    assert texts(draw_mask(MASK)) == {}


def test_values_may_be_words_in_lists():
    written = texts(draw_mask([[True, False]], [["a", "<pad>"]]))
    assert [text.get_text() for text in written.values()] == ["a", "<pad>"]


def test_rows_and_steps_are_named_from_the_top_left():
    (axes,) = draw_mask(MASK).figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["row 0", "row 1", "row 2"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "1", "2"]
    assert axes.get_ylim() == (3, 0)
    assert axes.get_xlim() == (0, 3)


def test_the_title_is_drawn_and_told():
    picture = draw_mask(MASK, title="A batch")
    assert picture.figure.axes[0].get_title(loc="left") == "A batch"
    assert picture.alt.startswith("A batch: 3 rows of 3 steps.")


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ([True, True], "all steps real"),
        ([False, False], "all padding"),
        ([True, True, False], "real at 0-1, padding at 2"),
        ([False, True, False, False, True], "real at 1, 4, padding at 0, 2-3"),
    ],
)
def test_the_alt_text_says_where_padding_stands(row, said):
    assert draw_mask([row]).alt.endswith(f"Row 0: {said}.")


@pytest.mark.parametrize(
    ("mask", "values", "error", "message"),
    [
        ([[1, 0]], None, TypeError, "`mask` must be bool"),
        ([True], None, ValueError, r"`mask` must have shape \(B, T\), got \(1,\)"),
        (np.ones((2, 0), bool), None, ValueError, r"at least one step, got shape \(2, 0\)"),
        ([[True, False]], [[1]], ValueError, r"`values` must have shape \(1, 2\), got \(1, 1\)"),
        ([[True], [True]], [[1], [1, 2]], ValueError, "`values` .* got rows of different lengths"),
    ],
)
def test_says_what_came(mask, values, error, message):
    with pytest.raises(error, match=message):
        draw_mask(mask, values)


class TestPicture:
    def test_png_holds_the_drawing_and_its_alt_text(self):
        picture = draw_mask(MASK)
        png = picture.png()
        assert picture.alt.encode() in png
        assert matplotlib.image.imread(io.BytesIO(png)).std() > 0.1

    def test_same_drawing_same_bytes(self):
        assert draw_mask(MASK, title="a").png() == draw_mask(MASK, title="a").png()
        assert draw_mask(MASK, title="a").png() != draw_mask(~MASK, title="a").png()

    def test_a_screen_reader_gets_the_alt_text(self):
        picture = Picture(new_figure(2, 1)[0], "Nothing yet.")
        data, metadata = picture._repr_mimebundle_()
        assert repr(picture) == data["text/plain"] == "Nothing yet."
        assert metadata["image/png"] == {"alt": "Nothing yet.", "width": 192, "height": 96}

    @pytest.mark.parametrize(
        ("ending", "start"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")]
    )
    def test_is_saved_as_its_ending_says(self, tmp_path, ending, start):
        path = tmp_path / f"mask.{ending}"
        draw_mask(MASK).save(path)
        assert path.read_bytes().startswith(start)


def test_figures_stay_out_of_pyplot():
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    figure, axes = new_figure(3, 2, rows=1, columns=2)
    assert axes.shape == (2,)
    assert figure.get_size_inches().tolist() == [3, 2]
    assert plt.get_fignums() == before
