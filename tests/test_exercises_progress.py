"""The record of solved exercises: kept, never lost, and none in tests."""

import json
import os

import pytest

pytest.importorskip("hypothesis", reason="checking needs Hypothesis: `make .venv` installs it")

from course_lib import check, progress
from course_lib.exercises import _progress
from course_lib.exercises._exercise import all_exercises, find

TOTAL = len(all_exercises())


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A learner's folder, with the record on."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COURSE_PROGRESS")
    return tmp_path


def solve(exercise_id):
    return check(exercise_id, find(exercise_id).solution)


def fail(exercise_id):
    return check(exercise_id, find(exercise_id).wrong[0].answer)


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_nothing_is_kept_in_tests(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert os.environ["COURSE_PROGRESS"] == "off"
    assert solve("0.1").passed
    assert progress().solved == []
    assert files(tmp_path) == []


def test_what_was_solved_is_shown(folder):
    assert str(progress()).startswith(f"0 of {TOTAL} exercises solved.\n00 start here: 0.1 open.")
    fail("1.2")
    solve("0.1")
    shown = progress()
    assert (shown.solved, shown.tried) == (["0.1"], ["1.2"])
    assert str(shown).splitlines()[:3] == [
        f"1 of {TOTAL} exercises solved.",
        "00 start here: 0.1 solved.",
        "01 padding: 1.2 tried; 1.1, 1.3, 1.4 open.",
    ]
    assert shown.png().startswith(b"\x89PNG")
    assert files(folder) == [".course_progress.json"]


def test_a_later_failure_takes_nothing_away(folder):
    solve("1.2")
    fail("1.2")
    assert progress().solved == ["1.2"]
    entries = json.loads((folder / ".course_progress.json").read_text())["exercises"]
    assert entries == {"1.2": {"solved": True, "tries": 2}}


def test_a_stub_an_error_and_a_shown_solution_are_not_recorded(folder):
    check("1.1")
    check("1.1", 3)
    check("1.1", find("1.1").solution, record=False)
    assert files(folder) == []


def test_the_file_is_ignored_by_git():
    from pathlib import Path

    lines = (Path(__file__).parent.parent / ".gitignore").read_text().splitlines()
    assert ".course_progress*" in lines, "in any folder: a kernel runs in notebooks/"


DAMAGED = {
    "cut off": b'{"version": 1, "exerc',
    "empty": b"",
    "not text": b"\xff\xfe\x00",
    "a list": b"[]",
    "no version": b'{"exercises": {}}',
    "other entries": b'{"version": 1, "exercises": {"1.1": true}}',
    "no entries": b'{"version": 1, "exercises": 3}',
    "entries of another kind": b'{"version": 1, "exercises": {"1.1": {"solved": 1, "tries": 1}}}',
    "very deep": b"[" * 100_000,
}


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_record_is_kept_aside(folder, content):
    (folder / ".course_progress.json").write_bytes(content)
    text = str(progress())
    assert "is damaged. It is kept as .course_progress.json.1.old" in text
    assert (folder / ".course_progress.json.1.old").read_bytes() == content
    assert solve("0.1").passed
    assert progress().solved == ["0.1"]


def test_a_record_of_another_version_is_kept_aside(folder):
    content = '{"version": 2, "solved": ["0.1"]}'
    (folder / ".course_progress.json").write_text(content)
    (folder / ".course_progress.json.1.old").write_text("an older one")
    message = solve("0.1").message
    assert "is of another version (2). It is kept as .course_progress.json.2.old" in message
    assert (folder / ".course_progress.json.1.old").read_text() == "an older one"
    assert (folder / ".course_progress.json.2.old").read_text() == content
    assert progress().solved == ["0.1"]
    assert "version" not in solve("0.1").message


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_crash_leaves_the_old_record(folder, monkeypatch, step):
    solve("0.1")
    before = (folder / ".course_progress.json").read_text()

    def crash(*arguments):
        raise MemoryError

    monkeypatch.setattr(_progress.os, step, crash)
    with pytest.raises(MemoryError):
        solve("1.1")
    assert (folder / ".course_progress.json").read_text() == before
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    monkeypatch.delenv("COURSE_PROGRESS")
    assert progress().solved == ["0.1"]


def test_a_full_disk_is_said(folder, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_progress.os, "fsync", full)
    result = solve("0.1")
    assert result.passed
    assert "could not be saved (No space left on device)" in result.message
    assert files(folder) == []


def test_a_folder_in_the_way_is_said(folder):
    (folder / ".course_progress.json").mkdir()
    result = solve("0.1")
    assert result.passed
    assert "could not be" in result.message
    assert "could not be read" in str(progress())
    assert files(folder) == [".course_progress.json"]


def test_two_notebooks_write_to_one_record(folder):
    """A check reads the record anew, so what another kernel wrote meanwhile stays."""
    solve("0.1")
    record = json.loads((folder / ".course_progress.json").read_text())
    record["exercises"]["2.1"] = {"solved": True, "tries": 1}
    (folder / ".course_progress.json").write_text(json.dumps(record))
    solve("1.1")
    assert progress().solved == ["0.1", "1.1", "2.1"]


def test_another_file_can_be_named(folder, monkeypatch):
    monkeypatch.setenv("COURSE_PROGRESS", str(folder / "mine.json"))
    solve("0.1")
    assert files(folder) == ["mine.json"]
    assert progress().solved == ["0.1"]


def test_the_picture_tells_without_colour(folder):
    solve("0.1")
    fail("1.1")
    (axes,) = progress().figure.axes
    texts = [text.get_text() for text in axes.texts]
    assert texts[:3] == ["✓ 0.1", "1.1 …", "1.2"]
    hatches = [patch.get_hatch() for patch in axes.patches]
    assert hatches[0] is None
    assert hatches[2]
