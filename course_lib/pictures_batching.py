"""The pictures of lesson 08: batches and their padding, packed rows, and what each way costs."""

import numpy as np

from course_lib._arguments import as_array, as_mask, no_nan, not_empty, shape_of
from course_lib.pictures import BLUE, INK, ORANGE, Picture, name_cells, new_figure, paint_step


def draw_batches(ways, title=""):
    """Draw batches of rows, one way of batching beside the other, padding hatched.

    Args:
        ways: for the name of each way its batches, a list of masks: bool, shape `(B, T)`, True at
            real steps. Their shapes may differ.
        title: a line above the picture.

    Returns:
        A `Picture`: a column for each way, its batches below each other.

    Raises:
        TypeError: a mask is not bool.
        ValueError: no ways, a way without batches, or a mask without steps.
    """
    if not ways:
        raise ValueError("`ways` must hold at least one way of batching, got none")
    read = {name: _as_batches(batches, name) for name, batches in ways.items()}
    widths = [max(11, *(mask.shape[1] for mask in masks)) + 1 for masks in read.values()]
    rows = max(sum(map(len, masks)) + len(masks) for masks in read.values())
    figure, axes = new_figure(0.3 + 0.145 * sum(widths), 0.5 + 0.2 * (rows + 2))
    for left, (name, masks) in zip(np.cumsum([0, *widths]), read.items(), strict=False):
        _paint_batches(axes, left, masks)
        label = f"{name}\n{_share(masks):.1%} real"
        axes.text(left, -0.4, label, va="bottom", fontsize=10, color=INK)
    axes.set(xlim=(0, sum(widths)), ylim=(rows, -3))
    axes.set_axis_off()
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    told = [f"{name}: {_describe_batches(masks)}" for name, masks in read.items()]
    return Picture(figure, f"{title + ': ' if title else ''}{' '.join(told)}")


def _as_batches(batches, name):
    named = [f"`ways[{name!r}][{at}]`".strip("`") for at in range(len(batches))]
    masks = [as_mask(mask, where) for mask, where in zip(batches, named, strict=True)]
    if not masks:
        raise ValueError(f"`ways[{name!r}]` must hold at least one batch, got none")
    return [not_empty(mask, where) for mask, where in zip(masks, named, strict=True)]


def _share(masks):
    return np.concatenate([mask.ravel() for mask in masks]).mean()


def _paint_batches(axes, left, masks):
    top = 0
    for mask in masks:
        for row, step in np.ndindex(mask.shape):
            paint_step(axes, left + step, top + row, mask[row, step], linewidth=0.5)
        top += len(mask) + 1


def _describe_batches(masks):
    shapes = [f"{rows} × {steps}" for rows, steps in (mask.shape for mask in masks)]
    return f"{', '.join(shapes)} steps, {_share(masks):.1%} real."


def draw_packed(segments, words, title=""):
    """Draw packed rows: each step with its word and the number of its sequence, padding hatched.

    Args:
        segments: integers of shape `(B, T)`: which sequence of its row a step belongs to, 0 for
            padding.
        words: what is written into the steps, shape `(B, T)`; not read at padded steps.
        title: a line above the picture.

    Returns:
        A `Picture`: a box for each step, and a thick line where a sequence starts.

    Raises:
        TypeError: `segments` are not integers.
        ValueError: no steps, or `words` of another shape.
    """
    segments = not_empty(as_array(segments, "segments", ndim=2), "segments")
    if segments.dtype.kind not in "iu":
        raise TypeError(f"`segments` must be integers, got dtype {segments.dtype}")
    if shape_of(words) != segments.shape:
        raise ValueError(f"`words` must have shape {segments.shape}, got {shape_of(words)}")
    rows, steps = segments.shape
    figure, axes = new_figure(0.9 + 0.62 * steps, 0.7 + 0.62 * rows)
    for row, step in np.ndindex(rows, steps):
        number = segments[row, step]
        paint_step(axes, step, row, number != 0, f"{words[row][step]}\n{number}" if number else "")
        if step and number and number != segments[row, step - 1]:
            axes.plot([step, step], [row, row + 1], color=ORANGE, linewidth=4)
    name_cells(axes, range(steps), [f"row {row}" for row in range(rows)])
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    told = [
        _describe_packed(row, *lines) for row, lines in enumerate(zip(segments, words, strict=True))
    ]
    return Picture(figure, f"{title + ': ' if title else ''}{' '.join(told)}")


def _describe_packed(row, segments, words):
    parts = [
        " ".join(str(word) for word, number in zip(words, segments, strict=True) if number == own)
        for own in dict.fromkeys(segments[segments != 0].tolist())
    ]
    padding = int((segments == 0).sum())
    behind = [f"{padding} of padding"] if padding else []
    return f"Row {row}: {' | '.join(parts + behind)}."


def draw_looks(mask, words, title=""):
    """Draw who may look at whom in one row: queries down the side, keys below.

    Args:
        mask: bool, shape `(T, T)`, query by key, True where the query may look.
        words: the names of the steps, `T` of them, "" for padding.
        title: a line above the picture.

    Returns:
        A `Picture`: a box for each pair, solid where the query looks, hatched where it does not.

    Raises:
        TypeError: `mask` is not bool.
        ValueError: `mask` is empty or not square, or there are not `T` words.
    """
    mask = not_empty(as_mask(mask), "mask")
    steps = len(mask)
    if mask.shape != (steps, steps):
        raise ValueError(f"`mask` must be square, got shape {mask.shape}")
    if len(words) != steps:
        raise ValueError(f"`words` must name {steps} steps, got {len(words)}")
    figure, axes = new_figure(1.0 + 0.5 * steps, 0.8 + 0.36 * steps)
    for query, key in np.ndindex(mask.shape):
        paint_step(axes, key, query, mask[query, key])
    names = [word or "pad" for word in words]
    name_cells(axes, names, names)
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    told = [_describe_look(names[query], mask[query], names) for query in range(steps)]
    return Picture(figure, f"{title + ': ' if title else ''}{' '.join(told)}")


