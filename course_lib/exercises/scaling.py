"""Exercises of lesson 09: the log of replicas, weights for a sum, a replica's loss, parts."""

import numpy as np

from course_lib.exercises._exercise import Exercise, Wrong


def loss_in_the_log(per_step, mask, replicas):
    """Return the loss that training on replicas reports, a number."""
    sums = (per_step * mask).reshape(replicas, -1).sum(axis=1)
    steps = mask.reshape(replicas, -1).sum(axis=1)
    return (sums / np.maximum(steps, 1)).mean()


def _draw_parts(draw):
    parts, steps = draw.integer(1, 3), draw.integer(1, 4)
    rows = parts * draw.integer(1, 2)
    return np.abs(draw.numbers(rows, steps)), draw.mask(rows, steps), parts


_LOSSES = np.array([[4.0, 1.0, 1.0, 2.0], [5.0, 9.0, 9.0, 9.0]])
_REAL = np.array([[True, True, True, True], [True, False, False, False]])

LOSS_IN_THE_LOG = Exercise(
    "9.1",
    "What the log says",
    loss_in_the_log,
    """`per_step` has shape `(B, T)`: the loss of each step. `replicas` devices get the rows in
order, the same number each. Write `loss_in_the_log(per_step, mask, replicas)`: one number, the loss
that `fit` reports. A device whose rows are all padding has the loss 0, and counts.""",
    minutes=5,
    difficulty="easy",
    hints=(
        "`np.split(per_step, replicas)` gives the devices' rows.",
        "Each device divides by its own real steps. Then the mean over the devices is taken.",
    ),
    cases=_draw_parts,
    examples=((_LOSSES, _REAL, 2), (_LOSSES, _REAL, 1)),
    wrong=(
        Wrong(
            "one big batch",
            lambda per_step, mask, replicas: (per_step * mask).sum() / max(mask.sum(), 1),
            "That is the loss of one device with all rows. Which steps does each device count?",
        ),
        Wrong(
            "not averaged",
            lambda per_step, mask, replicas: loss_in_the_log(per_step, mask, replicas) * replicas,
            "You add the devices' losses. Does a log grow with the number of devices?",
        ),
        Wrong(
            "padding counted",
            lambda per_step, mask, replicas: per_step.mean(),
            "Does your loss change when the loss of a padded step changes?",
        ),
        Wrong(
            "divided by all steps",
            lambda per_step, mask, replicas: (per_step * mask).mean(),
            "You left the padding out of the sum. By how many steps does a device divide?",
        ),
        Wrong(
            "rows dealt like cards",
            lambda per_step, mask, replicas: (
                sum(
                    (per_step[r::replicas] * mask[r::replicas]).sum()
                    / max(mask[r::replicas].sum(), 1)
                    for r in range(replicas)
                )
                / replicas
            ),
            "Which rows does the first device get: every second one, or those that come first?",
        ),
    ),
)


def weights_for_a_sum(mask, micro_batches):
    """Return (B, T): the weight of each step."""
    return mask * micro_batches / max(mask.sum(), 1)


def _draw_mask(draw):
    parts = draw.integer(1, 3)
    return draw.mask(parts * draw.integer(1, 2), draw.integer(1, 4)), parts


