"""The outputs of the batch against those of its rows alone, in several arrangements."""

import contextlib
from dataclasses import dataclass

import numpy as np

from course_lib._audit.batch import Sequence, View, groups
from course_lib._audit.compare import compare, layout_in_all, unfold
from course_lib._audit.loss import first_line
from course_lib._audit.run import array, flat, no_dropout
from course_lib._audit.second_look import DOUBTFUL, SecondLook, tolerance_of
from course_lib._state import unchanged

# How many lengths are enough where a second look costs as much as the first.
FEW = 3


@dataclass
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
    """

    padded: View
    bare: View
    difference: object
    output: int
    how: str
    context: object = contextlib.nullcontext
    training: bool = False


class OutputTest:
    """The part of an audit that runs the rows alone and looks at outputs."""

    def _run_alone(self):
        """Run the rows of each length by themselves; lengths that the model refuses are noted."""
        self.groups, self.alone, self.alone_outputs = [], [], []
        refused, error = [], None
        for rows in groups(self.batch):
            view = self.batch.view(rows, place="alone")
            try:
                outputs = self.runner.outputs(view)
            except Exception as caught:
                refused.append(tuple(view.steps))
                error = caught
                continue
            self.groups.append(rows)
            self.alone.append(view)
            self.alone_outputs.append(outputs)
        padded = [view for view in self.alone if list(view.steps) != list(self.whole.steps)]
        if not padded and self._join_sequences():
            self._run_alone()
            return
        if not padded:
            text = first_line(error) if error is not None else "no row is padded"
            raise ValueError(
                "`model` must run on rows of other lengths, and it does not run on one of "
                f"{listed(refused)} steps ({text}); pass a model without layers that fix the "
                "number of steps (such as `Flatten` before `Dense`), or the part of it before them"
            ) from error
        if refused:
            self.notes.append(
                f"Rows of {listed(refused)} steps are too short to run alone, and were not "
                "compared."
            )
        self.kinds = []
        for number, output in enumerate(self.outputs):
            shape = unfold(array(output), self.whole).shape
            others = [
                (unfold(array(outputs[number]), view).shape, view)
                for outputs, view in zip(self.alone_outputs, self.alone, strict=True)
            ]
            self.kinds.append(layout_in_all(shape, self.whole, others) if shape else None)
            if self.kinds[-1] is None:
                self.notes.append(
                    f"{self.name_of(number)} of shape {tuple(output.shape)} has no row for each "
                    "row of the batch, and was not compared."
                )
        if not any(self.kinds):
            raise ValueError(
                "`model` must give out tensors with a row for each row of `x`, got shapes "
                f"{[tuple(output.shape) for output in self.outputs]}"
            )

    def _join_sequences(self):
        """Take two sequences with equally many steps for one, and return True if there are two."""
        sequences = self.batch.sequences
        for place, one in enumerate(sequences):
            for other in sequences[place + 1 :]:
                if one.real.shape == other.real.shape:
                    both = Sequence([*one.leaves, *other.leaves], one.real | other.real, False)
                    sequences[place] = both
                    sequences.remove(other)
                    self.whole = self.batch.view()
                    return True
        return False

    def _differences(self, outputs, view, alone=None, alone_outputs=None):
        """Return `(difference, number of the output, view alone)` of all that differ."""
        found = []
        pairs = zip(alone or self.alone, alone_outputs or self.alone_outputs, strict=True)
        for bare, bare_outputs in pairs:
            for number, (mine, other) in enumerate(zip(outputs, bare_outputs, strict=True)):
                if self.kinds[number] is None:
                    continue
                one = compare(
                    self.batch, array(mine), view, array(other), bare, self.kinds[number],
                    side=self.side,
                )  # fmt: skip
                if one is not None and one.relative > self.share:
                    found.append((one, number, bare))
        return sorted(found, key=lambda one: -one[0].relative)

    def _look_at_outputs(self):
        self.leaks = []
        self.steps = [any(isinstance(k, int) for k in kinds or ()) for kinds in self.kinds]
        lengths = len(self.alone)
        self.checked.append(
            f"outputs at real steps: {len(self.whole.rows)} rows in {lengths} "
            f"length{'s' * (lengths > 1)}, alone and in the batch"
        )
        self._add(self.outputs, self.whole, "in the batch as it is")
        if not self.leaks:
            self._with_more_padding()
        if not self.leaks and any(self.batch.given) and self.runner.takes_mask:
            view = self.batch.view(fill=np.random.default_rng(0))
            self._add(self.runner.outputs(view), view, "with other values in the padding")
            self.checked.append("outputs with other values in the padding")
        if self.leaks:
            self._look_twice()
        if not self.leaks:
            self._with_other_weights()
        if not self.leaks:
            self._in_training()
        if not self.leaks:
            self._on_the_other_side()

    def _add(self, outputs, view, how, **options):
        found = self._differences(
            outputs, view, options.pop("alone", None), options.pop("bare", None)
        )
        seen = set()
        for difference, number, bare in found:
            if number not in seen:
                seen.add(number)
                self.leaks.append(Leak(view, bare, difference, number, how, **options))

    def _with_more_padding(self):
        longest = max(sequence.real.shape[1] for sequence in self.batch.sequences)
        for extra in (longest + 3, 1):
            view = self.batch.view(extra=extra)
            try:
                outputs = self.runner.outputs(view)
            except Exception:
                continue
            self._add(outputs, view, f"with {extra} more steps of padding")
            self.checked.append(f"outputs with {extra} more steps of padding")
            return
        self.notes.append("The model does not run on longer rows; more padding was not tried.")

    def _look_twice(self):
        """Drop what is rounding, and refuse a model that is random."""
        again = self.runner.outputs(self.whole)
        for number, (one, other) in enumerate(zip(self.outputs, again, strict=True)):
            if self.kinds[number] is not None and not np.array_equal(
                array(one), array(other), equal_nan=True
            ):
                noise = np.nanmax(np.abs(array(one).astype(float) - array(other).astype(float)))
                if noise > self.share * max(np.abs(array(one)).max(), 1e-12):
                    raise ValueError(
                        "`model` must give the same outputs for the same inputs in inference; two "
                        f"runs differ by {noise:.4g}. Layers that are random in inference, or that "
                        "keep a state, cannot be audited: call them with `training=False` in mind"
                    )
        kept = []
        for leak in self.leaks:
            if leak.difference.relative < DOUBTFUL:
                twice = self.batch.view(np.tile(leak.bare.rows, 1), place="alone")
                twice.leaves = [np.concatenate([leaf] * 3) for leaf in twice.leaves]
                if twice.masks is not None:
                    twice.masks = [m if m is None else np.concatenate([m] * 3) for m in twice.masks]
                rows = len(leak.bare.rows)
                if self.runner.fixed is None:
                    outputs = flat(self.runner(twice))
                    mine = array(outputs[leak.output])[:rows]
                    bare = self.alone_outputs[self.alone.index(leak.bare)]
                    own = array(bare[leak.output])
                    noise = np.abs(mine.astype(float) - own.astype(float)).max(initial=0)
                    if 20 * noise >= abs(leak.difference.batch - leak.difference.alone):
                        continue
            kept.append(leak)
        self.leaks = kept

    def _few(self):
        """Return a few padded groups: the shortest, the longest, one between."""
        places = [
            place
            for place, view in enumerate(self.alone)
            if list(view.steps) != list(self.whole.steps)
        ]
        picked = np.unique(np.linspace(0, len(places) - 1, min(FEW, len(places))).astype(int))
        return [places[place] for place in picked]

    def _with_other_weights(self):
        """Try float32 and other weights: what is hidden now shows after training."""
        context = SecondLook(self.model)
        if not context.needed:
            return
        few = self._few()
        share, self.share = self.share, tolerance_of(context)
        try:
            with context:
                view = self.batch.view(np.concatenate([self.groups[place] for place in few]))
                alone = [self.alone[place] for place in few]
                bare = [self.runner.outputs(one) for one in alone]
                outputs = self.runner.outputs(view)
                usable = all(np.isfinite(array(one)).all() for group in bare for one in group)
                if usable:
                    self._add(
                        outputs,
                        view,
                        context.how,
                        alone=alone,
                        bare=bare,
                        context=lambda: context,
                    )
            self.checked.append(f"outputs {context.how_exactly}")
        except Exception as error:
            self.notes.append(f"A second look {context.how} failed ({type(error).__name__}).")
        finally:
            self.share = share

    def _in_training(self):
        import keras

        if not self.also_in_training and not any(
            isinstance(layer, keras.layers.BatchNormalization)
            for layer in self.model._flatten_layers()
        ):
            return
        padded = self.batch.view(extra=max(s.real.shape[1] for s in self.batch.sequences) + 3)
        context = lambda: _training(self.model)  # noqa: E731
        with context():
            try:
                longer = flat(self.runner(padded, training=True))
            except Exception:
                return
        with context():
            base = flat(self.runner(self.whole, training=True))
        self.checked.append("outputs in training, dropout off, with more padding")
        self._add(
            longer, padded, "in training, with more padding", alone=[self.whole], bare=[base],
            context=context, training=True,
        )  # fmt: skip

    def _on_the_other_side(self):
        other = "pre" if self.side == "post" else "post"
        view = self.batch.view(place=other)
        try:
            outputs = self.runner.outputs(view)
        except Exception:
            outputs = None
        found = [] if outputs is None else self._differences(outputs, view)
        if outputs is None or found:
            how = "with the padding on the other side"
            who = self._who_shows_it(Leak(view, found[0][2], *found[0][:2], how)) if found else ""
            self.notes.append(
                f'This model needs padding="{self.side}": {how} its outputs change{who}.'
            )
        else:
            self.checked.append(f'outputs with padding="{other}"')


@contextlib.contextmanager
def _training(model):
    with unchanged(model), no_dropout(model):
        yield


def listed(values):
    """Return values as a text, lengths of one sequence without their tuple."""
    flattened = [
        value[0] if isinstance(value, tuple) and len(value) == 1 else value for value in values
    ]
    return ", ".join(str(value) for value in flattened)
