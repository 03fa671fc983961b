"""The picture of lesson 00: how well a model does, epoch by epoch, with the mask and without."""

import numpy as np

from course_lib._arguments import as_array, no_nan
from course_lib.pictures import BLUE, INK, ORANGE, Picture, new_figure

# A line is told apart by its marker and its dashes too, and carries its name at its end.
LINES = ({"color": BLUE, "marker": "o"}, {"color": ORANGE, "marker": "s", "linestyle": "--"})


def draw_curves(curves, guessing, title=""):
    """Draw the share of right answers by epoch, a line for each model.

    Args:
        curves: for each model's name, at most two, its shares from 0 to 1, shape `(epochs,)`.
        guessing: the share that the more frequent answer alone would get; drawn as a thin line.
        title: a line above the picture.

    Returns:
        A `Picture`. Its alt text tells the first and last share of each line.

    Raises:
        TypeError: `curves` or `guessing` are not numbers.
        ValueError: no curve or more than two, a curve without epochs, NaN, or a share outside of
            0 to 1.
    """
    if not 1 <= len(curves) <= len(LINES):
        raise ValueError(f"`curves` must hold 1 or 2 curves, got {len(curves)}")
    curves = {name: _shares(curve, f"curves[{name!r}]", 1) for name, curve in curves.items()}
    guessing = float(_shares(guessing, "guessing", 0))
    figure, axes = new_figure(7, 3.4)
    told = []
    for (name, curve), look in zip(curves.items(), LINES, strict=False):
        epochs = np.arange(1, len(curve) + 1)
        axes.plot(epochs, curve, linewidth=2, markersize=5, **look)
        axes.annotate(
            f" {name}: {curve[-1]:.2f}",
            (epochs[-1], curve[-1]),
            va="center",
            fontsize=10,
            color=INK,
        )
        told.append(f"{name}: {curve[0]:.2f} after epoch 1, {curve[-1]:.2f} after {len(curve)}.")
    longest = max(map(len, curves.values()))
    axes.plot([0.5, longest], [guessing] * 2, color=INK, linewidth=0.8, linestyle=":")
    axes.text(0.6, guessing - 0.02, f"guessing: {guessing:.2f}", va="top", fontsize=9, color=INK)
    axes.set(xlim=(0.5, longest * 1.35), ylim=(0, 1.05), xlabel="epoch", ylabel="share right")
    axes.set_xticks(np.arange(1, longest + 1))
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    about = f"{title}: " if title else ""
    return Picture(figure, f"{about}{' '.join(told)} Guessing gives {guessing:.2f}.")


def _shares(values, name, ndim):
    """Return shares as an array, or say what is wrong with them."""
    values = no_nan(as_array(values, name, ndim=ndim), name)
    if not values.size or values.min() < 0 or values.max() > 1:
        raise ValueError(f"`{name}` must hold shares from 0 to 1, got {values.tolist()}")
    return values
