"""Exercises of lesson 02: the mask, the look-up, the size of the table, a pocket `Embedding`."""

import numpy as np

from course_lib.exercises._exercise import Exercise, Wrong


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
`ids` of shape `(B, T)`. Remember what it returns when `mask_zero` is False. Some people pad with
-1, so -1 may come as well: do what Keras does with it.""",
    minutes=3,
    difficulty="easy",
    hints=(
        "Without `mask_zero` there is no mask at all, not a mask of all True.",
        "With `mask_zero` exactly one id is padding, and -1 is another one.",
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


def rows_of_table(table, ids):
    """Return (B, T, D): the row of `table` for each id."""
    return table[ids]


def _draw_table_and_ids(draw):
    rows = draw.integer(2, 4)
    batch, steps = draw.sizes(2, 3)
    return draw.numbers(rows, draw.integer(1, 2)), draw.integers(0, rows - 1, batch, steps)


LOOK_UP = Exercise(
    "2.2",
    "The look-up",
    rows_of_table,
    """`table` holds the weights of an `Embedding`, shape `(input_dim, D)`, and `ids` has shape
`(B, T)`. Write `rows_of_table(table, ids)`: the vectors, shape `(B, T, D)`, as a layer with
`mask_zero=True` returns them.""",
    minutes=3,
    difficulty="easy",
    hints=(
        "An `Embedding` multiplies nothing. It takes rows of a table.",
        "NumPy takes rows of an array when it is indexed with an array of integers. Does "
        "`mask_zero` change the vectors?",
    ),
    cases=_draw_table_and_ids,
    examples=(
        (np.array([[0.5, 0.25], [1.0, 2.0], [3.0, 4.0]]), np.array([[1, 0, 2, 0]])),
        (np.array([[0.5], [1.0]]), np.array([[0]])),
    ),
    wrong=(
        Wrong(
            "zeros for id 0",
            lambda table, ids: table[ids] * (ids != 0)[..., None],
            "You return zeros for id 0. What stands in row 0 of the table?",
        ),
        Wrong(
            "row 0 skipped",
            lambda table, ids: table[ids - 1],
            "Which row of the table belongs to id 1: the first, or the second?",
        ),
        Wrong(
            "columns taken",
            lambda table, ids: table[:, np.minimum(ids, table.shape[1] - 1)],
            "Are the vectors the rows of the table, or its columns?",
        ),
        Wrong(
            "steps exchanged with features",
            lambda table, ids: table[ids].swapaxes(1, 2),
            "Which axis comes last in the result, the steps or the features?",
        ),
    ),
)


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


class PocketEmbedding:
    """An `Embedding` with a given table: call it for vectors, ask it for the mask."""

    def __init__(self, table, mask_zero=False):
        self.table, self.mask_zero = table, mask_zero

    def __call__(self, ids):
        """Return the vectors, shape (B, T, D)."""
        return self.table[ids]

    def compute_mask(self, ids):
        """Return bool (B, T), or None without `mask_zero`."""
        return ids != 0 if self.mask_zero else None


def _embed(answer, table, ids, mask_zero):
    """Use a pocket embedding: both its results."""
    layer = answer(table, mask_zero=True) if mask_zero else answer(table)
    return layer(ids), layer.compute_mask(ids)


def _draw_embedding(draw):
    table, ids = _draw_table_and_ids(draw)
    # A row of zeros among the others: a word may look like padding to who asks the vectors.
    table = table * (np.arange(len(table)) != draw.integer(0, len(table)))[:, None]
    return table, ids, draw.coin() or draw.coin()


class _ZeroVectors(PocketEmbedding):
    """Wrong: zeros at padded steps."""

    def __call__(self, ids):
        """Return the vectors, and zeros for id 0."""
        return self.table[ids] * (ids != 0)[..., None]


class _ZeroVectorsIfAsked(PocketEmbedding):
    """Wrong: zeros at padded steps, with `mask_zero`."""

    def __call__(self, ids):
        """Return the vectors, and zeros for id 0 with `mask_zero`."""
        return self.table[ids] * ((ids != 0) | (not self.mask_zero))[..., None]


class _AlwaysMasks(PocketEmbedding):
    """Wrong: a mask without `mask_zero`."""

    def compute_mask(self, ids):
        """Return a mask whatever `mask_zero` is."""
        return ids != 0


class _Inverted(PocketEmbedding):
    """Wrong: True at padding."""

    def compute_mask(self, ids):
        """Return True at padding."""
        return ids == 0 if self.mask_zero else None


class _AsksTheVectors(PocketEmbedding):
    """Wrong: the mask is read from the vectors, as `Masking` does."""

    def compute_mask(self, ids):
        """Return True where a vector is not all zeros."""
        return (self.table[ids] != 0).any(axis=-1) if self.mask_zero else None


class _MasksFeatures(PocketEmbedding):
    """Wrong: a mask for each feature."""

    def compute_mask(self, ids):
        """Return a mask of shape (B, T, D)."""
        mask = np.broadcast_to((ids != 0)[..., None], self.table[ids].shape)
        return mask if self.mask_zero else None


POCKET_EMBEDDING = Exercise(
    "2.4",
    "Build it: a pocket `Embedding`",
    PocketEmbedding,
    """Write the class `PocketEmbedding`. It is made with `PocketEmbedding(table, mask_zero=True)`
and keeps both. Called with `ids` of shape `(B, T)`, it returns the vectors; its method
`compute_mask(ids)` returns the mask. It behaves as `keras.layers.Embedding` does, also for id 0 and
without `mask_zero`.""",
    minutes=10,
    difficulty="hard",
    build=True,
    use=_embed,
    hints=(
        "`__init__` keeps what it gets: `self.table = table`, and the same for `mask_zero`.",
        "`__call__` is the look-up of exercise 2.2, `compute_mask` is exercise 2.1.",
        "The vectors do not depend on `mask_zero`; the mask depends on the ids alone.",
    ),
    cases=_draw_embedding,
    examples=(
        (np.array([[0.5, 0.25], [1.0, 2.0], [3.0, 4.0]]), np.array([[1, 0, 2, 0]]), True),
        (np.array([[0.5, 0.25], [1.0, 2.0], [3.0, 4.0]]), np.array([[1, 0, 2, 0]]), False),
        (np.array([[0.5], [0.0]]), np.array([[1, 0]]), True),
    ),
    wrong=(
        Wrong(
            "zeros for id 0",
            _ZeroVectors,
            "Your vectors are zeros at padding. What stands in row 0 of the table?",
        ),
        Wrong(
            "zeros for id 0 with mask_zero",
            _ZeroVectorsIfAsked,
            "With `mask_zero` your vectors are zeros at padding. Does `mask_zero` change the "
            "vectors, or does it add something beside them?",
        ),
        Wrong(
            "mask_zero ignored",
            _AlwaysMasks,
            "What does `compute_mask` return without `mask_zero`?",
        ),
        Wrong(
            "inverted",
            _Inverted,
            "In your mask, does True stand at real steps or at padding?",
        ),
        Wrong(
            "asks the vectors",
            _AsksTheVectors,
            "You look for vectors of zeros, as a `Masking` layer does. What if a word's vector is "
            "all zeros, or row 0 is not?",
        ),
        Wrong(
            "a mask for each feature",
            _MasksFeatures,
            "A step is real or not as a whole. Which shape has its mask?",
        ),
    ),
)

EXERCISES = (EMBEDDING_MASK, LOOK_UP, SMALLEST_INPUT_DIM, POCKET_EMBEDDING)
