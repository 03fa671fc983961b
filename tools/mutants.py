"""Change a module of course_lib in one place after the other: `make mutants MODULE=padding`.

A change that no test notices is a survivor: a test is missing, or the change changes nothing. The
tests run against a copy of the tracked files below build/mutants/, by cosmic-ray, with Keras
imported once for all of them (tools/warm_tests.py). With `--numpy` they run where Keras is not
installed, in an environment of their own: the tests that compare with it are skipped. With
`--again`, only the survivors of the last run are tried, by the tests as they are now. What the runs
of all lesson modules left, and why, stands in docs/mutants.md.
"""

import contextlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tools.programs import program

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "mutants"
OWN = BUILD / "env" / "bin" / "python"
NEEDS = ["cosmic-ray==8.7.0", "numpy", "matplotlib", "pytest", "hypothesis"]
CONFIG = """\
[cosmic-ray]
module-path = "course_lib/{module}.py"
timeout = 120.0
excluded-modules = []
test-command = "{runner} -x -q {plugins} --hypothesis-seed=0 {tests}"

[cosmic-ray.distributor]
name = "local"

[cosmic-ray.filters.operators-filter]
exclude-operators = {excluded}
"""
# Of the plugins, these tests need that of hypothesis alone: loading them all takes 3 of 4 seconds.
PLUGINS = "-p no:cacheprovider -p _hypothesis_pytestplugin"
# cosmic-ray puts every operator in the place of every other. One or two for each are enough to see
# whether a test looks at the place; `is` beside numbers and `+x` mostly change nothing.
KEPT = "Add_Sub Sub_Add Mul_Div Div_Mul Pow_Mul FloorDiv_Div Mod_Div BitAnd_BitOr BitOr_BitAnd"
EXCLUDED = [
    f"core/ReplaceBinaryOperator_(?!({KEPT.replace(' ', '|')})$)",
    "core/ReplaceComparisonOperator_(?!Is_|IsNot_)[A-Za-z]+_(Is|IsNot)$",
    "core/ReplaceComparisonOperator_Is_(?!IsNot$)",
    "core/ReplaceComparisonOperator_IsNot_(?!Is$)",
    "core/ReplaceUnaryOperator_USub_UAdd$",
]


def make_environment():
    if OWN.exists():
        return
    uv = [sys.executable, "-m", "uv"]
    subprocess.run([*uv, "venv", "--quiet", str(OWN.parent.parent)], check=True)
    subprocess.run([*uv, "pip", "install", "--quiet", "--python", str(OWN), *NEEDS], check=True)


def copy_tree(tree):
    """Copy what git tracks, as it stands in the working tree."""
    shutil.rmtree(tree, ignore_errors=True)
    git = program("git", use="`make mutants` needs")
    names = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    for name in filter(None, names.stdout.decode().split("\0")):
        if (ROOT / name).is_file() and not name.startswith("notebooks/"):
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)


def cosmic_ray(program, *arguments, tree, **options):
    command = [str(OWN.parent / program), *map(str, arguments)]
    return subprocess.run(command, cwd=tree, text=True, check=True, **options)


@contextlib.contextmanager
def tests_with(numpy_alone, tree):
    """Return the words that run pytest, where Keras is not installed or where it is imported."""
    if numpy_alone:
        yield f"{OWN} -m pytest"
        return
    script, address = ROOT / "tools" / "warm_tests.py", tempfile.mktemp(prefix="warm-tests-")
    server = subprocess.Popen([sys.executable, script, "serve", address], cwd=tree)
    try:
        while not Path(address).exists():
            if server.poll() is not None:
                sys.exit("the server of tools/warm_tests.py did not start")
            time.sleep(0.1)
        yield f"{sys.executable} {script} ask {address}"
    finally:
        server.kill()
        server.wait()
        Path(address).unlink(missing_ok=True)
        Path(f"{address}.log").unlink(missing_ok=True)


def forget_survivors(session):
    """Take the survivors' results out of a session: cosmic-ray tries what has no result."""
    with contextlib.closing(sqlite3.connect(session)) as database:
        database.execute("DELETE FROM work_results WHERE test_outcome = 'SURVIVED'")
        database.commit()


def survivors(dump):
    """Return the changes that no test noticed, as diffs, and the number of all that were tried."""
    jobs = re.split(r"(?m)^(?=\[job-id\] )", dump)[1:]
    jobs = [job for job in jobs if "test outcome: TestOutcome." in job]
    alive = [job for job in jobs if "test outcome: TestOutcome.SURVIVED" in job]
    return [job.partition("=== DIFF ===")[2].strip() for job in alive], len(jobs)


def main(module, *flags):
    make_environment()
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    tree = BUILD / module  # one for each, so that modules can be tried side by side
    copy_tree(tree)
    # The pure parts of the audit share a file of property tests: `MODULE=_audit/axes`.
    name = "audit_pure" if module.startswith("_audit/") else module.lstrip("_")
    tests = f"tests/test_{name}.py"
    config, session = BUILD / f"{module}.toml", BUILD / f"{module}.sqlite"
    again = "--again" in flags and session.exists()
    if again:
        forget_survivors(session)
    else:
        session.unlink(missing_ok=True)
    with tests_with("--numpy" in flags, tree) as runner:
        options = {"runner": runner, "plugins": PLUGINS, "tests": tests}
        config.write_text(CONFIG.format(module=module, excluded=json.dumps(EXCLUDED), **options))
        if not again:
            cosmic_ray("cosmic-ray", "init", config, session, tree=tree)
            cosmic_ray("cr-filter-operators", session, config, tree=tree)
        cosmic_ray("cosmic-ray", "baseline", config, tree=tree)
        cosmic_ray("cosmic-ray", "exec", config, session, tree=tree)
    report = cosmic_ray("cr-report", "--show-diff", session, tree=tree, stdout=subprocess.PIPE)
    dump = report.stdout
    alive, number = survivors(dump)
    for diff in alive:
        print(diff, end="\n\n")
    print(f"course_lib/{module}.py: {number - len(alive)} of {number} changes noticed")


if __name__ == "__main__":
    main(*sys.argv[1:])
