"""`pad` beside `keras.utils.pad_sequences`, and what must hold for masks and the masked mean."""

from collections import deque
from unittest import mock

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from course_lib import (
    _rows,
    lengths_to_mask,
    mask_to_lengths,
    masked_mean,
    pad,
    padding_efficiency,
)

NAN = float("nan")
SIDES = st.sampled_from(["pre", "post"])
INTEGERS, FLOATS = st.integers(-100, 100), st.floats(-100, 100, width=16)
DTYPES = ["int8", "int32", "int64", "float16", "float32", "float64", "bool", "object", ">i4"]


@st.composite
def ragged(draw, numbers=INTEGERS | FLOATS, step_shapes=((), (), (2,), (2, 1))):
    """Rows of 0 to 6 steps: lists, tuples or arrays, one kind for all or each its own."""
    step_shape = draw(st.sampled_from(step_shapes))
    size = int(np.prod(step_shape))
    lengths = draw(st.lists(st.integers(0, 6), min_size=1, max_size=7))
    kinds = draw(
        st.sampled_from(
            [[list], [tuple], ["int64"], ["float32"], ["int64", "float32"], [list, "int32", tuple]]
        )
    )
    rows = []
    for place, length in enumerate(lengths):
        flat = draw(st.lists(numbers, min_size=length * size, max_size=length * size))
        kind = kinds[place % len(kinds)]
        if isinstance(kind, str):
            rows.append(np.array(flat, kind).reshape(length, *step_shape))
        else:
            rows.append(kind(nested(flat, length, step_shape)))
    return rows


def nested(flat, length, step_shape):
    """Return the numbers as lists in lists; ints stay ints beside floats."""
    return np.array(flat, object).reshape(length, *step_shape).tolist()


@st.composite
def masks(draw, min_steps=0):
    rows, steps = draw(st.integers(1, 6)), draw(st.integers(min_steps, 6))
    flat = draw(st.lists(st.booleans(), min_size=rows * steps, max_size=rows * steps))
    return np.array(flat, bool).reshape(rows, steps)


class TestPadBesideKeras:
    @settings(max_examples=400, deadline=None)
    @given(
        rows=ragged(),
        maxlen=st.none() | st.integers(1, 8),
        dtype=st.sampled_from(DTYPES),
        padding=SIDES,
        truncating=SIDES,
        value=st.integers(-3, 3) | st.sampled_from([0.0, 0.5, -0.0]),
        chunk=st.sampled_from([1, 2, 4096]),
    )
    @example([[]], None, "int32", "pre", "pre", 0, 4096)
    @example([[], []], 3, "float32", "post", "post", 0.5, 4096)
    @example([[1, 2], [3, 4]], None, "int32", "post", "post", 0, 4096)
    @example([[1.5], []], None, "float32", "post", "post", -0.0, 4096)
    @example([np.array([1]), np.array([2.5])], None, "float64", "post", "post", 0, 4096)
    def test_same_arguments_same_array(
        self, keras, rows, maxlen, dtype, padding, truncating, value, chunk
    ):
        options = {
            "maxlen": maxlen,
            "dtype": dtype,
            "padding": padding,
            "truncating": truncating,
            "value": value,
        }
        expected = keras.utils.pad_sequences(rows, **options)
        with mock.patch.object(_rows, "CHUNK_ROWS", chunk):
            ours = pad(rows, **options)
        assert ours.dtype == expected.dtype
        assert ours.shape == expected.shape
        np.testing.assert_array_equal(ours, expected)
        if ours.dtype.kind == "f":
            np.testing.assert_array_equal(np.signbit(ours), np.signbit(expected))

    @settings(max_examples=100, deadline=None)
    @given(rows=ragged(), container=st.sampled_from([list, tuple, "object array"]))
    def test_any_container_of_rows(self, keras, rows, container):
        expected = keras.utils.pad_sequences(rows, dtype="float64")
        if container == "object array":
            batch = np.empty(len(rows), object)
            batch[:] = rows
        else:
            batch = container(rows)
        ours = pad(batch, dtype="float64", padding="pre", truncating="pre")
        np.testing.assert_array_equal(ours, expected)

    @settings(max_examples=100, deadline=None)
    @given(
        rows=st.lists(st.lists(st.text("ab", max_size=3), max_size=4), min_size=1, max_size=4),
        dtype=st.sampled_from([object, "U5", "U1"]),
        padding=SIDES,
    )
    def test_strings(self, keras, rows, dtype, padding):
        options = {"dtype": dtype, "padding": padding, "value": "<pad>"}
        expected = keras.utils.pad_sequences(rows, truncating="post", **options)
        ours = pad(rows, **options)
        assert ours.dtype == expected.dtype
        np.testing.assert_array_equal(ours, expected)

    def test_floats_are_cut_only_if_asked(self, keras):
        rows = [[1.9, 2.9], [3.9]]
        assert keras.utils.pad_sequences(rows).tolist() == [[1, 2], [0, 3]]
        assert pad(rows, dtype="int32", padding="pre").tolist() == [[1, 2], [0, 3]]
        assert pad(rows).tolist() == [[1.9, 2.9], [3.9, 0.0]]

    def test_the_first_rows_of_the_course(self, keras):
        rows = [[83, 91, 1, 645, 1253, 927], [73, 8, 3215, 55, 927], [711, 632, 71]]
        expected = keras.utils.pad_sequences(rows, padding="post")
        np.testing.assert_array_equal(pad(rows), expected)

    def test_rows_of_a_keras_tensor(self, keras):
        rows = [keras.ops.convert_to_tensor([1, 2]), keras.ops.convert_to_tensor([3])]
        assert pad(rows, dtype="int32").tolist() == [[1, 2], [3, 0]]


