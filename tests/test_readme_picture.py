"""The README's picture shows what Keras does, and the committed file is what the tool draws."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from course_lib.pictures import HATCH
from tests.needs import keras
from tools import readme_picture

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def ran():
    return readme_picture.run()


def drawn(mask, output):
    (axes,) = readme_picture.draw(mask, output).axes
    boxes = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    return boxes, [text.get_text() for text in axes.texts]


def test_the_committed_file_is_what_the_tool_draws(tmp_path):
    readme_picture.save(tmp_path / "again.svg")
    committed = readme_picture.PICTURE.read_text(encoding="utf-8")
    assert (tmp_path / "again.svg").read_text(encoding="utf-8") == committed, "run `make picture`"
    assert "Matplotlib v" not in committed
    assert "dc:date" not in committed


def test_a_masked_step_repeats_the_one_before(ran):
    mask, output = ran
    assert mask.tolist() == [True, False, True, False]
    np.testing.assert_array_equal(output[[1, 3]], output[[0, 2]])
    assert not np.array_equal(output[0], output[2])
    assert keras.backend.backend() == "tensorflow"


def test_padding_is_hatched_and_every_number_stands_there(ran):
    mask, output = ran
    boxes, texts = drawn(mask, output)
    hatched = {step: [] for step in range(4)}
    for box in boxes:
        hatched[round(box.get_x() + box.get_width() / 2)].append(box.get_hatch())
    assert hatched == {step: [None if mask[step] else HATCH] * 5 for step in range(4)}
    assert [text for text in texts if "." in text] == [f"{number:.4f}" for number in output.ravel()]
    assert texts.count("same") == texts.count("state kept") == texts.count("new state") == 2


def test_same_is_said_only_where_it_is_so(ran):
    mask, output = ran
    changed = output + np.arange(4)[:, None]
    assert drawn(mask, changed)[1].count("same") == 0


def test_one_sentence_for_those_who_cannot_see_it():
    svg = ElementTree.parse(readme_picture.PICTURE).getroot()
    assert svg.find("{http://www.w3.org/2000/svg}title").text == readme_picture.ALT
    link = f"![{readme_picture.ALT}](docs/masked_step.svg)"
    assert link in (ROOT / "README.md").read_text(encoding="utf-8")
