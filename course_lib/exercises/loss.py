"""Exercises of lesson 05: a masked loss, weights, an accuracy, a loss to fix, a crossentropy."""

import numpy as np

from course_lib.exercises._exercise import Exercise, Wrong


def loss_of_batch(per_step, mask):
    """Return the loss of a batch, a number: the mean over its real steps, 0 if there are none."""
    return (per_step * mask).sum() / max(mask.sum(), 1)


def _draw_losses(draw):
    rows, steps = draw.sizes()
    return np.abs(draw.numbers(rows, steps)), draw.mask(rows, steps)


_ROWS = np.array([[True, False, False, False], [True, True, True, True]])


def _mean_of_row_means(per_step, mask):
    counts = np.maximum(mask.sum(axis=1), 1)
    return ((per_step * mask).sum(axis=1) / counts).mean()


LOSS_OF_BATCH = Exercise(
    "5.1",
    "The loss of a padded batch",
    loss_of_batch,
    """`per_step` has shape `(B, T)`: the loss of each step. Write `loss_of_batch(per_step, mask)`:
one number, the loss that Keras reports for the batch. A batch that is all padding has the
loss 0.""",
    minutes=4,
    difficulty="easy",
    hints=(
        "A sum over the real steps of all rows, divided once.",
        "`mask.sum()` counts the real steps. `max(count, 1)` is never 0.",
    ),
    cases=_draw_losses,
    examples=(
        (np.array([[4.0, 9.0, 9.0, 9.0], [1.0, 1.0, 1.0, 1.0]]), _ROWS),
        (np.array([[1.0, 2.0]]), np.array([[False, False]])),
    ),
    wrong=(
        Wrong(
            "divided by all steps",
            lambda per_step, mask: (per_step * mask).mean(),
            "You left the padding out of the sum. By how many steps do you divide?",
        ),
        Wrong(
            "padding counted",
            lambda per_step, mask: per_step.mean(),
            "Does your loss change when the loss of a padded step changes?",
        ),
        Wrong(
            "mean of the rows' means",
            _mean_of_row_means,
            "You take the mean of each row first. Does a step of a short row weigh as much as one "
            "of a long row then?",
        ),
        Wrong(
            "0 / 0",
            lambda per_step, mask: (per_step * mask).sum() / mask.sum(),
            "What do you divide by when the batch is all padding?",
        ),
        Wrong(
            "not divided",
            lambda per_step, mask: (per_step * mask).sum(),
            "That is the loss with `reduction='sum'`. What does the default divide by?",
        ),
        Wrong(
            "divided by the batch size",
            lambda per_step, mask: (per_step * mask).sum() / len(mask),
            "The reduction is called `sum_over_batch_size`. Does Keras divide by the number of "
            "rows?",
        ),
        Wrong(
            "one for each row",
            lambda per_step, mask: (per_step * mask).sum(axis=1) / np.maximum(mask.sum(axis=1), 1),
            "You give one loss for each row. How many does Keras report for a batch?",
        ),
    ),
)


def weights_of_steps(sample_weight, mask):
    """Return (B, T): what the loss of each step is multiplied by."""
    return sample_weight[:, None] * mask


def _draw_weights(draw):
    rows, steps = draw.sizes()
    return np.abs(draw.numbers(rows)), draw.mask(rows, steps)


