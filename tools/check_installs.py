"""Install the course in every way that its texts name, and run a lesson in each: `make installs`.

Each way gets an environment and a copy of the project of its own below build/installs, and runs
lesson 01 under nbval there: make, pip, uv, the wheel, and what environment.yml and binder/ hand to
pip. No conda is asked: its channel is not, and so the solving of `python` and `pip` is not tried.
What each way installs is what its ranges allow today, not what is locked (but for make).
"""

import os
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "installs"
LESSON = "01_padding.ipynb"
COPIED = (
    "binder", "course_lib", "docs", "notebooks", "tests", "tools", "LICENSE", "Makefile",
    "README.md", "conftest.py", "environment.yml", "kernel.env", "pyproject.toml",
    "requirements.lock",
)  # fmt: skip
KERNEL = dict(line.split("=", 1) for line in (ROOT / "kernel.env").read_text().split())
OURS = (
    "PYTHON",
    "VIRTUAL_ENV",
    "KERAS",
    "TF_",
    "MPL",
    "IPYTHON",
    "JUPYTER",
    "MAKE",
    "PYTEST",
    "UV_",
)
NBVAL = ("-m", "pytest", "-q", "--nbval", "--nbval-current-env", "-p", "no:cacheprovider")


def copy_project(folder):
    """Copy what is committed of the project, as somebody has it who cloned it."""
    for name in COPIED:
        source, target = ROOT / name, folder / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        else:
            shutil.copy(source, target)


def learner(**more):
    """Return the variables of a shell that knows nothing of this project's own environment."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    kept["PATH"] = os.pathsep.join(p for p in kept["PATH"].split(os.pathsep) if ".venv" not in p)
    return kept | more


class Way:
    """One way to install, in a folder of its own."""

    def __init__(self, name):
        self.name = name
        self.folder = BUILD / name
        self.env = self.folder / "env"
        self.python = self.env / "bin" / "python"
        self.log = BUILD / f"{name}.log"
        copy_project(self.folder / "project")

    @property
    def project(self):
        return self.folder / "project"

    def run(self, *command, cwd=None, **variables):
        """Run a command; what it says goes to the log, and its failure is an error."""
        with self.log.open("a") as log:
            log.write(f"\n$ {shlex.join(map(str, command))}\n")
            log.flush()
            done = subprocess.run(
                [str(part) for part in command],
                cwd=cwd or self.project,
                env=learner(**variables),
                stdout=log,
                stderr=log,
                check=False,
            )
        if done.returncode:
            last = "\n".join(self.log.read_text().splitlines()[-15:])
            raise RuntimeError(f"{shlex.join(map(str, command))} failed:\n{last}")

    def lesson(self, python=None, folder=None):
        """Run the lesson where `folder` has it, and nothing of the project beside it."""
        folder = folder or self.project / "notebooks"
        self.run(python or self.python, *NBVAL, LESSON, cwd=folder, COURSE_PROGRESS="off", **KERNEL)

    def venv(self, python=sys.executable):
        self.run(python, "-m", "venv", self.env)


def by_make(way):
    way.run("make", f"PYTHON={sys.executable}", ".venv")
    way.run("make", "-s", "test-notebooks", "LESSON=01", "WORKERS=1")


def by_pip(way):
    way.venv()
    way.run(way.python, "-m", "pip", "install", "-e", ".[course]")
    way.lesson()


def by_uv(way):
    uv = (sys.executable, "-m", "uv")
    way.run(*uv, "venv", "--python", sys.executable, way.env)
    way.run(*uv, "pip", "install", "--python", way.python, "-e", ".[course]")
    way.lesson()


def by_wheel(way):
    """The wheel with its extra, and a notebook that lies in no project."""
    dist = way.folder / "dist"
    way.run(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", dist, ".")
    (wheel,) = dist.glob("*.whl")
    way.venv()
    way.run(way.python, "-m", "pip", "install", f"{wheel}[course]")
    alone = way.folder / "alone"
    alone.mkdir()
    shutil.copy(way.project / "notebooks" / LESSON, alone)
    way.lesson(folder=alone)


def pip_part(path):
    """Return what an environment.yml hands to pip; conda runs it in the file's own folder."""
    parts = yaml.safe_load(path.read_text())["dependencies"]
    (found,) = [part["pip"] for part in parts if isinstance(part, dict)]
    return [word for line in found for word in shlex.split(line)]


def named_python(path):
    """Return the Python that an environment.yml names, if this machine has it, else our own."""
    named = yaml.safe_load(path.read_text())["dependencies"][0].replace("=", "")
    found = shutil.which(named)
    works = found and subprocess.run([found, "-c", ""], capture_output=True, check=False)
    if works and works.returncode == 0:
        return found
    print(f"{named} is not installed, and another Python tried in its place", flush=True)
    return sys.executable


def by_conda(way):
    way.venv()
    path = way.project / "environment.yml"
    way.run(way.python, "-m", "pip", "install", *pip_part(path), cwd=path.parent)
    way.lesson()


def by_binder(way):
    """What repo2docker does: pip in binder/, then postBuild, then start before the kernels."""
    way.venv(named_python(way.project / "binder" / "environment.yml"))
    path = way.project / "binder" / "environment.yml"
    way.run(way.python, "-m", "pip", "install", *pip_part(path), cwd=path.parent)
    inside = os.pathsep.join([str(way.env / "bin"), learner()["PATH"]])
    way.run("binder/postBuild", PATH=inside)
    command = ("binder/start", "python", *NBVAL, f"notebooks/{LESSON}")
    way.run(*command, PATH=inside, COURSE_PROGRESS="off")


WAYS = {
    "make": by_make,
    "pip": by_pip,
    "uv": by_uv,
    "wheel": by_wheel,
    "conda": by_conda,
    "binder": by_binder,
}


def main(*names):
    """Try the ways that are named, or all; the exit status is 1 if one fails."""
    if unknown := set(names) - set(WAYS):
        sys.exit(f"no such way: {', '.join(sorted(unknown))}; there are {', '.join(WAYS)}")
    shutil.rmtree(BUILD, ignore_errors=True)
    BUILD.mkdir(parents=True)
    failed = []
    for name in names or WAYS:
        started = time.monotonic()
        try:
            WAYS[name](Way(name))
            said = "installs, and lesson 01 passes"
        except RuntimeError as error:
            failed.append(name)
            said = str(error)
        print(f"{name:7} {time.monotonic() - started:4.0f} s  {said}", flush=True)
        # An environment takes more than a gigabyte.
        shutil.rmtree(BUILD / name, ignore_errors=True)
    sys.exit(f"failed: {', '.join(failed)}; the logs are in build/installs" if failed else 0)


if __name__ == "__main__":
    main(*sys.argv[1:])
