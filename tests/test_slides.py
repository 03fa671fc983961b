"""The decks: talks of 12 to 25 slides with notes, which fit, can be read, and open offline."""

import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest

from tests.deck_in_browser import MEASURE, SETTLED, WALK, faults, show, watched
from tests.test_teaching import timetable
from tools import slides, slides_print
from tools.talk import is_talk, slides_of

ROOT = Path(__file__).parent.parent
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
# Lessons whose talk is not written: their decks are the cells, and are called so. Only shrinks.
NOT_YET: set[str] = set()
TALKS = [path for path in LESSONS if path.stem not in NOT_YET]
DAY = "\n".join(rest for _, _, rest in timetable("One day"))
IN_A_DAY = set(re.findall(r"\b\d+\.\d\b", DAY))
each_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
each_talk = pytest.mark.parametrize("path", TALKS, ids=lambda path: path.stem)
URL = re.compile(r"""url\(["']?([^"')]*)""")
QUOTED = re.compile(r"""["'`](?:https?:)?//[^"'`]+""")


class References(HTMLParser):
    """What a page loads by itself, and where its links lead."""

    def __init__(self, html):
        super().__init__()
        self.loaded, self.links, self.script, self.tag, self.alts = [], [], "", "", []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tag = tag
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
        if self.tag == "script":
            self.script += data
        elif self.tag == "style":
            self.loaded += URL.findall(data) + re.findall("@import[^;]*", data)


def fetched(references):
    """What is not in the page, and does not lie beside it."""
    return [
        address for address in references.loaded if not address.startswith(("assets/", "data:"))
    ]


def read(path):
    return nbformat.read(path, as_version=4)


def test_the_list_of_lessons_without_a_talk_is_right():
    without = {path.stem for path in LESSONS if not is_talk(read(path))}
    assert without <= NOT_YET, "a lesson has a talk (CONTRIBUTING.md, *Write a talk*)"
    assert not {path.stem for path in LESSONS} - without & NOT_YET, "take it off the list"


@each_lesson
def test_a_deck_asks_the_network_for_nothing(path, tmp_path):
    html = slides.write_deck(path, tmp_path).read_text()
    references = References(html)
    assert fetched(references) == []
    assert QUOTED.findall(references.script) == []
    decks = {f"{lesson.stem}.slides.html" for lesson in LESSONS}
    assert {link for link in references.links if not link.startswith("https://")} <= decks
    assert all(references.alts)
    assert (": its cells, not a talk yet" in html) == (path.stem in NOT_YET)


def test_the_check_would_see_what_nbconvert_fetches():
    """nbconvert's own deck asks the network; the check above must find that."""
    from nbconvert import SlidesExporter

    html, _ = SlidesExporter().from_filename(str(LESSONS[0]))
    references = References(html)
    assert len(fetched(references)) >= 4
    assert len(QUOTED.findall(references.script)) >= 2


@each_talk
def test_a_talk_has_titles_and_notes(path):
    made = slides_of(read(path))
    assert 12 <= len(made) <= 25
    for slide in made:
        assert slide.title, "a slide has a title"
        # An exercise keeps the name that the lesson gives it, which may ask something.
        states = slide.kind == "exercise" or not slide.title.endswith("?")
        assert states, f"{slide.title}: a title states its point"
        assert len(" ".join(slide.notes).split()) >= 20, f"{slide.title}: what do you say?"
        assert "$" not in " ".join(slide.notes), f"{slide.title}: the speaker view sets no maths"
    own = [s.title.split()[0] for s in made if re.match(r"Exercise, \d+ minutes?$", s.label)]
    assert own
    # What the guide's day has time for is on a slide.
    assert {n for n in IN_A_DAY if n.split(".")[0] == str(int(path.stem[:2]))} <= set(own)


