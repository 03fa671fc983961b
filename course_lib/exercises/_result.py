"""What `check` and `hint` return: words first, a picture where it helps."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from course_lib.pictures import Picture

LABELS = {
    "passed": "passed",
    "not attempted": "not attempted yet",
    "wrong": "not yet",
    "error": "could not be checked",
}


@dataclass(frozen=True)
class Result:
    """What came of a check. As the last line of a cell it displays itself.

    Attributes:
        exercise: the number, "2.1".
        title: the exercise's title.
        status: "passed", "not attempted", "wrong" or "error".
        message: what to know, in plain text with `code` between backticks.
        tried: how many cases the answer was tried on.
        details: lines with the smallest failing case, to be read in a fixed width; or "".
        picture: a `Picture` of your result beside the expected one, or `None`.
    """

    exercise: str
    title: str
    status: str
    message: str
    tried: int = 0
    details: str = ""
    picture: Picture | None = None

    @property
    def passed(self) -> bool:
        """True if the answer is right on every case."""
        return self.status == "passed"

    def __bool__(self) -> bool:
        return self.passed

    @property
    def heading(self) -> str:
        """The first line: which exercise, and how it stands."""
        name, label = f"{self.exercise} {self.title}".strip(), LABELS[self.status]
        return f"{name} {label.capitalize()}." if name.endswith("?") else f"{name}: {label}."

    def __repr__(self) -> str:
        return "\n".join(part for part in (self.heading, self.message, self.details) if part)

    def _repr_html_(self):
        line = "solid" if self.passed else "dashed"
        body = f"<strong>{as_html(self.heading)}</strong>"
        if self.message:
            body += f"<br>{as_html(self.message)}"
        if self.details:
            body += f'<pre style="margin:.5em 0 0">{html.escape(self.details)}</pre>'
        return f'<div style="border-left:4px {line} #0072B2;padding:.2em .8em">{body}</div>'

    def _ipython_display_(self):
        from IPython.display import display

        display({"text/plain": repr(self), "text/html": self._repr_html_()}, raw=True)
        if self.picture is not None:
            display(self.picture)


@dataclass(frozen=True)
class Hint:
    """A hint. As the last line of a cell it displays itself."""

    heading: str
    text: str

    def __repr__(self) -> str:
        return f"{self.heading} {self.text}"

    def _repr_html_(self):
        body = f"<strong>{as_html(self.heading)}</strong> {as_html(self.text)}"
        return f'<div style="border-left:4px dotted #0072B2;padding:.2em .8em">{body}</div>'


def as_html(text):
    """Return plain text as HTML: `code` between backticks, line breaks kept."""
    escaped = html.escape(text, quote=False)
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped).replace("\n", "<br>")
