"""Right answers in other words (by Keras, where Keras has the thing), and mutants without harm."""

import numpy as np

# --- 0.1


def by_bool(ids):
    return ids.astype(bool)


# --- 1.1 to 1.4


def rows_by_loop(lengths, maxlen):
    return np.array([[step < length for step in range(maxlen)] for length in lengths], dtype=bool)


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


def by_embedding(table, ids):
    import keras

    layer = keras.layers.Embedding(*table.shape, mask_zero=True)
    layer.build()
    layer.set_weights([table])
    return np.asarray(layer(ids))


def tries_tables(rows):
    ids = np.concatenate([row for row in rows if row])
    for input_dim in range(99):
        if (ids < input_dim).all():
            return input_dim


class KerasEmbedding:
    def __init__(self, table, mask_zero=False):
        import keras

        self.layer = keras.layers.Embedding(*table.shape, mask_zero=mask_zero)
        self.layer.build()
        self.layer.set_weights([table])

    def __call__(self, ids):
        return np.asarray(self.layer(ids))

    def compute_mask(self, ids):
        mask = self.layer.compute_mask(ids)
        return None if mask is None else np.asarray(mask)


OTHER_ANSWERS = {
    "0.1": [by_bool],
    "1.1": [rows_by_loop],
    "1.2": [by_pad_sequences],
    "1.3": [row_by_row],
    "1.4": [keras_pads],
    "2.1": [by_compute_mask],
    "2.2": [by_embedding],
    "2.3": [tries_tables],
    "2.4": [KerasEmbedding],
}

# Mutants that are no mistakes: (exercise, what was changed) and why the results stay the same.
HARMLESS = {
    ("0.1", "return ids != 0 → return ids > 0"): "ids are not negative",
    (
        "1.4",
        "result[b, start:start + len(row)] = row → result[b, start:len(row) + start] = row",
    ): "a sum",
    (
        "2.3",
        "return max((max(row) for row in rows if row)) + 1 → "
        "return 1 + max((max(row) for row in rows if row))",
    ): "a sum",
    (
        "2.4",
        "return ids != 0 if self.mask_zero else None → return ids > 0 if self.mask_zero else None",
    ): "the ids of a table are not negative",
}