@each_talk
def test_a_question_is_not_answered_on_sight(path):
    for slide in slides_of(read(path)):
        kinds = [part.kind for part in slide.parts]
        if "question" in kinds or "<ol" in "".join(part.html for part in slide.parts):
            assert not {"output", "claim", "picture"} & set(kinds), slide.title
        assert all(part.press for part in slide.parts if part.kind == "answer")
        # A question ends its paragraph; else it would be text, with its word for a reader.
        assert not any("<em>Predict" in part.html for part in slide.parts), slide.title


@each_talk
def test_a_talk_shows_no_cells_of_exercises(path):
    cells = read(path).cells
    html = "".join(part.html for slide in slides_of(read(path)) for part in slide.parts)
    assert "ttempted yet" not in html
    assert not [cell.id for cell in cells if cell.metadata.slideshow.slide_type == "subslide"]
    assert not [cell.id for cell in cells if "talk" in cell.metadata and is_skipped(cell)]


def is_skipped(cell):
    return cell.metadata.slideshow.slide_type == "skip"


def test_the_map_of_the_first_talk_names_every_lesson():
    (shown,) = [s for s in slides_of(read(LESSONS[0])) if s.title == "The lessons follow the mask"]
    html = "".join(part.html for part in shown.parts)
    runs = re.findall(r"<strong>(\d\d)(?: (?:to|and) (\d\d))?\.</strong>", html)
    named = [n for first, last in runs for n in range(int(first), int(last or first) + 1)]
    assert named == [int(path.stem[:2]) for path in LESSONS[1:]]


def test_npm_packages_are_locked_without_addresses():
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


def test_without_chromium_it_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(SystemExit, match="chromium, which is not installed"):
        list(slides_print.write_pdfs(LESSONS[:1], tmp_path))


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
    opened = watched(browser)
    yield opened
    opened.close()


@pytest.mark.browser
@each_talk
def test_a_talk_can_be_given_offline(page, folder, path):
    show(page, slides.write_deck(path, folder))
    assert page.evaluate("document.querySelectorAll('section section').length") == 0
    told = []
    for width, height in ((1280, 720), (1024, 768)):
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate("Reveal.layout()")
        for theme in ("light", "dark"):
            page.evaluate(f"document.documentElement.style.colorScheme = '{theme}'")
            seen = page.evaluate(MEASURE)
            told += [f"{width} px, {theme}, {fault}" for slide in seen for fault in faults(slide)]
    assert len(seen) == len(slides_of(read(path))) == page.evaluate("Reveal.getTotalSlides()")
    presses = page.evaluate(WALK)
    fragments = page.evaluate("document.querySelectorAll('.fragment').length")
    assert len(presses) == len(seen) + fragments, "one press, one step forward"
    assert sum(view["hidden"] for view in presses) >= fragments, "what waits is not seen before"
    assert not told, f"{path.stem}:\n" + "\n".join(dict.fromkeys(told))
    assert (page.fetched, page.errors) == ([], [])


# All talks are printed in one way; these have formulas, wide tables and the largest pictures.
@pytest.mark.browser
@pytest.mark.parametrize("path", [one for one in TALKS if one.stem[:2] in {"05", "07", "10"}])
def test_a_talk_on_paper_has_a_page_for_every_slide(browser, folder, path):
    slides_on_paper, handout = slides_print.print_talk(browser, path, folder)
    assert slides_on_paper[1] == len(slides_of(read(path)))
    assert 0 < handout[1] < slides_on_paper[1]


SMALL = [
    ("slide", "# Carry the state\n\nIt is $h_t = h_{t-1}$ where $m_t = 0$.", {}),
    (
        "slide",
        "## Is it?\n\n*Predict: what is there? (a) one, (b) two.*\n\n<details><summary>Answer"
        "</summary>\n\nThe *previous* output, $\\frac{\\sum_t m_t v_t}{\\sum_t m_t}$.\n\n</details>"
        "\n\n[next](02_embedding_mask_zero.ipynb#end), [a page](../docs/wild.md)",
        {"title": "There is one", "notes": ["Ask before you run it."]},
    ),
    ("skip", "Not on a slide.", {}),
]


