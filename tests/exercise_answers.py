"""Right answers in other words (by Keras, where Keras has the thing), and mutants without harm."""

import numpy as np

# --- 0.1


def by_bool(ids):
    return ids.astype(bool)


# --- 1.1 to 1.4


def front_by_loop(lengths, maxlen):
    return np.array(
        [[maxlen - step <= length for step in range(maxlen)] for length in lengths], dtype=bool
    )


def by_pad_sequences(row, maxlen):
    import keras

    return keras.utils.pad_sequences([row], maxlen)[0]


def row_by_row(values, mask):
    pairs = zip(values, mask, strict=True)
    return np.array([row[real].mean() if real.any() else 0.0 for row, real in pairs])


def keras_pads(rows, maxlen, padding, truncating):
    import keras

    return keras.utils.pad_sequences(rows, maxlen, padding=padding, truncating=truncating)


# --- 2.1 to 2.4


def by_compute_mask(ids, mask_zero):
    import keras

    mask = keras.layers.Embedding(9, 2, mask_zero=mask_zero).compute_mask(ids)
    return None if mask is None else np.asarray(mask)


def by_gradient(ids, input_dim, mask_is_used):
    import keras
    import tensorflow as tf

    layer = keras.layers.Embedding(input_dim, 2, mask_zero=True)
    pool = keras.layers.GlobalAveragePooling1D()
    with tf.GradientTape() as tape:
        vectors = layer(ids)
        # The mean of a row without real steps is NaN; a sum over the others leaves it out.
        means = pool(vectors) if mask_is_used else keras.ops.mean(vectors, axis=1)
        loss = keras.ops.sum(keras.ops.where(keras.ops.isnan(means), 0.0, means))
    (gradient,) = tape.gradient(loss, layer.trainable_variables)
    gradient = np.nan_to_num(tf.convert_to_tensor(gradient).numpy())
    return gradient.any(axis=1)


def tries_tables(rows):
    ids = np.concatenate([row for row in rows if row])
    for input_dim in range(99):
        if (ids < input_dim).all():
            return input_dim


def with_a_mask_by_hand(lstm, table, ids):
    return lstm(table[ids].astype("float32"), mask=ids >= 0)


# --- 3.1 to 3.4


def by_a_probe(explicit, attached, takes_mask):
    import keras

    got = []

    class Takes(keras.layers.Layer):
        def call(self, x, mask=None):
            got.append(mask)
            return x

    class TakesNone(keras.layers.Layer):
        def call(self, x):
            got.append(None)
            return x

    x = keras.ops.zeros((1, 1))
    if attached is not None:
        x._keras_mask = attached
    layer = Takes() if takes_mask else TakesNone()
    layer.supports_masking = True
    if takes_mask:
        layer(x, mask=explicit)
    else:
        layer(x)
    return None if got[-1] is None else np.asarray(got[-1])


def by_add(masks):
    import keras

    tensors = []
    for mask in masks:
        shape = (2, 2) if mask is None else mask.shape
        tensors.append(
            keras.ops.zeros((*next((m.shape for m in masks if m is not None), shape), 1))
        )
        if mask is not None:
            tensors[-1]._keras_mask = keras.ops.convert_to_tensor(mask)
    mask = getattr(keras.layers.Add()(tensors), "_keras_mask", None)
    return None if mask is None else np.asarray(mask)


def words_alone(embedding, dense, lstm, ids):
    """In NumPy, row by row: without padding nothing has to be masked."""
    from course_lib import lstm as lstm_in_numpy

    (table,), (kernel, bias) = embedding.get_weights(), dense.get_weights()
    states = []
    for row in ids:
        words = row[1:][row[1:] != 0]
        x = 2 * (table[words] @ kernel + bias)
        states.append(lstm_in_numpy(x[None], lstm.get_weights())[0] if len(words) else [0.0] * 2)
    return np.array(states)


def by_last_event(kinds, ids):
    def attached(place):
        for kind in reversed(kinds[:place]):
            if kind in ("make", "drop", "end"):
                return ids != 0 if kind == "make" else None
        return None

    return [
        (attached(place) if kind in ("use", "end") else None, attached(place + 1))
        for place, kind in enumerate(kinds)
    ]


