"""Architectures of Keras's official examples with text, rebuilt small in our own words."""

import keras
import numpy as np
from keras import layers

from tools.wild.case import LENGTHS, Case, padded_ids, real_steps
from tools.wild.example_layers import (
    CausalBlock,
    DecoderBlock,
    EncoderBlock,
    PositionalEmbedding,
    SwitchFeedForward,
    TokenAndPosition,
)

TARGET = (5, 7, 4)


def text(body):
    """Return a `build` for a model of one input of ids; `body(ids)` gives its output."""

    def build():
        keras.utils.set_random_seed(0)
        ids = keras.Input((None,), dtype="int32")
        return keras.Model(ids, body(ids)), padded_ids(), {None: LENGTHS}

    return build


def named_entities(ids):
    x = EncoderBlock()(TokenAndPosition()(ids))
    return layers.Dense(5)(layers.Dense(16, activation="relu")(x))


def text_transformer(ids, embedding=TokenAndPosition):
    x = EncoderBlock()(embedding()(ids))
    x = layers.Dense(16, activation="relu")(layers.GlobalAveragePooling1D()(x))
    return layers.Dense(2, activation="softmax")(x)


def switch_transformer(ids):
    x = TokenAndPosition()(ids)
    x = layers.LayerNormalization()(x + layers.MultiHeadAttention(2, 8)(x, x))
    x = layers.LayerNormalization()(x + SwitchFeedForward(2, 16)(x))
    return layers.Dense(2)(layers.GlobalAveragePooling1D()(x))


def bidirectional_lstm(ids, mask_zero=False):
    x = layers.Embedding(40, 16, mask_zero=mask_zero)(ids)
    x = layers.Bidirectional(layers.LSTM(8, return_sequences=True))(x)
    return layers.Dense(1)(layers.Bidirectional(layers.LSTM(8))(x))


def active_learning(ids):
    x = layers.Embedding(40, 16)(ids)
    x = layers.Bidirectional(layers.LSTM(8, return_sequences=True))(x)
    return layers.Dense(1)(layers.Dense(8)(layers.GlobalMaxPooling1D()(x)))


def convolutions_from_scratch(ids):
    x = layers.Embedding(40, 16)(ids)
    for _ in range(2):
        x = layers.Conv1D(16, 3, padding="same", activation="relu")(x)
    return layers.Dense(1)(layers.Dense(16)(layers.GlobalMaxPooling1D()(x)))


def pretrained_vectors(ids):
    x = layers.Embedding(40, 16, trainable=False)(ids)
    x = layers.Conv1D(16, 3, padding="same", activation="relu")(x)
    x = layers.MaxPooling1D(2, padding="same")(x)
    x = layers.Conv1D(16, 3, padding="same", activation="relu")(x)
    return layers.Dense(4)(layers.GlobalMaxPooling1D()(x))


def miniature_gpt(ids):
    return layers.Dense(40)(CausalBlock()(TokenAndPosition()(ids)))


def masked_language_model(ids):
    return layers.Dense(40, activation="softmax")(EncoderBlock()(TokenAndPosition()(ids)))


def recurrent_translator():
    """Characters to characters: one-hot vectors, a blank as padding, states handed over."""
    keras.utils.set_random_seed(0)
    source = keras.Input((None, 12), name="source")
    target = keras.Input((None, 12), name="target")
    _, h, c = layers.LSTM(8, return_state=True)(source)
    out = layers.LSTM(8, return_sequences=True)(target, initial_state=[h, c])
    model = keras.Model([source, target], layers.Dense(12, activation="softmax")(out))
    # The example writes a blank, which has a one-hot vector of its own, at every padded step.
    x = {
        "source": np.eye(12, dtype="float32")[padded_ids(LENGTHS, 12)],
        "target": np.eye(12, dtype="float32")[padded_ids(TARGET, 12)],
    }
    return model, x, {"source": LENGTHS, "target": TARGET}


def transformer_translator():
    """English to Spanish: embeddings that make masks, a decoder that joins them."""
    keras.utils.set_random_seed(0)
    source = keras.Input((None,), dtype="int32", name="source")
    target = keras.Input((None,), dtype="int32", name="target")
    encoded = EncoderBlock()(PositionalEmbedding()(source))
    decoded = DecoderBlock()([PositionalEmbedding()(target), encoded])
    model = keras.Model([source, target], layers.Dense(40)(decoded))
    x = {"source": padded_ids(), "target": padded_ids(TARGET, seed=1)}
    return model, x, {"source": LENGTHS, "target": TARGET}


def captions():
    """A sentence over the patches of a picture: a causal decoder, the sentence's mask used."""
    keras.utils.set_random_seed(0)
    patches = keras.Input((6, 16), name="patches")
    ids = keras.Input((None,), dtype="int32", name="ids")
    encoded = layers.Dense(16, activation="relu")(layers.LayerNormalization()(patches))
    x = PositionalEmbedding()(ids)
    out = layers.Dense(40)(DecoderBlock()([x, encoded]))
    x = {
        "patches": np.random.default_rng(0).normal(size=(3, 6, 16)).astype("float32"),
        "ids": padded_ids(),
    }
    return keras.Model([patches, ids], out), x, {"ids": LENGTHS}


NONE = "the embedding makes no mask, and attention is called without one"
READS = "the embedding makes no mask, and the LSTM reads on through the padding"
CONV = "the convolution reads over the end of a row, and the maximum is taken over padding too"
BLANKS = "the encoder reads on through the blanks that pad the source, and hands over that state"
# A blank has a vector of its own, so that nobody can see from the numbers what is padding.
TOLD = {"mask": {"source": real_steps(LENGTHS), "target": real_steps(TARGET)}}
IO = "keras-io"
CASES = [
    Case("Named entities by transformer", IO, text(named_entities), why=NONE),
    Case("Text classification by transformer", IO, text(text_transformer), why=NONE),
    Case("Text classification by switch transformer", IO, text(switch_transformer), why=NONE),
    Case("Bidirectional LSTM on reviews", IO, text(bidirectional_lstm), why=READS),
    Case("Active learning on reviews", IO, text(active_learning), why=READS),
    Case("Text classification from scratch", IO, text(convolutions_from_scratch), why=CONV),
    Case("Pretrained word embeddings", IO, text(pretrained_vectors), why=CONV),
    Case("Miniature GPT", IO, text(miniature_gpt)),
    Case("Masked language model", IO, text(masked_language_model), why=NONE),
    Case("Translation by LSTM, characters", IO, recurrent_translator, why=BLANKS, options=TOLD),
    Case("Translation by transformer", IO, transformer_translator),
    Case("Captions for pictures", IO, captions),
]
