"""docs/claims.md tells of the claims that the lessons make, and the table says what was seen."""

import json
import re
from pathlib import Path

import pytest

from tests.test_claims_match import claims_in_lessons
from tools import claims, environments
from tools.claims import read_config
from tools.claims_report import HOLDS, VERDICTS, claims_in_tests, order, short
from tools.claims_table import MARKS, PAGE, TO_BE_WRITTEN, Table, row
from tools.environments import pinned, reason
from tools.faults import read_faults

ROOT = Path(__file__).parent.parent
ROW = re.compile(r"^\| \*\*(\d+\.\d+)\*\* (.+?) \| ([✓✗–? |]+) \|$", re.MULTILINE)


@pytest.fixture(scope="module")
def rows():
    """Return {number: (sentence, marks)} of the written page."""
    found = ROW.findall(PAGE.read_text())
    assert len(found) > 40
    return {number: (said.replace("\\|", "|"), marks.split(" | ")) for number, said, marks in found}


def test_the_rows_are_the_claims_of_the_lessons(rows):
    shown = {number: sentence for number, sentence, *_ in claims_in_lessons()}
    assert {number: sentence for number, (sentence, _) in rows.items()} == shown
    assert list(rows) == sorted(rows, key=order)


def test_every_claim_holds_in_the_locked_version(rows):
    names = [version["name"] for version in read_config()["version"]]
    locked = names.index(Table({}, read_config(), []).locked)
    for number, (_, marks) in rows.items():
        assert len(marks) == len(names), number
        assert marks[locked] == MARKS[HOLDS], number


def test_the_locked_column_was_asked_of_the_locked_packages():
    line = re.search(r"^\| \S+ \(locked\) \| (.+) \|$", PAGE.read_text(), re.MULTILINE)[1]
    keras, tensorflow, numpy, python = line.split(" | ")[:4]
    locked = [need.split("==")[1] for need in pinned(["keras", "numpy"], python)]
    assert [keras, numpy] == locked
    assert pinned(["tensorflow", "tensorflow-cpu"], python)[0].endswith(f"=={tensorflow}")


def test_a_difference_with_the_coming_release_says_what_to_do():
    assert TO_BE_WRITTEN not in PAGE.read_text()


def test_there_are_enough_columns():
    names = [version["name"] for version in read_config()["version"]]
    assert len(set(names)) == len(names) >= 6


def test_the_page_names_no_machine():
    text = PAGE.read_text()
    assert not re.search(r"0x[0-9a-f]{5,}|/home/|/root/|/tmp/|https?://|site-packages", text)


def outcome(**verdicts):
    claims = {
        number.replace("_", ".")[1:]: {"sentence": "It is so.", "verdict": verdict, "seen": seen}
        for number, (verdict, seen) in verdicts.items()
    }
    return {"versions": {"keras": "3.0"}, "claims": claims, "broken": {}}


CONFIG = {
    "version": [
        {"name": "old", "python": "3.11"},
        {"name": "lock", "python": "3.11", "locked": ["keras"]},
        {"name": "next", "python": "3.11", "moving": True},
    ]
}
CLAIMS = [("1.10", "It is so.", "padding"), ("1.9", "It is so.", "padding")]


def table(old=("holds", ""), coming=("holds", ""), notes=()):
    holds = {"c1_9": ("holds", ""), "c1_10": ("holds", "")}
    outcomes = {
        "old": outcome(**holds | {"c1_9": old}),
        "lock": outcome(**holds),
        "next": outcome(**holds | {"c1_10": coming}),
    }
    return Table(outcomes, CONFIG | {"note": list(notes)}, CLAIMS)


