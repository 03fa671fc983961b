"""Your result beside the expected one, as text and as a picture."""

import numpy as np

from course_lib.exercises._cases import Code
from course_lib.exercises._compare import close, closeness, kind_of
from course_lib.pictures import BLUE, HATCH, INK, PALE, RED, Picture, new_figure

MOST_ROWS, MOST_COLUMNS = 8, 10


def show(value):
    """Return a value as short text: arrays as NumPy prints them, at most 4 decimals."""
    if isinstance(value, np.ndarray):
        return np.array2string(value, precision=4, suppress_small=True, threshold=60)
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Code):
        return repr(value)
    if isinstance(value, (tuple, list)):
        opening, closing = "()" if isinstance(value, tuple) else "[]"
        return opening + ", ".join(map(show, value)) + closing
    if value is None or isinstance(value, (str, bool, int, np.generic)):
        text = repr(value.item() if isinstance(value, np.generic) else value)
        return text if len(text) <= 300 else text[:300] + " …"
    return kind_of(value)  # another object's repr may hold an address, or raise


def show_case(exercise, case):
    """Return the arguments of a case, one a line."""
    return "\n".join(
        _indented(f"{name} = ", show(value))
        for name, value in zip(exercise.parameters, case, strict=True)
    )


def show_problem(problem, name="result"):
    """Return the two results, and how far they are apart, as lines of text."""
    lines = [
        _indented(f"yours,    {name} = ", show(problem.got)),
        _indented(f"expected, {name} = ", show(problem.expected)),
    ]
    if _comparable(problem):
        lines.append(closeness(problem.got, problem.expected))
    return "\n".join(lines)


def _indented(start, text):
    return start + text.replace("\n", "\n" + " " * len(start))


def _comparable(problem):
    got, expected = problem.got, problem.expected
    both = isinstance(got, np.ndarray) and isinstance(expected, np.ndarray)
    if not both or got.shape != expected.shape:
        return False
    # Of another kind, its values may be right: then nothing is said of them.
    return got.dtype.kind in {"b": "b", "i": "iu", "u": "iu"}.get(expected.dtype.kind, "biuf")


def draw_problem(problem):
    """Draw yours beside the expected one, or return `None` if that makes no picture.

    Another dtype or shape is said in words: no value of it is marked as different.
    """
    if not _comparable(problem):
        return None
    got, expected = _as_grid(problem.got), _as_grid(problem.expected)
    if got is None or expected is None:
        return None
    if got.ndim == 3:
        differs = ~close(got, expected)
        item = int(np.argmax(differs.any(axis=(1, 2))))
        got, expected = got[item], expected[item]
    if got.ndim != 2 or not got.size:
        return None
    if got.shape[0] > MOST_ROWS or got.shape[1] > MOST_COLUMNS:
        return None
    return _draw(got, expected)


def _as_grid(value):
    if type(value) is not np.ndarray or value.dtype.kind not in "biuf":
        return None
    return value.reshape((1,) * (2 - value.ndim) + value.shape) if value.ndim < 2 else value


def _draw(got, expected):
    marks = ~close(got, expected)
    rows, columns = got.shape[0], 2 * got.shape[1]
    figure, (left, right) = new_figure(1.6 + 0.72 * columns, 0.8 + 0.5 * rows, columns=2)
    _paint(left, got, marks, "yours")
    _paint(right, expected, None, "expected")
    places = ", ".join(str(tuple(map(int, place))) for place in np.argwhere(marks)[:6])
    alt = (
        f"Your result beside the expected one. {int(marks.sum())} of {marks.size} values "
        f"differ, at {places}{' and more' if marks.sum() > 6 else ''}; "
        "they have a thick frame and the sign ≠."
    )
    return Picture(figure, alt)


def _paint(axes, values, marks, title):
    from matplotlib.patches import Rectangle

    rows, columns = values.shape
    for row, column in np.ndindex(rows, columns):
        value = values[row, column]
        solid = value.dtype.kind == "b" and bool(value)
        pale = value.dtype.kind == "b" and not value
        axes.add_patch(
            Rectangle(
                (column, row),
                1,
                1,
                facecolor=BLUE if solid else PALE if pale else "white",
                edgecolor="#8A8A8A",
                hatch=HATCH if pale else None,
            )
        )
        wrong = marks is not None and marks[row, column]
        text = str(bool(value)) if value.dtype.kind == "b" else f"{value:.4g}"
        axes.text(
            column + 0.5,
            row + 0.5,
            f"≠ {text}" if wrong else text,
            ha="center",
            va="center",
            fontsize=9,
            color="white" if solid else INK,
            bbox={"facecolor": PALE, "edgecolor": "none", "pad": 1} if pale else None,
        )
        if wrong:
            frame = Rectangle((column + 0.05, row + 0.05), 0.9, 0.9, fill=False)
            frame.set(edgecolor=RED, linewidth=2.5, zorder=3)
            axes.add_patch(frame)
    axes.set(xlim=(0, columns), ylim=(rows, 0), xticks=[], yticks=[])
    axes.set_title(title, loc="left", fontsize=10, color=INK)
    axes.spines[:].set_visible(False)
