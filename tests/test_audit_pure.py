"""The pure parts of `audit`: views, axes and comparing, for all batches; NumPy, and no Keras."""

import os
import subprocess
import sys
from dataclasses import FrozenInstanceError, replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from course_lib._audit.axes import FREE, ROWS, SAME, Axes, along, steps
from course_lib._audit.batch import Batch, groups
from course_lib._audit.cause import Cause, Raw, join
from course_lib._audit.compare import Difference, compare
from course_lib._audit.context import Seen
from course_lib._audit.inputs import Input, is_length_of, padding_of, real_by_values
from course_lib._audit.layout import layouts, unfold
from course_lib._audit.messages import padding_value
from course_lib._audit.sample import FEW, pick
from course_lib._audit.targets import own_targets, picks_step
from course_lib._audit.truth import is_causal, is_right, is_wrong, truths
from course_lib._audit.verdict import Verdict, shares, together
from course_lib._audit.view import Sequence, View, shake

# `make mutants` runs these tests for each change: few examples find most of them (docs/mutants.md).
quick = settings(max_examples=int(os.environ.get("EXAMPLES", "60")), deadline=None)
PURE = [
    "axes",
    "batch",
    "view",
    "layout",
    "compare",
    "cause",
    "faults",
    "leaks",
    "messages",
    "verdict",
]


def test_the_pure_parts_need_no_keras():
    names = "; ".join(f"import course_lib._audit.{name}" for name in PURE)
    code = f"import sys; {names}; assert 'keras' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


@st.composite
def batches(draw, holes=False):
    """Return a batch of one sequence of ids and features, padding at one side or at both."""
    rows, long = draw(st.integers(1, 5)), draw(st.integers(2, 6))
    real = np.zeros((rows, long), bool)
    for row in range(rows):
        length = draw(st.integers(1, long))
        start = draw(st.integers(0, long - length))
        real[row, start : start + length] = True
    if holes and long > 2:
        row, step = draw(st.integers(0, rows - 1)), draw(st.integers(1, long - 2))
        if real[row].all():
            real[row, step] = False
    ids = np.where(real, np.arange(1, rows * long + 1).reshape(rows, long), 0)
    features = np.stack([ids, -ids], axis=-1).astype("float32")
    return Batch([ids, features], (Sequence((0, 1), real),), inputs=("", ""))


WAYS = st.one_of(
    st.builds(dict, extra=st.integers(0, 4)),
    st.sampled_from([{"place": "post"}, {"place": "pre"}, {}]),
)


def own_steps(batch, leaf, row):
    """Return a row's own steps, from its first real one to its last, by looking for them."""
    real = np.flatnonzero(batch.sequences[0].real[row])
    return batch.leaves[leaf][row, real[0] : real[-1] + 1]


# ---------------------------------------------------------------------- views


@quick
@given(batches(holes=True), WAYS)
def test_a_view_holds_each_rows_own_steps_and_padding_else(batch, way):
    view = batch.view(**way)
    assert list(view.rows) == list(range(batch.size))
    for leaf in (0, 1):
        values = view.leaves[leaf]
        assert values.shape[1] == view.steps[0]
        for place in range(batch.size):
            start, length = view.sequences[0].starts[place], view.sequences[0].lengths[place]
            own = values[place, start : start + length]
            assert np.array_equal(own, own_steps(batch, leaf, place))
            rest = np.delete(values[place], np.arange(start, start + length), axis=0)
            assert not rest.any()


@quick
@given(batches(holes=True))
def test_rows_alone_are_the_rows_and_have_no_padding(batch):
    found = [(row, view) for view in _alone(batch) for row in view.rows]
    assert sorted(row for row, _ in found) == list(range(batch.size))
    for view in _alone(batch):
        assert view.pure
        for place, row in enumerate(view.rows):
            assert np.array_equal(view.leaves[0][place], own_steps(batch, 0, row))


