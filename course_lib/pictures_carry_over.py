"""The picture of states over time: which steps bring new values, and which only carry the old."""

import numpy as np

from course_lib._arguments import as_array, as_mask, no_nan, shape_of
from course_lib.pictures import BLUE, HATCH, INK, ORANGE, Picture, new_figure


def draw_states(states, mask, ids=None, title=""):
    """Draw one row's states over time: a column a step, a line a unit, padding hatched.

    Orange is above zero and blue below; each cell holds its number as well. An arrow runs into
    every padded step whose states are those of the step before.

    Args:
        states: numbers of shape `(T, units)`, an LSTM's output or states for one row.
        mask: bool, shape `(T,)`, True at real steps.
        ids: what is written under each step's number, shape `(T,)`; nothing if `None`.
        title: a line above the picture.

    Returns:
        A `Picture`. Its alt text tells what the numbers show, step by step.

    Raises:
        TypeError: `states` are not numbers, or `mask` is not bool.
        ValueError: there are no steps or no units, NaN, or `mask` or `ids` has another length.
    """
    states = no_nan(as_array(states, "states", ndim=2), "states")
    if not states.size:
        raise ValueError(f"`states` must hold at least one number, got shape {states.shape}")
    steps, units = states.shape
    mask = as_mask(mask, shape=(steps,))
    if ids is not None and shape_of(ids) != (steps,):
        raise ValueError(f"`ids` must have shape {(steps,)}, got {shape_of(ids)}")
    figure, axes = new_figure(1.2 + 0.95 * steps, 1.55 + 0.42 * units)
    _paint_states(axes, states, mask)
    labels = [f"{step}" if ids is None else f"{step}\nid {ids[step]}" for step in range(steps)]
    axes.set_xticks(np.arange(steps) + 0.5, labels)
    axes.set_yticks(np.arange(units) + 0.5, [f"unit {unit}" for unit in range(units)])
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    about = f"{title}: " if title else ""
    told = [_describe_state(step, states, mask) for step in range(steps)]
    return Picture(figure, f"{about}{units} units over {steps} steps. " + " ".join(told))


def _paint_states(axes, states, mask):
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patches import Rectangle

    steps, units = states.shape
    colours = LinearSegmentedColormap.from_list("states", [BLUE, "#FFFFFF", ORANGE])
    # Infinite states get the darkest colour.
    largest = np.abs(states[np.isfinite(states)]).max(initial=0) or 1
    shares = np.clip(states / largest, -1, 1)
    for step, unit in np.ndindex(steps, units):
        colour = colours(0.5 + 0.35 * shares[step, unit])
        hatch = {} if mask[step] else {"hatch": HATCH}
        edge = "white" if mask[step] else "#9A9A9A"
        box = Rectangle((step, unit), 1, 1, facecolor=colour, edgecolor=edge, linewidth=1, **hatch)
        axes.add_patch(box)
        axes.text(
            step + 0.5,
            unit + 0.5,
            f"{states[step, unit]:.4f}".replace("-0.0000", "0.0000"),
            ha="center",
            va="center",
            fontsize=9,
            color=INK,
            bbox=None if mask[step] else {"facecolor": colour, "edgecolor": "none", "pad": 1},
        )
    for step in range(steps):
        told = _fate(step, states, mask)
        axes.text(step + 0.5, -0.22, told, ha="center", va="bottom", fontsize=9, color=INK)
        if told == "carried":
            arrow = {
                "arrowstyle": "-|>",
                "color": INK,
                "linewidth": 1.4,
                "shrinkA": 0,
                "shrinkB": 0,
            }
            axes.annotate("", (step + 0.5, -0.1), (step - 0.5, -0.1), arrowprops=arrow)
    axes.set(xlim=(0, steps), ylim=(units, -0.75), xlabel="step")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _fate(step, states, mask):
    """Return in a word what the numbers show at a step."""
    if mask[step]:
        return "new"
    if not states[step].any():
        return "zeros"
    return "carried" if step and np.array_equal(states[step], states[step - 1]) else "changed"


def _describe_state(step, states, mask):
    told = {
        "new": "real, new values",
        "zeros": "padding, zeros",
        "carried": f"padding, carried from step {step - 1}",
        "changed": "padding, but the values changed",
    }
    return f"Step {step}: {told[_fate(step, states, mask)]}."
