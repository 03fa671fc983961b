"""Ask every version of Keras every claim: `make claims [VERSIONS="3.0 nightly"] [ONLY=loss]`.

Each version gets an environment of its own under build/claims/, made by uv and kept until its
requirements change. The verdicts are written to docs/claims.md; a version that is left out keeps
those that it had, and so do the claims of other modules with `ONLY`.
"""

import json
import platform
import re
import subprocess
import sys
import time
import tomllib
from collections import Counter
from pathlib import Path

from tools import claims_table
from tools.claims_run import ask

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "claims"
CONFIG = ROOT / "tools" / "claims_versions.toml"


class CannotInstallError(Exception):
    """uv could not make the environment."""


def read_config():
    return tomllib.loads(CONFIG.read_text())


def uv(*arguments):
    command = [sys.executable, "-m", "uv", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=BUILD)
    if done.returncode:
        raise CannotInstallError(reason(done.stderr))


def reason(text):
    """Return uv's explanation without marks, paths and addresses."""
    lines = [re.sub(r"^[\s×╰─▶├│:]*", "", line) for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith(("warning:", "Using "))]
    text = re.sub(r"https?://\S+|(/[\w.@~-]+)+", "…", " ".join(lines))
    return re.sub(r"^(No solution found when resolving dependencies:\s*|error: )", "", text)[:300]


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


def wanted(version, common):
    """Return the requirements of a version and what must be kept out, for this machine."""
    needs = version.get("requirements") or pinned(version["locked"], version["python"])
    needs, without = [*needs, *common], version.get("without", [])
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        # There are no wheels of `tensorflow-cpu`.
        needs = [need.replace("tensorflow-cpu==", "tensorflow==") for need in needs]
        without = [name for name in without if name != "tensorflow"]
    return needs, without


def make_environment(version, common):
    """Return the Python of the version's environment, made anew if what it needs has changed."""
    home = BUILD / version["name"]
    environment, recipe = home / "env", home / "recipe.json"
    python = environment / "bin" / "python"
    needs = [version["python"], *wanted(version, common)]
    known = json.loads(recipe.read_text()) if recipe.exists() else None
    if known == needs and python.exists() and not version.get("moving"):
        return python
    home.mkdir(parents=True, exist_ok=True)
    if known != needs or not python.exists():
        recipe.unlink(missing_ok=True)
        uv("venv", "--quiet", "--clear", "--python", version["python"], str(environment))
    # A requirement that is never met takes a package out of what others require.
    overrides = home / "without.txt"
    overrides.write_text("".join(f"{name}; sys_platform == ''\n" for name in needs[2]))
    arguments = ["--quiet", "--python", str(python), "--override", str(overrides)]
    if version.get("moving"):
        arguments += ["--upgrade", "--prerelease", "if-necessary-or-explicit"]
    uv("pip", "install", *arguments, *needs[1])
    recipe.write_text(json.dumps(needs))
    return python


def run(version, common, only):
    """Make the environment, ask, print a line as it goes, and keep the outcome."""
    started = time.monotonic()
    home = BUILD / version["name"]
    print(f"{version['name']:>9}: environment", end="", flush=True)
    try:
        python = make_environment(version, common)
        print(f" {time.monotonic() - started:.0f} s, claims", end="", flush=True)
        tests = f"tests/claims/test_{only}.py" if only else "tests/claims"
        outcome = ask(python, home, version.get("env", {}), tests)
    except CannotInstallError as error:
        outcome = {"failed": f"cannot be installed: {error}"}
    count = Counter(entry["verdict"] for entry in outcome.get("claims", {}).values())
    said = ", ".join(f"{number} {name}" for name, number in sorted(count.items()))
    said = outcome.get("failed") or ", ".join([said, *outcome["broken"].values()])
    print(f" {time.monotonic() - started:.0f} s: {said}", flush=True)
    kept = outcomes([version["name"]]).get(version["name"], {})
    if only and "claims" in kept and "claims" in outcome:
        kept["broken"].pop(only, None)
        outcome["claims"] = kept["claims"] | outcome["claims"]
        outcome["broken"] = kept["broken"] | outcome["broken"]
    (home / "outcome.json").write_text(json.dumps(outcome, indent=1))


def main(*names):
    only = next((name.removeprefix("--only=") for name in names if name.startswith("--only=")), "")
    names = [name for name in names if not name.startswith("--only=")]
    config = read_config()
    known = [version["name"] for version in config["version"]]
    if unknown := set(names) - set(known):
        sys.exit(f"no version {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    BUILD.mkdir(parents=True, exist_ok=True)
    chosen = [v for v in config["version"] if not names or v["name"] in names]
    # The locked and the coming version first: their difference is what a reader will meet.
    first = [v for v in chosen if "locked" in v or v.get("moving")]
    for version in first:
        run(version, config["common"], only)
    if first:
        claims_table.say_differences(outcomes(known), config)
    for version in chosen:
        if version not in first:
            run(version, config["common"], only)
    claims_table.write(outcomes(known), config)


def outcomes(names):
    """Return what was kept of the runs, by version."""
    paths = {name: BUILD / name / "outcome.json" for name in names}
    return {name: json.loads(path.read_text()) for name, path in paths.items() if path.exists()}


if __name__ == "__main__":
    main(*sys.argv[1:])
