"""All notebooks executed and compared, beside the time that no change to a lesson can save."""

import os
import subprocess
import time
from pathlib import Path

import measure

ROOT = Path(__file__).resolve().parent.parent
# A kernel's start and `import keras`, measured on two cores with a warm cache.
FLOOR = 2.9


def main():
    """Run `make test-notebooks` and print its time and its floor."""
    workers = int(os.environ.get("WORKERS", 2))
    notebooks = len(list((ROOT / "notebooks").glob("*.ipynb")))
    command = ["make", "--no-print-directory", "test-notebooks", f"WORKERS={workers}"]
    started = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, check=False)
    seconds = time.perf_counter() - started
    floor = notebooks * FLOOR / workers
    title = f"{notebooks} notebooks on {workers} workers"
    if done.returncode:
        title += " (NOT ALL PASSED)"
    line = (f"{seconds:.1f} s", f"{floor:.1f} s", f"{seconds / floor:.2f}")
    measure.table(title, ("time", "floor", "times its floor"), [line])


if __name__ == "__main__":
    main()