@quick
@given(batches(), WAYS, st.sampled_from([(1, 2), (2,), (3,), (2, 3)]))
def test_steps_along_several_axes_are_cut_along_each(batch, way, axes):
    # Each pair of steps holds their two ids: whatever is cut, they stand beside them again.
    ids = batch.leaves[0]
    pairs = ids[:, :, None] * ids[:, None] if len(axes) == 2 else ids
    pairs = np.expand_dims(pairs, tuple(range(1, axes[0])))
    wide = replace(batch, leaves=[ids, pairs], along={1: axes})
    for view in (wide.view(**way), *(wide.view(one.rows, place="alone") for one in _alone(batch))):
        now = view.leaves[0]
        wanted = now[:, :, None] * now[:, None] if len(axes) == 2 else now
        assert [view.leaves[1].shape[axis] for axis in axes] == [view.steps[0]] * len(axes)
        assert np.array_equal(view.leaves[1].reshape(wanted.shape), wanted)


@quick
@given(batches(), st.integers(1, 4))
def test_more_padding_stands_where_padding_stands(batch, extra):
    view, sequence = batch.view(extra=extra), batch.sequences[0]
    padded = not sequence.mask.all()
    assert view.steps[0] == sequence.real.shape[1] + extra * padded
    shift = extra if padded and sequence.side == "pre" else 0
    assert np.array_equal(view.sequences[0].starts, sequence.starts + shift)


@quick
@given(batches(), st.sampled_from(["post", "pre"]))
def test_padding_goes_to_the_side_that_is_asked_for(batch, side):
    view = batch.view(place=side)
    ends = view.sequences[0].starts + view.sequences[0].lengths
    assert (
        (view.sequences[0].starts == 0).all() if side == "post" else (ends == view.steps[0]).all()
    )


@quick
@given(batches(), st.randoms(use_true_random=False))
def test_a_batch_without_some_rows_knows_which_are_left(batch, random):
    gone = random.sample(range(batch.size), random.randint(0, batch.size - 1))
    smaller = batch.without(gone)
    assert set(smaller.numbers) == set(range(batch.size)) - set(gone)
    assert np.array_equal(smaller.leaves[0], batch.leaves[0][smaller.numbers])


@quick
@given(batches())
def test_other_values_stand_in_the_padding_alone(batch):
    assume(not batch.sequences[0].real.all())
    free = replace(batch, refillable=(True, True))
    view = free.view(fill=np.random.default_rng(0))
    mask = batch.sequences[0].mask
    assert np.array_equal(view.leaves[0][mask], batch.leaves[0][mask])
    assert view.leaves[0][~mask].all()
    assert set(view.leaves[0][~mask]) <= set(batch.leaves[0][mask])


@quick
@given(batches(), st.sampled_from([-9, -1, 0.5, np.inf]), st.booleans())
def test_steps_of_a_value_found_nowhere_else_are_padding(batch, value, is_found):
    real = batch.sequences[0].real
    assume(not real.all() and real.any(axis=1).all())
    values = np.where(
        real[..., None], np.random.default_rng(0).normal(size=(*real.shape, 2)), value
    )
    if is_found:
        values[(*np.argwhere(real)[0], 0)] = value
    one = Input(0, values.astype("float32"), "x", None, None, False, False, None)
    assert padding_of(one) == (None if is_found else np.float32(value))
    assert is_found or np.array_equal(real_by_values(one, value), real)
    assert padding_of(replace(one, values=one.values[..., :1])) is None


@quick
@given(batches(holes=True), WAYS)
def test_the_true_mask_of_a_view_is_where_its_ids_are(batch, way):
    view = replace(batch, masks=[batch.sequences[0].real, None]).view(**way)
    (truth,) = truths(view)
    assert np.array_equal(truth, view.masks[0])
    assert np.array_equal(truth, view.leaves[0] != 0)
    assert is_right(truth, view)
    assert not is_right(~truth, view)