@pytest.mark.parametrize("container", [deque, lambda rows: dict(enumerate(rows)).values()])
def test_rows_in_a_container_without_slices(container):
    assert pad(container([[1], [2, 3]])).tolist() == [[1, 0], [2, 3]]


class TestPadsOwnDtype:
    @settings(max_examples=200, deadline=None)
    @given(rows=ragged(), value=st.sampled_from([0, -1, 0.5]))
    def test_nothing_is_lost(self, rows, value):
        rectangle = pad(rows, value=value)
        mask = lengths_to_mask([len(row) for row in rows])
        for row, steps, real in zip(rows, rectangle, mask, strict=True):
            np.testing.assert_array_equal(steps[real], np.reshape(row, steps[real].shape))
            assert (steps[~real] == value).all()
        kinds = {np.asarray(row).dtype.kind for row in rows if len(row)} | {
            np.array(value).dtype.kind
        }
        assert rectangle.dtype.kind == ("f" if "f" in kinds else "i")

    @pytest.mark.parametrize(
        ("rows", "value", "dtype"),
        [
            ([[1], [2, 3]], 0, "int64"),
            ([[1], [2, 3]], 0.5, "float64"),
            ([[1], [2, 3.5]], 0, "float64"),
            ([[True], [False, True]], False, "bool"),
            ([[1.5], [2, 3]], 0, "float64"),
            ([np.array([1], "int8"), np.array([2, 3], "int16")], 0, "int16"),
            ([np.array([1], "float32"), np.array([2, 3], "float32")], 0, "float32"),
            ([np.array([1]), np.array([2.5, 3])], 0, "float64"),
            ([[], []], 0, "int64"),
            ([["a"], ["b", "c"]], "", "object"),
            ([[1], ["b", "c"]], "", "object"),
            ([[None], [1, None]], 0, "object"),
        ],
    )
    def test_follows_the_data(self, rows, value, dtype):
        rectangle = pad(rows, value=value)
        assert rectangle.dtype == dtype
        assert rectangle[0].tolist() == [*rows[0], *[value] * (rectangle.shape[1] - len(rows[0]))]

    def test_rows_on_later_chunks_count(self):
        with mock.patch.object(_rows, "CHUNK_ROWS", 1):
            assert pad([[1], [2], [2.5]]).tolist() == [[1], [2], [2.5]]
            assert pad([[1], [2], ["a"]], value="").tolist() == [[1], [2], ["a"]]


