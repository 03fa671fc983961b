"""Fixtures that every test may ask for."""

import os
import shutil
import sys

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


# The files that take longest, in a browser. They begin, so that no worker ends alone with one.
LONGEST = ["test_lab", "test_slides", "test_site"]


def pytest_collection_modifyitems(items):
    """Put the longest files first; the order within a file stays."""
    items.sort(key=lambda item: [*LONGEST, item.path.stem].index(item.path.stem))


@pytest.fixture(autouse=True)
def _one_seed():
    """Draw weights alike, whatever ran before on this worker; `SEED=1 make test` draws others."""
    if "keras" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(int(os.environ.get("SEED", "0")))


@pytest.fixture(scope="session")
def keras():
    """Keras; a test that asks for it is skipped where Keras is not installed."""
    return pytest.importorskip("keras", reason="Keras is not installed: `make .venv` installs it")


@pytest.fixture(scope="module")
def browser():
    """One Chromium for a file of tests; they are skipped where it is not installed."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed (Debian: apt install chromium)")
    api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()
