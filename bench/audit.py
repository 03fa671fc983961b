"""What an audit costs, in units of the eager forward passes that the solo test itself needs.

Three models with loss and targets: a small recurrent one, and a 12-layer encoder on two batches,
as people run them. Forward passes are counted, seconds are those of this machine.
"""

import time

import keras
import numpy as np

from course_lib import audit

V = 1000
REPEATS = 3


def recurrent():
    """Return Embedding → LSTM → Dense, compiled, and a batch of 32 rows of up to 50 steps."""
    model = keras.Sequential(
        [
            keras.layers.Embedding(V, 32, mask_zero=True),
            keras.layers.LSTM(32, return_sequences=True),
            keras.layers.Dense(1),
        ]
    )
    model.compile("sgd", "mse", metrics=["mae"])
    return model, *batch(32, 50)


def encoder(rows, steps, layers=12, width=128, heads=4):
    """Return a pre-norm transformer encoder with a loss for each step, and a batch for it."""
    own = keras.layers
    ids = keras.Input([None], dtype="int32")
    x = own.Embedding(V, width, mask_zero=True)(ids)
    for _ in range(layers):
        normal = own.LayerNormalization()(x)
        x = own.Add()([x, own.MultiHeadAttention(heads, width // heads)(normal, normal)])
        normal = own.LayerNormalization()(x)
        inner = own.Dense(4 * width, activation="gelu")(normal)
        x = own.Add()([x, own.Dense(width)(inner)])
    model = keras.Model(ids, own.Dense(1)(own.LayerNormalization()(x)))
    model.compile("adam", "mse", metrics=["mae"])
    return model, *batch(rows, steps)


def batch(rows, steps):
    """Return ids of rows of all lengths up to `steps`, the lengths, and targets."""
    generator = np.random.default_rng(0)
    lengths = generator.integers(1, steps + 1, size=rows)
    ids = generator.integers(1, V, size=(rows, steps)) * (np.arange(steps) < lengths[:, None])
    return ids, lengths, generator.normal(size=(rows, steps, 1)).astype("float32")


def solo_test(model, ids, lengths):
    """Run the batch and its rows alone, those of one length together."""
    model(ids)
    for length in np.unique(lengths):
        model(ids[lengths == length, :length])


def seconds_of(function, *arguments):
    """Return what a function returns, and its shortest time of several."""
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        result = function(*arguments)
        times.append(time.perf_counter() - start)
    return result, min(times)


def measured(name, model, ids, lengths, y):
    """Return a row of the table: the passes and seconds of the solo test and of the audit."""
    solo_test(model, ids, lengths)
    _, needed = seconds_of(solo_test, model, ids, lengths)
    report, taken = seconds_of(audit, model, ids, y)
    if not report.ok:
        raise RuntimeError(f"{name} must be sound: {report}")
    return {
        "model": name,
        "lengths": len(np.unique(lengths)),
        "solo test": f"{len(np.unique(lengths)) + 1} passes, {needed:.2f} s",
        "audit": f"{report.forwards} passes, {taken:.2f} s",
        "ratio": round(taken / needed, 2),
    }


def main():
    """Print a table; return its rows."""
    keras.utils.set_random_seed(0)
    cases = {
        "LSTM, 32 x 50": recurrent,
        "12-layer encoder, 32 x 64": lambda: encoder(32, 64),
        "12-layer encoder, 64 x 128": lambda: encoder(64, 128),
    }
    print("audit against the forward passes that the solo test needs")
    rows = []
    for name, make in cases.items():
        rows.append(measured(name, *make()))
        print("  " + ", ".join(f"{key}: {value}" for key, value in rows[-1].items()))
    return rows


if __name__ == "__main__":
    main()