# What is no number, what is one to `struct` or to NumPy alone, and rows within a row.
ODDITIES = [None, True, ..., (), [], "", b"", "ii", b"i", [1], (2, 3), 1j, np.int8(1), np.nan]
WHOLE = st.integers(-(2**31), 2**31 - 1) | st.sampled_from([-1, 0, 1, 105, 127, 128, 255, 2**16])
HUGE = st.sampled_from([2**31, -(2**31) - 1, 2**63 - 1, 2**63, -(2**63), 2**64, 10**30])


@st.composite
def lists_that_begin_with_a_number(draw):
    number = draw(st.sampled_from([WHOLE, WHOLE, FLOATS, st.sampled_from([2.5, -0.0, NAN, 1e300])]))
    odd = draw(st.sampled_from([number, number, WHOLE, FLOATS, HUGE, st.sampled_from(ODDITIES)]))
    step = number | odd
    row = st.lists(step, max_size=5)
    rows = draw(st.lists(row | row.map(tuple), min_size=1, max_size=5))
    odd_rows = st.sampled_from(["ii", b"i", {1: 2}, {1}, range(2), np.array([7]), deque([1])])
    if draw(st.integers(0, 4)) == 0:
        rows.insert(draw(st.integers(0, len(rows))), draw(odd_rows))
    return [[draw(number)], *rows]


def outcome(call, *arguments, **options):
    """Return the dtype and values that a call gives, or its error."""
    with np.errstate(over="ignore"):
        try:
            found = call(*arguments, **options)
        except (TypeError, ValueError) as error:
            return type(error), str(error)
    return found.dtype, found.tolist()


def row_by_row():
    """Count how many rows are read one by one: the quick way asks one row for its shape."""
    return mock.patch.object(_rows, "_as_steps", wraps=_rows._as_steps)


class TestListsOfNumbers:
    """They take a way of their own, which must not be seen in anything but the time."""

    @settings(max_examples=600, deadline=None)
    @given(
        rows=lists_that_begin_with_a_number(),
        maxlen=st.none() | st.integers(0, 7),
        dtype=st.none() | st.sampled_from([*DTYPES, "uint8", "int16", "uint64", "complex64", "U3"]),
        padding=SIDES,
        truncating=SIDES,
        value=st.sampled_from([0, 7, -1, 0.5, -0.0, NAN, ""]),
        chunk=st.sampled_from([1, 2, 4096]),
    )
    @example([[1, None, 2.5]], None, None, "post", "post", 0, 4096)
    @example([[1], [[3, 4]], [None] * 10], None, None, "post", "post", 0, 4096)
    @example([[1], *[[None] * 10] * 9], None, None, "post", "post", 0, 4096)
    @example([[1], "iiii"], None, None, "post", "post", 0, 4096)
    @example([[1], b"ab"], None, "int32", "post", "post", 0, 4096)
    @example([[1], {3: 4}], None, "int32", "post", "post", 0, 4096)
    @example([[-1]], None, "uint64", "post", "post", 0, 4096)
    @example([[2.5], [1, True]], None, "float32", "pre", "pre", -0.0, 1)
    def test_the_way_is_not_seen(self, rows, maxlen, dtype, padding, truncating, value, chunk):
        options = {
            "maxlen": maxlen,
            "dtype": dtype,
            "padding": padding,
            "truncating": truncating,
            "value": value,
        }
        # One difference is wanted: beside floats, an integer beyond 64 bits becomes a float.
        steps = [step for row in rows if isinstance(row, (list, tuple)) for step in row]
        huge = any(type(step) is int and not -(2**63) <= step < 2**64 for step in steps)
        assume(not (huge and isinstance(rows[0][0], float)))
        with mock.patch.object(_rows, "CHUNK_ROWS", chunk):
            with mock.patch.object(_rows, "_alike", return_value=None):
                expected = outcome(pad, rows, **options)
            assert repr(outcome(pad, rows, **options)) == repr(expected)

    @pytest.mark.parametrize("kind", [list, tuple, np.array])
    @pytest.mark.parametrize("dtype", [None, "int32", "int8", "uint16", "float16"])
    def test_they_do_take_it(self, kind, dtype):
        rows = [[1] * 40, [], [3]]
        batch = np.empty(3, object)
        batch[:] = rows
        sequences = batch if kind is np.array else kind(map(kind, rows))
        with row_by_row() as slowly:
            assert pad(sequences, dtype=dtype).tolist() == [[1] * 40, [0] * 40, [3] + [0] * 39]
        assert slowly.call_count == 1

    @pytest.mark.parametrize(("step", "dtype"), [(1, np.int64), (1.5, np.float64)])
    def test_their_dtype_is_the_usual_one(self, step, dtype):
        # `longlong` compares equal to int64 and prints another way.
        assert pad([[step]]).dtype.char == np.dtype(dtype).char

    def test_a_huge_integer_beside_floats_becomes_a_float(self):
        rectangle = pad([[0.5], [1, 2**64]])
        assert rectangle.dtype == "float64"
        assert rectangle.tolist() == [[0.5, 0], [1, 2**64]]

    @pytest.mark.parametrize("dtype", [None, "float64", "float32", "float16"])
    def test_floats_take_it_too(self, dtype):
        with row_by_row() as slowly:
            assert pad([[1.5, 2], [0.25]], dtype=dtype, value=-1).tolist() == [[1.5, 2], [0.25, -1]]
        assert slowly.call_count == 1


