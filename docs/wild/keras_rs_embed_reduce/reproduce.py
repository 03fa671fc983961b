"""`EmbedReduce(mask_zero=True)` takes the mean over padding as well."""

import keras
import keras_rs
import numpy as np
from keras import ops

keras.utils.set_random_seed(0)
layer = keras_rs.layers.EmbedReduce(40, 4, combiner="mean", mask_zero=True)
alone = np.array([[5, 6, 7]])
padded = np.array([[5, 6, 7, 0, 0, 0]])
print("alone  ", np.round(layer(alone)[0], 4))
print("padded ", np.round(layer(padded)[0], 4))
print("with `weights` of 1 at real steps and 0 at padding, which works today:")
print("padded ", np.round(layer(padded, ops.cast(padded != 0, "float32"))[0], 4))
