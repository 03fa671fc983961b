"""Exercises: `check("2.1", answer)`, `hint("2.1")` and `progress()`.

One file a lesson, named by the lesson's word, holds its exercises: `padding.py` those of lesson 01.
The files with a leading underscore are the engine. Hypothesis, which draws the cases, is imported
when an answer is checked and not before.

Arrows run one way: exercises use the lesson modules and NumPy, and nothing uses the exercises.
"""

from course_lib.exercises._check import check
from course_lib.exercises._hint import hint
from course_lib.exercises._progress import progress

__all__ = ["check", "hint", "progress"]
