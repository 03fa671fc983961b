"""The first exercise, which anybody solves: to learn on something easy how exercises work."""

import numpy as np

from course_lib.exercises._exercise import Exercise, Wrong


def real_steps(ids):
    """Return True where `ids` is not 0."""
    return ids != 0


EXERCISES = (
    Exercise(
        "0.1",
        "Which steps are real?",
        real_steps,
        """`ids` is a NumPy array of numbers, one for each word, such as `np.array([7, 2, 0, 0])`.
A 0 stands where there is no word: it is *padding*. Write `real_steps(ids)`: an array of the same
shape with `True` where there is a word and `False` where there is padding.""",
        minutes=2,
        difficulty="easy",
        hints=(
            "NumPy compares a whole array at once: `ids == 7` is an array of True and False.",
            "`!=` means *is not equal to*. Compare `ids` with 0, and `return` what comes.",
        ),
        cases=lambda draw: (draw.padded_ids(1, draw.integer(1, 6))[0],),
        examples=((np.array([7, 2, 0, 0]),), (np.array([0, 0]),), (np.array([1, 0, 1]),)),
        wrong=(
            Wrong(
                "inverted",
                lambda ids: ids == 0,
                "Where there is padding your function says True. Is that what True should mean?",
            ),
            Wrong(
                "counted",
                lambda ids: np.count_nonzero(ids),
                "You tell how many steps are real. Which of them are?",
            ),
            Wrong(
                "id 1 left out",
                lambda ids: ids > 1,
                "Is 1 a word, or padding?",
            ),
            Wrong(
                "positions",
                lambda ids: np.flatnonzero(ids),
                "You tell at which positions the words stand. Can you say it for every position, "
                "with True or False?",
            ),
        ),
    ),
)
