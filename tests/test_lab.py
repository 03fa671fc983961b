"""Every lesson in JupyterLab, in a real browser, as a learner opens it with `make lab`.

The lessons are copied to a folder of their own, so that nobody's notebooks change. After *Run All
Cells* the notebook is saved, and what was saved is read: JupyterLab does not keep cells in the page
that are scrolled out of sight.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parent.parent
LESSONS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
TOKEN = "lessons"
TIMEOUT = 120_000  # milliseconds


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def lab(browser, tmp_path_factory):
    """Run JupyterLab over a copy of the lessons; yield its address and folder."""
    folder = tmp_path_factory.mktemp("lab")
    shutil.copytree(ROOT / "notebooks", folder / "notebooks")
    port = free_port()
    command = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--ip=127.0.0.1"]
    command += [f"--port={port}", f"--IdentityProvider.token={TOKEN}", "--allow-root"]
    environment = os.environ | {"JUPYTER_CONFIG_DIR": str(folder / "config"), "HOME": str(folder)}
    server = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(address)
        yield address, folder
    finally:
        server.terminate()
        server.wait(20)


def wait_for(address, seconds=60):
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        try:
            return urllib.request.urlopen(f"{address}/api?token={TOKEN}", timeout=5).read()
        except OSError:
            time.sleep(0.3)
    raise TimeoutError(f"JupyterLab did not answer at {address} within {seconds} s")


@pytest.fixture
def page(browser, lab):
    """A page that writes down every request that leaves the machine, and refuses it."""
    opened = browser.new_page(viewport={"width": 1200, "height": 1000})
    opened.outside = []

    def only_here(route):
        if route.request.url.startswith((lab[0], "data:", "blob:")):
            route.continue_()
        else:
            opened.outside.append(route.request.url)
            route.abort()

    opened.route("**/*", only_here)
    yield opened
    opened.close()


def open_lesson(page, lab, name):
    page.goto(f"{lab[0]}/lab/tree/notebooks/{name}?reset&token={TOKEN}", timeout=TIMEOUT)
    wait_until_idle(page)


def wait_until_idle(page):
    idle = '.jp-Notebook-ExecutionIndicator[data-status="idle"]'
    page.wait_for_selector(idle, timeout=TIMEOUT)


def run_all(page):
    """Choose *Run All Cells*; again, if JupyterLab was not ready to hear it."""
    for _ in range(5):
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        for _ in range(30):
            prompts = page.locator(".jp-CodeCell .jp-InputPrompt").all_inner_texts()
            if any(prompt.strip("[ ]:") for prompt in prompts):
                return
            time.sleep(0.1)
    raise TimeoutError("JupyterLab ran no cell")


def saved(page, path, cells):
    """Save until all code cells have run; return the notebook as it lies on the disk."""
    ends = time.monotonic() + TIMEOUT / 1000
    while time.monotonic() < ends:
        time.sleep(0.5)
        page.keyboard.press("Control+s")
        try:
            notebook = json.loads(path.read_text())
        except json.JSONDecodeError:  # JupyterLab is writing it just now.
            continue
        counts = [c["execution_count"] for c in notebook["cells"] if c["cell_type"] == "code"]
        if counts == list(range(1, cells + 1)) and path.stat().st_mtime > page.opened:
            return notebook
    raise TimeoutError(f"{path.name}: not all cells ran; execution counts {counts}")


def code_cells(notebook):
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def stored(lesson):
    return json.loads((ROOT / "notebooks" / lesson).read_text())


def unasked(cell):
    """Yield what a learner should not see below a cell."""
    for output in cell["outputs"]:
        if output.get("name") == "stderr":
            yield "".join(output["text"])
        asked = "raises-exception" in cell["metadata"].get("tags", [])
        if output["output_type"] == "error" and not asked:
            yield output["evalue"]


@pytest.mark.parametrize("lesson", LESSONS)
def test_runs_from_top_to_bottom(page, lab, lesson):
    path = lab[1] / "notebooks" / lesson
    cleared = stored(lesson)
    for cell in code_cells(cleared):
        cell |= {"outputs": [], "execution_count": None}
    path.write_text(json.dumps(cleared))

    page.opened = time.time()
    open_lesson(page, lab, lesson)
    run_all(page)
    notebook = saved(page, path, len(code_cells(cleared)))

    assert [text for cell in code_cells(notebook) for text in unasked(cell)] == []
    kinds = [[o["output_type"] for o in cell["outputs"]] for cell in code_cells(notebook)]
    expected = [[o["output_type"] for o in cell["outputs"]] for cell in code_cells(stored(lesson))]
    assert kinds == expected
    assert page.outside == []
    assert page.locator(".jp-Dialog, .Toastify__toast").count() == 0, "JupyterLab asks something"
