"""Exercises of lesson 08: the share of real steps, buckets, a packed row's mask, first fit."""

import functools
import random

import numpy as np

from course_lib.exercises._exercise import Exercise, Wrong


def share_of_real(lengths, size):
    """Return the share of real steps, a number."""
    batches = [lengths[start : start + size] for start in range(0, len(lengths), size)]
    return lengths.sum() / sum(len(batch) * batch.max() for batch in batches)


def _draw_lengths(draw):
    return draw.integers(0, 7, draw.integer(1, 6)) + 1, draw.integer(1, 4)


def _shares(lengths, size):
    batches = [lengths[start : start + size] for start in range(0, len(lengths), size)]
    return [batch.mean() / batch.max() for batch in batches]


SHARE_OF_REAL = Exercise(
    "8.1",
    "How much of it is real?",
    share_of_real,
    """Rows of these `lengths`, shape `(N,)`, all at least 1, are cut into batches of `size` rows in
the order in which they come; the last batch may hold fewer. Each batch is padded to its own longest
row. Write `share_of_real(lengths, size)`: real steps over all steps, one number.""",
    minutes=4,
    difficulty="easy",
    hints=(
        "`lengths[start : start + size]` is a batch, wherever it starts.",
        "A batch has `len(batch) * batch.max()` steps. Add them up, and divide once.",
    ),
    cases=_draw_lengths,
    examples=((np.array([1, 8, 2, 7]), 2), (np.array([1, 2, 8]), 2)),
    wrong=(
        Wrong(
            "padded to the longest of all",
            lambda lengths, size: lengths.mean() / lengths.max(),
            "You pad all rows to one length. To which length is each batch padded here?",
        ),
        Wrong(
            "the mean of the batches' shares",
            lambda lengths, size: np.mean(_shares(lengths, size)),
            "You average the batches' shares. Does a batch with many steps count more?",
        ),
        Wrong(
            "a full last batch",
            lambda lengths, size: (
                lengths.sum()
                / sum(size * lengths[s : s + size].max() for s in range(0, len(lengths), size))
            ),
            "How many rows does the last batch have?",
        ),
        Wrong(
            "sorted first",
            lambda lengths, size: share_of_real(np.sort(lengths), size),
            "You sort the rows. In which order do they come here?",
        ),
        Wrong(
            "the share of padding",
            lambda lengths, size: 1 - share_of_real(lengths, size),
            "Is that the share of real steps, or of padded ones?",
        ),
    ),
)


