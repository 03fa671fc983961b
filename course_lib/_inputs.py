"""Checks of a model's inputs and masks, before Keras sees them and fails in words of its own."""

import numpy as np

from course_lib._arguments import as_mask

NUMBERS = "biuf"


def read_inputs(x, strings=False):
    """Return the leaves of `x`, arrays or tensors, as arrays with the same number of rows.

    Args:
        x: an array or tensor, or a list or dict of them.
        strings: True if a model may begin with strings, for `TextVectorization`.
    """
    import keras

    if isinstance(x, (str, bytes)) or hasattr(x, "__next__") or hasattr(x, "element_spec"):
        raise TypeError(
            f"`x` must be one batch: an array, or a list or dict of arrays, got {type(x).__name__}"
        )
    leaves = []
    for place, leaf in enumerate(keras.tree.flatten(x)):
        if leaf is None:
            raise TypeError(f"`x` must hold arrays, got None as input {place}")
        if hasattr(leaf, "row_splits"):
            raise TypeError(
                f"`x` must hold rectangles, got a {type(leaf).__name__} as input {place}; "
                "its `to_tensor()` pads it"
            )
        array = as_numpy(leaf)
        if array.dtype.kind not in NUMBERS and not (strings and _holds_strings(array)):
            hint = "; `course_lib.pad` makes a rectangle" if _holds_rows(array) else ""
            raise TypeError(
                f"`x` must hold numbers, got dtype {array.dtype} as input {place}{hint}"
            )
        if not array.ndim:
            hint = "; pass an array, not a list of numbers" if isinstance(x, (list, tuple)) else ""
            raise ValueError(f"`x` must hold arrays of shape (B, T, ...), got a number{hint}")
        leaves.append(array)
    sizes = {len(leaf) for leaf in leaves}
    if len(sizes) != 1:
        raise ValueError(f"`x` must hold arrays of one batch size, got {sorted(sizes)} rows")
    if sizes == {0}:
        raise ValueError("`x` must hold at least one row, got an empty batch")
    for place, leaf in enumerate(leaves):
        if not leaf.size:
            raise ValueError(
                f"`x` must hold at least one step, got shape {leaf.shape} as input {place}"
            )
    return leaves


def as_nest(mask):
    """Return a mask that is written out as lists of bools as one array, any other as it came."""
    import keras

    flat = keras.tree.flatten(mask)
    if isinstance(mask, (list, tuple)) and not any(one is None or np.ndim(one) for one in flat):
        return as_mask(mask)
    return mask


def complete_mask(mask, x):
    """Return a dict of masks with `None` for the inputs that it leaves out."""
    if not isinstance(mask, dict) or not isinstance(x, dict):
        return mask
    unknown = [key for key in mask if key not in x]
    if unknown:
        raise ValueError(
            f"`mask` must have keys of `x` ({', '.join(map(repr, x))}), got {unknown[0]!r}"
        )
    return {key: mask.get(key) for key in x}


def read_mask(mask, leaves, more_axes=False):
    """Return `mask` as one bool array or `None` for each leaf; `None` if there is none at all.

    Args:
        mask: as `as_nest` returns it.
        leaves: arrays.
        more_axes: True if a mask may have axes after batch and time, as an `Embedding` makes one
            of ids of shape (B, T, W).
    """
    import keras

    if mask is None:
        return None
    flat = keras.tree.flatten(mask)
    if len(flat) == 1 and not isinstance(mask, (list, tuple, dict)):
        one = as_numpy(flat[0])
        one = as_mask(one, shape=one.shape if more_axes and one.ndim > 2 else None)
        fits = [leaf.ndim >= one.ndim and leaf.shape[: one.ndim] == one.shape for leaf in leaves]
        if not any(fits):
            shapes = ", ".join(str(leaf.shape) for leaf in leaves)
            raise ValueError(
                f"`mask` must have the first two axes of `x` ({shapes}), got {one.shape}"
            )
        return [one if fit else None for fit in fits]
    if len(flat) != len(leaves):
        raise ValueError(
            f"`mask` must have an entry (or None) for each of the {len(leaves)} inputs, "
            f"got {len(flat)}"
        )
    masks = [None if one is None else as_numpy(one) for one in flat]
    return [
        None if one is None else as_mask(one, shape=leaf.shape[: max(2, one.ndim * more_axes)])
        for one, leaf in zip(masks, leaves, strict=True)
    ]


def as_numpy(value):
    """Return an array or tensor as a NumPy array."""
    import keras

    return keras.ops.convert_to_numpy(value) if keras.ops.is_tensor(value) else np.asarray(value)


def _holds_strings(array):
    if array.dtype.kind in "US":
        return True
    return array.dtype == object and all(isinstance(one, (str, bytes)) for one in array.flat)


def _holds_rows(array):
    return array.dtype == object and any(np.ndim(one) for one in array.flat)