@pytest.mark.parametrize(
    ("rows", "options"),
    [
        ([np.array([300, 1])], {"dtype": "int8"}),
        ([np.array([-1])], {"dtype": "uint8"}),
        ([np.array([1.7])], {"dtype": "int32"}),
        ([[1.7], [-1.7, 2]], {"dtype": "int32"}),
        ([[1, 2], [3]], {"dtype": "int32", "value": 1.5}),
        ([[1, None], [2]], {"dtype": "object"}),
        ([["ab"], ["c", "d"]], {"dtype": "<U1", "value": "xy"}),
    ],
)
def test_what_a_given_dtype_cuts_is_cut_as_in_keras(keras, rows, options):
    expected = keras.utils.pad_sequences(rows, padding="post", truncating="post", **options)
    found = pad(rows, **options)
    assert found.dtype == expected.dtype
    assert np.array_equal(found, expected)


def test_steps_of_none_become_objects():
    assert pad([[1, None], [2]]).tolist() == [[1, None], [2, 0]]
    assert pad([[1, None], [2]]).dtype == object


def test_a_batch_may_be_empty_if_maxlen_is_given():
    assert pad([], maxlen=3).shape == (0, 3)
    assert pad([[1, 2]], maxlen=0).shape == (1, 0)
    assert pad([[[1, 2]]], maxlen=0).shape == (1, 0, 2)
    assert pad([[["a", "b"]]], maxlen=0, value="").shape == (1, 0, 2)
    assert pad([np.array([1, 2])], maxlen=0, truncating="pre").shape == (1, 0)


@pytest.mark.parametrize("padding", ["pre", "post"])
def test_a_row_of_more_than_256_steps_is_cut(padding):
    rectangle = pad([range(1, 260), [5]], maxlen=4, padding=padding)
    assert rectangle[0].tolist() == [1, 2, 3, 4]


def test_pad_leaves_its_input_alone():
    rows = [[1, 2, 3], [4]]
    arrays = [np.array(row) for row in rows]
    pad(rows, maxlen=2)
    pad(arrays, maxlen=2)
    assert rows == [[1, 2, 3], [4]]
    assert [row.tolist() for row in arrays] == rows