def in_buckets(dataset, boundaries, steps):
    """Return a dataset of padded batches, each of one bucket."""
    import tensorflow as tf

    sizes = [steps // (boundary - 1) for boundary in boundaries]
    return dataset.bucket_by_sequence_length(lambda row: tf.shape(row)[0], boundaries, [*sizes, 1])


# A pipeline takes tens of milliseconds: the cases are few, and each has its data set once.
_LENGTHS = ((2, 1, 8, 3, 1, 8, 2), (1,), (5, 5, 5), (8, 1, 8, 1), (3, 4, 3, 4, 2))


def _draw_rows(draw):
    lengths = draw.choice(*_LENGTHS)
    rows = [list(range(1, length + 1)) for length in lengths]
    return rows, draw.choice([2, 4, 9], [3, 5, 9], [4, 9], [5, 7, 9]), draw.choice(8, 13)


@functools.cache
def _dataset(lengths):
    import tensorflow as tf

    table = np.arange(1, max(lengths) + 1, dtype="int32")
    rows = tf.data.Dataset.from_tensor_slices(list(lengths))
    return rows.map(lambda length: tf.constant(table)[:length])


def _batches_of(answer, rows, boundaries, steps):
    dataset = _dataset(tuple(map(len, rows)))
    return [batch.numpy() for batch in answer(dataset, list(boundaries), steps)]


def _bucketed(dataset, boundaries, sizes, **options):
    import tensorflow as tf

    return dataset.bucket_by_sequence_length(
        lambda row: tf.shape(row)[0], boundaries, [*sizes, 1], **options
    )


_ROWS = [list(range(1, length + 1)) for length in _LENGTHS[0]]

IN_BUCKETS = Exercise(
    "8.2",
    "Buckets of equal steps",
    in_buckets,
    """`dataset` is a `tf.data.Dataset` of rows of ids. With `boundaries` `[3, 5, 9]`, the buckets
hold rows of 1–2, 3–4 and 5–8 steps. No row is longer, but TensorFlow wants a size for that too.
Write `in_buckets(dataset, boundaries, steps)`: a dataset of batches, each of one bucket and padded
to its own longest row. A batch holds as many rows as would fit into `steps` steps if each were as
long as its bucket allows. `steps` is at least 8.""",
    minutes=6,
    difficulty="medium",
    hints=(
        "`dataset.bucket_by_sequence_length(length_of, boundaries, sizes)` makes the batches, with "
        "`lambda row: tf.shape(row)[0]` as `length_of`.",
        "`sizes` needs a number for each bucket: `steps` over the longest row of the bucket.",
        "It needs one size more than there are boundaries, for rows that are longer still.",
    ),
    cases=_draw_rows,
    examples=((_ROWS, [3, 5, 9], 8), (_ROWS, [3, 5, 9], 13)),
    wrong=(
        Wrong(
            "as many rows for each",
            lambda dataset, boundaries, steps: _bucketed(
                dataset, boundaries, [steps // (boundaries[-1] - 1)] * len(boundaries)
            ),
            "Each of your buckets has the same number of rows. How many short rows would fit?",
        ),
        Wrong(
            "rows counted as steps",
            lambda dataset, boundaries, steps: _bucketed(
                dataset, boundaries, [steps] * len(boundaries)
            ),
            "You take `steps` rows. How many steps does a batch have then?",
        ),
        Wrong(
            "the boundary as the longest row",
            lambda dataset, boundaries, steps: _bucketed(
                dataset, boundaries, [max(steps // boundary, 1) for boundary in boundaries]
            ),
            "How long is the longest row of the bucket below boundary 5?",
        ),
        Wrong(
            "padded to the boundary",
            lambda dataset, boundaries, steps: _bucketed(
                dataset,
                boundaries,
                [steps // (boundary - 1) for boundary in boundaries],
                pad_to_bucket_boundary=True,
            ),
            "Your rows are padded to the boundary. Is there a column that none of them needs?",
        ),
    ),
    use=_batches_of,
    prepare=lambda: _batches_of(in_buckets, _ROWS, [3, 5, 9], 8),
)


def attend_in_packed_rows(attention, x, segments):
    """Return the attention's output, shape (B, T, D)."""
    same = segments[:, :, None] == segments[:, None, :]
    return attention(x, x, attention_mask=same)


@functools.cache
def _attention():
    """Return a `MultiHeadAttention` for 3 features with weights that are always the same."""
    import keras

    state = random.getstate()  # Keras draws its seeds from here, and so does the learner's notebook
    rng, layer = np.random.default_rng(5), keras.layers.MultiHeadAttention(1, 2)
    layer.build((None, None, 3), (None, None, 3))
    layer.set_weights([rng.normal(size=weight.shape) for weight in layer.get_weights()])
    random.setstate(state)
    return layer


def _draw_packed(draw):
    rows, steps = draw.integer(1, 2), draw.integer(2, 5)
    starts = draw.integers(0, 1, rows, steps)
    starts[:, 0] = 1
    real = np.arange(steps) < draw.integers(1, steps, rows)[:, None]
    return draw.numbers(rows, steps, 3), np.where(real, np.cumsum(starts, axis=1), 0)


def _at_real_steps(answer, x, segments):
    output = answer(_attention(), x.astype("float32"), segments)
    output = output.numpy() if hasattr(output, "numpy") else np.asarray(output)
    return output * (segments != 0)[..., None] if output.ndim == 3 else output


_X = np.array([[[1.0, 0.5, -1.0], [0.25, -2.0, 1.0], [1.5, 1.0, 0.5], [-1.0, 0.75, 2.0]]])
_TWO = np.array([[1, 1, 2, 2]])

ATTEND_IN_PACKED_ROWS = Exercise(
    "8.3",
    "Fix attention over packed rows",
    attend_in_packed_rows,
    """A colleague went from padded to packed rows and kept the mask:

```python
def attend_in_packed_rows(attention, x, segments):
    return attention(x, x, key_mask=segments != 0)
```

`attention` is a `MultiHeadAttention`, `x` has shape `(B, T, D)`, `segments` has shape `(B, T)`: 1
for the steps of a row's first sequence, 2 for its second, 0 for padding. Write
`attend_in_packed_rows(attention, x, segments)` so that each sequence gets what it would get alone.
What you return at padded steps does not count.""",
    minutes=5,
    difficulty="medium",
    hints=(
        "`key_mask` has one True or False for a step, whoever asks. Here it depends on who asks.",
        "`attention_mask` has shape `(B, T, T)`: query by key, True where the query may look.",
    ),
    cases=_draw_packed,
    examples=((_X, _TWO), (_X, np.array([[1, 2, 2, 0]])), (_X, np.array([[1, 1, 1, 1]]))),
    wrong=(
        Wrong(
            "as it was",
            lambda attention, x, segments: attention(x, x, key_mask=segments != 0),
            "The padding is out. May a word of sequence 2 look at sequence 1?",
        ),
        Wrong(
            "no mask",
            lambda attention, x, segments: attention(x, x),
            "Your steps look at everything. Whom may they look at?",
        ),
        Wrong(
            "causal",
            lambda attention, x, segments: attention(x, x, use_causal_mask=True),
            "That keeps steps from looking ahead. Does it keep sequence 2 from looking back at 1?",
        ),
        Wrong(
            "causal and of its own sequence",
            lambda attention, x, segments: attention(
                x,
                x,
                attention_mask=segments[:, :, None] == segments[:, None, :],
                use_causal_mask=True,
            ),
            "Your steps look back only. Alone, without a mask, may a step look ahead?",
        ),
        Wrong(
            "earlier sequences too",
            lambda attention, x, segments: attention(
                x, x, attention_mask=segments[:, :, None] >= segments[:, None, :]
            ),
            "May sequence 2 look at sequence 1, which stands before it?",
        ),
        Wrong(
            "upside down",
            lambda attention, x, segments: attention(
                x, x, attention_mask=segments[:, :, None] != segments[:, None, :]
            ),
            "What does True mean in a mask of Keras: look there, or do not?",
        ),
    ),
    use=_at_real_steps,
    prepare=lambda: _at_real_steps(attend_in_packed_rows, _X, _TWO),
)


def first_fit(lengths, steps):
    """Return (N, 2): for each sequence its row and its first step."""
    used, found = [0] * len(lengths), []
    for length in lengths:
        row = next(row for row, full in enumerate(used) if full + length <= steps)
        found.append((row, used[row]))
        used[row] += length
    return np.array(found)


def _draw_sequences(draw):
    steps = draw.integer(3, 8)
    return draw.integers(0, 7, draw.integer(1, 7)) % steps + 1, steps


def _next_fit(lengths, steps, fits=lambda full, length, steps: full + length <= steps):
    found, row, full = [], 0, 0
    for length in lengths:
        if not fits(full, length, steps):
            row, full = row + 1, 0
        found.append((row, full))
        full += length
    return np.array(found)


def _choose(lengths, steps, choose, room=0):
    used, found = [], []
    for length in lengths:
        fits = [row for row, full in enumerate(used) if full + length + room <= steps]
        if not fits:
            used.append(0)
        row = choose(fits, used) if fits else len(used) - 1
        found.append((row, used[row]))
        used[row] += length
    return np.array(found)


def _longest_first(lengths, steps):
    order = np.argsort(-lengths, kind="stable")
    found = np.zeros((len(lengths), 2), int)
    found[order] = first_fit(lengths[order], steps)
    return found


def _cut_anywhere(lengths, steps):
    starts = np.cumsum(lengths) - lengths
    return np.stack([starts // steps, starts % steps], axis=1)


FIRST_FIT = Exercise(
    "8.4",
    "Build it: pack by first fit",
    first_fit,
    """Sequences of these `lengths`, shape `(N,)`, each from 1 to `steps`, go into rows of `steps`
steps, in the order in which they come. Each goes into the first row that still has room for the
whole of it, behind what is there; if none has, a new row begins. Write
`first_fit(lengths, steps)`: integers of shape `(N, 2)`, for each sequence its row and its first
step, both counted from 0.""",
    minutes=12,
    difficulty="hard",
    build=True,
    hints=(
        "Keep a list `used`: how many steps of each row are taken. No more than N rows are needed.",
        "A sequence fits if `used[row] + length <= steps`. Its first step is `used[row]`.",
        "Look through the rows from the first one on, for each sequence anew.",
    ),
    cases=_draw_sequences,
    examples=((np.array([3, 4, 2, 1]), 5), (np.array([2, 2, 4, 1]), 5), (np.array([5, 5]), 5)),
    wrong=(
        Wrong(
            "the last row only",
            _next_fit,
            "You look at the last row only. Was there room in a row before it?",
        ),
        Wrong(
            "one in each row",
            lambda lengths, steps: np.stack([np.arange(len(lengths)), 0 * lengths], axis=1),
            "Each of your sequences has a row of its own. What else fits into it?",
        ),
        Wrong(
            "a step left over",
            lambda lengths, steps: _choose(lengths, steps, lambda fits, used: fits[0], 1),
            "Does a sequence fit that fills a row to its last step?",
        ),
        Wrong(
            "the fullest row",
            lambda lengths, steps: _choose(
                lengths, steps, lambda fits, used: max(fits, key=lambda row: (used[row], -row))
            ),
            "You take the row with the least room left. Which one comes first?",
        ),
        Wrong(
            "the longest first",
            _longest_first,
            "You begin with the longest. In which order do the sequences come here?",
        ),
        Wrong(
            "cut in two",
            _cut_anywhere,
            "Is there a sequence that begins in one row and ends in the next?",
        ),
    ),
)

EXERCISES = (SHARE_OF_REAL, IN_BUCKETS, ATTEND_IN_PACKED_ROWS, FIRST_FIT)
