"""Exercises of lesson 02: the mask, trained rows, the size of the table, a pocket `Embedding`."""

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
`ids` of shape `(B, T)`, as a NumPy array. Remember what it returns when `mask_zero` is False.
`ids` may hold any integers; only the id 0 is padding.""",
    minutes=3,
    difficulty="easy",
    hints=(
        "Without `mask_zero` there is no mask at all, not a mask of all True.",
        "With `mask_zero` only the id 0 is padding; -1 is not.",
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
    ids = draw.integers(0, input_dim - 1, *draw.sizes(2, 3))
    return ids, input_dim, draw.coin()


TRAINED_ROWS = Exercise(
    "2.2",
    "Which rows of the table are trained?",
    trained_rows,
    """An `Embedding(input_dim, D, mask_zero=True)` looks up `ids` of shape `(B, T)`. All vectors
enter a loss, but for those that a mask leaves out. Write
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
    batch, steps = draw.sizes(2, 3)
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
    ids = ids - draw.coin() * (ids == len(table) - 1) * len(table)  # the last row by its other id
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


class _MasksMinusOne(PocketEmbedding):
    """Wrong: id -1 counts as padding."""

    def compute_mask(self, ids):
        """Return True at ids above 0."""
        return ids > 0 if self.mask_zero else None


class _PositiveRows(PocketEmbedding):
    """Wrong: no id counts from the end."""

    def __call__(self, ids):
        """Return the vectors, that of row 1 for id -1."""
        return self.table[np.abs(ids)]


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
    """Write the class `PocketEmbedding`. It is made with `PocketEmbedding(table, mask_zero=False)`
and keeps both. Called with integer `ids` of shape `(B, T)`, it returns the vectors; its method
`compute_mask(ids)` returns the mask. It behaves as `keras.layers.Embedding` does, also for the ids
0 and −1, and without `mask_zero`.""",
    minutes=10,
    difficulty="hard",
    build=True,
    use=_embed,
    parts=("layer(ids)", "layer.compute_mask(ids)"),
    hints=(
        "`__init__` keeps what it gets: `self.table = table`, and the same for `mask_zero`.",
        "`__call__` is the look-up `table[ids]`, and `compute_mask` is exercise 2.1.",
        "The vectors do not depend on `mask_zero`; the mask depends on the ids alone.",
    ),
    cases=_draw_embedding,
    examples=(
        (np.array([[0.5, 0.25], [1.0, 2.0], [3.0, 4.0]]), np.array([[1, 0, 2, 0]]), True),
        (np.array([[0.5, 0.25], [1.0, 2.0], [3.0, 4.0]]), np.array([[1, 0, 2, 0]]), False),
        (np.array([[0.5], [0.0]]), np.array([[1, 0]]), True),
        (np.array([[0.5], [1.0], [2.0]]), np.array([[1, 2, -1]]), True),
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
            "-1 masked too",
            _MasksMinusOne,
            "Is -1 the id that `mask_zero` masks?",
        ),
        Wrong(
            "-1 turned positive",
            _PositiveRows,
            "Which row of the table does id -1 take?",
        ),
        Wrong(
            "a mask for each feature",
            _MasksFeatures,
            "A step is real or not as a whole. Which shape has its mask?",
        ),
    ),
)

EXERCISES = (EMBEDDING_MASK, TRAINED_ROWS, SMALLEST_INPUT_DIM, POCKET_EMBEDDING)
