"""The pictures of lesson 09: what a step weighs, and how far parts are from one big batch."""

import numpy as np

from course_lib._arguments import as_array, as_mask, no_nan, not_empty, shape_of
from course_lib.pictures import BLUE, INK, ORANGE, Picture, name_cells, new_figure, paint_step


def draw_weights(weights, mask, words=None, title=""):
    """Draw how many times the weight of the lightest real step each step has.

    Args:
        weights: numbers, shape `(B, T)`, positive at real steps.
        mask: bool, shape `(B, T)`, True at real steps.
        words: what is written above each number, `B` lists of at least the row's real steps;
            nothing if `None`.
        title: a line above the picture.

    Returns:
        A `Picture`: a box for each step, padding hatched.

    Raises:
        TypeError: `weights` are not numbers, or `mask` is not bool.
        ValueError: shapes that differ, no real step, or a real step without a positive weight.
    """
    mask = as_mask(mask)
    weights = as_array(weights, "weights", ndim=2).astype(float)
    if weights.shape != mask.shape:
        raise ValueError(f"`weights` must have the mask's shape {mask.shape}, got {weights.shape}")
    if not mask.any():
        raise ValueError(f"`mask` must have at least one real step, got {mask.size} of padding")
    if not (weights[mask] > 0).all():
        raise ValueError("`weights` must be positive at real steps")
    times = np.where(mask, weights / weights[mask].min(), 0)
    rows, steps = mask.shape
    figure, axes = new_figure(1.1 + 0.82 * steps, 0.7 + 0.6 * rows)
    for row, step in np.ndindex(rows, steps):
        text = ""
        if mask[row, step]:
            text = f"× {times[row, step]:.3g}"
            text = text if words is None else f"{words[row][step]}\n{text}"
        paint_step(axes, step, row, mask[row, step], text)
    name_cells(axes, range(steps), [f"row {row}" for row in range(rows)])
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    told = [_describe_weights(row, times[row][mask[row]]) for row in range(rows)]
    return Picture(figure, f"{title + ': ' if title else ''}{' '.join(told)}")


def _describe_weights(row, times):
    if not times.size:
        return f"Row {row}: all padding."
    many = f"{times.size} real step{'s' * (times.size > 1)}"
    if np.allclose(times, times[0]):
        return f"Row {row}: {many}, weight × {times[0]:.3g}{' each' * (times.size > 1)}."
    return f"Row {row}: {many}, weights from × {times.min():.3g} to × {times.max():.3g}."


def draw_gaps(gaps, rows, columns, title="", xlabel="", ylabel=""):
    """Draw a grid of distances: darker is farther, and each cell holds its number in percent.

    Args:
        gaps: numbers from 0 up, shape `(R, C)`; 0.25 is drawn as 25 %.
        rows: the names of the rows, `R` of them.
        columns: the names of the columns, `C` of them.
        title: a line above the grid.
        xlabel: what the columns are.
        ylabel: what the rows are.

    Returns:
        A `Picture`.

    Raises:
        TypeError: `gaps` are not numbers.
        ValueError: no cells, a negative number or NaN, or names of another count.
    """
    gaps = not_empty(as_array(gaps, "gaps", ndim=2), "gaps").astype(float)
    if (no_nan(gaps, "gaps") < 0).any():
        raise ValueError(f"`gaps` must be at least 0, got {gaps.min():.4g}")
    for names, name, count in zip((rows, columns), ("rows", "columns"), gaps.shape, strict=True):
        if len(names) != count:
            raise ValueError(f"`{name}` must name {count}, got {shape_of(names)}")
    figure, axes = new_figure(1.8 + 1.15 * len(columns), 1.3 + 0.55 * len(rows))
    _paint_gaps(axes, gaps)
    name_cells(axes, columns, rows)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    told = [
        f"{ylabel} {name}: " + ", ".join(f"{value:.0%}" for value in line) + "."
        for name, line in zip(rows, gaps, strict=True)
    ]
    across = f"{xlabel}: {', '.join(map(str, columns))}. " if xlabel else ""
    return Picture(figure, f"{title + ': ' if title else ''}{across}{' '.join(told).strip()}")


def _paint_gaps(axes, gaps):
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patches import Rectangle

    colours = LinearSegmentedColormap.from_list("gaps", ["#FFFFFF", ORANGE])
    for row, column in np.ndindex(gaps.shape):
        share = gaps[row, column] / (gaps.max() or 1)
        box = Rectangle((column, row), 1, 1, facecolor=colours(share), edgecolor=BLUE, linewidth=1)
        axes.add_patch(box)
        text = f"{gaps[row, column]:.0%}"
        axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=11, color=INK)
