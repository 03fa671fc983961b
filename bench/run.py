"""`make bench`: all benchmarks, or those that are named: `python bench/run.py padding`."""

import importlib
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER), str(FOLDER.parent)]
import conftest  # noqa: E402, F401  the kernel settings, also without make

BENCHMARKS = ("imports", "padding", "masked_steps", "batching", "audit", "notebooks")
STORED = ("batching_store",)  # on demand only: it writes what a lesson draws


def main(*names):
    unknown = set(names) - {*BENCHMARKS, *STORED}
    if unknown:
        sys.exit(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(BENCHMARKS)}")
    for name in names or BENCHMARKS:
        importlib.import_module(name).main()


if __name__ == "__main__":
    main(*sys.argv[1:])
