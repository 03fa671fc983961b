"""The site: no warning, no dead link, nothing from outside, and it can be read on a phone."""

import re
from pathlib import Path

import nbformat
import pytest

from tools import build_site, site_check

ROOT = Path(__file__).parent.parent
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def read(path):
    return nbformat.read(path, as_version=4)


class TestTheCheck:
    """It is shown a small site with one fault, and must name that fault."""

    def write(self, folder, body, style=""):
        (folder / "sub").mkdir(exist_ok=True)
        (folder / "sub" / "other.html").write_text('<p id="there">x</p>')
        (folder / "style.css").write_text(style)
        (folder / "index.html").write_text(f"<html><body>{body}</body></html>")
        return site_check.check(folder)

    def test_a_sound_site(self, tmp_path):
        body = (
            '<a href="sub/other.html#there">a</a> <a href="https://keras.io">outside, to read</a>'
            '<img src="data:image/png;base64,x" alt=""><a href="#">top</a><script src="style.css">'
        )
        style = "a { background: url(data:x) } b { background: url('sub/x.png') }"
        assert self.write(tmp_path, body, style) == (2, [])

    @pytest.mark.parametrize(
        ("body", "said"),
        [
            ('<a href="sub/none.html">a</a>', "sub/none.html leads to no file"),
            ('<a href="sub/">a</a>', "sub/ leads to no file"),
            ('<a href="sub/other.html#here">a</a>', "leads to no place on that page"),
            ('<a href="#here">a</a>', "#here leads to no place on that page"),
            ('<script src="https://cdn.example/x.js"></script>', "loads https://cdn.example/x.js"),
            ('<link href="//fonts.example/x.css">', "loads //fonts.example/x.css"),
            ('<style>@import "https://a.example/b"</style>', "loads https://a.example/b"),
            ('<p style="background: url(http://a.example/b)">', "loads http://a.example/b"),
            ('<img src="data:x">', "has a picture without alt text"),
            ('<img src="none.png" alt="">', "none.png leads to no file"),
        ],
    )
    def test_a_fault_is_named(self, tmp_path, body, said):
        _, (line,) = self.write(tmp_path, body)
        assert line.startswith("index.html: ")
        assert said in line

    def test_decks_are_left_to_their_own_tests(self, tmp_path):
        (tmp_path / "slides").mkdir()
        (tmp_path / "slides" / "theme.css").write_text("@import 'https://a.example/f.css'")
        (tmp_path / "slides" / "01.slides.html").write_text('<a href="none.html">a</a>')
        body = '<a href="slides/01.slides.html">a</a>'
        assert self.write(tmp_path, body) == (2, [])

    def test_a_style_sheet_that_loads_from_outside(self, tmp_path):
        _, (line,) = self.write(tmp_path, "", "@font-face { src: url(https://a.example/f.woff2) }")
        assert line == "style.css: loads https://a.example/f.woff2"


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_what_jupyterlab_folds_is_folded(path):
    lesson = build_site.lesson_for_site(read(path), path.stem, deck=False)
    for cell in lesson.cells:
        hidden = cell.metadata.get("jupyter", {})
        tags = set(cell.metadata.get("tags", []))
        assert bool(hidden.get("outputs_hidden")) == bool(tags & {"hide-output", "hide-cell"})
        assert bool(hidden.get("source_hidden")) == bool(tags & {"hide-input", "hide-cell"})


def test_a_deck_is_linked_if_it_was_built():
    for deck in (True, False):
        lesson = build_site.lesson_for_site(read(LESSONS[1]), LESSONS[1].stem, deck)
        assert (f"../slides/{LESSONS[1].stem}.slides.html" in lesson.cells[1].source) == deck
        assert f"<{LESSONS[1].name}>" in lesson.cells[1].source


