"""Loss, metrics and gradients of the batch against those of its rows alone."""

import numpy as np

from course_lib._audit.added_losses import added_losses
from course_lib._audit.batch import attached
from course_lib._audit.cause import Cause
from course_lib._audit.faults import LOSSES, OWN_LOSS, WITH_AXIS
from course_lib._audit.gradients import LOOSER, check_gradients
from course_lib._audit.loss import (
    MEANS,
    Verdict,
    alone,
    first_line,
    loss_parts,
    value_in_batch,
    value_of,
    zero_at_padding,
)
from course_lib._audit.metrics import check_metric, metric_parts
from course_lib._audit.own_losses import activity_losses, has_own, own_losses
from course_lib._audit.predictions import Predictions
from course_lib._audit.report import finding
from course_lib._audit.targets import (  # fmt: skip
    check_target,
    cut,
    is_built_in,
    made_up_targets,
    other_targets,
    picks_step,
)
from course_lib._keras_private import compiled_loss, compiled_metrics, user_metrics

# How much of a loss or a metric is taken for rounding, beside the share for outputs.
LEAST = 1e-4
# Gradients are compared for rows of so many lengths.
LENGTHS = 4
OTHER = " with other predictions at padded steps"


class Scores(Predictions):
    """The part of an audit that needs targets."""

    def __init__(self, audit):
        self.audit = audit
        self.model = audit.model
        self.share = max(LEAST, audit.share)
        self.made_up = self.scaled = False

    def check(self):
        """Compare loss, metrics and gradients, as far as they are there."""
        audit = self.audit
        self.y, parts = audit.y, []
        compiled = compiled_loss(self.model) is not None
        scored = compiled or compiled_metrics(self.model) is not None
        own_loss = has_own(self.model, "compute_loss")
        scored = scored or own_loss
        self.structure = self._structure()
        if self.y is None and compiled:
            names = getattr(self.model, "output_names", None)
            self.y = made_up_targets(self.model, self.structure, names)
            self.made_up = self.y is not None
        if self.y is None and scored:
            audit.notes.append("Loss and metrics were not compared: pass `y` for that.")
        elif self.y is not None and not scored:
            audit.notes.append("The model is not compiled: `y` was not used.")
            self._check_rows()
        elif self.y is not None:
            self._check_rows()
            if self.made_up:
                audit.notes.append(
                    "No `y` was given: loss and metrics were tried on made-up targets."
                )
            if compiled:
                parts = self._check_losses()
            self._check_metrics()
            if own_loss and not self.made_up:
                self._check_own_loss()
        for method in ("train_step", "test_step"):
            if has_own(self.model, method):
                audit.notes.append(
                    f"The model's own `{method}` was not run; what padding does there is unknown."
                )
        for cause, text in (*activity_losses(audit), *added_losses(audit)):
            audit.findings.append(finding(cause, "loss", [text]))
        if not audit.leaks and not self.found and not self.scaled:
            self._check_gradients(parts)

    @property
    def found(self):
        """The findings so far."""
        return [one for one in self.audit.findings if one.symptom == "loss"]

    def _check_rows(self):
        import keras

        rows = self.audit.batch.size
        for name, value in (("y", self.y), ("sample_weight", self.audit.sample_weight)):
            for leaf in keras.tree.flatten(value):
                if leaf is not None and (not np.ndim(leaf) or len(leaf) != rows):
                    raise ValueError(
                        f"`{name}` must have {rows} rows as `x` has, got shape {np.shape(leaf)}"
                    )

    # ------------------------------------------------------------------ loss

    def _check_losses(self):
        audit = self.audit
        try:
            parts = loss_parts(self.model, self.y, self.structure, audit.sample_weight)
        except Exception as error:
            if self.made_up:
                audit.notes.append("Loss and metrics were not compared: pass `y` for that.")
                return []
            raise ValueError(
                f"`y` must fit the model's outputs and losses, got {_shapes(self.y)} ({error})"
            ) from error
        sound = []
        for part in parts:
            if audit.kinds[part.output] is None:
                continue
            if not self.made_up:
                kinds, sequences = audit.kinds[part.output], audit.batch.sequences
                check_target(part, self.outputs[part.output], kinds, sequences)
            if self._picks_leaking_step(part.loss, part.target, part.output):
                continue
            verdict = self._verdict(part, self.outputs)
            if verdict is None:
                continue
            how = ""
            picks = picks_step(part.target, audit.kinds[part.output])
            other = None if picks else self._with_other_padding(part.output)
            if verdict.holds(self.share) and other is not None:
                again = self._verdict(part, other)
                if not again.holds(self.share):
                    verdict, how = again, OTHER
            if verdict.holds(self.share):
                sound.append(part)
                self._try_other_targets(part, verdict)
            elif self._only_divides_by_more(part, verdict):
                audit.notes.append(
                    f"The loss `{part.name}` is {verdict.batch:.4g} in the batch, its rows alone "
                    f"give {verdict.wanted[0]:.4g}: the sample weights leave padding out of the "
                    "sum, but the mean still divides by all steps. With "
                    '`reduction="mean_with_sample_weight"` it divides by the real ones.'
                )
                self.scaled = True
            else:
                self._blame_loss(part, verdict, how)
        audit.checked.append("compiled loss" + (" (made-up targets)" if self.made_up else ""))
        return sound if len(sound) == len(parts) else []

    def _picks_leaking_step(self, loss, target, number):
        """Return True if steps are classes, and their values are known to be wrong."""
        kinds = self.audit.kinds[number]
        return picks_step(target, kinds) and any(one.output == number for one in self.audit.leaks)

    def _check_own_loss(self):
        """Compare the model's own `compute_loss`: a mean over steps or rows, or a sum."""
        audit = self.audit
        found = own_losses(audit, self.y, self.structure)
        if found is None:
            audit.notes.append("The model's own `compute_loss` could not be compared.")
            return
        verdict = Verdict(*found)
        audit.checked.append("the model's own `compute_loss`")
        if not verdict.holds(self.share):
            cause = Cause("loss", self.model.name, None, "in its own `compute_loss`", OWN_LOSS)
            text = (
                f"`compute_loss` gives {verdict.batch:.4g} for the batch, "
                f"{verdict.wanted[0]:.4g} for its rows alone."
            )
            audit.findings.append(finding(cause, "loss", [text]))

    def _verdict(self, part, batch_outputs):
        audit = self.audit
        kinds = audit.kinds[part.output]
        predictions = [outputs[part.output] for outputs in audit.alone_outputs]
        verdict = Verdict(None)
        try:
            verdict.wanted, verdict.unit = alone(part, kinds, audit.alone, predictions, audit.side)
        except Exception as error:
            refused = first_line(error)
            try:
                value_in_batch(part, batch_outputs[part.output], audit.kinds, audit.whole)
            except Exception as other:
                raise ValueError(
                    f"`y` must fit the loss `{part.name}`, which fails on the batch as it does on "
                    f"its rows alone, got {_shapes(self.y)} ({first_line(other)})"
                ) from other
            audit.notes.append(f"The loss `{part.name}` does not run on rows alone ({refused}).")
            return None
        try:
            output = batch_outputs[part.output]
            verdict.batch = float(value_in_batch(part, output, audit.kinds, audit.whole))
        except Exception as error:
            verdict.error = f"{type(error).__name__}: {first_line(error)}"
        return verdict

    def _only_divides_by_more(self, part, verdict):
        """Return True if padding changes nothing but what the sum is divided by."""
        kinds = self.audit.kinds[part.output]
        share = self._share_of_real(part, kinds)
        if verdict.batch is None or share is None:
            return False
        scaled = [wanted * share for wanted in verdict.wanted]
        return Verdict(verdict.batch, scaled).holds(self.share)

    def _share_of_real(self, part, kinds):
        """Return which share of steps is real, `None` if sample weights are not 0 at all others."""
        audit = self.audit
        if zero_at_padding(part, kinds, audit.batch):
            return audit.batch.sequences[kinds[1]].real.mean()
        weights = part.weights
        if kinds[1:2] != ("free",) or weights is None or weights.ndim < 2:
            return None
        shapes = [tuple(outputs[part.output].shape) for outputs in audit.alone_outputs]
        own = [
            cut(weights, kinds, view, shape, audit.side)
            for view, shape in zip(audit.alone, shapes, strict=True)
        ]
        if part.loss.reduction not in MEANS or weights.sum() > sum(one.sum() for one in own) + 1e-6:
            return None
        return sum(one.size for one in own) / weights.size

    def _try_other_targets(self, part, verdict):
        audit = self.audit
        targets = other_targets(part, audit.kinds[part.output], audit.batch)
        if targets is None:
            return
        weights = part.weights
        try:
            value = float(value_of(part, targets, self.outputs[part.output], weights))
        except Exception:
            return
        if abs(value - verdict.batch) > self.share * max(abs(verdict.batch), 1e-6):
            audit.notes.append(
                f"The loss `{part.name}` reads the targets at padded steps: it is right for those "
                f"that were given ({verdict.batch:.4g}), and {value:.4g} for others."
            )

    def _blame_loss(self, part, verdict, how=""):
        audit = self.audit
        wanted = verdict.wanted[0]
        if verdict.error:
            evidence = [f"The loss `{part.name}` fails on the batch ({verdict.error})."]
        else:
            evidence = [
                f"The loss `{part.name}` is {verdict.batch:.4g} in the batch{how}; its rows alone "
                f"give {wanted:.4g}."
            ]
            targets = other_targets(part, audit.kinds[part.output], audit.batch)
            if targets is not None:
                value = float(value_of(part, targets, self.outputs[part.output], part.weights))
                evidence.append(f"With other targets at padded steps it is {value:.4g}.")
        if self._weights_are_to_blame(part):
            cause = Cause("sample_weight", part.name, None, f"the shape is {part.weights.shape}")
        else:
            cause = self._cause_of_mask(part.output, "the loss") or Cause("loss", part.name)
        if self._is_the_pipelines(cause):
            self._note_pipeline(f"the loss `{part.name}`")
            return
        if cause.kind == "loss":
            detail, fix = LOSSES[verdict.unit]
            if verdict.unit == "scalar" and _can_keep_steps(part.loss):
                fix = WITH_AXIS
            cause = cause.but(detail=detail, fix=fix)
        audit.findings.append(finding(cause, "loss", evidence))

    def _weights_are_to_blame(self, part):
        if part.weights is None or part.weights.ndim != 1:
            return False
        weights, part.weights = part.weights, None
        try:
            verdict = self._verdict(part, self.outputs)
        finally:
            part.weights = weights
        return verdict is not None and verdict.holds(self.share)

    def _cause_of_mask(self, number, needs):
        """Return the `Cause` if the output's mask is not the batch's, `None` if it is right."""
        audit = self.audit
        shorter = audit.kinds[number][1:2] == ("free",)
        if not audit.steps[number] and not shorter:
            return None
        mask = attached(audit.outputs[number])
        story = audit.story_of_masks()
        tensor = story.outputs[number][0]
        if mask is None:
            return story.lost(tensor, None).needed_by(needs)
        if not shorter and not story.is_right(mask):
            return story.changed(tensor, None)
        return None

    def _is_the_pipelines(self, cause):
        """Return True if nobody said how padding is to be left out of a loss on made-up targets.

        A model that makes no mask, or has weighted metrics, may get weights from its data pipeline.
        """
        _, weighted = user_metrics(self.model)
        masks = any(sequence.made for sequence in self.audit.batch.sequences)
        return self.made_up and (weighted or not masks or cause.kind == "never")

    def _note_pipeline(self, what):
        self.audit.notes.append(
            f"On made-up targets without weights {what} counts padding: pass `y` and "
            "`sample_weight` as your pipeline gives them."
        )

    # ------------------------------------------------------------------ metrics

    def _check_metrics(self):
        audit = self.audit
        if compiled_metrics(self.model) is None:
            return
        try:
            parts = metric_parts(self.model, self.y, self.structure, audit.sample_weight)
        except Exception as error:
            if not self.made_up:
                audit.notes.append(f"The metrics do not fit `y` and were not compared ({error}).")
            return
        for metric, number, target, weights in parts:
            kinds = audit.kinds[number]
            if kinds is None or (self.made_up and not is_built_in(metric)):
                continue
            predictions = [outputs[number] for outputs in audit.alone_outputs]
            if self._picks_leaking_step(metric, target, number):
                continue
            verdict, how = None, ""
            others = None if picks_step(target, kinds) else self._with_other_padding(number)
            for outputs in (self.outputs, others):
                if outputs is None or (verdict is not None and not verdict.holds(self.share)):
                    continue
                how = "" if outputs is self.outputs else OTHER
                verdict = check_metric(
                    metric,
                    outputs[number],
                    target,
                    weights,
                    kinds,
                    audit.alone,
                    predictions,
                    audit.side,
                    audit.batch,
                )
            if verdict.error and not self.made_up:
                self._blame_metric(metric, number, verdict)
            elif not verdict.wanted:
                audit.notes.append(f"The metric `{metric.name}` could not be compared.")
            elif not verdict.holds(self.share):
                self._blame_metric(metric, number, verdict, how)
        audit.checked.append("metrics")

    def _blame_metric(self, metric, number, verdict, how=""):
        if verdict.error:
            text = f"The metric `{metric.name}` fails on the batch ({verdict.error})."
        else:
            text = (
                f"The metric `{metric.name}` is {_numbers(verdict.batch)} in the batch{how}; its "
                f"rows alone give {_numbers(verdict.wanted[0])}."
            )
        cause = self._cause_of_mask(number, "the metric") or Cause("metric", metric.name)
        if self._is_the_pipelines(cause):
            self._note_pipeline(f"the metric `{metric.name}`")
            return
        self.audit.findings.append(finding(cause, "metric", [text]))

    # ------------------------------------------------------------------ gradients

    def _check_gradients(self, parts):
        import keras

        audit = self.audit
        if keras.backend.backend() != "tensorflow" or not self.model.trainable_variables:
            return
        count = len(audit.groups)
        places = np.unique(np.linspace(0, count - 1, min(LENGTHS, count)).astype(int))
        rows = [audit.groups[place] for place in places]
        try:
            share, variable, mine, right = check_gradients(
                audit.runner, rows, audit.batch, audit.kinds, parts, audit.side
            )
        except Exception as error:
            audit.notes.append(
                f"Gradients could not be compared ({type(error).__name__}: {error})."
            )
            return
        audit.checked.append(
            f"gradients of {len(self.model.trainable_variables)} variables, rows of "
            f"{len(rows)} length{'s' * (len(rows) > 1)}"
        )
        if share > LOOSER * max(audit.share, 2e-5):
            evidence = [
                f"The gradient of `{variable.path}` is {mine:.4g} in the batch, {right:.4g} alone."
            ]
            cause = Cause(
                "gradient", variable.path.split("/")[-2] if "/" in variable.path else variable.path
            )
            audit.findings.append(finding(cause, "gradients", evidence))


def _can_keep_steps(loss):
    """Return True for `Dice` and `Tversky`, which sum over all axes unless they are given some."""
    import keras

    return getattr(loss, "fn", None) in (keras.losses.dice, keras.losses.tversky)


def _shapes(y):
    import keras

    return ", ".join(str(np.shape(leaf)) for leaf in keras.tree.flatten(y))


def _numbers(values):
    return ", ".join(f"{value:.4g}" for value in np.ravel(values)[:4])
