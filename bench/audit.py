"""What an audit costs, in units of the eager forward passes that the solo test itself needs."""

import time

import keras
import numpy as np

from course_lib import audit

B, T, V, D = 32, 50, 1000, 32


def case():
    """Return Embedding → LSTM → Dense, compiled, with a batch of up to 50 steps."""
    keras.utils.set_random_seed(0)
    generator = np.random.default_rng(0)
    lengths = generator.integers(1, T + 1, size=B)
    ids = generator.integers(1, V, size=(B, T)) * (np.arange(T) < lengths[:, None])
    model = keras.Sequential(
        [
            keras.layers.Embedding(V, D, mask_zero=True),
            keras.layers.LSTM(D, return_sequences=True),
            keras.layers.Dense(1),
        ]
    )
    model.compile("sgd", "mse", metrics=["mae"])
    model(ids)
    return model, ids, lengths, generator.normal(size=(B, T, 1)).astype("float32")


def forward_passes(model, ids, lengths):
    """Run the batch and its rows alone, those of one length together: what no audit can spare."""
    model(ids)
    for length in np.unique(lengths):
        model(ids[lengths == length, :length])


def best_of(repeats, function, *arguments):
    """Return the shortest of several times, in seconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function(*arguments)
        times.append(time.perf_counter() - start)
    return min(times)


def main():
    """Print the ratio; return a dict of what was measured."""
    model, ids, lengths, y = case()
    forward_passes(model, ids, lengths)
    needed = best_of(3, forward_passes, model, ids, lengths)
    taken = best_of(3, audit, model, ids, y)
    rows = {
        "lengths": len(np.unique(lengths)),
        "forward passes (s)": round(needed, 2),
        "audit (s)": round(taken, 2),
        "ratio": round(taken / needed, 2),
    }
    print("audit against the forward passes that the solo test needs (B=32, T<=50)")
    for name, value in rows.items():
        print(f"  {name:20} {value}")
    return rows


if __name__ == "__main__":
    main()
