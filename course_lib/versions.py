"""Which sentences of the course ever changed: `docs/claims.md` read by code.

The page is written by `make claims`. Its grids hold one row a sentence and one column a version.
"""

import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

HOLDS, FAILS, NO_SUCH_THING, NOT_RUN = "✓", "✗", "–", "?"
KERAS_2 = "tf_keras"
_HEAD = re.compile(r"^\| claim \| (.+) \|$")
_ROW = re.compile(r"^\| \*\*(\d+\.\d+)\*\* (.+?) \| ([✓✗–?](?: \| [✓✗–?])*) \|$")


@dataclass(frozen=True)
class Sentence:
    """A sentence of the course, and what each version of Keras says to it.

    Attributes:
        number: the claim's number, "4.15".
        text: the sentence, in Markdown.
        verdicts: dict, version to `HOLDS`, `FAILS`, `NO_SUCH_THING` or `NOT_RUN`, the oldest
            version first.
    """

    number: str
    text: str
    verdicts: dict

    @property
    def lesson(self):
        """The number of its lesson, an int."""
        return int(self.number.split(".")[0])

    @property
    def changed(self):
        """Whether it fails under at least one version and holds under another."""
        return {HOLDS, FAILS} <= set(self.verdicts.values())

    @property
    def turns(self):
        """The versions whose answer is not that of the version before, a list of names."""
        told = [(name, v) for name, v in self.verdicts.items() if v in (HOLDS, FAILS)]
        return [name for (_, old), (name, new) in pairwise(told) if old != new]


def read_claims(path):
    """Read the sentences and verdicts of a page that `make claims` wrote.

    Args:
        path: where the page is, `docs/claims.md` of this project.

    Returns:
        A list of `Sentence`, in the page's order. Keras 2 comes before every Keras 3.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it holds no grid of claims, or a row with more or fewer verdicts than columns.
    """
    found, versions = [], []
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        if head := _HEAD.match(line):
            versions = head[1].split(" | ")
        elif row := _ROW.match(line):
            verdicts = row[3].split(" | ")
            if len(verdicts) != len(versions):
                raise ValueError(
                    f"`path` must hold a verdict for each of {len(versions)} versions, got "
                    f"{len(verdicts)} for claim {row[1]}"
                )
            told = dict(zip(versions, verdicts, strict=True))
            first = {KERAS_2: told.pop(KERAS_2)} if KERAS_2 in told else {}
            found.append(Sentence(row[1], row[2], first | told))
    if not found:
        raise ValueError(f"`path` must be a page that `make claims` wrote, got {Path(path).name}")
    return found
