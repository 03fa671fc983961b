"""Packed rows against the rows alone, by Keras; buckets against plain sorting."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.batching import batches_by_length, pack, packed_mask
from tests.needs import keras

WORDS = [[3, 1, 4, 1, 5], [9, 2], [6, 5, 3], [5], [8, 9, 7, 9]]
sequences = st.lists(st.lists(st.integers(1, 99), min_size=1, max_size=8), min_size=1, max_size=12)


class TestPack:
    @settings(max_examples=100, deadline=None)
    @given(sequences, st.integers(8, 20))
    def test_each_sequence_stands_once_and_whole(self, rows, steps):
        packed = pack(rows, steps)
        assert packed.ids.shape[1] == steps
        assert (packed.segments != 0).sum() == sum(map(len, rows))
        assert not packed.ids[packed.segments == 0].any()
        for ids, (row, start) in zip(rows, packed.places, strict=True):
            own = slice(start, start + len(ids))
            assert packed.ids[row, own].tolist() == ids
            assert packed.positions[row, own].tolist() == list(range(len(ids)))
            number = packed.segments[row, start]
            assert np.flatnonzero(packed.segments[row] == number).tolist() == list(
                range(start, start + len(ids))
            )

    @settings(max_examples=50, deadline=None)
    @given(sequences, st.integers(8, 20))
    def test_no_two_rows_would_fit_into_one(self, rows, steps):
        used = np.sort((pack(rows, steps).segments != 0).sum(axis=1))
        assert len(used) == 1 or used[0] + used[1] > steps

    def test_fifteen_steps_fill_three_rows_of_five(self):
        packed = pack(WORDS, 5)
        assert packed.segments.tolist() == [[1] * 5, [1, 1, 1, 1, 2], [1, 1, 1, 2, 2]]

    @pytest.mark.parametrize(
        ("rows", "steps", "error", "words"),
        [
            ([], 4, ValueError, "`sequences` must hold at least one"),
            ([[1], []], 4, ValueError, r"`sequences\[1\]` must have 1 to 4 steps, got 0"),
            ([[1] * 5], 4, ValueError, r"`sequences\[0\]` must have 1 to 4 steps, got 5"),
            ([[1.5]], 4, TypeError, r"`sequences\[0\]` must hold integers, got dtype float64"),
            ("word", 4, TypeError, "`sequences` must be a list or tuple of sequences, got str"),
            ([[1]], 0, ValueError, "`steps` must be at least 1, got 0"),
        ],
    )
    def test_bad_input(self, rows, steps, error, words):
        with pytest.raises(error, match=words):
            pack(rows, steps)


class TestPackedMask:
    @settings(max_examples=50, deadline=None)
    @given(sequences, st.booleans())
    def test_says_of_each_pair_whether_it_is_of_one_sequence(self, rows, causal):
        segments = pack(rows, 12).segments
        mask = packed_mask(segments, causal)
        for (b, q, k), seen in np.ndenumerate(mask):
            same = segments[b, q] == segments[b, k] != 0
            assert seen == (same and (k <= q or not causal))

    @pytest.mark.parametrize(
        ("segments", "causal", "error", "words"),
        [
            ([1, 1], False, ValueError, "`segments` must have 2 axes"),
            ([[True]], False, TypeError, "`segments` must be integers, got dtype bool"),
            ([[1]], 1, TypeError, "`causal` must be True or False"),
        ],
    )
    def test_bad_input(self, segments, causal, error, words):
        with pytest.raises(error, match=words):
            packed_mask(segments, causal)


class TestSolo:
    """What Keras puts out for a packed row, beside what it puts out for each sequence alone."""

    def look_up(self):
        keras.utils.set_random_seed(0)
        return keras.layers.Embedding(10, 4), keras.layers.Embedding(8, 4)

    @pytest.mark.parametrize("causal", [False, True])
    def test_attention_over_packed_rows_equals_the_rows_alone(self, causal):
        gap, unmasked = self.distances(causal)
        assert gap < 1e-6
        assert unmasked > 1e-3

    def distances(self, causal):
        token, place = self.look_up()
        attend = keras.layers.MultiHeadAttention(2, 4)
        packed = pack(WORDS, 8)
        x = token(packed.ids) + place(packed.positions)
        mask = packed_mask(packed.segments, causal)
        together = np.array(attend(x, x, attention_mask=mask))
        open_to_all = np.array(attend(x, x))
        gaps = []
        for ids, (row, start) in zip(WORDS, packed.places, strict=True):
            alone = token(np.array([ids])) + place(np.arange(len(ids))[None])
            alone = np.array(attend(alone, alone, use_causal_mask=causal))[0]
            own = slice(start, start + len(ids))
            gaps.append([abs(out[row, own] - alone).max() for out in (together, open_to_all)])
        return np.max(gaps, axis=0)

    def test_an_lstm_reads_on_into_the_next_sequence(self):
        token, _ = self.look_up()
        lstm = keras.layers.LSTM(3, return_sequences=True)
        packed = pack(WORDS, 8)
        together = np.array(lstm(token(packed.ids)))
        for ids, (row, start) in zip(WORDS, packed.places, strict=True):
            alone = np.array(lstm(token(np.array([ids]))))[0]
            gap = abs(together[row, start : start + len(ids)] - alone).max()
            assert (gap < 1e-6) == (start == 0)


class TestBatchesByLength:
    @settings(max_examples=50, deadline=None)
    @given(st.lists(st.integers(0, 30), max_size=40), st.integers(1, 9))
    def test_every_row_once_and_no_batch_reaches_into_the_next(self, lengths, size):
        batches = batches_by_length(lengths, size)
        assert sorted(at for batch in batches for at in batch) == list(range(len(lengths)))
        assert all(len(batch) == size for batch in batches[:-1])
        assert [lengths[at] for batch in batches for at in batch] == sorted(lengths)

    @pytest.mark.parametrize(
        ("lengths", "size", "error", "words"),
        [
            ([1.0], 2, TypeError, "`lengths` must be integers"),
            ([1, -1], 2, ValueError, "`lengths` must be at least 0, got -1"),
            ([1], 0, ValueError, "`size` must be at least 1, got 0"),
        ],
    )
    def test_bad_input(self, lengths, size, error, words):
        with pytest.raises(error, match=words):
            batches_by_length(lengths, size)