# --- 4.1 to 4.4


def overwritten(real, new, previous):
    state = previous.copy()
    state[real] = new[real]
    return state


def by_places(outputs, mask):
    places = np.maximum.accumulate(np.where(mask, np.arange(mask.shape[1]), -1), axis=1)
    taken = np.take_along_axis(outputs, np.maximum(places, 0)[..., None], axis=1)
    return np.where(places[..., None] < 0, 0.0, taken)


def pairs_alone(embedding, reader, writer, question, answer):
    """In NumPy, row by row: without padding nothing has to be masked."""
    from course_lib import lstm as lstm_in_numpy

    (table,), replies = embedding.get_weights(), []
    for asked, said in zip(question, answer, strict=True):
        states = [np.zeros((1, 2)), np.zeros((1, 2))]
        for ids, layer in ((asked, reader), (said, writer)):
            if ids.any():
                _, *states = lstm_in_numpy(
                    table[ids[ids != 0]][None],
                    layer.get_weights(),
                    initial_state=states,
                    return_state=True,
                )
        replies.append(states[0][0] if said.any() else np.zeros(2))
    return np.array(replies)


def by_simple_rnn(inputs, mask, kernel, recurrent_kernel, bias):
    import keras

    layer = keras.layers.SimpleRNN(len(bias), return_sequences=True, return_state=True)
    layer.build(inputs.shape)
    layer.set_weights([kernel, recurrent_kernel, bias])
    outputs, state = layer(inputs, mask=mask)
    return np.asarray(outputs), np.asarray(state)


# --- 5.1 to 5.5


def by_keras_loss(per_step, mask):
    import keras

    y_pred = keras.ops.convert_to_tensor(per_step[..., None])
    y_pred._keras_mask = keras.ops.convert_to_tensor(mask)
    return float(keras.losses.MeanAbsoluteError()(np.zeros(y_pred.shape), y_pred))


def weights_by_loop(sample_weight, mask):
    weights = np.zeros(mask.shape)
    for row, step in zip(*np.nonzero(mask), strict=True):
        weights[row, step] = sample_weight[row]
    return weights


def by_keras_metric(labels, scores, mask):
    import keras

    y_pred = keras.ops.convert_to_tensor(scores)
    y_pred._keras_mask = keras.ops.convert_to_tensor(mask)
    return float(keras.metrics.SparseCategoricalAccuracy()(labels, y_pred))


def by_keras_mean_absolute_error(y_true, y_pred):
    import keras

    return keras.losses.mean_absolute_error(keras.ops.log1p(y_true), keras.ops.log1p(y_pred))


def by_keras_crossentropy(labels, logits, mask, reduction):
    import keras

    y_pred = keras.ops.convert_to_tensor(logits)
    y_pred._keras_mask = keras.ops.convert_to_tensor(mask)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=reduction)
    return np.asarray(loss(labels, y_pred))


# --- 6.1 to 6.4


def with_a_mask_from_the_ids(embedding, scale, lstm, ids):
    x = embedding(ids)
    return "scale", lstm(scale(x), mask=x._keras_mask)


def largest_row_by_row(embedding, both_ways, ids):
    outputs = np.asarray(both_ways(embedding(ids)))
    return "max", np.stack(
        [row[real].max(axis=0) for row, real in zip(outputs, ids != 0, strict=True)]
    )


def with_a_second_look_up(embedding, attention, residual, norm, ids):
    x = embedding(ids)
    return "attention", norm(residual([embedding(ids), attention(x, x)]))


def with_more_than_the_row(run, ids):
    """Fill what has no counterpart with what is there anyway, and compare whole arrays."""
    outputs = np.array(run(ids))
    alone = outputs.copy()
    for b, row in enumerate(ids):
        real = np.trim_zeros(row)
        if real.size:
            output = run(np.array([real]))[0]
            alone[b][: len(output)] = output
    gaps = abs(outputs - alone).reshape(len(ids), -1).max(axis=1)
    return [b for b, gap in enumerate(gaps) if gap > 1e-6]