@pytest.mark.parametrize(
    ("sequences", "options", "error", "message"),
    [
        (5, {}, TypeError, "`sequences` must be a list, tuple or array of sequences, got int"),
        ("ab", {}, TypeError, "`sequences` must be .* got str"),
        ({"a": [1]}, {}, TypeError, "`sequences` must be .* got dict"),
        ((row for row in [[1]]), {}, TypeError, "`sequences` must be .* got generator"),
        ([1, 2], {}, TypeError, r"`sequences\[0\]` must be a list, .*, got 1 \(int\)"),
        (np.array([3, 4]), {}, TypeError, r"`sequences\[0\]` must be a list, .*\(int64\)"),
        (np.array(3), {}, TypeError, "`sequences` must be a list, .* got ndarray"),
        ([[1], 2], {}, TypeError, r"`sequences\[1\]` must be a list, .*, got 2 \(int\)"),
        ([[1], "ab"], {}, TypeError, r"`sequences\[1\]` must be .*, got 'ab' \(str\)"),
        ([[1], b"ab"], {}, TypeError, r"`sequences\[1\]` must be .*\(bytes\)"),
        ([[1], {1: 2}], {}, TypeError, r"`sequences\[1\]` must be .*\(dict\)"),
        ([[1], {1, 2}], {"maxlen": 1}, TypeError, r"`sequences\[1\]` must be .*\(set\)"),
        ([np.ones(2), np.array(1.0)], {}, TypeError, r"`sequences\[1\]` must be .*\(ndarray\)"),
        ([np.ones(2), "ab"], {}, TypeError, r"`sequences\[1\]` must be .*\(str\)"),
        ([[1]], {"maxlen": 1.5}, TypeError, r"`maxlen` must be an integer, got 1.5 \(float\)"),
        ([[1]], {"maxlen": -1}, ValueError, "`maxlen` must be at least 0, got -1"),
        ([[1]], {"dtype": "whole"}, TypeError, "`dtype` must be a NumPy dtype, got 'whole'"),
        ([[1]], {"padding": "left"}, ValueError, "`padding` must be 'pre' or 'post', got 'left'"),
        ([[1]], {"truncating": 0}, ValueError, "`truncating` must be 'pre' or 'post', got 0"),
        ([], {}, ValueError, "`sequences` must hold at least one sequence, got an empty batch"),
        ([[1], [[2]]], {}, ValueError, r"`sequences\[1\]` .* shape \(\) .* shape \(1,\)"),
        ([[[1, 2]], [3]], {}, ValueError, r"`sequences\[1\]` .* shape \(2,\) .* shape \(\)"),
        ([[[1, 2]], [[3]]], {}, ValueError, r"`sequences\[1\]` .* shape \(2,\) .* shape \(1,\)"),
        (
            [np.ones((1, 2)), np.ones((1, 3))],
            {},
            ValueError,
            r"`sequences\[1\]` .* \(2,\) .* \(3,\)",
        ),
        ([np.ones(1), np.ones((1, 1))], {}, ValueError, r"`sequences\[1\]` .* \(\) .* \(1,\)"),
        ([[[1], [2, 3]]], {}, ValueError, r"`sequences\[0\]` must hold steps of one shape"),
        ([[1], [[1], [2, 3]]], {}, ValueError, r"`sequences\[1\]` must hold steps of one shape"),
        ([[1], [NAN]], {"dtype": "int32"}, ValueError, r"`sequences\[1\]` .* int32, .*NaN"),
        ([np.array([NAN])], {"dtype": "int32"}, ValueError, r"`sequences\[0\]` .* int32, .*NaN"),
        ([[np.inf]], {"dtype": "int32"}, ValueError, r"`sequences\[0\]` .* int32, .*inf"),
        ([np.array([-np.inf])], {"dtype": "uint8"}, ValueError, r"`sequences\[0\]` .*infinity"),
        ([[300]], {"dtype": "int8"}, ValueError, r"`sequences\[0\]` .* int8, got \[300\]"),
        ([np.ones(1, int), [300]], {"dtype": "int8"}, ValueError, r"`sequences\[1\]` .* int8"),
        ([[], 5], {}, TypeError, r"`sequences\[1\]` must be .*, got 5 \(int\)"),
        ([[1]], {"value": np.int64(300), "dtype": "int8"}, ValueError, "`value` .* int8 holds"),
        ([[1]], {"value": np.float32("nan"), "dtype": "uint8"}, ValueError, "`value` .* uint8"),
        ([[1]], {"value": np.inf, "dtype": "int32"}, ValueError, "`value` .* int32 holds, got inf"),
        (
            [[2**40]],
            {"dtype": "int32"},
            ValueError,
            r"`sequences\[0\]` must hold steps of dtype int32",
        ),
        (
            [["a"]],
            {"dtype": "int32"},
            ValueError,
            r"`sequences\[0\]` must hold steps of dtype int32",
        ),
        ([np.array(["a"])], {"dtype": "int32"}, ValueError, r"`sequences\[0\]` .* dtype int32"),
        (
            [[None]],
            {"dtype": "int32"},
            ValueError,
            r"`sequences\[0\]` must hold steps of dtype int32",
        ),
        ([[1]], {"value": "x"}, ValueError, "`value` must be a number .* got 'x'"),
        (
            [[1]],
            {"value": "x", "dtype": "int32"},
            ValueError,
            "`value` must be a number .* got 'x'",
        ),
        ([["a"]], {}, ValueError, "`value` must be a string for sequences of strings, got 0"),
        ([[1]], {"value": NAN, "dtype": "int32"}, ValueError, "`value` .* int32 holds, got nan"),
        ([[1]], {"value": -1, "dtype": "uint8"}, ValueError, "`value` .* uint8 holds, got -1"),
        (
            [[1]],
            {"value": [0, 1]},
            ValueError,
            r"`value` must be one number or string, got \[0, 1\]",
        ),
        (
            [np.array(["2020"], "M8[Y]")],
            {},
            ValueError,
            r"`value` must fit .* datetime64\[Y\], got 0",
        ),
    ],
)
def test_pad_says_what_came(sequences, options, error, message):
    with pytest.raises(error, match=message):
        pad(sequences, **options)


