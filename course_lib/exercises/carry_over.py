"""Exercises of lesson 04: keep or update, carried outputs, the last real step, a SimpleRNN."""

import numpy as np

from course_lib.exercises._exercise import Exercise, Wrong


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
    """Return (B, T, D): at a masked step what stood at the step before, at first zeros."""
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
    "What stands at a masked step?",
    carried,
    """`outputs` has shape `(B, T, D)`: what a recurrent layer put out at its real steps, and
anything at the others. Write `carried(outputs, mask)`: the same shape, with what Keras puts at the
masked steps, also at those that come before the first real one.""",
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
            "A row begins with padding. Nothing has been read yet: what can there be to put out?",
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
            "Two masked steps in a row: what stands at the second one?",
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


def last_real(outputs, mask):
    """Return (B, D): each row's output at its last real step, zeros if it has none."""
    result = np.zeros_like(outputs[:, 0])
    for t in range(outputs.shape[1]):
        result = np.where(mask[:, t, None], outputs[:, t], result)
    return result


LAST_REAL = Exercise(
    "4.3",
    "The last real output",
    last_real,
    """Some layers put zeros at masked steps, so `outputs[:, -1]` is of no use there. Write
`last_real(outputs, mask)`: for `outputs` of shape `(B, T, D)` the output of each row at its last
real step, shape `(B, D)`. The padding may stand on either side or in between; a row without real
steps gets zeros.""",
    minutes=6,
    difficulty="medium",
    hints=(
        "The number of real steps tells where the last one is only if the padding stands behind.",
        "One way: go through the steps as in exercise 4.2, and return what you end with.",
        "Another way: `(np.arange(T) * mask).argmax(axis=1)` is the place of each row's last real "
        "step, if there is one.",
    ),
    cases=_draw_outputs,
    examples=(
        (_OUTPUTS, np.array([[True, True, False, False]])),
        (_OUTPUTS, np.array([[False, True, True, False]])),
        (_OUTPUTS, np.array([[False, False, False, False]])),
    ),
    wrong=(
        Wrong(
            "the last column",
            lambda outputs, mask: outputs[:, -1],
            "Is the last step of each row a real one?",
        ),
        Wrong(
            "length - 1, and the last column without real steps",
            lambda outputs, mask: outputs[np.arange(len(mask)), mask.sum(axis=1) - 1],
            "`length - 1` is the place of the last real step if the padding stands behind. What if "
            "it stands in front, or if the length is 0?",
        ),
        Wrong(
            "length - 1",
            lambda outputs, mask: np.where(
                mask.any(axis=1)[:, None],
                outputs[np.arange(len(mask)), mask.sum(axis=1) - 1],
                0.0,
            ),
            "`length - 1` is the place of the last real step if the padding stands behind. What if "
            "it stands in front?",
        ),
        Wrong(
            "rows without real steps",
            lambda outputs, mask: outputs[
                np.arange(len(mask)), (np.arange(mask.shape[1]) * mask).argmax(axis=1)
            ],
            "What does your function return for a row without real steps?",
        ),
        Wrong(
            "the first real step",
            lambda outputs, mask: np.where(
                mask.any(axis=1)[:, None],
                outputs[np.arange(len(mask)), mask.argmax(axis=1)],
                0.0,
            ),
            "Is that the last real step of the row, or the first one?",
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
    rows, steps = draw.sizes(2, 3)
    features, units = draw.integer(1, 2), draw.integer(1, 2)
    weights = draw.numbers(features, units), draw.numbers(units, units), draw.numbers(units)
    return draw.numbers(rows, steps, features), draw.mask(rows, steps), *weights


def _run(arguments, after, put_out=None, before=None):
    """Run a SimpleRNN by other rules, for the wrong answers below.

    `after(real, new, state)` is the state after a step, `put_out(real, new, state)` the output,
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
        outputs.append(put_out(real, new, old) if put_out else state)
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
            "zeros put out",
            lambda *case: _run(case, _update, lambda real, new, state: np.where(real, new, 0.0)),
            "Your state is right. What does the layer put out at a masked step, unless it is told "
            "`zero_output_for_mask=True`?",
        ),
        Wrong(
            "output not carried",
            lambda *case: _run(case, _update, lambda real, new, state: new),
            "Your final state is right. At a masked step, do you put out the state after the step, "
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

EXERCISES = (KEEP_OR_UPDATE, CARRIED, LAST_REAL, MASKED_RNN)
