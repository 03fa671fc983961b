"""Guards for what nbval does not see: a stripped notebook, or an output that nobody asked for."""

import ast
import json
import re
from itertools import pairwise
from pathlib import Path

import nbformat
import numpy as np
import pytest

from course_lib import check_environment
from course_lib.pictures import Picture, draw_losses, draw_mask
from course_lib.pictures_carry_over import draw_states
from course_lib.pictures_embedding import draw_look_up
from tests import nbval_pictures
from tests.nbval_pictures import TOLERANCE, difference, pictures, unlike
from tools.run_notebooks import fold_answers, is_folded, with_content

ROOT = Path(__file__).parent.parent
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
# Any absolute path: two parts after a slash that ends no word, tag, link or other path; a drive.
MACHINE = re.compile(
    r"(?<![\w:/.<&-])/[\w.@~-]+/[\w.@~-]+|~/\w|site-packages|\b[A-Z]:\\|" + re.escape(str(ROOT))
)
# A number is read, and not counted off: 4 decimals, or 4 digits that count.
LONG_NUMBER = re.compile(r"(?<![\w.])-?(?:0\.0*[1-9]\d{4,}|(?!0\.0)\d+\.\d{5,})")
HIDES_WARNINGS = re.compile(r"(filterwarnings|simplefilter|catch_warnings)\([^)]*[\"']ignore")
TAGS = {"nbval-ignore-output", "raises-exception", "solution"}
PREDICTION = r"(?<!\*)\*Predict"
PRINCIPLE = (
    "Padding must be invisible: in a padded batch, every sequence gets exactly what it would get "
    "alone."
)
IMAGES = {"image/png"}  # the kind whose pixels are compared


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
        if tags(cell) - TAGS:
            found.append(f"{where}: a tag that may keep nbval from running or comparing")
        if re.search("nbval", source(cell), re.IGNORECASE):
            found.append(f"{where}: a comment that keeps nbval from comparing")
        lines = source(cell).count("\n") + 1
        if lines > 12:
            found.append(f"{where}: {lines} lines; a cell holds one idea, in at most 12")
        for output in cell["outputs"]:
            found += [f"{where}: {fault}" for fault in output_faults(cell, output)]
    return found


def output_faults(cell, output):
    if output.get("name") == "stderr":
        yield "stderr"
    if output["output_type"] == "error" and "raises-exception" not in tags(cell):
        yield "an error that the lesson did not ask for"
    data = output.get("data", {})
    text = words(output)
    if MACHINE.search(text):
        yield f"a path of the machine: {MACHINE.search(text).group()}"
    if re.search(r"\b0x[0-9a-f]{6,}", text):
        yield "an address in memory, which is another one every time"
    if LONG_NUMBER.search(text):
        yield f"more digits than one reads: {LONG_NUMBER.search(text).group()}"
    if output.get("execution_count", cell["execution_count"]) != cell["execution_count"]:
        yield "the number of another cell"
    if set(re.findall(r"In\[(\d+)\]", text)) - {str(cell["execution_count"])}:
        yield "the number of another cell in a traceback"
    if {kind for kind in data if kind.startswith("image/")} - IMAGES:
        yield "a picture of a kind that is not compared"
    if "image/png" in data:
        alt = output["metadata"].get("image/png", {}).get("alt")
        if not alt or alt != "".join(data["text/plain"]):
            yield "a picture without alt text, or with another one than was compared"


