"""The picture of a look-up: a table, the rows taken from it, and the mask beside them."""

import numpy as np

from course_lib._arguments import as_array
from course_lib.embedding import compute_mask, look_up
from course_lib.pictures import BLUE, INK, Picture, new_figure, paint_step

GAP = 2.2  # between the table and the ids, in cells
LINE = "#767676"


def draw_look_up(table, ids, title=""):
    """Draw which row of the table each step of one sequence takes, and the mask beside it.

    Row 0 is drawn like every other row, since it is one. Only the mask tells padding: hatched, with
    a dashed line from row 0.

    Args:
        table: floats of shape `(V, D)`; written with 2 decimals.
        ids: integers of shape `(T,)`, one sequence padded with 0.
        title: a line above the picture.

    Returns:
        A `Picture`.

    Raises:
        TypeError: `ids` are not integers, or `table` does not hold floats.
        ValueError: `ids` has not one axis, is empty, or has an id that is negative or too large.
    """
    ids = as_array(ids, "ids", ndim=1)
    vectors = look_up(table, ids[None])[0]
    mask = compute_mask(ids[None])[0]
    table = np.asarray(table)
    rows, width = table.shape
    left = width + GAP
    height = max(rows, len(ids))
    figure, axes = new_figure(0.62 * (left + width + 3.4), 0.45 * (height + 1.5))

    top, second = (height - rows) / 2, (height - len(ids)) / 2
    axes.text(width / 2, top - 0.3, f"table {table.shape}", ha="center", color=INK)
    axes.text(left + 1 + width / 2, second - 0.3, "vectors", ha="center", color=INK)
    axes.text(left + width + 2.1, second - 0.3, "mask", ha="center", color=INK)
    for row, values in enumerate(table):
        axes.text(-0.15, top + row + 0.5, f"row {row}", ha="right", va="center", color=INK)
        _paint_row(axes, 0, top + row, values)
    for step, (number, values, real) in enumerate(zip(ids, vectors, mask, strict=True)):
        _paint_line(axes, (width, top + number + 0.5), (left, second + step + 0.5), real)
        axes.text(left + 0.5, second + step + 0.5, f"id {number}", ha="center", va="center")
        _paint_row(axes, left + 1, second + step, values)
        paint_step(
            axes, left + width + 1.4, second + step, real, f"{bool(real)}", width=1.4, fontsize=9
        )
    axes.set(xlim=(-1.1, left + width + 3), ylim=(height + 0.1, -0.9))
    axes.set_axis_off()
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    return Picture(figure, _describe(title, table, ids, mask))


def _paint_row(axes, x, y, values):
    from matplotlib.patches import Rectangle

    for place, value in enumerate(values):
        axes.add_patch(
            Rectangle((x + place, y), 1, 1, facecolor="white", edgecolor=BLUE, linewidth=1)
        )
        axes.text(
            x + place + 0.5,
            y + 0.5,
            _two_decimals(value),
            ha="center",
            va="center",
            fontsize=9,
            color=INK,
        )


def _paint_line(axes, start, end, real):
    axes.plot(
        (start[0] + 0.05, end[0]),
        (start[1], end[1]),
        color=BLUE if real else LINE,
        linestyle="-" if real else "--",
        linewidth=1.3,
    )


def _describe(title, table, ids, mask):
    about = f"{title}: a" if title else "A"
    steps = ", ".join(
        f"step {step} takes row {number} ({'real' if real else 'padding'})"
        for step, (number, real) in enumerate(zip(ids, mask, strict=True))
    )
    values = ", ".join(_two_decimals(value) for value in table[0])
    return (
        f"{about} table of {table.shape[0]} rows and the rows taken from it: {steps}. "
        f"Row 0 is drawn like the others and holds {values}."
    )


def _two_decimals(value):
    # Rounded first, and 0.0 added, so that -0.001 is written 0.00.
    return f"{round(float(value), 2) + 0.0:.2f}"
