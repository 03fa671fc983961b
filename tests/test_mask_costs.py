"""The stored numbers of lesson 11 come from its cells as they are, and say what it says of them."""

import json

import numpy as np
import pytest

from tools import mask_costs as tool


@pytest.fixture(scope="module")
def stored():
    return json.loads(tool.STORED.read_text(encoding="utf-8"))


def test_they_come_from_the_cells_as_they_are(stored):
    assert stored["code"] == tool.fingerprint(), "run `python -m tools.mask_costs`"


def test_each_model_has_three_seeds(stored):
    assert set(stored["costs"]) == {
        "none",
        "none, in buckets",
        "no mask",
        "mask lost",
        "padding in front",
        "weights from labels",
        "one mean a batch",
    }
    for seeds in stored["costs"].values():
        assert len(seeds) == tool.SEEDS
        assert len({json.dumps(one) for one in seeds}) > 1


@pytest.mark.parametrize(("change", "same"), [("print('more')", True), ("more = 1", False)])
def test_the_fingerprint_follows_the_code_and_not_what_is_shown(
    change, same, tmp_path, monkeypatch
):
    before, lesson = tool.fingerprint(), json.loads(tool.LESSON.read_text(encoding="utf-8"))
    lesson["cells"].insert(0, {"cell_type": "code", "source": [change]})
    path = tmp_path / "lesson.ipynb"
    path.write_text(json.dumps(lesson), encoding="utf-8")
    monkeypatch.setattr(tool, "LESSON", path)
    assert (tool.fingerprint() == before) == same


def test_exercises_are_no_part_of_it():
    text = "\n".join(tool.cells())
    assert "def one_width" in text
    assert "check(" not in text
    assert "def words_right" not in text
    assert tool.STORED.name not in text


def test_what_the_lesson_says_of_them(stored):
    """Its sentences, in numbers."""
    costs = {
        name: {key: np.array([one[key] for one in seeds]) for key in seeds[0]}
        for name, seeds in stored["costs"].items()
    }
    sound, weights = costs["none"], costs["weights from labels"]
    for name in ("no mask", "mask lost", "padding in front"):
        assert (costs[name]["log"] > sound["log"].max() + 0.02).all()
        lost = 1 - costs[name]["words alone"] / sound["words alone"].mean()
        assert 0.2 < lost.mean() < 0.75
        assert abs(costs[name]["words"].mean() - sound["words"].mean()) < 0.03
    assert weights["words"].max() < min(
        one["words alone"].min() for one in costs.values() if one is not weights
    )
    assert (weights["log"] > sound["log"]).all()
    for name in ("one mean a batch", "none, in buckets"):
        assert abs(costs[name]["words"].mean() - sound["words"].mean()) < 0.03
