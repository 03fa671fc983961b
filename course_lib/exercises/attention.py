"""Exercises of lesson 07: which may look at which, two layers of Keras, a head of attention."""

import numpy as np

from course_lib.exercises._exercise import Exercise, Wrong
from course_lib.exercises._keras import layers

# --- 7.1


def may_look(mask, causal):
    """Return bool (B, T, T): may step q (axis 1) look at step k (axis 2)?"""
    pairs = mask[:, :, None] & mask[:, None, :]
    return np.tril(pairs) if causal else pairs


def _draw_mask(draw):
    return draw.mask(*draw.sizes()), draw.coin()


_REAL = np.array([[True, True, True, False], [False, True, False, True]])

MAY_LOOK = Exercise(
    "7.1",
    "Which may look at which",
    may_look,
    """`mask` has shape `(B, T)`, `True` at real steps. Write `may_look(mask, causal)`: bool, shape
`(B, T, T)`. `[b, q, k]` is `True` if step q of row b may look at step k: both are real, and, if
`causal` is `True`, k is not later than q.""",
    minutes=5,
    difficulty="easy",
    hints=(
        "`mask[:, :, None]` asks the step that looks. What asks the step that is looked at?",
        "`np.tril` keeps the lower triangle of the last two axes, the diagonal included.",
    ),
    cases=_draw_mask,
    examples=((_REAL, False), (_REAL, True)),
    wrong=(
        Wrong(
            "not causal",
            lambda mask, causal: may_look(mask, False),
            "What is different in your result when `causal` is `True`?",
        ),
        Wrong(
            "looks ahead only",
            lambda mask, causal: (
                may_look(mask, causal).swapaxes(1, 2) if causal else may_look(mask, causal)
            ),
            "Which axis is the step that looks? May step 0 look at step 1 in your result?",
        ),
        Wrong(
            "not at itself",
            lambda mask, causal: (
                np.tril(may_look(mask, False), -1) if causal else may_look(mask, False)
            ),
            "What can the first step of a row look at in your result?",
        ),
        Wrong(
            "columns only",
            lambda mask, causal: (
                np.tril(np.repeat(mask[:, None, :], mask.shape[1], axis=1))
                if causal
                else np.repeat(mask[:, None, :], mask.shape[1], axis=1)
            ),
            "You ask whether the step that is looked at is real. And the one that looks?",
        ),
        Wrong(
            "lines only",
            lambda mask, causal: (
                np.tril(np.repeat(mask[:, :, None], mask.shape[1], axis=2))
                if causal
                else np.repeat(mask[:, :, None], mask.shape[1], axis=2)
            ),
            "You ask whether the step that looks is real. And the one that is looked at?",
        ),
        Wrong(
            "one of the two is enough",
            lambda mask, causal: (
                np.tril(mask[:, :, None] | mask[:, None, :])
                if causal
                else mask[:, :, None] | mask[:, None, :]
            ),
            "May a real step look at padding in your result?",
        ),
    ),
)


# --- 7.2


def _attention():
    return layers(("MultiHeadAttention", 1, ("key_dim", 3)))[0]


def _at_real_steps(output, mask):
    return np.where(mask[..., None], np.asarray(output), 0)


def attend_to_real(attention, x, ignore):
    """Return (B, T, D): what the attention makes of x without its padding."""
    return attention(x, x, attention_mask=~ignore[:, None, :])


def _use_attention(answer, x, ignore):
    return _at_real_steps(answer(_attention(), x.astype("float32"), ignore), ~ignore)


def _draw_ignored(draw):
    rows, steps = draw.sizes()
    mask = draw.mask(rows, steps)
    mask[:, 0] = True  # no row is all padding
    return draw.numbers(rows, steps, 3), ~mask


_X = np.array([[[1.0, 0.5, -1.0], [2.0, 0.0, 1.0], [-1.0, 1.5, 0.5], [0.5, 0.5, 2.0]]] * 2)
_IGNORE = np.array([[False, False, False, True], [False, True, True, True]])

ATTEND_TO_REAL = Exercise(
    "7.2",
    "A mask that comes from PyTorch",
    attend_to_real,
    """`ignore`, bool, shape `(B, T)`, is a `key_padding_mask` of PyTorch: `True` at *padding*.
Somebody took it over:

```python
def attend_to_real(attention, x, ignore):
    return attention(x, x, attention_mask=ignore[:, None, :])
```

`attention` is a `MultiHeadAttention`, `x` an array without a mask. Write
`attend_to_real(attention, x, ignore)` so that each real step gets what it gets alone.""",
    minutes=5,
    difficulty="medium",
    hints=(
        "In Keras, `True` in an attention mask means: attend here.",
        "`attention_mask` has shape `(B, T, S)`; an axis of 1 fits every step. Should padding be a "
        "line or a column?",
    ),
    cases=_draw_ignored,
    examples=((_X, _IGNORE),),
    use=_use_attention,
    prepare=lambda: _use_attention(attend_to_real, _X, _IGNORE),
    wrong=(
        Wrong(
            "as it was",
            lambda attention, x, ignore: attention(x, x, attention_mask=ignore[:, None, :]),
            "What does `True` in an `attention_mask` mean, and what in `ignore`?",
        ),
        Wrong(
            "lines in place of columns",
            lambda attention, x, ignore: attention(x, x, attention_mask=~ignore[:, :, None]),
            "You keep padding from looking. Who keeps the real steps from looking at padding?",
        ),
        Wrong(
            "padding made zeros",
            lambda attention, x, ignore: attention(*[x * ~ignore[..., None]] * 2),
            "How much weight does a step get whose score is 0?",
        ),
    ),
)


