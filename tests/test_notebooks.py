"""Guards for what nbval does not see: a stripped notebook, or an output that nobody asked for."""

import ast
import json
import re
from pathlib import Path

import pytest

from course_lib.pictures import Picture

ROOT = Path(__file__).parent.parent
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
# A home folder, a temporary one, site-packages, or this very checkout.
MACHINE = re.compile(
    r"/home/|/root/|/tmp/|/Users/|site-packages|[A-Z]:\\\\|" + re.escape(str(ROOT))
)


def code_cells(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def source(cell):
    return "".join(cell["source"])


def tags(cell):
    return set(cell["metadata"].get("tags", []))


def faults(notebook):
    """Return what a committed notebook must not have, in words."""
    found = []
    if not code_cells(notebook):
        found.append("no code cells")
    for number, cell in enumerate(code_cells(notebook), 1):
        where = f"code cell {number}"
        if not source(cell).strip():
            found.append(f"{where}: empty")
        if cell["execution_count"] != number:
            found.append(f"{where}: execution count {cell['execution_count']}, expected {number}")
        if shows_something(source(cell)) and not cell["outputs"]:
            found.append(f"{where}: shows a value, but no output is stored")
        if {tag for tag in tags(cell) if tag.startswith("nbval")} - {"nbval-ignore-output"}:
            found.append(f"{where}: a tag that keeps nbval from comparing")
        if re.search("nbval", source(cell), re.IGNORECASE):
            found.append(f"{where}: a comment that keeps nbval from comparing")
        for output in cell["outputs"]:
            found += [f"{where}: {fault}" for fault in output_faults(cell, output)]
    return found


def output_faults(cell, output):
    if output.get("name") == "stderr":
        yield "stderr"
    if output["output_type"] == "error" and "raises-exception" not in tags(cell):
        yield "an error that the lesson did not ask for"
    text = json.dumps(output)
    if MACHINE.search(text):
        yield "a path of the machine"
    if re.search(r"\b0x[0-9a-f]{6,}", text):
        yield "an address in memory, which is another one every time"
    data = output.get("data", {})
    if "image/png" in data:
        alt = output["metadata"].get("image/png", {}).get("alt")
        if not alt or alt != "".join(data["text/plain"]):
            yield "a picture without alt text, or with another one than was compared"


def shows_something(code):
    """Whether a cell's last statement is a value that Jupyter displays."""
    if not code.strip() or code.rstrip().endswith(";"):
        return False
    last = ast.parse(code).body[-1]
    return isinstance(last, ast.Expr) and not returns_nothing(last.value)


def returns_nothing(value):
    """Calls that are made for what they do, here by the way Keras and Python name them."""
    if not isinstance(value, ast.Call):
        return False
    name = value.func.attr if isinstance(value.func, ast.Attribute) else value.func.id
    return name in {
        "set_random_seed",
        "compile",
        "set_weights",
        "append",
        "assign",
        "build",
        "seed",
    }


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_is_executed_in_order_and_clean(path):
    assert faults(json.loads(path.read_text())) == []


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_follows_the_frame(path):
    cells = json.loads(path.read_text())["cells"]
    text = "\n".join(source(cell) for cell in cells if cell["cell_type"] == "markdown")
    for part in ("What you'll do", "What you'll learn", "What you'll need", "minutes"):
        assert part in text, f"{path.stem} lacks {part!r}"
    long = [source(cell) for cell in code_cells({"cells": cells}) if source(cell).count("\n") >= 25]
    assert not long, f"{path.stem}: a cell holds one idea, at most 12 lines (25 at the very most)"
    unplaced = [source(cell)[:60] for cell in cells if "slideshow" not in cell["metadata"]]
    assert not unplaced, "cells without a place in the slides"


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_ids_are_unique(path):
    ids = [cell["id"] for cell in json.loads(path.read_text())["cells"]]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_no_answer_stands_open_below_its_question(path):
    """An output is stored, and must not be read before the reader has chosen an answer."""
    cells = json.loads(path.read_text())["cells"]
    asked = [
        place
        for place, cell in enumerate(cells)
        if cell["cell_type"] == "markdown" and re.search(r"(?<!\*)\*Predict", source(cell))
    ]
    assert asked
    for place in asked:
        answer = next(cell for cell in cells[place:] if cell.get("outputs"))
        assert answer["metadata"].get("jupyter") == {"outputs_hidden": True}, source(cells[place])


def test_outputs_are_ignored_only_where_they_must_be():
    ignored = [
        f"{path.stem}: {source(cell)}"
        for path in PATHS
        for cell in code_cells(json.loads(path.read_text()))
        if "nbval-ignore-output" in tags(cell)
    ]
    # The table of installed versions differs from one Python to the next.
    assert ignored == ["00_start_here: check_environment()"]


def test_a_hidden_warning_is_not_possible():
    sanitizers = list(ROOT.glob("**/*sanitize*.cfg"))
    assert not [path for path in sanitizers if ".venv" not in path.parts]


def a_cell(code="1 + 1", count=1, outputs=None, cell_tags=()):
    if outputs is None:
        outputs = [{"output_type": "execute_result", "data": {"text/plain": ["2"]}, "metadata": {}}]
    return {
        "cell_type": "code",
        "source": [code],
        "execution_count": count,
        "outputs": outputs,
        "metadata": {"tags": list(cell_tags)},
    }


BROKEN = {
    "no code": [],
    "stripped": [a_cell(count=None, outputs=[])],
    "outputs removed": [a_cell(outputs=[])],
    "out of order": [a_cell(count=2)],
    "empty": [a_cell(code="", outputs=[])],
    "skipped": [a_cell(cell_tags=["nbval-skip"])],
    "skipped by a comment": [a_cell(code="# NBVAL_IGNORE_OUTPUT\n1 + 1")],
    "an error that no other tool expects": [a_cell(cell_tags=["nbval-raises-exception"])],
    "stderr": [a_cell(outputs=[{"output_type": "stream", "name": "stderr", "text": "careful"}])],
    "error": [
        a_cell(outputs=[{"output_type": "error", "ename": "E", "evalue": "", "traceback": []}])
    ],
    "path": [a_cell(outputs=[{"output_type": "stream", "name": "stdout", "text": "/home/me/x"}])],
    "address": [
        a_cell(outputs=[{"output_type": "stream", "name": "stdout", "text": "<at 0x7fd9801e6020>"}])
    ],
    "no alt": [
        a_cell(
            outputs=[
                {
                    "output_type": "display_data",
                    "data": {"image/png": "x", "text/plain": ["a"]},
                    "metadata": {},
                }
            ]
        )
    ],
}


@pytest.mark.parametrize("cells", BROKEN.values(), ids=BROKEN)
def test_the_guard_sees(cells):
    assert faults({"cells": cells})


def test_the_guard_lets_a_sound_notebook_pass():
    assert faults({"cells": [a_cell(), a_cell("x = 1", 2, [])]}) == []


class TestPictureComparison:
    def picture(self, title):
        from course_lib.pictures import draw_mask

        bundle, metadata = draw_mask([[True, False]], [[7, 0]], title)._repr_mimebundle_()
        return {"output_type": "display_data", "data": bundle, "metadata": metadata}

    def test_same_drawing_same_pixels(self):
        from tests.nbval_pictures import difference, pictures

        one, two = pictures([self.picture("a"), self.picture("a")])
        assert difference(one, two) == 0

    def test_a_word_more_is_seen(self):
        from tests.nbval_pictures import TOLERANCE, difference, pictures

        one, two = pictures([self.picture(""), self.picture("padding")])
        assert difference(one, two) > TOLERANCE

    def test_another_size_is_seen(self):
        from tests.nbval_pictures import difference, pictures

        (one,) = pictures([self.picture("a")])
        assert difference(one, one[:-1]) == 1


def test_a_picture_carries_its_alt_text():
    from course_lib.pictures import draw_mask

    picture = draw_mask([[True, True, False]])
    assert isinstance(picture, Picture)
    data, metadata = picture._repr_mimebundle_()
    assert data["text/plain"] == metadata["image/png"]["alt"] == picture.alt
    assert picture.alt == "1 row of 3 steps. Row 0: real at 0-1, padding at 2."
