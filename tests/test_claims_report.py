"""The plugin that collects verdicts: what a test of a claim does, and what is written down."""

import json

import pytest

from tools import claims_report as report
from tools.claims_report import FAILS, HOLDS, NO_SUCH_THING, NOT_RUN

pytest_plugins = ["pytester"]

CODE = """
import json

import pytest

claim = pytest.mark.claim

@claim("1.1", "It holds.")
def test_1():
    assert True

@claim("1.2", "It fails.")
def test_2():
    assert 1 + 1 == 3

@claim("1.3", "Nothing is raised.")
def test_3():
    with pytest.raises(ValueError):
        pass

@claim("1.4", "It has no meaning.")
def test_4():
    pytest.skip("no such thing: that layer")

@claim("1.5", "It needs what is not there.")
def test_5():
    pytest.importorskip("no_such_module")

@claim("1.6", "The test itself cannot ask.")
def test_6():
    json.no_such_name

@claim("1.7", "What is asked raises.")
def test_7():
    json.loads("{")

@claim("1.8", "One of three fails.")
@pytest.mark.parametrize("number", [1, 2, 3])
def test_8(number):
    assert number != 2

@pytest.fixture
def broken():
    raise ValueError("no table")

@claim("1.10", "The fixture raises.")
def test_10(broken):
    pass

@claim("1.9", "It holds for one, and has no meaning for the other.")
@pytest.mark.parametrize("number", [1, 2])
def test_9(number):
    if number == 1:
        pytest.skip("no such thing: 1")
"""


def ask(pytester, monkeypatch, **files):
    monkeypatch.setattr(report, "TESTS", pytester.path)
    pytester.makepyfile(**files)
    arguments = ["-p", "tools.claims_report", "--claims-report", "out/verdicts.json"]
    pytester.runpytest_inprocess(*arguments, "--continue-on-collection-errors")
    return json.loads((pytester.path / "out" / "verdicts.json").read_text())


@pytest.fixture
def claims(pytester, monkeypatch):
    return ask(pytester, monkeypatch, test_a=CODE)["claims"]


def test_verdicts(claims):
    assert {number: entry["verdict"] for number, entry in claims.items()} == {
        "1.1": HOLDS,
        "1.2": FAILS,
        "1.3": FAILS,
        "1.4": NO_SUCH_THING,
        "1.5": NOT_RUN,
        "1.6": NOT_RUN,
        "1.7": FAILS,
        "1.8": FAILS,
        "1.9": HOLDS,
        "1.10": NOT_RUN,
    }
    assert list(claims)[-2:] == ["1.9", "1.10"]


def test_what_was_seen(claims):
    assert claims["1.1"] == {
        "sentence": "It holds.",
        "test": "test_1",
        "verdict": HOLDS,
        "seen": "",
    }
    assert claims["1.8"]["test"] == "test_8"
    assert "(1 + 1) == 3" in claims["1.2"]["seen"]
    assert "DID NOT RAISE" in claims["1.3"]["seen"]
    assert claims["1.4"]["seen"] == "that layer"
    assert claims["1.7"]["seen"].startswith("JSONDecodeError")
    assert claims["1.10"]["seen"] == "ValueError: no table"


def test_a_module_that_cannot_be_imported_is_told(pytester, monkeypatch):
    told = ask(pytester, monkeypatch, test_padding="import no_such_module", test_b=CODE)
    assert list(told["broken"]) == ["padding"]
    assert "no_such_module" in told["broken"]["padding"]
    assert len(told["claims"]) == 10
    assert told["versions"]["python"].startswith("3.")
