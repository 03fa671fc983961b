"""Exercises of lesson 06 on Keras itself: name the layer from a trace, and fix the model.

An answer gets layers of Keras, whose weights are the same every time, and ids; it returns the name
of a layer, and what the fixed model gives. Keras is imported when an answer is checked.
"""

import functools
import random
import warnings

import numpy as np

from course_lib.exercises._exercise import Exercise, Wrong

IDS = np.array([[3, 2, 5, 1], [4, 1, 2, 5]])


@functools.cache
def _layers():
    """Return the layers of all exercises by name, built for 3 features."""
    import keras

    class Scale(keras.layers.Layer):
        def call(self, x):
            return 2 * x

    state = random.getstate()  # Keras draws its seeds from here, and so does the learner's notebook
    made = {
        "embedding": keras.layers.Embedding(10, 3, mask_zero=True),
        "scale": Scale(),
        "lstm": keras.layers.LSTM(2),
        "both_ways": keras.layers.Bidirectional(keras.layers.LSTM(2, return_sequences=True)),
        "attention": keras.layers.MultiHeadAttention(1, 3),
        "residual": keras.layers.Add(),
        "norm": keras.layers.LayerNormalization(),
    }
    rng, vectors = np.random.default_rng(6), np.zeros((1, 2, 3), "float32")
    for name, layer in made.items():
        inputs = {"embedding": [np.array([[1]])], "attention": [vectors] * 2}
        layer(*inputs.get(name, [[vectors] * 2 if name == "residual" else vectors]))
        layer.set_weights([rng.normal(size=weight.shape) for weight in layer.get_weights()])
    weights = made["both_ways"].get_weights()
    for bias in (weights[2], weights[5]):
        bias[4:6] = -3.0  # so that the real outputs are negative, and a 0 wins
    made["both_ways"].set_weights(weights)
    random.setstate(state)
    return made


def _use(*names, masks=False):
    """Return how an answer is used: on these layers, its tensors turned into arrays."""

    def use(answer, ids):
        with warnings.catch_warnings(action="ignore"):  # `Scale` drops the mask, and Keras warns
            layer, output = answer(*(_layers()[name] for name in names), ids)
        result = (layer, np.asarray(output))
        if masks:
            mask = getattr(output, "_keras_mask", None)
            result += (None if mask is None else np.asarray(mask),)
        return result

    return use


def _draw_ids(draw):
    mask = draw.mask(2, 4)
    mask[:, 0] = True  # no row is all padding
    return (IDS * mask,)


_EXAMPLES = ((IDS,), (np.array([[3, 2, 5, 0], [3, 5, 0, 0]]),))


# --- 6.1


def score(embedding, scale, lstm, ids):
    """Return (name of the layer where the mask ends, the scores of the fixed model)."""
    x = scale(embedding(ids))
    return "scale", lstm(x, mask=embedding.compute_mask(ids))


SCORE = Exercise(
    "6.1",
    "Name the layer, and fix the model",
    score,
    """The model of the trace is this function:

```python
def score(embedding, scale, lstm, ids):
    return lstm(scale(embedding(ids)))
```

Write it anew as `score(embedding, scale, lstm, ids)`, so that padding is invisible. Return two
things: the name of the layer at which the mask ends, as the trace writes it, and the fixed scores.
The check runs your function on layers of Keras.""",
    minutes=5,
    difficulty="medium",
    hints=(
        "Look for the line that has a mask under *mask in*, and none under *mask out*, although a "
        "later layer needs one.",
        "`embedding.compute_mask(ids)` is the mask. Which layer takes `mask=`?",
    ),
    cases=_draw_ids,
    examples=_EXAMPLES,
    use=_use("embedding", "scale", "lstm"),
    prepare=lambda: _use("embedding", "scale", "lstm")(score, IDS),
    parts=("layer", "scores"),
    wrong=(
        Wrong(
            "as it was",
            lambda embedding, scale, lstm, ids: ("scale", lstm(scale(embedding(ids)))),
            "You found the layer. Which mask does the LSTM get in your model?",
        ),
        Wrong(
            "the layer that suffers",
            lambda embedding, scale, lstm, ids: ("lstm", score(embedding, scale, lstm, ids)[1]),
            "The LSTM gets no mask, and that is the damage. At which layer before it does the mask "
            "end?",
        ),
        Wrong(
            "the layer that makes the mask",
            lambda e, scale, lstm, ids: ("embedding", score(e, scale, lstm, ids)[1]),
            "Under *mask out*, the embedding has a mask. Which is the first layer that has none?",
        ),
        Wrong(
            "layer left out",
            lambda embedding, scale, lstm, ids: ("scale", lstm(embedding(ids))),
            "The mask arrives now. Do the vectors still go through `scale`?",
        ),
        Wrong(
            "the mask inverted",
            lambda embedding, scale, lstm, ids: (
                "scale",
                lstm(scale(embedding(ids)), mask=np.equal(ids, 0)),
            ),
            "Does `True` in a mask of Keras say real, or padding?",
        ),
    ),
)


