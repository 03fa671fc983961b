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


def test_a_long_sentence_is_cut():
    (axes,) = draw_changes([sentence(text="word " * 40)]).figure.axes
    (label,) = axes.get_yticklabels()
    assert len(label.get_text()) < 70
    assert label.get_text().endswith("…")


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="`sentences` must hold at least one sentence, got none"):
        draw_changes([])
    with pytest.raises(ValueError, match=r"must all be asked of .*got \['3\.0'\] for 5\.1"):
        draw_changes([sentence(), sentence("✓", "5.1")])
