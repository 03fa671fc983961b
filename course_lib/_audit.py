"""The audit: run the model on the batch and on its rows alone, compare, and ask why."""

import contextlib
import warnings
from dataclasses import dataclass, field

import numpy as np

from course_lib import _recorder
from course_lib._audit_batch import Sequence, View, attached, groups
from course_lib._audit_compare import compare, layout_in_all, unfold
from course_lib._audit_loss import first_line
from course_lib._audit_plan import find_batch, read_inputs, read_mask
from course_lib._audit_report import AuditReport, finding
from course_lib._audit_run import Runner, any_length, array, flat, float32, no_dropout, tolerance
from course_lib._audit_scores import Scores
from course_lib._audit_story import Cause, Story
from course_lib._state import build, unchanged
from course_lib.propagation import is_shown, trace_of

# Differences of less than this share of the scale are looked at twice.
DOUBTFUL = 1e-3
# How many lengths are enough where a second look costs as much as the first.
FEW = 3
# How much larger than the largest weight the row for padding is made in a second look.
LOUD = 3.0


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
    causes: list = field(default_factory=list)


class Audit:
    """One audit of one model on one batch; `run` does it."""

    def __init__(self, model, x, y, sample_weight, mask):
        import keras

        if not isinstance(model, keras.layers.Layer):
            raise TypeError(f"`model` must be a Keras model or layer, got {type(model).__name__}")
        self.model, self.x, self.y, self.sample_weight = model, x, y, sample_weight
        self.leaves = read_inputs(x)
        self.masks = read_mask(mask, x, self.leaves)
        self.mask = mask
        self.findings, self.notes, self.checked = [], [], []
        self.also_in_training = False

    def run(self):
        """Return the `AuditReport`."""
        with contextlib.ExitStack() as stack:
            # Warnings belong to the whole process: two audits must not swap their filters.
            stack.enter_context(_recorder._LOCK)
            stack.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
            self.runner = Runner(self.model, self.x, self.mask)
            first = View(self.leaves, self.masks, np.arange(len(self.leaves[0])), [], [], [])
            inputs, kwargs = self.runner.inputs(first)
            stack.enter_context(any_length(self.model))
            build(self.model, inputs, training=False, **kwargs)
            self.runner = Runner(self.model, self.x, self.mask)
            stack.enter_context(unchanged(self.model, more=_metric_variables(self.model)))
            return self._run(first)

    def _run(self, first):
        recording = self.runner.record(first, follow=False)
        self.batch = find_batch(self.runner, self.x, self.leaves, self.masks, recording)
        self.share = tolerance(self.model)
        self.whole = self.batch.view()
        self.result = recording.result
        self.outputs = flat(recording.result)
        self.side = self.batch.sequences[0].side
        self._run_alone()
        self._look_at_outputs()
        scores = Scores(self)
        scores.check()
        self._explain()
        self._say_what_was_seen(recording)
        return AuditReport(
            self.model.name,
            self.findings,
            self.notes,
            self.checked,
            trace_of(recording),
            self.runner.forwards,
        )

    # ------------------------------------------------------------------ forward passes

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
                f"{_list(refused)} steps ({text}); pass a model without layers that fix the number "
                "of steps (such as `Flatten` before `Dense`), or the part of it before them"
            ) from error
        if refused:
            self.notes.append(
                f"Rows of {_list(refused)} steps are too short to run alone, and were not compared."
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
                    f"Output {number} of shape {tuple(output.shape)} has no row for each row of "
                    "the batch, and was not compared."
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
            self.checked.append(f"outputs {context.how}")
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
        if outputs is None or self._differences(outputs, view):
            self.notes.append(
                f'This model needs padding="{self.side}": with the padding on the other side its '
                "outputs change."
            )
        else:
            self.checked.append(f'outputs with padding="{other}"')

    # ------------------------------------------------------------------ why

    def _explain(self):
        for leak in self.leaks:
            evidence = [f"Output {leak.output} differs {leak.how}: {leak.difference}."]
            causes = self._causes(leak)
            for cause in causes:
                self.findings.append(finding(cause, "outputs", evidence))

    def _causes(self, leak):
        share = max(2e-5, min(self.share, leak.difference.relative / 3))
        contexts = [leak.context]
        if self.share > DOUBTFUL:
            contexts.insert(0, lambda: float32(self.model))
        for context in contexts:
            with context():
                story = Story(
                    self.runner, self.batch, leak.padded, leak.bare, share,
                    training=leak.training, side=self.side,
                )  # fmt: skip
                causes = story.causes()
            if causes:
                return causes
        return [Cause("leak", self.model.name, None, "between the input and the output")]

    def story_of_masks(self):
        """Return the `Story` of the whole batch, for questions about the masks of outputs."""
        if not hasattr(self, "_story"):
            bare = self.alone[self._few()[0]]
            self._story = Story(
                self.runner, self.batch, self.whole, bare, max(self.share, 2e-5), side=self.side
            )
        return self._story

    def _say_what_was_seen(self, recording):
        if self.batch.empty.any():
            rows = _list(np.flatnonzero(self.batch.empty))
            self.notes.append(
                f"Rows without a real step ({rows}) have nothing to be compared with; a pooling "
                "layer divides by zero there."
            )
        if self.runner.takes_mask:
            self.notes.append(
                "The mask was handed over by hand; `fit`, `evaluate` and `predict` do not do that."
            )
        for number, output in enumerate(self.outputs):
            if self.steps[number] and attached(output) is None and not self.findings:
                self.notes.append(
                    f"Output {number} has steps and carries no mask: a loss of Keras would count "
                    "its padding unless `sample_weight` is zero there."
                )
        dropped = [call.name for call in recording.calls[1:] if call.warned and is_shown(call)]
        if dropped and not self.findings:
            self.notes.append(
                f"Keras warned that {_list(dropped)} drops the mask; nothing that was compared "
                "needed it."
            )


class SecondLook:
    """Float32 instead of 16 bits, and weights that hide nothing.

    A bias of zeros hides a leak until it is trained, and a largest value is padding's only if
    padding's row of the embedding is large. No weight of a sound model can make padding visible, so
    weights that are still all equal are moved, and rows for padding are made large.
    """

    def __init__(self, model):
        import keras

        self.model = model
        self.equal = [
            variable for variable in model.trainable_variables if _all_equal(array(variable.value))
        ]
        self.tables = [
            layer.embeddings
            for layer in model._flatten_layers()
            if isinstance(layer, keras.layers.Embedding)
            and layer.mask_zero
            and any(layer.embeddings is one for one in model.trainable_variables)
        ]
        self.short = tolerance(model) > DOUBTFUL
        self.needed = bool(self.equal) or bool(self.tables) or self.short
        parts = ["in float32"] * self.short
        parts += ["with weights moved that are still all equal"] * bool(self.equal)
        parts += ["with large values in the embedding's row for padding"] * bool(self.tables)
        self.how = " and ".join(parts)

    def __enter__(self):
        self._stack = contextlib.ExitStack()
        self._stack.enter_context(float32(self.model))
        changed = list({id(one): one for one in (*self.equal, *self.tables)}.values())
        self._values = [(variable, array(variable.value)) for variable in changed]
        generator = np.random.default_rng(0)
        for variable in self.equal:
            value = array(variable.value)
            variable.assign(value + generator.uniform(0.05, 0.25, size=value.shape))
        for variable in self.tables:
            value = array(variable.value)
            large = LOUD * np.abs(value).max() * np.resize([1.0, -1.0], value.shape[1])
            variable.assign(np.concatenate([large[None], value[1:]]))
        return self

    def __exit__(self, *error):
        for variable, value in self._values:
            variable.assign(value)
        self._stack.close()


def tolerance_of(context):
    """Return the share for rounding in a second look, which computes in float32."""
    return 2e-5 if context.short else tolerance(context.model)


@contextlib.contextmanager
def _training(model):
    with unchanged(model), no_dropout(model):
        yield


def _all_equal(value):
    return value.size > 0 and value.dtype.kind == "f" and (value == value.flat[0]).all()


def _metric_variables(model):
    compiled = getattr(model, "_compile_metrics", None)
    if compiled is None:
        return []
    import keras

    given = keras.tree.flatten([compiled._user_metrics, compiled._user_weighted_metrics])
    metrics = [one for one in given if isinstance(one, keras.Metric)]
    return [variable for metric in metrics for variable in metric.variables]


def _list(values):
    flattened = [
        value[0] if isinstance(value, tuple) and len(value) == 1 else value for value in values
    ]
    return ", ".join(str(value) for value in flattened)
