"""The picture of lesson 07: which word looks at which, and how much padding gets of it."""

import numpy as np

from course_lib._arguments import as_array, as_mask, no_nan, not_empty, shape_of
from course_lib.pictures import BLUE, HATCH, INK, ORANGE, PALE, Picture, new_figure


def draw_attention(weights, words, mask, titles, query_words=None):
    """Draw attention weights as grids: a line for each word that looks, a column for each seen.

    A cell holds its weight in percent; darker is more. Columns of padding are hatched.

    Args:
        weights: numbers from 0 to 1, shape `(P, T, S)`: P grids side by side.
        words: the words that are looked at, `P` lists of `S`.
        mask: bool, shape `(P, S)`, True where such a word is real.
        titles: a line above each grid, `P` of them.
        query_words: the words that look, `P` lists of `T`; `None`: `words`.

    Returns:
        A `Picture`. Its alt text tells what each grid gives to padding, and for each line the word
        that gets most.

    Raises:
        TypeError: `weights` are not numbers, or `mask` is not bool.
        ValueError: no cells, NaN, a weight outside of 0 to 1, or shapes that do not fit.
    """
    weights = not_empty(as_array(weights, "weights", ndim=3), "weights").astype(float)
    if (no_nan(weights, "weights") < 0).any() or (weights > 1 + 1e-6).any():
        found = f"{weights.min():.4g} to {weights.max():.4g}"
        raise ValueError(f"`weights` must be from 0 to 1, got {found}")
    grids, queries, steps = weights.shape
    mask = as_mask(mask, shape=(grids, steps))
    query_words = words if query_words is None else query_words
    _must_name(words, "words", (grids, steps))
    _must_name(query_words, "query_words", (grids, queries))
    _must_name(titles, "titles", (grids,))
    figure, axes = new_figure(grids * (0.9 + 0.5 * steps), 1.2 + 0.4 * queries, columns=grids)
    told = []
    for grid, axis in enumerate(np.atleast_1d(axes)):
        _paint_grid(axis, weights[grid], mask[grid])
        axis.set_xticks(np.arange(steps) + 0.5, words[grid], rotation=40, ha="right")
        axis.set_yticks(np.arange(queries) + 0.5, query_words[grid])
        axis.set_title(titles[grid], loc="left", fontsize=11, color=INK)
        told.append(
            f"{titles[grid]}: "
            + _describe_grid(weights[grid], mask[grid], words[grid], query_words[grid])
        )
    return Picture(figure, " ".join(told))


def _must_name(names, argument, shape):
    found = shape_of(names)
    if found != shape:
        raise ValueError(f"`{argument}` must have shape {shape} to fit the weights, got {found}")


def _paint_grid(axes, weights, mask):
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patches import Rectangle

    real_colours = LinearSegmentedColormap.from_list("real", ["#FFFFFF", BLUE])
    padding_colours = LinearSegmentedColormap.from_list("padding", [PALE, ORANGE])
    for query, step in np.ndindex(weights.shape):
        share, real = weights[query, step], mask[step]
        colour = (real_colours if real else padding_colours)(0.85 * share)
        box = Rectangle(
            (step, query),
            1,
            1,
            facecolor=colour,
            edgecolor="#9A9A9A",
            hatch=None if real else HATCH,
        )
        axes.add_patch(box)
        axes.text(
            step + 0.5,
            query + 0.5,
            f"{share:.0%}".removesuffix("%"),
            ha="center",
            va="center",
            fontsize=10,
            color=INK,
            # The hatching would cross the number.
            bbox=None if real else {"facecolor": colour, "edgecolor": "none", "pad": 1},
        )
    axes.set(xlim=(0, weights.shape[1]), ylim=(weights.shape[0], 0))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def _describe_grid(weights, mask, words, query_words):
    lines = []
    for word, line in zip(query_words, weights, strict=True):
        most = int(line.argmax())
        seen = f'most at "{words[most]}" ({line[most]:.0%})' if line.any() else "at nothing"
        lines.append(f'"{word}" looks {seen}')
    padding = weights[:, ~mask].sum(axis=1)
    if not mask.all():
        lowest, highest = f"{padding.min():.0%}", f"{padding.max():.0%}"
        span = lowest if lowest == highest else f"{lowest} to {highest}"
        lines.append(f"padding gets {span} of a line")
    return ", ".join(lines) + "."
