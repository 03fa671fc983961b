"""Build the wheel and run the tests against it, in an environment of its own: `make wheel`.

First beside NumPy and Matplotlib alone, as it comes into somebody's project: no Keras may come with
it, and the tests that ask Keras skip. Then beside the locked Keras and TensorFlow, which must stay
as they were. The tests run from a copied folder, so that the source tree cannot be imported.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "wheel"
PYTHON = BUILD / "venv" / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
# Tests of the project, not of the package: they read notebooks and tools.
NOT_OF_THE_PACKAGE = (
    "test_backends.py",
    "test_claims_match.py",
    "test_claims_report.py",
    "test_claims_table.py",
    "test_collect.py",
    "test_exercises_cells.py",
    "test_faults.py",
    "test_lab.py",
    "test_layers.py",
    "test_mask_costs.py",
    "test_minutes.py",
    "test_notebooks.py",
    "test_project.py",
    "test_readme_picture.py",
    "test_site.py",
    "test_slides.py",
    "test_talk.py",
    "test_then_and_now.py",
    "test_teaching.py",
    "test_versions.py",
    "test_wild.py",
)
NEVER_BROUGHT = {"keras", "tensorflow", "tensorflow-cpu", "tf-keras", "torch", "jax", "jupyterlab"}
TEST_TOOLS = ("hypothesis", "pytest", "pytest-xdist")


def run(*command, **options):
    """Run a command; its failure is this tool's failure."""
    done = subprocess.run([str(part) for part in command], check=False, **options)
    if done.returncode:
        sys.exit(f"failed: {' '.join(map(str, command))}")
    return done.stdout


def uv(*command, **options):
    return run(sys.executable, "-m", "uv", *command, "--quiet", **options)


def build():
    """Build sdist and wheel, the wheel from the sdist, and return where the wheel is."""
    run(
        sys.executable,
        "-m",
        "build",
        "--no-isolation",
        "--outdir",
        BUILD / "dist",
        ROOT,
        stdout=subprocess.DEVNULL,
    )
    (wheel,) = (BUILD / "dist").glob("*.whl")
    return wheel


def installed():
    """Return what the environment holds, as {name: version}."""
    command = ("pip", "list", "--python", PYTHON, "--format", "json")
    listed = json.loads(uv(*command, stdout=subprocess.PIPE, text=True))
    return {package["name"]: package["version"] for package in listed}


def install(*packages):
    constraints = BUILD / "constraints.txt"
    locked = re.findall(r"^\S+==[^\\\n]+", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    constraints.write_text("\n".join(locked))
    uv("pip", "install", "--python", PYTHON, "--compile-bytecode", "-c", constraints, *packages)


def copy_tests():
    """Copy the package's tests, and what they are run with, out of the source tree."""
    copy = BUILD / "copy"
    shutil.copytree(
        ROOT / "tests",
        copy / "tests",
        ignore=shutil.ignore_patterns("__pycache__", *NOT_OF_THE_PACKAGE),
    )
    for name in (".gitignore", "conftest.py", "kernel.env", "pyproject.toml"):
        shutil.copy(ROOT / name, copy)
    return copy


def run_tests(copy, *flags):
    where = "import course_lib, pathlib; print(pathlib.Path(course_lib.__file__).parent)"
    found = Path(run(PYTHON, "-c", where, cwd=copy, stdout=subprocess.PIPE, text=True).strip())
    if BUILD / "venv" not in found.parents:
        sys.exit(f"the tests would import course_lib from {found}, not from the wheel")
    run(PYTHON, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile", *flags, "tests", cwd=copy)


def main():
    shutil.rmtree(BUILD, ignore_errors=True)
    wheel = build()
    print(f"Built {wheel.name}; its tests run beside NumPy and Matplotlib alone.", flush=True)
    uv("venv", "--python", sys.executable, BUILD / "venv")
    install(wheel)
    brought = installed()
    if NEVER_BROUGHT & set(brought):
        sys.exit(f"the wheel brought {', '.join(sorted(NEVER_BROUGHT & set(brought)))}")
    print(f"It brought {', '.join(sorted(brought))}.", flush=True)
    copy = copy_tests()
    install(*TEST_TOOLS)
    run_tests(copy, "--ignore=tests/claims")

    print("Now beside the locked Keras and TensorFlow.", flush=True)
    uv("pip", "uninstall", "--python", PYTHON, "keras-sequence-masking")
    cpu_only = sys.platform == "linux" and "x86_64" in sys.implementation._multiarch
    install("keras", "tensorflow-cpu" if cpu_only else "tensorflow")
    before = installed()
    uv("pip", "install", "--python", PYTHON, wheel)
    after = installed()
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    if changed != {"keras-sequence-masking"}:
        sys.exit(
            f"installing the wheel changed {sorted(changed)}, not keras-sequence-masking alone"
        )
    run_tests(copy)
    kept = ", ".join(f"{name} {after[name]}" for name in sorted(NEVER_BROUGHT & set(after)))
    print(f"The wheel passes, and left {kept} as they were.")


if __name__ == "__main__":
    main()