WEIGHTS_OF_STEPS = Exercise(
    "5.2",
    "One weight for each row",
    weights_of_steps,
    """`sample_weight` has shape `(B,)`: how much each row should count. The mask has shape
`(B, T)`. Write `weights_of_steps(sample_weight, mask)`: floats of shape `(B, T)`, what the loss of
each step has to be multiplied by. Padded steps get 0.""",
    minutes=3,
    difficulty="easy",
    hints=(
        "Every real step of row `b` gets `sample_weight[b]`.",
        "Broadcasting lines up the last axes. Which shape must the weights have, so that their "
        "axis lines up with the rows?",
    ),
    cases=_draw_weights,
    examples=(
        (np.array([10.0, 1.0, 1.0]), np.ones((3, 3), bool)),
        (np.array([2.0, 0.5]), np.array([[True, False, False], [True, True, False]])),
    ),
    wrong=(
        Wrong(
            "weights for time steps",
            lambda sample_weight, mask: sample_weight * mask,
            "With which axis does a shape of `(B,)` line up: with the rows, or with the steps? "
            "If B = T, would anybody tell you?",
        ),
        Wrong(
            "mask ignored",
            lambda sample_weight, mask: np.repeat(sample_weight[:, None], mask.shape[1], axis=1),
            "Which weight do padded steps get?",
        ),
        Wrong(
            "weights ignored",
            lambda sample_weight, mask: mask.astype(float),
            "Does a row of weight 10 count more than the others in your result?",
        ),
        Wrong(
            "the mask inverted",
            lambda sample_weight, mask: sample_weight[:, None] * ~mask,
            "Which steps get a weight of 0 in your result?",
        ),
        Wrong(
            "shared out among the steps",
            lambda sample_weight, mask: (
                sample_weight[:, None] * mask / np.maximum(mask.sum(axis=1, keepdims=True), 1)
            ),
            "You share the weight of a row out among its steps. Does Keras, or does each step get "
            "all of it?",
        ),
    ),
)


def accuracy_of_real_steps(labels, scores, mask):
    """Return the share of real steps whose highest score is the label's, 0 if there are none."""
    right = scores.argmax(axis=-1) == labels
    return (right & mask).sum() / max(mask.sum(), 1)


def _draw_scores(draw):
    rows, steps = draw.sizes(2, 4)
    classes = steps if steps > 1 and draw.coin() else draw.integer(2, 3)
    best = draw.integers(0, classes - 1, rows, steps)
    scores = draw.numbers(rows, steps, classes)
    # No ties: the best class is above all others.
    scores = np.where(np.arange(classes) == best[..., None], 3.0, scores)
    labels = np.where(draw.mask(rows, steps), best, draw.integers(0, classes - 1, rows, steps))
    return labels, scores, draw.mask(rows, steps)


def _accuracy(right, mask):
    return (right & mask).sum() / max(mask.sum(), 1)


ACCURACY_OF_REAL_STEPS = Exercise(
    "5.3",
    "An accuracy that leaves padding out",
    accuracy_of_real_steps,
    """`labels` has shape `(B, T)`: the right class of each step. `scores` has shape `(B, T, V)`: a
score for each of the `V` classes; the highest one is the answer. Write
`accuracy_of_real_steps(labels, scores, mask)`: the share of right answers among the real steps of
the batch, 0 if it has none.""",
    minutes=6,
    difficulty="medium",
    hints=(
        "`scores.argmax(axis=...)` gives the class with the highest score. Which axis holds the "
        "classes?",
        "A right answer counts if the step is real: `&` joins two bool arrays.",
        "The rest is the masked mean of exercise 5.1.",
    ),
    cases=_draw_scores,
    examples=(
        (
            np.array([[0, 1, 1]]),
            np.array([[[3.0, 1.0], [3.0, 1.0], [1.0, 3.0]]]),
            np.array([[True, True, False]]),
        ),
        (np.array([[0]]), np.array([[[3.0, 1.0]]]), np.array([[False]])),
    ),
    wrong=(
        Wrong(
            "padding counted",
            lambda labels, scores, mask: (scores.argmax(axis=-1) == labels).mean(),
            "Does your accuracy change when the label of a padded step changes?",
        ),
        Wrong(
            "divided by all steps",
            lambda labels, scores, mask: ((scores.argmax(axis=-1) == labels) & mask).mean(),
            "By how many steps do you divide? A model that is always right, what does it get?",
        ),
        Wrong(
            "padding taken for right",
            lambda labels, scores, mask: ((scores.argmax(axis=-1) == labels) | ~mask).mean(),
            "You count padded steps as right answers. Does a batch with more padding get a higher "
            "accuracy then?",
        ),
        Wrong(
            "argmax over the steps",
            lambda labels, scores, mask: _accuracy(scores.argmax(axis=1) == labels, mask),
            "Along which axis do you look for the highest score: the classes, or the steps?",
        ),
        Wrong(
            "mean of the rows' accuracies",
            lambda labels, scores, mask: _mean_of_row_means(scores.argmax(axis=-1) == labels, mask),
            "You take the accuracy of each row first. Does a step of a short row weigh as much as "
            "one of a long row then?",
        ),
        Wrong(
            "0 / 0",
            lambda labels, scores, mask: (
                ((scores.argmax(axis=-1) == labels) & mask).sum() / mask.sum()
            ),
            "What do you divide by when the batch is all padding?",
        ),
        Wrong(
            "lowest score",
            lambda labels, scores, mask: _accuracy(scores.argmin(axis=-1) == labels, mask),
            "Is the answer the class with the lowest score, or with the highest?",
        ),
    ),
)


