"""The parts of `course_lib.audit`, as stages: data flows one way, and nothing is changed behind.

The way of `audit(model, x, y)`, to be read in this order:

1. `audit.run_audit`: all stages, a line each.
2. `request.read`: the arguments, checked; every refusal names one.
3. `plan.find_batch`: what each input is, what in it is padding, by one source of knowledge after
   the other: a `Batch`, which has views; `inputs` knows an input by itself, `guesses` goes by
   values and names.
4. `alone.lay_out`: the rows of one length run by themselves, and the `Axes` of each output. Of
   many lengths a few run, and the others if padding shows anywhere: `sample`.
5. `outputs.look_at_outputs`: the checks of the outputs, in order, and when to stop; `inside` has
   that of padding inside steps, `refill` that of a model that fixes its steps.
6. `scores.look_at_scores`: those of loss, metrics, added losses, gradients, in order as well;
   `judge` has what a loss or metric ought to give.
7. `explain.explain`: where padding comes in, by `causes.causes_in`.
8. `report.AuditReport`: what the reader gets.

What flows: `Request` → `Batch` → `Context` → `Seen`, with a `Story` for each `Leak`, in which a
`Cause` is found, which becomes a `Finding`.

- Only `run.Runner` runs the model and tells `progress`, which counts, and only `attempt.attempt`
  catches whatever that raises. `course_lib._keras_private` holds Keras's private names.
- `view`, `batch`, `axes`, `layout`, `compare`, `truth`, `verdict` are NumPy alone: `axes.Axes` is
  the only place that cuts a row's own steps out of a tensor.
- `faults` is the table of what is found: title, what happened, how to fix it, with functions from
  `messages` where that depends on the layer; `leaks` is that of what fixes a leak, by class and
  operation. `Cause.message` puts them together.
"""
