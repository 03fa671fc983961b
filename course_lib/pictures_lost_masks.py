"""A picture of the solo test: which steps of a batch come out otherwise than in their row alone."""

import numpy as np

from course_lib.pictures import INK, RED, Picture, _ranges, new_figure, paint_mask


def draw_differences(in_batch, alone, title="", tolerance=1e-6):
    """Draw a batch as a grid that tells equal steps from those that differ, and from padding.

    Args:
        in_batch: outputs of the batch, padded at the end, shape `(B, T)` or `(B, T, D)`.
        alone: for each row, its outputs when it is run alone, shape `(steps,)` or `(steps, D)`.
        title: a line above the grid.
        tolerance: what two numbers may differ by.

    Returns:
        A `Picture`: `=` at steps that are equal, `≠` on another colour where they differ.

    Raises:
        ValueError: `alone` has another number of rows, or a row that is longer than the batch.
    """
    in_batch = np.asarray(in_batch)
    alone = [np.asarray(row) for row in alone]
    if in_batch.ndim not in (2, 3) or not in_batch.size:
        raise ValueError(f"`in_batch` must have shape (B, T) or (B, T, D), got {in_batch.shape}")
    if len(alone) != len(in_batch):
        raise ValueError(f"`alone` must have {len(in_batch)} rows, got {len(alone)}")
    mask = np.zeros(in_batch.shape[:2], bool)
    differs = np.zeros_like(mask)
    for row, (padded, own) in enumerate(zip(in_batch, alone, strict=True)):
        if own.ndim != padded.ndim or len(own) > len(padded) or own.shape[1:] != padded.shape[1:]:
            raise ValueError(
                f"row {row} of `alone` must fit into the batch's shape {padded.shape}, "
                f"got {own.shape}"
            )
        mask[row, : len(own)] = True
        far = ~np.isclose(padded[: len(own)], own, rtol=0, atol=tolerance, equal_nan=True)
        differs[row, : len(own)] = far.any(axis=tuple(range(1, own.ndim)))
    rows, steps = mask.shape
    figure, axes = new_figure(1.1 + 0.62 * steps, 0.9 + 0.5 * rows)
    paint_mask(axes, mask)
    _paint_signs(axes, mask, differs)
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    about = f"{title}: " if title else ""
    parts = [
        _describe(number, *pair) for number, pair in enumerate(zip(mask, differs, strict=True))
    ]
    return Picture(figure, f"{about}{rows} row{'s' * (rows > 1)}. " + " ".join(parts))


def _paint_signs(axes, mask, differs):
    from matplotlib.patches import Rectangle

    for row, step in zip(*np.nonzero(mask), strict=True):
        other = differs[row, step]
        if other:
            axes.add_patch(
                Rectangle((step, row), 1, 1, facecolor=RED, edgecolor="white", linewidth=1)
            )
        axes.text(
            step + 0.5,
            row + 0.5,
            "≠" if other else "=",
            ha="center",
            va="center",
            fontsize=13,
            weight="bold" if other else "normal",
            color="white",
        )


def _describe(number, real, differs):
    count = int(real.sum())
    if not count:
        return f"Row {number}: all padding."
    steps = f"Row {number}, {count} real step{'s' * (count != 1)}: "
    if not differs.any():
        return f"{steps}all equal."
    if np.array_equal(real, differs):
        return f"{steps}all differ."
    equal = _ranges(np.flatnonzero(real & ~differs))
    return f"{steps}equal at {equal}, different at {_ranges(np.flatnonzero(differs))}."
