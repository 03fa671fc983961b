"""Environments of their own for the tools that ask other packages, made by uv and kept."""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


class CannotInstallError(Exception):
    """uv could not make the environment."""


def pinned(names, python):
    """Return `name==version` of these packages from requirements.lock, for a Python like "3.11"."""
    from packaging.markers import Marker

    there = {"python_version": python, "python_full_version": f"{python}.0"}
    found = []
    for line in (ROOT / "requirements.lock").read_text().splitlines():
        match = re.match(r"([\w.-]+)==(\S+)(?: ; (.+?))? \\$", line)
        if match and match[1] in names and (not match[3] or Marker(match[3]).evaluate(there)):
            found.append(f"{match[1]}=={match[2]}")
    return found


def make(home, python, needs, without=(), newest=False):
    """Return the Python of an environment, made anew if what it needs has changed.

    Args:
        home: the folder of the environment and of what is kept beside it.
        python: a version, as "3.11"; uv finds it or fetches it.
        needs: requirements, as pip takes them.
        without: packages that others require and that must not be there.
        newest: install the newest versions every time, pre-releases included.

    Raises:
        CannotInstallError: uv could not; the message says why, without paths and addresses.
    """
    found, recipe = home / "env" / "bin" / "python", home / "recipe.json"
    wanted = [python, list(needs), list(without)]
    known = json.loads(recipe.read_text()) if recipe.exists() else None
    if known == wanted and found.exists() and not newest:
        return found
    home.mkdir(parents=True, exist_ok=True)
    if known != wanted or not found.exists():
        recipe.unlink(missing_ok=True)
        _uv(home, "venv", "--quiet", "--clear", "--python", python, str(home / "env"))
    # A requirement that is never met takes a package out of what others require.
    overrides = home / "without.txt"
    overrides.write_text("".join(f"{name}; sys_platform == ''\n" for name in without))
    options = ["--upgrade", "--prerelease", "if-necessary-or-explicit"] if newest else []
    install = ["pip", "install", "--quiet", "--compile-bytecode", "--python", str(found)]
    _uv(home, *install, "--override", str(overrides), *options, *needs)
    recipe.write_text(json.dumps(wanted))
    return found


def versions(python, names):
    """Return the installed version of each package, by its name."""
    script = "import sys; from importlib.metadata import version as v; print(*map(v, sys.argv[1:]))"
    found = subprocess.run([python, "-c", script, *names], capture_output=True, text=True)
    found.check_returncode()
    return dict(zip(names, found.stdout.split(), strict=True))


def reason(text):
    """Return uv's explanation without marks, paths and addresses."""
    lines = [re.sub(r"^[\s×╰─▶├│:]*", "", line) for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith(("warning:", "Using "))]
    text = re.sub(r"https?://\S+|(/[\w.@~-]+)+", "…", " ".join(lines))
    return re.sub(r"^(No solution found when resolving dependencies:\s*|error: )", "", text)[:300]


def _uv(folder, *arguments):
    command = [sys.executable, "-m", "uv", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    if done.returncode:
        raise CannotInstallError(reason(done.stderr))
