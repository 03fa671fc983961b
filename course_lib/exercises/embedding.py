"""Exercises of lesson 02: the mask, trained rows, the size of the table, words from 0."""

import numpy as np

from course_lib.exercises._exercise import Exercise, Wrong
from course_lib.exercises._keras import layers, result_of


def embedding_mask(ids, mask_zero):
    """Return the mask that `Embedding` makes of `ids`, or None."""
    if not mask_zero:
        return None
    return ids != 0


def _draw_ids(draw):
    ids = draw.padded_ids(*draw.sizes(), most=4)
    return np.where((ids == 4) & draw.coin(), -1, ids), draw.coin() or draw.coin()


EMBEDDING_MASK = Exercise(
    "2.1",
    "What `compute_mask` returns",
    embedding_mask,
    """Write `embedding_mask(ids, mask_zero)`: what `Embedding.compute_mask` returns for integer
`ids` of shape `(B, T)`, as a NumPy array. Remember what it returns when `mask_zero` is False.
`ids` may hold any integers.""",
    minutes=3,
    difficulty="easy",
    hints=(
        "Without `mask_zero` there is no mask at all, not a mask of all True.",
        "With `mask_zero` only the id 0 is padding.",
    ),
    cases=_draw_ids,
    examples=(
        (np.array([[1, 0, 2, 0]]), True),
        (np.array([[1, 0, 2, 0]]), False),
        (np.array([[3, -1], [0, 0]]), True),
    ),
    wrong=(
        Wrong(
            "inverted",
            lambda ids, mask_zero: ids == 0 if mask_zero else None,
            "In your mask, does True stand at real steps or at padding?",
        ),
        Wrong(
            "mask_zero ignored",
            lambda ids, mask_zero: ids != 0,
            "What does an `Embedding` without `mask_zero=True` hand on?",
        ),
        Wrong(
            "all True instead of None",
            lambda ids, mask_zero: (ids != 0) | (not mask_zero),
            "A mask of all True says that somebody looked. What says that nobody did?",
        ),
        Wrong(
            "-1 masked too",
            lambda ids, mask_zero: ids > 0 if mask_zero else None,
            "`mask_zero` has its name from one id. Is -1 that id?",
        ),
    ),
)


def trained_rows(ids, input_dim, mask_is_used):
    """Return bool (input_dim,): True for the rows of the table that get a gradient."""
    trained = np.isin(np.arange(input_dim), ids)
    if mask_is_used:
        trained[0] = False
    return trained


def _draw_training(draw):
    input_dim = draw.integer(2, 5)
    ids = draw.integers(0, input_dim - 1, *draw.sizes(2, 4))
    return ids, input_dim, draw.coin()


TRAINED_ROWS = Exercise(
    "2.2",
    "Which rows of the table are trained?",
    trained_rows,
    """An `Embedding(input_dim, D, mask_zero=True)` looks up `ids` of shape `(B, T)`. All vectors
enter a loss, except those that a mask leaves out. Write
`trained_rows(ids, input_dim, mask_is_used)`: a bool for each row of the table, `True` if the row
gets a gradient other than zero. `mask_is_used` says whether every layer that mixes steps uses the
mask.""",
    minutes=5,
    difficulty="medium",
    hints=(
        "A row that no step took gets no gradient. `np.isin(a, ids)` says which elements of `a` "
        "are in `ids`.",
        "`np.arange(input_dim)` has the numbers of the rows.",
        "Only row 0 needs more thought. When does a padded vector enter the loss?",
    ),
    cases=_draw_training,
    examples=(
        (np.array([[2, 1, 2, 0]]), 4, True),
        (np.array([[2, 1, 2, 0]]), 4, False),
        (np.array([[1, 2]]), 3, False),
    ),
    wrong=(
        Wrong(
            "row 0 never trained",
            lambda ids, input_dim, mask_is_used: np.isin(np.arange(input_dim), ids[ids > 0]),
            "You say that row 0 is never trained. Does `mask_zero=True` protect it from a layer "
            "that does not look at the mask?",
        ),
        Wrong(
            "row 0 like any other",
            lambda ids, input_dim, mask_is_used: np.isin(np.arange(input_dim), ids),
            "If every layer uses the mask, how does a padded vector get into the loss?",
        ),
        Wrong(
            "row 0 always without the mask",
            lambda ids, input_dim, mask_is_used: np.isin(
                np.arange(input_dim), [0, *ids.ravel()] if not mask_is_used else ids[ids > 0]
            ),
            "Without the mask you say that row 0 is trained. Also if the batch has no padding?",
        ),
        Wrong(
            "mask_is_used the wrong way round",
            lambda ids, input_dim, mask_is_used: np.isin(
                np.arange(input_dim), ids if mask_is_used else ids[ids > 0]
            ),
            "When does row 0 get a gradient: when the mask is used, or when it is not?",
        ),
        Wrong(
            "every row",
            lambda ids, input_dim, mask_is_used: np.ones(input_dim, bool),
            "Does a row get a gradient that no step has taken?",
        ),
        Wrong(
            "how often",
            lambda ids, input_dim, mask_is_used: np.bincount(ids.ravel(), minlength=input_dim),
            "You count how often a row was taken. Is the answer for each row yes or no?",
        ),
    ),
)


def _draw_table_and_ids(draw):
    rows = draw.integer(2, 4)
    batch, steps = draw.sizes(2, 4)
    return draw.numbers(rows, draw.integer(1, 2)), draw.integers(0, rows - 1, batch, steps)


def smallest_input_dim(rows):
    """Return the smallest `input_dim` with which an Embedding takes these ids."""
    return max(max(row) for row in rows if row) + 1


