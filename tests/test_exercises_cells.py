"""The exercises in the lessons are those of `course_lib.exercises`: none missing, none changed."""

import ast
import json
import re
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("hypothesis", reason="checking needs Hypothesis: `make .venv` installs it")

from course_lib import check
from course_lib.exercises import _check
from course_lib.exercises._exercise import Exercise, Wrong, all_exercises

ROOT = Path(__file__).parent.parent
EXERCISES = all_exercises()
each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda one: one.id)


def cells_of(lesson):
    (path,) = (ROOT / "notebooks").glob(f"{lesson}_*.ipynb")
    return json.loads(path.read_text())["cells"]


def source(cell):
    return "".join(cell["source"])


def shown(cell):
    return "".join(
        "".join(output.get("data", {}).get("text/plain", "")) for output in cell["outputs"]
    )


def place_of(exercise):
    """Return the lesson's cells and the place of the exercise's first one."""
    cells = cells_of(exercise.lesson)
    start = f"**Exercise {exercise.id}. "
    places = [place for place, cell in enumerate(cells) if source(cell).startswith(start)]
    assert len(places) == 1, f"{exercise.id} stands in lesson {exercise.lesson} once"
    return cells, places[0]


def same_code(one, other):
    return ast.dump(ast.parse(one)) == ast.dump(ast.parse(other))


@each_exercise
def test_the_cells_are_those_of_the_definition(exercise):
    cells, place = place_of(exercise)
    task, stub, check_cell, solution = cells[place : place + 4]
    minutes = f"{exercise.minutes} minute{'s' if exercise.minutes > 1 else ''}"
    head = f"**Exercise {exercise.id}. {exercise.title}** ({exercise.difficulty}, {minutes})"
    assert source(task) == f"{head}\n\n{exercise.task}"
    assert same_code(source(stub), exercise.stub)
    assert f'check("{exercise.id}", {exercise.name})' in source(check_cell)
    assert f'hint("{exercise.id}")' in source(check_cell)
    name = "Solution" if isinstance(exercise.solution, type) else "solution"
    last = f'check("{exercise.id}", {name}, record=False)'
    assert same_code(source(solution), f"{exercise.solution_source}\n{last}")


@each_exercise
def test_the_solution_is_folded_and_passed(exercise):
    cells, place = place_of(exercise)
    solution = cells[place + 3]
    assert solution["metadata"]["jupyter"] == {"outputs_hidden": True, "source_hidden": True}
    assert "solution" in solution["metadata"]["tags"]
    assert solution["metadata"]["slideshow"] == {"slide_type": "skip"}
    assert f"{exercise.title} (the course's solution): passed." in shown(solution)
    assert "not attempted yet" in shown(cells[place + 2]).lower()


@each_exercise
def test_the_name_means_nothing_else_in_the_lesson(exercise):
    """A learner's function must not change what a later cell does."""
    cells, place = place_of(exercise)
    others = [cell for number, cell in enumerate(cells) if not place <= number < place + 4]
    for cell in others:
        if cell["cell_type"] == "code":
            names = [
                node.id for node in ast.walk(ast.parse(source(cell))) if isinstance(node, ast.Name)
            ]
            assert exercise.name not in names
    import course_lib

    assert exercise.name not in course_lib.__all__


def test_exercises_stand_in_order():
    for lesson in sorted({exercise.lesson for exercise in EXERCISES}):
        own = [exercise for exercise in EXERCISES if exercise.lesson == lesson]
        places = [place_of(exercise)[1] for exercise in own]
        assert places == sorted(places)


def test_no_exercise_stands_in_a_lesson_alone():
    ids = Counter(exercise.id for exercise in EXERCISES)
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        for cell in json.loads(path.read_text())["cells"]:
            if source(cell).startswith("**Exercise "):
                assert ids[source(cell).split()[1].rstrip(".")] == 1


LESSONS = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("lesson", LESSONS)
def test_the_minutes_are_those_of_reading_and_of_the_exercises(lesson):
    own = [one.minutes for one in EXERCISES if lesson.startswith(one.lesson)]
    (reading, exercises) = re.search(
        r"^\*\*Time\.\*\* (\d+) minutes(?:, and (\d+) for the exercises?)?\.$",
        source(cells_of(lesson[:2])[0]),
        re.MULTILINE,
    ).groups()
    assert int(exercises or 0) == sum(own)
    start = "\n".join(source(cell) for cell in cells_of("00"))
    for text in ((ROOT / "README.md").read_text(), start):
        lines = re.findall(rf"^\|.*\b{lesson}\.ipynb\).*\| (.*) \|$", text, re.MULTILINE)
        assert lines == [f"{reading} + {sum(own)}" if own else reading] or (
            text is start and lesson.startswith("00") and not lines
        )


def test_the_guide_is_short_and_its_example_works(monkeypatch):
    import numpy

    guide = (ROOT / "CONTRIBUTING.md").read_text()
    section = guide.split("## Add an exercise\n")[1].split("\n## ")[0]
    assert len(section.splitlines()) < 30
    space = {"np": numpy, "Exercise": Exercise, "Wrong": Wrong}
    exec(section.split("```python\n")[1].split("```")[0], space)
    exercise = space["LENGTHS_OF"]
    monkeypatch.setattr(_check, "find", lambda exercise_id: exercise)
    assert check(exercise.id, exercise.solution).passed
    assert check(exercise.id, exercise.wrong[0].answer).message == exercise.wrong[0].question
