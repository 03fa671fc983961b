"""A public model to ask, and the truth about its padding by a solo test.

The truth: each row is run by itself, cut to its own steps, and compared with that row inside the
padded batch. Nothing of `course_lib` is used here, so that this truth and `audit` can disagree.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

LENGTHS = (9, 6, 3)
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Case:
    """One model of one package.

    Attributes:
        name: how its authors call it.
        package: the package on PyPI that holds it, or "keras-io" for an official example that was
            rebuilt small.
        build: returns `(model, x, lengths)`; `lengths` has for each input that is padded the number
            of real steps of its rows. Its key is the input's name, or `None` if there is only one.
        intent: "sound" if its authors mean padding to be without effect, else a sentence that says
            why it is not.
        why: one sentence on where padding gets in, for a model that leaks.
        options: what else `audit` is told, as a reader of its docstring would.
    """

    name: str
    package: str
    build: Callable
    intent: str = "sound"
    why: str = ""
    options: dict = field(default_factory=dict)


def padded_ids(lengths=LENGTHS, vocabulary=40, seed=0):
    """Return random ids from 1 on, zeros after each row's length: `(B, T)`, int32."""
    ids = np.random.default_rng(seed).integers(3, vocabulary, (len(lengths), max(lengths)))
    return np.where(real_steps(lengths), ids, 0).astype("int32")


def padded_features(lengths=LENGTHS, features=5, seed=0):
    """Return random features, zeros after each row's length: `(B, T, features)`, float32."""
    values = np.random.default_rng(seed).normal(size=(len(lengths), max(lengths), features))
    return np.where(real_steps(lengths)[..., None], values, 0).astype("float32")


def real_steps(lengths):
    """Return the mask `(B, T)`, `True` = real."""
    return np.arange(max(lengths)) < np.asarray(lengths)[:, None]


def solo_difference(model, x, lengths):
    """Return the largest difference between a row in its batch and the same row alone.

    An output's axis 1 is cut to a row's own steps where it is as long as a padded input; any other
    output is compared whole. The difference is divided by the output's largest number, if over 1.
    """
    whole = named(model(x, training=False))
    worst = 0.0
    for row in range(len(next(iter(lengths.values())))):
        alone = named(model(row_alone(x, lengths, row), training=False))
        for name, output in whole.items():
            own, other = np.asarray(output)[row], np.asarray(alone[name])[0]
            for steps in lengths.values():
                if own.ndim and len(own) == max(steps):
                    own, other = own[: steps[row]], other[: steps[row]]
                    break
            scale = max(1.0, float(np.abs(own).max(initial=0)))
            worst = max(worst, float(np.abs(own - other).max(initial=0)) / scale)
    return worst


def move_weights(model, by=0.05):
    """Move every weight a little, as training does: new biases are zeros, and hide a leak."""
    rng = np.random.default_rng(0)
    for weight in model.trainable_weights:
        weight.assign(weight + by * rng.normal(size=weight.shape))


def row_alone(x, lengths, row):
    """Return a batch of one row, its padded inputs cut to the row's own steps."""
    if not isinstance(x, dict):
        return x[row : row + 1, : lengths[None][row]]
    return {
        name: value[row : row + 1, : lengths[name][row]]
        if name in lengths
        else value[row : row + 1]
        for name, value in x.items()
    }


def named(outputs):
    """Return the outputs by name; those that have none by their place."""
    if isinstance(outputs, dict):
        flat = {}
        for key, value in outputs.items():
            flat |= {f"{key}/{name}": part for name, part in named(value).items()}
        return flat
    if isinstance(outputs, (list, tuple)):
        return {str(place): value for place, value in enumerate(outputs)}
    return {"output": outputs}
