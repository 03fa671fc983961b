"""Exercises of lesson 11: words seen before, words right, weights for classes, a model of yours."""

import numpy as np

from course_lib.exercises import _invented
from course_lib.exercises._exercise import Exercise, Wrong

# --- 11.1


def is_new(ids, known):
    """Return bool (B,): is the word of a row none of the known ones?"""
    seen = {tuple(row[row != 0]) for row in known}
    return np.array([tuple(row[row != 0]) not in seen for row in ids])


def _draw_two_batches(draw):
    rows, others = draw.integer(1, 3), draw.integer(1, 3)
    batches = (draw.padded_ids(n, draw.integer(2, 4), most=2) for n in (rows, others))
    ids, known = (np.where(batch.any(axis=1, keepdims=True), batch, 1) for batch in batches)
    return ids, known


def _by(key, ids, known):
    seen = {key(row) for row in known}
    return np.array([key(row) not in seen for row in ids])


def _first_steps(ids, known):
    steps = min(ids.shape[1], known.shape[1])
    return _by(tuple, ids[:, :steps], known[:, :steps])


IS_NEW = Exercise(
    "11.1",
    "Seen before?",
    is_new,
    """Two padded batches of ids, of shapes `(B, T)` and `(N, U)`; 0 is padding, in front, behind or
between. Write `is_new(ids, known)`: bool of shape `(B,)`, `True` where the word of a row is the
word of no row of `known`. Two rows hold the same word if their real steps are the same, in the
same order. Every row has a real step.""",
    minutes=6,
    difficulty="easy",
    hints=(
        "What is left of a row without its padding? `row[row != 0]`.",
        "A tuple can be in a set, an array cannot: `tuple(row) in seen`.",
    ),
    cases=_draw_two_batches,
    examples=(
        (np.array([[1, 2, 0, 0], [2, 1, 0, 0]]), np.array([[0, 1, 2], [2, 2, 0]])),
        (np.array([[1, 2, 2, 1], [1, 2, 0, 0]]), np.array([[1, 2, 2], [2, 1, 0]])),
        (np.array([[1, 2, 0], [1, 1, 2]]), np.array([[1, 2, 0], [2, 0, 1]])),
    ),
    wrong=(
        Wrong(
            "with its padding",
            lambda ids, known: _by(tuple, ids, known),
            "You compare rows as they are. Is a word another word when it has more padding?",
        ),
        Wrong(
            "inverted",
            lambda ids, known: ~is_new(ids, known),
            "What does `True` stand for in your result: new, or seen before?",
        ),
        Wrong(
            "the first steps",
            _first_steps,
            "You cut the longer batch. Is `[1, 2, 2, 1]` the same word as `[1, 2, 2]`?",
        ),
        Wrong(
            "in any order",
            lambda ids, known: _by(lambda row: tuple(sorted(row[row != 0])), ids, known),
            "You compare which phones are in a word. Is `[1, 2]` the same word as `[2, 1]`?",
        ),
        Wrong(
            "each phone once",
            lambda ids, known: _by(lambda row: frozenset(row[row != 0].tolist()), ids, known),
            "A set forgets how often a phone comes, and where. Is `[1, 1, 2]` the word `[1, 2]`?",
        ),
    ),
)

# --- 11.2


def words_right(labels, predicted, mask):
    """Return a number: the share of words whose real steps are all right, 0 without any word."""
    right = ((labels == predicted) | ~mask).all(axis=1)
    words = mask.any(axis=1)
    return (right & words).sum() / max(words.sum(), 1)


def _draw_labels(draw):
    rows, steps = draw.sizes()
    labels = draw.integers(0, 3, rows, steps)
    predicted = np.where(draw.integers(0, 3, rows, steps) == 0, (labels + 1) % 4, labels)
    return labels, predicted, draw.mask(rows, steps)


_LABELS = np.array([[3, 1, 3, 0, 0], [1, 3, 0, 0, 0], [3, 1, 3, 0, 3]])
_GUESSED = np.array([[3, 1, 3, 1, 1], [1, 3, 1, 0, 0], [3, 1, 3, 0, 3]])
_REAL = np.arange(5) < np.array([[3], [3], [5]])

