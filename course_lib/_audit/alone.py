"""Each row alone: run the rows of one length by themselves, and lay their outputs out."""

import numpy as np

from course_lib._audit.batch import Sequence, attached, groups
from course_lib._audit.compare import compare, layout_in_all, unfold
from course_lib._audit.loss import first_line
from course_lib._audit.refill import look_by_refilling
from course_lib._audit.run import array, flat


def run_alone(audit, recording):
    """Run the rows of each length by themselves; lengths that the model refuses are noted.

    Returns False if it refuses all, and the padding was changed instead.
    """
    audit.groups, audit.alone, audit.alone_outputs = [], [], []
    refused, error = [], None
    for rows in groups(audit.batch):
        view = audit.batch.view(rows, place="alone")
        try:
            outputs = audit.runner.outputs(view)
        except Exception as caught:
            refused.append(tuple(view.steps))
            error = caught
            continue
        audit.groups.append(rows)
        audit.alone.append(view)
        audit.alone_outputs.append(outputs)
    padded = [view for view in audit.alone if list(view.steps) != list(audit.whole.steps)]
    if padded and not _text_is_cut(audit):
        padded = []
    if not padded and _join_sequences(audit):
        return run_alone(audit, recording)
    if not padded:
        if look_by_refilling(audit, recording):
            return False
        text = first_line(error) if error is not None else "no row is padded"
        raise ValueError(
            "`model` must run on rows of other lengths, and it does not run on one of "
            f"{listed(refused)} steps ({text}); pass a model without layers that fix the "
            "number of steps (such as `Flatten` before `Dense`), or the part of it before them"
        ) from error
    if refused:
        audit.notes.append(
            f"Rows of {listed(refused)} steps are too short to run alone "
            f"({first_line(error)}), "
            "and were left out of all that was compared."
        )
        _leave_out(audit, refused)
    audit.kinds = []
    for number, output in enumerate(audit.outputs):
        shape = unfold(array(output), audit.whole).shape
        others = [
            (unfold(array(outputs[number]), view).shape, view)
            for outputs, view in zip(audit.alone_outputs, audit.alone, strict=True)
        ]
        audit.kinds.append(_layout(audit, number, shape, others) if shape else None)
        if audit.kinds[-1] is None:
            audit.notes.append(
                f"{audit.name_of(number)} of shape {tuple(output.shape)} has no row for each "
                "row of the batch, and was not compared."
            )
    if not any(audit.kinds):
        raise ValueError(
            "`model` must give out tensors with a row for each row of `x`, got shapes "
            f"{[tuple(output.shape) for output in audit.outputs]}"
        )
    return True


def _layout(audit, number, shape, others):
    """Return the layout of an output: of inputs with equally many steps, the one that fits."""
    ways = [layout_in_all(shape, audit.whole, others, p) for p in range(len(audit.whole.steps))]
    ways = list(dict.fromkeys(ways))
    if len(ways) < 2 or None in ways:
        return ways[0] if ways else layout_in_all(shape, audit.whole, others)
    mask = attached(audit.outputs[number])
    for kinds in ways:
        sequence = next((k for k in kinds if isinstance(k, int)), None)
        if mask is not None and sequence is not None:
            real = audit.batch.sequences[sequence].real
            if real.shape == mask.shape and np.array_equal(real, mask):
                return kinds

    def distance(kinds):
        pairs = zip(audit.alone, audit.alone_outputs, strict=True)
        mine = array(audit.outputs[number])
        found = [
            compare(audit.batch, mine, audit.whole, array(one[number]), view, kinds)
            for view, one in pairs
        ]
        return sum(min(one.relative, 1.0) for one in found if one is not None)

    return min(ways, key=distance)


def _leave_out(audit, lengths):
    """Go on without the rows of some lengths: they have nothing to be compared with."""
    import keras

    rows = np.concatenate([r for r in groups(audit.batch) if _lengths(audit.batch, r) in lengths])
    keep = np.setdiff1d(np.arange(audit.batch.size), rows)

    def cut(leaf):
        fits = leaf is not None and np.ndim(leaf) and len(leaf) == audit.batch.size
        return np.asarray(leaf)[keep] if fits else leaf

    audit.y = keras.tree.map_structure(cut, audit.y)
    audit.sample_weight = keras.tree.map_structure(cut, audit.sample_weight)
    audit.batch = audit.batch.without(rows)
    audit.whole = audit.batch.view()
    audit.result = audit.runner.own_result(audit.whole)
    audit.outputs = flat(audit.result)
    audit.groups = groups(audit.batch)
    audit.alone = [audit.batch.view(group, place="alone") for group in audit.groups]


def _text_is_cut(audit):
    """Return False for a layer that pads its ids of strings to a number of steps of its own."""
    made = [one for one in audit.batch.sequences if not one.leaves]
    if not made:
        return True
    number = audit.batch.sequences.index(made[0])
    shortest = audit.alone[0]
    recording = audit.runner.record(shortest, follow=False)
    wanted = (len(shortest.rows), shortest.steps[number])
    return any(
        tuple(tensor.shape[:2]) == wanted
        for call in recording.ended
        for tensor, _ in call.outputs
        if any("string" in str(one.dtype) for _, _, one, _ in call.inputs)
    )


def _join_sequences(audit):
    """Take two sequences with equally many steps for one, and return True if there are two."""
    sequences = audit.batch.sequences
    for place, one in enumerate(sequences):
        for other in sequences[place + 1 :]:
            if one.real.shape == other.real.shape:
                both = Sequence([*one.leaves, *other.leaves], one.real | other.real, False)
                sequences[place] = both
                sequences.remove(other)
                audit.whole = audit.batch.view()
                return True
    return False


def _lengths(batch, rows):
    return tuple(int(sequence.lengths[rows[0]]) for sequence in batch.sequences)


def listed(values):
    """Return values as a text, lengths of one sequence without their tuple."""
    flattened = [
        value[0] if isinstance(value, tuple) and len(value) == 1 else value for value in values
    ]
    return ", ".join(str(value) for value in flattened)
