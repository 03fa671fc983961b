"""TimeDistributed in a graph over an unknown number of steps: steps get lost, or it fails."""

import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from keras import ops


class Fixed(keras.layers.TimeDistributed):
    """The second half of `call`, with the steps counted instead of the rows; without a mask."""

    def call(self, inputs, training=None, mask=None):  # noqa: D102
        steps = ops.swapaxes(inputs, 0, 1)
        outputs = ops.vectorized_map(
            lambda i: self.layer.call(steps[i]), ops.arange(ops.shape(inputs)[1])
        )
        return ops.swapaxes(outputs, 0, 1)


print(f"Keras {keras.__version__}, TensorFlow {tf.__version__}")
keras.utils.set_random_seed(0)
dense = keras.layers.Dense(3)
x = np.random.default_rng(0).normal(size=(6, 4, 5)).astype("float32")
for layer in (keras.layers.TimeDistributed(dense), Fixed(dense)):
    layer(x)
    in_a_graph = tf.function(
        layer, input_signature=[tf.TensorSpec((None, None, 5))], autograph=False
    )
    for rows in (2, 4, 6):
        try:
            graph = in_a_graph(x[:rows])
            said = f"{tuple(graph.shape)}"
            if graph.shape == layer(x[:rows]).shape:
                said += f", differs by {np.abs(graph - dense(x[:rows])).max():.0e}"
        except tf.errors.InvalidArgumentError as error:
            said = f"{type(error).__name__}: {error.message.splitlines()[-1][:60]}"
        print(f"{type(layer).__name__:15} {rows} rows of 4 steps, in a graph: {said}")
