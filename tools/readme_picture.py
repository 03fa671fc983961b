"""Draw docs/masked_step.svg, the README's picture of a masked step, from a real Keras run.

`make picture`. The row is [1, 0, 2, 0]: an Embedding with `mask_zero=True`, then an LSTM. The same
Keras and Matplotlib give the same file, byte for byte.
"""

import itertools
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle

import conftest  # noqa: F401  the kernel settings, also without make
from course_lib.pictures import BLUE, HATCH, INK, ORANGE, PALE

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "masked_step.svg"
GREY = "#9A9A9A"
IDS = np.array([[1, 0, 2, 0]])
ALT = (
    "A row of four steps, the second and fourth are padding; "
    "the LSTM's output at a padded step repeats the one before"
)
# Where things stand, in units of one step: the three lines, and the sizes of their boxes.
WORD, CELL, OUTPUT = 2.6, 1.75, 0.34
WIDE, HIGH, UNIT = 0.62, 0.44, 0.24


def run():
    """Return the mask and the output, `(4,)` and `(4, 3)`, of Keras."""
    import keras

    keras.utils.set_random_seed(0)
    vectors = keras.layers.Embedding(5, 5, mask_zero=True)(IDS)
    output = keras.layers.LSTM(3, return_sequences=True)(vectors)
    return np.asarray(vectors._keras_mask)[0], np.asarray(output)[0].round(4)


def draw(mask, output):
    """Return the figure: ids above, the LSTM's steps between, its output below."""
    figure = Figure(figsize=(8, 4.1), facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(-1.1, 3.9), ylim=(0.1, 3.05))
    axes.set_axis_off()
    for height, name in ((WORD, "id"), (CELL, "LSTM"), (OUTPUT + UNIT, "output")):
        axes.text(-1.02, height, name, va="center", fontsize=12, color=INK)
    draw_state(axes, mask)
    for step, real in enumerate(mask):
        draw_word(axes, step, real)
        draw_step(axes, step, real)
        draw_output(axes, step, mask, output)
    return figure


def draw_word(axes, step, real):
    box(axes, step, WORD, WIDE, HIGH, real, BLUE if real else PALE)
    said = f"{IDS[0, step]}"
    write(axes, step, WORD, said, "white" if real else INK, 14, PALE if not real else None)
    axes.text(step, WORD + 0.29, "real" if real else "padding", ha="center", fontsize=10, color=INK)


def draw_state(axes, mask):
    """Draw the state from one real step to the next, over the boxes of padding between."""
    real = [-1, *np.flatnonzero(mask), len(mask)]
    for start, end in itertools.pairwise(real):
        left = start + WIDE / 2 if start >= 0 else -0.62
        right = end - WIDE / 2 if end < len(mask) else end - 0.4
        arrow(axes, (left, CELL), (right, CELL), ORANGE, 3)
    axes.text(-0.5, CELL + 0.08, "state", ha="center", fontsize=10, color=INK)


def draw_step(axes, step, real):
    """Draw the LSTM at a step: a box that the state goes into, or one that it passes over."""
    arrow(axes, (step, WORD - HIGH / 2), (step, CELL + HIGH / 2), INK if real else GREY, 1.5)
    box(axes, step, CELL, WIDE, HIGH, real, "white" if real else PALE)
    if real:
        write(axes, step, CELL, "new state", INK, 10)
    else:
        write(axes, step, CELL + 0.11, "state kept", INK, 10, PALE)


def draw_output(axes, step, mask, output):
    """Draw the numbers of one step, and where a padded step has them from."""
    from matplotlib.colors import LinearSegmentedColormap

    real = mask[step]
    colours = LinearSegmentedColormap.from_list("output", [BLUE, "#FFFFFF", ORANGE])
    largest = np.abs(output).max()
    for unit, number in enumerate(output[step]):
        height = OUTPUT + (2 - unit) * UNIT
        colour = colours(0.5 + 0.35 * number / largest)
        box(axes, step, height, WIDE, UNIT, real, colour)
        write(axes, step, height, f"{number:.4f}", INK, 10, None if real else colour)
    if real:
        arrow(axes, (step, CELL - HIGH / 2), (step, OUTPUT + 2.5 * UNIT), INK, 1.5)
    elif step and np.array_equal(output[step], output[step - 1]):
        start, end = step - 1 + WIDE / 2, step - WIDE / 2
        arrow(axes, (start, OUTPUT + UNIT), (end, OUTPUT + UNIT), INK, 1.5)
        axes.text(
            (start + end) / 2, OUTPUT + 1.3 * UNIT, "same", ha="center", fontsize=10, color=INK
        )


def box(axes, x, y, width, height, real, colour):
    edge = {"edgecolor": INK} if real else {"edgecolor": GREY, "hatch": HATCH}
    place = (x - width / 2, y - height / 2)
    axes.add_patch(Rectangle(place, width, height, facecolor=colour, linewidth=1, **edge))


def write(axes, x, y, text, colour, size, behind=None):
    """Write text; on a hatched box with a patch of its colour behind it."""
    patch = None if behind is None else {"facecolor": behind, "edgecolor": "none", "pad": 1.5}
    axes.text(x, y, text, ha="center", va="center", fontsize=size, color=colour, bbox=patch)


def arrow(axes, start, end, colour, width):
    form = {"arrowstyle": "-|>", "mutation_scale": 12, "shrinkA": 0, "shrinkB": 0, "zorder": 3}
    axes.add_patch(FancyArrowPatch(start, end, color=colour, linewidth=width, **form))


def save(path):
    """Draw the picture into a file, without its date and Matplotlib's version."""
    settings = {"svg.hashsalt": "masked step", "svg.fonttype": "path", "hatch.linewidth": 0.8}
    metadata = {"Title": ALT, "Date": None, "Creator": None}
    with matplotlib.rc_context(settings | {"font.family": "DejaVu Sans"}):
        draw(*run()).savefig(path, format=path.suffix[1:], metadata=metadata)


def main():
    PICTURE.parent.mkdir(exist_ok=True)
    save(PICTURE)
    print(PICTURE.relative_to(ROOT))


if __name__ == "__main__":
    main()
