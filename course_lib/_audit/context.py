"""What the checks read, and what they give back: frozen data that flows one way."""

import contextlib
import functools
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from course_lib._audit.batch import Batch
from course_lib._audit.run import Runner
from course_lib._audit.second_look import second_looks
from course_lib._audit.story import story_of
from course_lib._audit.view import View

# How much of a loss or metric is taken for rounding, beside the share for outputs.
LEAST = 1e-4


@dataclass(frozen=True, eq=False)
class Context:
    """What was run, and how it is laid out.

    Attributes:
        runner: the `Runner`, which holds the model.
        batch: the `Batch`, without the rows that could not be compared.
        whole: the `View` of the batch as it came.
        result: what the model gave out for it, in its own form.
        outputs: the tensors among these.
        share: the share of a tensor's scale that is taken for rounding.
        y: the user's targets of these rows, or such as fit the compiled losses.
        made_up: True if nobody gave these.
        sample_weight: the user's weights of these rows.
        alone: the views of the rows alone, those of one length together.
        alone_outputs: the output tensors of each of these views.
        axes: for each output its `Axes`, `None` if it has no row for each row of the batch.
        refills: `(view, how)` for each way to change the padding, if no row can run alone.
        trains: True if training is compared too, whatever the layers.
    """

    runner: Runner
    batch: Batch
    whole: View
    result: Any
    outputs: list
    share: float
    y: Any = None
    made_up: bool = False
    sample_weight: Any = None
    alone: tuple = ()
    alone_outputs: tuple = ()
    axes: tuple = ()
    refills: tuple = ()
    trains: bool = False

    @property
    def model(self):
        """The audited model."""
        return self.runner.model

    @property
    def side(self):
        """Where padding stands."""
        return self.batch.side

    @functools.cached_property
    def story(self):
        """The `Story` of the batch as it came, beside its shortest row."""
        (bare,) = self.spread(1, padded=True)
        return story_of(self, self.whole, bare, self.share)

    @functools.cached_property
    def looks(self):
        """Each `SecondLook` at the model, gentle ones first; none if nothing would change."""
        return second_looks(self.model)

    @property
    def score_share(self):
        """The share of a loss or metric that is taken for rounding: they add more up."""
        return max(LEAST, self.share)

    def but(self, **changes):
        """Return the same with some attributes changed."""
        return replace(self, **changes)

    def has_steps(self, number):
        """Return True if an output has an axis of steps."""
        return self.axes[number] is not None and self.axes[number].has_steps

    def spread(self, count, padded=False):
        """Return so many of the views alone, or all: the shortest, the longest, some between.

        Args:
            count: how many.
            padded: True leaves out rows that have no padding in the batch.
        """
        steps = list(self.whole.steps)
        views = [view for view in self.alone if not padded or list(view.steps) != steps]
        places = np.linspace(0, len(views) - 1, min(count, len(views))).astype(int)
        return [views[place] for place in np.unique(places)]

    def name_of(self, number):
        """Return an output's name as a sentence begins with it; its number if it has no key."""
        import keras

        if not isinstance(self.result, dict):
            return f"Output {number}"
        pairs = keras.tree.flatten_with_path(self.result)
        keys = [path[0] for path, leaf in pairs if keras.ops.is_tensor(leaf)]
        return f"Output `{keys[number]}`"


@dataclass(frozen=True, eq=False)
class Leak:
    """An output that differs at real steps.

    Attributes:
        padded: the view with padding.
        bare: the view that it was compared with.
        difference: the largest `Difference`.
        output: the number of the output.
        how: what was done to the batch, for the reader.
        context: a function that returns the context in which it is seen.
        training: True if it is seen in training.
        refilled: True if it is the same batch twice, its padding changed.
        inside: True if it is padding inside the steps.
    """

    padded: View
    bare: View
    difference: Any
    output: int
    how: str
    context: Any = contextlib.nullcontext
    training: bool = False
    refilled: bool = False
    inside: bool = False

    def __str__(self):
        # In training a batch has other statistics than its rows: it is compared with itself.
        if not (self.refilled or self.training):
            return f"differs {self.how}: {self.difference}"
        before, after = f"{self.difference.alone:.4g}", f"{self.difference.batch:.4g}"
        return f"changes {self.how}: {self.difference.where}: {before} before, {after} after"


@dataclass(frozen=True, eq=False)
class Seen:
    """What checks have found; two are added to one.

    Attributes:
        leaks: tuple of `Leak`.
        findings: tuple of `Finding`.
        notes: tuple of str, what is worth knowing and no fault.
        checked: tuple of str, what was compared.
        losses: tuple of `Part`, the compiled losses, if all are sound.
        crowds: tuple of `Leak`: a row beside others without padding, if that is what differs.
        is_shaky: True if rounding grows beyond what can be told from padding.
        runs_longer: True if the model runs with more padding.
    """

    leaks: tuple = ()
    findings: tuple = ()
    notes: tuple = ()
    checked: tuple = ()
    losses: tuple = ()
    crowds: tuple = ()
    is_shaky: bool = False
    runs_longer: bool = False

    def __add__(self, other):
        pairs = [(getattr(self, f.name), getattr(other, f.name)) for f in fields(self)]
        return Seen(*(a or b if isinstance(a, bool) else a + b for a, b in pairs))

    @property
    def is_clean(self):
        """True as long as nothing differs."""
        return not self.leaks and not self.crowds

    @property
    def is_comparable(self):
        """True unless what differs is rounding, or the rows of a batch see each other."""
        return not self.crowds and not self.is_shaky


def in_order(checks, context, seen):
    """Return what is `Seen` after the checks, each as `(check, wanted)`.

    Both are functions of `(context, seen)`: a check adds to what was seen, if it is wanted by then.
    """
    for check, wanted in checks:
        if wanted(context, seen):
            seen = check(context, seen)
    return seen