# --- 7.3


def _both():
    return layers(*(("MultiHeadAttention", 1, ("key_dim", dim)) for dim in (3, 2)))


def decode(self_attention, cross_attention, target, source, target_mask, source_mask):
    """Return (B, T, D): the target after it has looked at itself and at the source."""
    x = target + self_attention(target, target, value_mask=target_mask, use_causal_mask=True)
    return x + cross_attention(x, source, value_mask=source_mask)


def _use_both(answer, target, source, target_mask, source_mask):
    target, source = target.astype("float32"), source.astype("float32")
    output = answer(*_both(), target, source, target_mask, source_mask)
    return _at_real_steps(output, target_mask)


def _draw_pair(draw):
    rows, steps = draw.sizes(2, 4)
    others = draw.integer(1, 4)
    target_mask, source_mask = draw.mask(rows, steps), draw.mask(rows, others)
    target_mask[:, -1] = source_mask[:, 0] = True  # no row is all padding
    return draw.numbers(rows, steps, 3), draw.numbers(rows, others, 3), target_mask, source_mask


def _decode(own=lambda mask: {}, cross=lambda mask: {}):
    """`decode` with other masks, for the wrong answers below: options from each layer's mask."""

    def answer(self_attention, cross_attention, target, source, target_mask, source_mask):
        x = target + self_attention(target, target, **own(target_mask))
        return x + cross_attention(x, source, **cross(source_mask))

    return answer


def _by_value(mask):
    return {"value_mask": mask}


def _causal_by_value(mask):
    return {"value_mask": mask, "use_causal_mask": True}


_SOURCE = _X[:, :3][:, ::-1]
_TARGET_MASK = np.array([[True, True, True, True], [False, True, True, True]])
_SOURCE_MASK = np.array([[True, True, True], [True, True, False]])

DECODE = Exercise(
    "7.3",
    "Fix the translator",
    decode,
    """This half of a translator lets padding in, and lets a word see the ones after it:

```python
def decode(self_attention, cross_attention, target, source, target_mask, source_mask):
    x = target + self_attention(target, target, query_mask=target_mask)
    return x + cross_attention(x, source, query_mask=target_mask)
```

Both layers are `MultiHeadAttention`, `target` and `source` arrays without masks, their masks `True`
at real steps. Write `decode` with the same arguments, so that a word of the target looks at real
words of the target that are not later than itself, and then at all real words of the source.""",
    minutes=7,
    difficulty="medium",
    hints=(
        "Which argument of `MultiHeadAttention` says by hand which steps may be looked at?",
        "`use_causal_mask=True` belongs to one of the two calls. To which?",
    ),
    cases=_draw_pair,
    examples=((_X, _SOURCE, _TARGET_MASK, _SOURCE_MASK),),
    use=_use_both,
    prepare=lambda: _use_both(decode, _X, _SOURCE, _TARGET_MASK, _SOURCE_MASK),
    wrong=(
        Wrong(
            "as it was",
            _decode(),
            "A `query_mask` by hand is replaced by that of the tensor (Claim 6.9). Which argument "
            "is not?",
        ),
        Wrong(
            "looks ahead",
            _decode(_by_value, _by_value),
            "Can the first word of the target look at the second one in your code?",
        ),
        Wrong(
            "padding of the target",
            _decode(lambda mask: {"use_causal_mask": True}, _by_value),
            "If the padding of the target is in front, who keeps the words from looking at it?",
        ),
        Wrong(
            "padding of the source",
            _decode(_causal_by_value),
            "Which words of the source are padding, and who tells the second layer?",
        ),
        Wrong(
            "both causal",
            _decode(_causal_by_value, _causal_by_value),
            "The whole source is there before the first word is translated. May that word look at "
            "all of it?",
        ),
    ),
)


# --- 7.4


def one_head(query, key, value, value_mask, causal):
    """Return (B, T, D): what each query gets from the values that it may look at."""
    scores = query @ key.swapaxes(1, 2) / np.sqrt(query.shape[-1])
    mask = np.broadcast_to(value_mask[:, None, :], scores.shape)
    mask = np.tril(mask) if causal else mask
    scores = np.where(mask, scores, np.finfo(scores.dtype).min)
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True)) * mask
    total = powers.sum(axis=-1, keepdims=True)
    return powers / np.where(total == 0, 1, total) @ value


