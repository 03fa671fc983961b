"""The picture of a row's losses: bars, hatching at padding, and the two means as lines."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle

from course_lib.pictures import BLUE, HATCH, PALE, draw_losses

VALUES = [8.0, 4.0, 100.0, 90.0]
MASK = [True, True, False, False]


def axes_of(picture):
    (axes,) = picture.figure.axes
    return axes


def bars(picture):
    return [patch for patch in axes_of(picture).patches if isinstance(patch, Rectangle)]


def lines(picture):
    """Return the horizontal lines: style and height."""
    return {line.get_linestyle(): line.get_ydata()[0] for line in axes_of(picture).lines}


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_bars_and_lines_are_the_numbers(data):
    steps = data.draw(st.integers(1, 6))
    numbers = st.floats(-100, 100).filter(lambda x: x == 0 or abs(x) > 1e-3)
    values = np.array(data.draw(st.lists(numbers, min_size=steps, max_size=steps)))
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=steps, max_size=steps)))
    mask[data.draw(st.integers(0, steps - 1))] = True
    picture = draw_losses(values, mask)
    drawn = bars(picture)
    assert [bar.get_x() + bar.get_width() / 2 for bar in drawn] == pytest.approx(range(steps))
    # A bar below 0 hangs from it.
    assert [bar.get_y() + bar.get_height() for bar in drawn] == pytest.approx(values)
    for bar, real in zip(drawn, mask, strict=True):
        assert bar.get_hatch() == (None if real else HATCH)
        assert to_hex(bar.get_facecolor()) == to_hex(BLUE if real else PALE)
    assert lines(picture) == pytest.approx({"-": values[mask].mean(), "--": values.mean()})


@pytest.mark.parametrize(
    ("values", "above", "below"),
    [
        (VALUES, "mean over all steps: 50.50", "mean over real steps: 6.00"),
        ([8.0, 4.0, 0.0, 0.0], "mean over real steps: 6.00", "mean over all steps: 3.00"),
    ],
)
def test_the_larger_mean_stands_above_its_line_and_the_other_below(values, above, below):
    picture = draw_losses(values, MASK)
    labels = {text.get_text().strip(): text for text in axes_of(picture).texts}
    assert set(labels) == {above, below}
    assert labels[above].get_verticalalignment() == "bottom"
    assert labels[below].get_verticalalignment() == "top"
    for name, line in ((above, above), (below, below)):
        style = "-" if "real" in line else "--"
        assert labels[name].xy[1] == pytest.approx(lines(picture)[style])


def test_the_labels_hide_neither_a_bar_nor_each_other():
    for values in (VALUES, [5.0, 5.0, 5.0, 5.01]):
        picture = draw_losses(values, MASK, "A row")
        picture.png()
        boxes = [text.get_window_extent() for text in axes_of(picture).texts]
        assert not boxes[0].overlaps(boxes[1])
        for bar in bars(picture):
            assert not any(box.overlaps(bar.get_window_extent()) for box in boxes)


@pytest.mark.parametrize(("reported", "style"), [("real steps", "-"), ("all steps", "--")])
def test_the_reported_mean_has_the_thick_line_and_the_axis_is_as_told(reported, style):
    axes = axes_of(draw_losses(VALUES, MASK, reported=reported, top=120))
    widths = {line.get_linestyle(): line.get_linewidth() for line in axes.lines}
    assert max(widths, key=widths.get) == style
    (label,) = [text.get_text() for text in axes.texts if "reported" in text.get_text()]
    assert f"mean over {reported}" in label
    assert axes.get_ylim() == (0, 120)


def test_an_unknown_mean_is_named():
    with pytest.raises(ValueError, match="`reported` must be 'real steps', 'all steps' or None"):
        draw_losses(VALUES, MASK, reported="rows")


def test_what_a_screen_reader_gets():
    picture = draw_losses(VALUES, MASK, "A row")
    assert picture.alt == (
        "A row: losses of 4 steps, real at 0-1, padding at 2-3. "
        "The mean over the real steps is 6.00, the mean over all 50.50."
    )
    axes = axes_of(picture)
    assert axes.get_title(loc="left") == "A row"
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("step", "loss of the step")
    assert draw_losses(VALUES, MASK).alt.startswith("losses of 4 steps")


@pytest.mark.parametrize(
    ("values", "mask", "error", "message"),
    [
        (
            [1.0, np.nan],
            [True, False],
            ValueError,
            r"`values` .*, got NaN at index \(1,\)",
        ),
        ([[1.0]], [True], ValueError, r"`values` must have 1 axis, got shape \(1, 1\)"),
        (1.0, [True], ValueError, r"`values` must have 1 axis, got shape \(\)"),
        ([], [], ValueError, r"`values` must hold at least one number, got .*\(0,\)"),
        (["a"], [True], TypeError, "`values` must hold numbers"),
        ([1.0], [1.0], TypeError, "`mask` must be bool .* got dtype float64"),
        ([1.0], [True, True], ValueError, r"`mask` must have shape \(1,\), got \(2,\)"),
        ([1.0, 2.0], [False, False], ValueError, "`mask` .* one real step, got 2 of padding"),
    ],
)
def test_bad_input_is_named(values, mask, error, message):
    with pytest.raises(error, match=message):
        draw_losses(values, mask)
