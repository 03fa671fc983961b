"""Exercises of lesson 10: when a sentence changed, merged masks, a layer to fix, old losses."""

from itertools import pairwise

import numpy as np

from course_lib.exercises._exercise import Exercise, Wrong

# --- 10.1


def turns(verdicts):
    """Return a list of ints: the places whose answer is not that of the place asked before."""
    told = [place for place in range(len(verdicts)) if verdicts[place] in "✓✗"]
    return [told[i] for i in range(1, len(told)) if verdicts[told[i]] != verdicts[told[i - 1]]]


def _draw_verdicts(draw):
    return ("".join(draw.choice("✓", "✓", "✗", "–") for _ in range(draw.integer(1, 6))),)


def _turns(verdicts, wanted=("✓✗", "✗✓"), pick=1):
    told = [place for place, v in enumerate(verdicts) if v in "✓✗"]
    return [
        pair[pick] for pair in pairwise(told) if verdicts[pair[0]] + verdicts[pair[1]] in wanted
    ]


TURNS = Exercise(
    "10.1",
    "When did it change?",
    turns,
    """`verdicts` is a string with one sign for each version, the oldest first: `"✓"` holds, `"✗"`
fails, `"–"` has no such thing. Write `turns(verdicts)`: a list of ints, the places whose answer is
not the answer of the version before. A version with `"–"` gives no answer: look past it.""",
    minutes=5,
    difficulty="easy",
    hints=(
        "First keep the places that hold an answer, then compare neighbours.",
        "`zip(told, told[1:])` gives each pair of neighbours. The first one has none before it.",
    ),
    cases=_draw_verdicts,
    examples=(("✗✓✓",), ("✗–✗✓",), ("–✓✗",), ("✓–✗–✓",)),
    wrong=(
        Wrong(
            "no answer taken for an answer",
            lambda verdicts: [i for i in range(1, len(verdicts)) if verdicts[i] != verdicts[i - 1]],
            "Is `–` an answer that can differ from the one before?",
        ),
        Wrong(
            "the version before",
            lambda verdicts: _turns(verdicts, pick=0),
            "Which of the two versions has the new behaviour: the older, or the newer?",
        ),
        Wrong(
            "only what began to hold",
            lambda verdicts: _turns(verdicts, wanted=("✗✓",)),
            "Can a sentence also stop being true?",
        ),
        Wrong(
            "each version that fails",
            lambda verdicts: [place for place, v in enumerate(verdicts) if v == "✗"],
            "You list where the sentence fails. Where does its answer change?",
        ),
    ),
)


# --- 10.2


def mask_of_sum(masks, keras):
    """Return bool (B, T) or None: the mask on the output of `Add`."""
    there = [mask for mask in masks if mask is not None]
    if not there or (keras == 3 and len(there) < len(masks)):
        return None
    return np.all(there, axis=0) if keras == 2 else np.any(there, axis=0)


def _draw_masks(draw):
    rows, steps = draw.sizes()
    masks = [
        None if draw.choice(False, False, True) else draw.mask(rows, steps)
        for _ in range(draw.integer(2, 3))
    ]
    return masks, draw.choice(2, 3)


_A, _B = np.array([[True, True, False, False]]), np.array([[True, False, True, False]])


def _merged(masks, keras, old=np.all, new=np.any):
    there = [mask for mask in masks if mask is not None]
    if not there or (keras == 3 and len(there) < len(masks)):
        return None
    return (old if keras == 2 else new)(there, axis=0)


def _any_there(masks, join):
    there = [mask for mask in masks if mask is not None]
    return join(there, axis=0) if there else None