def _draw_head(draw):
    rows, steps = draw.sizes(2, 3)
    others, features = draw.integer(1, 3), draw.integer(1, 2)
    query = draw.numbers(rows, steps, features) * draw.choice(1, 1, 1000)
    key, value = draw.numbers(rows, others, features), draw.numbers(rows, others, 2)
    return query, key, value, draw.mask(rows, others), draw.coin()


def _head(query, key, value, mask, scale=True, axis=-1, shift=True, lonely=0.0, first=False):
    """`one_head` with a mask of pairs and other rules, for the wrong answers below."""
    scores = query @ key.swapaxes(1, 2) / (np.sqrt(query.shape[-1]) if scale else 1)
    with np.errstate(all="ignore"):
        if first:
            weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
            return weights / weights.sum(axis=-1, keepdims=True) * mask @ value
        scores = np.where(mask, scores, -1e300)
        largest = scores.max(axis=axis, keepdims=True) if shift else 0
        powers = np.exp(scores - largest) * mask
        total = powers.sum(axis=axis, keepdims=True)
        weights = powers / (np.where(total == 0, 1, total) if shift else total)
        return np.where(mask.any(axis=-1, keepdims=True), weights, lonely) @ value


def _pairs(query, value_mask, causal, below=0):
    mask = np.repeat(value_mask[:, None, :], query.shape[1], axis=1)
    return np.tril(mask, below) if causal else mask


def _wrong_head(**rules):
    return lambda query, key, value, value_mask, causal: _head(
        query, key, value, _pairs(query, value_mask, causal), **rules
    )


_VALUES = np.array([[[1.0, 2.0], [0.5, -1.0], [4.0, 4.0]], [[2.0, 1.0], [-1.0, 0.5], [3.0, 3.0]]])
_VALUE_MASK = np.array([[True, True, False], [False, True, True]])

ONE_HEAD = Exercise(
    "7.4",
    "Build it: a head of attention",
    one_head,
    """`query` has shape `(B, T, H)`, `key` `(B, S, H)`, `value` `(B, S, D)`. `value_mask`, bool,
shape `(B, S)`, is `True` at steps that may be looked at; with `causal`, a query looks at no step
later than itself. Write `one_head(query, key, value, value_mask, causal)`: what each query
gets, shape `(B, T, D)`. A query that may look at nothing gets zeros. Scores may be as large as
10,000.""",
    minutes=12,
    difficulty="hard",
    build=True,
    hints=(
        "Scores are `query @ key.swapaxes(1, 2)`, divided by the square root of H.",
        "`np.exp(1000)` is infinite. Softmax stays the same if the largest score of a line is "
        "taken off first; but the largest of those that count.",
        "If all of a line is masked, its sum is 0. What do you divide by there?",
    ),
    cases=_draw_head,
    examples=(
        (_VALUES, _VALUES, _VALUES, _VALUE_MASK, False),
        (_VALUES, _VALUES, _VALUES, _VALUE_MASK, True),
        (1000 * _VALUES, _VALUES, _VALUES, _VALUE_MASK, False),
        (_VALUES, _VALUES, _VALUES, np.zeros((2, 3), bool), False),
    ),
    wrong=(
        Wrong(
            "not divided by the root",
            _wrong_head(scale=False),
            "What are your scores divided by?",
        ),
        Wrong(
            "masked after the softmax",
            _wrong_head(first=True),
            "Do the weights of a line still sum to 1 after you have masked them?",
        ),
        Wrong(
            "softmax over the queries",
            _wrong_head(axis=1),
            "Which axis do your weights sum to 1 along: the steps that look, or those looked at?",
        ),
        Wrong(
            "too large",
            _wrong_head(shift=False),
            "What is `np.exp` of a score of 1000, and of a line in which nothing is allowed?",
        ),
        Wrong(
            "nothing to look at, so everything",
            lambda query, key, value, value_mask, causal: _head(
                query, key, value, _pairs(query, value_mask, causal), lonely=1 / key.shape[1]
            ),
            "What does a query get that may look at nothing?",
        ),
        Wrong(
            "no padding mask",
            lambda query, key, value, value_mask, causal: one_head(
                query, key, value, np.ones_like(value_mask), causal
            ),
            "Does your result change when a value at padding changes?",
        ),
        Wrong(
            "looks ahead",
            lambda query, key, value, value_mask, causal: one_head(
                query, key, value, value_mask, False
            ),
            "What is different in your result when `causal` is `True`?",
        ),
        Wrong(
            "not at itself",
            lambda query, key, value, value_mask, causal: _head(
                query, key, value, _pairs(query, value_mask, causal, -1)
            ),
            "With `causal`, may a query look at its own step in your code?",
        ),
    ),
)

EXERCISES = (MAY_LOOK, ATTEND_TO_REAL, DECODE, ONE_HEAD)
