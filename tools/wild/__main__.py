"""Ask public models what they do with padding, and write docs/wild.md: `make wild`.

They go into an environment of their own under build/wild/; one that fails stops no other.
"""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

from tools.claims import pinned
from tools.claims_run import environment
from tools.wild import page

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build" / "wild"
CONFIG = ROOT / "tools" / "wild" / "packages.toml"
MODULES = ("hub", "packages", "examples", "signals")
OURS = ("keras", "numpy", "matplotlib", "tensorflow", "tensorflow-cpu")


def make_environment(config):
    """Return the Python of the environment, made anew if what it needs has changed."""
    needs = [*pinned(OURS, "3.11"), *config["packages"]]
    python, recipe = BUILD / "env" / "bin" / "python", BUILD / "recipe.json"
    if python.exists() and recipe.exists() and json.loads(recipe.read_text()) == needs:
        return python
    print("making the environment", flush=True)
    BUILD.mkdir(parents=True, exist_ok=True)
    without = BUILD / "without.txt"
    without.write_text("".join(f"{name}; sys_platform == ''\n" for name in config["without"]))
    uv = [sys.executable, "-m", "uv"]
    subprocess.run(
        [*uv, "venv", "--quiet", "--clear", "--python", "3.11", BUILD / "env"], check=True
    )
    install = [*uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python]
    subprocess.run([*install, "--override", without, *needs], check=True)
    recipe.write_text(json.dumps(needs))
    return python


def ask(python, module):
    """Return what the models of a module said; a line is printed for each as it comes."""
    command = [python, "-m", "tools.wild.ask", module]
    rows = []
    with (
        (BUILD / f"{module}.log").open("w") as log,
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(BUILD, {}),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as process,
    ):
        for line in process.stdout:
            row = json.loads(line)
            rows.append(row)
            said = row.get("failed") or page.verdict(row)
            mark = " " if "failed" in row or page.agree(row) else "≠"
            print(f"{mark} {row['package']:>10} {row['name']}: {said}"[:110], flush=True)
    if process.returncode:
        print(f"the models of {module} ended early; see build/wild/{module}.log")
    return rows


def main():
    """Ask all models, and write the page."""
    config = tomllib.loads(CONFIG.read_text())
    python = make_environment(config)
    rows = [row for module in MODULES for row in ask(python, module)]
    names = ["keras", *sorted({need.split("==")[0] for need in config["packages"]})]
    script = "import sys; from importlib.metadata import version as v; print(*map(v, sys.argv[1:]))"
    found = subprocess.run(
        [python, "-c", script, *names], capture_output=True, text=True, check=True
    )
    versions = dict(zip(names, found.stdout.split(), strict=True))
    page.PAGE.write_text(page.page(rows, versions, config.get("explained")))
    print(f"written: {page.PAGE.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
