"""Layers of other packages for Keras 3 that read sequences, each behind a masked embedding."""

import keras
import keras_lmu
import keras_rs
import ncps.keras
import tcn

from tools.wild.case import LENGTHS, Case, padded_ids


def behind_embedding(make, head=None):
    """Return a `build`: ids, `Embedding(mask_zero=True)`, the layer, and a head if one is given."""

    def build():
        keras.utils.set_random_seed(0)
        ids = keras.Input((None,), dtype="int32")
        out = make()(keras.layers.Embedding(40, 16, mask_zero=True)(ids))
        return keras.Model(ids, head(out) if head else out), padded_ids(), {None: LENGTHS}

    return build


def reduced(combiner, mask_zero=True):
    """Return a `build`: the bag of embeddings of `keras_rs`."""

    def build():
        keras.utils.set_random_seed(0)
        ids = keras.Input((None,), dtype="int32")
        layer = keras_rs.layers.EmbedReduce(40, 16, combiner=combiner, mask_zero=mask_zero)
        return keras.Model(ids, layer(ids)), padded_ids(), {None: LENGTHS}

    return build


def lmu(**options):
    return keras_lmu.LMU(4, 4, theta=8, hidden_cell=keras.layers.SimpleRNNCell(6), **options)


def feed_forward():
    cell = keras.layers.Dense(6)
    return keras_lmu.LMUFeedforward(4, 4, theta=8, hidden_cell=cell, return_sequences=True)


def convolution(**options):
    return tcn.TCN(8, 3, dilations=(1, 2), **options)


ENDS = "the last step of the rectangle is taken, which is padding for a short row"
SAME = 'a convolution with padding="same" reads the steps on both sides, padding among them'
BAG = "`mask_zero` makes a mask that the reduction does not use"
LMU = "its `call` takes no mask, and the inner RNN is called with the bare tensor"
CASES = [
    Case(
        "TCN, every step", "keras-tcn", behind_embedding(lambda: convolution(return_sequences=True))
    ),
    Case("TCN, last step", "keras-tcn", behind_embedding(convolution), why=ENDS),
    Case(
        'TCN, padding="same"',
        "keras-tcn",
        behind_embedding(lambda: convolution(return_sequences=True, padding="same")),
        why=SAME,
    ),
    Case("EmbedReduce, mean", "keras-rs", reduced("mean"), why=BAG),
    Case("EmbedReduce, sum", "keras-rs", reduced("sum"), why=BAG),
    Case("LMU, every step", "keras-lmu", behind_embedding(lambda: lmu(return_sequences=True))),
    Case("LMU, last step", "keras-lmu", behind_embedding(lmu), why=LMU),
    Case("LMUFeedforward, every step", "keras-lmu", behind_embedding(feed_forward)),
    Case(
        "CfC, every step",
        "ncps",
        behind_embedding(lambda: ncps.keras.CfC(6, return_sequences=True)),
    ),
    Case("CfC, last step", "ncps", behind_embedding(lambda: ncps.keras.CfC(6))),
    Case("LTC, last step", "ncps", behind_embedding(lambda: ncps.keras.LTC(6))),
    Case(
        "Bidirectional CfC",
        "ncps",
        behind_embedding(lambda: keras.layers.Bidirectional(ncps.keras.CfC(6))),
    ),
]
