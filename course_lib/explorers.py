"""Sliders beside the static pictures of lessons 01, 04 and 05.

`explore_padding()`, `explore_carry_over()` and `explore_loss()` draw what a lesson draws, for
lengths, sides and masks of your choice. They need ipywidgets, which is imported when one is shown.
Where it is missing, the picture of the first setting is shown and a line says so. With
`COURSE_WIDGETS=off`, which `make run` and the tests set, the picture is shown alone.
"""

from __future__ import annotations

import base64
import html
import importlib.util
import os
from typing import TYPE_CHECKING, Any

import numpy as np

from course_lib.padding import lengths_to_mask, pad
from course_lib.pictures import draw_losses, draw_mask

if TYPE_CHECKING:
    from collections.abc import Callable

    from course_lib.pictures import Picture


class Explorer:
    """A picture with controls. As the last line of a cell it displays itself.

    Attributes:
        draw: a function that takes the controls' values by name and returns a `Picture`.
        controls: name → (label, options, start). Options are a range for a slider, a tuple of
            words for buttons, `bool` for a box to tick, or `str` for a box to type into.
    """

    def __init__(self, draw: Callable[..., Picture], controls: dict[str, Any]) -> None:
        self.draw = draw
        self.controls = controls

    def picture(self, **values: Any) -> Picture:
        """Return the `Picture` for these values; what is not named stands as at the start."""
        start = {name: start for name, (_, _, start) in self.controls.items()}
        unknown = sorted(set(values) - set(start))
        if unknown:
            raise TypeError(f"`values` must name some of {', '.join(start)}; got {unknown[0]!r}")
        return self.draw(**start | values)

    def widget(self) -> Any:
        """Return the controls and the picture as one ipywidgets box.

        Raises:
            ImportError: ipywidgets is not installed.
        """
        import ipywidgets

        handles = {name: _control(*control) for name, control in self.controls.items()}
        image = ipywidgets.HTML()

        def redraw(change: Any = None) -> None:
            values = {name: handle.value for name, handle in handles.items()}
            try:
                image.value = as_image(self.picture(**values))
            except ValueError as error:  # what was typed cannot be drawn
                image.value = html.escape(str(error))

        for handle in handles.values():
            handle.observe(redraw, names="value")
        redraw()
        return ipywidgets.VBox([*handles.values(), image])

    def _ipython_display_(self):
        from IPython.display import display

        off = os.environ.get("COURSE_WIDGETS") == "off"
        if not off and importlib.util.find_spec("ipywidgets"):
            display(self.widget())
            return
        display(self.picture())
        if not off:
            text = "The sliders need the package `ipywidgets`: `pip install ipywidgets`."
            display({"text/plain": text}, raw=True)


def _control(label, options, start):
    import ipywidgets

    style = {"style": {"description_width": "9em"}}
    if isinstance(options, range):
        low, high = options[0], options[-1]
        return ipywidgets.IntSlider(
            start, low, high, options.step, description=label, continuous_update=False, **style
        )
    if options is bool:
        return ipywidgets.Checkbox(start, description=label, indent=False)
    if options is str:
        return ipywidgets.Text(start, description=label, continuous_update=False, **style)
    return ipywidgets.ToggleButtons(options=options, value=start, description=label, **style)


def as_image(picture):
    """Return a `Picture` as an HTML image that a screen reader can read."""
    data = base64.b64encode(picture.png()).decode("ascii")
    width = int(picture.figure.get_size_inches()[0] * 96)
    alt = html.escape(picture.alt)
    return f'<img src="data:image/png;base64,{data}" alt="{alt}" width="{width}">'


def explore_padding() -> Explorer:
    """Return an `Explorer`: three lengths, a width and two sides → the padded batch.

    A row that is longer than the width is cut on the side `truncating`.
    """
    words = np.arange(1, 25).reshape(3, 8)

    def draw(first, second, third, maxlen, padding, truncating):
        lengths = np.array([first, second, third])
        rows = [row[:length] for row, length in zip(words, lengths, strict=True)]
        ids = pad(rows, maxlen, padding=padding, truncating=truncating)
        mask = lengths_to_mask(np.minimum(lengths, maxlen), maxlen, padding)
        lost = int(np.maximum(lengths - maxlen, 0).sum())
        return draw_mask(mask, ids, f"{mask.mean():.0%} real, {lost} words cut off")

    sides = ("pre", "post")
    return Explorer(
        draw,
        {
            "first": ("words in row 0", range(9), 8),
            "second": ("words in row 1", range(9), 5),
            "third": ("words in row 2", range(9), 3),
            "maxlen": ("maxlen", range(1, 9), 6),
            "padding": ("padding", sides, "post"),
            "truncating": ("truncating", sides, "pre"),
        },
    )


def explore_carry_over() -> Explorer:
    """Return an `Explorer`: a length, a side and a mask → an LSTM's output at each step."""
    steps, units = 6, 2
    rng = np.random.default_rng(0)
    table = rng.normal(size=(steps + 1, 3))
    weights = [rng.normal(size=shape) for shape in ((3, 4 * units), (units, 4 * units))]
    weights.append(np.zeros(4 * units))

    def draw(length, padding, use_mask, zero_output):
        from course_lib.carry_over import lstm
        from course_lib.pictures_carry_over import draw_states

        ids = pad([np.arange(1, length + 1)], steps, padding=padding, dtype=int)
        mask = ids != 0
        outputs = lstm(
            table[ids],
            weights,
            mask if use_mask else None,
            return_sequences=True,
            zero_output_for_mask=zero_output and use_mask,
        )
        title = "with the mask" if use_mask else "without a mask"
        return draw_states(outputs[0], mask[0], ids[0], f"Output of an LSTM {title}")

    return Explorer(
        draw,
        {
            "length": ("real steps", range(steps + 1), 3),
            "padding": ("padding", ("pre", "post"), "post"),
            "use_mask": ("the LSTM gets the mask", bool, True),
            "zero_output": ("zero_output_for_mask", bool, False),
        },
    )


def explore_loss() -> Explorer:
    """Return an `Explorer`: a length, the loss of a padded step and a mask → the loss."""
    real_losses = np.array([4.0, 1.0, 3.0, 2.0, 1.5, 2.5])

    def draw(length, at_padding, use_mask):
        from course_lib.loss import masked_loss

        mask = np.arange(len(real_losses)) < length
        losses = np.where(mask, real_losses, float(at_padding))
        loss = masked_loss(losses[None], mask[None] if use_mask else None)
        title = f"With{'' if use_mask else 'out'} a mask, the loss is {loss:.2f}"
        reported = "real steps" if use_mask else "all steps"
        return draw_losses(losses, mask, title, reported, top=21)

    return Explorer(
        draw,
        {
            "length": ("real steps", range(1, len(real_losses) + 1), 3),
            "at_padding": ("loss at padding", range(21), 8),
            "use_mask": ("the loss gets the mask", bool, True),
        },
    )
