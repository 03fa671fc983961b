"""Exercises of lesson 03: which mask a layer gets, a lost mask, two masks that meet, the walk."""

import functools
import operator

import numpy as np

from course_lib.exercises._exercise import Exercise, Wrong
from course_lib.exercises._keras import layers, result_of


def mask_for_call(explicit, attached, takes_mask):
    """Return the mask that `call` gets, or None."""
    if not takes_mask:
        return None
    return attached if explicit is None else explicit


def _draw_call(draw):
    rows, steps = draw.sizes(2, 4)
    explicit, attached = (draw.mask(rows, steps) if draw.integer(0, 3) else None for _ in range(2))
    takes_mask = draw.integer(0, 3) > 0
    return explicit if takes_mask else None, attached, takes_mask


_A = np.array([[True, True, True, False], [True, False, False, False]])
_B = np.array([[True, True, False, False], [True, True, False, True]])

MASK_FOR_CALL = Exercise(
    "3.1",
    "Which mask does `call` get?",
    mask_for_call,
    """A layer with one tensor argument is called. `explicit` is what was passed as `mask=`,
`attached` is the mask on the tensor, and each of the two may be `None`. `takes_mask` says whether
the layer's `call` has an argument `mask`; if not, nobody passes one, and `explicit` is `None`.
Write `mask_for_call(explicit, attached, takes_mask)`: the mask that `call` gets, or `None`.""",
    minutes=3,
    difficulty="easy",
    hints=(
        "A `call` without an argument `mask` gets none, whatever there is.",
        "The attached mask is looked up only if nothing was passed.",
    ),
    cases=_draw_call,
    examples=((_A, _B, True), (None, _B, True), (_A, None, True), (None, _B, False)),
    wrong=(
        Wrong(
            "attached wins",
            lambda explicit, attached, takes_mask: (
                (explicit if attached is None else attached) if takes_mask else None
            ),
            "If somebody passes `mask=` by hand, why would they, if the attached one won?",
        ),
        Wrong(
            "attached ignored",
            lambda explicit, attached, takes_mask: explicit if takes_mask else None,
            "Who hands the mask to an LSTM that is called with a tensor and nothing else?",
        ),
        Wrong(
            "explicit ignored",
            lambda explicit, attached, takes_mask: attached if takes_mask else None,
            "What becomes of a mask that was passed as `mask=`?",
        ),
        Wrong(
            "takes_mask ignored",
            lambda explicit, attached, takes_mask: attached if explicit is None else explicit,
            "`Dense.call` has no argument `mask`. What does it get?",
        ),
        Wrong(
            "or",
            lambda explicit, attached, takes_mask: (explicit or attached) if takes_mask else None,
            "`or` asks if a mask is true, not if it is there. Which test is for `None`?",
        ),
        Wrong(
            "real in both",
            lambda explicit, attached, takes_mask: _joined(explicit, attached, takes_mask),
            "You join the two masks. Does Keras join them, or choose one?",
        ),
    ),
)


def _joined(explicit, attached, takes_mask):
    if not takes_mask:
        return None
    if explicit is None or attached is None:
        return attached if explicit is None else explicit
    return explicit & attached


def mask_of_sum(masks):
    """Return the mask on the output of `Add`, or None."""
    if any(mask is None for mask in masks):
        return None
    return np.any(masks, axis=0)


def _draw_masks(draw):
    rows, steps = draw.sizes(2, 4)
    some = draw.integer(0, 2)
    number = draw.integer(2, 3)
    return ([draw.mask(rows, steps) if some or draw.coin() else None for _ in range(number)],)


MASK_OF_SUM = Exercise(
    "3.3",
    "Two masks meet",
    mask_of_sum,
    """`Add()` was called on two or more tensors. `masks` is the list of their masks, each of shape
`(B, T)` or `None`. Write `mask_of_sum(masks)`: the mask on the output, or `None`.""",
    minutes=4,
    difficulty="easy",
    hints=(
        "There are two rules: one for a tensor without a mask, and one for steps on which the "
        "masks do not agree.",
        "`any(mask is None for mask in masks)` looks for `None`; `None in masks` compares arrays, "
        "and fails. `np.any(masks, axis=0)` takes a whole list of masks of one shape.",
    ),
    cases=_draw_masks,
    examples=(([_A, _B],), ([_A, None],), ([None, None],), ([_A, _B, ~_A],)),
    wrong=(
        Wrong(
            "AND for OR",
            lambda masks: None if any(mask is None for mask in masks) else np.all(masks, axis=0),
            "A step is real in one tensor and padding in the other. Is the sum real?",
        ),
        Wrong(
            "AND for OR, and None not looked for",
            lambda masks: np.all(masks, axis=0),
            "`np.all` asks for steps that are real in every tensor. Is that the rule of `Add`?",
        ),
        Wrong(
            "None not looked for",
            lambda masks: np.any(masks, axis=0),
            "The rule for two masks is right. What if one of them is `None`?",
        ),
        Wrong(
            "None joined with |",
            lambda masks: functools.reduce(operator.or_, masks),
            "`|` joins two masks rightly. What does it do if one of them is `None`?",
        ),
        Wrong(
            "None left out",
            lambda masks: _any_or_none([mask for mask in masks if mask is not None]),
            "One branch has lost its mask. Does the sum keep that of the other?",
        ),
        Wrong(
            "None for all True",
            lambda masks: _any_or_none([_true_for_none(mask, masks) for mask in masks]),
            "A tensor without a mask: does `Add` take all its steps for real, or does it give up?",
        ),
        Wrong(
            "the first one's",
            lambda masks: masks[0],
            "You take the mask of the first tensor. Do the others have no say?",
        ),
    ),
)


