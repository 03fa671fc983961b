"""JupyterLab as `make lab` starts it, over a copy of the lessons, and a browser that drives it.

Nothing of the machine's own Jupyter configuration is read, and nobody's notebooks change. What
JupyterLab tells us itself (a kernel is ready, all cells have run) is asked of its application
object in the page; what a learner does (click, type, slide) is done with mouse and keyboard.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).parent.parent
TOKEN = "lessons"
SECONDS = 300  # the longest wait for anything; a loaded machine, or a slow disk, takes its time
# Notes each dialog and each toast, also one that goes away by itself.
WATCH = """
window.questions = [];
new MutationObserver(changes => {
  for (const {addedNodes} of changes)
    for (const node of addedNodes)
      if (node instanceof Element && node.matches('.jp-Dialog, .Toastify__toast'))
        window.questions.push(node.innerText.trim());
}).observe(document, {childList: true, subtree: true});
"""
# `within` gives up a promise at a dialog, which nobody would answer, or after a while.
WITHIN = """
const within = (what, promise) => new Promise((done, fail) => {
  const started = Date.now();
  const watch = setInterval(() => {
    const dialog = document.querySelector('.jp-Dialog');
    const late = Date.now() - started > MILLISECONDS;
    const why = dialog ? `it asks: ${dialog.innerText}` : late ? 'it takes too long' : '';
    if (why) stop(fail, new Error(`JupyterLab did not get so far (${what}): ${why}`));
  }, 250);
  const stop = (how, value) => { clearInterval(watch); how(value); };
  promise.then(value => stop(done, value), error => stop(fail, error));
});
""".replace("MILLISECONDS", str(1000 * SECONDS))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """`make lab` in a copy of the project; `with Server(folder) as server:`."""

    def __init__(self, folder):
        self.folder = folder
        self.notebooks = folder / "notebooks"
        self.log = folder / "jupyterlab.log"
        self.address = f"http://127.0.0.1:{free_port()}"

    def __enter__(self):
        for name in ("notebooks", "docs"):
            shutil.copytree(ROOT / name, self.folder / name, ignore=shutil.ignore_patterns(".*"))
        for name in ("Makefile", "kernel.env", "tools", "requirements.lock", "pyproject.toml"):
            (self.folder / name).symlink_to(ROOT / name)
        (self.folder / ".venv").symlink_to(ROOT / ".venv")
        flags = f"--no-browser --ServerApp.port={self.address.rpartition(':')[2]}"
        flags += f" --IdentityProvider.token={TOKEN} --LabApp.expose_app_in_browser=True"
        # `-o`: .venv is taken as it is, whatever its date.
        command = ["make", "-o", ".venv/ready", "lab", f"LAB_FLAGS={flags}"]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self._environment(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self

    def _environment(self):
        """What a learner's shell has: none of the settings that `make lab` must bring."""
        ours = ("KERAS", "TF_", "COURSE_", "JUPYTER", "MPL", "IPYTHON", "MAKE", "PYTEST", "COV")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return kept | {"HOME": str(self.folder), "JUPYTER_PLATFORM_DIRS": "0"}

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.ask("shutdown", "POST")
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def ask(self, what, method="GET"):
        """Return what the server's REST API answers."""
        headers = {"Authorization": f"token {TOKEN}"}
        request = urllib.request.Request(
            f"{self.address}/api/{what}", headers=headers, method=method
        )
        with urllib.request.urlopen(request, timeout=SECONDS) as response:
            return json.loads(response.read() or "null")

    def wait(self):
        """Return when the server answers."""
        ends = time.monotonic() + SECONDS
        while time.monotonic() < ends:
            if self.process.poll() is not None:
                break
            with contextlib.suppress(OSError):
                return self.ask("status")
            time.sleep(0.1)
        raise AssertionError(f"JupyterLab did not start:\n{self.log.read_text()[-3000:]}")

    def end_kernels(self):
        """End all kernels, so that no lesson takes memory and time from the next."""
        for session in self.ask("sessions"):
            self.ask(f"sessions/{session['id']}", "DELETE")


