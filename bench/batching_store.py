"""Measure what lesson 08 draws, and store it: `python bench/run.py batching_store`.

Seconds are those of one machine on one day, so they are read from a file and not taken while a
lesson runs.
"""

import json
import os
import platform
from pathlib import Path

import batching
import masked_steps
import tensorflow as tf

STORE = Path(__file__).resolve().parent.parent / "docs" / "batching.json"


def main():
    """Write what both benchmarks found, numbers as they are read."""
    ways, steps = batching.main(), masked_steps.main()
    found = {
        "command": "python bench/run.py batching_store",
        "machine": f"{os.cpu_count()} cores, {platform.system()}, TensorFlow {tf.__version__}",
        "words": batching.WORDS,
        "size": batching.SIZE,
        "ways": {
            name: {key: round(float(value), 4) for key, value in way.items()}
            for name, way in ways.items()
        },
        "masked steps": steps,
    }
    STORE.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