MASK_OF_SUM = Exercise(
    "10.2",
    "The mask of a sum, then and now",
    mask_of_sum,
    """`Add` gets tensors with these `masks`: a list of bool arrays of shape `(B, T)`, or `None` for
a tensor without one. `keras` is 2 or 3. Write `mask_of_sum(masks, keras)`: the mask on the output.
Keras 2 calls a step real if all masks that are there do. Keras 3 calls it real if any does, and
gives no mask, `None`, as soon as one tensor has none.""",
    minutes=6,
    difficulty="medium",
    hints=(
        "Begin with the masks that are there: `[mask for mask in masks if mask is not None]`.",
        "`np.all(list_of_masks, axis=0)` joins arrays of one shape with *and*, `np.any` with *or*.",
        "Without any mask there is none on the output, in either version.",
    ),
    cases=_draw_masks,
    examples=(
        ([_A, _B], 2),
        ([_A, _B], 3),
        ([_A, None], 2),
        ([_A, None], 3),
        ([None, None], 2),
        ([None, None], 3),
    ),
    wrong=(
        Wrong(
            "and in both",
            lambda masks, keras: _merged(masks, keras, np.all, np.all),
            "You join with *and* in both versions. Which steps does Keras 3 call real?",
        ),
        Wrong(
            "or in both",
            lambda masks, keras: _merged(masks, keras, np.any, np.any),
            "You join with *or* in both versions. Which steps does Keras 2 call real?",
        ),
        Wrong(
            "the versions exchanged",
            lambda masks, keras: mask_of_sum(masks, 5 - keras),
            "Which of the two versions is the stricter one about real steps?",
        ),
        Wrong(
            "None ignored in both",
            lambda masks, keras: _any_there(masks, np.all if keras == 2 else np.any),
            "One tensor has no mask. Does Keras 3 still give the sum one?",
        ),
        Wrong(
            "None ends it in both",
            lambda masks, keras: (
                None if any(mask is None for mask in masks) else mask_of_sum(masks, keras)
            ),
            "One tensor has no mask. Does Keras 2 forget the other masks for that?",
        ),
        Wrong(
            "the first one",
            lambda masks, keras: masks[0],
            "You return the first mask. What becomes of the others?",
        ),
    ),
)


# --- 10.3


def pass_on(layer):
    """Return the layer, told to pass its mask on."""
    layer.supports_masking = True
    return layer


def _run(answer, return_sequences, mask):
    """Make a layer as the coming release does, hand it over, and run what comes back."""
    import keras

    class RunningSum(keras.layers.Layer):
        state_size = output_size = 1

        def call(self, inputs, states):
            return inputs + states[0], [inputs + states[0]]

    cell = RunningSum()
    layer = keras.layers.RNN(cell, return_sequences=return_sequences, unroll=True)
    layer.supports_masking = False
    layer = answer(layer)
    if not callable(layer):
        return None, None
    x = keras.ops.reshape(keras.ops.arange(1, mask.size + 1, dtype="float32"), (*mask.shape, 1))
    x._keras_mask = keras.ops.convert_to_tensor(mask)
    out = layer(x)
    found = getattr(out, "_keras_mask", None)
    return np.array(out), None if found is None else np.array(found)


def _draw_layer(draw):
    return draw.choice(True, True, False), draw.mask(*draw.sizes())


def _sequences(layer):
    layer.supports_masking = True
    layer.return_sequences = True
    return layer


def _all_real(layer):
    import keras

    def call(x):
        out = layer(x)
        if layer.return_sequences:
            out._keras_mask = keras.ops.ones(out.shape[:2], dtype="bool")
        return out

    return call


PASS_ON = Exercise(
    "10.3",
    "Fix a layer for the coming release",
    pass_on,
    """`layer` is a recurrent layer of Keras as the coming release makes it: it uses a mask and ends
it there. Write `pass_on(layer)` that returns a layer with the same outputs that passes the mask on.
If it returns one output a row (`return_sequences=False`), there is no mask to pass on. Keras runs
your layer; its outputs and the mask on them are compared.""",
    minutes=5,
    difficulty="medium",
    hints=(
        "Keras asks an attribute of the layer whether it may call `compute_mask`.",
        "`compute_mask` of a recurrent layer knows about `return_sequences`. What has to be `True` "
        "for Keras to ask it?",
    ),
    cases=_draw_layer,
    use=_run,
    parts=("outputs", "mask"),
    examples=((True, _A), (False, _A), (True, _B)),
    wrong=(
        Wrong(
            "handed back",
            lambda layer: layer,
            "You hand the layer back as it came. What mask does its output carry?",
        ),
        Wrong(
            "every step real",
            _all_real,
            "The output carries a mask. Which of its steps does that mask call padding?",
        ),
        Wrong(
            "sequences always",
            _sequences,
            "You changed what the layer returns. Were one output a row or a sequence asked for?",
        ),
        Wrong(
            "nothing returned",
            lambda layer: setattr(layer, "supports_masking", True),
            "What does your function return?",
        ),
    ),
)


