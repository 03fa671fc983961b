"""Whatever is handed in, `check` says something helpful, soon, and nothing of its own breaks."""

import asyncio
import copy
import functools
import random
import signal
import sys
import threading
import time

import numpy as np
import pytest

pytest.importorskip("hypothesis", reason="checking needs Hypothesis: `make .venv` installs it")

from course_lib import check, hint
from course_lib.exercises import _call, _check
from course_lib.exercises._call import run_limited
from course_lib.exercises._exercise import all_exercises, find

EXERCISES = all_exercises()


def kind_of_exercise(exercise):
    """Return what the checker's paths depend on: what a solution returns."""
    results = [exercise.apply(exercise.solution, copy.deepcopy(one)) for one in exercise.examples]
    kinds = [
        "number" if isinstance(one, (np.generic, int, float)) else type(one) for one in results
    ]
    return frozenset(kinds)


# One exercise of each kind: no mistake below treats two exercises of one kind differently.
KINDS = {kind_of_exercise(exercise): exercise for exercise in reversed(EXERCISES)}.values()
each_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda one: one.id)
each_kind = pytest.mark.parametrize("exercise", KINDS, ids=lambda one: one.id)


@pytest.fixture(autouse=True)
def nothing_is_printed(capsys):
    yield
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


@pytest.fixture
def short_limits(monkeypatch):
    monkeypatch.setattr(_check._call, "CALL_SECONDS", 0.2)


@pytest.fixture
def quick(monkeypatch):
    """The first case that fails is shown, and no smaller one is looked for."""
    monkeypatch.setattr(_check, "smallest", lambda exercise, fails, first: first)


def altered(exercise, change):
    """Return the solution with each result passed through `change(result, arguments)`."""
    solution = exercise.solution

    @functools.wraps(solution)
    def answer(*arguments):
        return change(solution(*copy.deepcopy(arguments)), arguments)

    return answer


def in_each_part(change, result):
    """Return a result with each of its numbers and arrays changed; `None` stays."""
    if isinstance(result, (tuple, list)):
        return type(result)(in_each_part(change, part) for part in result)
    return None if result is None else change(np.asarray(result))


def judged(exercise, answer):
    """Check an answer; assert what must hold for each result; return it."""
    started = time.monotonic()
    result = check(exercise.id, answer)
    assert time.monotonic() - started < 20
    assert result.status in ("not attempted", "passed", "wrong", "error")
    for text in (repr(result), result._repr_html_()):
        assert "Traceback" not in text
        assert "course_lib" not in text
    assert len(result.message) > 10
    return result


VALUES = {
    "a number": (3, "You handed in a number"),
    "an array": (np.array([[True]]), "You handed in an array of bool, shape (1, 1)"),
    "a list": ([1], "You handed in a list of 1"),
    "a string": ("real_steps", "You handed in a str"),
    "None": (None, "You handed in None"),
    "False": (False, "You handed in a bool"),
    "NaN": (float("nan"), "You handed in a number"),
}


@each_kind
@pytest.mark.parametrize(("value", "words"), VALUES.values(), ids=VALUES)
def test_a_value_instead_of_the_function(exercise, value, words):
    result = judged(exercise, value)
    assert result.status == "error"
    assert words in result.message
    assert f'check("{exercise.id}", {exercise.name})' in result.message


@each_kind
def test_a_tensor_instead_of_the_function(exercise, keras):
    for tensor in (keras.ops.ones((1, 2)), keras.Input((3,))):
        result = judged(exercise, tensor)
        assert result.status == "error"
        assert "You handed in a tensor" in result.message


def idle(*arguments): ...


def idle_with_pass(*arguments):
    """A docstring."""
    pass


def idle_with_return(*arguments):
    return ...


def half_done(*arguments):
    result = ...
    return result


def half_done_and_used(*arguments):
    result = ...
    return ~result


def part_done(*arguments):
    return np.zeros(2), ...


@each_kind
@pytest.mark.parametrize(
    "answer",
    [..., idle, idle_with_pass, idle_with_return, half_done, half_done_and_used, part_done],
)
def test_nothing_done_yet(exercise, answer):
    result = judged(exercise, answer)
    assert result.status == "not attempted"


@each_exercise
def test_no_answer_at_all(exercise):
    assert check(exercise.id).status == "not attempted"


def raises(result, arguments):
    return [][7]


def leaves(result, arguments):
    sys.exit(3)


def recurses(result, arguments):
    return recurses(result, arguments)


@each_kind
def test_it_raises(exercise, quick):
    result = judged(exercise, altered(exercise, raises))
    assert result.status == "error"
    assert "Your code raises IndexError" in result.message
    assert f"{exercise.parameters[0]} = " in result.details


@pytest.mark.parametrize(("change", "name"), [(leaves, "SystemExit"), (recurses, "RecursionError")])
def test_it_raises_something_rarer(change, name, quick):
    result = judged(find("1.1"), altered(find("1.1"), change))
    assert result.status == "error"
    assert f"Your code raises {name}" in result.message


