"""The decks: nothing is fetched, every slide can be reached, its maths is set, and it fits."""

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest

from tools import slides

ROOT = Path(__file__).parent.parent
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))

SMALL = [
    ("slide", "# Carry the state\n\nIt is $h_t = h_{t-1}$ where $m_t = 0$."),
    (
        "subslide",
        "**Predict.** What stands there?\n\n<details><summary>Answer</summary>\n\n"
        "The *previous* output.\n\n</details>\n\n"
        "[next](02_embedding_mask_zero.ipynb#end), [home](https://keras.io)",
    ),
    ("fragment", "$$\\frac{\\sum_t m_t v_t}{\\sum_t m_t}$$"),
    ("notes", "Ask before you run it."),
    ("skip", "Not on a slide."),
    ("slide", "```mermaid\ngraph LR\n```\n\n![a mask](attachment:mask.png)"),
]


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A notebook with one of everything."""
    cells = []
    for place, text in SMALL:
        cell = nbformat.v4.new_markdown_cell(text, metadata={"slideshow": {"slide_type": place}})
        cells.append(cell)
    cells[-1].attachments = {"mask.png": {"image/png": "iVBORw0KGgo="}}
    output = nbformat.v4.new_output("execute_result", {"text/plain": "4"}, execution_count=1)
    code = nbformat.v4.new_code_cell("2 + 2", execution_count=1, outputs=[output])
    code.metadata["slideshow"] = {"slide_type": "-"}
    path = tmp_path_factory.mktemp("notebooks") / "99_small.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[*cells, code]), path)
    return path


URL = re.compile(r"""url\(["']?([^"')]*)""")


class References(HTMLParser):
    """What a page loads by itself, and where its links lead."""

    def __init__(self, html):
        super().__init__()
        self.loaded, self.links, self.script, self.tags, self.alts = [], [], "", [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.append(tag)
        if tag == "img":
            self.alts.append(attrs.get("alt"))
        if tag == "a":
            self.links.append(attrs.get("href", ""))
        else:
            self.loaded += [
                attrs[name] for name in ("src", "href", "data", "poster") if name in attrs
            ]
        self.loaded += URL.findall(attrs.get("style", ""))

    def handle_data(self, data):
        if self.tags and self.tags[-1] == "script":
            self.script += data
        elif self.tags and self.tags[-1] == "style":
            self.loaded += URL.findall(data) + re.findall("@import[^;]*", data)


QUOTED = re.compile(r"""["'`](?:https?:)?//[^"'`]+""")


def fetched(references):
    """What is not in the page, and does not lie beside it."""
    return [
        address for address in references.loaded if not address.startswith(("assets/", "data:"))
    ]


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_deck_asks_the_network_for_nothing(path, tmp_path):
    references = References(slides.write_deck(path, tmp_path).read_text())
    assert fetched(references) == []
    assert QUOTED.findall(references.script) == []
    assert not [link for link in references.links if link.endswith(".ipynb")]
    cells = nbformat.read(path, as_version=4).cells
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    pictures = [
        output.metadata["image/png"] for output in outputs if "image/png" in output.get("data", {})
    ]
    assert references.alts == [picture["alt"] for picture in pictures]


def test_the_small_deck(small, tmp_path):
    html = slides.write_deck(small, tmp_path).read_text()
    references = References(html)
    assert fetched(references) == []
    assert QUOTED.findall(references.script) == []
    assert "import mermaid" not in html
    assert "<title>Carry the state slides</title>" in html
    assert "02_embedding_mask_zero.slides.html#end" in references.links
    assert "https://keras.io" in references.links
    assert '<aside class="notes">' in html
    assert "Not on a slide." not in html


def test_the_check_would_see_what_nbconvert_fetches(small):
    """nbconvert's own deck asks the network; the check above must find that."""
    from nbconvert import SlidesExporter

    html, _ = SlidesExporter().from_filename(str(small))
    references = References(html)
    assert len(fetched(references)) >= 4
    assert len(QUOTED.findall(references.script)) >= 2


def test_npm_packages_are_locked_without_addresses():
    import json

    wanted = json.loads((ROOT / "package.json").read_text())["dependencies"]
    locked = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())
    for name, version in wanted.items():
        assert locked[f"node_modules/{name}"]["version"] == version
        assert locked[f"node_modules/{name}"]["integrity"].startswith("sha512-")
    assert '"resolved"' not in (ROOT / "package-lock.json").read_text()


def test_without_npm_it_says_so(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match="need npm, which is not installed"):
        slides.install()


def test_an_unknown_lesson_is_named():
    with pytest.raises(SystemExit, match="no notebook in notebooks/ starts with '98'"):
        slides.main("98")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with what the decks read."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed (Debian: apt install npm)")
    slides.install()
    made = tmp_path_factory.mktemp("slides")
    slides.copy_assets(made)
    return made


@pytest.fixture
def page(browser):
    """A page that writes down what it would fetch from the network, and refuses it."""
    opened = browser.new_page(viewport={"width": 1280, "height": 720})
    opened.fetched, opened.errors = [], []

    def refuse(route):
        opened.fetched.append(route.request.url)
        route.abort()

    opened.route(re.compile("^(https?|wss?):"), refuse)
    opened.on("pageerror", lambda error: opened.errors.append(str(error)))
    opened.on(
        "console", lambda said: opened.errors.append(said.text) if said.type == "error" else 0
    )
    opened.on("requestfailed", lambda request: opened.errors.append(f"no {request.url}"))
    yield opened
    opened.close()


READY = "window.Reveal && Reveal.isReady() && window.MathJax && MathJax.isReady"
# From the first slide to the last: what does not fit, and what formula is not set.
WALK = """async () => {
  const settled = () => new Promise(done => MathJax.Hub.Queue(done));
  const seen = [];
  Reveal.slide(0, 0);
  for (;;) {
    await settled();
    const slide = Reveal.getCurrentSlide();
    const heading = [...slide.querySelectorAll("h1, h2, h3")].map(h => h.firstChild.textContent);
    const tex = [...slide.querySelectorAll("script[type^='math/tex']")];
    const text = document.createTreeWalker(slide, NodeFilter.SHOW_TEXT);
    let raw = "";
    while (text.nextNode()) {
      const node = text.currentNode;
      if (!node.parentElement.closest("script, pre, code, .mjx-chtml")) raw += node.data;
    }
    seen.push({
      place: Object.values(Reveal.getIndices()).slice(0, 2).map(n => n + 1).join("."),
      heading: heading[0] || slide.innerText.trim().slice(0, 50),
      down: slide.scrollHeight - slide.clientHeight,
      right: Math.max(...[slide, ...slide.querySelectorAll("pre, code, .jp-OutputArea-output")]
        .map(part => part.clientWidth ? part.scrollWidth - part.clientWidth : 0)),
      set: tex.filter(script => script.previousElementSibling?.matches(".mjx-chtml")).length,
      formulas: tex.length,
      raw: (raw.match(/\\$[^$\\s][^$]*\\$|\\\\\\(/) || [""])[0],
      bare: [...slide.querySelectorAll("details")].filter(part => part.children.length < 2).length,
      open: slide.querySelectorAll("details[open]").length,
      height: Math.min(...[...slide.querySelectorAll(".mjx-chtml")]
        .filter(jax => jax.offsetParent).map(jax => jax.offsetHeight)),
    });
    while (Reveal.availableFragments().next) Reveal.nextFragment();
    const before = JSON.stringify(Reveal.getIndices());
    Reveal.next();
    if (JSON.stringify(Reveal.getIndices()) === before) return seen;
  }
}"""


def walk(page, deck):
    page.goto(deck.as_uri())
    page.wait_for_function(READY)
    return page.evaluate(WALK)


@pytest.mark.browser
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_a_lesson_can_be_presented_offline(page, folder, path):
    seen = walk(page, slides.write_deck(path, folder))
    assert page.fetched == []
    assert page.errors == []
    assert len(seen) == page.evaluate("Reveal.getTotalSlides()") > 1
    assert [slide for slide in seen if slide["set"] < slide["formulas"] or slide["raw"]] == []
    assert [slide for slide in seen if slide["open"] or slide["bare"]] == [], "an answer is shown"
    too_large = [
        f"{path.stem}, slide {slide['place']} ({slide['heading']}): "
        f"{slide['down']} px too high, {slide['right']} px too wide"
        for slide in seen
        if slide["down"] > 0 or slide["right"] > 0
    ]
    assert not too_large, "slides that do not fit:\n" + "\n".join(too_large)


@pytest.mark.browser
def test_the_small_deck_in_a_browser(page, folder, small):
    seen = walk(page, slides.write_deck(small, folder))
    assert page.fetched == []
    assert [(slide["set"], slide["formulas"]) for slide in seen] == [(2, 2), (1, 1), (0, 0)]
    assert all(slide["height"] > 5 for slide in seen[:2])
    # Notes are not shown, and an answer unfolds.
    page.evaluate("Reveal.slide(0, 1)")
    answer = page.locator("details em")
    assert not answer.is_visible()
    page.locator("summary").click()
    assert answer.is_visible()
    assert not page.get_by_text("Ask before you run it.").is_visible()


@pytest.mark.browser
def test_keys_lead_through_the_deck(page, folder, small):
    walk(page, slides.write_deck(small, folder))
    page.evaluate("Reveal.slide(0, 0)")
    places = []
    # The second slide has a fragment, which a key unfolds before the next one leads on.
    for key in ("ArrowDown", "ArrowRight", "ArrowRight", "p", "Space"):
        page.keyboard.press(key)
        places.append(page.evaluate("[Reveal.getIndices().h, Reveal.getIndices().v]"))
    assert places == [[0, 1], [0, 1], [1, 0], [0, 1], [1, 0]]


@pytest.mark.browser
def test_a_slide_that_is_too_tall_is_seen(page, folder, tmp_path):
    long = nbformat.v4.new_markdown_cell("\n\n".join(f"Line {line}" for line in range(60)))
    wide = nbformat.v4.new_code_cell("x = [" + 60 * "12345, " + "]")
    for cell in (long, wide):
        cell.metadata["slideshow"] = {"slide_type": "slide"}
    path = tmp_path / "98_long.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[long, wide]), path)
    first, second = walk(page, slides.write_deck(path, folder))
    assert first["down"] > 300
    assert second["right"] > 300
