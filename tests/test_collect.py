"""`python -m tools.collect`: the records of a class become one table, and none is touched."""

import csv
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.exercises import check
from course_lib.exercises._exercise import all_exercises
from tools import collect

IDS = [exercise.id for exercise in all_exercises()]


def write(path, entries):
    """Write a record as `check` does: {number: (solved, tries)}."""
    exercises = {i: {"solved": solved, "tries": tries} for i, (solved, tries) in entries.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"version": 1, "exercises": exercises}))


@pytest.fixture
def homes(tmp_path):
    """Three home folders of a JupyterHub; one learner worked in two places."""
    write(tmp_path / "ada/course/notebooks/.course_progress.json", {"0.1": (True, 2)})
    write(tmp_path / "bob/notebooks/.course_progress.json", {"0.1": (False, 3), "1.1": (True, 1)})
    write(tmp_path / "bob/again/.course_progress.json", {"0.1": (True, 1), "1.2": (False, 4)})
    write(tmp_path / "bob/.trash/.course_progress.json", {"1.3": (True, 1)})
    (tmp_path / "cyd").mkdir()
    (tmp_path / "bob" / "other.json").write_text("{}")
    return tmp_path


def test_home_folders(homes):
    learners, trouble = collect.merge([homes])
    assert trouble == []
    assert learners == {
        "ada": {"0.1": {"solved": True, "tries": 2}},
        "bob": {
            "0.1": {"solved": True, "tries": 4},
            "1.1": {"solved": True, "tries": 1},
            "1.2": {"solved": False, "tries": 4},
        },
    }


def test_files_that_were_handed_in(tmp_path):
    write(tmp_path / "ada.json", {"0.1": (True, 1)})
    write(tmp_path / "bob.json", {"0.1": (False, 1)})
    learners, trouble = collect.merge([tmp_path, tmp_path / "ada.json"])
    assert trouble == []
    assert list(learners) == ["ada", "bob"]
    assert learners["ada"]["0.1"]["tries"] == 1, "named twice, counted once"


def test_one_record_is_called_by_its_folder(tmp_path):
    record = tmp_path / "ada" / ".course_progress.json"
    write(record, {"0.1": (True, 1)})
    assert list(collect.merge([record])[0]) == list(collect.merge([record.parent])[0]) == ["ada"]


def test_what_check_wrote_is_read(tmp_path, monkeypatch):
    pytest.importorskip("hypothesis")
    monkeypatch.setenv("COURSE_PROGRESS", str(tmp_path / "ada.json"))
    check("0.1", lambda ids: ids == 0)
    check("0.1", lambda ids: ids != 0)
    assert collect.merge([tmp_path])[0] == {"ada": {"0.1": {"solved": True, "tries": 2}}}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "is damaged"),
        (b"\xff\xfe", "is damaged"),
        (b'{"version": 2}', "is of another version (2)"),
        (b'{"version": 1, "exercises": {"0.1": {"solved": 1, "tries": 1}}}', "is damaged"),
    ],
)
def test_a_record_that_cannot_be_read_is_named_and_left_alone(tmp_path, capsys, content, said):
    write(tmp_path / "ada.json", {"0.1": (True, 1)})
    (tmp_path / "bob.json").write_bytes(content)
    assert collect.main([str(tmp_path)]) == 1
    out, err = capsys.readouterr()
    assert "ada" in out
    assert f"bob.json {said}" in err
    assert (tmp_path / "bob.json").read_bytes() == content
    assert len(list(tmp_path.iterdir())) == 2


def test_an_exercise_of_another_course_is_named(tmp_path):
    write(tmp_path / "ada.json", {"0.1": (True, 1), "77.1": (True, 1)})
    learners, (line,) = collect.merge([tmp_path])
    assert learners == {"ada": {"0.1": {"solved": True, "tries": 1}}}
    assert "['77.1']" in line


def test_the_table_in_words(homes, capsys):
    assert collect.main([str(homes)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[:4] == ["ada", "1", "/", str(len(IDS))]
    assert lines[2].split()[:6] == ["bob", "2", "/", str(len(IDS)), "✓", "✓…··"]
    (line,) = [line for line in lines if line.startswith("0.1 ")]
    assert line.split()[1:4] == ["2", "0", "3"], "solved by two, nobody stuck, 2 and 4 tries"
    assert not any(line.startswith("1.3 ") for line in lines)


def test_the_table_for_a_spreadsheet(homes, tmp_path):
    path = tmp_path / "class.csv"
    assert collect.main([str(homes), "--csv", str(path)]) == 0
    with path.open(newline="", encoding="utf-8") as file:
        ada, bob = csv.DictReader(file)
    assert (ada["learner"], ada["solved"], ada["0.1"], ada["1.1"]) == ("ada", "1", "solved", "")
    assert (bob["1.2"], bob["1.2 tries"]) == ("tried", "4")


def test_nothing_found_and_no_such_folder(tmp_path, capsys):
    assert collect.main([str(tmp_path)]) == 1
    assert "no record was found" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="there is no folder or file"):
        collect.main([str(tmp_path / "nowhere")])


ENTRIES = st.dictionaries(st.sampled_from(IDS), st.tuples(st.booleans(), st.integers(1, 9)))


@settings(max_examples=50, deadline=None)
@given(records=st.lists(ENTRIES, max_size=4))
def test_no_try_is_lost_or_invented(records):
    total = {}
    for record in records:
        entries = {i: {"solved": solved, "tries": tries} for i, (solved, tries) in record.items()}
        collect.add(total, entries)
    assert set(total) == {number for record in records for number in record}
    for number, entry in total.items():
        found = [record[number] for record in records if number in record]
        assert entry == {
            "solved": any(solved for solved, _ in found),
            "tries": sum(tries for _, tries in found),
        }