class TestMasksAndLengths:
    @settings(max_examples=150, deadline=None)
    @given(
        lengths=st.lists(st.integers(0, 300), min_size=1, max_size=6),
        more=st.integers(0, 5),
        padding=SIDES,
    )
    def test_mask_counts_as_python_counts(self, lengths, more, padding):
        maxlen = max(lengths) + more
        mask = lengths_to_mask(lengths, maxlen, padding)
        assert mask.dtype == bool
        rows = [[True] * n + [False] * (maxlen - n) for n in lengths]
        assert mask.tolist() == [row if padding == "post" else row[::-1] for row in rows]
        assert mask_to_lengths(mask).tolist() == lengths

    @settings(max_examples=100, deadline=None)
    @given(rows=ragged(st.integers(1, 9), step_shapes=[()]), padding=SIDES)
    def test_mask_of_a_padded_batch_is_where_it_is_not_zero(self, rows, padding):
        mask = lengths_to_mask([len(row) for row in rows], padding=padding)
        np.testing.assert_array_equal(pad(rows, padding=padding) != 0, mask)

    @settings(max_examples=50, deadline=None)
    @given(mask=masks())
    def test_lengths_count_real_steps_wherever_they_stand(self, mask):
        lengths = mask_to_lengths(mask)
        assert lengths.shape == mask.shape[:1]
        assert lengths.dtype == np.int64
        assert lengths.tolist() == [sum(row) for row in mask.tolist()]

    @settings(max_examples=50, deadline=None)
    @given(mask=masks(min_steps=1))
    def test_efficiency_is_the_share_of_real_steps(self, mask):
        share = padding_efficiency(mask)
        assert isinstance(share, float)
        assert share == pytest.approx(sum(map(sum, mask.tolist())) / mask.size)

    def test_an_empty_batch_of_known_width(self):
        assert lengths_to_mask([], 3).shape == (0, 3)

    @pytest.mark.parametrize("integers", ["int8", "uint8", "uint64"])
    def test_any_integers_are_lengths(self, integers):
        lengths = np.array([0, 127], integers)
        assert mask_to_lengths(lengths_to_mask(lengths, 1000)).tolist() == [0, 127]

    @pytest.mark.parametrize(("lengths", "wrong"), [([0, -2, 9], -2), ([5, 9, -1], 9)])
    def test_the_first_wrong_length_is_named(self, lengths, wrong):
        with pytest.raises(ValueError, match=f"between 0 and 5, got {wrong}$"):
            lengths_to_mask(lengths, 5)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: lengths_to_mask([1.0]),
            TypeError,
            "`lengths` must be integers, got dtype float64",
        ),
        (lambda: lengths_to_mask([True]), TypeError, "`lengths` must be integers, got dtype bool"),
        (lambda: lengths_to_mask("ab"), TypeError, "`lengths` must hold numbers, got dtype <U2"),
        (
            lambda: lengths_to_mask([[1]]),
            ValueError,
            r"`lengths` must have 1 axis, got shape \(1, 1\)",
        ),
        (lambda: lengths_to_mask([]), ValueError, "`lengths` must hold at least one length"),
        (lambda: lengths_to_mask([-1]), ValueError, "`lengths` must be at least 0, got -1$"),
        (lambda: lengths_to_mask([3, -2]), ValueError, "`lengths` must be at least 0, got -2$"),
        (
            lambda: mask_to_lengths(np.ones((0, 3), bool)),
            ValueError,
            r"`mask` must have at least one row, got shape \(0, 3\)",
        ),
        (lambda: lengths_to_mask([1, 5], 4), ValueError, "`lengths` .* between 0 and 4, got 5"),
        (lambda: lengths_to_mask([1], -1), ValueError, "`maxlen` must be at least 0, got -1"),
        (lambda: lengths_to_mask([1], 2.0), TypeError, "`maxlen` must be an integer, got 2.0"),
        (
            lambda: lengths_to_mask([1], padding="left"),
            ValueError,
            "`padding` must be 'pre' or 'post'",
        ),
        (lambda: mask_to_lengths([[1, 0]]), TypeError, "`mask` must be bool .* got dtype int64"),
        (
            lambda: mask_to_lengths([True]),
            ValueError,
            r"`mask` must have shape \(B, T\), got \(1,\)",
        ),
        (
            lambda: padding_efficiency([[1.0]]),
            TypeError,
            "`mask` must be bool .* got dtype float64",
        ),
        (lambda: padding_efficiency([[[True]]]), ValueError, r"`mask` .* got \(1, 1, 1\)"),
        (lambda: padding_efficiency([[]]), (TypeError, ValueError), "`mask` must be"),
        (
            lambda: padding_efficiency(np.ones((2, 0), bool)),
            ValueError,
            r"`mask` must have at least one step, got shape \(2, 0\)",
        ),
    ],
)
def test_masks_say_what_came(call, error, message):
    with pytest.raises(error, match=message):
        call()


