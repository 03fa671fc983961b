"""`hint("2.1")`: the next hint, each saying more than the one before."""

from __future__ import annotations

from course_lib.exercises._exercise import UnknownExerciseError, find
from course_lib.exercises._result import Hint

_given: dict[str, int] = {}


def hint(exercise_id: str) -> Hint:
    """Return the next hint for an exercise.

    Args:
        exercise_id: the number, "2.1".

    Returns:
        A `Hint`, which displays itself. After the last one the last one comes again.
    """
    try:
        exercise = find(exercise_id)
    except UnknownExerciseError as error:
        return Hint("No hint.", str(error))
    total = len(exercise.hints)
    number = min(_given.get(exercise.id, 0) + 1, total)
    _given[exercise.id] = number
    last = " The folded cell below the check holds a solution." if number == total else ""
    return Hint(f"Hint {number} of {total}.", exercise.hints[number - 1] + last)