def log_error(y_true, y_pred):
    """Return (B, T): the loss of each step."""
    from keras import ops

    gap = ops.log(1 + y_pred) - ops.log(1 + y_true)
    return ops.mean(ops.abs(gap), axis=-1)


def _through_keras(answer, y_true, y_pred, mask):
    """Return what Keras reports with `answer` as its loss, for an output that carries `mask`."""
    import keras

    class Own(keras.losses.Loss):
        def call(self, y_true, y_pred):
            return answer(y_true, y_pred)

    output = keras.ops.convert_to_tensor(y_pred)
    output._keras_mask = keras.ops.convert_to_tensor(mask)
    return float(Own()(y_true, output))


def _draw_seconds(draw):
    return _SECONDS[0], _SECONDS[1], draw.mask(2, 4)


# Seconds of two features for each word, and guesses of them. A real step may have the target 0.
_SECONDS = np.array([[[0.5, 1], [0, 0], [1, 2], [0, 1]], [[1, 0.5], [2, 1], [0, 0], [1, 1]]])
_SECONDS = _SECONDS, np.array([[[1, 3], [2, 1], [0, 2], [3, 1]], [[2, 0], [1, 3], [1, 2], [0, 2]]])


def _gap(y_true, y_pred):
    from keras import ops

    return ops.log(1 + y_pred) - ops.log(1 + y_true)


def _mean_gap(y_true, y_pred, axis=None):
    from keras import ops

    return ops.mean(ops.abs(_gap(y_true, y_pred)), axis=axis)


def _signed_gap(y_true, y_pred):
    from keras import ops

    return ops.mean(_gap(y_true, y_pred), axis=-1)


def _added_gap(y_true, y_pred):
    from keras import ops

    return ops.sum(ops.abs(_gap(y_true, y_pred)), axis=-1)


def _gap_by_target(y_true, y_pred):
    from keras import ops

    spoken = ops.cast(ops.any(y_true != 0, axis=-1), y_pred.dtype)
    return _mean_gap(y_true, y_pred, axis=-1) * spoken


_SPOKEN = np.array([[[0.5], [1.0], [0.0], [0.0]], [[0.0], [1.5], [1.0], [0.5]]])
_GUESSED = np.array([[[1.0], [0.5], [2.0], [2.0]], [[0.5], [1.0], [1.0], [1.0]]])

LOG_ERROR = Exercise(
    "5.4",
    "Fix a loss that cannot be masked",
    log_error,
    """A colleague's model says for each word of a sentence how long it takes to speak. This is the
loss:

```python
def log_error(y_true, y_pred):
    gap = keras.ops.log(1 + y_pred) - keras.ops.log(1 + y_true)
    return keras.ops.mean(keras.ops.abs(gap))
```

It counts padding although the output carries a mask. Write `log_error(y_true, y_pred)` anew, so
that Keras can mask it. Both tensors have the shape `(B, T, D)`. A real word may take 0 seconds.
The check hands your function to Keras as a loss.""",
    minutes=5,
    difficulty="medium",
    hints=(
        "Keras multiplies what the function returns by the mask, of shape `(B, T)`. Which shape "
        "does the function have to return?",
        "`keras.ops.mean(values, axis=-1)` is the mean over the features of each step.",
    ),
    cases=_draw_seconds,
    examples=((_SPOKEN, _GUESSED, _ROWS),),
    wrong=(
        Wrong(
            "one number",
            _mean_gap,
            "Your function returns one number. What is left that Keras could mask?",
        ),
        Wrong(
            "mean over the steps",
            lambda y_true, y_pred: _mean_gap(y_true, y_pred, axis=1),
            "Over which axis do you take the mean: over the features of a step, or over the steps?",
        ),
        Wrong(
            "features added up",
            _added_gap,
            "You add up the features of a step. Did the colleague's loss add them up, or take "
            "their mean?",
        ),
        Wrong(
            "padding taken from the targets",
            _gap_by_target,
            "You take a target of 0 for padding. May a real word have the target 0?",
        ),
        Wrong(
            "errors with their sign",
            _signed_gap,
            "One guess is too long and another too short. Do the two errors cancel out in your "
            "loss?",
        ),
    ),
    use=_through_keras,
    prepare=lambda: _through_keras(log_error, _SPOKEN, _GUESSED, _ROWS),
)


