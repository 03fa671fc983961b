"""Each check lets the right thing through, and names the argument of the wrong one."""

import builtins
import re

import numpy as np
import pytest

import course_lib
from course_lib._arguments import (
    as_array,
    as_choice,
    as_dtype,
    as_flag,
    as_integer,
    as_mask,
    no_nan,
    not_empty,
    shape_of,
)

NAN = np.nan


@pytest.mark.parametrize("value", [3, np.int64(3), np.uint8(3), np.array(3)])
def test_integers_pass(value):
    number = as_integer(value, "steps", at_least=3)
    assert type(number) is int
    assert number == 3


@pytest.mark.parametrize("value", [3.0, "3", None, True, np.True_, [3], np.array([3, 4])])
def test_other_things_are_no_integers(value):
    kind = type(value).__name__
    with pytest.raises(TypeError, match=rf"`steps` must be an integer, got .* \({kind}\)"):
        as_integer(value, "steps", at_least=0)


def test_too_small_an_integer():
    with pytest.raises(ValueError, match="`steps` must be at least 1, got 0"):
        as_integer(0, "steps", at_least=1)


def test_choices():
    assert as_choice("pre", "side", ("pre", "post")) == "pre"
    for wrong in ("left", "", None, 0, ["pre"]):
        with pytest.raises(ValueError, match="`side` must be 'pre' or 'post', got "):
            as_choice(wrong, "side", ("pre", "post"))


def test_choices_of_integers_and_none():
    for right in (None, 0, 1, np.int64(1)):
        assert as_choice(right, "axis", (None, 0, 1)) == right
    for wrong in (2, True, 1.0, "1", np.array([0, 1]), (0, 1)):
        with pytest.raises(ValueError, match="`axis` must be None, 0 or 1, got "):
            as_choice(wrong, "axis", (None, 0, 1))


def test_flags():
    assert as_flag(True, "flag") is True
    assert as_flag(np.False_, "flag") is False
    for wrong in ("no", 1, 0, None, np.array([True])):
        kind = type(wrong).__name__
        with pytest.raises(TypeError, match=rf"`flag` must be True or False, got .* \({kind}\)"):
            as_flag(wrong, "flag")


def test_shapes_and_what_has_none():
    assert shape_of([[1, 2]]) == (1, 2)
    assert shape_of([[1], [2, 3]]) == "rows of different lengths"


@pytest.mark.parametrize("shape", [(0, 3), (2, 0), (2, 3, 0)])
def test_what_is_empty_is_named(shape):
    assert not_empty(np.zeros((1, 1)), "values").shape == (1, 1)
    words = f"`values` must hold at least one number, got an empty batch, shape {shape}"
    with pytest.raises(ValueError, match=re.escape(words)):
        not_empty(np.zeros(shape), "values")


def test_dtypes():
    assert as_dtype("int32", "dtype") == np.int32
    with pytest.raises(TypeError, match="`dtype` must be a NumPy dtype, got 'whole'"):
        as_dtype("whole", "dtype")


class TestAsArray:
    @pytest.mark.parametrize("value", [[[1, 2]], ((1.5,),), np.ones((1, 1), "float16"), [[True]]])
    def test_numbers_pass(self, value):
        assert as_array(value, "values", ndim=2).tolist() == np.array(value).tolist()

    def test_an_array_is_not_copied(self):
        array = np.ones((2, 3))
        assert as_array(array, "values") is array

    def test_several_numbers_of_axes(self):
        assert as_array([1], "values", ndim=(1, 2)).shape == (1,)
        with pytest.raises(ValueError, match=r"`values` must have 1 or 2 axes, got shape \(\)"):
            as_array(5, "values", ndim=(1, 2))
        with pytest.raises(ValueError, match=r"`values` must have 1 axis, got shape \(\)"):
            as_array(5, "values", ndim=1)

    @pytest.mark.parametrize(
        ("value", "error", "message"),
        [
            ([1], ValueError, r"`values` must have 2 axes, got shape \(1,\)"),
            ([[1], [2, 3]], ValueError, "`values` must be a rectangle .* rows of different shapes"),
            ([["a"]], TypeError, "`values` must hold numbers, got dtype <U1"),
            ([[None]], TypeError, "`values` must hold numbers, got dtype object"),
            ([[1j]], TypeError, "`values` must hold numbers, got dtype complex128"),
        ],
    )
    def test_says_what_came(self, value, error, message):
        with pytest.raises(error, match=message):
            as_array(value, "values", ndim=2)


