"""The explorers: what they draw, what the sliders change, what is shown without ipywidgets."""

import importlib.util

import numpy as np
import pytest

import course_lib
from course_lib import explore_carry_over, explore_loss, explore_padding
from course_lib.explorers import Explorer
from course_lib.pictures import Picture, draw_mask

ALL = [explore_padding, explore_carry_over, explore_loss]
each_explorer = pytest.mark.parametrize("explore", ALL, ids=lambda one: one.__name__)


def texts(picture):
    return [text.get_text() for axes in picture.figure.axes for text in axes.texts]


def settings(explorer):
    """Yield each value of each control, the others at their start."""
    for name, (_, options, _) in explorer.controls.items():
        for value in (False, True) if options is bool else options:
            yield {name: value}


@each_explorer
def test_every_setting_can_be_drawn(explore):
    explorer = explore()
    for values in settings(explorer):
        assert explorer.picture(**values).alt


@each_explorer
def test_every_control_changes_the_picture(explore):
    explorer = explore()
    for name in explorer.controls:
        alts = {
            explorer.picture(**values).alt + str(texts(explorer.picture(**values)))
            for values in settings(explorer)
            if name in values
        }
        assert len(alts) > 1, name


def test_padding_follows_the_controls():
    assert "78% real, 2 words cut off" in explore_padding().picture().alt
    cut = explore_padding().picture(maxlen=2, truncating="pre")
    assert "100% real, 10 words cut off" in cut.alt
    assert texts(cut)[:2] == ["7", "8"]
    assert "Row 2: real at 3-5, padding at 0-2." in explore_padding().picture(padding="pre").alt


def test_carry_over_follows_the_controls():
    alt = explore_carry_over().picture().alt
    assert "Step 3: padding, carried from step 2." in alt
    assert "the values changed" in explore_carry_over().picture(use_mask=False).alt
    assert "Step 3: padding, zeros." in explore_carry_over().picture(zero_output=True).alt
    assert "Step 0: padding, zeros." in explore_carry_over().picture(padding="pre").alt


@pytest.mark.parametrize("at_padding", [0, 8, 20])
def test_the_masked_loss_does_not_move(at_padding):
    explorer = explore_loss()
    assert "With a mask, the loss is 2.67" in explorer.picture(at_padding=at_padding).alt
    without = explorer.picture(at_padding=at_padding, use_mask=False).alt
    assert f"Without a mask, the loss is {np.mean([4, 1, 3, *[at_padding] * 3]):.2f}" in without


def test_the_box_of_the_loss_changes_the_picture_and_not_its_axis():
    ticked, plain = (explore_loss().picture(use_mask=use_mask) for use_mask in (True, False))
    assert [picture.figure.axes[0].get_ylim() for picture in (ticked, plain)] == [(0, 21)] * 2
    assert ticked.png() != plain.png()
    reported = [
        next(text for text in texts(picture) if "reported" in text) for picture in (ticked, plain)
    ]
    assert "real steps: 2.67" in reported[0]
    assert "all steps: 5.33" in reported[1]


def test_an_unknown_control_is_named():
    with pytest.raises(TypeError, match="must name some of length, at_padding, use_mask; got 'x'"):
        explore_loss().picture(x=1)


@each_explorer
def test_a_slider_draws_anew(explore):
    pytest.importorskip("ipywidgets")
    *controls, image = explore().widget().children
    before = image.value
    assert 'alt="' in before
    assert "data:image/png;base64," in before
    controls[0].value = controls[0].min
    assert image.value != before


def test_a_box_to_type_into_says_what_cannot_be_drawn():
    pytest.importorskip("ipywidgets")

    def draw(text):
        if not text:
            raise ValueError("`text` must hold <a step>")
        return draw_mask([[letter != "_" for letter in text]])

    box, image = Explorer(draw, {"text": ("steps", str, "ab_")}).widget().children
    assert "real at 0-1, padding at 2" in image.value
    box.value = "a"
    assert "all steps real" in image.value
    box.value = ""
    assert image.value == "`text` must hold &lt;a step&gt;"


@pytest.fixture
def shown(monkeypatch):
    display = pytest.importorskip("IPython.display")
    seen = []
    monkeypatch.setattr(display, "display", lambda one, raw=False: seen.append(one))
    return seen


@each_explorer
def test_widgets_are_shown_where_they_run(explore, shown, monkeypatch):
    pytest.importorskip("ipywidgets")
    monkeypatch.delenv("COURSE_WIDGETS")
    explore()._ipython_display_()
    assert [type(one).__name__ for one in shown] == ["VBox"]


@each_explorer
def test_the_picture_stands_alone_in_stored_outputs(explore, shown):
    explore()._ipython_display_()
    assert [type(one) for one in shown] == [Picture]


def test_without_ipywidgets_the_picture_is_shown_and_why(shown, monkeypatch):
    monkeypatch.delenv("COURSE_WIDGETS")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    explore_loss()._ipython_display_()
    assert type(shown[0]) is Picture
    assert "need the package `ipywidgets`" in shown[1]["text/plain"]


def test_they_are_explorers_of_course_lib():
    for explore in ALL:
        assert isinstance(explore(), Explorer)
        assert explore.__name__ in course_lib.__all__
