"""The cases that an answer is tried on, drawn by Hypothesis and the same on every machine.

Hypothesis mixes constants from the local modules that happen to be loaded into the integers and
floats it draws. Stored outputs must not depend on that, so everything here is made of coin tosses,
which it leaves alone; they shrink towards 0 and `False` all the same.
"""

import contextlib
import functools
import inspect
import textwrap

import numpy as np

CASES = 100
EDGE = 100  # numbers from here on are there to overflow


class Draw:
    """What the `cases` function of an exercise draws from."""

    def __init__(self, toss):
        self._toss = toss

    def coin(self):
        """Return True or False."""
        return self._toss()

    def integer(self, low, high, spare=2):
        """Return an integer from `low` to `high`, both included.

        The remainder of a number with `spare` bits more than needed, so that none comes much more
        often than another.
        """
        span = high - low
        bits = sum(self._toss() << place for place in range(span.bit_length() + spare))
        return low + bits % (span + 1)

    def choice(self, *options):
        """Return one of the options."""
        return options[self.integer(0, len(options) - 1)]

    def integers(self, low, high, *shape):
        """Return an int64 array of this shape."""
        size = int(np.prod(shape, dtype=int))
        drawn = [self.integer(low, high, spare=0) for _ in range(size)]
        return np.array(drawn, np.int64).reshape(shape)

    def numbers(self, *shape):
        """Return a float64 array of this shape: quarters from -2 to 1.75, none of them 0.

        Small fractions of two can be read in a picture, and their sums are exact.
        """
        quarters = self.integers(0, 15, *shape)
        return np.where(quarters % 2, -(quarters // 2 + 1), quarters // 2 + 1) / 4

    def sizes(self, most_rows=3, most_steps=4):
        """Return B and T, and often B = T, where a wrong axis goes unnoticed by its shape."""
        rows, steps = self.integer(1, most_rows), self.integer(1, most_steps)
        return rows, rows if self.integer(0, 2) == 2 else steps

    def mask(self, rows, steps):
        """Return a mask `(rows, steps)`: padding behind, in front or anywhere, or nothing else."""
        side = self.choice("behind", "in front", "anywhere", "anywhere")
        if side == "anywhere":
            return self.integers(0, 1, rows, steps).astype(bool)
        mask = np.arange(steps) < self.integers(0, steps, rows)[:, None]
        return mask if side == "behind" else mask[:, ::-1].copy()

    def padded_ids(self, rows, steps, most=9):
        """Return ids `(rows, steps)` from 1 to `most`, with 0 at padded steps."""
        return np.where(self.mask(rows, steps), self.integers(1, most, rows, steps), 0)


class Code:
    """A function among the arguments of a case; it shows its source."""

    def __init__(self, function):
        self.function = function

    def __call__(self, *arguments):
        return self.function(*arguments)

    def __deepcopy__(self, memo):
        return self

    def __repr__(self):
        return textwrap.dedent(inspect.getsource(self.function)).strip()


def strategy_of(exercise):
    """Return the Hypothesis strategy of an exercise's cases."""
    from hypothesis import strategies

    coin = strategies.booleans()

    @strategies.composite
    def case(draw):
        return tuple(exercise.cases(Draw(lambda: draw(coin))))

    return case()


def settings_for(count, *phases):
    """Return Hypothesis settings that write no file and draw the same every time."""
    from hypothesis import HealthCheck, Phase, Verbosity, settings

    return settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        verbosity=Verbosity.quiet,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
        phases=[getattr(Phase, phase) for phase in phases],
    )


@functools.cache
def cases_of(exercise):
    """Return the examples and `CASES` drawn cases, the smallest first."""
    from hypothesis import given

    drawn = []

    @settings_for(CASES, "generate")
    @given(strategy_of(exercise))
    def collect(case):
        drawn.append(case)

    collect()
    different = {repr(case): case for case in [*exercise.examples, *drawn]}
    return sorted(different.values(), key=size)


def smallest(exercise, fails, first):
    """Return the smallest case that Hypothesis finds for which `fails` is true.

    Args:
        exercise: the exercise.
        fails: takes a case. It may be of two minds: only what it said counts, no replay.
        first: a case that fails, returned if there is no smaller one.
    """
    from hypothesis import find

    failed = [first]

    def condition(case):
        if fails(case):
            failed.append(case)
            return True
        return False

    with contextlib.suppress(Exception):  # nothing found, or an answer that contradicts itself
        find(strategy_of(exercise), condition, settings=settings_for(40, "generate", "shrink"))
    return min(failed, key=size)


def is_ordinary(case):
    """Whether nothing in a case is at an edge: no None, no empty row, no huge number."""
    if case is None:
        return False
    if isinstance(case, (tuple, list)):
        return bool(case) and all(map(is_ordinary, case))
    if not isinstance(case, np.ndarray) or case.dtype.kind not in "biuf":
        return True
    if case.dtype.kind != "f" and case.ndim > 1:
        return bool(case.size and case.any(axis=-1).all())
    return bool(case.size and (np.abs(case) < EDGE).all())


def is_shown(case):
    """Whether a case is large enough to show the difference of rows and steps: 2 x 4."""
    if isinstance(case, (tuple, list)):
        return all(map(is_shown, case))
    is_grid = isinstance(case, np.ndarray) and case.ndim > 1
    return not is_grid or (case.shape[0] >= 2 and case.shape[1] >= 4)


def size(case):
    """Return what cases are sorted by: how many numbers, then how large they are."""
    numbers = list(_numbers(case))
    return len(numbers), sum(min(abs(number), 99) for number in numbers)


def _numbers(value):
    if isinstance(value, (tuple, list)):
        for part in value:
            yield from _numbers(part)
        yield 0.0
    elif isinstance(value, np.ndarray):
        yield from np.nan_to_num(value.astype(float), nan=9).ravel().tolist()
    elif isinstance(value, (bool, int, float, np.generic)):
        yield float(value)
    else:
        yield 0.0
