"""Checks of arguments: each error names the argument, what came and what was expected."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def as_integer(value: Any, name: str, *, at_least: int) -> int:
    """Return `value` as an int of at least `at_least`."""
    try:
        if isinstance(value, bool):
            raise TypeError
        number = operator.index(value)
    except TypeError:
        kind = type(value).__name__
        raise TypeError(f"`{name}` must be an integer, got {value!r} ({kind})") from None
    if number < at_least:
        raise ValueError(f"`{name}` must be at least {at_least}, got {number}")
    return number


def as_layer(value, name, *, by, since):
    """Return `value` if it is a layer of Keras, in a Keras not older than `since`, as "3.8"."""
    try:
        import keras
    except ModuleNotFoundError as error:
        if error.name not in ("keras", "tensorflow"):
            raise
        # This package brings none: it uses the Keras of the project that it is installed into.
        raise ModuleNotFoundError(
            f"`{by}` needs Keras {since} or later with TensorFlow, and no {error.name} is "
            f'installed: `pip install "keras>={since}" tensorflow`',
            name=error.name,
        ) from None

    if _release(keras.__version__) < _release(since):
        raise RuntimeError(f"`{by}` needs Keras {since} or later, got Keras {keras.__version__}")
    if not isinstance(value, keras.layers.Layer):
        raise TypeError(f"`{name}` must be a Keras model or layer, got {type(value).__name__}")
    return value


def _release(version):
    return tuple(map(int, version.split(".")[:2]))


def as_flag(value: Any, name: str) -> bool:
    """Return `value` if it is True or False."""
    if not isinstance(value, (bool, np.bool_)):
        kind = type(value).__name__
        raise TypeError(f"`{name}` must be True or False, got {value!r} ({kind})")
    return bool(value)


def as_choice(value, name, choices):
    """Return `value` if it is one of `choices`: strings, integers or `None`."""
    plain = isinstance(value, (str, int, np.integer)) and not isinstance(value, bool)
    if not (plain or value is None) or value not in choices:
        *others, last = map(repr, choices)
        raise ValueError(f"`{name}` must be {', '.join(others)} or {last}, got {value!r}")
    return value


def as_dtype(value: Any, name: str) -> np.dtype[Any]:
    """Return `value` as a NumPy dtype."""
    try:
        return np.dtype(value)
    except TypeError:
        raise TypeError(f"`{name}` must be a NumPy dtype, got {value!r}") from None


def as_array(value: Any, name: str, *, ndim: int | tuple[int, ...] | None = None) -> NDArray[Any]:
    """Return `value` as an array of numbers with `ndim` axes (an int, a tuple, or any number)."""
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(
            f"`{name}` must be a rectangle of numbers, got rows of different shapes ({error}); "
            "`course_lib.pad` makes a rectangle of them"
        ) from None
    if array.dtype.kind not in "biuf":
        raise TypeError(f"`{name}` must hold numbers, got dtype {array.dtype}")
    allowed = (ndim,) if isinstance(ndim, int) else ndim
    if allowed is not None and array.ndim not in allowed:
        expected = " or ".join(map(str, allowed)) + (" axis" if allowed == (1,) else " axes")
        raise ValueError(f"`{name}` must have {expected}, got shape {array.shape}")
    return array


def not_empty(array: NDArray[Any], name: str) -> NDArray[Any]:
    """Raise if `array` holds nothing: no rows, no steps or no features."""
    if not array.size:
        raise ValueError(
            f"`{name}` must hold at least one number, got an empty batch, shape {array.shape}"
        )
    return array


def shape_of(value):
    """Return the shape of an array or of nested lists; in words where the lists are ragged."""
    try:
        return np.shape(value)
    except ValueError:
        return "rows of different lengths"


def as_mask(
    mask: Any, name: str = "mask", *, shape: tuple[int, ...] | None = None
) -> NDArray[np.bool_]:
    """Return `mask` as a bool array `(B, T)`, or of exactly `shape`.

    Only bool is taken. A float mask is often a mask that was cast or multiplied on its way, and a
    mask of ids is a forgotten `!= 0`: both would be read as something that nobody meant.
    """
    try:
        array = np.asarray(mask)
    except ValueError:
        raise ValueError(
            f"`{name}` must have shape {_shape(shape)}, got rows of different lengths"
        ) from None
    if array.dtype != bool:
        raise TypeError(
            f"`{name}` must be bool with True at real steps, got dtype {array.dtype}; "
            f"`{name} != 0` makes one of ids, `{name}.astype(bool)` of zeros and ones"
        )
    fits = array.ndim == 2 if shape is None else array.shape == tuple(shape)
    if not fits:
        raise ValueError(f"`{name}` must have shape {_shape(shape)}, got {array.shape}")
    return array


def _shape(shape):
    return "(B, T)" if shape is None else str(tuple(shape))


def no_nan(array: NDArray[Any], name: str, where: Any = True) -> NDArray[Any]:
    """Raise if `array` holds NaN where `where` (broadcast over the last axes) is True."""
    if array.dtype.kind != "f":
        return array
    bad = np.isnan(array)
    if where is not True:
        bad = bad & where.reshape(where.shape + (1,) * (array.ndim - where.ndim))
    if bad.any():
        place = tuple(int(index) for index in np.argwhere(bad)[0])
        real = "" if where is True else " at real steps"
        raise ValueError(f"`{name}` must be numbers{real}, got NaN at index {place}")
    return array
