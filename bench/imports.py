"""`import course_lib` beside `import numpy`, each in a Python of its own."""

import statistics
import subprocess
import sys

import measure

ROUNDS, GOAL = 15, 1.3
STATEMENTS = ("import numpy", "import course_lib", "from course_lib import pad")
TIMED = "import time; started = time.perf_counter(); {}; print(time.perf_counter() - started)"


def seconds(statement):
    """Return how long a statement takes in a fresh interpreter, without the interpreter's start."""
    command = [sys.executable, "-c", TIMED.format(statement)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def main():
    """Print the medians, beside NumPy's."""
    times = {statement: [] for statement in STATEMENTS}
    for number in range(ROUNDS + 1):
        for statement in STATEMENTS:
            measure.show(f"round {number} of {ROUNDS}: {statement}")
            time = seconds(statement)
            if number:
                times[statement].append(time)
    measure.show("")
    medians = {statement: statistics.median(found) for statement, found in times.items()}
    numpy = medians["import numpy"]
    lines = [
        (
            name,
            f"{time * 1e3:.1f} ms",
            f"{time / numpy:.2f}",
            f"<= {GOAL}" if name != "import numpy" else "",
        )
        for name, time in medians.items()
    ]
    measure.table("Importing", ("statement", "time", "times NumPy's", "goal"), lines)


if __name__ == "__main__":
    main()
