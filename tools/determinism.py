"""Run `make test` again and again under other conditions, and count: `make determinism`.

A clone of the committed state goes into a folder with a space and a non-ASCII letter in its name
and gets its own environment there. Then come the rounds: other threads, another order of the
notebooks, another time zone and locale, and no network. docs/determinism.md gets the counts.
"""

import os
import random
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tools.programs import program

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "determinism"
CLONE = BUILD / "a földer"
LOCALES = BUILD / "locales"
PAGE = ROOT / "docs" / "determinism.md"
PARTS = ("style", "test-unit", "test-notebooks")
# Threads, order of the notebooks (None: as they stand), time zone, locale.
ROUNDS = [
    (1, None, "UTC", "C"),
    (2, None, "Asia/Kolkata", "tr_TR.UTF-8"),
    (1, 1, "America/St_Johns", "tr_TR.UTF-8"),
    (2, 2, "Pacific/Kiritimati", "C"),
    (2, 3, "America/Los_Angeles", "C.UTF-8"),
]
HEAD = """\
# Determinism

`make determinism` clones the committed state into a folder with a space and a non-ASCII letter in
its name (`{folder}`), sets it up there, and runs `make test` in it once for each row{network}.
Threads are those of TensorFlow's operations and of pytest's workers.

| round | threads | order of the notebooks | time zone | locale | style | unit tests | notebooks |
|---|---|---|---|---|---|---|---|
"""


def notebooks(seed):
    """Return the paths of the notebooks, shuffled by a seed."""
    paths = sorted(f"notebooks/{path.name}" for path in (CLONE / "notebooks").glob("*.ipynb"))
    if seed is not None:
        random.Random(seed).shuffle(paths)
    return paths


def settings(threads, zone, language):
    """Return the variables of one round."""
    number = str(threads)
    return os.environ | {
        "TF_NUM_INTRAOP_THREADS": number,
        "TF_NUM_INTEROP_THREADS": number,
        "OMP_NUM_THREADS": number,
        "TZ": zone,
        "LC_ALL": language,
        "LOCPATH": str(LOCALES) if has_locale(language) else "",
    }


def has_locale(name):
    return (LOCALES / name).exists()


def make_locale(name):
    """Compile a locale of the C library, for this run alone; say so where that is not possible."""
    if name.startswith("C"):
        return
    LOCALES.mkdir(parents=True, exist_ok=True)
    language, _, encoding = name.partition(".")
    command = ["localedef", "-i", language, "-f", encoding, str(LOCALES / name)]
    if shutil.which(command[0]):
        subprocess.run(command, capture_output=True, check=False)
    if not has_locale(name):
        print(f"The locale {name} cannot be made here; its rounds run with the name alone.")


def count(text):
    """Return pytest's counts from the last line that has them, without the time that it took."""
    found = re.findall(r"^=*\s*((?:\d+ [a-z]+(?:, )?)+) in [\d.]+s", text, re.MULTILINE)
    return found[-1] if found else "no counts"


def offline():
    """Return the words that make a command run without a network, or none."""
    words = [sys.executable, str(ROOT / "tools" / "offline.py")]
    return words if subprocess.run([*words, "true"]).returncode == 0 else []


def run(number, threads, order, zone, language, prefix):
    """Run one round; return its row and whether all of it passed."""
    paths = notebooks(order)
    cells, passed = [], True
    for part in PARTS:
        started = time.monotonic()
        command = [*prefix, "make", part, f"WORKERS={threads}", f"NOTEBOOKS={' '.join(paths)}"]
        log = BUILD / f"round-{number}-{part}.txt"
        done = subprocess.run(
            command,
            cwd=CLONE,
            env=settings(threads, zone, language),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(done.stdout, encoding="utf-8")
        said = "passed" if part == "style" else count(done.stdout)
        if done.returncode:
            passed, said = False, f"FAILED ({said})"
        cells.append(said)
        print(f"round {number} {part}: {said}, {time.monotonic() - started:.0f} s", flush=True)
    order = " ".join(path[10:12] for path in paths)
    row = [number, threads, order, zone, language + ("" if known(language) else " (not installed)")]
    return "| " + " | ".join(map(str, [*row, *cells])) + " |", passed


def known(language):
    return language.startswith("C") or has_locale(language)


def prepare():
    """Clone the committed state into the awkward folder and set it up."""
    git = program("git", use="`make determinism` needs")
    shutil.rmtree(CLONE, ignore_errors=True)
    CLONE.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([git, "clone", "--quiet", str(ROOT), str(CLONE)], check=True)
    subprocess.run(["make", "--silent", ".venv"], cwd=CLONE, check=True)


def main(rounds=""):
    chosen = ROUNDS[: int(rounds)] if rounds else ROUNDS
    prepare()
    for language in {language for *_, language in chosen}:
        make_locale(language)
    prefix = offline()
    network = ", without a network" if prefix else "; the network cannot be left on this machine"
    rows, results = [], []
    for number, conditions in enumerate(chosen, 1):
        row, passed = run(number, *conditions, prefix)
        rows.append(row)
        results.append(passed)
    PAGE.write_text(HEAD.format(folder=CLONE.name, network=network) + "\n".join(rows) + "\n")
    print(f"written: {PAGE.relative_to(ROOT)}")
    sys.exit(0 if all(results) else 1)


if __name__ == "__main__":
    main(*sys.argv[1:])
