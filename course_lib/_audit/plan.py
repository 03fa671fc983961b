"""Find out which inputs are sequences and which of their steps are real."""

from itertools import combinations

import numpy as np

from course_lib._audit.batch import Batch, Sequence, is_read_by_embedding, made_masks

NO_PADDING = (
    "`x` must hold padding, got a batch in which every step is real; pass rows of several lengths, "
    "padded with id 0 (or with the value that the model's `Masking` layer looks for), or say with "
    "`mask=` which steps are real"
)

# So many inputs are tried together for one time axis.
MOST = 4


def find_batch(runner, x, leaves, masks, recording):
    """Return the `Batch`: the leaves with their sequences.

    What `mask=` says counts first, then what masks the model itself makes of its inputs, then the
    rule that id 0 is padding, then trailing or leading steps of nothing but zeros.
    """
    made = made_masks(recording, leaves)
    certain, guessed = {}, {}
    for number, leaf in enumerate(leaves):
        given = None if masks is None else masks[number]
        if given is not None:
            certain[number] = given
        elif made[number] is not None and not made[number].all():
            certain[number] = made[number]
        elif leaf.ndim >= 2 and leaf.shape[1] > 1 and _could_be_ids(leaf, recording):
            guessed[number] = leaf.reshape(*leaf.shape[:2], -1).astype(bool).any(axis=2)
    guessed = {number: real for number, real in guessed.items() if not real.all()}
    if not certain and not guessed:
        for number, leaf in enumerate(leaves):
            if leaf.ndim >= 3 and leaf.shape[1] > 1:
                real = (leaf != 0).reshape(*leaf.shape[:2], -1).any(axis=2)
                if not real.all():
                    guessed[number] = real
    sequences = _join(certain, made)
    given = [masks is not None and masks[number] is not None for number in range(len(leaves))]
    batch = Batch(x, leaves, sequences, masks, given)
    _add_guesses(runner, batch, guessed)
    if not batch.sequences:
        raise ValueError(NO_PADDING)
    for number, sequence in enumerate(batch.sequences):
        if not sequence.real.any():
            name = "`x`" if len(batch.sequences) == 1 else f"sequence {number} of `x`"
            raise ValueError(
                f"{name} must hold real steps, got a batch whose every row is nothing but padding; "
                "pass rows with ids other than 0, or another `mask=`"
            )
    if all(sequence.mask.all() and sequence.real.all() for sequence in batch.sequences):
        raise ValueError(NO_PADDING)
    if batch.empty.all():
        raise ValueError(
            "`x` must hold at least one row with real steps in every sequence, got none"
        )
    return batch


def _could_be_ids(leaf, recording):
    if leaf.dtype.kind in "biu":
        return True
    return leaf.ndim == 2 and is_read_by_embedding(recording, leaf)


def _join(certain, made):
    """Put leaves with the same mask into one sequence."""
    sequences = []
    for number, real in certain.items():
        for sequence in sequences:
            if np.array_equal(sequence.real, real):
                sequence.leaves.append(number)
                break
        else:
            sequences.append(Sequence([number], real, made[number] is not None))
    return sequences


def _add_guesses(runner, batch, guessed):
    """Decide by trying whether the other inputs share a time axis, have their own, or have none."""
    others = [
        number
        for number, leaf in enumerate(batch.leaves)
        if leaf.ndim >= 2 and leaf.shape[1] > 1 and batch.sequence_of(number) is None
    ]
    # The one with the most real steps first: what stands within it can belong to it.
    others.sort(key=lambda number: -guessed[number].sum() if number in guessed else 0)
    if not batch.sequences:
        if not guessed:
            return
        first = max(guessed, key=lambda number: guessed[number].sum())
        batch.sequences.append(Sequence([first], guessed[first], False))
        others.remove(first)
    for sequence in list(batch.sequences):
        steps = sequence.real.shape[1]
        free = [n for n in others if batch.sequence_of(n) is None]
        _add_companions(
            runner, batch, sequence, [n for n in free if batch.leaves[n].shape[1] == steps]
        )
    for number in others:
        if number in guessed and batch.sequence_of(number) is None:
            new = Sequence([number], guessed[number], False)
            batch.sequences.append(new)
            same = [
                n
                for n in others
                if batch.sequence_of(n) is None and batch.leaves[n].shape[1] == new.real.shape[1]
            ]
            _add_companions(runner, batch, new, same)
            if not _runs_shorter(runner, batch, new):
                batch.sequences.remove(new)


def _add_companions(runner, batch, sequence, candidates):
    """Add the fewest inputs to a sequence that let the model run where all of them are cut."""
    for count in range(min(len(candidates), MOST) + 1 if candidates else 0):
        for companions in combinations(candidates, count):
            sequence.leaves.extend(companions)
            if _runs_shorter(runner, batch, sequence):
                return
            for number in companions:
                sequence.leaves.remove(number)


def _runs_shorter(runner, batch, sequence):
    """Return True if the model runs with one step less in a sequence, on its first row."""
    steps = sequence.real.shape[1]
    row = np.array([0])
    view = batch.view(row)
    for number in sequence.leaves:
        view.leaves[number] = view.leaves[number][:, : steps - 1]
        if view.masks is not None and view.masks[number] is not None:
            view.masks[number] = view.masks[number][:, : steps - 1]
    try:
        runner(view)
    except Exception:
        return False
    return True
