"""A talk is read from the cells: where each goes, what waits for a key, what stays out."""

import nbformat
import pytest

pytest.importorskip("hypothesis", reason="the properties need Hypothesis: `make .venv` installs it")

from hypothesis import given
from hypothesis import strategies as st

from course_lib.exercises._exercise import all_exercises
from tools import run_notebooks
from tools.talk import is_talk, slides_of
from tools.talk_text import html, text_parts

ASKED = """## Is it?

The weights are multiplied. *Predict: what is `x`? The mean (a) over all steps, (b) over two.*

<details><summary>Answer</summary>

(b), of course.

</details>

The rest."""
SHOWN = (
    "<details><summary>What it shows</summary>\n\n**Claim 5.1.** It is so.\n\nText.\n\n</details>"
)


def markdown(text, place="-", **talk):
    metadata = {"slideshow": {"slide_type": place}} | ({"talk": talk} if talk else {})
    return nbformat.v4.new_markdown_cell(text, metadata=metadata)


def code(source, *outputs, place="-", **talk):
    cell = nbformat.v4.new_code_cell(source, outputs=list(outputs))
    cell.metadata.update(markdown("", place, **talk).metadata)
    return cell


def shown(text, **metadata):
    return nbformat.v4.new_output("display_data", {"text/plain": text}, metadata=metadata)


def talk(*cells):
    return slides_of(nbformat.v4.new_notebook(cells=list(cells)))


def kinds(slide):
    return [(part.kind, part.press) for part in slide.parts]


@given(st.lists(st.sampled_from(["slide", "fragment", "-", "skip", "notes"])))
def test_each_cell_is_on_the_slide_that_began_before_it(places):
    cells = [markdown(f"cell {n}.", place) for n, place in enumerate(places)]
    slides = talk(*cells)
    expected = []
    for n, place in enumerate(places):
        if place == "slide":
            expected.append([])
        if expected and place in ("slide", "fragment", "-"):
            expected[-1].append(f"<p>cell {n}.</p>")
    assert [[part.html for part in slide.parts] for slide in slides] == expected
    waiting = [part.press for slide in slides for part in slide.parts]
    kept = (
        [place for place in places[places.index("slide") :] if place in ("slide", "fragment", "-")]
        if slides
        else []
    )
    assert waiting == [place == "fragment" for place in kept]


def test_a_question_and_its_answer():
    (slide,) = talk(markdown(ASKED, "slide", title="One of two", notes=["Say it."]))
    assert (slide.title, slide.kind, slide.label) == ("One of two", "first", "Predict")
    assert kinds(slide) == [("text", False), ("question", False), ("answer", True), ("text", False)]
    assert "<li><b>b</b> <span>over two</span></li>" in slide.parts[1].html
    assert slide.parts[1].html.startswith("<p>What is <code>x</code>? The mean</p>")


def test_text_of_the_slide_replaces_the_text_of_the_lesson():
    assert [part.kind for part in text_parts(ASKED, "", False)] == ["question", "answer"]
    first, *_ = text_parts(ASKED, "For the room.", False)
    assert first.html == "<p>For the room.</p>"
    (group,) = text_parts(SHOWN, "For the room.", True)
    assert group.press
    assert group.html.index("It is so.") < group.html.index("For the room.")
    assert "Text." not in group.html


def test_what_a_run_shows_comes_at_one_press():
    _, slide = talk(markdown("# A", "slide"), markdown("", "slide"))
    assert kinds(slide) == []
    (slide,) = talk(markdown("# A", "slide"), markdown(SHOWN, "fragment"))
    assert kinds(slide) == [("group", True)]
    assert "<b>5.1</b> It is so." in slide.parts[0].html


def test_code_and_its_output_come_one_after_the_other():
    cells = [code("x", shown("1")), code("y", shown("2"), place="fragment", show="output")]
    (slide,) = talk(markdown("# A", "slide"), *cells, code("z", shown("3"), show="code"))
    assert kinds(slide) == [("code", False), ("output", True), ("output", True), ("code", False)]


def test_outputs_without_anything_to_see_are_left_out():
    error = nbformat.v4.new_output(
        "error", ename="ValueError", evalue="not \x1b[31m2\x1b[0m", traceback=["long"]
    )
    (slide,) = talk(markdown("# A", "slide"), code("x", shown(" \n"), error))
    assert [part.kind for part in slide.parts] == ["code", "error"]
    assert slide.parts[1].html == "<pre>ValueError: not 2</pre>"


def test_a_picture_keeps_its_words():
    output = nbformat.v4.new_output(
        "display_data",
        {"image/png": "iVBO"},
        metadata={"image/png": {"alt": 'a "mask"', "width": 5}},
    )
    (slide,) = talk(markdown("# A", "slide"), code("x", output, show="output"))
    assert slide.parts[0].html == (
        '<img src="data:image/png;base64,iVBO" alt="a &quot;mask&quot;" width="5">'
    )


@pytest.mark.parametrize("exercise", all_exercises(), ids=lambda one: one.id)
def test_an_exercise_is_one_slide(exercise):
    cell = markdown(f"**Exercise {exercise.id}. Old words** (easy)", "slide", notes=["Begin."])
    (slide,) = talk(cell)
    assert slide.title == f"{exercise.id} {exercise.title}"
    assert slide.label.startswith(f"Exercise, {exercise.minutes} minute")
    assert [part.html for part in slide.parts] == [html(exercise.task)]
    notes = "\n".join(slide.notes)
    assert notes.startswith("Begin.")
    assert all(wrong.question in notes for wrong in exercise.wrong)
    assert all(hint in notes for hint in exercise.hints)


def test_links_lead_to_a_deck_or_the_web():
    assert 'href="05_masked_loss.slides.html"' in html("[five](05_masked_loss.ipynb#end)")
    assert html("[a page](../docs/wild.md)") == "<p><span>a page</span></p>"
    assert html("[none](77_none.ipynb)") == "<p><span>none</span></p>"
    assert 'href="https://keras.io"' in html("[web](https://keras.io)")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"titel": "A"}, r"may have \['notes', 'show', 'text', 'title'\], got \['titel'\]"),
        ({"notes": "Say it."}, "notes .* must be a list of paragraphs, got 'Say it.'"),
        ({"show": "none"}, "show .* must be both, code or output, got 'none'"),
    ],
)
def test_a_slip_in_the_metadata_is_named(wrong, message):
    with pytest.raises(ValueError, match=message):
        talk(markdown("# A", "slide", **wrong))


def test_a_run_keeps_the_talk(tmp_path):
    told = {"title": "It is 4", "notes": ["Say it."]}
    notebook = nbformat.v4.new_notebook(
        cells=[
            markdown("*Predict: how many?*", "slide", **told),
            code("2 + 2", place="slide", **told),
        ]
    )
    path = tmp_path / "99_small.ipynb"
    nbformat.write(notebook, path)
    assert run_notebooks.run(path)
    again = nbformat.read(path, as_version=4)
    assert is_talk(again)
    assert [cell.metadata["talk"] for cell in again.cells] == [told, told]
    assert slides_of(again)[1].parts[-1].html == "<pre>4</pre>"
