"""Pictures of a mask on its way through layers: a short chain, and the trace of a model."""

import numpy as np

from course_lib.pictures import INK, RED, Picture, _describe_steps, new_figure, paint_step

BOX, GAP, CELL = 1.5, 1.35, 0.2
TRACE_ROWS, TRACE_STEPS = 4, 24
# Each kind of box has its own outline, so that none is told by colour alone.
OUTLINES = {
    "makes": {"linewidth": 3.0},
    "passes on": {"linewidth": 1.0},
    "uses": {"linewidth": 1.0, "facecolor": "#CFE5F3"},
    "drops": {"linewidth": 1.6, "linestyle": (0, (3, 2))},
    "has none": {"linewidth": 1.0, "linestyle": ":"},
}


def draw_walk(names, masks, uses=(), title=""):
    """Draw the walk of one row's mask through a chain of layers.

    What a layer does is read from the masks before and after it: it makes one, passes it on,
    drops it, or has none. Before the first layer there is no mask.

    Args:
        names: what is written into the boxes, one per layer.
        masks: the mask after each layer: bool, shape `(T,)`, or `None`.
        uses: names of the layers whose result depends on the mask that they are given.
        title: a line above the picture.

    Returns:
        A `Picture`.

    Raises:
        TypeError: a mask is not bool.
        ValueError: `names` is empty or not as long as `masks`, a mask is not `(T,)`, two masks
            have not the same `T`, or `uses` has a name that `names` lacks.
    """
    names, masks = list(names), [_as_row(mask) for mask in masks]
    if not names or len(names) != len(masks):
        raise ValueError(
            "`names` and `masks` must have the same length of at least one, "
            f"got {len(names)} and {len(masks)}"
        )
    lengths = sorted({mask.size for mask in masks if mask is not None})
    if len(lengths) > 1:
        raise ValueError(f"`masks` must have the same number of steps, got {lengths}")
    if set(uses) - set(names):
        raise ValueError(f"`uses` must hold names out of {names}, got {list(uses)}")
    parts = [
        (name, _deed(before, after, name in uses), after)
        for name, before, after in zip(names, [None, *masks], masks, strict=False)
    ]
    width = len(parts) * BOX + len(parts) * GAP
    figure, axes = new_figure(0.78 * width, 1.25)
    for place, (name, deed, mask) in enumerate(parts):
        left = place * (BOX + GAP)
        _paint_box(axes, left, name, deed)
        _paint_strip(axes, left + BOX, mask)
    axes.set(xlim=(-0.1, width), ylim=(-0.1, 1.1))
    axes.set_axis_off()
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    return Picture(figure, _describe(title, parts))


def _as_row(mask):
    if mask is None:
        return None
    row = np.asarray(mask)
    if row.dtype != bool:
        raise TypeError(f"a mask in `masks` must be bool with True at real steps, got {row.dtype}")
    if row.ndim != 1 or not row.size:
        raise ValueError(f"a mask in `masks` must have shape (T,), got {row.shape}")
    return row


def _deed(before, after, reads):
    """Return what a layer does in words that are keys of `OUTLINES`, "uses" before the others."""
    if before is None:
        return "has none" if after is None else "makes"
    if reads:
        return "uses"
    return "drops" if after is None else "passes on"


def _paint_box(axes, left, name, deed):
    from matplotlib.patches import Rectangle

    style = {"facecolor": "white", "edgecolor": INK} | OUTLINES[deed]
    axes.add_patch(Rectangle((left, 0), BOX, 1, **style))
    axes.text(left + BOX / 2, 0.62, name, ha="center", va="center", fontsize=10, color=INK)
    axes.text(left + BOX / 2, 0.28, deed, ha="center", va="center", fontsize=9, color=INK)


def _paint_strip(axes, left, mask):
    """Draw an arrow, and above it the mask as a row of small squares, or the words "no mask"."""
    arrow = {"arrowstyle": "->", "color": INK, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", (left + GAP - 0.06, 0.3), (left + 0.06, 0.3), arrowprops=arrow)
    middle = left + GAP / 2
    if mask is None:
        axes.text(middle, 0.55, "no mask", ha="center", va="center", fontsize=9, color=INK)
        return
    cell = min(CELL, (GAP - 0.2) / mask.size)
    start = middle - cell * mask.size / 2
    for step, real in enumerate(mask):
        paint_step(axes, start + step * cell, 0.45, real, width=cell, height=0.3)


def _describe(title, parts):
    sentences = []
    for name, deed, mask in parts:
        if deed == "makes":
            sentences.append(f"{name} makes a mask, {_describe_steps(mask)}.")
        elif deed == "has none":
            sentences.append(f"{name} gets no mask.")
        elif deed == "uses":
            rest = "passes it on" if mask is not None else "its output has none"
            sentences.append(f"{name} uses the mask; {rest}.")
        else:
            sentences.append(f"{name} {deed.replace(' on', '')} the mask{' on' * ('on' in deed)}.")
    return f"{title}: " * bool(title) + " ".join(sentences)


def draw_trace(trace):
    """Draw the masks that leave each layer, one layer below the other.

    Real steps are solid, padding is hatched; where no mask leaves, an empty frame stands. At most
    4 rows and 24 steps of a mask are drawn.

    Args:
        trace: a `course_lib.propagation.Trace`.

    Returns:
        A `Picture`.

    Raises:
        ValueError: the trace has no rows.
    """
    if not trace.rows:
        raise ValueError("`trace` must have at least one row, got none")
    figure, axes = new_figure(9, 0.5 + 0.62 * len(trace.rows))
    for place, row in enumerate(trace.rows):
        letter = next((one for one in row.mask_out if one in trace.masks), None)
        _paint(axes, place, trace.masks.get(letter))
        lost = row.did.startswith(("drops", "ignores")) or "strips" in row.did
        middle = place + 0.5
        label = f"{'    ' * row.depth}{row.layer} ({row.class_name})"
        axes.text(-0.02, middle, label, ha="right", va="center", fontsize=9, color=INK)
        told = f"{letter or 'no mask'}: {row.did}" if row.did != "–" else letter or "no mask"
        color, weight = (RED, "bold") if lost else (INK, "normal")
        axes.text(
            1.02, middle, told, ha="left", va="center", fontsize=9, color=color, weight=weight
        )
    axes.set(xlim=(-0.85, 1.95), ylim=(len(trace.rows), 0))
    axes.set_axis_off()
    said = "; ".join(
        f"{row.layer} ({row.class_name}) {row.did}" for row in trace.rows if row.did != "–"
    )
    return Picture(
        figure, f"The mask on its way through {len(trace.rows)} calls: {said or 'none'}."
    )


def _paint(axes, place, mask):
    from matplotlib.patches import Rectangle

    top, height = place + 0.12, 0.76
    if mask is None or mask.ndim < 2 or not mask.size:
        axes.add_patch(
            Rectangle((0, top), 1, height, facecolor="none", edgecolor=INK, linestyle=":")
        )
        return
    shown = mask.reshape(mask.shape[0], mask.shape[1], -1)[:TRACE_ROWS, :TRACE_STEPS, 0]
    rows, steps = shown.shape
    for row, step in np.ndindex(rows, steps):
        paint_step(
            axes,
            step / steps,
            top + row * height / rows,
            shown[row, step],
            width=1 / steps,
            height=height / rows,
            linewidth=0.8,
        )