def _any_or_none(masks):
    masks = [mask for mask in masks if mask is not None]
    return np.any(masks, axis=0) if masks else None


def _true_for_none(mask, masks):
    shape = next((np.shape(one) for one in masks if one is not None), None)
    return mask if mask is not None or shape is None else np.ones(shape, bool)


def without_start(embedding, dense, lstm, ids):
    """Return (B, units): each row's last state, from a mask that reaches the LSTM."""
    h = dense(embedding(ids))[:, 1:] * 2
    return lstm(h, mask=embedding.compute_mask(ids)[:, 1:])


def _layers():
    return layers(("Embedding", 10, ("mask_zero", True)), ("Dense", 3), ("LSTM", 2))


def _draw_sentences(draw):
    ids = np.array([[4, 2, 7], [3, 8, 5]]) * draw.mask(2, 3)
    return (np.concatenate([np.full((len(ids), 1), 9), ids], axis=1),)


def _start_by_hand(cut, change=lambda h: h[:, 1:] * 2):
    """`without_start` with another mask or other values, for the wrong answers below."""

    def answer(embedding, dense, lstm, ids):
        return lstm(change(dense(embedding(ids))), mask=cut(ids != 0))

    return answer


WITHOUT_START = Exercise(
    "3.2",
    "Fix it: a mask that never arrives",
    without_start,
    """Each row begins with the id 9, a start sign that nobody wants to read, so it is cut off:

```python
h = dense(embedding(ids))[:, 1:] * 2
return lstm(h)
```

`embedding` (with `mask_zero=True`), `dense` and `lstm` are layers of Keras. The code runs, and the
padding changes its results. Write `without_start(embedding, dense, lstm, ids)`: the same numbers
for a row without padding, and for a padded row what it would get alone.""",
    minutes=6,
    difficulty="medium",
    hints=(
        "Both `[:, 1:]` and `* 2` lose the mask. Where can you get another one?",
        "`embedding.compute_mask(ids)` has a column for each step of `ids`. How many has `h`?",
        "Hand it in: `lstm(h, mask=...)`, with the mask cut as `h` was cut.",
    ),
    cases=_draw_sentences,
    examples=(
        (np.array([[9, 4, 2, 7, 0], [9, 3, 0, 0, 0]]),),
        (np.array([[9, 4, 2, 7], [9, 5, 1, 3]]),),
    ),
    use=lambda answer, ids: result_of(answer, *_layers(), ids),
    prepare=lambda: without_start(*_layers(), np.array([[9, 1]])),
    wrong=(
        Wrong(
            "as it was",
            lambda embedding, dense, lstm, ids: lstm(dense(embedding(ids))[:, 1:] * 2),
            "Does any mask hang on `h` after `[:, 1:]` and `* 2`?",
        ),
        Wrong(
            "cut at the wrong end",
            _start_by_hand(lambda mask: mask[:, :-1]),
            "Your mask has the right length. Does its first column belong to the start sign, or "
            "to the first word?",
        ),
        Wrong(
            "not cut",
            _start_by_hand(lambda mask: mask),
            "`h` lost its first step. How many steps does your mask have?",
        ),
        Wrong(
            "True at padding",
            _start_by_hand(lambda mask: ~mask[:, 1:]),
            "In a mask of Keras, does `True` mean a word or padding?",
        ),
        Wrong(
            "zeros at padding, no mask",
            lambda embedding, dense, lstm, ids: lstm(
                dense(embedding(ids))[:, 1:] * 2 * (ids != 0)[:, 1:, None]
            ),
            "You set the padded vectors to zero. Does an LSTM leave its state alone at a vector "
            "of zeros?",
        ),
        Wrong(
            "not doubled",
            _start_by_hand(lambda mask: mask[:, 1:], lambda h: h[:, 1:]),
            "The mask arrives. Do the numbers of a row without padding stay what they were?",
        ),
        Wrong(
            "the start sign read",
            _start_by_hand(lambda mask: mask, lambda h: h * 2),
            "Does your LSTM read the start sign as well?",
        ),
    ),
)


