"""Compare an answer's result with the expected one: first its kind, then its values."""

from dataclasses import dataclass

import numpy as np

KINDS = {"b": "bool", "i": "integers", "u": "integers", "f": "floats"}
OK = None


@dataclass
class Problem:
    """Why a result is not the expected one.

    Attributes:
        text: in words.
        got: the part of the result that differs.
        expected: what it should have been.
        where: which part of the result, as an index: "[1]", or "" for the whole.
    """

    text: str
    got: object
    expected: object
    where: str = ""


def compare(got, expected, where=""):
    """Return the first `Problem` of a result, or `None` if it is as expected.

    Args:
        got: what an answer returned, of any kind.
        expected: None, a number, an array, or a tuple or list of such.
        where: which part of the result this is.
    """
    if isinstance(got, str) and isinstance(expected, str):
        return OK if got == expected else Problem("It is another one.", got, expected, where)
    text = _wrong_kind(got, expected)
    if text:
        return Problem(text, got, expected, where)
    if expected is None:
        return OK
    if isinstance(expected, (list, tuple)):
        for place, (part, wanted) in enumerate(zip(got, expected, strict=True)):
            problem = compare(part, wanted, f"{where}[{place}]")
            if problem:
                return problem
        return OK
    got, expected = np.asarray(got), np.asarray(expected)
    text = _wrong_shape_or_dtype(got, expected) or _wrong_values(got, expected)
    return Problem(text, got, expected, where) if text else OK


def _wrong_kind(got, expected):
    """Return what is wrong with the type of a result, before any array is made of it."""
    wanted = kind_of(expected)
    if expected is None or got is None:
        if got is expected:
            return None
        more = " Is a `return` missing?" if got is None else ""
        return f"It is {kind_of(got)}, and {wanted} was expected.{more}"
    if isinstance(expected, (list, tuple)):
        if not isinstance(got, (list, tuple)):
            advice = " `.tolist()` turns it into one." if isinstance(got, np.ndarray) else ""
            return f"It is {kind_of(got)}, and a {type(expected).__name__} was expected.{advice}"
        if len(got) != len(expected):
            return f"Its length is {len(got)}, and {len(expected)} was expected."
        return None
    if isinstance(got, np.ma.MaskedArray):
        return (
            "It is a masked array of `numpy.ma`, whose mask means the opposite (True = left out). "
            "Return a plain NumPy array."
        )
    if isinstance(got, (np.ndarray, np.generic, bool, int, float)):
        return None
    advice = ""
    if isinstance(got, (list, tuple)):
        advice = " `np.array(...)` turns it into one."
    elif is_tensor(got):
        advice = " `keras.ops.convert_to_numpy(...)` turns it into one."
    elif hasattr(got, "__next__"):
        advice = " `return` gives back a value; `yield` makes a generator."
    return f"It is {kind_of(got)}, and {wanted} was expected.{advice}"


def _wrong_shape_or_dtype(got, expected):
    have, want = got.dtype.kind, expected.dtype.kind
    if have not in "biuf":
        return f"Its dtype is {got.dtype}; expected: {KINDS[want]}."
    if got.shape != expected.shape:
        more = ""
        if got.ndim > 1 and got.shape == expected.shape[::-1]:
            more = " Are its axes in the right order?"
        return f"Its shape is {got.shape}, and {expected.shape} was expected.{more}"
    if want == "b" and have != "b":
        return (
            f"Its dtype is {got.dtype}; expected: bool. "
            "A comparison such as `ids != 0` gives bool; `.astype(bool)` makes it of 0 and 1."
        )
    if want in "iu" and have == "f":
        return (
            f"Its dtype is {got.dtype}; expected: integers. `.astype(int)` makes integers of it; "
            "NumPy makes floats of zeros and of an empty list."
        )
    if want != "b" and have == "b":
        return f"Its dtype is {got.dtype}; expected: {KINDS[want]}."
    return None


def _wrong_values(got, expected):
    if close(got, expected).all():
        return None
    if got.dtype.kind == "f" and (np.isnan(got) & ~np.isnan(expected)).any():
        return "It holds NaN where a number was expected. Was something divided by 0?"
    return "Its values differ."


def close(got, expected):
    """Return where two arrays of one shape agree: bool and integers exactly, floats nearly."""
    if got.dtype.kind == "f" or expected.dtype.kind == "f":
        return np.isclose(got, expected, rtol=1e-5, atol=1e-6, equal_nan=True)
    return got == expected


def closeness(got, expected):
    """Return one line in the manner of micrograd's `cmp`: exact, approximate, largest difference.

    https://github.com/karpathy/nn-zero-to-hero prints a gradient's comparison like this.
    """
    with np.errstate(all="ignore"):
        exact = np.array_equal(got, expected)
        gap = np.abs(got.astype(float) - expected.astype(float))
    finite = gap[np.isfinite(gap)]
    largest = f"{finite.max():.4g}" if finite.size else "–"
    nearly = bool(close(got, expected).all())
    return f"exact: {exact} | approximate: {nearly} | largest difference: {largest}"


def is_tensor(value):
    """Whether a value is a tensor of some framework, found by its name: none is imported here."""
    names = {kind.__module__.split(".")[0] for kind in type(value).__mro__}
    return bool(names & {"tensorflow", "keras", "torch", "jax", "jaxlib"})


def kind_of(value):
    """Return what a value is, in words: "a bool array of shape (2, 3)"."""
    if value is None:
        return "None"
    if isinstance(value, (bool, np.bool_)):
        return "a bool"
    if isinstance(value, (int, float, np.generic)) or (
        isinstance(value, np.ndarray) and not value.ndim
    ):
        return "a number"
    if isinstance(value, np.ndarray):
        return f"an array of {KINDS.get(value.dtype.kind, 'objects')}, shape {value.shape}"
    if isinstance(value, tuple):
        return f"a tuple of {len(value)}"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if is_tensor(value):
        return f"a tensor ({type(value).__name__})"
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
