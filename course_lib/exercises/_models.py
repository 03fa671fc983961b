"""What exercises of lesson 06 are asked about: models, sound and not.

A learner sees their source, so it is short, and holds no docstring that tells the answer.
"""

import numpy as np

from course_lib.exercises._cases import Code

# Exercise 6.4: ids (B, T) to (B, T, D) or (B, D).

TABLE = (np.arange(20) * 7 % 13 - 6).reshape(10, 2) / 4


def look_up(ids):
    return TABLE[ids]


def running_sum(ids):
    return TABLE[ids].cumsum(axis=1)


def sum_from_the_end(ids):
    return TABLE[ids][:, ::-1].cumsum(axis=1)[:, ::-1]


def with_the_next_step(ids):
    x = TABLE[ids]
    x[:, :-1] += x[:, 1:]
    return x


def first_with_last(ids):
    x = TABLE[ids]
    x[:, :1] -= x[:, -1:]
    return x


def there_and_back(ids):
    x = TABLE[ids] / 3
    return (x + x.sum()) - x.sum()


def small_in_float32(ids):
    x, width = np.float32(TABLE[ids] / 1000), np.float32(ids.shape[1])
    return (x + width) - width


def masked_mean_of_rows(ids):
    mask = (ids != 0)[..., None]
    return (TABLE[ids] * mask).sum(axis=1) / np.maximum(mask.sum(axis=1), 1)


def mean_of_rows(ids):
    return TABLE[ids].mean(axis=1)


def sum_of_rows(ids):
    return TABLE[ids].sum(axis=1)


def sum_below_the_batch(ids):
    sums = (TABLE[ids] * (ids != 0)[..., None]).sum(axis=1)
    return sums - sums.max(axis=0)


MODELS = [
    Code(model)
    for model in (
        look_up,
        running_sum,
        sum_from_the_end,
        with_the_next_step,
        first_with_last,
        there_and_back,
        small_in_float32,
        masked_mean_of_rows,
        mean_of_rows,
        sum_of_rows,
        sum_below_the_batch,
    )
]