class Page:
    """JupyterLab in one browser page. `page` is Playwright's page, for mouse and keyboard."""

    def __init__(self, page, server):
        from playwright.sync_api import expect

        self.page = page
        self.server = server
        self.outside = []
        self.errors = []
        self.name = None
        page.set_default_timeout(1000 * SECONDS)
        expect.set_options(timeout=500 * SECONDS)
        page.add_init_script(WATCH)
        for event in ("request", "websocket"):
            page.on(event, self._note_request)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _note_request(self, request):
        here = self.server.address.partition("//")[2]
        if not request.url.startswith((f"http://{here}/", f"ws://{here}/", "data:", "blob:")):
            self.outside.append(request.url)

    def start(self):
        """Open the page that `make lab` opens."""
        self.page.goto(
            f"{self.server.address}/lab/tree/notebooks/00_start_here.ipynb?token={TOKEN}"
        )
        self.page.wait_for_function("() => window.jupyterapp")
        # JupyterLab opens the notebook late, and whatever was opened before loses its focus.
        self.page.wait_for_selector(".jp-NotebookPanel")
        self._show("00_start_here.ipynb")

    def do(self, script, argument=None):
        """Run JavaScript that knows `app`, the open notebook's `panel`, and `argument`."""
        return self.page.evaluate(
            f"""async argument => {{
              {WITHIN}
              const app = window.jupyterapp;
              const panel = window.opened;
              {script}
            }}""",
            argument,
        )

    def open(self, name):
        """Open a notebook in place of the one before; wait until its kernel can be asked."""
        self.close()
        self._show(name)

    def _show(self, name):
        self.name = name
        self.do(
            """
            const opened = await app.commands.execute(
              'docmanager:open', {path: `notebooks/${argument}`, factory: 'Notebook'});
            window.opened = opened;
            app.shell.activateById(opened.id);
            await within(`${argument} is read`, opened.context.ready);
            await within(`${argument} is shown`, opened.revealed);
            await within(`${argument} has a session`, opened.sessionContext.ready);
            const kernel = opened.sessionContext.session?.kernel;
            if (!kernel) throw new Error(`${argument} has no kernel`);
            await within(`the kernel of ${argument} answers`, kernel.info);
            """,
            name,
        )

    def run_all(self):
        """Do what the menu entry *Run All Cells* does, and wait until all have run."""
        # The command ends at an exception that the lesson asks for, though the cells below still
        # run. What the kernel is asked last it answers last, so all have run by then.
        self.do(
            """
            await within('the cells run', app.commands.execute('notebook:run-all-cells'));
            """
        )
        self.wait_for_kernel()

    def wait_for_kernel(self):
        """Wait until the kernel has run, and JupyterLab has read, all that was asked so far."""
        self.do(
            """
            const kernel = panel.sessionContext.session.kernel;
            await within('all cells have run', kernel.requestKernelInfo());
            """
        )

    def cell(self, number):
        """Scroll to a cell of the open notebook; return Playwright's locator of it."""
        self.do(
            """
            panel.content.activeCellIndex = argument;
            await within(`cell ${argument} is shown`,
              panel.content.scrollToItem(argument, 'center'));
            """,
            number,
        )
        return self.page.locator(f'[data-windowed-list-index="{number}"]')

    def type(self, number, text):
        """Type into a code cell, in place of what stands there."""
        self.cell(number).locator(".cm-content").click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(text)

    def run(self, number):
        """Run a code cell with Shift and Enter."""
        self.cell(number).locator(".cm-content").click()
        self.page.keyboard.press("Shift+Enter")

    def saved(self):
        """Save the open notebook; return it as it then lies on the disk."""
        name = self.do(
            "await within('the notebook is saved', panel.context.save());return panel.context.path;"
        )
        return json.loads((self.server.folder / name).read_text())

    def forget(self):
        """Forget what was noted so far."""
        self.page.evaluate("() => { window.questions = []; }")
        self.outside.clear()
        self.errors.clear()

    def asked(self):
        """Return the texts of all dialogs and toasts that were shown so far."""
        return self.page.evaluate("() => window.questions")

    def close(self):
        """Close the open notebook as it is, without a question, and end its kernel."""
        self.name = None
        self.do("panel?.dispose();")
        self.server.end_kernels()
        # What the page was asking the kernel meanwhile, it calls a cancelled future.
        self.forget()
