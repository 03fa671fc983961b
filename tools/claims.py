"""Ask every version of Keras every claim: `make claims [VERSIONS="3.0 nightly"] [ONLY=loss]`.

Each version gets an environment of its own under build/claims/, made by uv and kept until its
requirements change. The verdicts are written to docs/claims.md; a version that is left out keeps
those that it had, and so do the claims of other modules with `ONLY`.
"""

import json
import platform
import sys
import time
import tomllib
from collections import Counter
from pathlib import Path

from tools import claims_table, environments
from tools.claims_run import ask
from tools.environments import pinned

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "claims"
CONFIG = ROOT / "tools" / "claims_versions.toml"


def read_config():
    return tomllib.loads(CONFIG.read_text())


def wanted(version, common):
    """Return the requirements of a version and what must be kept out, for this machine."""
    needs = version.get("requirements") or pinned(version["locked"], version["python"])
    needs, without = [*needs, *common], version.get("without", [])
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        # There are no wheels of `tensorflow-cpu`.
        needs = [need.replace("tensorflow-cpu==", "tensorflow==") for need in needs]
        without = [name for name in without if name != "tensorflow"]
    return needs, without


def run(version, common, only):
    """Make the environment, ask, print a line as it goes, and keep the outcome."""
    started = time.monotonic()
    home = BUILD / version["name"]
    print(f"{version['name']:>9}: environment", end="", flush=True)
    try:
        needs, without = wanted(version, common)
        moving = version.get("moving", False)
        python = environments.make(home, version["python"], needs, without, newest=moving)
        print(f" {time.monotonic() - started:.0f} s, claims", end="", flush=True)
        tests = f"tests/claims/test_{only}.py" if only else "tests/claims"
        outcome = ask(python, home, version.get("env", {}), tests)
    except environments.CannotInstallError as error:
        outcome = {"failed": f"cannot be installed: {error}"}
    count = Counter(entry["verdict"] for entry in outcome.get("claims", {}).values())
    said = ", ".join(f"{number} {name}" for name, number in sorted(count.items()))
    said = outcome.get("failed") or ", ".join([said, *outcome["broken"].values()])
    print(f" {time.monotonic() - started:.0f} s: {said}", flush=True)
    kept = outcomes([version["name"]]).get(version["name"], {})
    if "claims" in kept and "claims" not in outcome:
        return  # no answer is no reason to forget those from before
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
