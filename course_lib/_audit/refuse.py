"""Refuse a batch in which nothing can be compared."""

NO_PADDING = (
    "`x` must hold padding, got a batch in which every step is real; pass rows of several lengths, "
    "padded with id 0 (or with the value that the model's `Masking` layer looks for), or say with "
    "`mask=` which steps are real"
)
NOT_TOLD = (
    "`x` must hold padding that can be told from its values, got neither ids nor features of "
    "shape `(B, T, D)` with steps of zeros ({shapes}); say with `mask=` which steps are real"
)
TEXT_NOT_CUT = (
    "`model` must make as many ids of a text as it has words, and a layer of it pads to a number "
    "of steps of its own; pass the ids, and the part of the model that reads them"
)
ALL_BETWEEN = (
    "`x` must hold rows that begin or end with padding, and none does as it was taken "
    "({inputs}): there is nothing to cut off; say with `mask=` which steps are real"
)


def nothing_to_cut(batch):
    """Return why no row is shorter alone than in the batch."""
    if all(sequence.mask.all() for sequence in batch.sequences):
        return ALL_BETWEEN.format(inputs="; ".join(batch.inputs))
    return TEXT_NOT_CUT


def check_batch(batch, names):
    """Raise if a batch holds no padding, or nothing else."""
    ids = any(leaf.dtype.kind in "biu" and leaf[0].size > 1 for leaf in batch.leaves)
    if not batch.sequences and not ids:
        pairs = zip(names, batch.leaves, strict=True)
        shapes = ", ".join(f"`{name}`: {leaf.dtype} of shape {leaf.shape}" for name, leaf in pairs)
        raise ValueError(NOT_TOLD.format(shapes=shapes))
    if not batch.sequences:
        raise ValueError(NO_PADDING)
    for sequence in batch.sequences:
        if not sequence.real.any():
            name = "`x`"
            if len(batch.sequences) > 1 and sequence.leaves:
                name = f"`{names[sequence.leaves[0]]}`"
            raise ValueError(
                f"{name} must hold real steps, got a batch whose every row is nothing but padding; "
                "pass rows with ids other than 0, or another `mask=`"
            )
    if all(sequence.real.all() for sequence in batch.sequences):
        raise ValueError(NO_PADDING)
    if batch.empty.all():
        raise ValueError(
            "`x` must hold at least one row with real steps in every sequence, got none"
        )