POISON = st.sampled_from([0.0, 100.0, np.nan, np.inf, -np.inf])


@st.composite
def masked_values(draw):
    mask = draw(masks(min_steps=1))
    shape = mask.shape + draw(st.sampled_from([(), (2,), (1, 3)]))
    flat = draw(st.lists(FLOATS, min_size=int(np.prod(shape)), max_size=int(np.prod(shape))))
    return np.array(flat, float).reshape(shape), mask


class TestMaskedMean:
    @settings(max_examples=200, deadline=None)
    @given(masked_values(), POISON, st.sampled_from([None, 0, 1]))
    def test_what_stands_at_padding_cannot_be_seen(self, values_and_mask, poison, axis):
        values, mask = values_and_mask
        poisoned = np.where(mask.reshape(mask.shape + (1,) * (values.ndim - 2)), values, poison)
        np.testing.assert_array_equal(
            masked_mean(poisoned, mask, axis), masked_mean(values, mask, axis)
        )

    @settings(max_examples=200, deadline=None)
    @given(masked_values())
    def test_each_row_gets_its_mean_alone(self, values_and_mask):
        values, mask = values_and_mask
        means = masked_mean(values, mask, axis=1, empty=-1)
        for row, real, mean in zip(values, mask, means, strict=True):
            alone = row[real].mean(axis=0) if real.any() else np.full(values.shape[2:], -1)
            np.testing.assert_allclose(mean, alone, rtol=1e-12, atol=1e-12)

    @settings(max_examples=100, deadline=None)
    @given(masked_values())
    def test_the_other_axes(self, values_and_mask):
        values, mask = values_and_mask
        by_step = masked_mean(values, mask, axis=0)
        across = masked_mean(values.swapaxes(0, 1), mask.T, axis=1)
        np.testing.assert_allclose(by_step, across, rtol=1e-12, atol=1e-12)
        over_all = masked_mean(values, mask)
        if mask.any():
            np.testing.assert_allclose(over_all, values[mask].mean(axis=0), atol=1e-12)
        else:
            assert np.isnan(over_all).all()

    @settings(max_examples=50, deadline=None)
    @given(masked_values())
    def test_as_pooling_takes_it(self, keras, values_and_mask):
        values, mask = values_and_mask
        values = values.reshape(*mask.shape, -1).astype("float32")
        mask[:, 0] = True  # Keras divides 0 by 0 on a row of padding.
        pooled = keras.layers.GlobalAveragePooling1D()(values, mask=mask)
        pooled = keras.ops.convert_to_numpy(pooled)
        np.testing.assert_allclose(masked_mean(values, mask, axis=1), pooled, rtol=1e-4, atol=1e-4)

    def test_one_number_comes_as_a_number(self):
        assert masked_mean([[1.0, 2.0]], [[True, False]]) == 1.0
        assert np.ndim(masked_mean([[1.0, 2.0]], [[True, False]])) == 0

    def test_integers_and_booleans_have_a_mean(self):
        assert masked_mean([[1, 2, 9]], [[True, True, False]]) == 1.5
        assert masked_mean([[True, False, True]], [[True, True, False]]) == 0.5

    @pytest.mark.parametrize(
        ("values", "mask", "axis", "error", "message"),
        [
            ([["a"]], [[True]], None, TypeError, "`values` must hold numbers, got dtype <U1"),
            ([[1.0]], [[1]], None, TypeError, "`mask` must be bool .* got dtype int64"),
            ([[1.0]], [[1.0]], None, TypeError, "`mask` must be bool .* got dtype float64"),
            ([1.0], [True], None, ValueError, r"`values` must have shape \(B, T\) .*, got \(1,\)"),
            (
                [[1.0, 2.0]],
                [[True]],
                None,
                ValueError,
                r"`mask` must have shape \(1, 2\), got \(1, 1\)",
            ),
            (
                [[1.0], [1.0, 2.0]],
                [[True]],
                None,
                ValueError,
                "`values` must be a rectangle of numbers",
            ),
            ([[1.0]], [[True]], 2, ValueError, "`axis` must be None, 0 or 1, got 2"),
            ([[1.0]], [[True]], -1, ValueError, "`axis` must be None, 0 or 1, got -1"),
            ([[1.0]], [[True]], True, ValueError, "`axis` must be None, 0 or 1, got True"),
            ([[1.0]], [[True]], 1.0, ValueError, "`axis` must be None, 0 or 1, got 1.0"),
            ([[1.0]], [[True]], "1", ValueError, "`axis` must be None, 0 or 1, got '1'"),
            ([[1.0]], [[True]], np.array([0, 1]), ValueError, r"`axis` .* got array\(\[0, 1\]\)"),
            ([[1.0]], [[True]], (0, 1), ValueError, r"`axis` must be None, 0 or 1, got \(0, 1\)"),
            (
                np.ones((0, 3)),
                np.ones((0, 3), bool),
                None,
                ValueError,
                r"`values` must hold at least one number, got an empty batch, shape \(0, 3\)",
            ),
            (np.ones((2, 0)), np.ones((2, 0), bool), 1, ValueError, r"`values` .* shape \(2, 0\)"),
            ([[0.0, NAN]], [[True, True]], None, ValueError, r"`values` .* NaN at index \(0, 1\)"),
        ],
    )
    def test_says_what_came(self, values, mask, axis, error, message):
        with pytest.raises(error, match=message):
            masked_mean(values, mask, axis)

    @pytest.mark.parametrize("axis", [np.int64(1), np.int8(1)])
    def test_an_axis_of_numpy(self, axis):
        assert masked_mean([[1.0, 2.0]], [[True, False]], axis).tolist() == [1.0]

    @pytest.mark.parametrize(
        ("empty", "error", "message"),
        [
            ("x", TypeError, "`empty` must hold numbers, got dtype <U1"),
            (None, TypeError, "`empty` must hold numbers, got dtype object"),
            ([1.0, 2.0], ValueError, r"`empty` must have 0 axes, got shape \(2,\)"),
        ],
    )
    def test_what_stands_for_no_step_is_one_number(self, empty, error, message):
        with pytest.raises(error, match=message):
            masked_mean([[1.0]], [[False]], empty=empty)