WORDS_RIGHT = Exercise(
    "11.2",
    "How many words are right?",
    words_right,
    """`labels` and `predicted` hold a label for each step, `mask` is True at real steps, all of
shape `(B, T)`. Write `words_right(labels, predicted, mask)`: the share of words that are right at
each of their real steps. A row that is all padding is no word; without any word the share is 0.""",
    minutes=6,
    difficulty="medium",
    hints=(
        "A step is fine if it is right, or if it is padding: `|` and `~mask`.",
        "Of which rows do you take the mean? `mask.any(axis=1)` are the words.",
    ),
    cases=_draw_labels,
    examples=(
        (_LABELS, _GUESSED, _REAL),
        (_LABELS, _LABELS, _REAL & [[True], [False], [False]]),
        (_LABELS, _LABELS, np.zeros((3, 5), bool)),
    ),
    wrong=(
        Wrong(
            "padding must be right",
            lambda labels, predicted, mask: (
                ((labels == predicted).all(axis=1) & mask.any(axis=1)).sum()
                / max(mask.any(axis=1).sum(), 1)
            ),
            "Is a word wrong because something else is predicted at its padding?",
        ),
        Wrong(
            "phones counted",
            lambda labels, predicted, mask: (
                ((labels == predicted) & mask).sum() / max(mask.sum(), 1)
            ),
            "That is the share of phones. When is a whole word right?",
        ),
        Wrong(
            "padding is a word",
            lambda labels, predicted, mask: ((labels == predicted) | ~mask).all(axis=1).mean(),
            "A row that is all padding has nothing wrong in it. Is it a word?",
        ),
        Wrong(
            "divided by all rows",
            lambda labels, predicted, mask: (
                ((labels == predicted) | ~mask).all(axis=1) & mask.any(axis=1)
            ).mean(),
            "You left rows of padding out of the sum. By how many words do you divide?",
        ),
        Wrong(
            "padding is wrong",
            lambda labels, predicted, mask: (
                ((labels == predicted) & mask).all(axis=1).sum() / max(mask.any(axis=1).sum(), 1)
            ),
            "With your `&`, a word with padding is never right. What should padding count as?",
        ),
        Wrong(
            "0 / 0",
            lambda labels, predicted, mask: (
                (((labels == predicted) | ~mask).all(axis=1) & mask.any(axis=1)).sum()
                / mask.any(axis=1).sum()
            ),
            "What do you divide by when there is no word at all?",
        ),
    ),
)

# --- 11.3


def weighted_losses(y_true, y_pred, class_weights):
    """Return (B, T): the loss of each step times the weight of its class."""
    import keras

    losses = keras.losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=True)
    return losses * keras.ops.take(class_weights, keras.ops.cast(y_true, "int32"))


def _through_keras(answer, y_true, y_pred, class_weights, mask):
    """Return what Keras reports with `answer` as its loss, for an output that carries `mask`."""
    import keras

    class Own(keras.losses.Loss):
        def call(self, y_true, y_pred):
            return answer(y_true, y_pred, keras.ops.convert_to_tensor(class_weights, "float32"))

    output = keras.ops.convert_to_tensor(y_pred, "float32")
    output._keras_mask = keras.ops.convert_to_tensor(mask)
    return float(Own()(y_true, output))


def _draw_steps(draw):
    return _TRUE, _LOGITS, _WEIGHTS, draw.mask(2, 4)


def _losses(y_true, y_pred, from_logits=True):
    import keras

    return keras.losses.sparse_categorical_crossentropy(y_true, y_pred, from_logits=from_logits)


def _mean(values):
    import keras

    return keras.ops.mean(values)


def _by_guess(y_true, y_pred, class_weights):
    import keras

    return _losses(y_true, y_pred) * keras.ops.take(
        class_weights, keras.ops.argmax(y_pred, axis=-1)
    )


def _by_label(y_true, y_pred, class_weights):
    import keras

    return weighted_losses(y_true, y_pred, class_weights) * keras.ops.cast(y_true != 0, "float32")


_LOGITS = np.array(
    [
        [[1, 0, 0, -1], [0, 2, 1, 0], [1, 0, 1, -1], [-1, 0, 0, 2]],
        [[0, 1, 0, 2], [1, 0, -1, 0], [2, 2, 0, 0], [1, 1, 0, 0]],
    ],
    float,
)
_TRUE, _WEIGHTS = np.array([[0, 1, 2, 3], [3, 2, 0, 0]]), np.array([1.0, 1.0, 4.0, 0.5])

