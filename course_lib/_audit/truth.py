"""The masks that a view ought to carry, and whether a mask is one of them."""

import numpy as np


def truths(view):
    """Return the mask of each sequence in a view, bool, shape `(R, T)`."""
    return [sequence.real for sequence in view.sequences]


def is_right(mask, view):
    """Return True if a mask is that of one of the batch's sequences."""
    mask, rows = np.asarray(mask).astype(bool), len(view.rows)
    return any(
        mask.shape[1:] == truth.shape[1:] and np.array_equal(mask[:rows], truth)
        for truth in truths(view)
    )


def is_wrong(masks, view):
    """Return True if a mask of `(B, T)` in a nest is none of the batch's.

    Masks of other shapes (attention's, or after pooling) are not judged.
    """
    steps = {truth.shape[1] for truth in truths(view)}
    return any(
        one.ndim == 2 and one.shape[1] in steps and not is_right(one, view)
        for one in leaves_of(masks)
    )


def leaves_of(masks):
    """Return the masks in a nest as arrays."""
    import keras

    return [np.asarray(leaf) for leaf in keras.tree.flatten(masks) if leaf is not None]


def is_causal(mask):
    """Return True for an attention mask that is the same for all rows: it knows of no padding."""
    mask = np.asarray(mask).astype(bool)
    if mask.ndim == 2:
        return mask.shape[0] == mask.shape[1] and bool((mask == np.tril(mask)).all())
    return mask.ndim > 2 and bool((mask == mask[:1]).all())