# --- 7.1 to 7.4


def masks_combined(mask, causal):
    from course_lib.attention import combine_masks

    return combine_masks(mask, mask, use_causal_mask=causal)


def with_a_value_mask(attention, x, ignore):
    return attention(x, x, value_mask=np.logical_not(ignore))


def with_masks_of_pairs(self_attention, cross_attention, target, source, target_mask, source_mask):
    steps = target.shape[1]
    earlier = np.arange(steps) <= np.arange(steps)[:, None]
    x = target + self_attention(target, target, attention_mask=earlier & target_mask[:, None])
    seen = np.repeat(source_mask[:, None], steps, axis=1)
    return x + cross_attention(x, source, attention_mask=seen)


def query_by_query(query, key, value, value_mask, causal):
    out = np.zeros((*query.shape[:2], value.shape[-1]))
    for row, step in np.ndindex(query.shape[:2]):
        seen = value_mask[row].copy()
        if causal:
            seen[step + 1 :] = False
        if seen.any():
            scores = key[row, seen] @ query[row, step] / query.shape[-1] ** 0.5
            powers = np.exp(scores - scores.max())
            out[row, step] = powers / powers.sum() @ value[row, seen]
    return out


# --- 8.1 to 8.4


def share_of_masks(lengths, size):
    import keras

    cut = [np.ones(length) for length in lengths]
    parts = [cut[start : start + size] for start in range(0, len(cut), size)]
    return np.concatenate([keras.utils.pad_sequences(part).ravel() for part in parts]).mean()


