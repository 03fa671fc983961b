"""Call an answer that may do anything: raise, print, change its arguments, or never return."""

import contextlib
import copy
import inspect
import io
import signal
import sys
import threading
import time
import warnings
from dataclasses import dataclass

import numpy as np

CALL_SECONDS = 5.0  # for one call
CHECK_SECONDS = 30.0  # for all calls of one check
IMPORT_SECONDS = 600.0  # for one call that imports: a slow disk takes minutes for all of Keras


class OutOfTime(BaseException):
    """Raised inside an answer whose time is over. `except Exception` does not catch it."""


@dataclass
class Outcome:
    """What came of one call.

    Attributes:
        value: what was returned.
        error: the exception that was raised, or `None`.
        printed: what was printed.
        changed: the names of the arguments that are no longer what they were.
        late: True if the call was stopped because its time was over.
    """

    value: object = None
    error: BaseException | None = None
    printed: str = ""
    changed: tuple = ()
    late: bool = False


def call(exercise, answer, case, seconds=None):
    """Use `answer` on a copy of `case`, for `CALL_SECONDS` at most; return the `Outcome`."""
    seconds = CALL_SECONDS if seconds is None else seconds
    own = copy.deepcopy(case)
    outcome = Outcome()
    printed = io.StringIO()
    with (
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(printed),
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
    ):
        warnings.simplefilter("ignore")
        try:
            outcome.value = run_limited(lambda: exercise.apply(answer, own), seconds)
        except OutOfTime:
            outcome.late = True
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # an answer may also call exit()
            outcome.error = error
    if inspect.iscoroutine(outcome.value):
        outcome.value.close()  # else Python says later that nobody awaited it
    outcome.printed = printed.getvalue()
    names = exercise.parameters
    outcome.changed = tuple(
        name for name, now, then in zip(names, own, case, strict=True) if not identical(now, then)
    )
    return outcome


def identical(one, other):
    """Whether two arguments are the same in kind, shape and values, NaN included."""
    if type(one) is not type(other):
        return False
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(identical, one, other))
    if isinstance(one, np.ndarray):
        same_kind = one.dtype == other.dtype and one.shape == other.shape
        return same_kind and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    return bool(one == other)


def run_limited(function, seconds):
    """Return `function()`, or raise `OutOfTime` when it takes longer.

    In the main thread of Linux and macOS, where a notebook's cells run, an alarm signal stops it.
    Elsewhere (Windows, other threads) it runs in a thread of its own that is asked to stop, and is
    left behind if it does not. Neither can stop one long operation inside compiled code.
    """
    in_main = threading.current_thread() is threading.main_thread()
    if in_main and hasattr(signal, "setitimer"):
        return _run_with_alarm(function, seconds)
    return _run_in_thread(function, seconds)


def _run_with_alarm(function, seconds):
    running, rang = True, 0
    tracer = sys.gettrace()
    patience = time.monotonic() + IMPORT_SECONDS

    def ring(number, frame):
        nonlocal rang
        if not running:
            return
        if _is_elsewhere(frame) and time.monotonic() < patience:
            # An import, behind a slow disk, is not the answer's own time: that begins anew.
            signal.setitimer(signal.ITIMER_REAL, seconds, 0.1)
            return
        rang += 1
        if rang > 1:
            _stop_at_the_next_line(frame)
        raise OutOfTime

    old = signal.signal(signal.SIGALRM, ring)
    # It rings again every tenth of a second, in case the first one was caught by an `except:`.
    left, again = signal.setitimer(signal.ITIMER_REAL, seconds, 0.1)
    try:
        return function()
    finally:
        running = False
        signal.setitimer(signal.ITIMER_REAL, left, again)
        signal.signal(signal.SIGALRM, signal.SIG_DFL if old is None else old)
        if rang > 1:
            sys.settrace(tracer)


def _is_elsewhere(frame):
    """Whether an alarm rang where it must not: it rings again, after a time as long.

    An import is not cut short: a package that is half imported breaks the whole notebook. And
    Hypothesis has a function that Python runs whenever it collects garbage.
    """
    if frame.f_code.co_name == "gc_callback":
        return True
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def _stop_at_the_next_line(frame):
    """Raise at the next line as well: inside an `except:` there is nothing that catches it."""

    def stop(frame, event, argument):
        if event == "line" and frame.f_code.co_filename != __file__:
            raise OutOfTime
        return stop

    sys.settrace(stop)
    while frame is not None and frame.f_code.co_filename != __file__:
        frame.f_trace = stop
        frame = frame.f_back


def _run_in_thread(function, seconds):
    done = {}

    def work():
        try:
            done["value"] = function()
        except BaseException as error:
            done["error"] = error

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        import ctypes

        for _ in range(10):
            number = ctypes.c_ulong(thread.ident)
            ctypes.pythonapi.PyThreadState_SetAsyncExc(number, ctypes.py_object(OutOfTime))
            thread.join(0.1)
        raise OutOfTime
    if "error" in done:
        raise done["error"]
    return done["value"]
