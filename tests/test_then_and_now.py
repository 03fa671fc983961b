"""What docs/then_and_now.md says is today's source is the source of the installed Keras."""

import inspect
import re
import textwrap
from pathlib import Path

import pytest

from tests.needs import keras

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "then_and_now.md").read_text()
QUOTES = re.findall(r"`keras/(src/[\w/]+)\.py`[^`]*```python today\n(.*?)```", PAGE, re.DOTALL)


def stripped(text):
    return [line.strip() for line in textwrap.dedent(text).splitlines() if line.strip()]


def is_quoted(quote, source):
    """Whether the quote's lines follow each other in the source; `...` may leave lines out."""
    lines, at, may_skip = stripped(source), 0, True
    for wanted in stripped(quote):
        if wanted == "...":
            may_skip = True
            continue
        found = [n for n in range(at, len(lines)) if lines[n] == wanted]
        if not found or not (may_skip or found[0] == at):
            return False
        at, may_skip = found[0] + 1, False
    return True


def test_three_pieces_are_quoted():
    assert len(QUOTES) == PAGE.count("```python today") == 3


@pytest.mark.parametrize(("module", "quote"), QUOTES, ids=[module for module, _ in QUOTES])
def test_a_quote_is_the_source(module, quote):
    source = Path(inspect.getfile(keras)).parent / f"{module}.py"
    assert is_quoted(quote, source.read_text())


def test_a_changed_or_left_out_line_is_noticed():
    source = "a\nb\nc\nd\n"
    assert is_quoted("a\nb\n...\nd", source)
    assert not is_quoted("a\nc", source)
    assert not is_quoted("a\nb\nx", source)
