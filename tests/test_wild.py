"""docs/wild.md and its tool: the solo test finds what it must, and the page tells all."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from tests.needs import keras
from tools.wild import cost, page
from tools.wild.case import LENGTHS, TOLERANCE, move_weights, padded_ids, solo_difference

ROOT = Path(__file__).parent.parent


def model(mask_zero):
    keras.utils.set_random_seed(0)
    ids = keras.Input((None,), dtype="int32")
    x = keras.layers.Embedding(40, 6, mask_zero=mask_zero)(ids)
    built = keras.Model(ids, keras.layers.LSTM(4)(x))
    move_weights(built)
    return built


@pytest.mark.parametrize("mask_zero", [True, False])
def test_the_solo_test_tells_a_sound_model_from_one_that_leaks(mask_zero):
    difference = solo_difference(model(mask_zero), padded_ids(), {None: LENGTHS})
    assert (difference < TOLERANCE) == mask_zero


def test_outputs_are_compared_at_real_steps_alone():
    ids = keras.Input((None,), dtype="int32")
    built = keras.Model(ids, keras.layers.Embedding(40, 6)(ids))
    rows = padded_ids()
    assert solo_difference(built, rows, {None: LENGTHS}) == 0
    # What stands at padding is nobody's: a sum over the steps lets it in.
    summed = keras.Model(ids, keras.ops.sum(built(ids), axis=1))
    assert solo_difference(summed, rows, {None: LENGTHS}) > TOLERANCE


def test_weights_are_moved_so_that_no_bias_is_left_at_zero():
    built = model(True)
    assert all(np.any(weight) for weight in built.get_weights())


def row(name, leaks=False, **said):
    found = {"name": name, "package": "p", "intent": "sound", "why": "it reads on"}
    return found | {"difference": 0.5 * leaks, "leaks": leaks, "seconds": 1.0} | said


def test_the_page_begins_with_disagreements_and_tells_of_every_model():
    rows = [
        row("Sound", ok=True, findings=[]),
        row("Leaky", True, ok=False, findings=[["leak", "conv1d"]]),
        row("Accused", ok=False, findings=[["never", "embedding"]]),
        row("Missed", True, ok=True, findings=[]),
        {"name": "Broken", "package": "p", "intent": "sound", "why": "", "failed": "no such layer"},
    ]
    text = page.page(rows, {"p": "1.0"}, {"Missed": "it is known"})
    parts = re.split(r"^## ", text, flags=re.MULTILINE)
    names = [re.findall(r"^\| \**(\w+)\** \| p \|", part, re.MULTILINE) for part in parts[1:]]
    assert names == [["Accused", "Missed"], ["Leaky", "Missed"], ["Sound", "Accused"], ["Broken"]]
    assert "it is known" in parts[1]
    assert "not known" in parts[1]
    assert "2 of 4 verdicts agree. 1 could not be run." in text


class TestThePage:
    text = page.PAGE.read_text()

    def test_tells_of_many_models(self):
        assert int(re.search(r"builds (\d+) public models", self.text)[1]) >= 60

    def test_leaves_no_disagreement_unexplained(self):
        assert "| not known |" not in self.text

    def test_names_no_machine(self):
        assert not re.search(
            r"0x[0-9a-f]{5,}|/home/|/root/|/tmp/|https?://|site-packages", self.text
        )


@pytest.mark.parametrize("folder", sorted({*page.FOLDERS.values(), *page.OF_KERAS}))
def test_a_report_stands_without_course_lib(folder):
    home = ROOT / "docs" / "wild" / folder
    assert "course_lib" not in (home / "reproduce.py").read_text()
    assert "**Fix that was tried" in (home / "README.md").read_text()


def test_reviews_praise_or_not_by_their_words():
    rows, praise = cost.reviews(200, np.random.default_rng(0))
    for row, good in zip(rows, praise, strict=True):
        assert 2 <= len(row) + 1 <= 11
        assert (cost.GOOD in row) + (cost.BAD in row) == 1
        assert good == ((cost.GOOD in row) != (cost.NOT in row))
        if cost.NOT in row:
            assert row[row.index(cost.NOT) + 1] in (cost.GOOD, cost.BAD)
    assert {0, 1} == set(praise.tolist())


def test_lesson_06_quotes_the_page_on_costs():
    cells = json.loads((ROOT / "notebooks" / "06_lost_masks.ipynb").read_text())["cells"]
    lesson = "".join(line for cell in cells for line in cell["source"])
    rows = [line for line in cost.PAGE.read_text().splitlines() if line.startswith("| B")]
    rows += [line for line in cost.PAGE.read_text().splitlines() if line.startswith("| T")]
    shares = [[int(share) for share in re.findall(r"(\d+)% \(", row)] for row in rows]
    (_, _, changed), (_, _, unchanged), (guessing, _, _), (learned, _, _) = shares
    assert f"about {changed} in 100 of the same reviews" in lesson
    assert unchanged == 0
    assert f"{guessing} of 100 right. With the mask, {learned} of 100." in lesson
