"""Lesson 00: what is installed, whether it fits, and what to do if not.

`python -m course_lib` prints the same from a shell.
"""

from __future__ import annotations

import os
import platform
import re
import sys
from dataclasses import dataclass
from importlib import metadata

from course_lib import __version__

FITS, NEWER, MISSING, DIFFERENT = "fits", "newer", "missing", "differs"

# TensorFlow 2.21 has no wheels for a later Python; `course_lib` alone runs there.
PYTHON = ">=3.11,<3.14"
# The stored outputs and the column that gates in docs/claims.md come from this release.
NEWEST_KERAS = "3.15"

# What the stored outputs were made with; kernel.env sets them, a Keras configuration may not.
SETTINGS = {"KERAS_BACKEND": "tensorflow", "TF_ENABLE_ONEDNN_OPTS": "0"}


# What this package is called where packages are installed; it is imported as `course_lib`.
DISTRIBUTION = "keras-sequence-masking"
INSTALL = "`make .venv`, or `pip install -e .[course]`"


@dataclass(frozen=True)
class Row:
    """One line of the report: a name, what was found, what was wanted, and the advice if any."""

    name: str
    found: str
    wanted: str
    verdict: str
    advice: str = ""


class EnvironmentReport:
    """What `check_environment` found.

    Attributes:
        rows: list of `Row`.
        ok: True if nothing is missing or differs. What is newer than what the lessons were written
            with is no hindrance, but named.
    """

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows

    @property
    def ok(self) -> bool:
        """True if every row fits, or is newer."""
        return all(row.verdict in (FITS, NEWER) for row in self.rows)

    def __repr__(self) -> str:
        cells = [("", "found", "wanted", "")]
        cells += [(row.name, row.found, row.wanted, row.verdict) for row in self.rows]
        widths = [max(len(line[column]) for line in cells) for column in range(3)]
        lines = []
        for line in cells:
            left = "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=False))
            lines.append(f"{left}  {line[3]}".rstrip())
        advice = [f"- {row.name}: {row.advice}" for row in self.rows if row.advice]
        if not self.ok:
            advice.insert(0, "What to do:")
        elif advice:
            advice.insert(0, "Everything runs, but:")
        return "\n".join([*lines, "", *(advice or ["Everything fits."])])


def check_environment() -> EnvironmentReport:
    """Compare what is installed with what the lessons were written for.

    The wanted versions are read from this package's own metadata (the extra `course`), so there is
    one place for them. Nothing is imported but the metadata: the check takes milliseconds, and it
    works where TensorFlow itself would fail to load.

    Returns:
        An `EnvironmentReport`, which prints as a table.
    """
    if _version(DISTRIBUTION) is None:
        return EnvironmentReport([Row(DISTRIBUTION, "–", __version__, MISSING, INSTALL)])
    rows = [_python_row(), *(_package_row(*wanted) for wanted in _wanted())]
    rows += [_setting_row(name, value) for name, value in SETTINGS.items()]
    return EnvironmentReport(rows)


def _python_row():
    found = platform.python_version()
    fits = _is_in(found, PYTHON)
    advice = "" if fits else f"use a Python {PYTHON}, then `make clean` and `make lab`"
    return Row("Python", found, PYTHON, FITS if fits else DIFFERENT, advice)


def _wanted():
    """Yield (package, specifier) for what the course needs on this machine."""
    # Matplotlib requires `packaging`, so it is there.
    from packaging.requirements import Requirement

    for text in metadata.requires(DISTRIBUTION):
        requirement = Requirement(text)
        if requirement.name == "editables":
            continue  # An editable install adds it by itself; no lesson needs it.
        for extra in ("", "course"):
            if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
                yield requirement.name, str(requirement.specifier)
                break


def _package_row(name, wanted):
    found = _version(name)
    if found is None and name == "tensorflow-cpu":
        # The larger package serves as well, if somebody has it already.
        found, name = _version("tensorflow"), "tensorflow"
    if found is None:
        return Row(name, "–", wanted, MISSING, INSTALL)
    if name == "keras" and _is_in(found, wanted) and not _is_in(found, f"=={NEWEST_KERAS}.*"):
        advice = (
            f"the outputs came from {NEWEST_KERAS}; docs/claims.md says which sentences change, "
            "and `make .venv` installs the older one"
        )
        return Row(name, found, wanted, NEWER, advice)
    if _is_in(found, wanted):
        return Row(name, found, wanted, FITS)
    return Row(
        name, found, wanted, DIFFERENT, "`make .venv` installs the versions the outputs came from"
    )


def _version(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _is_in(version, specifier):
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(specifier).contains(version, prereleases=True)


def _setting_row(name, wanted):
    found = os.environ.get(name, "unset")
    fits = found == wanted
    advice = "" if fits else f"start with `make lab`, or set {name}={wanted} before Python starts"
    return Row(name, found, wanted, FITS if fits else DIFFERENT, advice)


def main():
    """Print the report; the exit status is 0 if nothing is missing or differs."""
    report = check_environment()
    print(re.sub("–", "-", repr(report)) if sys.stdout.encoding != "utf-8" else report)
    return 0 if report.ok else 1
