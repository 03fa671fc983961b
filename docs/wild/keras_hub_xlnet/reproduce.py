"""In XLNet a row changes with its neighbours: masks and places are reshaped, not transposed."""

import keras
import keras_hub
import numpy as np
from keras import ops
from keras_hub.src.models.xlnet import xlnet_content_and_query_embedding, xlnet_encoder

keras.utils.set_random_seed(0)
ids = np.array([[5, 6, 7, 8, 9, 10], [5, 6, 7, 0, 0, 0]])
mask = (ids != 0).astype("int32")


def difference():
    """Return how much row 0, which has no padding, changes beside a row that has some."""
    keras.utils.set_random_seed(0)
    backbone = keras_hub.models.XLNetBackbone(
        vocabulary_size=40, num_layers=2, num_heads=2, hidden_dim=16, intermediate_dim=32
    )

    def run(rows):
        x = {"token_ids": ids[rows], "segment_ids": 0 * ids[rows], "padding_mask": mask[rows]}
        return np.asarray(backbone(x))

    return np.abs(run([0, 1])[0] - run([0])[0]).max()


print("beside a padded row, a row without padding changes by", difference())

# Two layers turn (steps, batch, …) into (batch, steps, …), or back, by `reshape`, which keeps the
# order of the numbers: with two rows or more, each row gets other rows' numbers. A transpose is
# what is meant.


def transpose(inputs, shape):
    """Swap the first two axes."""
    return ops.transpose(inputs, [1, 0, *range(2, len(inputs.shape))])


class Ops:
    """`keras.ops` with `reshape` replaced, for the files of these two layers alone."""

    reshape = staticmethod(transpose)

    def __getattr__(self, name):
        return getattr(ops, name)


xlnet_encoder.ops = Ops()
print("with a transpose of the masks, by                    ", difference())
xlnet_content_and_query_embedding.ops = Ops()
print("with a transpose of the places too, by               ", difference())
