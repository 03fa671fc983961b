"""Exercises of lesson 04: keep or update, carried outputs, a writer to fix, a SimpleRNN."""

import numpy as np

from course_lib.exercises._exercise import Exercise, Wrong
from course_lib.exercises._keras import layers, result_of


def keep_or_update(real, new, previous):
    """Return (B, D): `new` for rows whose step is real, `previous` for the others."""
    return np.where(real[:, None], new, previous)


def _draw_step(draw):
    rows = draw.integer(1, 3)
    units = rows if draw.coin() else draw.integer(1, 3)
    real = draw.integers(0, 1, rows).astype(bool)
    return real, draw.numbers(rows, units), draw.numbers(rows, units)


KEEP_OR_UPDATE = Exercise(
    "4.1",
    "Keep or update",
    keep_or_update,
    """One step of a masked recurrent layer, for a whole batch. `real` has shape `(B,)`: is this
step real, row by row. `new` and `previous` have shape `(B, D)`: the state that the weights make,
and the state from before. Write `keep_or_update(real, new, previous)`: the state after the
step.""",
    minutes=3,
    difficulty="easy",
    hints=(
        "`np.where(condition, a, b)` takes from `a` where the condition is True, else from `b`.",
        "The condition has shape `(B,)`, the states `(B, D)`. Broadcasting lines up the last axes. "
        "Which axis must be added?",
    ),
    cases=_draw_step,
    examples=(
        (np.array([True, False]), np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[5.0, 6.0]] * 2)),
        (np.array([False]), np.array([[1.0, 2.0]]), np.array([[5.0, 6.0]])),
    ),
    wrong=(
        Wrong(
            "exchanged",
            lambda real, new, previous: np.where(real[:, None], previous, new),
            "Which of the two states does your function keep at a masked step?",
        ),
        Wrong(
            "zeros at masked steps",
            lambda real, new, previous: np.where(real[:, None], new, 0.0),
            "At a masked step your state becomes zeros. What is left then of the words before it?",
        ),
        Wrong(
            "features for rows",
            lambda real, new, previous: np.where(real, new, previous),
            "With which axis does `real` of shape `(B,)` line up: with the rows, or the features?",
        ),
        Wrong(
            "mask ignored",
            lambda real, new, previous: new,
            "Does your state change at a masked step?",
        ),
        Wrong(
            "one for the whole batch",
            lambda real, new, previous: new if real.all() else previous,
            "Can a step be real in one row and padding in another?",
        ),
    ),
)


def carried(outputs, mask):
    """Return (B, T, D): at a masked step the output of the step before, at first zeros."""
    result = np.zeros_like(outputs)
    last = np.zeros_like(outputs[:, 0])
    for t in range(outputs.shape[1]):
        last = np.where(mask[:, t, None], outputs[:, t], last)
        result[:, t] = last
    return result


def _draw_outputs(draw):
    rows, steps = draw.sizes(2, 4)
    return draw.numbers(rows, steps, draw.integer(1, 2)), draw.mask(rows, steps)


_OUTPUTS = np.array([[[1.0], [2.0], [3.0], [4.0]]])

CARRIED = Exercise(
    "4.2",
    "What is at a masked step?",
    carried,
    """`outputs` has shape `(B, T, D)`: a recurrent layer's output at its real steps, and anything
at the others. Write `carried(outputs, mask)`: the same shape, with what Keras has at the masked
steps, also at those that come before the first real one.""",
    minutes=6,
    difficulty="medium",
    hints=(
        "Go through the steps and keep the last real output in a variable.",
        "Before the first real step nothing has been read. What does the variable start as?",
        "`last = np.where(mask[:, t, None], outputs[:, t], last)` for each step `t`.",
    ),
    cases=_draw_outputs,
    examples=(
        (_OUTPUTS, np.array([[True, False, True, False]])),
        (_OUTPUTS, np.array([[False, False, True, False]])),
        (_OUTPUTS, np.array([[False, False, False, False]])),
    ),
    wrong=(
        Wrong(
            "zeros at every masked step",
            lambda outputs, mask: np.where(mask[..., None], outputs, 0.0),
            "You put zeros at every masked step. Is that what an LSTM does unless it is told "
            "`zero_output_for_mask=True`?",
        ),
        Wrong(
            "padding in front untouched",
            lambda outputs, mask: _carry(outputs, mask, outputs[:, 0]),
            "A row begins with padding. Nothing has been read yet: what can the output be?",
        ),
        Wrong(
            "the next real step instead",
            lambda outputs, mask: _carry(outputs[:, ::-1], mask[:, ::-1])[:, ::-1],
            "You fill a masked step from the real step after it. Has the layer read that one yet?",
        ),
        Wrong(
            "one step back, real or not",
            lambda outputs, mask: np.where(
                mask[..., None], outputs, np.pad(outputs, ((0, 0), (1, 0), (0, 0)))[:, :-1]
            ),
            "Two masked steps in a row: what is at the second one?",
        ),
        Wrong(
            "the step before the first is the last",
            lambda outputs, mask: _carry(outputs, mask, outputs[:, -1]),
            "What is `outputs[:, t - 1]` when `t` is 0?",
        ),
        Wrong(
            "mask ignored",
            lambda outputs, mask: outputs,
            "What changes in your result at a masked step?",
        ),
    ),
)


