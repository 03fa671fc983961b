"""What padding costs that is masked: rows of 32 real steps, padded to more and more of them.

In seconds of the processor, so that what else a machine does is not in them.
"""

import time

import keras
import measure
import numpy as np
import tensorflow as tf

REAL, STEPS, ROWS, UNITS, ROUNDS = 32, (32, 64, 128, 256, 512), 16, 32, 25
NAMES = ("LSTM", "attention")


def calls():
    """Return {(layer, steps, real): a call}, for rows that are padded and for rows that are not."""
    tf.get_logger().setLevel("ERROR")  # a function for each length: no retracing, whatever it says
    lstm = keras.layers.LSTM(UNITS, return_sequences=True)
    attention = keras.layers.MultiHeadAttention(2, UNITS // 2)
    found = {}
    for steps in STEPS:
        # By functions, so that Keras's own work in Python is not in the time.
        run_lstm = tf.function(lambda x, mask: lstm(x, mask=mask))
        run_attention = tf.function(lambda x, mask: attention(x, x, key_mask=mask))
        x = tf.constant(np.random.default_rng(0).normal(size=(ROWS, steps, UNITS)), tf.float32)
        for real in {min(REAL, steps), steps}:
            mask = tf.constant(np.tile(np.arange(steps) < real, (ROWS, 1)))
            for name, run in zip(NAMES, (run_lstm, run_attention), strict=True):
                found[name, steps, real] = lambda run=run, x=x, mask=mask: run(x, mask)
    return found


def main():
    """Print a table, and return its numbers: times the time of rows without padding."""
    seconds = measure.in_turn(calls(), ROUNDS, time.process_time)
    found, lines = {"real": REAL, "steps": list(STEPS)}, []
    for name in NAMES:
        first = seconds[name, REAL, REAL]
        found[name] = [round(seconds[name, steps, REAL] / first, 2) for steps in STEPS]
        full = [seconds[name, steps, REAL] / seconds[name, steps, steps] for steps in STEPS]
        found[f"{name}, all real"] = [round(ratio, 2) for ratio in full]
        lines.append((f"{name}, {REAL} real steps", *(f"{ratio:.2f}" for ratio in found[name])))
        lines.append((f"{name}, as a share of all real", *(f"{ratio:.2f}" for ratio in full)))
    title = f"Rows of {REAL} real steps, padded: times the time of the same rows without padding"
    measure.table(title, ("padded to", *map(str, STEPS)), lines)
    return found


if __name__ == "__main__":
    main()
