"""Print decks with Chromium: a page for every slide, and a handout of slides with their notes."""

import re

from tools.programs import program
from tools.slides_render import render

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
SLIDE = {"width": "1280px", "height": "720px"}
A4 = {"format": "A4", "margin": dict.fromkeys(("top", "bottom", "left", "right"), "14mm")}
SET = (
    "window.MathJax && MathJax.isReady && new Promise(done => MathJax.Hub.Queue(() => done(true)))"
)


def write_pdfs(paths, folder):
    """Print the talks of the notebooks at `paths` into `folder`, where the decks' assets are.

    Yields:
        `(path, pages)` of each PDF: of the slides, then of the handout.
    """
    chromium = program("chromium", "chromium-browser", use="PDFs are printed by")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for path in paths:
            yield from print_talk(browser, path, folder)
        browser.close()


def print_talk(browser, path, folder):
    """Print slides and handout of one notebook; yield (path, pages) of each."""
    for name, notes, paper in (("slides", False, SLIDE), ("handout", True, A4)):
        source = folder / f"{path.stem}.{name}.print.html"
        source.write_text(render(path, "pages.html.j2", notes=notes), encoding="utf-8")
        page = browser.new_page()
        page.goto(source.as_uri())
        page.wait_for_function(SET)
        printed = folder / f"{path.stem}.{name}.pdf"
        made = page.pdf(path=printed, print_background=True, **paper)
        page.close()
        source.unlink()
        yield printed, len(re.findall(rb"/Type\s*/Page\b", made))