def test_the_line_that_raises_is_shown():
    result = check("1.1", altered(find("1.1"), raises))
    assert "in raises, line " in result.details
    assert "return [][7]" in result.details


@each_kind
def test_it_prints(exercise):
    def prints(result, arguments):
        print("here", *arguments)
        print("there", file=sys.stderr)
        return result

    result = judged(exercise, altered(exercise, prints))
    assert result.passed
    assert "What it printed is left out" in result.message


def test_what_a_wrong_answer_printed_is_shown():
    def prints(result, arguments):
        print("half of it")
        return result + 1.5

    assert "it printed: half of it" in check("1.3", altered(find("1.3"), prints)).details


@each_kind
def test_it_changes_its_argument(exercise, quick):
    def spoils(result, arguments):
        result = copy.deepcopy(result)
        for argument in arguments:
            if isinstance(argument, np.ndarray):
                argument[...] = 0
            elif isinstance(argument, list):
                argument.append(argument[0] if argument else 0)
        return result

    result = judged(exercise, altered(exercise, spoils))
    assert result.status == "wrong"
    assert "your code changes its argument `" in result.message


class Surprise:
    def __len__(self):
        raise ValueError("no length")

    def __eq__(self, other):
        raise ValueError("not comparable")

    __hash__ = None

    def __repr__(self):
        raise ValueError("no name")

    def __array__(self, dtype=None, copy=None):
        raise ValueError("no array")


def generates(result, arguments):
    return (step for step in [result])


async def later():
    return 1


def coroutine(result, arguments):
    return later()


OTHERS = {
    "string": (lambda result, arguments: "True", "a str"),
    "dict": (lambda result, arguments: {"mask": result}, "a dict"),
    "set": (lambda result, arguments: {1}, "a set"),
    "generator": (generates, "makes a generator"),
    "function": (lambda result, arguments: len, "builtin_function_or_method"),
    "class": (lambda result, arguments: int, "a type"),
    "surprise": (lambda result, arguments: Surprise(), "a Surprise"),
    "complex": (lambda result, arguments: np.array([1j]), "complex128"),
    "objects": (lambda result, arguments: np.array([None, "a"], dtype=object), "object"),
    "strings": (lambda result, arguments: np.array(["a"]), "<U1"),
    "None": (lambda result, arguments: None, "Is a `return` missing?"),
    "one axis more": (lambda result, arguments: np.ones((1, 1, 1, 1), bool), "hape"),
    "huge": (lambda result, arguments: np.zeros((3000, 3000), bool), "hape"),
    "empty": (lambda result, arguments: np.zeros((0, 3), bool), "hape"),
    "structured": (lambda result, arguments: np.zeros(2, dtype=[("a", int)]), "'a'"),
    "dates": (lambda result, arguments: np.array(["2020-01-01"], dtype="M8[D]"), "datetime64"),
    "masked array": (
        lambda result, arguments: np.ma.array(np.ones(2), mask=[True, False]),
        "mask means the opposite",
    ),
}


@each_kind
@pytest.mark.parametrize(("change", "words"), OTHERS.values(), ids=OTHERS)
def test_it_returns_something_else(exercise, change, words, quick):
    result = judged(exercise, altered(exercise, change))
    assert result.status == "wrong"
    if isinstance(_check._expected(exercise)[0], np.ndarray):
        assert words in result.message


@each_kind
def test_it_returns_a_coroutine(exercise):
    result = judged(exercise, altered(exercise, coroutine))
    assert result.status == "wrong"
    assert asyncio.iscoroutinefunction(later)


def as_tensor(result, arguments):
    import keras

    return in_each_part(keras.ops.convert_to_tensor, result)


@each_kind
def test_it_returns_a_tensor(exercise, keras, quick):
    result = judged(exercise, altered(exercise, as_tensor))
    assert result.status == "wrong"
    assert "a tensor" in result.message
    assert "convert_to_numpy" in result.message


def test_a_symbolic_tensor_is_no_number(keras):
    result = check("1.3", altered(find("1.3"), lambda result, arguments: keras.Input((3,))))
    assert "a tensor (KerasTensor)" in result.message


@each_kind
def test_it_returns_nan(exercise, quick):
    def nan(result, arguments):
        return in_each_part(lambda part: np.full(part.shape, np.nan), result)

    assert judged(exercise, altered(exercise, nan)).status == "wrong"


def test_nan_is_named():
    result = check("1.3", altered(find("1.3"), lambda result, arguments: result * np.nan))
    assert "It holds NaN" in result.message


def test_a_mask_of_integers_is_named():
    result = check("1.2", altered(find("1.2"), lambda result, arguments: result.astype(int)))
    assert "Its dtype is int64; expected: bool" in result.message


def test_float32_is_as_good_as_float64():
    assert check("1.3", altered(find("1.3"), lambda result, arguments: np.float32(result))).passed


@each_kind
def test_it_cannot_decide(exercise):
    dice = random.Random(0)

    def rolls(result, arguments):
        return in_each_part(lambda part: part + dice.random(), result)

    assert judged(exercise, altered(exercise, rolls)).status == "wrong"


