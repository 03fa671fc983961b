"""Exercises of lesson 01: one row filled up, a mask of lengths, a masked mean, `pad_sequences`."""

import numpy as np

from course_lib.exercises._exercise import Exercise, Wrong


def fill_front(row, maxlen):
    """Return an array of `maxlen` ids: 0s in front, then `row`."""
    return np.array([0] * (maxlen - len(row)) + row)


def _draw_row(draw):
    maxlen = draw.integer(1, 5)
    return draw.integers(1, 9, draw.integer(0, maxlen)).tolist(), maxlen


FILL_FRONT = Exercise(
    "1.1",
    "One row, filled up in front",
    fill_front,
    """`keras.utils.pad_sequences` pads in front unless told otherwise. Write
`fill_front(row, maxlen)` for one list of at most `maxlen` ids: an integer array of shape
`(maxlen,)`, zeros first and the row after them. The row may be empty.""",
    minutes=3,
    difficulty="easy",
    hints=(
        "How many zeros are missing?",
        "`[0] * 3` is `[0, 0, 0]`, and `+` joins two lists. `np.array(...)` makes an array.",
        "`maxlen - len(row)` zeros are missing.",
    ),
    cases=_draw_row,
    examples=(([83, 91], 4), ([], 2), ([5], 1)),
    wrong=(
        Wrong(
            "padding behind",
            lambda row, maxlen: np.array([*row, *[0] * (maxlen - len(row))], dtype=int),
            'You fill up behind the row, which is `padding="post"`. Where is "pre"?',
        ),
        Wrong(
            "too many zeros",
            lambda row, maxlen: np.array([*[0] * maxlen, *row], dtype=int),
            "How long is your result, and how long should it be?",
        ),
        Wrong(
            "reversed",
            lambda row, maxlen: np.array([*row, *[0] * (maxlen - len(row))][::-1], dtype=int),
            "The padding stands in front now. Do the ids still stand in their order?",
        ),
        Wrong(
            "nothing added",
            lambda row, maxlen: np.array(row, dtype=int),
            "How long is your result if the row is shorter than `maxlen`?",
        ),
    ),
)


def mask_of_front_padding(lengths, maxlen):
    """Return bool (B, maxlen): True at the last lengths[b] steps of row b."""
    return np.arange(maxlen) >= maxlen - lengths[:, None]


def _draw_lengths(draw):
    rows, steps = draw.sizes()
    return draw.integers(0, steps, rows), steps


MASK_OF_FRONT_PADDING = Exercise(
    "1.2",
    "A mask for padding in front",
    mask_of_front_padding,
    """`lengths` is an integer array of shape `(B,)`: how many real steps each of B rows has. Write
`mask_of_front_padding(lengths, maxlen)`: the mask of shape `(B, maxlen)` of rows that are padded in
front, `True` = real. No loop is needed.""",
    minutes=4,
    difficulty="easy",
    hints=(
        "A row of length 2 in 6 steps is real at the steps 4 and 5. At which step does a row of "
        "length `n` begin?",
        "It begins at step `maxlen - n`. `np.arange(maxlen)` has the step numbers, shape "
        "`(maxlen,)`. Which shape must `lengths` have, so that comparing gives `(B, maxlen)`?",
        "`lengths[:, None]` has shape `(B, 1)`.",
    ),
    cases=_draw_lengths,
    examples=((np.array([6, 5, 3]), 6), (np.array([0, 2]), 2), (np.array([2, 1]), 2)),
    wrong=(
        Wrong(
            "padding behind",
            lambda lengths, maxlen: np.arange(maxlen) < lengths[:, None],
            "At which end of the row do your real steps stand?",
        ),
        Wrong(
            "inverted",
            lambda lengths, maxlen: np.arange(maxlen) < maxlen - lengths[:, None],
            "In your mask, does True stand at real steps or at padding?",
        ),
        Wrong(
            "one step too few",
            lambda lengths, maxlen: np.arange(maxlen) > maxlen - lengths[:, None],
            "How many True has a row of length 2 in your mask?",
        ),
        Wrong(
            "the length as a position",
            lambda lengths, maxlen: np.arange(maxlen) >= lengths[:, None],
            "Your rows become real at step number `lengths[b]`. How many real steps are left then?",
        ),
        Wrong(
            "axes exchanged",
            lambda lengths, maxlen: np.arange(maxlen)[:, None] >= maxlen - lengths,
            "Which axis comes first, the rows of the batch or the steps?",
        ),
    ),
)


