"""Each fault is one change of the locked Keras, and docs/faults.md names what notices it."""

import re

import pytest

from tests.needs import keras  # noqa: F401
from tools import faults, faults_table
from tools.claims_report import claims_in_tests

FAULTS = faults.read_faults()
ROW = re.compile(r"^\| .+ \(`([\w-]+)`\) \| `(.+)` \| (.+) \| (.+) \|$", re.MULTILINE)


def test_there_are_enough():
    assert len({fault["name"] for fault in FAULTS}) == len(FAULTS) >= 20


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault["name"])
def test_changes_one_place_of_the_installed_keras(fault):
    path, text = faults.changed(fault, faults.keras_folder())
    assert text != path.read_text()
    compile(text, path.name, "exec")


def test_a_text_that_is_not_there_is_refused():
    fault = FAULTS[0] | {"search": "no such line"}
    with pytest.raises(ValueError, match=r"must stand once .* 0 times"):
        faults.changed(fault, faults.keras_folder())


def test_the_overlay_leaves_the_environment_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(faults, "BUILD", tmp_path)
    fault = FAULTS[0]
    original = faults.keras_folder() / "src" / fault["file"]
    before = original.read_text()
    home = faults.overlay(fault)
    assert (home / "keras" / "src" / fault["file"]).read_text() == faults.changed(
        fault, faults.keras_folder()
    )[1]
    assert original.read_text() == before


def test_the_page_tells_of_every_fault_and_who_noticed():
    rows = ROW.findall(faults_table.PAGE.read_text())
    assert [row[:2] for row in rows] == [(fault["name"], fault["file"]) for fault in FAULTS]
    known = {number for number, *_ in claims_in_tests()} | named_in_paths()
    for name, _, red, _ in rows:
        assert {one.strip("`").split("[")[0] for one in red.split(", ")} <= known, name


def named_in_paths():
    files = (faults.ROOT / "tests" / "paths").glob("test_*.py")
    return {
        name for path in files for name in re.findall(r"^def (test_\w+)", path.read_text(), re.M)
    }


def test_a_fault_that_nothing_notices_is_told():
    answers = ({"claims": ["1.2"]}, {"claims": []}, {"claims": [], "tests": ["test_x[a b]"]})
    outcomes = {fault["name"]: one for fault, one in zip(FAULTS, answers, strict=False)}
    page = faults_table.page(FAULTS[:3], outcomes, [("1.2", "a", "x"), ("1.3", "b", "x")])
    assert "Of 3 faults, 1 are noticed by at least one claim, and 1 by a test of other" in page
    assert [row[2] for row in ROW.findall(page)] == ["1.2", "**nothing**", "`test_x[a b]`"]
    assert "- **1.3** b" in page
    assert "- **1.2** a" not in page
