"""The parts of `course_lib.audit`; `audit.py` is where to begin to read.

- `plan`, `batch`: what in the input is padding, and the views of it: alone, longer, other side.
- `run`, `compare`, `outputs`: run the model on them and compare, with a tolerance that fits.
- `scores`, `loss`, `own_losses`, `metrics`, `gradients`, `targets`, `predictions`: the same for
  what is compiled.
- `second_look`: weights and precision under which a hidden leak shows.
- `story`, `causes`, `raw`: at which layer padding came in, or at which raw operation, and why.
- `mends`, `report`: what each fault is in words, what mends it, and what the reader gets.
"""