def mean_of_real_steps(values, mask):
    """Return (B,): the mean of each row's real steps, 0.0 for a row that has none."""
    total = np.where(mask, values, 0.0).sum(axis=1)
    return total / np.maximum(mask.sum(axis=1), 1)


def _draw_values(draw):
    rows, steps = draw.sizes()
    mask = draw.mask(rows, steps)
    return np.where(~mask & draw.coin(), np.nan, draw.numbers(rows, steps)), mask


MEAN_OF_REAL_STEPS = Exercise(
    "1.3",
    "A mean that does not see padding",
    mean_of_real_steps,
    """`values` are floats of shape `(B, T)` and `mask` is their mask. Write
`mean_of_real_steps(values, mask)`: shape `(B,)`, for each row the mean of its real steps. Padded
values may be anything, even `nan`. A row without real steps gets 0.""",
    minutes=5,
    difficulty="medium",
    hints=(
        "A mean is a sum divided by a count. Which sum, and which count?",
        "`mask.sum(axis=1)` counts the real steps of each row; `np.maximum(count, 1)` is never 0.",
        "`np.where(mask, values, 0)` takes a value where the mask is True and 0 elsewhere.",
    ),
    cases=_draw_values,
    examples=(
        (np.array([[2.0, 4.0, 9.0]]), np.array([[True, True, False]])),
        (np.array([[1.0, 2.0], [3.0, 5.0]]), np.array([[True, True], [False, False]])),
        (np.array([[1.0, np.nan], [3.0, 5.0]]), np.array([[True, False], [True, True]])),
    ),
    wrong=(
        Wrong(
            "divided by all steps",
            lambda values, mask: np.where(mask, values, 0).mean(axis=1),
            "You left the padded values out of the sum. By how many steps do you divide?",
        ),
        Wrong(
            "padding counted",
            lambda values, mask: values.mean(axis=1),
            "Does your result change when a padded value changes?",
        ),
        Wrong(
            "multiplied by the mask",
            lambda values, mask: (values * mask).sum(axis=1) / np.maximum(mask.sum(axis=1), 1),
            "What is 0 times nan?",
        ),
        Wrong(
            "0 / 0",
            lambda values, mask: np.where(mask, values, 0).sum(axis=1) / mask.sum(axis=1),
            "What do you divide by when a row is all padding?",
        ),
        Wrong(
            "multiplied, and 0 / 0",
            lambda values, mask: (values * mask).sum(axis=1) / mask.sum(axis=1),
            "Two things to look at: what is 0 times nan, and what do you divide by when a row is "
            "all padding?",
        ),
        Wrong(
            "one mean for the batch",
            lambda values, mask: np.where(mask, values, 0).sum() / max(mask.sum(), 1),
            "You give one mean for the whole batch. Can each row have its own?",
        ),
        Wrong(
            "over the rows",
            lambda values, mask: (
                np.where(mask, values, 0).sum(axis=0) / np.maximum(mask.sum(axis=0), 1)
            ),
            "Along which axis do you add up, the batch or the steps?",
        ),
        Wrong(
            "the mask inverted",
            lambda values, mask: (
                np.where(mask, 0, values).sum(axis=1) / np.maximum((~mask).sum(axis=1), 1)
            ),
            "Which steps do you take the mean of, those where the mask is True?",
        ),
    ),
)


def pad_rows(rows, maxlen, padding, truncating):
    """Return an integer array (B, maxlen); both sides are "pre" or "post"."""
    result = np.zeros((len(rows), maxlen), dtype=int)
    for b, row in enumerate(rows):
        row = row[:maxlen] if truncating == "post" else row[max(len(row) - maxlen, 0) :]
        start = 0 if padding == "post" else maxlen - len(row)
        result[b, start : start + len(row)] = row
    return result


