"""A trace as a picture: the batch's mask beside each layer, as far as it gets."""

from course_lib.pictures import BLUE, HATCH, INK, PALE, RED, Picture, new_figure

ROWS, STEPS = 4, 24


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
    shown = mask.reshape(mask.shape[0], mask.shape[1], -1)[:ROWS, :STEPS, 0]
    rows, steps = shown.shape
    for row in range(rows):
        for step in range(steps):
            real = shown[row, step]
            axes.add_patch(
                Rectangle(
                    (step / steps, top + row * height / rows),
                    1 / steps,
                    height / rows,
                    facecolor=BLUE if real else PALE,
                    hatch=None if real else HATCH,
                    edgecolor="white" if real else "#B0B0B0",
                    linewidth=0.8,
                )
            )