def masked_crossentropy(labels, logits, mask, reduction):
    """Return the loss: (B, T) for "none", else a number."""
    logits = logits - logits.max(axis=-1, keepdims=True)
    logs = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    losses = -np.take_along_axis(logs, labels[..., None], -1)[..., 0] * mask
    divisor = 1 if reduction == "sum" else max(mask.sum(), 1)
    return losses if reduction == "none" else losses.sum() / divisor


def _draw_logits(draw):
    rows, steps = draw.sizes(2, 4)
    classes = draw.integer(2, 3)
    logits = draw.numbers(rows, steps, classes) * draw.choice(1.0, 1.0, 1000.0)
    reduction = draw.choice("sum_over_batch_size", "sum", "none")
    return draw.integers(0, classes - 1, rows, steps), logits, draw.mask(rows, steps), reduction


def _reduce(losses, mask, reduction, count=None):
    if reduction == "none":
        return losses
    count = max(mask.sum(), 1) if count is None else count
    return losses.sum() / (1 if reduction == "sum" else count)


def _losses(labels, logits, axis=-1):
    logits = logits - logits.max(axis=axis, keepdims=True)
    logs = logits - np.log(np.exp(logits).sum(axis=axis, keepdims=True))
    return -np.take_along_axis(logs, labels[..., None], axis=-1)[..., 0]


def _overflowing(labels, logits):
    shares = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    return -np.log(np.take_along_axis(shares, labels[..., None], axis=-1)[..., 0])


def _by_the_share(labels, logits, smallest=0.0):
    shares = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares = np.maximum(shares / shares.sum(axis=-1, keepdims=True), smallest)
    return -np.log(np.take_along_axis(shares, labels[..., None], axis=-1)[..., 0])


_LOGITS = np.array([[[2.0, 0.5], [0.25, 1.0], [-1.0, 1.0]]])
_LABELS, _REAL = np.array([[0, 0, 1]]), np.array([[True, True, False]])

