"""Answers with a mistake and something of their own at the edges get the mistake's question."""

import numpy as np
import pytest

pytest.importorskip("hypothesis", reason="checking needs Hypothesis: `make .venv` installs it")

from course_lib import check
from course_lib.exercises._cases import is_ordinary, is_shown

REAL = np.array([[True, True, False, False], [True, True, True, True]])


def all_of_them(masks):
    return np.all(masks, axis=0)


def joined_by_or(masks):
    result = masks[0]
    for mask in masks[1:]:
        result = result | mask
    return result


def joined_by_and(masks):
    result = masks[0]
    for mask in masks[1:]:
        result = result & mask
    return result


def row_means_by_division(per_step, mask):
    return ((per_step * mask).sum(axis=1) / mask.sum(axis=1)).mean()


def row_means_by_choice(per_step, mask):
    return np.mean([row[real].mean() for row, real in zip(per_step, mask, strict=True)])


def overflowing(labels, logits, mask, reduction):
    shares = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    right = np.take_along_axis(shares, labels[..., None], axis=-1)[..., 0]
    losses = np.where(mask, -np.log(right), 0)
    if reduction == "none":
        return losses
    return losses.sum() / (1 if reduction == "sum" else max(mask.sum(), 1))


ASKED = [
    ("3.3", all_of_them, "real in every tensor"),
    ("3.3", joined_by_and, "A step is real in one tensor and padding in the other."),
    ("3.3", joined_by_or, "What does it do if one of them is `None`?"),
    ("5.1", row_means_by_division, "You take the mean of each row first."),
    ("5.1", row_means_by_choice, "You take the mean of each row first."),
    ("5.5", overflowing, "a real step may have a logit of 1000"),
]


@pytest.mark.parametrize(("number", "answer", "words"), ASKED, ids=lambda one: str(one)[:24])
def test_the_question_is_that_of_the_mistake(number, answer, words):
    result = check(number, answer, record=False)
    assert result.status == "wrong"
    assert words in result.message


def test_the_case_of_a_mean_of_means_can_show_it():
    details = check("5.1", row_means_by_division, record=False).details
    rows = [line for line in details.split("mask =")[1].splitlines() if "[" in line]
    assert len(rows) >= 2
    assert all(len(line.replace("[", "").replace("]", "").split()) >= 4 for line in rows)


@pytest.mark.parametrize("change", [lambda row: row.astype(float), lambda row: row[None]])
def test_another_dtype_or_shape_is_said_and_not_drawn(change):
    result = check(
        "1.1",
        lambda row, maxlen: change(np.array([0] * (maxlen - len(row)) + row)),
        record=False,
    )
    assert ("expected: integers" in result.message) or ("was expected" in result.message)
    assert result.picture is None


@pytest.mark.parametrize(
    ("case", "ordinary", "shown"),
    [
        ((REAL,), True, True),
        (([REAL, None],), False, True),
        ((REAL & [[False], [True]],), False, True),
        ((np.full((2, 4), 500.0), REAL), False, True),
        ((REAL[:1],), True, False),
        ((REAL[:, :3],), True, False),
        (([1, 2], 4), True, True),
    ],
)
def test_what_is_ordinary_and_what_can_be_shown(case, ordinary, shown):
    assert (is_ordinary(case), is_shown(case)) == (ordinary, shown)
