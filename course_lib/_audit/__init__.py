"""The parts of `course_lib.audit`; `audit.py` is where to begin to read.

- `plan`, `inputs`, `batch`: what each input is, what in it is padding, and the views of it: alone,
  longer, other side.
- `run`, `alone`, `compare`, `outputs`: run the model on them and compare, with a tolerance.
- `refill`: the same for a model that fixes its number of steps, by changing the padding.
- `control`: what differs and is not padding, rounding that grows and rows that see each other.
- `scores`, `loss`, `own_losses`, `added_losses`, `metrics`, `gradients`, `targets`, `predictions`:
  the same for what is compiled or added.
- `second_look`: weights and precision under which a hidden leak shows.
- `story`, `causes`, `raw`: at which layer padding came in, or at which raw operation, and why.
- `fixes`, `report`: what each fault is in words, what fixes it, and what the reader gets.
"""