def _carry(outputs, mask, last=None):
    """`carried` from another start, for the wrong answers above."""
    result, last = np.zeros_like(outputs), np.zeros_like(outputs[:, 0]) if last is None else last
    for t in range(outputs.shape[1]):
        last = result[:, t] = np.where(mask[:, t, None], outputs[:, t], last)
    return result


def reply(embedding, reader, writer, question, answer):
    """Return (B, units): `writer` after `answer`, started from what `reader` made of `question`."""
    _, h, c = reader(embedding(question))
    mask = embedding.compute_mask(answer)
    return writer(embedding(answer), initial_state=[h, c], mask=mask)


def _layers():
    reader, writer = ("LSTM", 2, ("return_state", True)), ("LSTM", 2)
    return layers(("Embedding", 10, ("mask_zero", True)), reader, writer)


def _draw_pairs(draw):
    question = draw.choice([[4, 2], [3, 0]], [[0, 2], [3, 8]], [[5, 0], [0, 0]])
    return np.array(question), np.array([[6, 1], [2, 5]]) * draw.mask(2, 2)


def _write_with(mask_of=None, states=lambda h, c: {"initial_state": [h, c]}):
    """`reply` with another mask or other states, for the wrong answers below."""

    def function(embedding, reader, writer, question, answer):
        _, h, c = reader(embedding(question))
        mask = {"mask": mask_of(question, answer)} if mask_of else {}
        return writer(embedding(answer), **states(h, c), **mask)

    return function


REPLY = Exercise(
    "4.3",
    "Fix it: a writer that reads padding",
    reply,
    """One LSTM reads a question, a second one starts from the states in which the first one ended,
and goes through the answer:

```python
_, h, c = reader(embedding(question))
return writer(embedding(answer), initial_state=[h, c])
```

All three are layers of Keras, `embedding` with `mask_zero=True`. `question` and `answer` are padded
ids. The code runs, and the padding of the answers changes the result. Write
`reply(embedding, reader, writer, question, answer)` so that each pair of rows gets what it would
get alone.""",
    minutes=6,
    difficulty="medium",
    hints=(
        "Which of the two calls gets several tensors? What does Keras put into `mask` there?",
        "`embedding.compute_mask(ids)` gives the mask of some ids. Which ids does `writer` read?",
        "`writer(..., initial_state=[h, c], mask=...)` takes both.",
    ),
    cases=_draw_pairs,
    examples=(
        (np.array([[4, 2, 7, 0], [3, 0, 0, 0]]), np.array([[5, 0, 0, 0], [6, 1, 8, 0]])),
        (np.array([[4, 2], [3, 1]]), np.array([[5, 7], [6, 1]])),
    ),
    use=lambda answer_of, question, answer: result_of(answer_of, *_layers(), question, answer),
    prepare=lambda: reply(*_layers(), np.array([[1]]), np.array([[1]])),
    wrong=(
        Wrong(
            "as it was",
            _write_with(),
            "Both inputs carry a mask. Does `writer` use one when it is called with states?",
        ),
        Wrong(
            "without the states",
            _write_with(states=lambda h, c: {}),
            "Now the mask is used. What has `writer` heard of the question?",
        ),
        Wrong(
            "the question's mask",
            _write_with(lambda question, answer: question != 0),
            "Whose padding does your mask tell about: that of the question, or of the answer?",
        ),
        Wrong(
            "True at padding",
            _write_with(lambda question, answer: answer == 0),
            "In a mask of Keras, does `True` mean a word or padding?",
        ),
        Wrong(
            "states exchanged",
            _write_with(
                lambda question, answer: answer != 0, lambda h, c: {"initial_state": [c, h]}
            ),
            "An LSTM has two states. In which order does it return and take them?",
        ),
        Wrong(
            "one state twice",
            _write_with(
                lambda question, answer: answer != 0, lambda h, c: {"initial_state": [h, h]}
            ),
            "An LSTM has two states. Do you hand in both?",
        ),
    ),
)


