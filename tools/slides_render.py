"""Make a page of a lesson's talk by the templates in tools/slides_template."""

from pathlib import Path

import nbformat
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from tools.talk import is_talk, slides_of
from tools.talk_text import heading_of, html, inline

TEMPLATES = Path(__file__).parent / "slides_template"


def templates():
    """Return the templates; a filter of theirs makes HTML of Markdown."""
    found = Environment(loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined)
    found.filters["markdown"], found.filters["inline"] = html, inline
    return found


def render(path, template, **more):
    """Return the slides of the notebook at `path` as a page of HTML."""
    notebook = nbformat.read(path, as_version=4)
    return (
        templates()
        .get_template(template)
        .render(
            slides=slides_of(notebook),
            lesson=path.stem[:2],
            title=heading_of(notebook.cells[0]),
            is_talk=is_talk(notebook),
            **more,
        )
    )


def write_deck(path, folder):
    """Write the deck of the notebook at `path` into `folder`, and return where it is."""
    deck = folder / f"{path.stem}.slides.html"
    deck.write_text(render(path, "deck.html.j2"), encoding="utf-8")
    return deck