class TestAsMask:
    def test_bool_passes(self):
        assert as_mask([[True, False]]).dtype == bool
        assert as_mask([True, False], "mask", shape=(2,)).shape == (2,)
        assert as_mask([[True], [False]], "mask", shape=[2, 1]).shape == (2, 1)

    @pytest.mark.parametrize("mask", [[[1, 0]], [[1.0, 0.0]], [["True"]], [[None]]])
    def test_only_bool_is_a_mask(self, mask):
        with pytest.raises(TypeError, match=r"`real` must be bool .* `real != 0` makes one of ids"):
            as_mask(mask, "real")

    @pytest.mark.parametrize(
        ("mask", "shape", "message"),
        [
            ([True], None, r"`mask` must have shape \(B, T\), got \(1,\)"),
            ([[[True]]], None, r"`mask` must have shape \(B, T\), got \(1, 1, 1\)"),
            ([[True]], (1, 2), r"`mask` must have shape \(1, 2\), got \(1, 1\)"),
            ([[True], [True, False]], None, r"shape \(B, T\), got rows of different lengths"),
            ([[True], [True, False]], (2, 2), r"shape \(2, 2\), got rows of different lengths"),
        ],
    )
    def test_says_which_shape_came(self, mask, shape, message):
        with pytest.raises(ValueError, match=message):
            as_mask(mask, shape=shape)


class TestNoNan:
    def test_numbers_pass(self):
        for array in (np.array([[1.0, np.inf]]), np.array([[1, 2]]), np.array([[True]])):
            assert no_nan(array, "values") is array

    def test_nan_at_padding_passes(self):
        array = np.array([[[1.0, 2.0], [NAN, NAN]]])
        assert no_nan(array, "values", where=np.array([[True, False]])) is array

    @pytest.mark.parametrize(
        ("where", "real"), [(True, ""), (np.array([[True, False], [True, True]]), " at real steps")]
    )
    def test_says_where_it_stands(self, where, real):
        array = np.zeros((2, 2, 3))
        array[1, 0, 2] = NAN
        told = f"`values` must be numbers{real}, got NaN at index (1, 0, 2)"
        with pytest.raises(ValueError, match=re.escape(told)):
            no_nan(array, "values", where=where)


def without(monkeypatch, missing):
    """Let `import keras` fail because of a package that is missing."""
    genuine = builtins.__import__

    def failing(module, *rest, **more):
        if module == "keras":
            raise ModuleNotFoundError(f"No module named '{missing}'", name=missing)
        return genuine(module, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", failing)


@pytest.mark.parametrize("missing", ["keras", "tensorflow"])
@pytest.mark.parametrize("name", ["audit", "assert_padding_invariant", "trace"])
def test_without_keras_it_says_what_to_install(monkeypatch, name, missing):
    """In somebody's project there may be none: this package never brings one."""
    function = getattr(course_lib, name)
    without(monkeypatch, missing)
    with pytest.raises(ModuleNotFoundError, match=f"no {missing} is installed: `pip install "):
        function(None, np.zeros((2, 3)))


def test_another_missing_package_is_not_taken_for_keras(monkeypatch):
    without(monkeypatch, "numpyx")
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'numpyx'$"):
        course_lib.audit(None, np.zeros((2, 3)))
