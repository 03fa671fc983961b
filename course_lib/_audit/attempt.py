"""The one place where any exception is caught: what runs here is the user's code.

A model that does not take rows of another length may raise anything, as may a loss or a metric.
"""

import gc
import re


def attempt(function, *args, **options):
    """Return `(value, None)`, or `(None, error)` if the function raises."""
    try:
        return function(*args, **options), None
    except Exception as error:
        failed = link = error
    # What the failed call made goes here and now, while `unused_is_no_error` holds: its frames,
    # which the traceback keeps, and what they made in a ring.
    while link is not None:
        link.__traceback__, link = None, link.__cause__ or link.__context__
    gc.collect()
    return None, failed


def first_line(error):
    """Return what an error says, without the frames that Keras and TensorFlow put around it."""
    text = re.sub(r"\x1b\[[0-9;]*m|\{\{.*?\}\}|\[Op:.*", "", str(error))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    lines = [line for line in lines if not line.startswith("Exception encountered")] or lines
    return lines[0] if lines else type(error).__name__


def named(error):
    """Return the class of an error and what it says."""
    return f"{type(error).__name__}: {first_line(error)}"
