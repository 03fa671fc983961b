"""Find out what each axis of a tensor is, from its shapes in several views."""

from course_lib._audit.axes import FREE, ROWS, SAME, Axes, steps


def layout(first, first_view, second, second_view, pick=0, side="post"):
    """Tell what each axis of a tensor is, from its shapes in two views.

    Args:
        first: shape in `first_view`.
        first_view: a `View`.
        second: shape in `second_view`.
        second_view: a `View` of some or all of the same rows.
        pick: which sequence is taken where several have these steps in both views.
        side: where padding stands.

    Returns:
        The `Axes`; `None` if the tensors cannot be laid beside each other.
    """
    if len(first) != len(second) or not first:
        return None
    if first[0] not in (first_view.size, len(first_view.rows)):
        return None
    if second[0] not in (second_view.size, len(second_view.rows)):
        return None
    axes = [ROWS]
    for number, (one, other) in enumerate(zip(first[1:], second[1:], strict=True), start=1):
        pairs = zip(first_view.steps, second_view.steps, strict=True)
        fits = [sequence for sequence, pair in enumerate(pairs) if pair == (one, other)]
        # Two views of equally many steps, with padding in both: the second axis is that of steps.
        padded = number == 1 and len(first) > 2 and not (first_view.pure or second_view.pure)
        if one == other and not (padded and fits):
            axes.append(SAME)
        elif fits:
            axes.append(steps(fits[min(pick, len(fits) - 1)]))
        elif (one, other) == (first_view.size, second_view.size):
            axes.append(ROWS)
        else:
            axes.append(FREE)
    return Axes(tuple(axes), side)


def layouts(first, first_view, second, second_view, side="post"):
    """Return all `Axes` that a tensor of two views may have.

    Two inputs may have equally many steps, padded on different sides.
    """
    ways = [
        layout(first, first_view, second, second_view, pick, side)
        for pick in range(max(len(first_view.steps), 1))
    ]
    return [way for way in dict.fromkeys(ways) if way is not None]


def layout_in_all(shape, view, others, pick=0, side="post"):
    """Return the `Axes` of an output that hold in every view: see `layout`.

    Args:
        shape: the output's shape in `view`.
        view: the `View` of the whole batch.
        others: list of `(shape, view)` of the groups alone.
        pick: which sequence is taken where several have these steps in all views.
        side: where padding stands.
    """
    found = [layout(shape, view, other, alone) for other, alone in others]
    if any(axes is None for axes in found):
        return None
    merged = []
    for number, kinds in enumerate(zip(*(axes.axes for axes in found), strict=True)):
        sizes = [(other[number], alone) for other, alone in others]
        fits = [
            sequence
            for sequence, long in enumerate(view.steps)
            if shape[number] == long and all(size == one.steps[sequence] for size, one in sizes)
        ]
        if set(kinds) <= {SAME} or set(kinds) == {ROWS}:
            merged.append(kinds[0])
        elif number and fits:
            merged.append(steps(fits[min(pick, len(fits) - 1)]))
        elif ROWS in kinds:
            merged.append(ROWS if set(kinds) <= {ROWS, SAME} else FREE)
        else:
            merged.append(FREE)
    return Axes(tuple(merged), side)


def unfold(array, view):
    """Return `(B·T, ...)` as `(B, T, ...)` if no axis is the batch but their product is."""
    for long in view.steps:
        if array.ndim and array.shape[0] == view.size * long and array.shape[0] != view.size:
            return array.reshape(view.size, long, *array.shape[1:])
    return array
