"""Every lesson in JupyterLab, in a real browser, as a learner opens it with `make lab`.

After *Run All Cells* the notebook is saved, and what was saved is read: JupyterLab does not keep
cells in the page that are scrolled out of sight. Then somebody learns: types a wrong answer and a
right one, asks for a hint, unfolds what is folded, moves a slider. That happens in a notebook
written here, so that it does not hang on a lesson's words, and in the first exercise.
"""

import json
import re
import shutil
from itertools import groupby

import pytest

from course_lib.exercises._exercise import all_exercises
from course_lib.exercises._result import Result
from tests.lab import ROOT, Page, Server
from tools.run_notebooks import with_content

nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
pytest.importorskip("hypothesis", reason="checking needs Hypothesis: `make .venv` installs it")
pytestmark = pytest.mark.browser

LESSONS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
FOLDED = {"jupyter": {"source_hidden": True, "outputs_hidden": True}, "tags": ["solution"]}


@pytest.fixture(scope="module")
def opened(browser, tmp_path_factory):
    """One page for all tests: what `make lab` opens."""
    if shutil.which("make") is None:
        pytest.skip("make is not installed, and `make lab` is what is tried here")
    with Server(tmp_path_factory.mktemp("lab")) as server:
        page = browser.new_page(viewport={"width": 1200, "height": 1000})
        lab = Page(page, server)
        server.wait()
        lab.start()
        yield lab
        page.close()


@pytest.fixture
def lab(opened, tmp_path):
    """JupyterLab; after the test, no question was asked, and nothing left this machine."""
    opened.forget()
    yield opened
    found = {
        "JupyterLab shows a dialog or a toast": opened.asked(),
        "the page asks for what is not on this machine": opened.outside,
        "the page has errors": opened.errors,
    }
    opened.page.screenshot(path=tmp_path / "lab.png")
    for what, texts in found.items():
        assert texts == [], f"{what}; {tmp_path / 'lab.png'} shows the page"


