"""The outputs of the batch against those of its rows alone, in several arrangements."""

import contextlib

import numpy as np

from course_lib._audit.compare import compare
from course_lib._audit.control import Leak, control
from course_lib._audit.messages import padding_value
from course_lib._audit.run import array, flat, no_dropout
from course_lib._audit.second_look import SecondLook, tolerance_of
from course_lib._keras_private import layers_of
from course_lib._state import unchanged

# How many lengths are enough where a second look costs as much as the first.
FEW = 3


class OutputTest:
    """The part of an audit that runs the rows alone and looks at outputs."""

    def differences(self, outputs, view, alone=None, alone_outputs=None):
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
        self.steps = [any(isinstance(k, int) for k in kinds or ()) for kinds in self.kinds]
        lengths = len(self.alone)
        self.checked.append(
            f"outputs at real steps: {len(self.whole.rows)} rows in {lengths} "
            f"length{'s' * (lengths > 1)}, alone and in the batch"
        )
        self._add(self.outputs, self.whole, "in the batch as it is")
        if not self.leaks:
            self._with_more_padding()
        if not self.leaks:
            self._with_other_values()
        if self.leaks:
            self._look_twice()
        for look in (self._with_other_weights, self._in_training, self._on_the_other_side):
            if not self.leaks and self.crowd is None:
                look()

    def _with_other_values(self):
        """Write other values into padding that is told from outside.

        Where the model is not told, it can only know padding by its value: that makes a note.
        """
        for kinds in ("f", "iu"):
            refilled = [
                number
                for number, leaf in enumerate(self.batch.leaves)
                if self.batch.refillable[number] and leaf.dtype.kind in kinds
            ]
            if not refilled or self.leaks:
                continue
            view = self.batch.view(fill=np.random.default_rng(0), kinds=kinds)
            outputs = self.runner.outputs(view)
            self.checked.append("outputs with other values in the padding")
            if kinds == "f" and not self._by_value(refilled):
                self._add(outputs, view, "with other values in the padding")
                continue
            found = self.differences(outputs, view)
            if found:
                self.notes.append(
                    f"With other {'ids' if kinds == 'iu' else 'values'} in the padding the outputs "
                    "change: this model tells padding by its value "
                    f"({self.batch.padding_value(refilled[0]):g}). Pad with no other."
                )

    def _by_value(self, numbers):
        """Return True if padding is one value in all these inputs, and no mask goes to the call."""
        batch = self.batch
        told = self.runner.takes_mask or any("is a mask itself" in text for text in batch.inputs)
        real = [batch.sequences[batch.sequence_of(number)].mask for number in numbers]
        return not told and all(
            padding_value(batch.leaves[number], one) is not None
            for number, one in zip(numbers, real, strict=True)
        )

    def _add(self, outputs, view, how, **options):
        found = self.differences(
            outputs, view, options.pop("alone", None), options.pop("bare", None)
        )
        seen = set()
        for difference, number, bare in found:
            if number not in seen:
                seen.add(number)
                self.leaks.append(Leak(view, bare, difference, number, how, **options))

    def _with_more_padding(self):
        if not all(sequence.leaves for sequence in self.batch.sequences):
            return
        longest = max(sequence.real.shape[1] for sequence in self.batch.sequences)
        for extra in (longest + 3, 1):
            view = self.batch.view(extra=extra)
            try:
                outputs = self.runner.outputs(view)
            except Exception:
                continue
            self._add(outputs, view, f"with {extra} more steps of padding")
            self.checked.append(f"outputs with {extra} more steps of padding")
            self.runs_longer = True
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
        control(self)

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
            isinstance(layer, keras.layers.BatchNormalization) for layer in layers_of(self.model)
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
        if not all(sequence.leaves for sequence in self.batch.sequences):
            return
        other = "pre" if self.side == "post" else "post"
        view = self.batch.view(place=other)
        try:
            outputs = self.runner.outputs(view)
        except Exception:
            outputs = None
        found = [] if outputs is None else self.differences(outputs, view)
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
