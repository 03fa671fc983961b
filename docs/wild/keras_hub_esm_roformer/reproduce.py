"""RoformerV2 and ESM let padding in: the mask meets the queries, not the keys."""

import keras
import keras_hub
import numpy as np
from keras import ops

keras.utils.set_random_seed(0)
backbone = keras_hub.models.ESMBackbone(
    vocabulary_size=40, num_layers=2, num_heads=2, hidden_dim=16, intermediate_dim=32
)
alone = np.array([[5, 6, 7]])
padded = np.array([[5, 6, 7, 0, 0, 0]])


def run(ids):
    """Return the output for a batch of ids."""
    return np.asarray(backbone({"token_ids": ids}))


def difference():
    """Return how much the real tokens change when padding follows them."""
    return np.abs(run(alone)[0] - run(padded)[0, :3]).max()


print("with three steps of padding, the real steps change by", difference())


def call(self, x, attention_mask=None):
    """`call` of the layer with one change: the mask is laid along the keys, (b, 1, 1, s)."""
    b, s = ops.shape(x)[:2]
    q, k, v = (
        ops.reshape(dense(x), (b, s, self.heads, self.head_size))
        for dense in (self.q_dense, self.k_dense, self.v_dense)
    )
    if self.use_rotary:
        q, k = self.rotary_embedding_layer(q, k)
    mask = ops.reshape(attention_mask, [b, 1, 1, s])  # it was [b, 1, s, 1]
    out = ops.dot_product_attention(q, k, v, mask=mask)
    return self.o_dense(ops.reshape(out, [b, s, -1]))


for layer in backbone._flatten_layers():
    if type(layer).__name__ == "EsmSelfAttention":
        type(layer).call = call
print("with the mask along the keys, by", difference())