@quick
@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(0, 3))
def test_padding_is_in_front_if_it_is_in_front_of_every_row(lengths, turned):
    real = np.array([np.arange(5) >= 5 - length for length in lengths])
    assert Sequence((0,), real).side == "pre"
    assert Sequence((0,), real[:, ::-1]).side == "post"
    whole = np.concatenate([real, np.ones((1, 5), bool), np.zeros((1, 5), bool)])
    assert Sequence((0,), whole).side == "pre"
    whole[turned % len(lengths)] = whole[turned % len(lengths), ::-1]
    assert Sequence((0,), whole).side == "post"


# ---------------------------------------------------------------------- axes


def _alone(batch):
    return [batch.view(rows, place="alone") for rows in groups(batch)]


@quick
@given(batches(holes=True), WAYS, st.booleans())
def test_a_rows_own_steps_are_cut_out_of_any_view(batch, way, turned):
    view, axes = batch.view(**way), Axes((ROWS, steps(0), SAME))
    values = view.leaves[1][:, ::-1] if turned else view.leaves[1]
    for alone in _alone(batch):
        for row in alone.rows:
            backwards = {"turned": True} if turned else {}
            index = axes.own(values.shape, row, view, None, alone.rows, **backwards)
            own = values[index][::-1] if turned else values[index]
            assert np.array_equal(own, own_steps(batch, 1, row))


@quick
@given(batches(holes=True))
def test_targets_are_cut_as_the_rows_are(batch):
    targets, axes = batch.leaves[0] * 10, Axes((ROWS, steps(0), SAME))
    for alone in _alone(batch):
        cut = axes.cut(targets, alone)
        assert np.array_equal(cut, [own_steps(batch, 0, row) * 10 for row in alone.rows])
        assert np.array_equal(axes.cut(targets[:, :1, None], alone).shape[1:], (1, 1))
        twice = np.repeat(targets, 2, axis=1)  # of another length than the steps
        assert np.array_equal(axes.cut(twice, alone), twice[alone.rows])
        assert np.array_equal(axes.real(alone), cut != 0)


@pytest.mark.parametrize(
    ("axes", "sequence", "said"),
    [
        ((ROWS,), None, []),
        ((ROWS, SAME), None, []),
        ((ROWS, ROWS), None, []),
        ((ROWS, SAME, steps(0)), None, ["has_steps"]),
        ((ROWS, steps(1), FREE), 1, ["has_steps", "is_free"]),
        ((ROWS, FREE), None, ["is_free", "is_shorter"]),
        ((ROWS, FREE, SAME), None, ["is_free", "is_shorter"]),
    ],
)
def test_what_axes_say_of_themselves(axes, sequence, said):
    axes = Axes(axes)
    assert axes.sequence == sequence
    names = ["has_steps", "is_free", "is_shorter"]
    assert [name for name in names if getattr(axes, name)] == said


def test_of_a_tensor_of_pairs_of_rows_the_columns_of_others_are_taken():
    batch = Batch([np.ones((3, 2))], (Sequence((0,), np.ones((3, 2), bool)),))
    view, pairs = batch.view([2, 0, 1]), np.arange(9).reshape(3, 3)
    index = Axes((ROWS, ROWS)).own(pairs.shape, 1, view, others=[1, 2])
    np.testing.assert_array_equal(pairs[index], [5, 3])
    assert Axes((ROWS, ROWS)).own(pairs.shape, 1, view) == (1, slice(None))


@quick
@given(batches(holes=True), st.booleans(), st.booleans())
def test_padding_between_real_steps_is_a_hole_along_their_axis(batch, first, turned):
    axes = Axes((ROWS, steps(0), SAME) if first else (ROWS, SAME, steps(0)))
    for row in range(batch.size):
        hole = own_steps(batch, 0, row) == 0
        hole = hole[::-1] if turned else hole
        found = axes.holes(batch, row, True) if turned else axes.holes(batch, row)
        assert (found is None) is not hole.any()
        if hole.any():
            shape = (len(hole), 7) if first else (7, len(hole))
            wanted = np.broadcast_to(hole[:, None] if first else hole, shape)
            assert np.array_equal(np.broadcast_to(found, shape), wanted)


