"""Exercises of lesson 06: three broken models of Keras, and a small `audit`."""

import numpy as np

from course_lib.exercises._broken_models import EXERCISES as BROKEN
from course_lib.exercises._exercise import Exercise, Wrong
from course_lib.exercises._models import MODELS

# --- 6.4


def rows_that_see_padding(run, ids):
    """Return a list: the numbers of the rows that get another output alone."""
    outputs, found = run(ids), []
    for b in np.flatnonzero(ids.any(axis=1)).tolist():
        row = ids[b, ids[b] != 0]
        alone = run(row[None])[0]
        if not np.allclose(outputs[b][: len(alone)], alone, atol=1e-6):
            found.append(b)
    return found


def _draw_model(draw):
    rows, steps = draw.sizes()
    lengths = draw.integers(0, steps, rows)[:, None]
    ids = np.where(np.arange(steps) < lengths, draw.integers(1, 9, rows, steps), 0)
    return draw.choice(*MODELS), ids


def _close(one, other):
    return np.allclose(one, other, atol=1e-6)


def _rows(
    run,
    ids,
    cut=lambda row, length: row[None, :length],
    part=lambda output, length: output[:length],
    agree=_close,
    empty=False,
):
    """`rows_that_see_padding` with other rules, for the wrong answers below."""
    outputs, found = run(ids), []
    for b, row in enumerate(ids):
        length = int((row != 0).sum())
        if not length:
            found += [b] * empty
            continue
        alone, in_batch = run(cut(row, length))[0], outputs[b]
        if outputs.ndim == 3:
            in_batch, alone = part(in_batch, length), part(alone, length)
        if not agree(in_batch, alone):
            found.append(b)
    return found


def _any_close(one, other):
    return np.isclose(one, other, atol=1e-6).any()


def _or_other_shape(one, other):
    return one.shape == other.shape and _close(one, other)


_IDS = np.array([[4, 7, 0, 0], [2, 5, 1, 3], [0, 0, 0, 0], [9, 6, 8, 0]])

ROWS_THAT_SEE_PADDING = Exercise(
    "6.4",
    "Build it: a small `audit`",
    rows_that_see_padding,
    """`run(ids)` is a model: it takes ids of shape `(B, T)`, padded with 0 at the end, and returns
an output for each step, shape `(B, T, D)`, or for each row, shape `(B, D)`. It runs on any number
of rows and steps. Write `rows_that_see_padding(run, ids)`: a list with the numbers of the rows
whose output at real steps, or for the row, is another one when the row runs alone without its
padding. Differences up to 1e-6 do not count: they come from rounding. A row that is all padding
cannot run alone and is left out.""",
    minutes=12,
    difficulty="hard",
    build=True,
    hints=(
        "Run the batch once. Then, row by row: how long is it, and what does "
        "`run(row[None, :length])` give?",
        "Alone, a row has outputs at its real steps only. Which part of the batch's output do you "
        "compare with them, if `outputs.ndim` is 3, and which if it is 2?",
        "`np.allclose(a, b, atol=1e-6)` is `True` only if all values agree up to rounding.",
    ),
    cases=_draw_model,
    examples=tuple((model, _IDS) for model in MODELS),
    wrong=(
        Wrong(
            "the row with its padding",
            lambda run, ids: _rows(run, ids, cut=lambda row, length: row[None]),
            "You run each row by itself, but with its padding. What is left to differ?",
        ),
        Wrong(
            "other shapes taken for other outputs",
            lambda run, ids: _rows(
                run, ids, part=lambda output, length: output, agree=_or_other_shape
            ),
            "A short row has fewer steps alone than in the batch. Is that a fault of the model?",
        ),
        Wrong(
            "the last step only",
            lambda run, ids: _rows(run, ids, part=lambda output, length: output[length - 1]),
            "You compare the last real step. Can the padding reach an earlier one?",
        ),
        Wrong(
            "the first step only",
            lambda run, ids: _rows(run, ids, part=lambda output, length: output[0]),
            "You compare the first step. Which step has the padding for a neighbour?",
        ),
        Wrong(
            "different only if all differ",
            lambda run, ids: _rows(run, ids, agree=_any_close),
            "One value of a row differs and the others agree. Has the row seen the padding?",
        ),
        Wrong(
            "no room for rounding",
            lambda run, ids: _rows(run, ids, agree=np.array_equal),
            "You ask for equality to the last digit. Is a difference of rounding the padding's "
            "doing?",
        ),
        Wrong(
            "less room for rounding than float32 needs",
            lambda run, ids: _rows(run, ids, agree=np.allclose),
            "A value near 0 differs by 1e-7. `np.allclose` lets 1e-8 pass unless told. What was "
            "asked for?",
        ),
        Wrong(
            "differences in one direction",
            lambda run, ids: _rows(run, ids, agree=lambda one, other: (one - other < 1e-6).all()),
            "In the batch a row gets 1, alone it gets 5. Is 1 - 5 a small difference?",
        ),
        Wrong(
            "rows of padding reported",
            lambda run, ids: _rows(run, ids, empty=True),
            "You report rows that are all padding. What would such a row get alone?",
        ),
        Wrong(
            "the rows that are sound",
            lambda run, ids: _rows(run, ids, agree=lambda one, other: not _close(one, other)),
            "Which rows do you list: those that agree, or those that do not?",
        ),
        Wrong(
            "the first one only",
            lambda run, ids: _rows(run, ids)[:1],
            "You stop at the first row. May there be more?",
        ),
    ),
)

EXERCISES = (*BROKEN, ROWS_THAT_SEE_PADDING)