MASKED_CROSSENTROPY = Exercise(
    "5.5",
    "Build it: a masked crossentropy",
    masked_crossentropy,
    """The loss of most models that label each step. `labels` has shape `(B, T)`, `logits` has shape
`(B, T, V)`. The loss of a step is $-\\log p$ for the share
$p = e^{z_k} / \\sum_v e^{z_v}$ of the right class $k$. Write
`masked_crossentropy(labels, logits, mask, reduction)` as Keras computes it for a mask, with
`reduction` one of `"none"`, `"sum"` and `"sum_over_batch_size"`. Logits may be in the
thousands; a batch that is all padding has the loss 0.""",
    minutes=15,
    difficulty="hard",
    build=True,
    hints=(
        "First the losses of the steps, shape `(B, T)`. `np.take_along_axis(a, labels[..., None], "
        "-1)[..., 0]` picks from the last axis of `a` what belongs to each label.",
        "`np.exp(1000)` is infinite. Subtract the highest logit of each step first; the shares "
        "stay the same. And $\\log p$ is the logit minus `np.log(np.exp(logits).sum(...))`.",
        "Then the mask, then the three reductions: as they are, added up, added up and divided by "
        "the number of real steps.",
    ),
    cases=_draw_logits,
    examples=(
        (_LABELS, _LOGITS, _REAL, "sum_over_batch_size"),
        (_LABELS, _LOGITS, _REAL, "sum"),
        (_LABELS, _LOGITS, _REAL, "none"),
        (_LABELS, _LOGITS, _REAL & False, "sum_over_batch_size"),
        (_LABELS, 500 * _LOGITS, _REAL, "sum"),
    ),
    wrong=(
        Wrong(
            "divided by all steps",
            lambda labels, logits, mask, reduction: _reduce(
                _losses(labels, logits) * mask, mask, reduction, mask.size
            ),
            "You left the padding out of the sum. By how many steps do you divide?",
        ),
        Wrong(
            "divided by the batch size",
            lambda labels, logits, mask, reduction: _reduce(
                _losses(labels, logits) * mask, mask, reduction, len(mask)
            ),
            "The reduction is called `sum_over_batch_size`. Does Keras divide by the number of "
            "rows?",
        ),
        Wrong(
            "mask ignored",
            lambda labels, logits, mask, reduction: _reduce(
                _losses(labels, logits), mask, reduction, mask.size
            ),
            "Does your loss change when the label of a padded step changes?",
        ),
        Wrong(
            "softmax over the steps",
            lambda labels, logits, mask, reduction: _reduce(
                _losses(labels, logits, axis=1) * mask, mask, reduction
            ),
            "Over which axis do your shares add up to 1: over the classes, or over the steps?",
        ),
        Wrong(
            "no minus",
            lambda labels, logits, mask, reduction: (
                -_reduce(_losses(labels, logits) * mask, mask, reduction)
            ),
            "The logarithm of a share is negative. Is a loss?",
        ),
        Wrong(
            "none is not masked",
            lambda labels, logits, mask, reduction: (
                _losses(labels, logits)
                if reduction == "none"
                else _reduce(_losses(labels, logits) * mask, mask, reduction)
            ),
            'With `reduction="none"`, what stands at padded steps?',
        ),
        Wrong(
            "reduction ignored",
            lambda labels, logits, mask, reduction: _reduce(
                _losses(labels, logits) * mask, mask, "sum_over_batch_size"
            ),
            "You always return the mean over the real steps. What do the other reductions return?",
        ),
        Wrong(
            "overflow",
            lambda labels, logits, mask, reduction: _reduce(
                _overflowing(labels, logits) * mask, mask, reduction
            ),
            "What is `np.exp(1000)`, and what is infinity divided by infinity?",
        ),
        Wrong(
            "overflow, the mask chosen with where",
            lambda labels, logits, mask, reduction: _reduce(
                np.where(mask, _overflowing(labels, logits), 0), mask, reduction
            ),
            "Padding is left out, but a real step may have a logit of 1000. What is "
            "`np.exp(1000)`?",
        ),
        Wrong(
            "the share rounded to 0",
            lambda labels, logits, mask, reduction: _reduce(
                _by_the_share(labels, logits) * mask, mask, reduction
            ),
            "A small p is rounded to 0, and log 0 is infinite. Can you get log p without p?",
        ),
        Wrong(
            "the share rounded to 0, the mask chosen with where",
            lambda labels, logits, mask, reduction: _reduce(
                np.where(mask, _by_the_share(labels, logits), 0), mask, reduction
            ),
            "Padding is left out, but the p of a real step is rounded to 0. Can you get log p "
            "without p?",
        ),
        Wrong(
            "the share kept from 0",
            lambda labels, logits, mask, reduction: _reduce(
                _by_the_share(labels, logits, 1e-7) * mask, mask, reduction
            ),
            "You keep p from being 0. What is the loss of a step whose p is smaller still?",
        ),
        Wrong(
            "logits taken for shares",
            lambda labels, logits, mask, reduction: _reduce(
                -np.log(np.take_along_axis(logits, labels[..., None], axis=-1)[..., 0]) * mask,
                mask,
                reduction,
            ),
            "You take the logarithm of the logits. Are they shares yet, between 0 and 1?",
        ),
    ),
)

EXERCISES = (
    LOSS_OF_BATCH,
    WEIGHTS_OF_STEPS,
    ACCURACY_OF_REAL_STEPS,
    LOG_ERROR,
    MASKED_CROSSENTROPY,
)