WEIGHTED_LOSSES = Exercise(
    "11.3",
    "Weights for classes, step by step",
    weighted_losses,
    """Few vowels have the label 2; a mistake there shall cost more. Write for Keras
`weighted_losses(y_true, y_pred, class_weights)`: the crossentropy of each step times the weight of
its true class, shape `(B, T)`, so that Keras can mask it. `y_pred` holds logits, `(B, T, V)`,
`class_weights` has shape `(V,)`. Keras hands labels to a loss as floats.""",
    minutes=7,
    difficulty="medium",
    hints=(
        "`keras.losses.sparse_categorical_crossentropy(..., from_logits=True)` has one number a "
        "step.",
        "`keras.ops.take(class_weights, ids)` looks weights up, as an `Embedding` does its rows. "
        "Which ids?",
        'Labels are floats here: `keras.ops.cast(y_true, "int32")`.',
    ),
    cases=_draw_steps,
    examples=(
        (_TRUE, _LOGITS, _WEIGHTS, np.array([[True] * 4, [True, True, False, False]])),
        (_TRUE, _LOGITS, _WEIGHTS, np.ones((2, 4), bool)),
    ),
    wrong=(
        Wrong(
            "one number",
            lambda y_true, y_pred, class_weights: _mean(
                weighted_losses(y_true, y_pred, class_weights)
            ),
            "You return one number for the whole batch. Can Keras still leave padding out of it?",
        ),
        Wrong(
            "no weights",
            lambda y_true, y_pred, class_weights: _losses(y_true, y_pred),
            "Does your result change when `class_weights` changes?",
        ),
        Wrong(
            "the weight of the guess",
            _by_guess,
            "You look the weights up by what the model predicts. Whose class shall count?",
        ),
        Wrong(
            "padding told by the label",
            _by_label,
            "You leave out steps with the label 0. Is there no real step with that label?",
        ),
        Wrong(
            "logits taken for shares",
            lambda y_true, y_pred, class_weights: (
                _losses(y_true, y_pred, from_logits=False)
                / _losses(y_true, y_pred)
                * weighted_losses(y_true, y_pred, class_weights)
            ),
            "What does the crossentropy take `y_pred` for, if you do not say that it is logits?",
        ),
        Wrong(
            "divided by the weights",
            lambda y_true, y_pred, class_weights: (
                weighted_losses(y_true, y_pred, class_weights) / _mean(class_weights)
            ),
            "You divide by the weights. Is the loss of a step with the weight 1 still its loss?",
        ),
    ),
    use=_through_keras,
    prepare=lambda: _through_keras(
        weighted_losses, _TRUE, _LOGITS, _WEIGHTS, np.ones((2, 4), bool)
    ),
)

# --- 11.4


def tagger(phones):
    """Return a Keras model: ids (B, T) from 1 to `phones`, 0 is padding → logits (B, T, 3)."""
    from keras import Input, Model, layers

    ids = Input((None,), dtype="int32")
    x = layers.Embedding(phones + 1, 16, mask_zero=True)(ids)
    x = layers.Bidirectional(layers.GRU(24, return_sequences=True))(x)
    return Model(ids, layers.Dense(3)(x))


def _graded(answer, number):
    if answer is tagger:  # it stands for what is asked; tests train it, and see that it gets there
        return *_invented.ASKED, np.ones(_invented.ROWS, bool)
    found = _invented.grade(answer)
    rows = slice(number * _invented.ROWS, (number + 1) * _invented.ROWS)
    return found.findings, found.words_right, found.same_alone[rows]


def _model(phones, layer, mask_zero=True, scale=None):
    import keras

    ids = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(phones + 1, 16, mask_zero=mask_zero)(ids)
    x = x if scale is None else x * scale
    return keras.Model(ids, keras.layers.Dense(3)(layer(keras.layers)(x)))


def _gru(layers):
    return layers.GRU(24, return_sequences=True)


def _both_ways(layers):
    return layers.Bidirectional(_gru(layers))


TAGGER = Exercise(
    "11.4",
    "Build it: a model of your own",
    tagger,
    """An invented language has a rule of its own for the stress. Write `tagger(phones)`: a Keras
model, not compiled, from ids `(B, T)`, 1 to `phones` and 0 for padding, to logits `(B, T, 3)` for
*unstressed*, *stressed* and *consonant*, by any layers you like. The check trains it on 500 words,
which takes up to half a minute, and asks: does `audit` find nothing? Are 90 % of 120 new words
right (by the usual pattern, 60 %)? Does each word get in a batch what it gets alone?""",
    minutes=20,
    difficulty="hard",
    build=True,
    hints=(
        "Which layer tells the others what is padding? There is one id more than there are phones.",
        "The stress may depend on what comes later in the word. Which layer reads both ways?",
        "Try `audit(tagger(14), ids)` on a small padded batch before you check.",
    ),
    cases=lambda draw: (draw.integer(0, 29),),
    examples=tuple((number,) for number in range(30)),
    wrong=(
        Wrong(
            "no mask",
            lambda phones: _model(phones, _both_ways, mask_zero=False),
            "Your model learns well. Which layer tells it what is padding?",
        ),
        Wrong(
            "one way",
            lambda phones: _model(phones, _gru),
            "Padding is invisible in your model. At a vowel, does it know what comes behind?",
        ),
        Wrong(
            "mask lost",
            lambda phones: _model(phones, _both_ways, scale=4.0),
            "A mask is made, and ends at a raw operation. Can a layer take that step?",
        ),
        Wrong(
            "a convolution",
            lambda phones: _model(phones, lambda layers: layers.Conv1D(48, 9, padding="same")),
            "A convolution looks at neighbours. What do the last steps of a word have beside them?",
        ),
    ),
    use=_graded,
    parts=("findings", "words_right", "same_alone"),
    prepare=_invented.forget,
    seconds=120,
)

EXERCISES = (IS_NEW, WORDS_RIGHT, WEIGHTED_LOSSES, TAGGER)