def test_pairs_of_steps_are_holes_if_either_step_is_one():
    full, hole = np.array([[True, True, True]]), np.array([[True, False, True]])
    batch = Batch([full, hole], (Sequence((0,), full), Sequence((1,), hole)))
    both = Axes((ROWS, steps(1), steps(1))).holes(batch, 0)
    assert np.array_equal(both, ~(hole[0][:, None] & hole[0]))
    second = Axes((ROWS, steps(0), steps(1))).holes(batch, 0)
    assert np.array_equal(np.broadcast_to(second, (3, 3)), np.broadcast_to(~hole[0], (3, 3)))


@quick
@given(batches(), st.sampled_from(["post", "pre"]), st.integers(0, 2))
def test_a_free_axis_is_cut_at_the_side_where_padding_is_not(batch, side, less):
    long = batch.sequences[0].real.shape[1]
    axes, size = Axes((ROWS, FREE), side), max(long - less, 1)
    (index,) = axes.own((batch.size, long), 0, batch.view(), (1, size))[1:]
    kept = np.arange(long)[index]
    assert len(kept) == size
    assert kept[0 if side == "post" else -1] == (0 if side == "post" else long - 1)
    weights = np.arange(batch.size * long * 2).reshape(batch.size, long, 2)
    for alone in _alone(batch):
        cut = axes.cut(weights, alone, (1, size))
        assert np.array_equal(cut, weights[alone.rows][:, kept])
        assert np.array_equal(axes.real(alone, cut.shape), np.ones(cut.shape[:2], bool))
        for untouched in (None, (1, long + 1)):  # nothing to go by, or nothing to cut
            assert np.array_equal(axes.cut(weights, alone, untouched), weights[alone.rows])


@quick
@given(batches())
def test_targets_that_are_steps_count_from_the_rows_first_one(batch):
    axes, first = Axes((ROWS, steps(0))), batch.sequences[0].starts
    assert picks_step(first, axes)
    for alone in _alone(batch):
        assert not own_targets(first, axes, alone, None).any()


@quick
@given(st.integers(1, 4), st.integers(2, 4), st.integers(1, 3))
def test_an_array_is_laid_along_an_axis(rows, long, number):
    values = np.arange(rows * long).reshape(rows, long)
    laid = along(values, 4, number)
    assert laid.shape[0] == rows
    assert laid.shape[number] == long
    assert np.array_equal(laid.reshape(rows, long), values)
    assert along(values[0], 4, number).shape[number] == long


# ---------------------------------------------------------------------- layouts


@quick
@given(batches(), st.integers(7, 9))
def test_the_axes_are_read_off_the_shapes(batch, features):
    whole, long = batch.view(), batch.sequences[0].real.shape[1]
    others = [((len(one.rows), one.steps[0], features), one) for one in _alone(batch)]
    (axes,) = layouts((batch.size, long, features), whole, others)
    padded = any(one.steps[0] != long for one in _alone(batch))
    assert axes.axes == (ROWS, steps(0) if padded else SAME, SAME)
    shape, view = others[0]
    assert layouts((batch.size + 1, long), whole, [(shape[:2], view)]) == []
    assert layouts((batch.size, long), whole, others) == []


@quick
@given(batches())
def test_an_axis_of_rows_is_known_where_no_steps_are_as_long(batch):
    assume(batch.size > 1)
    alone = [batch.view([row], place="alone") for row in range(batch.size)]
    others = [((1, 1, 7), view) for view in alone]
    fits = batch.sequences[0].real.shape[1] == batch.size
    assume(not fits)
    (axes,) = layouts((batch.size, batch.size, 7), batch.view(), others)
    assert axes.axes == (ROWS, ROWS, SAME)


@quick
@given(batches(), st.integers(1, 2))
def test_where_all_views_have_padding_the_second_axis_is_that_of_steps(batch, extra):
    assume(not batch.sequences[0].mask.all())
    rows, long = batch.size, batch.sequences[0].real.shape[1]
    first, other = batch.view(), batch.view(place="post")
    for features, number in [((), 0), ((7,), 1), ((long,), 1), ((7, long), 1), ((long, long), 1)]:
        shape = (rows, long, *features)
        (axes,) = layouts(shape, first, [(shape, other)])
        assert axes.axes == (ROWS, *[steps(0)] * number, *[SAME] * (len(shape) - 1 - number))
    longer = (rows, rows + long + 1)
    (axes,) = layouts(longer, first, [((rows, rows + long + 2), batch.view(extra=extra))])
    assert axes.axes == (ROWS, FREE)