def by_group_by_window(dataset, boundaries, steps):
    """Write out what `bucket_by_sequence_length` does."""
    import tensorflow as tf

    sizes = tf.constant([steps // (boundary - 1) for boundary in boundaries], tf.int64)

    def bucket_of(row):
        return tf.reduce_sum(tf.cast(tf.shape(row)[0] >= tf.constant(boundaries), tf.int64))

    return dataset.group_by_window(
        bucket_of,
        lambda key, rows: rows.padded_batch(sizes[key]),
        window_size_func=lambda key: sizes[key],
    )


def each_alone(attention, x, segments):
    out = np.zeros(x.shape, "float32")
    for row, numbers in enumerate(segments):
        for number in set(numbers.tolist()) - {0}:
            own = numbers == number
            alone = x[row, own][None]
            out[row, own] = attention(alone, alone)[0]
    return out


def by_packed_mask(attention, x, segments):
    from course_lib.batching import packed_mask

    return attention(x, x, attention_mask=packed_mask(segments))


def by_free_steps(lengths, steps):
    rows, found = [], []
    for length in lengths.tolist():
        row = next((place for place, free in enumerate(rows) if free >= length), None)
        if row is None:
            rows.append(steps)
            row = len(rows) - 1
        found.append([row, steps - rows[row]])
        rows[row] -= length
    return np.array(found)


# --- 9.1 to 9.4


def log_by_keras(per_step, mask, replicas):
    size = len(mask) // replicas
    starts = range(0, len(mask), size)
    return np.mean([by_keras_loss(per_step[i : i + size], mask[i : i + size]) for i in starts])


def weights_by_course(mask, micro_batches):
    from course_lib.scaling import token_weights

    return token_weights(mask, micro_batches).astype(float)


def by_weights_of_steps(y_true, y_pred, steps_of_all):
    import keras

    weights = keras.ops.full(y_pred.shape[:2], 1 / steps_of_all)
    return keras.losses.MeanSquaredError(reduction="sum")(y_true, y_pred, weights)


def by_one_list_of_steps(batches, kernel):
    x = np.concatenate([x[mask] for x, _, mask in batches])
    y = np.concatenate([y[mask] for _, y, mask in batches])
    return 2 * (x @ kernel - y) @ x / max(len(x), 1)


def turns_by_loop(verdicts):
    found, before = [], None
    for place, verdict in enumerate(verdicts):
        if verdict == "–":
            continue
        if before is not None and verdict != before:
            found.append(place)
        before = verdict
    return found


def by_the_layer_itself(masks, keras):
    """Ask Keras 3 itself, and Keras 2's rule in other words."""
    import keras as keras_3

    if keras == 3:
        mask = keras_3.layers.Add().compute_mask([np.zeros((1, 1))] * len(masks), masks)
        return None if mask is None else np.asarray(mask)
    there = [~mask for mask in masks if mask is not None]
    return ~np.any(there, axis=0) if there else None


def by_a_subclass(layer):
    class Passing(type(layer)):
        supports_masking = True

    layer.__class__ = Passing
    return layer


def by_divisor(version, per_step, mask):
    losses = np.where(mask, per_step, 0)
    if (2, 2) < version < (2, 11):
        return losses.mean()
    with np.errstate(invalid="ignore"):
        mean = losses.sum() / mask.sum()
    return np.nan_to_num(mean) if version[0] == 3 else mean


# --- 11.1 to 11.4


def by_comparing(ids, known):
    def is_same(one, other):
        return one[one != 0].tolist() == other[other != 0].tolist()

    return np.array([not any(is_same(row, other) for other in known) for row in ids])


def by_words(labels, predicted, mask):
    pairs = zip(labels, predicted, mask, strict=True)
    right = [np.array_equal(y[real], found[real]) for y, found, real in pairs if real.any()]
    return sum(right) / len(right) if right else 0.0


def by_one_hot(y_true, y_pred, class_weights):
    from keras import ops

    of_true = ops.one_hot(ops.cast(y_true, "int32"), 4)
    return -ops.sum(of_true * class_weights * ops.log_softmax(y_pred, axis=-1), axis=-1)


def forwards_and_backwards(phones):
    import keras

    ids = keras.Input((None,))
    x = keras.layers.Embedding(phones + 1, 12, mask_zero=True)(ids)
    lstm = keras.layers.LSTM(32, return_sequences=True)
    x = keras.layers.Bidirectional(lstm, merge_mode="sum")(x)
    return keras.Model(ids, keras.layers.Dense(3)(keras.layers.LayerNormalization()(x)))


OTHER_ANSWERS = {
    "0.1": [by_bool],
    "1.1": [by_pad_sequences],
    "1.2": [front_by_loop],
    "1.3": [row_by_row],
    "1.4": [keras_pads],
    "2.1": [by_compute_mask],
    "2.2": [by_gradient],
    "2.3": [tries_tables],
    "2.4": [with_a_mask_by_hand],
    "3.1": [by_a_probe],
    "3.2": [words_alone],
    "3.3": [by_add],
    "3.4": [by_last_event],
    "4.1": [overwritten],
    "4.2": [by_places],
    "4.3": [pairs_alone],
    "4.4": [by_simple_rnn],
    "5.1": [by_keras_loss],
    "5.2": [weights_by_loop],
    "5.3": [by_keras_metric],
    "5.4": [by_keras_mean_absolute_error],
    "5.5": [by_keras_crossentropy],
    "6.1": [with_a_mask_from_the_ids],
    "6.2": [largest_row_by_row],
    "6.3": [with_a_second_look_up],
    "6.4": [with_more_than_the_row],
    "7.1": [masks_combined],
    "7.2": [with_a_value_mask],
    "7.3": [with_masks_of_pairs],
    "7.4": [query_by_query],
    "8.1": [share_of_masks],
    "8.2": [by_group_by_window],
    "8.3": [each_alone, by_packed_mask],
    "8.4": [by_free_steps],
    "9.1": [log_by_keras],
    "9.2": [weights_by_course],
    "9.3": [by_weights_of_steps],
    "9.4": [by_one_list_of_steps],
    "10.1": [turns_by_loop],
    "10.2": [by_the_layer_itself],
    "10.3": [by_a_subclass],
    "10.4": [by_divisor],
    "11.1": [by_comparing],
    "11.2": [by_words],
    "11.3": [by_one_hot],
    "11.4": [forwards_and_backwards],
}

# Mutants that are no mistakes: (exercise, what was changed) and why the results stay the same.
SAME_LENGTH = "outputs and mask have the same number of steps"
SUM = "a sum in another order"
ONE_ROW = "a row alone is a batch of one row"
BOTH_WAYS = "as close one way as the other, up to rounding"
HARMLESS = {
    (
        "2.4",
        "table = np.concatenate([np.zeros((1, table.shape[1])), table]) → "
        "table = np.concatenate([np.ones((1, table.shape[1])), table])",
    ): "what stands in row 0 is not read",
    ("2.4", "return lstm(embedding(ids + 1)) → return lstm(embedding(1 + ids))"): BOTH_WAYS,
    ("0.1", "return ids != 0 → return ids > 0"): "ids are not negative",
    (
        "1.4",
        "result[b, start:start + len(row)] = row → result[b, start:len(row) + start] = row",
    ): SUM,
    (
        "2.3",
        "return max((max(row) for row in rows if row)) + 1 → "
        "return 1 + max((max(row) for row in rows if row))",
    ): SUM,
    (
        "3.4",
        "after, mask, walk = ({'make': ids != 0, 'drop': None, 'end': None}, None, []) → "
        "after, mask, walk = ({'make': ids > 0, 'drop': None, 'end': None}, None, [])",
    ): "ids are not negative",
    ("4.2", "for t in range(outputs.shape[1]): → for t in range(mask.shape[1]):"): SAME_LENGTH,
    (
        "4.2",
        "result = np.zeros_like(outputs) → result = np.ones_like(outputs)",
    ): "each step is written",
    (
        "4.2",
        "last = np.zeros_like(outputs[:, 0]) → last = np.zeros_like(outputs[:, -1])",
    ): "all steps have one shape",
    ("4.4", "for t in range(inputs.shape[1]): → for t in range(mask.shape[1]):"): SAME_LENGTH,
    (
        "4.4",
        "state = np.zeros((len(inputs), len(bias))) → state = np.zeros((len(mask), len(bias)))",
    ): "inputs and mask have the same number of rows",
    (
        "4.4",
        "state = np.zeros((len(inputs), len(bias))) → "
        "state = np.zeros((len(inputs), len(recurrent_kernel)))",
    ): "both lengths are the number of units",
    (
        "4.4",
        "new = np.tanh(inputs[:, t] @ kernel + state @ recurrent_kernel + bias) → "
        "new = np.tanh(bias + (inputs[:, t] @ kernel + state @ recurrent_kernel))",
    ): SUM,
    (
        "4.4",
        "new = np.tanh(inputs[:, t] @ kernel + state @ recurrent_kernel + bias) → "
        "new = np.tanh(state @ recurrent_kernel + inputs[:, t] @ kernel + bias)",
    ): SUM,
    (
        "5.4",
        "gap = ops.log(1 + y_pred) - ops.log(1 + y_true) → "
        "gap = ops.log(1 + y_true) - ops.log(1 + y_pred)",
    ): "its sign does not count",
    (
        "5.4",
        "gap = ops.log(1 + y_pred) - ops.log(1 + y_true) → "
        "gap = ops.log(1 + y_pred) - ops.log(y_true + 1)",
    ): SUM,
    (
        "5.4",
        "gap = ops.log(1 + y_pred) - ops.log(1 + y_true) → "
        "gap = ops.log(y_pred + 1) - ops.log(1 + y_true)",
    ): SUM,
    (
        "5.5",
        "losses = -np.take_along_axis(logs, labels[..., None], -1)[..., 0] * mask → "
        "losses = -np.take_along_axis(logs, labels[..., None], -1)[..., -1] * mask",
    ): "the last axis has length 1",
    (
        "6.4",
        "alone = run(row[None])[0] → alone = run(row[None])[-1]",
    ): ONE_ROW,
    (
        "6.4",
        "if not np.allclose(outputs[b][:len(alone)], alone, atol=1e-06): → "
        "if not np.allclose(alone, outputs[b][:len(alone)], atol=1e-06):",
    ): BOTH_WAYS,
    ("6.4", "row = ids[b, ids[b] != 0] → row = ids[b, ids[b] > 0]"): "ids are not negative",
    (
        "7.3",
        "x = target + self_attention(target, target, value_mask=target_mask, use_causal_mask=True) "
        "→ x = self_attention(target, target, value_mask=target_mask, use_causal_mask=True) + "
        "target",
    ): SUM,
    (
        "7.3",
        "return x + cross_attention(x, source, value_mask=source_mask) → "
        "return cross_attention(x, source, value_mask=source_mask) + x",
    ): SUM,
    (
        "7.4",
        "scores = query @ key.swapaxes(1, 2) / np.sqrt(query.shape[-1]) → "
        "scores = query @ key.swapaxes(2, 1) / np.sqrt(query.shape[-1])",
    ): "the same two axes are swapped",
    (
        "7.4",
        "scores = query @ key.swapaxes(1, 2) / np.sqrt(query.shape[-1]) → "
        "scores = query @ key.swapaxes(1, 2) / np.sqrt(key.shape[-1])",
    ): "query and key have as many features",
    (
        "7.4",
        "return powers / np.where(total == 0, 1, total) @ value → "
        "return powers / np.where(total == 0, 2, total) @ value",
    ): "0 divided by any number is 0",
    (
        "8.1",
        "batches = [lengths[start:start + size] for start in range(0, len(lengths), size)] → "
        "batches = [lengths[start:size + start] for start in range(0, len(lengths), size)]",
    ): SUM,
    (
        "8.4",
        "row = next((row for row, full in enumerate(used) if full + length <= steps)) → "
        "row = next((row for row, full in enumerate(used) if length + full <= steps))",
    ): SUM,
    (
        "8.2",
        "return dataset.bucket_by_sequence_length(lambda row: tf.shape(row)[0], boundaries, "
        "[*sizes, 1]) → return dataset.bucket_by_sequence_length(lambda row: tf.shape(row)[0], "
        "boundaries, [*sizes, 2])",
    ): "no row is longer than the last boundary",
    (
        "8.2",
        "return dataset.bucket_by_sequence_length(lambda row: tf.shape(row)[0], boundaries, "
        "[*sizes, 1]) → return dataset.bucket_by_sequence_length(lambda row: tf.shape(row)[0], "
        "boundaries, [*sizes, 0])",
    ): "no row is longer than the last boundary",
    (
        "8.2",
        "return dataset.bucket_by_sequence_length(lambda row: tf.shape(row)[0], boundaries, "
        "[*sizes, 1]) → return dataset.bucket_by_sequence_length(lambda row: tf.shape(row)[-1], "
        "boundaries, [*sizes, 1])",
    ): "a row has one axis",
    (
        "9.1",
        "steps = mask.reshape(replicas, -1).sum(axis=1) → "
        "steps = mask.reshape(replicas, -2).sum(axis=1)",
    ): "any number below 0 is the rest",
    (
        "9.1",
        "sums = (per_step * mask).reshape(replicas, -1).sum(axis=1) → "
        "sums = (per_step * mask).reshape(replicas, -2).sum(axis=1)",
    ): "any number below 0 is the rest",
    (
        "10.4",
        "if version < (3, 0) and real == 0: → if version < (3, -1) and real == 0:",
    ): "no version has a number below 0",
    (
        "10.4",
        "return total / mask.size → return total / per_step.size",
    ): "both have one number for each step",
    (
        "10.1",
        "told = [place for place in range(len(verdicts)) if verdicts[place] in '✓✗'] → "
        "told = [place for place in range(len(verdicts)) if verdicts[place] in '✓✗x']",
    ): "there is no sign x",
    (
        "11.1",
        "seen = {tuple(row[row != 0]) for row in known} → "
        "seen = {tuple(row[row > 0]) for row in known}",
    ): "ids are not negative",
    (
        "11.1",
        "return np.array([tuple(row[row != 0]) not in seen for row in ids]) → "
        "return np.array([tuple(row[row > 0]) not in seen for row in ids])",
    ): "ids are not negative",
}
