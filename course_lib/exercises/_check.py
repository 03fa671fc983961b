"""`check("2.1", answer)`: try an answer on many cases and say what came of it."""

from __future__ import annotations

import functools
import importlib.util
import inspect
import time
from pathlib import Path
from typing import Any

import numpy as np

from course_lib.exercises import _call
from course_lib.exercises._call import call
from course_lib.exercises._cases import cases_of, is_ordinary, is_shown, smallest
from course_lib.exercises._compare import Problem, close, compare, kind_of
from course_lib.exercises._drawing import draw_problem, show_case, show_problem
from course_lib.exercises._exercise import UnknownExerciseError, find
from course_lib.exercises._progress import record as keep_record
from course_lib.exercises._result import Result
from course_lib.exercises._stub import holds_ellipsis, is_stub

HERE = Path(__file__).parent


def check(exercise_id: str, answer: Any = ..., *, record: bool = True) -> Result:
    """Check an answer.

    Whatever is handed in, the check ends after seconds and returns a `Result`; the only exception
    that leaves it is the `KeyboardInterrupt` of somebody who stops it.

    Args:
        exercise_id: the exercise's number, "2.1".
        answer: the function that the exercise asks for, itself and not a call of it.
        record: False leaves `progress()` as it is. The solutions in the lessons are checked so.

    Returns:
        A `Result`, which displays itself and is true if the answer passed.
    """
    if callable(exercise_id):
        return Result("", "", "error", 'The number comes first: `check("1.1", your_function)`.')
    try:
        exercise = find(exercise_id)
    except UnknownExerciseError as error:
        return Result("", "", "error", str(error))
    status, rest = _judge(exercise, answer)
    if record and status in ("passed", "wrong"):
        note = keep_record(exercise.id, solved=status == "passed")
        if note:
            rest["message"] = f"{rest['message']}\n{note}".strip()
    title = exercise.title if record else f"{exercise.title} (the course's solution)"
    return Result(exercise.id, title, status, **rest)


def _judge(exercise, answer):
    """Return the status and the other fields of the `Result`."""
    refusal = _refuse(exercise, answer)
    if refusal:
        return refusal
    if importlib.util.find_spec("hypothesis") is None:
        return _error("Checking needs the package `hypothesis`: `pip install hypothesis`.")
    if exercise.prepare:
        exercise.prepare()
    cases = cases_of(exercise)
    outcomes = []
    started = time.monotonic()
    limit = max(_call.CHECK_SECONDS, exercise.seconds or 0)
    for case in cases:
        outcome = call(exercise, answer, case, exercise.seconds)
        outcomes.append(outcome)
        if len(outcomes) == 1 and _is_unfinished(outcome):
            return _not_attempted(exercise)
        if outcome.late or time.monotonic() - started > limit:
            return _too_slow(exercise, case, outcome, len(outcomes))
    problems = [
        _problem(outcome, expected)
        for outcome, expected in zip(outcomes, _expected(exercise), strict=True)
    ]
    failed = [place for place, problem in enumerate(problems) if problem]
    tried = {"tried": len(cases)}
    if not failed:
        changed = next((outcome.changed for outcome in outcomes if outcome.changed), ())
        if changed:
            names = " and ".join(f"`{name}`" for name in changed)
            return "wrong", tried | {
                "message": f"The results are right, but your code changes its argument {names}. "
                "Whoever called it still needs that. Can you make a copy, or a new array?"
            }
        printed = _printed(outcomes[0]) and " What it printed is left out."
        return "passed", tried | {"message": f"{len(cases)} cases tried.{printed}"}
    first = _first_to_show(cases, failed)
    question = _question_for(exercise, cases, outcomes, failed)
    if question:
        details = f"Try it with\n{show_case(exercise, first)}"
        return "wrong", tried | {"message": question, "details": details}
    return _smallest_failure(exercise, answer, first, tried)


def _first_to_show(cases, failed):
    """Return the failing case to show: an ordinary one of 2 x 4 or more, if there is one."""
    return min(
        (cases[place] for place in failed),
        key=lambda case: (not is_ordinary(case), not is_shown(case)),
    )


def _question_for(exercise, cases, outcomes, failed):
    """Return the question of the usual mistake that was made, or "".

    An answer may make it and do something of its own at an edge, as in a row of padding alone. So
    if it fails on ordinary cases, and no mistake is like it everywhere, these alone are asked.
    """
    if exercise.seconds and all(outcome.error for outcome in outcomes):
        return ""  # not worth the training of the usual mistakes, none of which raises
    everywhere = range(len(cases))
    ordinary = [place for place in everywhere if is_ordinary(cases[place])]
    for places in (everywhere, ordinary if set(ordinary) & set(failed) else ()):
        for number, wrong in enumerate(exercise.wrong):
            if places and all(
                _behaves_like(outcomes[place], _wrong_result(exercise, number, place))
                for place in places
            ):
                return wrong.question
    return ""


def _refuse(exercise, answer):
    """Return a verdict for what needs no running, or `None`."""
    hand_in = f'`check("{exercise.id}", {exercise.name})`'
    if answer is ... or is_stub(answer):
        return _not_attempted(exercise)
    if answer is None:
        return _error(f"You handed in None. Hand in the function itself: {hand_in}.")
    if not callable(answer):
        return _error(
            f"You handed in {kind_of(answer)}. Hand in the function itself, "
            f"without calling it: {hand_in}."
        )
    if exercise.use is None:
        return _refuse_signature(exercise, answer)
    return None


