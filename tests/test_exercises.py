"""Each exercise both ways: right answers pass, each usual wrong answer is met with its question."""

import ast

import pytest

pytest.importorskip("hypothesis", reason="checking needs Hypothesis: `make .venv` installs it")

from course_lib import check, hint
from course_lib.exercises import _cases, _check, _hint
from course_lib.exercises._call import identical
from course_lib.exercises._cases import cases_of
from course_lib.exercises._exercise import LESSONS, all_exercises, exercises_of
from tests.exercise_answers import HARMLESS, OTHER_ANSWERS
from tests.exercise_mutants import mutants

EXERCISES = all_exercises()
each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda one: one.id)
each_wrong = pytest.mark.parametrize(
    ("exercise", "wrong"),
    [(exercise, wrong) for exercise in EXERCISES for wrong in exercise.wrong],
    ids=[f"{exercise.id}-{wrong.name}" for exercise in EXERCISES for wrong in exercise.wrong],
)


@each_exercise
def test_the_solution_passes(exercise):
    result = check(exercise.id, exercise.solution)
    assert result.passed, result
    assert result.tried == len(cases_of(exercise)) >= 30


@each_exercise
def test_other_right_answers_pass(exercise, keras):
    assert OTHER_ANSWERS[exercise.id], "a right answer that is written in another way"
    for answer in OTHER_ANSWERS[exercise.id]:
        result = check(exercise.id, answer)
        assert result.passed, result


@each_wrong
def test_a_usual_wrong_answer_gets_its_question(exercise, wrong):
    result = check(exercise.id, wrong.answer)
    assert not result.passed
    assert result.message == wrong.question


@each_wrong
def test_a_question_is_a_question(exercise, wrong):
    assert wrong.question.endswith("?")


@each_exercise
def test_wrong_answers_differ_from_each_other(exercise):
    questions = [wrong.question for wrong in exercise.wrong]
    assert len(questions) >= 3
    assert len(set(questions)) == len(questions)


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(_check, "smallest", lambda exercise, fails, first: first)
    monkeypatch.setattr(_check._call, "CALL_SECONDS", 0.5)


def passes(exercise, answer):
    """Whether `check` passes an answer; one that fails is not tried on further cases."""
    for case, expected in zip(cases_of(exercise), _check._expected(exercise), strict=True):
        outcome = _check.call(exercise, answer, case)
        if outcome.late or _check._problem(outcome, expected):
            return False
    return check(exercise.id, answer).passed


# What is trained may pass with a slip in it: a layer of another size is as good.
@pytest.mark.parametrize(
    "exercise", [one for one in EXERCISES if not one.seconds], ids=lambda one: one.id
)
def test_a_slip_is_found(exercise, quick):
    slips = list(mutants(exercise.solution))
    passed = [change for change, mutant in slips if passes(exercise, mutant)]
    harmless = {change for one, change in HARMLESS if one == exercise.id}
    assert set(passed) - harmless == set(), "slips that pass"
    assert harmless - set(passed) == set(), "listed as harmless, and are not"
    assert len(slips) >= 2


@each_exercise
def test_the_frame(exercise):
    assert exercise.difficulty in ("easy", "medium", "hard")
    assert 1 <= exercise.minutes <= 20
    assert 2 <= len(exercise.hints) <= 3
    assert exercise.name in exercise.task
    assert exercise.solution.__doc__
    assert exercise.solution_source.count("\n") < 22, "a cell holds at most 25 lines with the check"
    compile(exercise.stub, "stub", "exec")


def test_a_lesson_has_small_exercises_and_closes_with_a_longer_one():
    for number, lesson in LESSONS.items():
        exercises = exercises_of(lesson)
        places = range(1, len(exercises) + 1)
        assert [one.id for one in exercises] == [f"{number}.{place}" for place in places]
        if number:
            assert [one.build for one in exercises] == [False] * (len(exercises) - 1) + [True]
            assert len(exercises) >= 4
            assert exercises[-1].title.startswith("Build it: ")


@each_exercise
def test_the_stub_is_not_an_attempt(exercise):
    space = {}
    exec(exercise.stub, space)
    result = check(exercise.id, space[exercise.name])
    assert result.status == "not attempted"
    assert f'hint("{exercise.id}")' in result.message


@each_exercise
def test_the_solution_stands_alone(exercise):
    """Its source runs in a notebook that has imported NumPy as `np`, and passes there."""
    import numpy

    space = {"np": numpy}
    exec(exercise.solution_source, space)
    assert check(exercise.id, space["solution"]).passed


@each_exercise
def test_hints_come_one_after_the_other(exercise):
    _hint._given.clear()
    texts = [hint(exercise.id).text for _ in range(len(exercise.hints) + 1)]
    assert texts[-1] == texts[-2]
    for text, written in zip(texts, exercise.hints, strict=False):
        assert text.startswith(written)
    assert len(set(texts)) == len(exercise.hints)


@each_exercise
def test_cases_are_the_same_every_time(exercise, monkeypatch):
    monkeypatch.setattr(_cases, "CASES", 15)
    once, again = (cases_of.__wrapped__(exercise) for _ in range(2))
    assert identical(once, again)


def test_cases_do_not_depend_on_what_is_loaded(tmp_path):
    """Hypothesis picks constants out of local modules; ours must not."""
    import subprocess
    import sys

    code = "from course_lib.exercises._cases import *\n"
    code += "from course_lib.exercises._exercise import find\n"
    code += "print([str(cases_of(find(one))) for one in ('1.1', '1.3', '2.3')])"
    (tmp_path / "local_constants.py").write_text(f"NUMBERS = {list(range(40))}\n")
    outputs = [
        subprocess.run(
            [sys.executable, "-c", start + code], cwd=tmp_path, capture_output=True, text=True
        )
        for start in ("", "import local_constants\n")
    ]
    assert outputs[0].stdout == outputs[1].stdout != ""
    assert outputs[0].stderr == outputs[1].stderr == ""
    assert [path.name for path in tmp_path.iterdir() if path.name != "__pycache__"] == [
        "local_constants.py"
    ], "checking leaves no files"


def test_nothing_heavy_is_imported_before_it_is_used():
    import subprocess
    import sys

    code = (
        "import sys, course_lib\n"
        "course_lib.check, course_lib.hint('1.1'), course_lib.progress\n"
        "heavy = {'hypothesis', 'keras', 'tensorflow', 'IPython', 'ipywidgets'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_solutions_import_what_a_notebook_has():
    for exercise in EXERCISES:
        names = {
            node.id
            for node in ast.walk(ast.parse(exercise.solution_source))
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
        }
        assert not {name for name in names if name.startswith("_")}, exercise.id