# --- 10.4


def loss_in(version, per_step, mask):
    """Return the loss that Keras `version`, a pair such as (2, 11), reports: a number."""
    total, real = (per_step * mask).sum(), mask.sum()
    if (2, 3) <= version < (2, 11):
        return total / mask.size
    if version < (3, 0) and real == 0:
        return np.nan
    return total / max(real, 1)


def _draw_old_loss(draw):
    rows, steps = draw.sizes()
    version = draw.choice((2, 0), (2, 2), (2, 3), (2, 10), (2, 11), (2, 15), (3, 0), (3, 15))
    return version, np.abs(draw.numbers(rows, steps)) + 0.5, draw.mask(rows, steps)


def _by_decimals(version, per_step, mask):
    total, real = (per_step * mask).sum(), mask.sum()
    decimal = float(f"{version[0]}.{version[1]}")
    if 2.3 <= decimal < 2.11:  # 2.11 is the smaller number
        return total / mask.size
    return np.nan if decimal < 3 and not real else total / max(real, 1)


_STEPS = np.array([[4.0, 1.0, 2.0, 3.0]])
_ONE = np.array([[True, False, False, False]])
_VERSIONS = ((2, 0), (2, 2), (2, 3), (2, 10), (2, 11), (3, 0), (3, 15))

LOSS_IN = Exercise(
    "10.4",
    "Build it: the masked loss of any Keras",
    loss_in,
    """Someone sends you a loss from an old log and says which Keras wrote it. `per_step` has shape
`(B, T)`: the loss of each step. `version` is a pair such as `(2, 11)`. Write
`loss_in(version, per_step, mask)`. Keras 2.0 to 2.2 divided the sum over the real steps by their
number, 2.3 to 2.10 by the number of all steps, and from 2.11 on by the real steps again. Without
any real step, the versions of Keras 2 that divide by the real steps give NaN; Keras 3 gives 0.""",
    minutes=10,
    difficulty="hard",
    build=True,
    hints=(
        "Pairs are compared as versions are: `(2, 9) < (2, 11)`, and `2.9 < 2.11` is not true.",
        "The numerator is the same in all versions. First decide between the two divisors.",
        "Then the batch without a real step: `np.nan` below `(3, 0)`, else 0.",
    ),
    cases=_draw_old_loss,
    examples=(
        *((version, _STEPS, _A) for version in _VERSIONS),
        *((version, _STEPS, _ONE) for version in _VERSIONS),
        *((version, _STEPS, _A & False) for version in _VERSIONS),
    ),
    wrong=(
        Wrong(
            "today's loss always",
            lambda version, per_step, mask: (per_step * mask).sum() / max(mask.sum(), 1),
            "You give today's loss for every version. What did Keras 2.3 divide by?",
        ),
        Wrong(
            "all steps in all of Keras 2",
            lambda version, per_step, mask: (
                (per_step * mask).sum() / (mask.size if version < (3, 0) else max(mask.sum(), 1))
            ),
            "Did every Keras 2 divide by all steps?",
        ),
        Wrong(
            "versions as decimal numbers",
            _by_decimals,
            "Which is the later version, 2.10 or 2.3? And which is the larger number?",
        ),
        Wrong(
            "0 in every version",
            lambda version, per_step, mask: loss_in(version, per_step, mask) if mask.any() else 0.0,
            "A batch without a real step: did Keras 2 see to it that nothing is divided by 0?",
        ),
        Wrong(
            "NaN in every version",
            lambda version, per_step, mask: (
                loss_in(version, per_step, mask)
                if mask.any() or (2, 3) <= version < (2, 11)
                else np.nan
            ),
            "A batch without a real step: what does Keras 3 report?",
        ),
        Wrong(
            "padding counted",
            lambda version, per_step, mask: per_step.mean(),
            "Does your loss change when the loss of a padded step changes?",
        ),
    ),
)

EXERCISES = (TURNS, MASK_OF_SUM, PASS_ON, LOSS_IN)