class TestTable:
    def test_rows_stand_in_order(self):
        assert [n for n, *_ in ROW.findall(table().page())] == ["1.9", "1.10"]

    @pytest.mark.parametrize("verdict", VERDICTS)
    def test_every_verdict_has_a_mark(self, verdict):
        page = table(old=(verdict, "something else")).page()
        assert row(["**1.9** It is so.", MARKS[verdict], "✓", "✓"]) in page
        assert ("something else" in page) == (verdict != HOLDS)

    def test_a_difference_with_the_coming_release_stands_first(self):
        page = table(coming=("fails", "assert 2 == 1")).page()
        assert "Under `next`: fails. `assert 2 == 1`" in page.split("## What was asked")[0]
        assert TO_BE_WRITTEN in page
        assert "Nothing:" not in page

    def test_advice_is_taken_from_the_notes(self):
        note = {"claim": "1.10", "versions": ["next"], "text": "It is 2.", "fix": "Divide by 2."}
        page = table(coming=("fails", "assert 2 == 1"), notes=[note]).page()
        assert "Under `next`: fails. It is 2." in page
        assert "*In your own code:* Divide by 2." in page
        assert TO_BE_WRITTEN not in page

    def test_no_difference_is_said_to_be_none(self):
        assert "Nothing: the columns lock and `next` agree on every claim" in table().page()

    def test_a_note_on_nothing_is_reported(self):
        unused = table(notes=[{"claim": "1.9", "versions": ["old"], "text": "It was 3."}])
        assert "It was 3." not in unused.page()
        assert unused.unused_notes() == ["1.9"]

    def test_a_version_that_cannot_be_installed_is_a_column_that_says_so(self):
        broken = table()
        broken.outcomes["next"] = {"failed": "cannot be installed: no wheel"}
        page = broken.page()
        assert row(["**1.9** It is so.", "✓", "✓", "?"]) in page
        assert "`next` could not be asked" in page
        assert page.count("cannot be installed: no wheel") == 1

    def test_another_wording_counts_as_not_asked(self):
        other = table()
        other.outcomes["old"]["claims"]["1.9"]["sentence"] = "It was so."
        assert row(["**1.9** It is so.", "?", "✓", "✓"]) in other.page()
        # Unless it stands over the same test.
        other.outcomes["old"]["claims"]["1.9"]["test"] = other.tests["1.9"] = "test_nine"
        assert row(["**1.9** It is so.", "✓", "✓", "✓"]) in other.page()

    @pytest.mark.parametrize(
        ("true", "words"),
        [
            ("1 2 3 4 old", ""),
            ("1 2 3 4", "in every Keras 3; not in old"),
            ("3 4 old", "from 3 on"),
            ("4", "from 4 on; not in old"),
            ("1 2 old", "up to 2"),
            ("1 2 4 old", "in 1, 2, 4"),
        ],
    )
    def test_where_a_sentence_holds_is_told_in_words(self, true, words):
        versions = [{"name": n, "python": "3.11"} for n in "1234"]
        versions[2]["locked"] = ["keras"]
        versions.append({"name": "old", "python": "3.11", "env": {"CLAIMS_KERAS": "tf_keras"}})
        outcomes = {
            v["name"]: outcome(c1_9=("holds" if v["name"] in true.split() else "fails", ""))
            for v in versions
        }
        claim = ("1.9", "It is so.", "padding")
        found = Table(outcomes, {"version": versions}, [claim])
        assert found.holds_in(claim) == words
        changed = "\n".join(found.changed_part())
        assert (row(["**1.9** It is so.", words]) in changed) == bool(words)
        assert f"{0 if words else 1} of 1 sentences" in changed

    def test_a_version_that_was_not_asked_is_told(self):
        found = table(old=("fails", ""))
        found.outcomes["next"] = {"failed": "no wheel"}
        assert found.holds_in(("1.9", "It is so.", "padding")) == "from lock on; not asked in next"

    def test_neighbours_are_one_range(self):
        names = [{"name": str(n), "python": ""} for n in range(6)]
        spoken = Table({}, {"version": [*names, CONFIG["version"][1]]}, []).span
        assert spoken(["0", "1", "2", "4"]) == "0 to 2, 4"
        assert spoken(["0", "1"]) == "0, 1"


def test_what_was_seen_is_short_and_names_no_address():
    text = "assert False\n +  where False = <function isclose at 0x7fea>(0.4166666, 1)\n + and x"
    assert short(text) == "not isclose(0.4167, 1)"
    assert short("open /root/a/b.py at 0x12ab failed") == "open b.py failed"
    assert len(short("word " * 100)) <= 150


def test_what_uv_says_is_told_without_paths():
    text = "Using Python 3\n  × No solution found when resolving dependencies:\n  ╰─▶ no keras==9"
    assert reason(text) == "no keras==9"
    assert reason("error: cannot read /root/x/y at https://host/simple") == "cannot read … at …"


def test_a_run_without_answers_keeps_those_from_before(tmp_path, monkeypatch):
    def refuse(*args, **options):
        raise environments.CannotInstallError("no network")

    monkeypatch.setattr(claims, "BUILD", tmp_path)
    monkeypatch.setattr(environments, "make", refuse)
    version = {"name": "3.9", "python": "3.11", "requirements": ["keras==3.9.2"]}
    (tmp_path / "3.9").mkdir()
    kept = tmp_path / "3.9" / "outcome.json"
    for before in ({"claims": {"1.1": "holds"}, "broken": {}}, {"failed": "earlier"}):
        kept.write_text(json.dumps(before))
        claims.run(version, [], "")
        after = json.loads(kept.read_text())
        assert after == (
            before if "claims" in before else {"failed": "cannot be installed: no network"}
        )


def test_claims_in_tests_are_found():
    assert {number for number, *_ in claims_in_tests()} >= {"1.1", "2.1", "5.1"}


def test_the_chapter_on_tests_counts_no_more_than_there_is():
    """It says "more than", so that a new claim or fault does not make it wrong."""
    text = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    assert "more than a hundred of them" in text
    assert "more than 130 ways" in text
    assert len(claims_in_tests()) > 100
    assert len(read_faults()) > 130
