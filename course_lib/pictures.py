"""Pictures of masks, made to be read without colour and by people who cannot see them.

Real steps are blue; padding is pale and hatched, so a printed or colour-blind view tells them
apart. The colours are from Okabe and Ito, https://jfly.uni-koeln.de/color/. Each function returns a
`Picture`: a figure with the sentence that a screen reader reads in its place.
"""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING

import numpy as np

from course_lib._arguments import as_array, as_choice, as_mask, no_nan, not_empty, shape_of

if TYPE_CHECKING:
    from os import PathLike

    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, RED, PALE, INK = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#EDEDED",
    "#222222",
)
HATCH = "////"
DPI = 160


class Picture:
    """A finished figure and its alt text.

    Attributes:
        figure: `matplotlib.figure.Figure`.
        alt: what the picture shows, in a sentence or two.
    """

    def __init__(self, figure: Figure, alt: str) -> None:
        self.figure = figure
        self.alt = alt

    def png(self) -> bytes:
        """Return the picture as PNG bytes, with the alt text stored inside."""
        buffer = io.BytesIO()
        # Without Matplotlib's version in the file, the same drawing gives the same bytes.
        self.figure.savefig(
            buffer, format="png", dpi=DPI, metadata={"Software": None, "Description": self.alt}
        )
        return buffer.getvalue()

    def save(self, path: str | PathLike[str]) -> None:
        """Write the picture; the file's ending (.png, .svg, .pdf) says in which format."""
        self.figure.savefig(path, dpi=DPI)

    def __repr__(self) -> str:
        return self.alt

    def _repr_mimebundle_(self, include=None, exclude=None):
        width, height = (int(side * 96) for side in self.figure.get_size_inches())
        data = {
            "image/png": base64.b64encode(self.png()).decode("ascii"),
            "text/plain": self.alt,
        }
        return data, {"image/png": {"alt": self.alt, "width": width, "height": height}}


