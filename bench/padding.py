"""`course_lib.pad` beside `keras.utils.pad_sequences`, TensorFlow's ragged tensors and a bare copy.

100,000 rows of 1 to 59 ids. The goal is a third of Keras's time, for the same arguments.
"""

import keras
import measure
import numpy as np
import tensorflow as tf

from course_lib import pad

ROWS, LONGEST, WORDS, ROUNDS = 100_000, 59, 5000, 9
GOAL = 3.0
SAME = {"padding": "post", "truncating": "post", "dtype": "int32"}


def batches():
    """Return the same ids as rows of four kinds."""
    rng = np.random.default_rng(0)
    arrays = [rng.integers(1, WORDS, length) for length in rng.integers(1, LONGEST + 1, ROWS)]
    words = list(range(WORDS))
    return {
        # As a tokenizer makes them: one int object for each word.
        "lists, ids looked up": [[words[word] for word in row.tolist()] for row in arrays],
        # As a file makes them: one int object for each step.
        "lists, ids read": [row.tolist() for row in arrays],
        "arrays, int64": arrays,
        "arrays, int32": [row.astype("int32") for row in arrays],
    }


def main():
    """Print one table for all kinds of rows."""
    lines = []
    for name, rows in batches().items():
        rectangle = keras.utils.pad_sequences(rows, **SAME)
        assert np.array_equal(pad(rows, **SAME), rectangle)
        calls = {
            "pad_sequences": lambda rows=rows: keras.utils.pad_sequences(rows, **SAME),
            "pad": lambda rows=rows: pad(rows, **SAME),
            "pad, its own defaults": lambda rows=rows: pad(rows),
            "a bare copy": rectangle.copy,
        }
        seconds = measure.in_turn(calls, ROUNDS)
        ragged = {"ragged": lambda rows=rows: tf.ragged.constant(rows, tf.int32).to_tensor()}
        seconds |= {"tf.ragged": measure.in_turn(ragged, 1)["ragged"]}
        keras_time = seconds["pad_sequences"]
        for call, time in seconds.items():
            goal = f">= {GOAL}" if call == "pad" else ""
            lines.append((name, call, f"{time * 1e3:.1f} ms", f"{keras_time / time:.2f}", goal))
    columns = ("rows", "by", "time", "times as fast as Keras", "goal")
    measure.table(f"Padding {ROWS:,} rows of 1 to {LONGEST} ids", columns, lines, words=2)


if __name__ == "__main__":
    main()
