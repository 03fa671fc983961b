"""The audit: run the model on the batch and on its rows alone, compare, and ask why."""

import contextlib
import itertools
import warnings

import numpy as np

from course_lib import _recorder
from course_lib._arguments import as_layer
from course_lib._audit import leaks
from course_lib._audit.alone import listed, run_alone
from course_lib._audit.batch import View, attached, made_masks
from course_lib._audit.cause import Cause
from course_lib._audit.messages import joined
from course_lib._audit.outputs import OutputTest
from course_lib._audit.plan import find_batch
from course_lib._audit.report import AuditReport, finding
from course_lib._audit.run import Runner, flat, float32, tolerance
from course_lib._audit.scores import Scores
from course_lib._audit.second_look import DOUBTFUL
from course_lib._audit.story import Story
from course_lib._inputs import as_nest, complete_mask, read_inputs, read_mask
from course_lib._keras_private import any_length, layers_of, unused_is_no_error, user_metrics
from course_lib._state import build, unchanged
from course_lib.propagation import is_shown, trace_of


def as_fit_casts(array):
    """Return doubles as `fit` would hand them to the model, other arrays as they are."""
    import keras

    return array.astype(keras.config.floatx()) if array.dtype == np.float64 else array


class Audit(OutputTest):
    """One audit of one model on one batch; `run` does it."""

    def __init__(self, model, x, y, sample_weight, mask, pass_mask=None):
        self.model = as_layer(model, "model", by="audit", since="3.8")
        self.x, self.y, self.sample_weight = x, y, sample_weight
        _check_preprocessor(self.model, x)
        self.leaves = [as_fit_casts(leaf) for leaf in read_inputs(x, _reads_strings(self.model))]
        self.mask = complete_mask(as_nest(mask), x)
        self.pass_mask = pass_mask
        self.masks = read_mask(self.mask, self.leaves)
        self.findings, self.notes, self.checked = [], [], []
        self.also_in_training = False
        self.crowd, self.is_shaky, self.runs_longer = None, False, False

    def run(self):
        """Return the `AuditReport`."""
        with contextlib.ExitStack() as stack:
            # Warnings belong to the whole process: two audits must not swap their filters.
            stack.enter_context(_recorder._LOCK)
            stack.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
            self.runner = self._new_runner()
            first = View(self.leaves, self.masks, np.arange(len(self.leaves[0])), [], [], [])
            inputs, kwargs = self.runner.inputs(first)
            stack.enter_context(unused_is_no_error())
            stack.enter_context(any_length(self.model))
            build(self.model, inputs, training=False, **kwargs)
            self.runner = self._new_runner()
            stack.enter_context(unchanged(self.model, more=_metric_variables(self.model)))
            return self._run(first)

    def _new_runner(self):
        return Runner(self.model, self.x, self.mask, self.pass_mask)

    def _run(self, first):
        recording = self.runner.record(first, follow=False)
        self.batch = find_batch(self.runner, self.x, self.leaves, self.masks, recording)
        self.share = tolerance(self.model)
        self.whole = self.batch.view()
        self.result = recording.result
        self.outputs = flat(recording.result)
        self.side = self.batch.sequences[0].side
        self.made = made_masks(recording, self.leaves)
        self.leaks = []
        if run_alone(self, recording):
            self._look_at_outputs()
            if self.crowd is None and not self.is_shaky:
                Scores(self).check()
        self._explain()
        self._say_what_was_seen(recording)
        return AuditReport(
            self.model.name,
            self.findings,
            self.notes,
            self.checked,
            trace_of(recording),
            self.runner.forwards,
            self.batch.inputs,
        )

    # ------------------------------------------------------------------ why

    def _explain(self):
        if self.crowd is not None:
            self._explain_crowd()
        for leak in self.leaks:
            evidence = [f"{self.name_of(leak.output)} {leak}."]
            causes = self._causes(leak)
            for cause in causes:
                self.findings.append(finding(self._advised(cause, leak), "outputs", evidence))

    def _advised(self, cause, leak):
        """Return a leak's cause with a fix that the way of finding it tells of."""
        if cause.kind != "leak" or cause.fix or leaks.is_known(cause):
            return cause
        if leak.refilled:
            return cause.but(fix=leaks.REFILLED)
        if self.side == "pre" and self._holds_at_the_end(leak):
            return cause.but(fix=leaks.AT_THE_END)
        return cause

    def _holds_at_the_end(self, leak):
        if leak.training or not all(sequence.leaves for sequence in self.batch.sequences):
            return False
        view = self.batch.view(place="post")
        try:
            outputs = self.runner.outputs(view)
        except Exception:
            return False
        found = self.differences(outputs, view)
        return not any(number == leak.output for _, number, _ in found)

    def _explain_crowd(self):
        leak, cause = self.crowd, None
        with leak.context():
            story = Story(
                self.runner, self.batch, leak.padded, leak.bare, max(2e-5, self.share),
                side=self.side,
            )  # fmt: skip
            cause = next(iter(story.causes()), None)
        layer, call = (self.model.name, None) if cause is None else (cause.layer, cause.call)
        text = f"{self.name_of(leak.output)} {leak}."
        self.findings.append(finding(Cause("neighbours", layer, call), "outputs", [text]))

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

    def _who_shows_it(self, leak):
        """Return in brackets where padding comes in, empty if that is not known."""
        places = []
        for cause in self._causes(leak):
            if cause.kind == "ignored" or cause.needs:
                needs = cause.needs or (f"`{cause.layer}`",)
                places.append(f"{joined(needs)} get{'s' * (len(needs) == 1)} no mask")
            elif cause.kind == "leak" and (cause.is_raw or cause.call is not None):
                place = f"the {cause.layer}" if cause.is_raw else f"`{cause.layer}`"
                places.append(f"padding leaks in at {place}")
        return f" ({'; '.join(dict.fromkeys(places))})" if places else ""

    def name_of(self, number):
        """Return an output's name as a sentence begins with it; its number if it has no key."""
        import keras

        if isinstance(self.result, dict):
            counter, tree = itertools.count(), keras.tree
            leaves = tree.flatten(self.result)
            numbers = [next(counter) if keras.ops.is_tensor(leaf) else None for leaf in leaves]
            numbered = tree.pack_sequence_as(self.result, numbers)
            for key, place in numbered.items():
                if number in tree.flatten(place):
                    return f"Output `{key}`"
        return f"Output {number}"

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
            rows = listed(np.flatnonzero(self.batch.empty))
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
                    f"{self.name_of(number)} has steps and carries no mask: a loss of Keras would "
                    "count its padding unless `sample_weight` is zero there."
                )
        dropped = [call.name for call in recording.calls[1:] if call.warned and is_shown(call)]
        if dropped and not self.findings:
            self.notes.append(
                f"Keras warned that {listed(dropped)} drops the mask; nothing that was compared "
                "needed it."
            )


def _reads_strings(model):
    """Return True for a model that makes ids of strings itself."""
    import keras

    if any(str(one.dtype) == "string" for one in getattr(model, "inputs", None) or []):
        return True
    kinds = (keras.layers.TextVectorization, keras.layers.StringLookup, keras.layers.Hashing)
    return any(isinstance(layer, kinds) for layer in layers_of(model))


def _check_preprocessor(model, x):
    import keras

    leaves = keras.tree.flatten(x)
    strings = any(np.asarray(leaf).dtype.kind in "SU" for leaf in leaves if np.ndim(leaf))
    strings = strings or any(isinstance(leaf, (str, bytes)) for leaf in leaves)
    if strings and getattr(model, "preprocessor", None) is not None:
        raise TypeError(
            "`x` must hold numbers, got strings; this model has a preprocessor, so pass what it "
            "makes of them: `model.preprocessor(x)`"
        )


def _metric_variables(model):
    import keras

    given = keras.tree.flatten(list(user_metrics(model)))
    metrics = [one for one in given if isinstance(one, keras.Metric)]
    return [variable for metric in metrics for variable in metric.variables]