def words(output):
    """Return all that an output says, pictures and the codes of colours left out."""
    parts = [output.get("text", ""), output.get("evalue", ""), output.get("traceback", [])]
    parts += [data for kind, data in output.get("data", {}).items() if not kind.startswith("image")]
    texts = ["".join(part) if isinstance(part, (str, list)) else json.dumps(part) for part in parts]
    return re.sub(r"\x1b\[[\d;]*m", "", "\n".join(texts))


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
    parts = ["**What you'll do.**", "**What you'll learn**", "**What you'll need.**", "**Time.**"]
    if path != PATHS[0]:
        # Lesson 06 is about the solo test from its first scene on. The last leads to no other.
        about = path.stem.startswith("06_")
        last = about or path == PATHS[-1]
        parts += ["**solo test**"] if about else ["\n## The solo test\n", f"\n> {PRINCIPLE}\n"]
        parts += ["\n## Recap\n", "\n## In practice\n"] + ["**One step on.**"] * (not last)
    places = [text.find(part) for part in parts]
    assert -1 not in places, f"{path.stem} lacks {parts[places.index(-1)]!r}"
    assert places == sorted(places), f"{path.stem}: the parts of the frame, in this order: {parts}"
    predictions = [source(cell) for cell in cells if re.search(PREDICTION, source(cell))]
    assert predictions
    assert not [asked for asked in predictions if "<details><summary>Answer" not in asked]
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
        if cell["cell_type"] == "markdown" and re.search(PREDICTION, source(cell))
    ]
    assert asked
    for place in asked:
        answer = next(cell for cell in cells[place:] if cell.get("outputs"))
        assert answer["metadata"].get("jupyter") == {"outputs_hidden": True}, source(cells[place])


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_an_output_behind_a_folded_text_is_folded(path):
    """Else it tells what the text above it keeps back."""
    for before, cell in pairwise(json.loads(path.read_text())["cells"]):
        if is_folded(source(before)) and cell.get("outputs"):
            assert cell["metadata"].get("jupyter") == {"outputs_hidden": True}, source(cell)


def test_an_answer_is_folded_to_the_first_open_text():
    folded = "<details><summary>What it shows</summary>\n\nIt is so.\n\n</details>"
    texts = ["*Predict: is it?*", None, None, folded, None, folded + "\n\nAnd more?", None]
    cells = [
        nbformat.v4.new_code_cell("1", outputs=[nbformat.v4.new_output("stream", text="1")])
        if text is None
        else nbformat.v4.new_markdown_cell(text)
        for text in texts
    ]
    for _ in range(2):  # folded again it is the same
        fold_answers(cells)
        hidden = [place for place, cell in enumerate(cells) if cell.metadata.get("jupyter")]
        assert hidden == [1, 2, 4]
        assert [len(cell.get("outputs", ())) for cell in cells] == [0, 2, 2, 0, 2, 0, 1]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_no_line_of_a_folded_answer_is_shown(path):
    """JupyterLab shows the first line of what is folded: an output that holds nothing has none."""
    for cell in code_cells(json.loads(path.read_text())):
        if cell["metadata"].get("jupyter") == {"outputs_hidden": True}:
            first = cell["outputs"][0]
            said = "run `make run`, or `python -m tools.run_notebooks --fold`"
            assert (first["output_type"], first["data"]) == ("display_data", {}), said
            assert with_content(cell["outputs"]) == cell["outputs"][1:]


def test_outputs_are_ignored_only_where_they_must_be():
    ignored = [
        f"{path.stem}: {source(cell)}"
        for path in PATHS
        for cell in code_cells(json.loads(path.read_text()))
        if "nbval-ignore-output" in tags(cell)
    ]
    # The table of installed versions differs from one Python to the next.
    assert ignored == ["00_start_here: check_environment()"]


def test_the_stored_table_of_versions_is_whole():
    """Its output is not compared, but it must be one of this project, and all must have fitted."""
    cells = code_cells(json.loads(PATHS[0].read_text()))
    (cell,) = [cell for cell in cells if "nbval-ignore-output" in tags(cell)]
    (output,) = cell["outputs"]
    *lines, empty, last = "".join(output["data"]["text/plain"]).split("\n")
    assert (empty, last) == ("", "Everything fits.")
    stored = [line.split() for line in lines[1:]]
    assert {verdict for *_, verdict in stored} == {"fits"}
    # Which of the two TensorFlows is wanted depends on the machine.
    assert [(name.removesuffix("-cpu"), wanted) for name, _, wanted, _ in stored] == [
        (row.name.removesuffix("-cpu"), row.wanted) for row in check_environment().rows
    ]
    lock = (ROOT / "requirements.lock").read_text()
    for name, found, *_ in stored[1:-2]:
        assert f"\n{name}=={found} " in lock


