"""Find out what each input is: a sequence, of which lengths; a companion of one; or no sequence.

What is asked, in this order: `mask=`; an input that is a mask itself; the masks that the model
makes of its inputs; id 0; leading or trailing steps of zeros. `Batch.inputs` says it in words.
"""

from dataclasses import replace
from itertools import combinations

import numpy as np

from course_lib._audit.batch import Batch, Sequence
from course_lib._audit.inputs import (
    axes_of_steps,
    ends,
    in_words,
    is_counter,
    is_mask,
    is_named_mask,
    kinship,
    names_of,
    no_padding_at,
    of_any_length,
    turned_round,
)
from course_lib._audit.made import is_read_by_embedding, made_masks, runs_shorter
from course_lib._audit.refuse import check_batch

# So many inputs are tried together for one axis of steps.
MOST = 4


def find_batch(runner, x, leaves, masks, recording):
    """Return the `Batch`: the leaves with their sequences, and what each leaf was taken for."""
    planner = _Planner(runner, x, leaves, masks, recording)
    planner.read()
    check_batch(planner.batch, planner.names)
    inputs = in_words(planner.batch, planner.names, planner.why)
    return replace(planner.batch, refillable=tuple(planner.refillable()), inputs=inputs)


class _Planner:
    """Reads the inputs one source of knowledge after the other; `batch` is what comes of it."""

    def __init__(self, runner, x, leaves, masks, recording):
        self.runner, self.leaves, self.recording = runner, leaves, recording
        self.names = names_of(x, runner.model, len(leaves))
        self.made = made_masks(recording, leaves)
        self.given = [masks is not None and masks[n] is not None for n in range(len(leaves))]
        self.why, self.sequences, self.masks, self.structure = {}, [], masks, x
        self.along, self.of_any_length = {}, of_any_length(runner.model, leaves)
        self.read_by_table = [is_read_by_embedding(recording, leaf) for leaf in leaves]
        self.tellers = [n for n in range(len(leaves)) if self._is_teller(n)]

    @property
    def batch(self):
        """The `Batch` as far as it is known."""
        sequences, fixed = tuple(self.sequences), self.runner.fixed
        known = {"fixed": fixed, "along": dict(self.along)}
        return Batch(self.structure, self.leaves, sequences, self.masks, **known)

    def _is_teller(self, number):
        """Return True for an input that tells by itself which steps are real."""
        leaf = self.leaves[number]
        if self.given[number] or not is_mask(leaf) or self.read_by_table[number]:
            return False
        others = self._sharing(leaf.shape[1], but=number)
        named = is_named_mask(self.names[number])
        if not others:
            return False
        if named or leaf.dtype == bool:
            return True
        real = leaf.astype(bool)
        return ends(real) and not real.all() and any(self._is_blank(n, real) for n in others)

    def _sharing(self, steps, but=None):
        return [
            n
            for n, leaf in enumerate(self.leaves)
            if n != but and leaf.ndim >= 2 and leaf.shape[1] == steps and steps > 1
        ]

    def read(self):
        """Ask all sources; what they say stands in `sequences`."""
        self._read_given()
        if any(leaf.dtype.kind in "OSU" for leaf in self.leaves):
            self._read_text()
        self._read_tellers()
        for number, made in enumerate(self.made):
            if made is not None and not made.all() and self._free(number):
                self._add(number, made, "the model makes a mask of it", made=True)
        for place, sequence in enumerate(self.sequences):
            if sequence.leaves:
                self._add_companions(place)
        self._guess()

    def refillable(self):
        """Return for each leaf if other values may stand in its padding."""
        known = {n for n in range(len(self.leaves)) if self.given[n]}
        for sequence in self.sequences:
            if set(sequence.leaves) & set(self.tellers):
                known.update(sequence.leaves)
        return [
            n in known and n not in self.tellers and self.made[n] is None and n not in self.along
            for n in range(len(self.leaves))
        ]

    def _free(self, number):
        return not any(number in sequence.leaves for sequence in self.sequences)

    def _add(self, number, real, why, made=False):
        """Put a leaf into the sequence with the same real steps, or into a new one."""
        self.why[number] = why
        for place, sequence in enumerate(self.sequences):
            if np.array_equal(sequence.real, real):
                self._extend(place, (number,))
                return
        self.sequences.append(Sequence((number,), real, made))

    def _extend(self, place, numbers):
        sequence = self.sequences[place]
        self.sequences[place] = replace(sequence, leaves=(*sequence.leaves, *numbers))

    # ------------------------------------------------------------------ what is certain

    def _read_given(self):
        for number in range(len(self.leaves)):
            if self.given[number]:
                self._add(number, self.masks[number], "`mask=` tells which steps are real")

    def _read_text(self):
        """Take the ids that a layer makes of strings for the sequence: that layer cuts a row."""
        for call in self.recording.ended:
            from_text = any("string" in str(tensor.dtype) for _, _, tensor, _ in call.inputs)
            for tensor, _ in call.outputs if from_text else ():
                shape = tuple(tensor.shape)
                if "int" in str(tensor.dtype) and len(shape) == 2 and shape[1] > 1:
                    real = np.asarray(tensor) != 0
                    self.sequences.append(Sequence((), real, True))
                    return
        raise ValueError(
            "`x` holds strings, and no layer makes padded ids of them that can be read; pass the "
            "ids, and the part of the model that reads them"
        )

    def _read_tellers(self):
        reals = {}
        for number in self.tellers:
            real = self.leaves[number].astype(bool)
            others = [n for n in self._sharing(real.shape[1]) if n not in self.tellers]
            given = [self.masks[n] for n in range(len(self.leaves)) if self.given[n]]
            values = [self.leaves[n] for n in others]
            if turned_round(real, values, self.names[number], given):
                real = ~real
            if real.all() and not is_named_mask(self.names[number]):
                continue
            reals[number] = real
            self._add(number, real, "it is a mask itself")
        for number in range(len(self.leaves)):
            if number not in reals and self._free(number) and self.leaves[number].ndim >= 2:
                self._give_to_teller(number, reals)

    def _give_to_teller(self, number, reals):
        """Join an input with the mask input that speaks of it, if one does."""
        leaf, made = self.leaves[number], self.made[number]
        fitting = [t for t, real in reals.items() if real.shape == leaf.shape[:2]]
        if not fitting:
            return
        fitting.sort(key=lambda t: -kinship(self.names[t], self.names[number]))
        best = fitting[0]
        others = [n for n in self._sharing(leaf.shape[1], but=number) if n not in reals]
        blank = [t for t in fitting if self._is_blank(number, reals[t])]
        related = kinship(self.names[best], self.names[number]) > 0
        own = made if made is not None else self._guessed(number)
        if own is not None and any(np.array_equal(own, reals[t]) for t in fitting):
            best = next(t for t in fitting if np.array_equal(own, reals[t]))
        elif related or not others:
            pass
        elif blank and (own is None or not no_padding_at(own, reals[blank[0]])):
            best = blank[0]
        elif own is None and not any(self._is_blank(n, reals[best]) for n in others):
            pass
        else:
            return
        self._add(number, reals[best], f"goes with `{self.names[best]}`")

    # ------------------------------------------------------------------ what goes with it

    def _is_blank(self, number, real):
        """Return True if an input holds nothing in the padding: one value, or the same each row."""
        leaf = self.leaves[number]
        padding = leaf[~real]
        if not len(padding) or (padding == padding[0]).all():
            return True
        return len(leaf) > 1 and bool((leaf == leaf[:1]).all())

    def _add_companions(self, place):
        """Add inputs that share the axis: those without a value in the padding, others at need."""
        sequence, steps = self.sequences[place], self.sequences[place].real.shape[1]
        free = [n for n in self._sharing(steps) if self._free(n)]
        if not free and not axes_of_steps(self.leaves, steps):
            return
        blank = [n for n in free if self._belongs(n, sequence)]
        others = [n for n in free if n not in blank]
        ways = [
            (*blank, *some)
            for count in range(min(len(others), MOST) + 1)
            for some in combinations(others, count)
        ]
        ways += [
            some
            for count in range(min(len(free), MOST) + 1)
            for some in combinations(free, count)
            if some not in ways
        ]
        way = next((way for way in ways if self._runs_with(sequence, way)), None)
        way = self._along_more_axes(sequence, ways) if way is None else way
        way = tuple(blank) if way is None else way
        self._extend(place, way)
        for number in way:
            first = self.names[sequence.leaves[0]] if sequence.leaves else "the text"
            self.why[number] = f"goes with `{first}`"

    def _along_more_axes(self, sequence, ways):
        """Return the first way in which the model runs if steps are cut along all their axes."""
        found = axes_of_steps(self.leaves, sequence.real.shape[1])
        mine = {n: axes for n, axes in found.items() if n in sequence.leaves or self._free(n)}
        before, self.along = self.along, {**self.along, **mine}
        more = [n for n in self.along if n not in before and n not in sequence.leaves]
        ways = [tuple(dict.fromkeys((*more, *way))) for way in ways] if self.along != before else []
        way = next((way for way in ways if self._runs_with(sequence, way)), None)
        if way is None:
            self.along = before
        return way

    def _runs_with(self, sequence, numbers):
        leaves = (*sequence.leaves, *numbers)
        return runs_shorter(self.runner, self.batch, replace(sequence, leaves=leaves))

    def _belongs(self, number, sequence):
        if not self._is_blank(number, sequence.real):
            return False
        own = self._guessed(number)
        if own is None or np.array_equal(own, sequence.real):
            return True
        if self.leaves[number].dtype.kind in "biu":
            return False
        same = (Sequence((), own).stops == sequence.stops).mean()
        return bool(same >= 0.5)

    # ------------------------------------------------------------------ what is a guess

    def _could_be_ids(self, number):
        leaf = self.leaves[number]
        if leaf.ndim < 2 or leaf.shape[1] < 2 or number in self.tellers:
            return False
        return leaf.dtype.kind in "biu" or (leaf.ndim == 2 and self.read_by_table[number])

    def _guessed(self, number):
        """Return which steps are real by the values alone, `None` if they do not say."""
        leaf = self.leaves[number]
        if leaf.ndim < 2 or leaf.shape[1] < 2 or leaf.dtype.kind not in "biuf":
            return None
        real = (leaf != 0).reshape(*leaf.shape[:2], -1).any(axis=2)
        if self._could_be_ids(number):
            others = [n for n in self._sharing(leaf.shape[1], but=number) if self._could_be_ids(n)]
            if others and (leaf.max() <= 1 or is_counter(leaf)):
                return None
        elif leaf.ndim >= 3 or number in self.of_any_length:
            real = Sequence((), real).mask
        else:
            return None
        return None if real.all() else real

    def _guess(self):
        guessed = {n: self._guessed(n) for n in range(len(self.leaves)) if self._free(n)}
        guessed = {n: real for n, real in guessed.items() if real is not None}
        # Ids before features, and the one with the most real steps first: what stands within it
        # can belong to it.
        order = sorted(guessed, key=lambda n: (not self._could_be_ids(n), -guessed[n].sum()))
        for number in order:
            if not self._free(number):
                continue
            first = not self.sequences
            ids = self._could_be_ids(number)
            if ids and first:
                self._refuse_a_first_column(guessed[number], number)
            self.why[number] = "0 is padding" if ids else "steps of zeros are padding"
            self.sequences.append(Sequence((number,), guessed[number]))
            self._add_companions(len(self.sequences) - 1)
            if not first and not self._runs_with(self.sequences[-1], ()):
                self.sequences.pop()

    def _refuse_a_first_column(self, real, number):
        if len(real) > 1 and not real[:, 0].any() and real[:, 1:].all():
            raise ValueError(
                f"`{self.names[number]}` has id 0 at the first step of every row and nowhere else, "
                "which may be padding or a token; say with `mask=` which steps are real"
            )
