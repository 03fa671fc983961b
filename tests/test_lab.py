"""Every lesson in JupyterLab, in a real browser, as a learner opens it with `make lab`.

After *Run All Cells* the notebook is saved, and what was saved is read: JupyterLab does not keep
cells in the page that are scrolled out of sight.
"""

import json
import shutil

import pytest

from tests.lab import ROOT, Page, Server

pytestmark = pytest.mark.browser

LESSONS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))


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
    opened.page.evaluate("() => { window.questions = []; }")
    opened.outside.clear()
    opened.errors.clear()
    yield opened
    found = {
        "dialogs and toasts": opened.asked(),
        "requests that leave the machine": opened.outside,
        "errors in the page": opened.errors,
    }
    opened.page.screenshot(path=tmp_path / "lab.png")
    opened.close()
    for what, texts in found.items():
        assert texts == [], f"{what}; see {tmp_path}/lab.png"


def code_cells(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def unasked(cell):
    """Yield what a learner should not see below a cell."""
    for output in cell["outputs"]:
        if output.get("name") == "stderr":
            yield "".join(output["text"])
        asked = "raises-exception" in cell["metadata"].get("tags", [])
        if output["output_type"] == "error" and not asked:
            yield f"{output['ename']}: {output['evalue']}"


def kinds(cell):
    """Return what lies below a cell: the cell's first line, and the outputs' types."""
    first = "".join(cell["source"]).partition("\n")[0]
    return first, [output["output_type"] for output in cell["outputs"]]


@pytest.mark.parametrize("lesson", LESSONS)
def test_runs_from_top_to_bottom(lab, lesson):
    path = lab.server.notebooks / lesson
    stored = json.loads(path.read_text())
    cleared = json.loads(path.read_text())
    for cell in code_cells(cleared):
        cell |= {"outputs": [], "execution_count": None}
    path.write_text(json.dumps(cleared))

    lab.open(lesson)
    lab.run_all()
    ran = code_cells(lab.saved())

    assert [text for cell in ran for text in unasked(cell)] == []
    assert [cell["execution_count"] for cell in ran] == list(range(1, len(ran) + 1))
    assert [kinds(cell) for cell in ran] == [kinds(cell) for cell in code_cells(stored)]