def _draw_rows(draw):
    rows = [draw.integers(1, 12, draw.integer(0, 3)).tolist() for _ in range(draw.integer(0, 2))]
    return ([*rows, draw.integers(1, 12, draw.integer(1, 3)).tolist()],)


SMALLEST_INPUT_DIM = Exercise(
    "2.3",
    "How large must the table be?",
    smallest_input_dim,
    """`rows` is a list of lists of ids from 1 on, before padding. Write `smallest_input_dim(rows)`:
the smallest `input_dim` with which `Embedding(input_dim, D, mask_zero=True)` takes these rows,
padded with 0. Some row may be empty, not all of them.""",
    minutes=3,
    difficulty="easy",
    hints=(
        "The table needs a row for each id that can come. Its first row has the number 0.",
        "With ids up to 3 there are the rows 0, 1, 2 and 3. It does not matter which ids are used.",
    ),
    cases=_draw_rows,
    examples=(([[1, 2, 3]],), ([[5], []],), ([[1], [1]],), ([[9, 2, 9]],)),
    wrong=(
        Wrong(
            "the largest id",
            lambda rows: max(max(row) for row in rows if row),
            "With `input_dim=3` there are the rows 0, 1 and 2. Which row does id 3 get?",
        ),
        Wrong(
            "how many different ids",
            lambda rows: len({one for row in rows for one in row}),
            "You count how many different ids there are. If the only id is 5, is row 5 there?",
        ),
        Wrong(
            "different ids and one more",
            lambda rows: len({one for row in rows for one in row}) + 1,
            "Words + 1 is right if the ids have no gaps. If the only id is 5, is row 5 there?",
        ),
        Wrong(
            "a row too many",
            lambda rows: max(max(row) for row in rows if row) + 2,
            "Is the row for padding, row 0, counted twice?",
        ),
        Wrong(
            "the longest row",
            lambda rows: max(map(len, rows)),
            "You measure how long the rows are. Does the table know about steps, or about ids?",
        ),
    ),
)


def state_after_words(lstm, table, ids):
    """Return (B, units): the state of `lstm` after the words of each row."""
    import keras

    table = np.concatenate([np.zeros((1, table.shape[1])), table])
    embedding = keras.layers.Embedding(*table.shape, mask_zero=True, weights=[table])
    return lstm(embedding(ids + 1))


_TABLE = np.array([[0.5, 2.0, -1.0], [1.0, -2.0, 0.25], [-3.0, 1.5, 4.0], [0.5, 0.5, 3.0]])


def _read(answer, table, ids):
    """Use an answer: an LSTM of Keras is made for it, its state is an array."""
    return result_of(answer, *layers(("LSTM", 2)), table, ids)


def _draw_words(draw):
    batch, steps = draw.sizes(2, 4)
    words = draw.integers(0, len(_TABLE) - 1, batch, steps)
    return _TABLE, np.where(draw.mask(batch, steps), words, -1)


def _row_in_front(words):
    return np.concatenate([np.zeros((1, words.shape[1])), words])


def _row_behind(words):
    return np.concatenate([words, np.zeros((1, words.shape[1]))])


def _with(table_of, ids_of=lambda ids: ids + 1, mask_zero=True):
    """`state_after_words` with another table or other ids, for the wrong answers below."""

    def answer(lstm, table, ids):
        import keras

        rows = table_of(table)
        embedding = keras.layers.Embedding(*rows.shape, mask_zero=mask_zero, weights=[rows])
        return lstm(embedding(ids_of(ids)))

    return answer


STATE_AFTER_WORDS = Exercise(
    "2.4",
    "Build it: an `Embedding` for words from 0",
    state_after_words,
    """A tokenizer numbers its words from 0 and pads with −1, and row *i* of a trained `table` of
shape `(V, D)` is word *i*. A colleague writes:

```python
embedding = keras.layers.Embedding(V, D, mask_zero=True, weights=[table])
return lstm(embedding(ids))
```

It runs, and it masks a word and reads the padding. Write `state_after_words(lstm, table, ids)`
with an `Embedding` of Keras: for `ids` of shape `(B, T)`, the state that `lstm` has after the words
of each row, as if the row came alone and without padding.""",
    minutes=10,
    difficulty="hard",
    build=True,
    use=_read,
    prepare=lambda: _read(state_after_words, _TABLE, np.array([[0]])),
    hints=(
        "Which id does `mask_zero=True` mask? Which ids would the words and the padding need?",
        "`ids + 1` turns −1 into 0 and word 0 into 1. Then word *i* has to be row *i* + 1.",
        "`np.concatenate([np.zeros((1, D)), table])` has a row more, in front.",
    ),
    cases=_draw_words,
    examples=(
        (_TABLE, np.array([[1, 2, 1, 2], [2, 1, -1, -1]])),
        (_TABLE, np.array([[0, 2, 1, 0], [2, 0, -1, -1]])),
        (_TABLE, np.array([[0, -1, -1, -1], [0, 1, 2, -1]])),
    ),
    wrong=(
        Wrong(
            "as it was",
            _with(lambda table: table, lambda ids: ids),
            "Which word does `mask_zero=True` mask here, and which row does -1 take?",
        ),
        Wrong(
            "padding set to 0",
            _with(lambda table: table, lambda ids: np.where(ids < 0, 0, ids)),
            "You turn -1 into 0. Can the layer tell that 0 from word 0?",
        ),
        Wrong(
            "a row behind",
            _with(_row_behind),
            "Your ids are one larger. In which row of your table does word 0 stand now?",
        ),
        Wrong(
            "without mask_zero",
            _with(_row_in_front, mask_zero=False),
            "The vectors are right. Who tells the LSTM which of them are padding?",
        ),
    ),
)

EXERCISES = (EMBEDDING_MASK, TRAINED_ROWS, SMALLEST_INPUT_DIM, STATE_AFTER_WORDS)
