"""`course_lib.embedding` against `keras.layers.Embedding`, and its picture."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from course_lib import compute_mask, look_up, table_gradient
from course_lib.pictures import HATCH
from course_lib.pictures_embedding import draw_look_up

SETTINGS = settings(max_examples=60, deadline=None)
TABLE = np.arange(12, dtype="float32").reshape(4, 3)


@st.composite
def tables_and_ids(draw):
    """A table (V, D) and ids (B, T): all padding, one row, one step and B = T among them."""
    rows, width = draw(st.integers(1, 7)), draw(st.integers(1, 5))
    shape = draw(st.tuples(st.integers(1, 4), st.integers(1, 5)))
    kind = draw(st.sampled_from(["int32", "int64", "int8", "uint8"]))
    ids = draw(hnp.arrays(kind, shape, elements=st.integers(0, rows - 1)))
    numbers = st.floats(-4, 4, width=32)
    return draw(hnp.arrays("float32", (rows, width), elements=numbers)), ids


def read(tensor):
    return pytest.importorskip("keras").ops.convert_to_numpy(tensor)


def keras_layer(table, mask_zero=True):
    keras = pytest.importorskip("keras")
    layer = keras.layers.Embedding(*table.shape, mask_zero=mask_zero)
    layer.build((None, None))
    layer.set_weights([table])
    return layer


class TestAgainstKeras:
    @given(tables_and_ids())
    @SETTINGS
    def test_look_up(self, case):
        table, ids = case
        ours = look_up(table, ids)
        theirs = read(keras_layer(table)(ids))
        assert ours.dtype == theirs.dtype
        assert ours.shape == (*ids.shape, table.shape[1])
        assert np.array_equal(ours, theirs)

    @given(tables_and_ids())
    @SETTINGS
    def test_mask(self, case):
        table, ids = case
        ours = compute_mask(ids)
        out = keras_layer(table)(ids)
        assert ours.dtype == bool
        assert np.array_equal(ours, np.asarray(out._keras_mask))
        assert np.array_equal(ours, np.asarray(keras_layer(table).compute_mask(ids)))

    @given(tables_and_ids())
    @SETTINGS
    def test_no_mask(self, case):
        table, ids = case
        assert compute_mask(ids, mask_zero=False) is None
        assert keras_layer(table, mask_zero=False).compute_mask(ids) is None

    @given(tables_and_ids(), st.integers(0, 999))
    @SETTINGS
    def test_gradient(self, case, seed):
        tf = pytest.importorskip("tensorflow")
        table, ids = case
        upstream = np.random.default_rng(seed).normal(size=(*ids.shape, table.shape[1]))
        upstream = upstream.astype("float32")
        layer = keras_layer(table)
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(ids) * upstream)
        (theirs,) = tape.gradient(loss, layer.trainable_variables)
        ours = table_gradient(ids, upstream, len(table))
        assert ours.dtype == upstream.dtype
        assert np.allclose(ours, tf.convert_to_tensor(theirs), atol=1e-5)


@given(tables_and_ids())
@SETTINGS
def test_gradient_is_a_product_with_one_hot_rows(case):
    table, ids = case
    upstream = np.random.default_rng(0).normal(size=(*ids.shape, table.shape[1]))
    one_hot = np.arange(len(table)) == ids[..., None]
    expected = np.einsum("btv,btd->vd", one_hot.astype(float), upstream)
    assert np.allclose(table_gradient(ids, upstream, len(table)), expected, atol=1e-12)


def test_gradient_of_a_repeated_id_is_the_sum():
    upstream = [[[1], [10], [100], [1000]]]
    gradient = table_gradient([[2, 1, 2, 0]], upstream, 4)
    assert gradient.tolist() == [[1000], [10], [101], [0]]
    assert gradient.dtype == float


def test_row_0_gets_nothing_from_a_masked_upstream():
    ids = np.array([[3, 1, 0], [2, 0, 0]])
    upstream = np.ones((2, 3, 2)) * (ids != 0)[..., None]
    assert table_gradient(ids, upstream, 4).any(axis=1).tolist() == [False, True, True, True]


def test_a_looked_up_vector_is_a_copy():
    table = TABLE.copy()
    look_up(table, [[1]])[:] = -1
    assert np.array_equal(table, TABLE)


def test_row_0_is_looked_up_like_any_other():
    assert look_up(TABLE + 1, [[0]]).tolist() == [[[1, 2, 3]]]


@pytest.mark.parametrize("dtype", [int, bool])
def test_a_gradient_of_whole_numbers_is_added_up_in_floats(dtype):
    gradient = table_gradient([[1, 1]], np.ones((1, 2, 1), dtype), 2)
    assert gradient.dtype == np.float64
    assert gradient.tolist() == [[0], [2]]


class TestErrors:
    @pytest.mark.parametrize(
        ("ids", "kind", "message"),
        [
            (
                [[0, -1], [-1, 2]],
                ValueError,
                r"`ids` must not be negative, got -1 at index \(0, 1\)",
            ),
            ([[1.0, 2.0]], TypeError, "`ids` must be integers, got dtype float64"),
            ([[True, False]], TypeError, "`ids` must be integers, got dtype bool$"),
            ([[0.7]], TypeError, "`ids` must be .* float64; Keras would cut 0.7 to 0"),
            ([["a"]], TypeError, "`ids` must hold numbers"),
            ([[1], [1, 2]], ValueError, "`ids` must be a rectangle"),
            ([1, 2], ValueError, r"`ids` must have shape \(B, T\), got \(2,\)"),
            ([[[1, 2]]], ValueError, r"`ids` must have shape \(B, T\), got \(1, 1, 2\)"),
            ([], ValueError, r"at least one id, got an empty batch, shape \(0,\)"),
            (np.zeros((0, 4), int), ValueError, r"empty batch, shape \(0, 4\)"),
            (np.zeros((4, 0), int), ValueError, r"empty batch, shape \(4, 0\)"),
        ],
    )
    def test_ids(self, ids, kind, message):
        calls = [
            lambda: look_up(TABLE, ids),
            lambda: compute_mask(ids),
            lambda: compute_mask(ids, mask_zero=False),
            lambda: table_gradient(ids, np.ones((1, 2, 3)), 4),
        ]
        for call in calls:
            with pytest.raises(kind, match=message):
                call()

    def test_too_large_ids(self):
        message = r"below the 4 rows of the table, got 9 at index \(1, 0\)"
        with pytest.raises(ValueError, match=message):
            look_up(TABLE, [[1, 4], [9, 2]])
        with pytest.raises(ValueError, match=message):
            table_gradient([[1, 4], [9, 2]], np.ones((2, 2, 3)), 4)

    @pytest.mark.parametrize(
        ("table", "kind", "message"),
        [
            (TABLE[0], ValueError, r"`table` must have 2 axes, got shape \(3,\)"),
            (TABLE[None], ValueError, r"`table` must have 2 axes, got shape \(1, 4, 3\)"),
            ([TABLE], ValueError, r"`table` must have 2 axes"),
            (TABLE.astype(int), TypeError, "`table` must hold floats, got dtype int64"),
            (TABLE > 4, TypeError, "`table` must hold floats, got dtype bool"),
            (np.where(TABLE == 7, np.nan, TABLE), ValueError, "`table` .* got NaN in row 2"),
            (np.where(TABLE > 4, np.nan, TABLE), ValueError, "`table` .* got NaN in row 1"),
        ],
    )
    def test_table(self, table, kind, message):
        with pytest.raises(kind, match=message):
            look_up(table, [[1, 2]])

    def test_nan_in_a_row_that_is_not_taken(self):
        table = np.where(TABLE == 7, np.nan, TABLE)
        assert np.array_equal(look_up(table, [[1, 3]])[0], TABLE[[1, 3]])

    @pytest.mark.parametrize(
        ("upstream", "kind", "message"),
        [
            (np.ones((1, 3, 2)), ValueError, r"shape \(1, 2, D\) for these ids, got \(1, 3, 2\)"),
            (np.ones((1, 1, 2)), ValueError, r"shape \(1, 2, D\) for these ids, got \(1, 1, 2\)"),
            (np.ones((1, 2)), ValueError, r"shape \(1, 2, D\) for these ids, got \(1, 2\)"),
            (np.ones((1, 2, 1, 1)), ValueError, r"these ids, got \(1, 2, 1, 1\)"),
            ([[["a"], ["b"]]], TypeError, "`upstream` must hold numbers"),
            ([[[1.0], [np.nan]]], ValueError, r"`upstream` .* got NaN at index \(0, 1, 0\)"),
            ([[[np.nan], [np.nan]]], ValueError, r"`upstream` .* got NaN at index \(0, 0, 0\)"),
        ],
    )
    def test_upstream(self, upstream, kind, message):
        with pytest.raises(kind, match=message):
            table_gradient([[1, 2]], upstream, 4)

    @pytest.mark.parametrize(("input_dim", "kind"), [(0, ValueError), (4.0, TypeError)])
    def test_input_dim(self, input_dim, kind):
        with pytest.raises(kind, match="`input_dim` must be"):
            table_gradient([[0]], np.ones((1, 1, 1)), input_dim)

    @pytest.mark.parametrize("mask_zero", [None, 1, "yes"])
    def test_mask_zero(self, mask_zero):
        with pytest.raises(TypeError, match="`mask_zero` must be True or False"):
            compute_mask([[1, 0]], mask_zero=mask_zero)


class TestWhyKerasIsNotFollowed:
    """What Keras makes of the ids that are refused here, as the docstrings say."""

    def test_negative_ids(self):
        vectors = read(keras_layer(TABLE)(np.array([[-1, -2]])))
        assert np.array_equal(vectors[0], TABLE[[3, 2]])

    def test_float_ids(self):
        out = keras_layer(TABLE)(np.array([[0.7, 1.9, 0.0]]))
        assert np.array_equal(read(out)[0], TABLE[[0, 1, 0]])
        assert np.asarray(out._keras_mask).tolist() == [[True, True, False]]


class TestPicture:
    IDS = (3, 1, 1, 0, 0, 0)

    @pytest.fixture
    def picture(self):
        return draw_look_up(TABLE / 10, self.IDS, "Look-up")

    def test_lines_join_each_step_to_its_row(self, picture):
        (axes,) = picture.figure.axes
        top, second = 1.0, 0.0  # 4 rows in the middle of 6 steps
        ends = [(*line.get_ydata(), line.get_linestyle()) for line in axes.lines]
        assert ends == [
            (top + row + 0.5, second + step + 0.5, "-" if row else "--")
            for step, row in enumerate(self.IDS)
        ]

    def test_only_the_mask_tells_padding(self, picture):
        (axes,) = picture.figure.axes
        cells = [patch.get_hatch() for patch in axes.patches]
        assert len(cells) == 4 * 3 + 6 * 3 + 6
        assert cells.count(HATCH) == 3
        words = [text.get_text() for text in axes.texts]
        assert [word for word in words if word in ("True", "False")] == ["True"] * 3 + ["False"] * 3
        assert [word for word in words if word.startswith("id")] == [f"id {n}" for n in self.IDS]

    def test_numbers(self, picture):
        (axes,) = picture.figure.axes
        numbers = [text.get_text() for text in axes.texts if "." in text.get_text()]
        expected = [*TABLE.ravel(), *TABLE[list(self.IDS)].ravel()]
        assert sorted(numbers) == sorted(f"{value / 10:.2f}" for value in expected)

    def test_no_negative_zero(self):
        (axes,) = draw_look_up(np.array([[-0.001]]), [0]).figure.axes
        assert "0.00" in [text.get_text() for text in axes.texts]

    def test_alt_text(self, picture):
        assert picture.alt.startswith("Look-up: a table of 4 rows")
        assert "step 0 takes row 3 (real)" in picture.alt
        assert "step 5 takes row 0 (padding)" in picture.alt
        assert "holds 0.00, 0.10, 0.20." in picture.alt
        assert draw_look_up(TABLE, [1]).alt.startswith("A table of 4 rows")

    @pytest.mark.parametrize(
        ("ids", "kind", "message"),
        [
            ([[1, 0]], ValueError, r"`ids` must have 1 axis, got shape \(1, 2\)"),
            ([[1], [1, 2]], ValueError, "`ids` must be a rectangle of numbers, got rows of diff"),
            ([], ValueError, "empty batch"),
            ([4], ValueError, "below the 4 rows"),
            ([0.5], TypeError, "`ids` must be integers"),
        ],
    )
    def test_errors(self, ids, kind, message):
        with pytest.raises(kind, match=message):
            draw_look_up(TABLE, ids)
