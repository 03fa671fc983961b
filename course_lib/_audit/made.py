"""Find out of the model what it makes of its inputs."""

from dataclasses import replace

import numpy as np

from course_lib._audit.attempt import attempt
from course_lib._inputs import as_numpy
from course_lib._keras_private import mask_of


def made_masks(recording, leaves):
    """Return for each leaf the mask that the model made from its values, or `None`.

    Shape `(B, T)`; a mask with more axes is True where any of them is.
    """
    found = [None] * len(leaves)
    for call in recording.calls:
        masks = [mask for _, mask in call.outputs if mask is not None]
        if not masks or len(call.inputs) != 1 or call.inputs[0][3] is not None:
            continue
        values, mask = as_numpy(call.inputs[0][2]), as_numpy(masks[0]).astype(bool)
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


def ids_of_text(recording):
    """Return what layers made of strings."""
    return [
        tensor
        for call in recording.ended
        if any("string" in str(one.dtype) for _, _, one, _ in call.inputs)
        for tensor, _ in call.outputs
    ]


def runs_shorter(runner, batch, sequence):
    """Return True if the model runs with one step less in a sequence, on its first row."""
    shorter = np.ones_like(sequence.real)
    shorter[:, -1] = False
    batch = replace(batch, sequences=(replace(sequence, real=shorter),))
    return attempt(runner, batch.view([0], place="alone"))[1] is None
