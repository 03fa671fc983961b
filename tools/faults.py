"""Break Keras on purpose and see which claims notice: `make faults [FAULT="name name"]`.

Each fault of tools/faults/*.toml is one change of the locked Keras. It goes into a copy of the
package below build/faults/, put before the environment's own by PYTHONPATH; .venv is not touched.
The claims run against every copy, or the `tests` that the fault's file names instead: tests/paths
asks for what no lesson does. With `--notebooks` the lessons run too, and docs/faults.md says what
noticed. If all are asked, a copy without a change comes first: there, nothing may turn red.
"""

import importlib.util
import json
import os
import shutil
import sys
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools import faults_table
from tools.claims_report import HOLDS, NO_SUCH_THING
from tools.claims_run import ask, environment
from tools.red_cells import red_cells

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "faults"
TABLES = ROOT / "tools" / "faults"
NOTICED = ("claims", "tests", "broken", "notebooks")
CONTROLS = (
    {"name": "nothing-changed", "what": "no change"},
    {"name": "nothing-changed-in-paths", "what": "no change", "tests": "tests/paths"},
)


def read_faults():
    """Return every fault, in the order of the files and of their tables."""
    return [
        {key: value for key, value in table.items() if key != "fault"} | fault
        for table in (tomllib.loads(path.read_text()) for path in sorted(TABLES.glob("*.toml")))
        for fault in table["fault"]
    ]


def keras_folder():
    """Return the folder of the installed Keras without importing it."""
    return Path(importlib.util.find_spec("keras").submodule_search_locations[0])


def changed(fault, keras):
    """Return (file, its changed text); raise if the searched text does not stand there once."""
    path = keras / "src" / fault["file"]
    text = path.read_text()
    if text.count(fault["search"]) != 1:
        raise ValueError(
            f"fault {fault['name']}: `search` must stand once in {fault['file']}, "
            f"it stands there {text.count(fault['search'])} times"
        )
    return path, text.replace(fault["search"], fault["replace"])


def overlay(fault):
    """Return the folder that holds a Keras with this fault, made anew."""
    home = BUILD / fault["name"]
    shutil.rmtree(home, ignore_errors=True)
    keras = keras_folder()
    shutil.copytree(keras, home / "keras", copy_function=link_or_copy)
    if "search" in fault:
        path, text = changed(fault, keras)
        target = home / "keras" / path.relative_to(keras)
        # The copy is a second name of the same file: take it away before writing.
        target.unlink()
        target.write_text(text)
        for compiled in (target.parent / "__pycache__").glob(f"{target.stem}.*.pyc"):
            compiled.unlink()
    return home


def link_or_copy(source, target):
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def red_notebooks(home, settings):
    """Return the notebooks with a cell that fails or shows something else."""
    lessons = sorted((ROOT / "notebooks").glob("*.ipynb"))
    red = red_cells(lessons, home / "notebooks.txt", environment(home, settings))
    return sorted({name for name, _ in red})


def run(fault, notebooks):
    """Ask claims and notebooks under a fault; print a line and keep the outcome."""
    started = time.monotonic()
    print(f"{fault['name']:>32}:", end="", flush=True)
    home = overlay(fault)
    settings = {"PYTHONPATH": os.pathsep.join([str(home), str(ROOT)])}
    with ThreadPoolExecutor() as side_by_side:
        lessons = side_by_side.submit(red_notebooks, home, settings) if notebooks else None
        answer = ask(sys.executable, home, settings, fault.get("tests", "tests/claims"))
    outcome = {"fault": fault, "failed": answer.get("failed")}
    outcome["claims"] = [
        number
        for number, entry in answer.get("claims", {}).items()
        if entry["verdict"] not in (HOLDS, NO_SUCH_THING)
    ]
    outcome["tests"] = answer.get("red", [])
    outcome["broken"] = sorted(answer.get("broken", {}))
    if lessons is not None:
        outcome["notebooks"] = lessons.result()
    shutil.rmtree(home / "keras")
    (home / "outcome.json").write_text(json.dumps(outcome, indent=1))
    said = ", ".join(name for part in NOTICED for name in outcome.get(part, []))
    print(f" {time.monotonic() - started:.0f} s: {outcome['failed'] or said or 'NOTHING NOTICES'}")
    return outcome


def main(*arguments):
    notebooks = "--notebooks" in arguments
    names = [argument for argument in arguments if argument != "--notebooks"]
    faults = read_faults()
    by_name = {fault["name"]: fault for fault in [*CONTROLS, *faults]}
    if unknown := set(names) - set(by_name):
        sys.exit(f"no fault {', '.join(sorted(unknown))} in {TABLES.relative_to(ROOT)}")
    for name in names or by_name:
        outcome = run(by_name[name], notebooks)
        red = any(outcome.get(part) for part in ("failed", *NOTICED))
        if by_name[name] in CONTROLS and red:
            sys.exit("an unchanged Keras turns something red: fix that first")
    outcomes = {}
    for fault in faults:
        path = BUILD / fault["name"] / "outcome.json"
        kept = json.loads(path.read_text()) if path.exists() else {}
        # An outcome of the same name but another change tells nothing.
        if kept.get("fault") == fault:
            outcomes[fault["name"]] = kept
    faults_table.write(faults, outcomes)
    missed = [f["name"] for f in faults if not faults_table.noticed(outcomes.get(f["name"], {}))]
    if missed:
        sys.exit(f"nothing notices, or not asked yet: {', '.join(missed)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