def test_two_results_for_one_case_are_named():
    dice = random.Random(0)
    answer = altered(find("1.3"), lambda result, arguments: result + dice.choice([0, 1]))
    assert "two different results" in check("1.3", answer).message


def spins(result, arguments):
    while True:
        pass


def sleeps(result, arguments):
    time.sleep(3600)


def clings(result, arguments):
    while True:
        try:
            time.sleep(1)
        except:  # noqa: E722
            continue


def spins_and_clings(result, arguments):
    while True:
        try:
            while True:
                sum(range(10))
        except BaseException:
            continue


@each_kind
def test_it_never_returns(exercise, short_limits):
    assert "did not return within" in judged(exercise, altered(exercise, spins)).message


@pytest.mark.parametrize("change", [sleeps, clings, spins_and_clings])
def test_it_will_not_be_stopped(change, short_limits):
    before = signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)
    exercise = find("1.1")
    result = judged(exercise, altered(exercise, change))
    assert result.status == "error"
    assert "did not return within 0.2 seconds" in result.message
    assert "a loop that never ends" in result.message
    assert before == (signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL))


def test_it_is_slow_every_time(monkeypatch):
    monkeypatch.setattr(_call, "CHECK_SECONDS", 0.5)

    def dawdles(result, arguments):
        time.sleep(0.05)
        return result

    result = check("1.1", altered(find("1.1"), dawdles))
    assert result.status == "error"
    assert "more than 0.5 seconds" in result.message


@pytest.mark.parametrize("change", [spins, sleeps, clings])
def test_it_never_returns_in_another_thread(change, short_limits):
    """Where there is no alarm: other threads, and Windows."""
    results = []

    def work():
        results.append(check("1.1", altered(find("1.1"), change)))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(10)
    (result,) = results
    assert "did not return within" in result.message


def test_another_thread_returns_and_raises():
    results = []

    def work():
        results.append(check("1.1", find("1.1").solution).status)
        results.append(check("1.1", altered(find("1.1"), raises)).status)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert results == ["passed", "error"]


def test_an_import_is_not_cut_short(tmp_path, monkeypatch):
    (tmp_path / "slow_to_import.py").write_text("import time\ntime.sleep(0.5)\nDONE = True\n")
    monkeypatch.syspath_prepend(tmp_path)

    def imports():
        import slow_to_import

        ends = time.monotonic() + 0.2  # shorter than the limit, and the import was longer
        while time.monotonic() < ends:
            pass
        return slow_to_import.DONE

    assert run_limited(imports, 0.4)


def test_somebody_elses_alarm_goes_on():
    rang = []
    old = signal.signal(signal.SIGALRM, lambda number, frame: rang.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.5)
        assert check("1.1", find("1.1").solution).passed
        time.sleep(0.7)
        assert rang
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


def test_an_exercise_may_give_its_answers_more_time(short_limits, monkeypatch):
    import dataclasses

    def slow(result, arguments):
        time.sleep(0.4)
        return result

    for seconds, passed in ((None, False), (5, True)):
        exercise = dataclasses.replace(find("0.1"), seconds=seconds, cases=None)
        monkeypatch.setattr(_check, "find", lambda number, exercise=exercise: exercise)
        monkeypatch.setattr(_check, "cases_of", lambda exercise: exercise.examples[:1])
        result = check("0.1", altered(exercise, slow))
        assert result.passed == passed
        assert passed or "did not return within 0.2 seconds" in result.message


def test_a_stop_by_hand_goes_through():
    def stopped(result, arguments):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check("1.1", altered(find("1.1"), stopped))


@each_exercise
def test_other_parameters(exercise):
    def nothing():
        return 1

    def too_many(one, two, three, four, five, six, seven):
        return 1

    for answer in (nothing, too_many):
        result = judged(exercise, answer)
        assert result.status == "error"
        if exercise.use is None:
            assert f"It is called with ({', '.join(exercise.parameters)})" in result.message


def test_what_is_callable_but_no_function():
    assert check("0.1", np.count_nonzero).status == "wrong"
    assert check("0.1", len).status == "wrong"
    assert check("0.1", functools.partial(np.not_equal, 0)).passed
    assert check("0.1", lambda ids: ids != 0).passed
    assert check("0.1", int).status == "error"


def test_the_number():
    assert "There is no exercise '9.9'. There are 0.1, 1.1" in check("9.9", len).message
    assert "The number comes first" in check(len, "1.1").message
    for number in (None, 1, [], "", "1", "padding"):
        assert check(number, len).status == "error"
        assert "There are 0.1" in hint(number).text
    assert check(1.1, find("1.1").solution).passed
    assert check(" 1.1 ", find("1.1").solution).passed


def test_without_hypothesis(monkeypatch):
    find_spec = _check.importlib.util.find_spec
    monkeypatch.setattr(
        _check.importlib.util,
        "find_spec",
        lambda name: None if name == "hypothesis" else find_spec(name),
    )
    result = check("1.1", find("1.1").solution)
    assert result.status == "error"
    assert "needs the package `hypothesis`" in result.message