# --- 6.2


def largest(embedding, both_ways, ids):
    """Return (name of the layer that mixes padding in, the largest value of each feature)."""
    from keras import ops

    x = both_ways(embedding(ids))
    real = embedding.compute_mask(ids)[..., None]
    return "max", ops.max(ops.where(real, x, -np.inf), axis=1)


def _largest_of(x):
    from keras import ops

    return ops.max(x, axis=1)


LARGEST = Exercise(
    "6.2",
    "A maximum of the real steps",
    largest,
    """In the trace, one layer gets a mask and takes all steps all the same. Write the model without
that layer, as `largest(embedding, both_ways, ids)`: `both_ways` is the bidirectional LSTM. Return
the name of the layer that you left out, and the largest value of each feature at the real steps,
shape `(B, D)`. Each row has a real step.""",
    minutes=6,
    difficulty="medium",
    hints=(
        "Which line has a mask under *mask in* and none under *mask out*?",
        "What must be at a padded step, so that it is never the largest? "
        "`keras.ops.where(condition, x, value)` puts it there.",
        "The condition has the shape `(B, T, 1)`: `embedding.compute_mask(ids)[..., None]`.",
    ),
    cases=_draw_ids,
    examples=_EXAMPLES,
    use=_use("embedding", "both_ways"),
    prepare=lambda: _use("embedding", "both_ways")(largest, IDS),
    parts=("layer", "largest values"),
    wrong=(
        Wrong(
            "as it was",
            lambda embedding, both_ways, ids: ("max", _largest_of(both_ways(embedding(ids)))),
            "Which value has a bidirectional LSTM at a padded step? Can it be the largest?",
        ),
        Wrong(
            "the LSTM named",
            lambda embedding, both_ways, ids: ("both_ways", largest(embedding, both_ways, ids)[1]),
            "The LSTM uses its mask and passes it on. Which layer after it does not?",
        ),
        Wrong(
            "minus infinity at real steps",
            lambda embedding, both_ways, ids: (
                "max",
                _largest_of(
                    both_ways(embedding(ids)) + np.where(ids != 0, -np.inf, 0.0)[..., None]
                ),
            ),
            "At which steps do you put −∞: at the padded ones, or at the real ones?",
        ),
    ),
)


# --- 6.3


def encode(embedding, attention, residual, norm, ids):
    """Return (name of the layer that takes the mask away, the output with its mask)."""
    x = embedding(ids)
    mask = x._keras_mask
    attended = attention(x, x)
    x._keras_mask = mask
    return "attention", norm(residual([x, attended]))


def _encode(embedding, attention, residual, norm, ids, last):
    x = embedding(ids)
    return "attention", last(x, attention(x, x), residual, norm)


ENCODE = Exercise(
    "6.3",
    "Keep the mask for the loss",
    encode,
    """The block of the trace is this function. Its values are right, and its output has no mask for
the loss:

```python
def encode(embedding, attention, residual, norm, ids):
    x = embedding(ids)
    return norm(residual([x, attention(x, x)]))
```

Write `encode(embedding, attention, residual, norm, ids)` so that the output has the same values and
carries the mask of the ids. Return the name of the layer that takes the mask away, and the
output.""",
    minutes=5,
    difficulty="medium",
    hints=(
        "In the line of `residual`, the first input has no mask (`–`) and the second has one. The "
        "first is `x`, which had a mask when it left the embedding. Who was called in between?",
        "A second tensor with the same values and the mask would do: `embedding(ids)` makes one. "
        "Or keep `x._keras_mask` in a variable, and set it again.",
    ),
    cases=_draw_ids,
    examples=_EXAMPLES,
    use=_use("embedding", "attention", "residual", "norm", masks=True),
    prepare=lambda: _use("embedding", "attention", "residual", "norm", masks=True)(encode, IDS),
    parts=("layer", "output", "mask of the output"),
    wrong=(
        Wrong(
            "as it was",
            lambda *layers_and_ids: _encode(
                *layers_and_ids, lambda x, attended, residual, norm: norm(residual([x, attended]))
            ),
            "You found the layer. Which mask has `x` when `residual` is called?",
        ),
        Wrong(
            "the layer that drops it",
            lambda *layers_and_ids: ("residual", encode(*layers_and_ids)[1]),
            "One of the inputs of `residual` has no mask any more. Which layer took it off?",
        ),
        Wrong(
            "no residual",
            lambda *layers_and_ids: _encode(
                *layers_and_ids, lambda x, attended, residual, norm: norm(attended)
            ),
            "The mask is there, the values are others. What is added to the attention's output?",
        ),
        Wrong(
            "twice the attention",
            lambda *layers_and_ids: _encode(
                *layers_and_ids,
                lambda x, attended, residual, norm: norm(residual([attended, attended])),
            ),
            "You add the attention's output to itself. What does a residual add?",
        ),
    ),
)

EXERCISES = (SCORE, LARGEST, ENCODE)