def _draw_rows(draw):
    rows = [draw.integers(1, 9, draw.integer(0, 4)).tolist() for _ in range(draw.integer(1, 3))]
    return rows, draw.integer(1, 4), draw.choice("pre", "post"), draw.choice("pre", "post")


def _pad_with(rows, maxlen, padding, truncating):
    """`pad_rows` in other words, for the wrong answers below."""
    rows = [row[-maxlen:] if truncating == "pre" else row[:maxlen] for row in rows]
    filled = [[0] * (maxlen - len(row)) for row in rows]
    pairs = zip(rows, filled, strict=True)
    return np.array(
        [zeros + row if padding == "pre" else row + zeros for row, zeros in pairs], dtype=int
    )


PAD_ROWS = Exercise(
    "1.4",
    "Build it: `pad_sequences` for ids",
    pad_rows,
    """Write `pad_rows(rows, maxlen, padding, truncating)`: an integer array of shape `(B, maxlen)`.
`rows` is a list of lists of ids. A row that is too short is filled up with zeros on the side
`padding`, a row that is too long loses ids on the side `truncating`; both are `"pre"` or `"post"`.
`keras.utils.pad_sequences` is your model, and the two sides are independent.""",
    minutes=12,
    difficulty="hard",
    build=True,
    hints=(
        "Begin with `np.zeros((len(rows), maxlen), dtype=int)` and write one row after the other "
        "into it: `result[b, start:stop] = row`.",
        'Cut first: `row[:maxlen]` loses the end ("post"), `row[-maxlen:]` the front ("pre").',
        'Then place: a row starts at 0 for "post", and at `maxlen - len(row)` for "pre".',
    ),
    cases=_draw_rows,
    examples=(
        ([[83, 91, 1, 645, 1253, 927], [73, 8, 3215, 55, 927], [711, 632, 71]], 6, "post", "post"),
        ([[1, 2, 3], [4]], 2, "pre", "post"),
        ([[1, 2, 3], [4]], 2, "post", "pre"),
        ([[]], 1, "post", "post"),
    ),
    wrong=(
        Wrong(
            "padding sides exchanged",
            lambda rows, maxlen, padding, truncating: _pad_with(
                rows, maxlen, "post" if padding == "pre" else "pre", truncating
            ),
            'Is "pre" in front of the row, or behind it?',
        ),
        Wrong(
            "truncating sides exchanged",
            lambda rows, maxlen, padding, truncating: _pad_with(
                rows, maxlen, padding, "post" if truncating == "pre" else "pre"
            ),
            'With truncating="pre", which end of a long row is lost?',
        ),
        Wrong(
            "truncating ignored",
            lambda rows, maxlen, padding, truncating: _pad_with(rows, maxlen, padding, "post"),
            'What is different about your result when `truncating` is "pre"?',
        ),
        Wrong(
            "padding ignored",
            lambda rows, maxlen, padding, truncating: _pad_with(rows, maxlen, "post", truncating),
            'What is different about your result when `padding` is "pre"?',
        ),
        Wrong(
            "one side for both",
            lambda rows, maxlen, padding, truncating: _pad_with(rows, maxlen, padding, padding),
            "You fill up and cut on the same side. What if the two arguments differ?",
        ),
        Wrong(
            "Keras's defaults",
            lambda rows, maxlen, padding, truncating: _pad_with(rows, maxlen, "pre", "pre"),
            'You do what Keras does when nothing is said: "pre" twice. Are the arguments used?',
        ),
        Wrong(
            "padded to the longest",
            lambda rows, maxlen, padding, truncating: _pad_with(
                rows, max(map(len, rows)), padding, truncating
            ),
            "How wide is your result when no row has `maxlen` ids, or when one has more?",
        ),
    ),
)

EXERCISES = (FILL_FRONT, MASK_OF_FRONT_PADDING, MEAN_OF_REAL_STEPS, PAD_ROWS)
