"""Ask public models what they do with padding, and write docs/wild.md: `make wild`.

They go into an environment of their own under build/wild/; one that fails stops no other.
"""

import json
import subprocess
import tomllib
from pathlib import Path

from tools import environments
from tools.claims_run import environment
from tools.environments import pinned
from tools.wild import page

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build" / "wild"
CONFIG = ROOT / "tools" / "wild" / "packages.toml"
PYTHON = "3.11"
MODULES = ("hub", "packages", "examples", "signals")
OURS = ("keras", "numpy", "matplotlib", "tensorflow", "tensorflow-cpu")


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
    needs = [*pinned(OURS, PYTHON), *config["packages"]]
    python = environments.make(BUILD, PYTHON, needs, config["without"])
    rows = [row for module in MODULES for row in ask(python, module)]
    names = ["keras", *sorted({need.split("==")[0] for need in config["packages"]})]
    versions = environments.versions(python, names)
    page.PAGE.write_text(page.page(rows, versions, config.get("explained")))
    print(f"written: {page.PAGE.relative_to(ROOT)}")
    cost = [python, "-m", "tools.wild.cost"]
    subprocess.run(cost, cwd=ROOT, env=environment(BUILD, {}), check=True)


if __name__ == "__main__":
    main()