WEIGHTS_FOR_A_SUM = Exercise(
    "9.2",
    "Weights for a sum",
    weights_for_a_sum,
    """A loss with `reduction="sum"` adds loss × weight over the steps. The optimizer then averages
the gradients of `micro_batches` micro-batches. Write `weights_for_a_sum(mask, micro_batches)`:
floats of shape `(B, T)`, so that the result is that of one big batch. Padded steps get 0, and so do
all steps of a batch that is all padding.""",
    minutes=5,
    difficulty="easy",
    hints=(
        "Without micro-batches, every real step weighs 1 over the number of real steps.",
        "The optimizer will divide by `micro_batches`. What must you do to the weights before?",
    ),
    cases=_draw_mask,
    examples=((_REAL, 2), (_REAL, 1)),
    wrong=(
        Wrong(
            "averaged once more",
            lambda mask, micro_batches: mask / max(mask.sum(), 1),
            "The optimizer divides by `micro_batches` after you. What is left of your weights?",
        ),
        Wrong(
            "divided twice",
            lambda mask, micro_batches: mask / (micro_batches * max(mask.sum(), 1)),
            "The optimizer divides by `micro_batches` already. Do you divide once more?",
        ),
        Wrong(
            "each row its own count",
            lambda mask, micro_batches: (
                mask * micro_batches / np.maximum(mask.sum(axis=1, keepdims=True), 1)
            ),
            "You count the steps of each row. Does a step of a short row weigh more then?",
        ),
        Wrong(
            "all steps counted",
            lambda mask, micro_batches: mask * micro_batches / mask.size,
            "By how many steps do you divide? Does padding make the loss smaller?",
        ),
        Wrong(
            "0 / 0",
            lambda mask, micro_batches: mask * micro_batches / mask.sum(),
            "What do you divide by when the batch is all padding?",
        ),
    ),
)


def loss_of_replica(y_true, y_pred, steps_of_all):
    """Return this replica's part of the loss, a number."""
    import keras

    return keras.losses.MeanSquaredError(reduction="sum")(y_true, y_pred) / steps_of_all


def _draw_replicas(draw):
    parts, steps = draw.integer(1, 2), draw.integer(1, 4)
    rows = parts * draw.integer(1, 2)
    mask = draw.mask(rows, steps)
    mask[0, 0] = True
    return draw.numbers(rows, steps), draw.numbers(rows, steps), mask, parts


def _on_replicas(answer, y_true, y_pred, mask, replicas):
    import keras

    total = 0.0
    for true, pred, real in zip(
        *(np.split(a, replicas) for a in (y_true, y_pred, mask)), strict=True
    ):
        tensor = keras.ops.convert_to_tensor(pred[..., None].astype("float32"))
        tensor._keras_mask = keras.ops.convert_to_tensor(real)
        total += float(answer(true[..., None].astype("float32"), tensor, float(mask.sum())))
    return round(total, 4)


def _loss(y_true, y_pred, reduction="sum_over_batch_size"):
    import keras

    return keras.losses.MeanSquaredError(reduction=reduction)(y_true, y_pred)


LOSS_OF_REPLICA = Exercise(
    "9.3",
    "Fix the loss of a custom loop",
    loss_of_replica,
    """In this loop the losses of the replicas are added up, and the result is wrong:

    def loss_of_replica(y_true, y_pred, steps_of_all):
        return keras.losses.MeanSquaredError()(y_true, y_pred)

`y_pred` is a tensor of Keras with a mask; `steps_of_all` is the number of real steps on all
replicas together. Write `loss_of_replica(y_true, y_pred, steps_of_all)` so that the sum over the
replicas is the loss of one big batch. Use a loss of Keras.""",
    minutes=5,
    difficulty="medium",
    hints=(
        "What does the default `reduction` divide by, and who should divide?",
        '`reduction="sum"` adds the losses of the real steps only (claim 5.3).',
    ),
    cases=_draw_replicas,
    examples=((_LOSSES, np.zeros((2, 4)), _REAL, 2), (_LOSSES, np.zeros((2, 4)), _REAL, 1)),
    wrong=(
        Wrong(
            "as it was",
            lambda y_true, y_pred, steps_of_all: _loss(y_true, y_pred),
            "Which steps does the default `reduction` count: those of this replica, or of all?",
        ),
        Wrong(
            "divided twice",
            lambda y_true, y_pred, steps_of_all: _loss(y_true, y_pred) / steps_of_all,
            "The default `reduction` has divided already. Do you divide once more?",
        ),
        Wrong(
            "not divided",
            lambda y_true, y_pred, steps_of_all: _loss(y_true, y_pred, "sum"),
            "That is the sum. Who divides it by the number of real steps?",
        ),
        Wrong(
            "the mask lost",
            lambda y_true, y_pred, steps_of_all: _loss(y_true, y_pred * 1.0, "sum") / steps_of_all,
            "Does `y_pred` still carry its mask where you give it to the loss (lesson 06)?",
        ),
        Wrong(
            "divided by the rows",
            lambda y_true, y_pred, steps_of_all: _loss(y_true, y_pred, "sum") / len(y_true),
            "You divide by the number of rows. How many steps are real?",
        ),
    ),
    use=_on_replicas,
)