def test_an_axis_may_be_that_of_one_of_two_sequences():
    real = [np.arange(long) < np.array([[1], [long]]) for long in (3, 4)]
    batch = Batch(real, (Sequence((0,), real[0]), Sequence((1,), real[1])))
    alone = [batch.view([row], place="alone") for row in (0, 1)]
    whole = batch.view()
    for number, long in enumerate((3, 4)):
        ways = layouts((2, long), whole, [((1, 1), alone[0]), ((1, long), alone[1])])
        assert [way.axes for way in ways] == [(ROWS, steps(number))]
    same = Batch(real[:1] * 2, (Sequence((0,), real[0]), Sequence((1,), real[0][:, ::-1])))
    ways = layouts((2, 3), same.view(), [((1, 1), same.view([0], place="alone"))])
    assert [way.axes for way in ways] == [(ROWS, steps(0)), (ROWS, steps(1))]


def test_an_axis_that_follows_no_input_is_free():
    real = np.arange(9) < np.array([[9], [8], [8], [8]])
    batch = Batch([real], (Sequence((0,), real),))
    (axes,) = layouts((4, 3), batch.view(), [((1, 2), batch.view([0], place="alone"))])
    assert axes.axes == (ROWS, FREE)
    no_sequence = Batch([real]).view()
    (axes,) = layouts((4, 9), no_sequence, [((4, 9), no_sequence)])
    assert axes.axes == (ROWS, SAME)