def test_the_first_picture_is_the_one_that_lesson_00_stores():
    lesson = read(LESSONS[0])
    png, alt, width = build_site.first_picture(lesson)
    assert png.startswith(b"\x89PNG")
    assert "with the flag" in alt
    assert width > 300
    for cell in lesson.cells:
        cell.source = cell.source.replace(build_site.CURVES, "draw(")
    with pytest.raises(LookupError, match="it has 0"):
        build_site.first_picture(lesson)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built anew."""
    pytest.importorskip("furo", reason="the site's theme is not installed: make .venv")
    return build_site.build(tmp_path_factory.mktemp("site"))


def test_every_link_leads_somewhere_and_nothing_comes_from_outside(site):
    pages, trouble = site_check.check(site)
    assert trouble == []
    assert pages > len(LESSONS) + 10


def test_every_lesson_is_there_with_its_download(site):
    start = (site / "index.html").read_text()
    for path in LESSONS:
        assert f"notebooks/{path.stem}.html" in start
        (download,) = (site / "_downloads").glob(f"*/{path.name}")
        assert download.read_bytes() == path.read_bytes()
        page = (site / "notebooks" / f"{path.stem}.html").read_text()
        assert download.parent.name in page
        # Each picture with the words that stand in for it.
        outputs = [output for cell in read(path).cells for output in cell.get("outputs", [])]
        alts = [o.metadata["image/png"]["alt"] for o in outputs if "image/png" in o.get("data", {})]
        shown = [alt for alt in site_check.Page(page).images if alt]
        assert shown == [" ".join(alt.split()) for alt in alts]


def test_no_formula_is_left_as_it_was_typed(site):
    page = (site / "notebooks" / "05_masked_loss.html").read_text()
    assert page.count("<math") >= 5
    assert not re.findall(r"\\frac|\$\$", re.sub(r"<annotation.*?</annotation>", "", page))


def test_every_name_of_the_package_is_described(site):
    import course_lib

    html = (site / "api.html").read_text()
    assert "Alias for field" not in html, "a field's docstring was written by Python"
    page = site_check.Page(html)
    for name in course_lib.__all__:
        assert f"course_lib.{course_lib._HOME[name]}.{name}" in page.names


@pytest.fixture
def page(browser):
    """A phone's page that notes what it would fetch from the network, and what goes wrong."""
    opened = browser.new_page(viewport={"width": 390, "height": 844})
    opened.trouble = []

    def refuse(route):
        opened.trouble.append(f"asks for {route.request.url}")
        route.abort()

    opened.route(re.compile("^(https?|wss?):"), refuse)
    opened.on("pageerror", lambda error: opened.trouble.append(str(error)))
    opened.on("console", lambda said: said.type == "error" and opened.trouble.append(said.text))
    opened.on("requestfailed", lambda request: opened.trouble.append(f"no {request.url}"))
    yield opened
    opened.close()


@pytest.mark.browser
def test_every_page_opens_from_disk_and_fits_a_phone(site, page):
    wide = []
    for path in site_check.own(site, "*.html"):
        page.goto(path.as_uri())
        over = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        wide += [f"{path.name}: {over} px too wide"] if over > 0 else []
    assert page.trouble == []
    assert wide == []


@pytest.mark.browser
def test_on_a_phone_a_row_of_a_wide_table_is_a_card(site, page):
    page.goto((site / "docs" / "layers.html").as_uri())
    cells = page.locator("table", has_text="leaks in training").locator("tr", has_text="GRU").first
    last = cells.locator("td").last
    assert last.bounding_box()["x"] + last.bounding_box()["width"] <= 390
    named = "cell => getComputedStyle(cell, '::before').content"
    assert last.evaluate(named) == '"leaks in training: "'


@pytest.mark.browser
def test_an_answer_is_seen_when_it_is_unfolded(site, page):
    from playwright.sync_api import expect

    page.goto((site / "notebooks" / "01_padding.html").as_uri())
    folded = page.locator("details.hide").filter(has_text="711").first
    answer = folded.locator(".cell_output")
    question = page.locator("details", has=page.locator("summary", has_text="Answer")).first
    expect(question.locator("p").first).to_be_hidden()
    question.locator("summary").click()
    expect(question.locator("p").first).to_be_visible()
    expect(answer).to_be_hidden()
    folded.locator("summary").first.click()
    expect(answer).to_be_visible()


@pytest.mark.browser
def test_the_search_finds_a_lesson(site, page):
    from playwright.sync_api import expect

    page.goto((site / "search.html").as_uri() + "?q=bidirectional")
    found = page.locator("#search-results li a")
    expect(found.filter(has_text="LSTM’s state over masked steps")).to_have_count(1)
    assert page.trouble == []


CONTRAST = """where => {
  const light = colour => {
    const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map(Number)
      .map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = node => {
    for (let one = node; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor;
      if (!/, 0\\)$|transparent/.test(colour)) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  return [...document.querySelectorAll(where)]
    .filter(node => node.innerText?.trim() && node.checkVisibility())
    .map(node => {
      const [a, b] = [light(getComputedStyle(node).color), light(behind(node))];
      const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      return [ratio, node.innerText.slice(0, 40)];
    }).sort((a, b) => a[0] - b[0])[0];
}"""


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_code_can_be_read(site, page, scheme):
    page.emulate_media(color_scheme=scheme)
    seen = set()
    for name in ("index", "notebooks/05_masked_loss", "docs/claims", "api"):
        page.goto((site / f"{name}.html").as_uri())
        seen.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        ratio, text = page.evaluate(
            CONTRAST, "article p, article a, article td, article code, pre span"
        )
        assert ratio >= 4.5, f"{name}, {scheme}: {text!r} has {ratio:.1f} : 1"
    (background,) = seen
    assert (max(map(int, re.findall(r"\d+", background)[:3])) > 128) == (scheme == "light")