def _refuse_signature(exercise, answer):
    try:
        inspect.signature(answer).bind(*exercise.parameters)
    except TypeError:
        have = ", ".join(inspect.signature(answer).parameters)
        want = ", ".join(exercise.parameters)
        return _error(
            f"It is called with ({want}), and your function takes ({have}). "
            "Keep the first line of the stub as it was."
        )
    except ValueError:  # some compiled functions do not say what they take
        return None
    return None


def _error(message):
    return "error", {"message": message}


def _not_attempted(exercise):
    return "not attempted", {
        "message": f"Put your code in place of `...`, and run both cells. "
        f'`hint("{exercise.id}")` helps.'
    }


def _is_unfinished(outcome):
    """Whether the `...` of the stub is still at work: in the result, or in what broke."""
    return holds_ellipsis(outcome.value) or "ellipsis" in str(outcome.error).lower()


def _too_slow(exercise, case, outcome, number):
    one, all_ = _call.CALL_SECONDS, _call.CHECK_SECONDS
    seconds = (exercise.seconds or one) if outcome.late else max(exercise.seconds or 0, all_)
    what = "did not return" if outcome.late else f"took, for {number} cases, more than"
    message = (
        f"Your code {what} {'within ' if outcome.late else ''}{seconds:g} seconds and was "
        "stopped. Is there a loop that never ends?"
    )
    return "error", {"message": message, "details": f"With\n{show_case(exercise, case)}"}


@functools.cache
def _expected(exercise):
    """Return what the solution returns, case by case."""
    return [call(exercise, exercise.solution, case, 60).value for case in cases_of(exercise)]


@functools.cache
def _wrong_result(exercise, number, place):
    """Return what a usual wrong answer does in one case: most answers differ in the first."""
    return call(exercise, exercise.wrong[number].answer, cases_of(exercise)[place], 60)


def _problem(outcome, expected):
    if outcome.error is not None:
        return Problem("raised", outcome.error, expected)
    return compare(outcome.value, expected)


def _behaves_like(outcome, other):
    if outcome.error is not None or other.error is not None:
        return type(outcome.error) is type(other.error)
    return compare(outcome.value, other.value) is None


def _smallest_failure(exercise, answer, first, tried):
    """Describe the smallest case that fails, in words, numbers and a picture."""
    ends = time.monotonic() + _call.CHECK_SECONDS

    def fails(case):
        if time.monotonic() > ends or _is_worse(case, first):
            return False
        outcome = call(exercise, answer, case, 1.0)
        if outcome.late or outcome.error is not None:  # no need to solve what raises
            return not outcome.late
        return _problem(outcome, _solve(exercise, case)) is not None

    case = smallest(exercise, fails, first)
    outcome, again = call(exercise, answer, case), call(exercise, answer, case)
    problem = _problem(outcome, _solve(exercise, case))
    if problem is None or _differ(problem, _problem(again, _solve(exercise, case))):
        return "wrong", tried | {
            "message": "Called twice with the same arguments, it gives two different results. "
            "Does it use random numbers, or remember something from call to call?",
            "details": f"With\n{show_case(exercise, case)}",
        }
    note = _printed(outcome)
    note = f"\nit printed: {note}" if note else ""
    start = f"With\n{show_case(exercise, case)}\n"
    if outcome.error is not None:
        message = f"Your code raises {type(outcome.error).__name__}: {_first_line(outcome.error)}"
        details = start + _where(outcome.error) + note
        return "error", tried | {"message": message, "details": details.rstrip()}
    name = exercise.name_of(problem.where)
    part = f"Look at `{name}`. " if problem.where else ""
    return "wrong", tried | {
        "message": part + problem.text,
        "details": start + show_problem(problem, name) + note,
        "picture": draw_problem(problem),
    }


def _is_worse(case, first):
    """Whether a case is at an edge, or too small to see anything in, and the first one is not."""
    return any(asked(first) and not asked(case) for asked in (is_ordinary, is_shown))


def _differ(problem, again):
    """Whether two calls with the same arguments gave different results."""
    if again is None or problem.text != again.text:
        return True
    both = isinstance(problem.got, np.ndarray) and isinstance(again.got, np.ndarray)
    numeric = both and problem.got.dtype.kind in "biuf" and problem.got.shape == again.got.shape
    return bool(numeric and not close(problem.got, again.got).all())


def _solve(exercise, case):
    return call(exercise, exercise.solution, case, 60).value


def _printed(outcome):
    lines = outcome.printed.strip().splitlines()
    return " / ".join(line[:80] for line in lines[:3]) + (" / …" if len(lines) > 3 else "")


def _first_line(error):
    return (str(error).splitlines() or ["(no message)"])[0][:200]


def _where(error):
    """Return the learner's line that raised, if it can be found."""
    import linecache

    found = ""
    step = error.__traceback__
    while step is not None:
        code = step.tb_frame.f_code
        text = linecache.getline(code.co_filename, step.tb_lineno).strip()
        if Path(code.co_filename).parent != HERE and "site-packages" not in code.co_filename:
            found = f"in {code.co_name}, line {step.tb_lineno}: {text}" if text else found
        step = step.tb_next
    return found