def accumulate(batches, kernel):
    """Return (D,): the gradient of the loss of all batches together."""
    total, steps = np.zeros(len(kernel)), 0
    for x, y, mask in batches:
        errors = (x @ kernel - y) * mask
        total += (2 * errors[..., None] * x).sum(axis=(0, 1))
        steps += mask.sum()
    return total / max(steps, 1)


def _draw_batches(draw):
    size = draw.integer(1, 2)
    batches = []
    for _ in range(draw.integer(1, 3)):
        rows, steps = draw.sizes(2, 4)
        x, y = draw.numbers(rows, steps, size), draw.numbers(rows, steps)
        batches.append((x, y, draw.mask(rows, steps)))
    return batches, draw.numbers(size)


def _each(batches, kernel):
    return [accumulate([batch], kernel) for batch in batches]


_FIRST = (np.ones((1, 4, 1)), np.array([[1.0, 2.0, 1.0, 2.0]]), np.ones((1, 4), bool))
_SECOND = (np.ones((1, 2, 1)), np.array([[4.0, 9.0]]), np.array([[True, False]]))

ACCUMULATE = Exercise(
    "9.4",
    "Build it: accumulate like one big batch",
    accumulate,
    """A model predicts `x @ kernel`, one number a step; the loss of a step is the square of
prediction − `y`, its gradient `2 * (x @ kernel - y) * x`. `batches` is a list of `(x, y, mask)`
with shapes `(B, T, D)`, `(B, T)`, `(B, T)`; B and T differ from batch to batch. Write
`accumulate(batches, kernel)`: the gradient of shape `(D,)` of the mean over all real steps of all
batches, in one pass. It is 0 if no step is real.""",
    minutes=12,
    difficulty="hard",
    build=True,
    hints=(
        "Keep two things while you go: the sum of the gradients of real steps, and their count.",
        "`(errors * mask)[..., None] * x` has shape `(B, T, D)`; sum it over the first two axes.",
        "Divide once, at the end, by `max(steps, 1)`.",
    ),
    cases=_draw_batches,
    examples=(([_FIRST, _SECOND], np.array([0.5])),),
    wrong=(
        Wrong(
            "mean of the batches' means",
            lambda batches, kernel: np.mean(_each(batches, kernel), axis=0),
            "You divide in each batch, and average. Does a step of a batch with much padding weigh "
            "as much as one of the others?",
        ),
        Wrong(
            "sum of the batches' means",
            lambda batches, kernel: np.sum(_each(batches, kernel), axis=0),
            "You divide in each batch, and add up. Who counts the steps of all batches?",
        ),
        Wrong(
            "not divided",
            lambda batches, kernel: (
                accumulate(batches, kernel) * max(sum(mask.sum() for *_, mask in batches), 1)
            ),
            "That is the gradient of the sum of all losses. What does a mean divide by?",
        ),
        Wrong(
            "padding counted",
            lambda batches, kernel: accumulate(
                [(x, y, np.ones_like(mask)) for x, y, mask in batches], kernel
            ),
            "Does your gradient change when `y` at a padded step changes?",
        ),
        Wrong(
            "only the last batch",
            lambda batches, kernel: accumulate(batches[-1:], kernel),
            "What is left of the first batches when the last one is done?",
        ),
    ),
)

EXERCISES = (LOSS_IN_THE_LOG, WEIGHTS_FOR_A_SUM, LOSS_OF_REPLICA, ACCUMULATE)