def walk_of_a_mask(kinds, ids):
    """Return for each layer (what `call` gets, what hangs on the output), masks or None."""
    after, mask, walk = {"make": ids != 0, "drop": None, "end": None}, None, []
    for kind in kinds:
        given = mask if kind in ("use", "end") else None
        mask = after.get(kind, mask)
        walk.append((given, mask))
    return walk


def _draw_walk(draw):
    kinds = [draw.choice("pass", "use", "drop", "end", "use") for _ in range(draw.integer(1, 3))]
    return ["make", *kinds], draw.padded_ids(draw.integer(1, 2), draw.integer(1, 3))


def _walk(kinds, ids, given_to=("use", "end"), ended_by=("drop", "end"), comes_back=False):
    """`walk_of_a_mask` with other rules, for the wrong answers below."""
    mask, walk = None, []
    for kind in kinds:
        given = mask if kind in given_to else None
        if kind == "make":
            mask = ids != 0
        elif kind in ended_by:
            mask = None
        elif comes_back and kind in ("pass", "use"):
            mask = ids != 0
        walk.append((given, mask))
    return walk


_CHAIN = ["make", "pass", "use", "drop", "use"]

WALK_OF_A_MASK = Exercise(
    "3.4",
    "Build it: the walk of a mask",
    walk_of_a_mask,
    """A model is a chain of layers, and `kinds` says of each what it does with a mask:

- `"make"`: an `Embedding` with `mask_zero=True`, always the first; no mask in, that of `ids` out
- `"pass"`: like `Dense`; its `call` gets no mask, its output carries the input's
- `"use"`: like an `LSTM` with `return_sequences=True`; its `call` gets it, its output carries it
- `"end"`: like `GlobalAveragePooling1D`; its `call` gets the mask, its output has none
- `"drop"`: like `Conv1D`; its `call` gets none, its output has none

Write `walk_of_a_mask(kinds, ids)`: a list with one pair for each layer,
`(what its call gets, what its output carries)`. Both are masks of shape `(B, T)` or `None`.""",
    minutes=12,
    difficulty="hard",
    build=True,
    hints=(
        "Keep one variable for the mask on the current tensor. It starts as `None`: the ids have "
        "no mask.",
        "For each layer, two questions in this order: what does `call` get, and what is the mask "
        "on the output?",
        '`given = mask if kind in ("use", "end") else None`; only then is `mask` changed.',
    ),
    cases=_draw_walk,
    examples=(
        (_CHAIN, np.array([[1, 2, 0, 0]])),
        (["make", "end"], np.array([[3, 0]])),
        (["make", "drop", "pass", "use"], np.array([[1, 0], [0, 0]])),
        (["pass", "use"], np.array([[1, 0]])),
    ),
    wrong=(
        Wrong(
            "drop drops nothing",
            lambda kinds, ids: _walk(kinds, ids, ended_by=("end",)),
            'After a layer of the kind "drop", which mask does the next layer find?',
        ),
        Wrong(
            "end passes it on",
            lambda kinds, ids: _walk(kinds, ids, ended_by=("drop",)),
            'After a layer of the kind "end" there is no time axis. What could a mask say there?',
        ),
        Wrong(
            "pass gets it",
            lambda kinds, ids: _walk(kinds, ids, given_to=("use", "end", "pass")),
            "`Dense.call` has no argument `mask`. What can a layer get that only passes it on?",
        ),
        Wrong(
            "use ends it",
            lambda kinds, ids: _walk(kinds, ids, ended_by=("drop", "end", "use")),
            'A layer of the kind "use" has used the mask. Is it gone from its output?',
        ),
        Wrong(
            "the mask comes back",
            lambda kinds, ids: _walk(kinds, ids, comes_back=True),
            "A mask was lost on the way. Who would make a new one before the next `Embedding`?",
        ),
        Wrong(
            "end gets nothing",
            lambda kinds, ids: _walk(kinds, ids, given_to=("use",)),
            'A layer of the kind "end" takes a masked mean. Can it, if its `call` gets no mask?',
        ),
        Wrong(
            "only the masks on the outputs",
            lambda kinds, ids: [mask for _, mask in _walk(kinds, ids)],
            "You give one mask for each layer. Where is what its `call` gets?",
        ),
    ),
)

EXERCISES = (MASK_FOR_CALL, WITHOUT_START, MASK_OF_SUM, WALK_OF_A_MASK)