def test_a_hidden_warning_is_not_possible():
    sanitizers = list(ROOT.glob("**/*sanitize*.cfg"))
    assert not [path for path in sanitizers if ".venv" not in path.parts]
    hidden = [
        f"{path.stem}: {source(cell).splitlines()[0]}"
        for path in PATHS
        for cell in code_cells(json.loads(path.read_text()))
        if HIDES_WARNINGS.search(source(cell))
    ]
    # The models of this lesson are built by `chain`, which prints what Keras warns of.
    assert hidden == ["06_lost_masks: def run(model, ids):"]


@pytest.mark.parametrize(
    "code",
    [
        'warnings.filterwarnings("ignore")',
        "warnings.simplefilter('ignore', UserWarning)",
        'with warnings.catch_warnings(action="ignore"): pass',
        'warnings.filterwarnings(message="x", action="ignore")',
    ],
)
def test_a_hidden_warning_is_seen(code):
    assert HIDES_WARNINGS.search(code)
    assert not HIDES_WARNINGS.search(code.replace("ignore", "always"))


def printed(text):
    return {"output_type": "stream", "name": "stdout", "text": [text]}


def shown(**more):
    return {"output_type": "execute_result", "data": {"text/plain": ["2"]}, "metadata": {}} | more


def a_cell(code="1 + 1", count=1, outputs=None, cell_tags=()):
    if outputs is None:
        outputs = [shown()]
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
    "skipped by all": [a_cell(cell_tags=["skip-execution"])],
    "long": [a_cell(code="1\n" * 13)],
    "a long solution": [a_cell(code="1\n" * 13, cell_tags=["solution"])],
    "number of another cell": [a_cell(outputs=[shown(execution_count=7)])],
    "a traceback of another cell": [
        a_cell(
            cell_tags=["raises-exception"],
            outputs=[
                {
                    "output_type": "error",
                    "ename": "E",
                    "evalue": "",
                    "traceback": ["Cell \x1b[32mIn[\x1b[32m2], line 1"],
                }
            ],
        )
    ],
    "a picture that is not compared": [a_cell(outputs=[shown(data={"image/svg+xml": ["<svg/>"]})])],
    "skipped by a comment": [a_cell(code="# NBVAL_IGNORE_OUTPUT\n1 + 1")],
    "an error that no other tool expects": [a_cell(cell_tags=["nbval-raises-exception"])],
    "stderr": [a_cell(outputs=[{"output_type": "stream", "name": "stderr", "text": "careful"}])],
    "error": [
        a_cell(outputs=[{"output_type": "error", "ename": "E", "evalue": "", "traceback": []}])
    ],
    **{
        f"path {path}": [a_cell(outputs=[printed(path)])]
        for path in ("/home/me/x", "'/opt/conda/lib'", "~/x", "C:\\Users", "(/srv/a.py:3)")
    },
    **{
        f"number {number}": [a_cell(outputs=[printed(number)])]
        for number in ("0.12345", "[-3.141592]", "0.00123456", "12.000001")
    },
    "address": [a_cell(outputs=[printed("<at 0x7fd9801e6020>")])],
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


@pytest.mark.parametrize(
    "text",
    [
        "0.1234",
        "-0.008594",
        "1234567.1",
        "version 2.21.0",
        "https://keras.io/api/layers",
        "</td><td>/",
        "loss/val",
        "[docs](../docs/layers.md)",
        "1/2/3",
    ],
)
def test_the_guard_lets_a_sound_notebook_pass(text):
    assert (
        faults({"cells": [a_cell(), a_cell("x = 1", 2, []), a_cell("f()", 3, [printed(text)])]})
        == []
    )


def displayed(picture):
    bundle, metadata = picture._repr_mimebundle_()
    return {"output_type": "display_data", "data": bundle, "metadata": metadata}


def a_picture(title="a", values=((7, 0),)):
    return displayed(draw_mask([[True, False]], values, title))