def small_deck(folder, cells):
    """Write a deck of Markdown cells: (place, text, talk)."""
    made = [
        nbformat.v4.new_markdown_cell(
            text, metadata={"slideshow": {"slide_type": place}, **({"talk": talk} if talk else {})}
        )
        for place, text, talk in cells
    ]
    path = folder / "99_small.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=made), path)
    return slides.write_deck(path, folder)


@pytest.mark.browser
def test_keys_and_buttons_lead_through_a_deck(page, folder):
    show(page, small_deck(folder, SMALL))
    answer = page.locator(".answer em")
    where = "[Reveal.getIndices().h, document.querySelectorAll('.fragment.visible').length]"
    seen = []
    # A clicker sends PageDown and PageUp.
    for key in ("PageDown", "PageDown", "PageUp", "PageUp", "ArrowRight"):
        page.keyboard.press(key)
        seen.append(page.evaluate(where))
    assert seen == [[1, 0], [1, 1], [1, 0], [0, 0], [1, 0]]
    assert not answer.is_visible()
    page.locator("section.present [data-turn=next]").click()
    assert answer.is_visible()
    page.keyboard.press("d")
    assert page.evaluate("document.documentElement.style.colorScheme") == "dark"
    assert [(slide["set"], slide["formulas"]) for slide in page.evaluate(MEASURE)] == [
        (2, 2),
        (1, 1),
    ]
    assert not page.get_by_text("Not on a slide.").count()


@pytest.mark.browser
def test_letters_grow_until_the_slide_is_full(page, folder):
    short, lines = "One line.", "\n\n".join(f"Line {line}" for line in range(5))
    wide = f"Text.\n\n```python\n{'x = 1; ' * 12}\n```"
    show(
        page, small_deck(folder, [("slide", text, {}) for text in (short, lines, lines * 2, wide)])
    )
    sizes = page.evaluate("""[...document.querySelectorAll(".part")].map(part =>
      Math.round(part.currentCSSZoom * parseFloat(getComputedStyle(part).fontSize)))""")
    assert sizes[0] == sizes[1] == 35
    assert 31 <= sizes[2] < 35
    assert sizes[3] < 35, "code may not be cut off at the right"
    assert not any(slide["down"] or slide["right"] for slide in page.evaluate(MEASURE))


@pytest.mark.browser
def test_the_speaker_view_opens_from_disk(page, folder):
    show(page, small_deck(folder, SMALL))
    page.keyboard.press("PageDown")
    with page.expect_popup() as opened:
        page.keyboard.press("s")
    speaker = opened.value
    speaker.get_by_text("Ask before you run it.").wait_for(timeout=20_000)
    assert page.errors == []


@pytest.mark.browser
def test_the_checks_see_a_bad_slide(page, folder):
    """Too high, too wide, too small, too pale, no notes, a request: each is found."""
    tall = "\n\n".join(f"Line {line}" for line in range(60))
    bad = '<span style="font-size: 15px; color: #999">pale</span><img src="http://a.test/b.png">'
    wide = f"```python\nx = [{60 * '12345, '}]\n```"
    show(page, small_deck(folder, [("slide", text, {}) for text in (tall, wide, bad, SMALL[0][1])]))
    page.evaluate(SETTLED)
    high, broad, pale, fine = (" ".join(faults(slide)) for slide in page.evaluate(MEASURE))
    assert "px too high" in high
    assert "px too wide" in broad
    assert "small text" in pale
    assert "pale text" in pale
    assert "without alt text" in pale
    assert page.fetched == ["http://a.test/b.png"]
    assert page.errors
    assert "no notes" in fine
    assert not re.search("too|small|pale|formula|cover|window", fine)