def code_cells(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def source(cell):
    return "".join(cell["source"])


def unasked(cell):
    """Yield what a learner should not see below a cell."""
    for output in cell["outputs"]:
        if output.get("name") == "stderr":
            yield f"stderr: {''.join(output['text'])}"
        asked = "raises-exception" in cell["metadata"].get("tags", [])
        if output["output_type"] == "error" and not asked:
            yield f"{output['ename']}: {output['evalue']}"


def kinds(cell):
    """Return what lies below a cell: the cell's first line, and the outputs' types.

    What is printed in two pieces may come as one.
    """
    types = [output["output_type"] for output in with_content(cell["outputs"])]
    return source(cell).partition("\n")[0], [kind for kind, _ in groupby(types)]


def text_of(cell):
    texts = [output.get("data", {}).get("text/plain", "") for output in cell["outputs"]]
    return "\n".join("".join(text) for text in texts)


def place(notebook, start):
    """Return the number of the one cell that begins so."""
    (found,) = [n for n, cell in enumerate(notebook["cells"]) if source(cell).startswith(start)]
    return found


def records(folder):
    """Return what is kept of a learner's progress, in a folder and below it."""
    return {
        path: path.read_text()
        for place in (folder, folder / "notebooks")
        for path in place.glob(".course_progress*")
    }


def move_slider(lab, number):
    """Move the first slider below a cell by one step, and see that the picture changes."""
    from playwright.sync_api import expect

    cell = lab.cell(number)
    image, handle = cell.locator(".widget-html img"), cell.locator(".noUi-handle").first
    before = image.get_attribute("src")
    at_start = handle.get_attribute("aria-valuenow") == handle.get_attribute("aria-valuemin")
    handle.press("ArrowRight" if at_start else "ArrowLeft")
    expect(image).not_to_have_attribute("src", before)


# nbval runs every lesson. This one shows what only a browser draws: answers in HTML, and a slider.
SEEN = [lesson for lesson in LESSONS if lesson[:2] == "01"]


@pytest.mark.parametrize("lesson", SEEN)
def test_runs_from_top_to_bottom(lab, lesson):
    path = lab.server.notebooks / lesson
    stored = json.loads(path.read_text())
    cleared = json.loads(path.read_text())
    for cell in code_cells(cleared):
        cell |= {"outputs": [], "execution_count": None}
    path.write_text(json.dumps(cleared))
    own = [exercise for exercise in all_exercises() if exercise.lesson == lesson[:2]]
    before = records(lab.server.folder)

    lab.open(lesson)
    lab.run_all()
    ran = code_cells(lab.saved())

    assert [text for cell in ran for text in unasked(cell)] == []
    assert [cell["execution_count"] for cell in ran] == list(range(1, len(ran) + 1))
    assert [kinds(cell) for cell in ran] == [kinds(cell) for cell in code_cells(stored)]
    # Nobody has answered anything yet: that is said, and nothing is recorded.
    assert [text_of(cell).partition("\n")[0] for cell in ran if 'check("' in source(cell)] == [
        Result(exercise.id, f"{exercise.title}{whose}", status, "").heading
        for exercise in own
        for whose, status in (("", "not attempted"), (" (the course's solution)", "passed"))
    ]
    assert records(lab.server.folder) == before
    for number, cell in enumerate(stored["cells"]):
        if cell["cell_type"] == "code" and "explore_" in source(cell):
            move_slider(lab, number)


def test_there_are_sliders_to_move():
    having = [name[:2] for name in LESSONS if "explore_" in (ROOT / "notebooks" / name).read_text()]
    assert {"01", "04", "05"} <= set(having)


# What somebody sees who works on a lesson, from the question to the record of what is solved.
CELLS = {
    "prediction": "*Predict.*\n\n<details><summary>Answer</summary>\n\nIt is (b).\n\n</details>",
    "settings": "import os\n\n[os.environ.get(name) for name in {names}]",
    "stub": "def real_steps(ids):\n    ...",
    "check": 'from course_lib import check\n\ncheck("0.1", real_steps)',
    "solution": 'def solution(ids):\n    return ids != 0\n\n\ncheck("0.1", solution, record=False)',
    "hint": 'from course_lib import hint\n\nhint("0.1")',
    "explorer": "from course_lib import explore_padding\n\nexplore_padding()",
    "progress": "from course_lib import progress\n\nprogress()",
}
NUMBER = {name: number for number, name in enumerate(CELLS)}


SETTINGS = dict(line.split("=", 1) for line in (ROOT / "kernel.env").read_text().splitlines())
NAMES = [*SETTINGS, "COURSE_PROGRESS", "COURSE_WIDGETS"]


def write_small(path):
    cells = [nbformat.v4.new_markdown_cell(CELLS["prediction"])]
    for name, text in list(CELLS.items())[1:]:
        cell = nbformat.v4.new_code_cell(text.format(names=NAMES) if name == "settings" else text)
        cell.metadata |= FOLDED if name == "solution" else {}
        cells.append(cell)
    # JupyterLab asks which kernel to take where a notebook does not say.
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)


@pytest.fixture
def small(lab):
    """JupyterLab with the small notebook, run; each test below has cells of its own in it."""
    name = "98_small.ipynb"
    if lab.name != name:
        write_small(lab.server.notebooks / name)
        lab.open(name)
        lab.run_all()
    return lab


def test_the_settings_are_those_of_make_lab(small):
    """The server was started without them; only the Makefile can have brought them."""
    ran = small.saved()["cells"]
    assert text_of(ran[NUMBER["settings"]]) == repr([*SETTINGS.values(), None, None])


def test_an_exercise_from_the_stub_to_the_record(small):
    from playwright.sync_api import expect

    ours = records(ROOT)
    check = small.cell(NUMBER["check"])
    expect(check).to_contain_text("0.1 Which steps are real? Not attempted yet.")
    for answer, said in [
        ("ids == 0", "Where there is padding your function says True."),
        ("ids > 1", "Is 1 a word, or padding?"),
        ("ids != 0", "0.1 Which steps are real? Passed."),
    ]:
        small.type(NUMBER["stub"], f"def real_steps(ids):\n    return {answer}")
        small.run(NUMBER["stub"])
        small.run(NUMBER["check"])
        expect(check).to_contain_text(said)
    small.run(NUMBER["progress"])
    small.wait_for_kernel()
    notebook = small.saved()
    assert [text for cell in code_cells(notebook) for text in unasked(cell)] == []
    lines = text_of(notebook["cells"][NUMBER["progress"]]).splitlines()
    assert lines[1] == "00 start here: 0.1 solved."

    (kept,) = records(small.server.folder).items()
    assert kept[0] == small.server.notebooks / ".course_progress.json"
    assert json.loads(kept[1])["exercises"] == {"0.1": {"solved": True, "tries": 3}}
    assert records(ROOT) == ours


