"""Lesson 04: an LSTM in NumPy that carries its output and both states over masked steps.

The formulas and the order of the gates, `i f c o`, are those of `LSTMCell` in
`keras/src/layers/rnn/lstm.py` (Keras 3.15). The carry is that of `rnn` in
`keras/src/backend/tensorflow/rnn.py`. Both are read here for the step-by-step path; cuDNN, on a
GPU, fills the padded steps with zeros instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from course_lib._arguments import as_array, as_flag, as_mask, no_nan, not_empty

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray


def lstm(
    inputs: ArrayLike,
    weights: Sequence[ArrayLike],
    mask: ArrayLike | None = None,
    *,
    initial_state: Sequence[ArrayLike] | None = None,
    return_sequences: bool = False,
    return_state: bool = False,
    go_backwards: bool = False,
    zero_output_for_mask: bool = False,
) -> NDArray[Any] | tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    r"""Return what `keras.layers.LSTM` returns for these weights and this mask.

    At each step the cell makes a new output and two new states from the step's vector
    :math:`x_t` and the states :math:`h, c` before it:

    .. math::

        i, f, g, o &= \mathrm{split}(x_t W + h U + b) \\
        c' &= \sigma(f) \, c + \sigma(i) \tanh(g) \\
        h' &= \sigma(o) \tanh(c')

    The output of the step is :math:`h'`. Where the mask is False, all three are thrown away: the
    states stay as they were, and the output is the output of the step before, or zeros if there
    is none. Zeros stand there even if `initial_state` is given.

    Args:
        inputs: numbers of shape `(B, T, D)`. Padded steps may hold anything, NaN included.
        weights: `layer.get_weights()`: a kernel of shape `(D, 4 * units)`, a recurrent kernel of
            shape `(units, 4 * units)`, and a bias of shape `(4 * units,)` unless the layer has
            `use_bias=False`. Along the last axis stand the gates i, f, c and o. Keras starts the
            part f of the bias at 1 (`unit_forget_bias`); here it is taken as it comes.
        mask: bool, shape `(B, T)`, True at real steps. `None`: every step is real.
        initial_state: `[h, c]`, each of shape `(B, units)`; zeros if `None`.
        return_sequences: return the output of every step, not of the last alone.
        return_state: return the final states `h` and `c` as well.
        go_backwards: walk from the last step to the first. The outputs are returned in the order
            of the walk, so step 0 of the output belongs to the last step of `inputs`.
        zero_output_for_mask: put zeros into the output at masked steps. The states are carried
            all the same.

    Returns:
        The output of shape `(B, units)`, or `(B, T, units)` if `return_sequences`. If
        `return_state`, a tuple `(output, h, c)`. The dtype is that of the inputs and weights
        together; for float32 it agrees with Keras to 1e-6.

    Raises:
        TypeError: `inputs`, a weight or a state does not hold numbers, `mask` is not bool,
            `weights` or `initial_state` is not a sequence, or a flag is not True or False.
        ValueError: an empty batch, NaN at a real step, or arrays whose shapes do not fit.
    """
    return_sequences = as_flag(return_sequences, "return_sequences")
    return_state = as_flag(return_state, "return_state")
    go_backwards = as_flag(go_backwards, "go_backwards")
    zero_output_for_mask = as_flag(zero_output_for_mask, "zero_output_for_mask")
    inputs = not_empty(as_array(inputs, "inputs", ndim=3), "inputs")
    batch, steps, features = inputs.shape
    if mask is None:
        mask = np.ones((batch, steps), bool)
    mask = as_mask(mask, shape=(batch, steps))
    no_nan(inputs, "inputs", where=mask)
    kernel, recurrent_kernel, bias = _check_weights(weights, features)
    units = len(recurrent_kernel)
    dtype = np.result_type(inputs, kernel, recurrent_kernel, bias, np.float32)
    h, c = _check_states(initial_state, (batch, units), dtype)

    walk = range(steps)[::-1] if go_backwards else range(steps)
    output, outputs = np.zeros((batch, units), dtype), []
    # What stands at a padded step may be infinite; the result is thrown away below.
    with np.errstate(invalid="ignore", over="ignore"):
        for step in walk:
            real = mask[:, step, None]
            gates = inputs[:, step] @ kernel + h @ recurrent_kernel + bias
            new_h, new_c = _cell(gates, c)
            before = np.zeros_like(output) if zero_output_for_mask else output
            output = np.where(real, new_h, before)
            h, c = np.where(real, new_h, h), np.where(real, new_c, c)
            outputs.append(output)

    result = np.stack(outputs, axis=1) if return_sequences else output
    return (result, h, c) if return_state else result


def _cell(gates, c):
    i, f, g, o = np.split(gates, 4, axis=-1)
    c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
    return _sigmoid(o) * np.tanh(c), c


def _sigmoid(z):
    # The same as 1 / (1 + exp(-z)), without its overflow at large negative numbers.
    return (1 + np.tanh(z / 2)) / 2


def _check_weights(weights, features):
    if not isinstance(weights, (list, tuple)):
        raise TypeError(
            "`weights` must be a list of arrays as `layer.get_weights()` returns it, "
            f"got {type(weights).__name__}"
        )
    if len(weights) not in (2, 3):
        raise ValueError(
            "`weights` must hold a kernel, a recurrent kernel and, if there is one, a bias, "
            f"got {len(weights)} arrays"
        )
    recurrent_kernel = as_array(weights[1], "weights[1]", ndim=2)
    units = len(recurrent_kernel)
    expected = [(features, 4 * units), (units, 4 * units), (4 * units,)]
    names = ["the kernel", "the recurrent kernel", "the bias"]
    arrays = []
    for place, weight in enumerate(weights):
        array = as_array(weight, f"weights[{place}]")
        if array.shape != expected[place] or not units:
            raise ValueError(
                f"`weights[{place}]`, {names[place]}, must have shape {expected[place]} for "
                f"{features} features and {units} units, got {array.shape}"
            )
        arrays.append(no_nan(array, f"weights[{place}]"))
    if len(arrays) == 2:
        arrays.append(np.zeros(4 * units, arrays[0].dtype))
    return arrays


def _check_states(states, shape, dtype):
    if states is None:
        return np.zeros(shape, dtype), np.zeros(shape, dtype)
    if not isinstance(states, (list, tuple)):
        raise TypeError(f"`initial_state` must be a list [h, c], got {type(states).__name__}")
    if len(states) != 2:
        raise ValueError(f"`initial_state` must hold two states, h and c, got {len(states)}")
    arrays = []
    for place, state in enumerate(states):
        name = f"initial_state[{place}]"
        array = no_nan(as_array(state, name), name)
        if array.shape != shape:
            raise ValueError(f"`{name}` must have shape {shape}, got {array.shape}")
        arrays.append(array.astype(dtype))
    return arrays
