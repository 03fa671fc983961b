"""What the processes of lesson 09's claims do: each prints one line of JSON."""

import contextlib
import importlib
import json
import os

import numpy as np

LENGTHS = np.array([8, 7, 2, 1])
RNG = np.random.default_rng(9)
IDS = np.where(np.arange(8) < LENGTHS[:, None], RNG.integers(1, 10, size=(4, 8)), 0)
TARGETS = RNG.normal(size=(4, 8, 1)).astype("float32")
WEIGHTS = [RNG.normal(size=shape).astype("float32") for shape in ((10, 4), (4, 1), (1,))]


def build(keras, loss="mse", micro_batches=None):
    layers = [keras.layers.Embedding(10, 4, mask_zero=True), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model(IDS)
    model.set_weights(WEIGHTS)
    more = {"gradient_accumulation_steps": micro_batches} if micro_batches else {}
    model.compile(optimizer=keras.optimizers.SGD(1.0, **more), loss=loss)
    return model


def fitted(tf, keras, strategy, weights=None, batch=4, micro_batches=None):
    """Return loss and gradients of kernel and bias; with a rate of 1, weights move by them."""
    with strategy.scope():
        loss = "mse" if weights is None else keras.losses.MeanSquaredError(reduction="sum")
        model = build(keras, loss, micro_batches)
    data = (IDS, TARGETS) if weights is None else (IDS, TARGETS, weights)
    return fit_once(tf, model, data, batch)


def fit_once(tf, model, data, batch):
    model.set_weights(WEIGHTS)
    batches = tf.data.Dataset.from_tensor_slices(data).batch(batch)
    log = model.fit(batches, shuffle=False, verbose=0)
    moved = [old - new for old, new in zip(WEIGHTS, model.get_weights(), strict=True)]
    return [log.history["loss"][0], *moved[1].ravel().tolist(), *moved[2].tolist()]


def replica_step(tf, keras, model, x, y):
    context = tf.distribute.get_replica_context()
    steps = context.all_reduce("SUM", tf.reduce_sum(tf.cast(x != 0, "float32")))
    with tf.GradientTape() as tape:
        loss = keras.losses.MeanSquaredError(reduction="sum")(y, model(x)) / steps
    gradients = tape.gradient(loss, model.trainable_weights[1:])
    return [context.all_reduce("SUM", tf.convert_to_tensor(one)) for one in (loss, *gradients)]


def loop_of(tf, keras, strategy):
    """Return a function of a batch: loss and gradients of a custom loop on this strategy."""
    with strategy.scope():
        model = build(keras)

    @tf.function
    def step(x, y):
        return strategy.run(lambda x, y: replica_step(tf, keras, model, x, y), (x, y))

    def run(x, y):
        results = [strategy.experimental_local_results(one)[0] for one in step(x, y)]
        return [float(number) for one in results for number in np.ravel(one)]

    return run


def cut(tf, strategy, x, y):
    """Return the batch as the strategy cuts it."""
    batches = tf.data.Dataset.from_tensor_slices((x, y)).batch(4)
    (batch,) = strategy.experimental_distribute_dataset(batches)
    return batch


def random_batch(rng):
    """Return ids and targets of 4 rows of 0 to 8 steps, one step at least."""
    lengths = rng.integers(0, 9, size=4)
    lengths[rng.integers(4)] = rng.integers(1, 9)
    ids = np.where(np.arange(8) < lengths[:, None], rng.integers(1, 10, size=(4, 8)), 0)
    return ids, rng.normal(size=(4, 8, 1)).astype("float32")


def random_splits(tf, keras, strategies, count):
    """Return for random batches their ids, their targets, and what the fix gives in each way."""
    summed, rng, found = (
        keras.losses.MeanSquaredError(reduction="sum"),
        np.random.default_rng(0),
        [],
    )
    models, loops = {}, {name: loop_of(tf, keras, one) for name, one in strategies.items()}
    for name, strategy in strategies.items():
        with strategy.scope():
            models[name] = build(keras, summed)
    with contextlib.suppress(TypeError, ValueError):  # an optimizer without it
        models["micro"] = build(keras, summed, 2)
    for _ in range(count):
        ids, targets = random_batch(rng)
        weights = ((ids != 0) / (ids != 0).sum()).astype("float32")
        results = {}
        for name, model in models.items():
            parts = 2 if name == "micro" else 1
            data = (ids, targets, parts * weights)
            results[f"fit {name}"] = fit_once(tf, model, data, 4 // parts)
        for name, run in loops.items():
            results[f"loop {name}"] = run(*cut(tf, strategies[name], ids, targets))
        found.append([ids.tolist(), targets.tolist(), results])
    return found


def alone(tf, keras):
    """Return loss and gradients of each row by itself, times its share of the real steps."""
    model, found = build(keras), []
    for row, y, length in zip(IDS, TARGETS, LENGTHS, strict=True):
        with tf.GradientTape() as tape:
            loss = keras.losses.MeanSquaredError()(y[None, :length], model(row[None, :length]))
        gradients = tape.gradient(loss, model.trainable_weights[1:])
        numbers = np.concatenate([np.ravel(one) for one in (loss, *gradients)])
        found.append((numbers * length / LENGTHS.sum()).tolist())
    return found


def on_devices(splits=4):
    import tensorflow as tf

    (cpu,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 4)
    keras = importlib.import_module(os.environ.get("CLAIMS_KERAS", "keras"))
    weights = ((IDS != 0) / LENGTHS.sum()).astype("float32")
    found, strategies = {"alone": alone(tf, keras)}, {}
    for count in (1, 2, 4):
        names = [f"CPU:{number}" for number in range(count)]
        strategy = tf.distribute.MirroredStrategy(names, tf.distribute.ReductionToOneDevice())
        found[f"fit {count}"] = fitted(tf, keras, strategy)
        found[f"fixed {count}"] = fitted(tf, keras, strategy, weights)
        batch = cut(tf, strategy, IDS, TARGETS)
        found[f"loop {count}"] = loop_of(tf, keras, strategy)(*batch)
        strategies[count] = strategy
    found["splits"] = random_splits(tf, keras, strategies, splits)
    one = tf.distribute.get_strategy()
    try:
        found["micro"] = fitted(tf, keras, one, None, 2, 2)
        found["micro fixed"] = fitted(tf, keras, one, 2 * weights, 2, 2)
    except (TypeError, ValueError) as error:  # an optimizer without it; the claim says since when
        found["micro"] = found["micro fixed"] = [str(error)]
    print(json.dumps(found))


def on_workers(splits=4):
    import tensorflow as tf

    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    keras = importlib.import_module(os.environ.get("CLAIMS_KERAS", "keras"))
    mine = strategy.cluster_resolver.task_id
    rows = slice(2 * mine, 2 * mine + 2)
    batch = tf.constant(IDS[rows]), tf.constant(TARGETS[rows])
    loop = loop_of(tf, keras, strategy)
    found = {"loop": loop(*batch), "splits": []}
    rng = np.random.default_rng(1)
    for _ in range(splits):
        ids, targets = random_batch(rng)
        part = tf.constant(ids[rows]), tf.constant(targets[rows])
        found["splits"].append([ids.tolist(), targets.tolist(), {"loop": loop(*part)}])
    try:
        fitted(tf, keras, strategy)
        found["fit"] = "no error"
    except Exception as error:
        found["fit"] = type(error).__name__ + " PerReplica" * ("PerReplica" in str(error))
    print(json.dumps(found))