@quick
@given(st.integers(1, 400))
def test_of_many_lengths_both_ends_are_picked_and_even_and_odd_ones(count):
    places = pick(count)
    assert places == sorted(set(places))
    assert len(places) == min(count, FEW)
    assert {0, max(count - 2, 0), count - 1} <= set(places) <= set(range(count))
    assert count <= FEW or {place % 2 for place in places[FEW // 2 : -2]} == {0, 1}
    assert set(range(min(count, FEW // 2))) <= set(places)


@quick
@given(batches())
def test_rows_and_steps_in_one_axis_are_unfolded(batch):
    view = batch.view()
    long = view.steps[0]
    assume(long > 1)
    flat = view.leaves[1].reshape(-1, 2)
    assert np.array_equal(unfold(flat, view), view.leaves[1])
    assert unfold(view.leaves[1], view) is view.leaves[1]
    longer = np.ones((len(flat) + 1, 2))
    assert unfold(longer, view) is longer


# ---------------------------------------------------------------------- comparing


@quick
@given(batches(holes=True), WAYS)
def test_rows_that_are_equal_at_their_own_steps_do_not_differ(batch, way):
    view = batch.view(**way)
    changed = view.leaves[1] + 100 * ~truths(view)[0][..., None]
    for alone in _alone(batch):
        found = compare(changed, view, alone.leaves[1], alone, Axes((ROWS, steps(0), SAME)))
        assert found.relative == 0


@quick
@given(batches(holes=True), WAYS, st.data())
def test_the_largest_difference_is_found_where_it_is(batch, way, data):
    view = batch.view(**way)
    row, step = data.draw(st.sampled_from(list(zip(*np.nonzero(truths(view)[0]), strict=True))))
    changed = view.leaves[1].copy()
    changed[row, step, 1] += 7
    for alone in _alone(batch):
        found = compare(changed, view, alone.leaves[1], alone, Axes((ROWS, steps(0), SAME)))
        if row not in alone.rows:
            assert found.relative == 0
            continue
        assert (found.row, found.place) == (row, (step - view.sequences[0].starts[row], 1))
        assert found.batch == found.alone + 7
        assert np.isclose(found.relative, 7 / np.abs(alone.leaves[1]).max())


@quick
@given(batches())
def test_steps_that_run_backwards_are_equal_when_they_are_turned(batch):
    view = batch.view()
    turned = view.leaves[1][:, ::-1]
    for alone in _alone(batch):
        found = compare(
            turned, view, alone.leaves[1][:, ::-1], alone, _steps_and_features(), "post", True
        )
        assert found.relative == 0


@quick
@given(batches(holes=True), WAYS, WAYS, st.booleans())
def test_two_views_with_padding_are_compared_at_the_rows_own_steps(batch, way, other, turned):
    views = batch.view(**way), batch.view(**other)
    values = [view.leaves[1] + 100 * ~truths(view)[0][..., None] for view in views]
    mine, others = (one[:, ::-1] if turned else one for one in values)
    found = compare(mine, views[0], others, views[1], _steps_and_features(), turned=turned)
    assert found == Difference(0.0, -1, (), 0.0, 0.0)


def _steps_and_features():
    return Axes((ROWS, steps(0), SAME))


def _one_row(values):
    """Return an array of one row, a view of it and its axes."""
    values = np.asarray(values)[None]
    view = Batch([values], (Sequence((0,), np.ones((1, values.shape[1]), bool)),)).view()
    return values, view, Axes((ROWS, steps(0)))


def _share(mine, other):
    """Return the largest difference between the values of one row, as a share."""
    (mine, view, axes), (other, alone, _) = _one_row(mine), _one_row(other)
    return compare(mine, view, other, alone, axes).relative


@pytest.mark.parametrize(
    ("value", "counts"),
    [(999_999.5, True), (1e6, False), (-1e9, False), (np.inf, False), (np.nan, False)],
)
def test_values_that_mean_never_say_nothing_of_the_scale(value, counts):
    other = np.array([1.0, 8.0, value])
    mine = np.array([3.0, 8.0, value])
    assert _share(mine, other) == 2 / (value if counts else 8)


@pytest.mark.parametrize(
    ("mine", "other", "dtype", "share"),
    [
        ([1, 0, 100], [0, 0, 100], "int32", 1),
        ([1, 0, 100], [0, 0, 100], "uint8", 1),
        ([0, 0, 100], [0, 0, 80], "int32", 20 / 80),
        ([1, 0, 1], [0, 0, 0], "bool", 1),
    ],
)
def test_integers_are_compared_each_with_its_own_size(mine, other, dtype, share):
    assert _share(np.array(mine, dtype), np.array(other, dtype)) == share


def test_of_equal_differences_the_first_is_told():
    batch = Batch([np.ones((3, 2))], (Sequence((0,), np.ones((3, 2), bool)),))
    view, axes = batch.view(), Axes((ROWS, steps(0)))
    found = compare(batch.leaves[0] + 1, view, batch.leaves[0], view, axes)
    assert found == Difference(1.0, 0, (0,), 2.0, 1.0)
    assert str(found) == "row 0, index (0): 2 in the batch, 1 alone"
    assert str(Difference(1.0, 4, (), 0.12345, 1.0)) == "row 4: 0.1235 in the batch, 1 alone"
    assert found.where == "row 0, index (0)"


@pytest.mark.parametrize(
    ("first", "second", "axes"),
    [
        ((1, 3, 2), (1, 3, 2), (ROWS, steps(0))),
        ((1, 3), (1, 3), (ROWS, steps(0), SAME)),
        ((1, 3, 2), (1, 3), (ROWS, steps(0), SAME)),
        ((1, 3), (1, 3, 2), (ROWS, steps(0))),
        ((1, 3, 2), (1, 3, 4), (ROWS, steps(0), SAME)),
        ((1, 3, 4), (1, 3, 2), (ROWS, steps(0), SAME)),
    ],
)
def test_tensors_that_do_not_fit_are_not_compared(first, second, axes):
    _, view, _ = _one_row(np.ones(3))
    assert compare(np.ones(first), view, np.ones(second), view, Axes(axes)) is None


def test_words_are_not_compared():
    numbers, view, axes = _one_row([1.0, 2.0])
    words = np.array([["a", "b"]])
    assert compare(numbers, view, words, view, axes) is None
    assert compare(words, view, numbers, view, axes) is None


@quick
@given(batches())
def test_a_free_axis_is_only_compared_with_rows_alone(batch):
    view, axes = batch.view(), Axes((ROWS, FREE))
    for alone in _alone(batch):
        values = np.ones((len(alone.rows), 2))
        assert compare(np.ones((batch.size, 3)), view, values, alone, axes).relative == 0
    if not batch.sequences[0].mask.all():
        assert compare(np.ones((batch.size, 3)), view, values, view, axes) is None


@pytest.mark.parametrize(
    "found", [Difference(0.0, 0, (), 0.0, 0.0), ROWS, Axes((ROWS,)), View([], None, ())]
)
def test_what_was_found_stays_as_it_is(found):
    with pytest.raises(FrozenInstanceError):
        found.row = 1


@quick
@given(batches(), st.sampled_from([np.nan, np.inf, -np.inf]))
def test_what_is_no_number_differs_from_all_but_itself(batch, value):
    view = batch.view()
    for alone in _alone(batch):
        mine, other = view.leaves[1].copy(), alone.leaves[1].copy()
        other[0, 0, 0] = value
        axes = _steps_and_features()
        assert compare(mine, view, other, alone, axes).relative == np.inf or np.isinf(value)
        assert compare(mine, view, other, alone, axes).relative > 0
        row = alone.rows[0]
        mine[row, view.sequences[0].starts[row], 0] = value
        assert compare(mine, view, other, alone, axes).relative == 0


# ---------------------------------------------------------------------- masks, values, causes


@quick
@given(batches(), st.integers(-3, 3))
def test_a_padding_value_is_one_that_no_real_step_holds(batch, value):
    real = batch.sequences[0].mask
    values = np.where(real, batch.leaves[0] + 10, value)
    found = padding_value(values, real)
    assert found == (None if real.all() else value)
    assume(not real.all())
    values[real] = value
    assert padding_value(values, real) is None


@quick
@given(st.integers(2, 5), st.integers(1, 4))
def test_a_causal_mask_is_told_from_one_of_padding(long, rows):
    causal = np.tril(np.ones((long, long), bool))
    assert is_causal(causal)
    assert is_causal(causal[None])
    assert is_causal(np.repeat(causal[None], rows, axis=0))
    assert not is_causal(~causal)
    assert not is_causal(causal[:-1])
    assert not is_causal(causal[:, :-1])
    lengths = np.arange(1, rows + 1)
    padding = np.arange(long) < lengths[:, None, None]
    assert is_causal(padding) == (len(np.unique(np.minimum(lengths, long))) == 1)


@quick
@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=5))
def test_what_one_operation_made_is_one_cause_whoever_reads_it(names):
    causes = [
        Cause("lost", Raw("Mul", "", ("x",), (name,), 1)).needed_by(f"`{name}`", f"{name}_mask")
        for name in names
    ]
    (one,) = join(causes)
    different = tuple(dict.fromkeys(names))
    assert one.place.after == different
    assert one.needs == tuple((f"`{name}`", f"{name}_mask") for name in different)


@pytest.mark.parametrize("name", ["lengths", "seq_len", "row_length_2", "seqlens", "note_length"])
def test_what_is_called_a_length_is_one(name):
    assert is_length_of(name, "note_ids")
    assert is_length_of(name, "series") is (name != "note_length")
    assert not is_length_of(f"petal_{name}", "series")
    assert not is_length_of(f"{name}_id", "note_ids")


@quick
@given(batches())
def test_a_mask_of_the_batch_is_wrong_unless_it_is_that_of_a_sequence(batch):
    pytest.importorskip("keras")
    view = batch.view()
    (truth,) = truths(view)
    assert not is_wrong(truth, view)
    assert not is_wrong([truth, None, {"mask": truth.astype("int32")}], view)
    assert is_wrong([truth, ~truth], view)
    # Of other shapes: attention's, and after pooling.
    assert not is_wrong([~truth[:, None], ~truth[:, :-1], ~truth[:, 0]], view)


# ---------------------------------------------------------------------- copies, and shaken ones


@quick
@given(batches(), st.integers(1, 3))
def test_a_view_several_times_fills_a_batch_with_its_rows(batch, times):
    mask = batch.sequences[0].mask
    view = replace(batch, masks=[mask, None]).view()
    more = view.repeat(times)
    for leaf, repeated in zip(view.leaves, more.leaves, strict=True):
        assert np.array_equal(repeated, np.concatenate([leaf] * times))
    assert np.array_equal(more.masks[0], np.concatenate([mask] * times))
    assert more.masks[1] is None
    assert batch.view().repeat(times).masks is None
    assert (view.size, replace(batch, fixed=9).view().size) == (batch.size, 9)


@quick
@given(st.lists(st.floats(1, 1000, width=32), min_size=5, max_size=12))
def test_shaken_floats_change_by_two_millionths_each_turn_in_its_own_way(values):
    values = np.array([*values, 0.0], "float32")
    turns = [shake(values, turn) for turn in range(5)]
    for shaken in turns:
        assert shaken.dtype == values.dtype
        change = shaken[:-1] / values[:-1].astype(float) - 1
        assert np.allclose(np.abs(change), 2.0**-19, rtol=0.1)
        assert {-1.0, 1.0} == set(np.sign(change))
        assert shaken[-1] == 0
    assert all(not np.array_equal(one, other) for one, other in combinations(turns, 2))
    assert np.array_equal(shake(values), turns[0])
    view = View([values, np.arange(3)], None, np.arange(1))
    assert np.array_equal(view.shaken(2).leaves[0], turns[2])
    assert np.array_equal(view.shaken().leaves[0], turns[0])
    assert view.shaken(2).leaves[1] is view.leaves[1]


# ---------------------------------------------------------------------- verdicts


numbers = st.floats(-1e3, 1e3)


@quick
@given(numbers, st.lists(numbers, max_size=3), st.sampled_from([1e-4, 1e-2]))
def test_a_value_holds_if_it_is_one_of_the_right_ones(value, wanted, share):
    assert Verdict(value, [*wanted, value]).holds(share)
    away = max(map(abs, [value, *wanted, 1.0])) * 3
    assert not Verdict(value + away, [one for one in wanted if one <= value]).holds(share)
    assert not Verdict(None, [value]).holds(share)


@quick
@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 5)), min_size=1, max_size=4))
def test_values_of_groups_come_to_that_of_all_their_steps_or_rows(sizes):
    groups = [np.random.default_rng(sum(size)).normal(size=size) for size in sizes]
    by_steps, by_rows, as_sum = shares([np.ones(size, bool) for size in sizes])
    steps = np.concatenate([group.ravel() for group in groups])
    rows = np.concatenate([group.mean(axis=1) for group in groups])
    means = [group.mean() for group in groups]
    assert together(means, by_steps) == pytest.approx(steps.mean())
    assert together(means, by_rows) == pytest.approx(rows.mean())
    assert together([group.sum() for group in groups], as_sum) == pytest.approx(steps.sum())


@quick
@given(numbers, st.sampled_from([np.nan, np.inf]))
def test_what_is_no_number_holds_only_where_the_rows_alone_give_none(value, nothing):
    assert not Verdict(nothing, [value]).holds(1e-4)
    assert not Verdict(value, [nothing]).holds(1e-4)
    assert Verdict(nothing, [value, np.nan]).holds(1e-4)


@quick
@given(st.lists(st.sampled_from("ab"), max_size=3), st.lists(st.sampled_from("cd"), max_size=3))
def test_what_two_checks_have_seen_is_seen_in_their_order(first, second):
    both = Seen(notes=tuple(first)) + Seen(notes=tuple(second), is_shaky=True)
    assert both.notes == (*first, *second)
    assert both.is_shaky is True
    assert both.runs_longer is False
    assert both.is_clean
    assert not both.is_comparable
