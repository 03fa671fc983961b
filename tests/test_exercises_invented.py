"""The invented language of exercise 11.4, and the grades of models that are trained on it."""

import random
from collections import Counter

import numpy as np
import pytest

from course_lib.exercises import _invented
from course_lib.exercises._exercise import find

IDS, LABELS = _invented.words()
TAGGER = find("11.4")


def test_a_word_is_stressed_once_by_the_rule():
    for ids, labels in zip(IDS, LABELS, strict=True):
        word = ids[ids != 0]
        assert np.array_equal(ids[: len(word)], word), "padding is behind"
        vowels = [at for at, phone in enumerate(word) if phone >= 9]
        stressed = vowels[-1] if word[vowels[-1]] >= 13 else vowels[-2]
        for at in range(len(word)):
            kind = 2 if at not in vowels else int(at == stressed)
            assert labels[at] == kind
        assert not labels[len(word) :].any()


def test_the_usual_pattern_gets_what_the_task_says():
    patterns = [
        tuple(row[row != 2][: (ids >= 9).sum()]) for ids, row in zip(IDS, LABELS, strict=True)
    ]
    counts = {}
    for pattern in patterns[: _invented.TRAINED]:
        counts.setdefault(len(pattern), Counter())[pattern] += 1
    usual = {vowels: count.most_common(1)[0][0] for vowels, count in counts.items()}
    right = [usual[len(pattern)] == pattern for pattern in patterns[_invented.TRAINED :]]
    assert round(np.mean(right), 1) == 0.6
    assert "by the usual pattern, 60 %" in TAGGER.task


def test_the_solution_reaches_what_is_asked(keras):
    def again(phones):
        return TAGGER.solution(phones)

    state = random.getstate()
    grade = _invented.grade(again)
    assert (grade.findings, grade.words_right) == _invented.ASKED
    assert grade.same_alone.all()
    assert random.getstate() == state
    assert _invented.grade(again) is grade, "it is trained once"
    _invented.forget()
    assert not _invented._grades


def test_what_is_no_model_is_refused(keras):
    for wrong in (None, keras.layers.Dense(3)):
        with pytest.raises(TypeError, match=r"a Keras model is wanted, got (NoneType|Dense)"):
            _invented.grade(lambda phones, wrong=wrong: wrong)


@pytest.mark.parametrize(
    ("share", "told"),
    [(0.9, "90% or more"), (0.89, "half or more, below 90%"), (0.49, "fewer than half")],
)
def test_shares_are_told_in_words(share, told):
    assert _invented._in_words(share) == told