def new_figure(width, height, rows=1, columns=1):
    """Return a figure of `width` × `height` inches and its axes, outside of pyplot's state.

    Args:
        width: inches.
        height: inches.
        rows: rows of axes.
        columns: columns of axes.

    Returns:
        `(figure, axes)`; axes is one `Axes` for a 1 × 1 grid and an array of them otherwise.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns)


def draw_mask(mask, values=None, title=""):
    """Draw a batch as a grid: real steps solid, padding hatched.

    Args:
        mask: bool, shape `(B, T)`, True at real steps.
        values: what is written into the cells, shape `(B, T)`; nothing if `None`.
        title: a line above the grid.

    Returns:
        A `Picture`.

    Raises:
        TypeError: `mask` is not bool.
        ValueError: `mask` has no steps, or `values` has another shape.
    """
    mask = as_mask(mask)
    if not mask.size:
        raise ValueError(f"`mask` must have at least one step, got shape {mask.shape}")
    if values is not None:
        shape = shape_of(values)
        if shape != mask.shape:
            raise ValueError(f"`values` must have shape {mask.shape}, got {shape}")
    rows, steps = mask.shape
    figure, axes = new_figure(1.1 + 0.62 * steps, 0.9 + 0.5 * rows)
    paint_mask(axes, mask, values)
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    parts = [_describe_row(number, row) for number, row in enumerate(mask)]
    about = f"{title}: " if title else ""
    return Picture(
        figure, f"{about}{rows} row{'s' * (rows > 1)} of {steps} steps. " + " ".join(parts)
    )


def paint_step(axes, x, y, real, text="", width=1, height=1, fontsize=10, linewidth=1):
    """Draw one step of a mask: a filled box for a real one, a pale hatched box for padding."""
    from matplotlib.patches import Rectangle

    axes.add_patch(
        Rectangle(
            (x, y),
            width,
            height,
            facecolor=BLUE if real else PALE,
            hatch=None if real else HATCH,
            edgecolor="white" if real else "#B0B0B0",
            linewidth=linewidth,
        )
    )
    if text:
        axes.text(
            x + width / 2,
            y + height / 2,
            text,
            ha="center",
            va="center",
            fontsize=fontsize,
            color="white" if real else INK,
            # The hatching would cross the letters.
            bbox=None if real else {"facecolor": PALE, "edgecolor": "none", "pad": 1},
        )


def paint_mask(axes, mask, values=None):
    """Draw the grid of `draw_mask` onto existing axes."""
    rows, steps = mask.shape
    for row, step in np.ndindex(rows, steps):
        text = "" if values is None else f"{values[row][step]}"
        paint_step(axes, step, row, mask[row, step], text)
    name_cells(axes, range(steps), [f"row {row}" for row in range(rows)])
    axes.set(xlabel="step", aspect="auto")


def name_cells(axes, columns, rows):
    """Name the columns and rows of a painted grid, the first row on top, without a frame."""
    axes.set(xlim=(0, len(columns)), ylim=(len(rows), 0))
    axes.set_xticks(np.arange(len(columns)) + 0.5, columns)
    axes.set_yticks(np.arange(len(rows)) + 0.5, rows)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _describe_row(number, row):
    return f"Row {number}: {_describe_steps(row)}."


def _describe_steps(row):
    if row.all():
        return "all steps real"
    if not row.any():
        return "all padding"
    return f"real at {_ranges(np.flatnonzero(row))}, padding at {_ranges(np.flatnonzero(~row))}"


def _ranges(steps):
    """Return "0-2, 5" for [0, 1, 2, 5]."""
    groups = np.split(steps, np.flatnonzero(np.diff(steps) > 1) + 1)
    return ", ".join(f"{g[0]}-{g[-1]}" if len(g) > 1 else f"{g[0]}" for g in groups)


def draw_losses(values, mask, title="", reported=None, top=None):
    """Draw the loss of each step of one row, with the two means that could be meant.

    Args:
        values: losses, shape `(T,)`.
        mask: bool, shape `(T,)`.
        title: a line above the bars.
        reported: "real steps" or "all steps": the mean that is the reported loss. Its line is
            thick and its label says so. None: both lines are alike.
        top: where the axis of the losses ends, so that pictures can be compared.

    Returns:
        A `Picture`: solid bars at real steps, hatched ones at padding, a solid line at the mean
        over the real steps and a dashed one at the mean over all.

    Raises:
        TypeError: `values` are not numbers, or `mask` is not bool.
        ValueError: shapes that differ, no steps, no real step, NaN, or another `reported`.
    """
    values = not_empty(as_array(values, "values", ndim=1), "values").astype(float)
    no_nan(values, "values")
    mask = as_mask(mask, shape=values.shape)
    if not mask.any():
        raise ValueError(f"`mask` must have at least one real step, got {mask.size} of padding")
    as_choice(reported, "reported", ("real steps", "all steps", None))
    figure, axes = new_figure(6.4, 2.9)
    for step, (value, real) in enumerate(zip(values, mask, strict=True)):
        style = {"color": BLUE} if real else {"color": PALE, "hatch": HATCH, "edgecolor": "#999999"}
        axes.bar(step, value, width=0.7, **style)
    real_mean, all_mean = values[mask].mean(), values.mean()
    for height, line, name in ((real_mean, "-", "real steps"), (all_mean, "--", "all steps")):
        axes.axhline(height, color=INK, linestyle=line, linewidth=4 if name == reported else 1.5)
        # Beside the bars, the larger mean above its line and the other below: neither label hides
        # a bar or the other label.
        above = (name == "all steps") == (all_mean >= real_mean)
        axes.annotate(
            f" {'reported, ' * (name == reported)}mean over {name}: {height:.2f}",
            (len(values) - 0.5, height),
            xytext=(0, 3 if above else -3),
            textcoords="offset points",
            va="bottom" if above else "top",
            fontsize=10,
            color=INK,
        )
    # Room for the labels: a third of the width, however many steps there are; more for a long one.
    room = (0.55 if reported is None else 0.85) * len(values)
    axes.set(xlabel="step", ylabel="loss of the step", xlim=(-0.65, len(values) - 0.35 + room))
    if top is not None:
        axes.set_ylim(0, top)
    axes.set_xticks(range(len(values)))
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    alt = (
        f"{title + ': ' if title else ''}losses of {len(values)} steps, {_describe_steps(mask)}. "
        f"The mean over the real steps is {real_mean:.2f}, the mean over all {all_mean:.2f}."
    )
    return Picture(figure, alt)
