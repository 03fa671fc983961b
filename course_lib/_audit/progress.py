"""Say what an audit is at: on a terminal alone, and only if it takes long."""

import time

# Seconds before anything is said.
AFTER = 3.0


class Progress:
    """A line on standard error that goes when the audit ends.

    Attributes:
        stage: what is done at present.
        passes: how many forward passes were run.
    """

    def __init__(self, name):
        from rich.console import Console  # Keras needs it too, for `summary`

        self.name, self.stage, self.passes = name, "the inputs", 0
        self._console, self._status = Console(stderr=True), None
        self._start = time.monotonic()

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if self._status is not None:
            self._status.stop()

    def next_pass(self):
        """Note that a forward pass begins."""
        self.passes += 1
        if not self._console.is_terminal or time.monotonic() - self._start < AFTER:
            return
        if self._status is None:
            self._status = self._console.status("")
            self._status.start()
        self._status.update(f"audit of {self.name}: {self.stage} (forward pass {self.passes})")
