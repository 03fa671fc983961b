"""Ask the tests that need no TensorFlow of another backend of Keras: `make backends`.

Each backend gets an environment of its own under build/backends/, with the locked Keras and without
TensorFlow, and docs/backends.md a section. `make backends BACKEND=torch` asks one; what another
said before is kept.
"""

import argparse
import json
import subprocess
import time
import tomllib
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

from tools import environments
from tools.claims_run import environment
from tools.environments import pinned

ROOT = Path(__file__).resolve().parent.parent
BUILD, PAGE = ROOT / "build" / "backends", ROOT / "docs" / "backends.md"
PYTHON, MINUTES = "3.11", 20
LOCKED = ("keras", "numpy", "matplotlib", "pytest", "hypothesis", "pytest-xdist", "ipython")
# PyPI's torch for Linux brings CUDA, some 3 GB; a CPU build that is installed already does too.
BACKENDS = {"jax": "jax==0.10.2", "torch": "torch==2.13.0"}
MODULES = ("padding", "embedding", "propagation", "carry_over", "loss", "lost_masks", "attention")
GROUPS = {
    "the functions of the lessons": [f"tests/test_{name}.py" for name in MODULES],
    "pairs of a broken and a fixed model, for `audit`": ["tests/test_audit_pairs.py"],
    "claims of lessons 01 to 07": [f"tests/claims/test_{name}.py" for name in MODULES],
    "what is said of JAX alone": ["tests/test_jax.py"],
}
HEAD = """\
# Other backends

Keras 3 runs on JAX and PyTorch as well as on TensorFlow, with which this course is written. `make
backends` asks the tests that need no TensorFlow of another backend and writes this page. Lessons
are not run there. Lessons 08 to 11 use `tf.data`, `tf.distribute` and Keras 2, so their claims are
about TensorFlow. What lesson 09 says of `keras.distribution` is asked of JAX.
"""
REASONS = tomllib.loads(Path(__file__).with_name("backends_reasons.toml").read_text())["reason"]


def ask(name, python, tests):
    """Run some tests under a backend; return their counts, the failures, and the seconds."""
    home, started = BUILD / name, time.monotonic()
    report = home / "report.xml"
    report.unlink(missing_ok=True)
    command = [python, "-m", "pytest", *tests, "-q", "-n", "2", "--tb=line"]
    command += ["-p", "no:cacheprovider", f"--junitxml={report}"]
    with (home / "log.txt").open("w") as log:
        subprocess.run(
            command,
            cwd=ROOT,
            env=environment(home, {"COURSE_BACKEND": name, "KERAS_BACKEND": name}),
            stdout=log,
            stderr=subprocess.STDOUT,
            timeout=60 * MINUTES,
        )
    return read_report(report) | {"seconds": round(time.monotonic() - started)}


def read_report(report):
    """Return `{"counts", "failures"}` of a JUnit report; a failure is a test's name and a line."""
    counts, failures = Counter(passed=0, failed=0, skipped=0), []
    for case in ElementTree.parse(report).iter("testcase"):
        wrong = case.find("failure") if case.find("failure") is not None else case.find("error")
        if wrong is not None:
            counts["failed"] += 1
            lines = (wrong.get("message") or wrong.text or "").strip().splitlines()
            failures.append([case.get("name"), lines[0] if lines else "no message"])
        else:
            counts["skipped" if case.find("skipped") is not None else "passed"] += 1
    return {"counts": dict(counts), "failures": failures}


def section(name, said):
    """Return the lines of a backend's section; `said` is what was kept of its run, or None."""
    yield f"## {name}\n"
    if said is None:
        yield f"Not tried yet: `make backends BACKEND={name}`.\n"
        return
    if "failed" in said:
        yield f"Could not be tried: {said['failed']}\n"
        return
    yield f"{said['versions']}.\n"
    yield "| tests | passed | failed | skipped | seconds |"
    yield "|---|---|---|---|---|"
    for group, found in said["groups"].items():
        counts = found["counts"]
        row = (group, counts["passed"], counts["failed"], counts["skipped"], found["seconds"])
        yield "| " + " | ".join(map(str, row)) + " |"
    failures = {}
    for found in said["groups"].values():
        for test, line in found["failures"]:
            failures.setdefault(test.split("[")[0], []).append(line)
    yield ""
    yield from explained(name, failures)


def explained(name, failures):
    """Yield what fails, by its reason; `failures` has lists of lines by the test's name."""
    reasons = [one for one in REASONS if one.get("backend", name) == name]
    for reason in reasons:
        tests = [test for test in reason["tests"] if test in failures]
        if tests:
            names = ", ".join(f"`{test}` ({len(failures[test])})" for test in tests)
            yield f"- {reason['text']}\n  Fails: {names}."
    known = {test for reason in reasons for test in reason["tests"]}
    for test, lines in failures.items():
        if test not in known:
            yield f"- Not explained: `{test}` ({len(lines)}): `{lines[0][:160]}`"
    yield ""


def page(kept):
    """Return the page; `kept` has what was said, by the backend's name."""
    parts = [HEAD, *(line for name in BACKENDS for line in section(name, kept.get(name)))]
    return "\n".join(parts).rstrip() + "\n"


def run(name):
    """Ask one backend, print a line for each group, and return what it said."""
    print(f"{name}: environment", flush=True)
    try:
        needs = [*pinned(LOCKED, PYTHON), BACKENDS[name]]
        python = environments.make(BUILD / name, PYTHON, needs)
    except environments.CannotInstallError as error:
        print(f"{name}: could not be installed", flush=True)
        return {"failed": f"it could not be installed: {error}"}
    found = environments.versions(python, ["keras", name])
    said = {"versions": f"Keras {found['keras']} on {name} {found[name]}", "groups": {}}
    for group, tests in GROUPS.items():
        found = said["groups"][group] = ask(name, python, tests)
        print(f"{name}: {group}: {found['counts']}, {found['seconds']} s", flush=True)
    return said


def main():
    """Ask the backend that was named, or JAX, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("backend", nargs="?", choices=BACKENDS, default="jax")
    name = parser.parse_args().backend
    (BUILD / name).mkdir(parents=True, exist_ok=True)
    (BUILD / name / "outcome.json").write_text(json.dumps(run(name), indent=1))
    paths = {name: BUILD / name / "outcome.json" for name in BACKENDS}
    kept = {name: json.loads(path.read_text()) for name, path in paths.items() if path.exists()}
    PAGE.write_text(page(kept))
    print(f"written: {PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