STATES = np.array([[0.1234, -0.25], [0.1234, -0.25]])
OTHER_STATES = np.array([[0.1234, -0.25], [0.1235, -0.25]])
TABLE = np.array([[0.13, 0.2], [0.3, 0.4]])
OTHER_TABLE = np.array([[0.18, 0.2], [0.3, 0.4]])


class TestWhatNbvalDoesNotSee:
    """`tests/nbval_pictures.py`: each change of a stored output, however small, is told."""

    def test_the_same_drawing(self):
        assert unlike([a_picture()], [a_picture()]) == []

    @pytest.mark.parametrize(
        ("now", "stored"),
        [
            (a_picture("a"), a_picture("b")),
            (a_picture(""), a_picture("padding")),
            *(
                (a_picture(values=((a, 0),)), a_picture(values=((b, 0),)))
                for a, b in ((3, 8), (1, 7))
            ),
            (a_picture(values=((7, 3),)), a_picture(values=((7, 8),))),
            (displayed(draw_mask([[True]])), displayed(draw_mask([[False]]))),
            *(
                (displayed(draw_states(STATES, mask)), displayed(draw_states(OTHER_STATES, mask)))
                for mask in ([True, True], [True, False])
            ),
            (displayed(draw_look_up(TABLE, [1, 0])), displayed(draw_look_up(OTHER_TABLE, [1, 0]))),
            (
                displayed(draw_losses([1.0, 2.0], [True, True])),
                displayed(draw_losses([1.0, 2.1], [True, True])),
            ),
        ],
    )
    def test_another_drawing(self, now, stored):
        # By its pixels: the alt text, which tells it too, is made the same.
        stored["metadata"] = now["metadata"]
        (told,) = unlike([now], [stored])
        assert told.startswith("picture 1 differs from the stored one by ")

    def test_another_build_of_the_renderer_may_move_an_edge(self):
        (one,) = pictures([a_picture("padding")])
        moved = 0.9 * one + 0.1 * np.roll(one, 1, axis=1)
        assert 0 < difference(one, moved) < TOLERANCE
        assert difference(one, np.roll(one, 1, axis=1)) > TOLERANCE

    def test_another_size(self):
        (one,) = pictures([a_picture()])
        assert difference(one, one[:-1]) == 1

    def test_a_traceback(self):
        def raised(line, count):
            colour = f"Cell \x1b[32mIn[{count}]\x1b[39m, line {line}"
            return {"output_type": "error", "traceback": [colour, "ValueError"]}

        assert unlike([raised(1, 1)], [raised(1, 2)]) == []
        assert "line 1" in unlike([raised(1, 2)], [raised(2, 2)])[0]

    def test_what_is_said_about_a_picture(self):
        wider, other = a_picture(), a_picture()
        wider["metadata"]["image/png"]["width"] += 1
        other["metadata"]["image/png"]["alt"] = "other"
        for stored in (wider, other):
            assert "metadata" in unlike([a_picture()], [stored])[0]

    def test_another_kind_of_output(self):
        assert unlike([shown()], [shown(output_type="display_data")])
        assert unlike([printed("a"), shown()], [shown(), printed("a")])


def test_a_picture_carries_its_alt_text():
    picture = draw_mask([[True, True, False]])
    assert isinstance(picture, Picture)
    data, metadata = picture._repr_mimebundle_()
    assert data["text/plain"] == metadata["image/png"]["alt"] == picture.alt
    assert picture.alt == "1 row of 3 steps. Row 0: real at 0-1, padding at 2."


@pytest.mark.parametrize("failures", [0, 1, 2])
def test_a_kernel_that_lost_a_port_is_started_once_more(monkeypatch, failures):
    starts = []

    def start(**options):
        starts.append(options)
        if len(starts) <= failures:
            raise RuntimeError("Kernel died before replying to kernel_info")
        return "kernel"

    monkeypatch.setattr(nbval_pictures, "_start_kernel", start)
    if failures < 2:
        assert nbval_pictures.start_kernel(cwd="here") == "kernel"
    else:
        with pytest.raises(RuntimeError, match="Kernel died"):
            nbval_pictures.start_kernel(cwd="here")
    assert starts == [{"cwd": "here"}] * min(failures + 1, 2)
