"""The picture of sentences × versions."""

import pytest

from course_lib.pictures_versions import draw_changes
from course_lib.versions import Sentence


def sentence(verdicts="✗✗✓–✗", number="4.2", text="A `mask` is kept."):
    return Sentence(number, text, {f"3.{n}": v for n, v in enumerate(verdicts)})


def test_the_alt_text_tells_what_fails():
    picture = draw_changes([sentence(), sentence("✓✓✓✓✓", "5.1")], "Title")
    assert picture.alt == (
        "Title: 2 sentences, 5 versions. 4.2 fails in 3.0 to 3.1 and 3.4. 5.1 fails nowhere."
    )
    assert picture.png().startswith(b"\x89PNG")


def test_signs_and_hatching_tell_it_without_colour():
    (axes,) = draw_changes([sentence()]).figure.axes
    assert [text.get_text() for text in axes.texts] == ["✗", "✗", "✓", "✗"]
    assert [bool(patch.get_hatch()) for patch in axes.patches] == [False, False, False, True, False]
    assert [text.get_text() for text in axes.get_yticklabels()] == ["4.2 A mask is kept."]


def test_a_long_sentence_takes_two_lines_and_is_cut():
    (axes,) = draw_changes([sentence(text="word " * 40)]).figure.axes
    (label,) = axes.get_yticklabels()
    lines = label.get_text().splitlines()
    assert len(lines) == 2
    assert all(35 < len(line) <= 45 for line in lines)
    assert label.get_text().startswith("4.2 word")
    assert label.get_text().endswith("…")


def test_nine_sentences_and_eighteen_versions_fit_a_slide():
    """A slide has 1208 × 534 px for a picture, and shows it at least 1.3 times as large."""
    picture = draw_changes([sentence("✓" * 18, text="word " * 40)] * 9, "Title")
    size = picture._repr_mimebundle_()[1]["image/png"]
    assert size["width"] <= 929
    assert size["height"] <= 410
    (axes,) = picture.figure.axes
    picture.figure.draw_without_rendering()  # lays it out
    seen = axes.get_yticklabels()[0].get_window_extent()
    assert seen.x0 >= 0
    assert seen.height < axes.get_window_extent().height / 9, "lines of two sentences meet"


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="`sentences` must hold at least one sentence, got none"):
        draw_changes([])
    with pytest.raises(ValueError, match=r"must all be asked of .*got \['3\.0'\] for 5\.1"):
        draw_changes([sentence(), sentence("✓", "5.1")])
