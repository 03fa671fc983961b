"""The blocks that the rebuilt examples share."""

import keras
from keras import layers, ops


class TokenAndPosition(layers.Layer):
    """Token and place embeddings added, as most of the examples do it: no mask."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.tokens = layers.Embedding(40, 16)
        self.places = layers.Embedding(32, 16)

    def call(self, ids):
        return self.tokens(ids) + self.places(ops.arange(ops.shape(ids)[1]))


class EncoderBlock(layers.Layer):
    """A post-norm block; it hands a mask on and to its attention if one comes."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.attention = layers.MultiHeadAttention(2, 8)
        self.feed_forward = keras.Sequential([layers.Dense(32, "relu"), layers.Dense(16)])
        self.norms = [layers.LayerNormalization(), layers.LayerNormalization()]
        self.supports_masking = True

    def call(self, x, mask=None):
        allowed = None if mask is None else ops.cast(mask[:, None, :], "int32")
        x = self.norms[0](x + self.attention(x, x, attention_mask=allowed))
        return self.norms[1](x + self.feed_forward(x))


class DecoderBlock(layers.Layer):
    """Causal attention, attention over what was encoded, a feed-forward part; takes a list."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.own = layers.MultiHeadAttention(2, 8)
        self.across = layers.MultiHeadAttention(2, 8)
        self.feed_forward = keras.Sequential([layers.Dense(32, "relu"), layers.Dense(16)])
        self.norms = [layers.LayerNormalization() for _ in range(3)]
        self.supports_masking = True

    def call(self, inputs, mask=None):
        x, encoded = inputs
        x_mask, encoded_mask = mask or (None, None)
        x = self.norms[0](x + self.own(x, x, query_mask=x_mask, use_causal_mask=True))
        across = self.across(x, encoded, encoded, query_mask=x_mask, key_mask=encoded_mask)
        x = self.norms[1](x + across)
        return self.norms[2](x + self.feed_forward(x))


class CausalBlock(layers.Layer):
    """A decoder without an encoder: each step sees itself and those before it."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.attention = layers.MultiHeadAttention(2, 8)
        self.feed_forward = keras.Sequential([layers.Dense(32, "relu"), layers.Dense(16)])
        self.norms = [layers.LayerNormalization(), layers.LayerNormalization()]

    def call(self, x):
        x = self.norms[0](x + self.attention(x, x, use_causal_mask=True))
        return self.norms[1](x + self.feed_forward(x))


class PositionalEmbedding(layers.Layer):
    """Token and place embeddings added, with the mask of the tokens."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.tokens = layers.Embedding(40, 16, mask_zero=True)
        self.places = layers.Embedding(32, 16)

    def call(self, ids):
        return self.tokens(ids) + self.places(ops.arange(ops.shape(ids)[1]))

    def compute_mask(self, ids, mask=None):
        return self.tokens.compute_mask(ids)


class SwitchFeedForward(layers.Layer):
    """A router that sends each step to the expert with the highest score."""

    def __init__(self, experts, units, **kwargs):
        super().__init__(**kwargs)
        self.router = layers.Dense(experts, activation="softmax")
        self.experts = [layers.Dense(units, activation="relu") for _ in range(experts)]

    def call(self, x):
        gates = self.router(x)
        chosen = ops.one_hot(ops.argmax(gates, axis=-1), len(self.experts), dtype=x.dtype)
        outputs = ops.stack([expert(x) for expert in self.experts], axis=-1)
        return ops.sum(outputs * (gates * chosen)[:, :, None, :], axis=-1)
