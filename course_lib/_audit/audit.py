"""The audit: read, plan, run, lay out, check, explain, report, one stage after the other."""

import contextlib
import warnings

import numpy as np

from course_lib import _recorder
from course_lib._audit.alone import lay_out, listed
from course_lib._audit.context import Context, Seen
from course_lib._audit.explain import explain
from course_lib._audit.made import attached, made_masks
from course_lib._audit.outputs import look_at_outputs
from course_lib._audit.plan import find_batch
from course_lib._audit.progress import Progress
from course_lib._audit.report import AuditReport
from course_lib._audit.request import read
from course_lib._audit.run import Runner, flat, tolerance
from course_lib._audit.scores import look_at_scores
from course_lib._audit.targets import picks_step
from course_lib._audit.view import View
from course_lib._keras_private import any_length, unused_is_no_error, user_metrics
from course_lib._state import build, unchanged
from course_lib.propagation import is_shown, trace_of


def run_audit(model, x, y=None, sample_weight=None, mask=None, pass_mask=None):
    """Return the `AuditReport`: the way through it, stage by stage, is this function."""
    request = read(model, x, y, sample_weight, mask, pass_mask)
    with _undisturbed(request) as (runner, recording):
        context = _planned(request, runner, recording)
        runner.progress.stage = "rows alone"
        context, seen = lay_out(context, recording)
        runner.progress.stage = "outputs"
        seen += look_at_outputs(context)
        if seen.is_comparable and not context.refills:
            runner.progress.stage = "loss, metrics, gradients"
            seen = look_at_scores(context, seen)
        runner.progress.stage = "where padding comes in"
        seen += Seen(findings=explain(context, seen))
        seen += _remarks(context, seen, recording)
        return AuditReport(
            context.model.name,
            list(seen.findings),
            list(seen.notes),
            list(seen.checked),
            trace_of(recording),
            runner.progress.passes,
            context.batch.inputs,
        )


def find_leaks(model, x):
    """Return each `Leak` of the outputs, in inference or else in training: for docs/layers.md."""
    request = read(model, x, None, None, None, None)
    with _undisturbed(request) as (runner, recording):
        context, _ = lay_out(_planned(request, runner, recording).but(trains=True), recording)
        return look_at_outputs(context).leaks


@contextlib.contextmanager
def _undisturbed(request):
    """Run the model on the batch as it came, and leave it as it was at the end of all."""
    model = request.model
    with contextlib.ExitStack() as stack:
        # Warnings belong to the whole process: two audits must not swap their filters.
        stack.enter_context(_recorder._LOCK)
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        stack.enter_context(unused_is_no_error())
        progress = stack.enter_context(Progress(model.name))
        first = View(request.leaves, request.masks, np.arange(len(request.leaves[0])))
        inputs, kwargs = Runner(request, progress).inputs(first)
        stack.enter_context(any_length(model))
        build(model, inputs, training=False, **kwargs)
        runner = Runner(request, progress)
        stack.enter_context(unchanged(model, more=_metric_variables(model)))
        yield runner, runner.record(first, follow=False)


def _planned(request, runner, recording):
    """Return the `Context` of the batch as it came, before any row runs alone."""
    batch = find_batch(runner, recording)
    return Context(
        runner=runner,
        batch=batch,
        whole=batch.view(),
        result=recording.result,
        outputs=flat(recording.result),
        made=made_masks(recording, request.leaves),
        share=tolerance(request.model),
        y=request.y,
        sample_weight=request.sample_weight,
    )


def _metric_variables(model):
    import keras

    given = keras.tree.flatten(list(user_metrics(model)))
    metrics = [one for one in given if isinstance(one, keras.Metric)]
    return [variable for metric in metrics for variable in metric.variables]


def _remarks(context, seen, recording):
    """Return what is worth knowing and no fault."""
    notes = []
    if context.batch.empty.any():
        rows = listed(context.batch.numbers[context.batch.empty])
        notes.append(
            f"Rows without a real step ({rows}) have nothing to be compared with; a pooling "
            "layer divides by zero there."
        )
    if context.runner.takes_mask:
        notes.append(
            "The mask was handed over by hand; `fit`, `evaluate` and `predict` do not do that."
        )
    if not seen.findings:
        notes += _remarks_on_masks(context, seen, recording)
    return Seen(notes=tuple(notes))


def _remarks_on_masks(context, seen, recording):
    # Where steps are the classes, a mask over steps would not fit the loss.
    picks = (part for part in seen.losses if picks_step(part.target, context.axes[part.output]))
    chosen_from = {part.output for part in picks}
    notes = [
        f"{context.name_of(number)} has steps and carries no mask: a loss of Keras would "
        "count its padding unless `sample_weight` is zero there."
        for number, output in enumerate(context.outputs)
        if context.has_steps(number) and attached(output) is None and number not in chosen_from
    ]
    dropped = [call.name for call in recording.calls[1:] if call.warned and is_shown(call)]
    if dropped:
        notes.append(
            f"Keras warned that {listed(dropped)} drops the mask; nothing that was compared "
            "needed it."
        )
    return notes