def masked_rnn(inputs, mask, kernel, recurrent_kernel, bias):
    """Return the outputs (B, T, units) and the final state (B, units)."""
    state = np.zeros((len(inputs), len(bias)))
    outputs = []
    for t in range(inputs.shape[1]):
        new = np.tanh(inputs[:, t] @ kernel + state @ recurrent_kernel + bias)
        state = np.where(mask[:, t, None], new, state)
        outputs.append(state)
    return np.stack(outputs, axis=1), state


def _draw_rnn(draw):
    rows, steps = draw.sizes(2, 4)
    features, units = draw.integer(1, 2), draw.integer(1, 2)
    weights = draw.numbers(features, units), draw.numbers(units, units), draw.numbers(units)
    return draw.numbers(rows, steps, features), draw.mask(rows, steps), *weights


def _run(arguments, after, output=None, before=None):
    """Run a SimpleRNN by other rules, for the wrong answers below.

    `after(real, new, state)` is the state after a step, `output(real, new, state)` the output,
    and `before(real, x)` the input.
    """
    inputs, mask, kernel, recurrent_kernel, bias = arguments
    state = np.zeros((len(inputs), len(bias)))
    outputs = []
    for t in range(inputs.shape[1]):
        real, x = mask[:, t, None], inputs[:, t]
        x = before(real, x) if before else x
        new = np.tanh(x @ kernel + state @ recurrent_kernel + bias)
        old, state = state, after(real, new, state)
        outputs.append(output(real, new, old) if output else state)
    return np.stack(outputs, axis=1), state


def _update(real, new, state):
    return np.where(real, new, state)


_RNN = (
    np.array([[[1.0], [-0.5], [0.5], [2.0]]]),
    np.array([[True, False, True, False]]),
    np.array([[0.5]]),
    np.array([[-1.0]]),
    np.array([0.25]),
)

MASKED_RNN = Exercise(
    "4.4",
    "Build it: a masked `SimpleRNN`",
    masked_rnn,
    """The simplest recurrent layer has one state $h$, which is its output too, and one line:
$h' = \\tanh(x_t W + h U + b)$. It starts from zeros. Write
`masked_rnn(inputs, mask, kernel, recurrent_kernel, bias)`: a pair of the outputs at every step,
shape `(B, T, units)`, and the final state, shape `(B, units)`, as
`keras.layers.SimpleRNN(units, return_sequences=True, return_state=True)` gives them for a mask.
`kernel` is $W$, `recurrent_kernel` is $U$, `bias` is $b$.""",
    minutes=15,
    difficulty="hard",
    build=True,
    hints=(
        "First without the mask: `state` starts as `np.zeros((len(inputs), len(bias)))`, and for "
        "each step `t` the line above makes a new one from `inputs[:, t]`.",
        "Then the mask, in one line: exercise 4.1 with `mask[:, t]`.",
        "The output of a step is the state after it. `np.stack(outputs, axis=1)` makes "
        "`(B, T, units)` of a list of steps.",
    ),
    cases=_draw_rnn,
    examples=(_RNN, (_RNN[0], ~_RNN[1], *_RNN[2:]), (_RNN[0], _RNN[1] & False, *_RNN[2:])),
    wrong=(
        Wrong(
            "mask ignored",
            lambda *case: _run(case, lambda real, new, state: new),
            "Does your state change at a masked step?",
        ),
        Wrong(
            "masked inputs set to zero",
            lambda *case: _run(
                case, lambda real, new, state: new, before=lambda real, x: np.where(real, x, 0.0)
            ),
            "You set masked inputs to zero. With x = 0, is `tanh(h U + b)` the state from before?",
        ),
        Wrong(
            "state reset",
            lambda *case: _run(case, lambda real, new, state: np.where(real, new, 0.0)),
            "At a masked step your state becomes zeros. What is left then of the words before it?",
        ),
        Wrong(
            "zeros as output",
            lambda *case: _run(case, _update, lambda real, new, state: np.where(real, new, 0.0)),
            "Your state is right. What is the output at a masked step, unless it is told "
            "`zero_output_for_mask=True`?",
        ),
        Wrong(
            "output not carried",
            lambda *case: _run(case, _update, lambda real, new, state: new),
            "Your final state is right. At a masked step, do you output the state after the step, "
            "or what the weights made of the padding?",
        ),
        Wrong(
            "only the output carried",
            lambda *case: (
                _carry(_run(case, lambda real, new, state: new)[0], case[1]),
                _run(case, lambda real, new, state: new)[1],
            ),
            "Your outputs repeat at masked steps. Does the state inside keep its place there too?",
        ),
        Wrong(
            "the mask inverted",
            lambda *case: _run(case, lambda real, new, state: np.where(real, state, new)),
            "At which steps does your state change: where the mask is True?",
        ),
    ),
)

EXERCISES = (KEEP_OR_UPDATE, CARRIED, REPLY, MASKED_RNN)
