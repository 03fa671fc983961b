"""Find out what each axis of a tensor is, from its shapes in several views."""

from course_lib._audit.axes import FREE, ROWS, SAME, Axes, steps


def layouts(first, first_view, others, side="post"):
    """Tell what each axis of a tensor is, from its shapes in several views.

    Args:
        first: shape in `first_view`.
        first_view: a `View`.
        others: list of `(shape, view)`: of some or all of the same rows.
        side: where padding stands.

    Returns:
        List of all `Axes` that it may have: two inputs may have equally many steps, padded on
        different sides. It is empty if the tensors cannot be laid beside each other.
    """
    shapes, views = [first, *(s for s, _ in others)], [first_view, *(v for _, v in others)]
    if not first or len({len(shape) for shape in shapes}) > 1:
        return []
    pairs = zip(shapes, views, strict=True)
    if any(shape[0] not in (view.size, len(view.rows)) for shape, view in pairs):
        return []
    ways = []
    for pick in range(max(len(first_view.steps), 1)):
        axes = [
            _axis(sizes, views, pick, number == 0 and len(first) > 2)
            for number, sizes in enumerate(zip(*(shape[1:] for shape in shapes), strict=True))
        ]
        ways.append(Axes((ROWS, *axes), side))
    return list(dict.fromkeys(ways))


def _axis(sizes, views, pick, is_second):
    """Return the `Axis` that has these sizes in these views; of several sequences, take `pick`."""
    steps_of = zip(*(view.steps for view in views), strict=True)
    fits = [sequence for sequence, long in enumerate(steps_of) if long == sizes]
    # Views of equally many steps, with padding in all: the second axis is that of steps.
    along = is_second and fits and not any(view.pure for view in views)
    if len(set(sizes)) == 1 and not along:
        return SAME
    if fits:
        return steps(fits[min(pick, len(fits) - 1)])
    return ROWS if sizes == tuple(view.size for view in views) else FREE


def unfold(array, view):
    """Return `(B·T, ...)` as `(B, T, ...)` if no axis is the batch but their product is."""
    for long in view.steps:
        if array.ndim and array.shape[0] == view.size * long and array.shape[0] != view.size:
            return array.reshape(view.size, long, *array.shape[1:])
    return array