def test_hints_come_one_after_the_other(small):
    from playwright.sync_api import expect

    cell = small.cell(NUMBER["hint"])
    expect(cell).to_contain_text("Hint 1 of 2.")
    small.run(NUMBER["hint"])
    expect(cell).to_contain_text("Hint 2 of 2.")


def test_what_is_folded_can_be_unfolded(small):
    from playwright.sync_api import expect

    answer = small.cell(NUMBER["prediction"]).locator("details p")
    expect(answer).to_be_hidden()
    small.cell(NUMBER["prediction"]).locator("summary").click()
    expect(answer).to_be_visible()

    solution = small.cell(NUMBER["solution"])
    expect(solution.locator(".cm-content")).to_be_hidden()
    solution.locator(".jp-InputPlaceholder .jp-Placeholder-content").click()
    expect(solution.locator(".cm-content")).to_contain_text("return ids != 0")


def test_an_answer_is_not_seen_before_its_cell_is_run(lab):
    from playwright.sync_api import expect

    name = "98_answers.ipynb"  # a copy as it is stored: other tests write into the lessons
    shutil.copy(ROOT / "notebooks" / "01_padding.ipynb", lab.server.notebooks / name)
    lab.open(name)
    stored = json.loads((lab.server.notebooks / name).read_text())
    (number,) = [
        n
        for n, cell in enumerate(stored["cells"])
        if source(cell) == "keras.utils.pad_sequences(rows)"
    ]
    assert "711" in json.dumps(stored["cells"][number]["outputs"])
    cell = lab.cell(number)
    placeholder = cell.locator(".jp-OutputPlaceholder")
    expect(placeholder).to_be_visible()
    expect(placeholder).to_have_text("")
    expect(cell.locator(".jp-OutputArea-output")).to_have_count(0)
    # Run with nothing before it, it is an error; shown it must be.
    lab.run(number)
    expect(cell.locator(".jp-OutputArea-output")).to_contain_text("NameError")


def test_a_slider_changes_the_picture(small):
    move_slider(small, NUMBER["explorer"])


# Each page from one of the lessons that lead there.
LINKS = {
    target: path.name
    for path in sorted((ROOT / "notebooks").glob("*.ipynb"))
    for target in re.findall(r"\]\(\.\./(docs/[\w.]+)\)", path.read_text())
}


@pytest.mark.parametrize(("target", "lesson"), LINKS.items())
def test_a_link_to_a_page_opens_it_to_read(lab, lesson, target):
    from playwright.sync_api import expect

    heading = (ROOT / target).read_text().partition("\n")[0].removeprefix("# ")
    stored = json.loads((lab.server.notebooks / lesson).read_text())
    number = next(n for n, cell in enumerate(stored["cells"]) if f"(../{target})" in source(cell))
    lab.open(lesson)
    # It may stand in what is folded until its question was answered.
    lab.cell(number).locator("details").evaluate_all("all => all.forEach(one => (one.open = true))")
    lab.cell(number).locator(f'a[href*="{target}"]').click()
    expect(lab.page.locator(".jp-MarkdownViewer h1")).to_contain_text(heading)
    lab.do("app.shell.currentWidget.dispose();")


def test_the_first_exercise_of_the_course(lab):
    """Lesson 00 by its own words: the stub, the check, the hint in the check's comment."""
    from playwright.sync_api import expect

    lesson = "00_start_here.ipynb"
    stored = json.loads((lab.server.notebooks / lesson).read_text())
    stub = place(stored, "def real_steps")
    lab.open(lesson)
    lab.run_all()
    expect(lab.cell(stub + 1)).to_contain_text("Not attempted yet")
    lab.type(stub + 1, 'hint("0.1")')
    lab.run(stub + 1)
    expect(lab.cell(stub + 1)).to_contain_text("Hint 1 of 2.")
    lab.type(stub + 1, source(stored["cells"][stub + 1]))
    lab.type(stub, "def real_steps(ids):\n    return ids != 0")
    lab.run(stub)
    lab.run(stub + 1)
    expect(lab.cell(stub + 1)).to_contain_text("Passed.")