def _describe_look(query, mask, names):
    seen = " ".join(name for name, looked_at in zip(names, mask, strict=True) if looked_at)
    return f"{query} looks at {seen or 'nothing'}."


def draw_costs(steps, times, real, title=""):
    """Draw how the time of rows grows with their padding, a line for each layer.

    Args:
        steps: integers of shape `(N,)`: how many steps the rows were padded to.
        times: for the name of each layer `N` numbers: how many times the time of the first.
        real: how many steps of a row are real.
        title: a line above the picture.

    Returns:
        A `Picture`, with logarithmic axes.

    Raises:
        TypeError: `steps` or times are not numbers.
        ValueError: no layers, no steps, not as many times as steps, or one that is not above 0.
    """
    steps = not_empty(as_array(steps, "steps", ndim=1), "steps")
    if not times:
        raise ValueError("`times` must hold at least one layer, got none")
    read = {name: _as_times(values, f"times[{name!r}]", steps) for name, values in times.items()}
    figure, axes = new_figure(6.6, 3.6)
    for (name, values), marker in zip(read.items(), "os^Dv" * len(read), strict=False):
        axes.plot(steps, values, marker=marker, color=BLUE if marker == "o" else ORANGE)
        axes.annotate(
            f"{name}: × {values[-1]:.3g}",
            (steps[-1], values[-1]),
            (-8, 4),
            textcoords="offset points",
            ha="right",
            color=INK,
        )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(steps, steps)
    marks = [
        mark for mark in (1, 2, 5, 10, 20, 50, 100) if mark <= 1.3 * max(map(max, read.values()))
    ]
    axes.set_yticks(marks, [f"× {mark}" for mark in marks])
    axes.minorticks_off()
    axes.set(xlabel=f"steps of a padded row, {real} of them real", ylabel="time")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    told = [_describe_times(name, steps, values) for name, values in read.items()]
    return Picture(figure, f"{title + ': ' if title else ''}{real} real steps. {' '.join(told)}")


def _as_times(values, name, steps):
    values = no_nan(as_array(values, name, ndim=1).astype(float), name)
    if values.shape != steps.shape:
        raise ValueError(f"`{name}` must have shape {steps.shape}, got {values.shape}")
    if (values <= 0).any():
        raise ValueError(f"`{name}` must be above 0, got {values.min():.4g}")
    return values


def _describe_times(name, steps, values):
    pairs = [f"{count}: × {value:.3g}" for count, value in zip(steps, values, strict=True)]
    return f"{name} padded to {', '.join(pairs)}."


def draw_ways(ways, title=""):
    """Draw for each way of batching its share of real steps beside the time of an epoch.

    Args:
        ways: for the name of each way a dict with its share of real steps, `"real"`, from 0 to 1,
            and the seconds of an epoch, `"seconds"`; what else it holds is not read.
        title: a line above the picture.

    Returns:
        A `Picture`: two bars for each way.

    Raises:
        ValueError: no ways, a share outside of 0 to 1, or seconds not above 0.
    """
    if not ways:
        raise ValueError("`ways` must hold at least one way of batching, got none")
    for name, way in ways.items():
        if not 0 <= way["real"] <= 1:
            raise ValueError(f"`ways[{name!r}]['real']` must be 0 to 1, got {way['real']:.4g}")
        if not way["seconds"] > 0:
            raise ValueError(f"`ways[{name!r}]['seconds']` must be above 0, got {way['seconds']}")
    figure, (left, right) = new_figure(7.6, 0.9 + 0.5 * len(ways), columns=2)
    _paint_shares(left, {name: way["real"] for name, way in ways.items()})
    _paint_seconds(right, [way["seconds"] for way in ways.values()])
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontsize=11, color=INK)
    told = [f"{name}: {way['real']:.1%}, {way['seconds']:.1f} s." for name, way in ways.items()]
    about = f"{title + ': ' if title else ''}real steps, seconds of an epoch. "
    return Picture(figure, about + " ".join(told))


def _paint_shares(axes, real):
    for place, share in enumerate(real.values()):
        paint_step(axes, 0, place + 0.15, True, width=share, height=0.7)
        paint_step(axes, share, place + 0.15, False, width=1 - share, height=0.7)
        inside = share > 0.3
        axes.text(
            share / 2 if inside else share + 0.03,
            place + 0.5,
            f"{share:.1%}",
            ha="center" if inside else "left",
            va="center",
            color="white" if inside else INK,
            bbox=None if inside else {"facecolor": "#EDEDED", "edgecolor": "none", "pad": 1},
        )
    axes.set(xlim=(0, 1), ylim=(len(real), 0))
    axes.set_xticks([])
    axes.set_yticks(np.arange(len(real)) + 0.5, list(real))
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title("real steps", loc="left", fontsize=10, color=INK)


def _paint_seconds(axes, seconds):
    for place, time in enumerate(seconds):
        axes.barh(place + 0.5, time, 0.7, color=ORANGE)
        text = f"{time:.1f} s" + (f", {seconds[0] / time:.1f} times as fast" if place else "")
        axes.text(time + 0.02 * max(seconds), place + 0.5, text, va="center", color=INK)
    axes.set(xlim=(0, 1.3 * max(seconds)), ylim=(len(seconds), 0))
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
    axes.set_title("an epoch", loc="left", fontsize=10, color=INK)
