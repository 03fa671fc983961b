"""Architectures of Keras's official examples with sequences: video, speech, films, time series."""

import keras
import numpy as np
from keras import layers, ops

from tools.wild.case import LENGTHS, Case, padded_features, padded_ids, real_steps
from tools.wild.example_layers import DecoderBlock, EncoderBlock, TokenAndPosition
from tools.wild.examples import IO, NONE, TARGET


def seeded(make):
    """Return a `build` that makes the same random weights every time."""

    def build():
        keras.utils.set_random_seed(0)
        return make()

    return build


def video_recurrent():
    """Features of frames and a mask as a second input, which both GRUs are handed."""
    frames = keras.Input((None, 5), name="frames")
    mask = keras.Input((None,), dtype="bool", name="mask")
    x = layers.GRU(8, return_sequences=True)(frames, mask=mask)
    x = layers.Dense(8, activation="relu")(layers.GRU(4)(x))
    x_batch = {"frames": padded_features(), "mask": real_steps(LENGTHS)}
    model = keras.Model([frames, mask], layers.Dense(3, activation="softmax")(x))
    return model, x_batch, {"frames": LENGTHS, "mask": LENGTHS}


def video_transformer():
    """Features of frames and places, attention without a mask, the maximum over the steps."""
    frames = keras.Input((None, 16))
    x = EncoderBlock()(Places()(frames))
    out = layers.Dense(3, activation="softmax")(layers.GlobalMaxPooling1D()(x))
    return keras.Model(frames, out), padded_features(features=16), {None: LENGTHS}


class Places(layers.Layer):
    """Adds a learned vector for each place."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.places = layers.Embedding(32, 16)

    def call(self, x):
        return x + self.places(ops.arange(ops.shape(x)[1]))


def speech_recurrent():
    """Spectrograms padded with zeros; convolutions and bidirectional GRUs without a mask."""
    sound = keras.Input((None, 5))
    x = layers.Conv1D(8, 3, padding="same", use_bias=False)(sound)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    for _ in range(2):
        x = layers.Bidirectional(layers.GRU(8, return_sequences=True))(x)
    out = layers.Dense(7, activation="softmax")(x)
    return keras.Model(sound, out), padded_features(), {None: LENGTHS}


def speech_transformer():
    """Sound to characters: convolutions, an encoder and a decoder, none with a mask of padding."""
    sound = keras.Input((None, 5), name="sound")
    target = keras.Input((None,), dtype="int32", name="target")
    x = layers.Conv1D(16, 3, padding="same", activation="relu")(sound)
    decoded = DecoderBlock()([TokenAndPosition()(target), EncoderBlock()(x)])
    x_batch = {"sound": padded_features(), "target": padded_ids(TARGET)}
    model = keras.Model([sound, target], layers.Dense(40)(decoded))
    return model, x_batch, {"sound": LENGTHS, "target": TARGET}


def captcha():
    """Columns of pictures as steps, for CTC: a bidirectional LSTM, pictures padded to one width."""
    columns = keras.Input((None, 5))
    x = layers.Dense(16, activation="relu")(columns)
    x = layers.Bidirectional(layers.LSTM(8, return_sequences=True))(x)
    return keras.Model(columns, layers.Dense(9, "softmax")(x)), padded_features(), {None: LENGTHS}


def film_sequence():
    """Films that a person saw and the next one: attention over the films, none with a mask."""
    seen = keras.Input((None,), dtype="int32", name="seen")
    film = keras.Input((1,), dtype="int32", name="film")
    embedding = layers.Embedding(40, 16)
    x = EncoderBlock()(ops.concatenate([embedding(seen), embedding(film)], axis=1))
    out = layers.Dense(1)(layers.GlobalAveragePooling1D()(x))
    x_batch = {"seen": padded_ids(), "film": np.array([[3], [4], [5]], "int32")}
    return keras.Model([seen, film], out), x_batch, {"seen": LENGTHS}


def next_film():
    """A recurrent recommender: the films so far behind a mask, a GRU, scores of all films."""
    seen = keras.Input((None,), dtype="int32")
    x = layers.GRU(8)(layers.Embedding(40, 16, mask_zero=True)(seen))
    return keras.Model(seen, layers.Dense(40)(x)), padded_ids(), {None: LENGTHS}


def series_transformer():
    """Series padded with zeros to one length: attention, then the mean over the steps."""
    series = keras.Input((None, 5))
    x = EncoderBlock()(layers.Dense(16)(series))
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(series, layers.Dense(2)(x)), padded_features(), {None: LENGTHS}


def series_convolutions():
    """Series padded with zeros to one length: convolutions, then the mean over the steps."""
    series = keras.Input((None, 5))
    x = series
    for _ in range(2):
        x = layers.Conv1D(8, 3, padding="same")(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.GlobalAveragePooling1D()(x)
    return keras.Model(series, layers.Dense(2)(x)), padded_features(), {None: LENGTHS}


SIDES = "convolutions and backward GRUs read over the end of a row"
MEAN = "zeros of padding are steps like all others, for attention and for the mean"
CASES = [
    Case("Video classification, CNN and RNN", IO, seeded(video_recurrent)),
    Case("Video classification by transformer", IO, seeded(video_transformer), why=NONE),
    Case("Speech recognition with CTC", IO, seeded(speech_recurrent), why=SIDES),
    Case("Speech recognition by transformer", IO, seeded(speech_transformer), why=NONE),
    Case("Captcha with CTC", IO, seeded(captcha), why="the backward LSTM begins in the padding"),
    Case("Films by behaviour sequence transformer", IO, seeded(film_sequence), why=NONE),
    Case("Next film by GRU", IO, seeded(next_film)),
    Case("Time series by transformer", IO, seeded(series_transformer), why=MEAN),
    Case("Time series by convolutions", IO, seeded(series_convolutions), why=MEAN),
]
