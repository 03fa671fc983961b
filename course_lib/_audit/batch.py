"""The batch that is audited: which inputs are sequences, what is real in them, and each row alone.

A *view* is one way to show the same rows to the model: as they came, some rows alone and without
padding, with more padding, with the padding on the other side. It knows where each row's own steps
stand, so that tensors of two views can be laid beside each other.
"""

import contextlib

import numpy as np

from course_lib._keras_private import mask_of


class View:
    """Rows of the batch in one arrangement.

    Attributes:
        leaves: the inputs, arrays in the order of `keras.tree.flatten`.
        masks: the masks to hand over, one for each leaf, or `None`.
        rows: which rows of the batch these are, shape `(R,)`.
        steps: for each time axis, its number of steps.
        starts: for each time axis, where each row's own steps begin, shape `(R,)`.
        lengths: for each time axis, how many steps each row has, shape `(R,)`.
        batch: the `Batch` that it is a view of.
        context: a function that returns the context in which the model runs on it.
        repeated: the model's fixed batch size if the rows had to be repeated to fill it, or `None`.
    """

    def __init__(self, leaves, masks, rows, steps, starts, lengths):
        self.leaves, self.masks, self.rows = leaves, masks, rows
        self.steps, self.starts, self.lengths = steps, starts, lengths
        self.repeated = self.batch = None
        self.context = contextlib.nullcontext

    @property
    def size(self):
        """The batch size that the model sees."""
        return self.repeated or len(self.rows)

    def repeat(self, times):
        """Return the view with its rows several times; those beyond the first only fill it."""
        again = View(None, None, self.rows, self.steps, self.starts, self.lengths)
        again.batch = self.batch
        again.leaves = [np.concatenate([leaf] * times) for leaf in self.leaves]
        again.masks = self.masks and [
            m if m is None else np.concatenate([m] * times) for m in self.masks
        ]
        return again

    def shaken(self):
        """Return the view with its floats changed by two millionths."""
        leaves = [shake(leaf) if leaf.dtype.kind == "f" else leaf for leaf in self.leaves]
        view = View(leaves, self.masks, self.rows, self.steps, self.starts, self.lengths)
        view.batch = self.batch
        return view

    @property
    def pure(self):
        """True if no row has padding."""
        return all(
            (lengths == steps).all()
            for lengths, steps in zip(self.lengths, self.steps, strict=True)
        )


def shake(values):
    """Return floats, each two millionths larger or smaller; zeros stay."""
    signs = np.resize([1.0, -1.0, -1.0, 1.0, -1.0], values.shape)
    return (values * (1 + signs * 2.0**-19)).astype(values.dtype)


class Sequence:
    """One time axis: the leaves that share it and which of their steps are real.

    Attributes:
        leaves: indices of the input leaves.
        mask: bool, shape `(B, T)`: the row's own steps, from its first real one to its last.
        real: bool, shape `(B, T)`: the same without holes, that is padding between real steps.
        made: True if the model itself makes the mask from the values.
    """

    def __init__(self, leaves, real, made):
        self.leaves, self.real, self.made = list(leaves), real, made
        steps = np.arange(real.shape[1])
        any_real = real.any(axis=1)
        self.starts = np.where(any_real, real.argmax(axis=1), 0)
        self.stops = np.where(any_real, real.shape[1] - real[:, ::-1].argmax(axis=1), 0)
        self.mask = (steps >= self.starts[:, None]) & (steps < self.stops[:, None])

    @property
    def lengths(self):
        """How many steps each row has, holes included."""
        return self.stops - self.starts

    @property
    def side(self):
        """Where the padding stands: "pre" if only ahead of the rows, else "post"."""
        padded = self.lengths < self.real.shape[1]
        ahead = self.starts[padded & (self.lengths > 0)] > 0
        return "pre" if ahead.size and ahead.all() else "post"


class Batch:
    """The inputs as leaves and sequences, and the views of them.

    Attributes:
        structure: the user's `x`, for its form.
        leaves: arrays.
        sequences: list of `Sequence`.
        masks: what is handed over as `mask=`, one for each leaf, or `None`.
        refillable: for each leaf, True if other values may stand in its padding: what is real in
            it is told from outside, and the model makes no mask of its values.
        inputs: for each leaf, in words, what it was taken for.
        numbers: the rows' numbers in the user's batch.
    """

    def __init__(self, structure, leaves, sequences, masks, numbers=None):
        self.structure, self.leaves, self.sequences = structure, leaves, sequences
        self.masks = masks
        self.refillable, self.inputs = [False] * len(leaves), []
        self.size = len(leaves[0])
        self.numbers = np.arange(self.size) if numbers is None else numbers

    @property
    def empty(self):
        """Which rows have no real step at all in some sequence, shape `(B,)`."""
        return np.any([~sequence.real.any(axis=1) for sequence in self.sequences], axis=0)

    def sequence_of(self, leaf):
        """Return the number of the sequence that a leaf belongs to, or `None`."""
        for number, sequence in enumerate(self.sequences):
            if leaf in sequence.leaves:
                return number
        return None

    def without(self, rows):
        """Return the batch without some rows, which keep their numbers."""
        keep = np.setdiff1d(np.arange(self.size), rows)
        masks = None if self.masks is None else [m if m is None else m[keep] for m in self.masks]
        sequences = [Sequence(one.leaves, one.real[keep], one.made) for one in self.sequences]
        leaves = [leaf[keep] for leaf in self.leaves]
        smaller = Batch(self.structure, leaves, sequences, masks, self.numbers[keep])
        smaller.refillable, smaller.inputs = self.refillable, self.inputs
        return smaller

    def crowd(self, row, others):
        """Return two views without padding: a row alone, and the same beside other rows.

        The others' own steps are repeated or cut to the row's length.
        """
        alone = self.view([row], place="alone")
        rows = np.array([row, *others])
        leaves = []
        for number, leaf in enumerate(self.leaves):
            which = self.sequence_of(number)
            if which is None:
                leaves.append(leaf[rows])
                continue
            sequence, steps = self.sequences[which], np.arange(alone.steps[which])
            own = sequence.starts[rows][:, None] + steps % sequence.lengths[rows][:, None]
            leaves.append(leaf[rows[:, None], own])
        repeat = np.repeat([0], len(rows))
        masks = alone.masks and [m if m is None else m[repeat] for m in alone.masks]
        starts = [one[repeat] for one in alone.starts]
        lengths = [one[repeat] for one in alone.lengths]
        crowd = View(leaves, masks, rows, alone.steps, starts, lengths)
        crowd.batch = self
        return alone, crowd

    def view(self, rows=None, place=None, extra=0, fill=None, kinds="iuf"):
        """Return the rows in one arrangement.

        Args:
            rows: which rows; all if `None`.
            place: "alone": cut to the rows' own steps, which must be equally many; "post" or
                "pre": moved to that side; `None`: where they stand.
            extra: how many steps of padding are appended where there is padding.
            kinds: the kinds of dtype that `fill` is for.
            fill: a random generator that writes other values of the batch into the padding of
                leaves that can be refilled; `None` leaves it.
        """
        rows = np.arange(self.size) if rows is None else np.asarray(rows)
        steps, starts, lengths, sources = [], [], [], []
        for sequence in self.sequences:
            own = sequence.lengths[rows]
            first = sequence.starts[rows]
            if place == "alone":
                total, begin = int(own.max()), np.zeros_like(own)
            else:
                total = sequence.real.shape[1]
                grown = extra if (sequence.lengths < total).any() else 0
                begin = first + (grown if sequence.side == "pre" else 0)
                total += grown
                if place is not None:
                    begin = total - own if place == "pre" else np.zeros_like(own)
            steps.append(total)
            starts.append(begin)
            lengths.append(own)
            sources.append(_source(first, begin, own, total))
        leaves, masks = [], []
        for number, leaf in enumerate(self.leaves):
            which = self.sequence_of(number)
            mask = None if self.masks is None else self.masks[number]
            if which is None or (place is None and not extra and fill is None):
                leaves.append(leaf[rows])
                masks.append(None if mask is None else mask[rows])
                continue
            source = sources[which]
            leaves.append(_take(leaf, rows, source, self._filler(number, fill, kinds)))
            masks.append(None if mask is None else _take(mask, rows, source, _constant(False)))
        masks = None if self.masks is None else masks
        view = View(leaves, masks, rows, steps, starts, lengths)
        view.batch = self
        return view

    def padding_value(self, number):
        """Return what stands in the padding of a leaf."""
        return self.leaves[number][~self.sequences[self.sequence_of(number)].mask].flat[0]

    def _filler(self, number, fill, kinds):
        leaf, sequence = self.leaves[number], self.sequences[self.sequence_of(number)]
        if fill is not None and self.refillable[number] and leaf.dtype.kind in kinds:
            values = leaf[sequence.real]
            return lambda count: values[fill.integers(len(values), size=count)]
        padded = ~sequence.mask
        return _constant(leaf[padded][0] if padded.any() else np.zeros((), leaf.dtype))


def _constant(value):
    return lambda count: value


def _source(first, begin, own, total):
    """Return for each row and new step the old step that stands there, −1 for padding."""
    steps = np.arange(total)
    moved = steps - begin[:, None]
    return np.where((moved >= 0) & (moved < own[:, None]), moved + first[:, None], -1)


def _take(leaf, rows, source, filler):
    taken = leaf[rows[:, None], np.maximum(source, 0)]
    hole = source < 0
    if hole.any():
        taken[hole] = filler(int(hole.sum()))
    return taken


def groups(batch):
    """Return the rows that have real steps, those of one length together, the shortest first."""
    keys = {}
    for row in np.flatnonzero(~batch.empty):
        key = tuple(int(sequence.lengths[row]) for sequence in batch.sequences)
        keys.setdefault(key, []).append(row)
    return [np.array(keys[key]) for key in sorted(keys)]


def made_masks(recording, leaves):
    """Return for each leaf the mask that the model made from its values, or `None`.

    Shape `(B, T)`; a mask with more axes is True where any of them is.
    """
    found = [None] * len(leaves)
    for call in recording.calls:
        masks = [mask for _, mask in call.outputs if mask is not None]
        if not masks or len(call.inputs) != 1 or call.inputs[0][3] is not None:
            continue
        values, mask = np.asarray(call.inputs[0][2]), np.asarray(masks[0]).astype(bool)
        for number, leaf in enumerate(leaves):
            fits = leaf.shape == values.shape and mask.shape[:2] == leaf.shape[:2]
            if fits and mask.ndim >= 2 and np.array_equal(values, leaf.astype(values.dtype)):
                mask2 = mask.reshape(*mask.shape[:2], -1).any(axis=2)
                found[number] = mask2 if found[number] is None else found[number] | mask2
    return found


def is_read_by_embedding(recording, leaf):
    """Return True if an `Embedding` reads the leaf as it is."""
    import keras

    return any(
        isinstance(call.layer, keras.layers.Embedding)
        and any(
            tuple(tensor.shape) == leaf.shape
            and np.array_equal(np.asarray(tensor), leaf.astype(np.asarray(tensor).dtype))
            for _, _, tensor, _ in call.inputs
        )
        for call in recording.calls
    )


def attached(tensor):
    """Return the mask on a tensor as a bool array, or `None`."""
    mask = mask_of(tensor)
    return None if mask is None else np.asarray(mask).astype(bool)
