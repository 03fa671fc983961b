"""What lessons say in *In practice*: each sentence that a machine can be asked is asked here.

Those of lesson 04 stand in `test_carry_over.py`, those of `audit` in the tests of the audit.
"""

import warnings

import numpy as np
import pytest

from course_lib.loss import masked_loss, per_step_loss
from course_lib.padding import masked_mean
from tests.needs import keras

tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed")
layers = keras.layers

IDS = np.array([[3, 1, 2, 0], [4, 2, 0, 0]])
REAL = IDS != 0
X = np.random.default_rng(0).normal(size=(2, 4, 3)).astype("float32")


def mask_of(tensor):
    mask = getattr(tensor, "_keras_mask", None)
    return None if mask is None else np.asarray(mask)


@pytest.fixture
def masked():
    """A tensor (2, 4, 3) that carries the mask of the ids."""
    keras.utils.set_random_seed(0)
    return layers.Embedding(5, 3, mask_zero=True)(IDS)


class TestPadding:
    def test_the_older_name_is_the_same_function(self):
        old = tf.keras.preprocessing.sequence.pad_sequences
        assert old is keras.utils.pad_sequences or old is keras.preprocessing.sequence.pad_sequences
        assert old([[1]], 2).tolist() == keras.utils.pad_sequences([[1]], 2).tolist()

    def test_pooling_replaces_nan_at_padding(self):
        spoiled = np.where(REAL[..., None], X, np.nan).astype("float32")
        pooled = layers.GlobalAveragePooling1D()(spoiled, mask=REAL)
        assert np.allclose(pooled, masked_mean(X, REAL, axis=1), atol=1e-6)
        assert np.array_equal(masked_mean(spoiled, REAL, axis=1), masked_mean(X, REAL, axis=1))


class TestEmbedding:
    def test_row_0_of_zeros_is_no_substitute_for_a_mask(self):
        layer = layers.Embedding(5, 3)
        layer.build()
        layer.set_weights([np.vstack([np.zeros(3), np.ones((4, 3))])])
        plain = np.asarray(layers.GlobalAveragePooling1D()(layer(IDS)))
        assert np.allclose(plain, [[0.75] * 3, [0.5] * 3])

    @pytest.mark.parametrize(
        ("options", "optimizer"),
        [
            ({"embeddings_regularizer": "l2"}, {}),
            ({}, {"weight_decay": 0.1}),
        ],
    )
    def test_what_moves_row_0_whatever_the_mask_says(self, options, optimizer):
        moved = []
        for layer_options, optimizer_options in (({}, {}), (options, optimizer)):
            keras.utils.set_random_seed(0)
            embedding = layers.Embedding(5, 3, mask_zero=True, **layer_options)
            model = keras.Sequential([embedding, layers.LSTM(2)])
            model.compile(keras.optimizers.SGD(0.1, **optimizer_options), "mse")
            model.build((None, 4))
            before = embedding.get_weights()[0][0]
            model.fit(IDS, np.ones((2, 2)), verbose=0)
            moved.append(not np.array_equal(embedding.get_weights()[0][0], before))
        assert moved == [False, True]
        # It does no harm: no result depends on row 0.
        scores = np.asarray(model(IDS))
        embedding.set_weights([embedding.get_weights()[0] + 9 * np.eye(5, 1)])
        assert np.array_equal(model(IDS), scores)

    def test_float_ids_take_row_0_and_count_as_real(self):
        layer = layers.Embedding(5, 3, mask_zero=True)
        vectors = layer(np.array([[0.7, 0.0]]))
        table = layer.get_weights()[0]
        assert np.array_equal(vectors[0], table[[0, 0]])
        assert np.asarray(layer.compute_mask(np.array([[0.7, 0.0]]))).tolist() == [[True, False]]

    def test_padding_with_another_id_by_a_mask_of_ones_own(self):
        embedding, lstm = layers.Embedding(5, 3), layers.LSTM(2)
        ids = np.where(REAL, IDS, 4)
        ids[1, 0] = 3
        in_batch = np.asarray(lstm(embedding(ids), mask=ids != 4))
        for row, scores in zip(ids, in_batch, strict=True):
            assert np.allclose(lstm(embedding(row[row != 4][None]))[0], scores, atol=1e-6)


class TestPropagation:
    def test_layers_keep_the_mask_where_operations_lose_it(self, masked):
        assert np.array_equal(mask_of(layers.Rescaling(2.0)(masked)), REAL)
        assert mask_of(masked * 2) is None
        other = layers.Embedding(5, 3, mask_zero=True)(IDS)
        assert np.array_equal(mask_of(layers.Add()([masked, other])), REAL)
        assert mask_of(masked + other) is None

    def test_a_lambda_keeps_the_mask_when_told(self, masked):
        told = layers.Lambda(lambda x: x * 2, mask=lambda inputs, mask: mask)
        assert np.array_equal(mask_of(told(masked)), REAL)
        assert mask_of(layers.Lambda(lambda x: x * 2)(masked)) is None

    def test_multi_head_attention_reads_the_query_s_mask_from_the_query(self, masked):
        received = {}

        class Attention(layers.MultiHeadAttention):
            def _compute_attention_mask(
                self, query, value, query_mask=None, value_mask=None, **more
            ):
                received.update(query=query_mask, value=value_mask)
                return super()._compute_attention_mask(
                    query, value, query_mask=query_mask, value_mask=value_mask, **more
                )

        other = np.ones((2, 4), bool)
        Attention(1, 2)(masked, masked, query_mask=other, value_mask=other)
        assert np.array_equal(received["query"], REAL)
        assert np.array_equal(received["value"], other)
        assert mask_of(masked) is None  # taken off its input

    def test_the_mask_of_softmax_means_features(self, masked):
        softmax = layers.Softmax()
        with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
            softmax(masked)
        square = layers.Embedding(5, 4, mask_zero=True)(IDS[:, :4])
        fits = layers.Embedding(5, 4, mask_zero=True)(np.array([[1, 2, 0, 0]] * 4))
        zeroed = np.asarray(softmax(fits))
        assert np.allclose(zeroed[:, :, 2:], 0)
        assert np.allclose(layers.Activation("softmax")(square).numpy().sum(axis=-1), 1, atol=1e-6)

    def test_group_normalization_forwards_the_mask_with_padding_in_its_mean(self, masked):
        layer = layers.GroupNormalization(1)
        out = layer(masked)
        assert np.array_equal(mask_of(out), REAL)
        spoiled = tf.where(REAL[..., None], masked, 9.0)
        assert not np.allclose(np.asarray(out)[REAL], np.asarray(layer(spoiled))[REAL], atol=1e-3)

    @pytest.mark.parametrize("training", [False, True])
    def test_batch_normalization_uses_the_mask_in_training_only(self, training):
        results = []
        for filler in (0.0, 9.0):
            layer = layers.BatchNormalization()
            spoiled = np.where(REAL[..., None], X, filler).astype("float32")
            with_mask = np.asarray(layer(spoiled, mask=REAL, training=training))[REAL]
            without = np.asarray(layers.BatchNormalization()(spoiled, training=training))[REAL]
            results.append((with_mask, np.allclose(with_mask, without, atol=1e-5)))
        assert np.allclose(results[0][0], results[1][0], atol=1e-5)
        assert [same for _, same in results] == [not training] * 2

    def test_a_mask_by_hand_with_two_tensors_does_not_reach_the_output(self, masked):
        received = []

        class Two(layers.Layer):
            def __init__(self):
                super().__init__()
                self.supports_masking = True

            def call(self, x, y, x_mask=None):
                received.append(np.asarray(x_mask))
                return x + y

        out = Two()(masked, X, x_mask=~REAL)
        assert np.array_equal(received[-1], ~REAL)
        assert np.array_equal(mask_of(out), REAL)

    def test_a_raw_operation_with_nothing_to_do_keeps_the_mask(self, masked):
        assert np.array_equal(mask_of(keras.ops.cast(masked, "float32")), REAL)
        assert mask_of(keras.ops.cast(masked, "float16")) is None

    def test_only_a_call_with_mask_takes_one(self):
        with pytest.raises(TypeError, match="unexpected keyword argument 'mask'"):
            layers.Dense(2)(X, mask=REAL)

    def test_a_list_is_one_argument(self, masked):
        received = []

        class OfLists(layers.Layer):
            def call(self, inputs, mask=None):
                received.append(mask)
                return inputs[0]

        OfLists()([masked, keras.ops.convert_to_tensor(X)])
        first, second = received[-1]
        assert np.array_equal(first, REAL)
        assert second is None

    def test_outside_of_the_model_there_are_no_masks(self, masked):
        model = keras.Sequential([layers.Embedding(5, 3, mask_zero=True)])
        assert isinstance(model.predict(IDS, verbose=0), np.ndarray)
        assert not hasattr(model.predict(IDS, verbose=0), "_keras_mask")
        assert not hasattr(masked.numpy(), "_keras_mask")

    def test_a_layer_that_returns_its_very_input_warns_and_keeps_the_mask(self, masked):
        class Same(layers.Layer):
            def call(self, x):
                return x

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            out = Same()(masked)
        assert any("destroy the mask" in str(warning.message) for warning in caught)
        assert np.array_equal(mask_of(out), REAL)


def with_mask(values):
    """Return a tensor that carries the mask of the ids."""
    tensor = keras.ops.convert_to_tensor(np.asarray(values, "float32"))
    tensor._keras_mask = keras.ops.convert_to_tensor(REAL)
    return tensor


class TestLoss:
    truth = np.array([[1, 0, 1, 1], [0, 1, 1, 1]])
    scores = np.array([[0.9, 0.2, 0.3, 0.1], [0.6, 0.7, 0.2, 0.1]])

    def test_a_regularizer_is_added_to_the_masked_mean(self, masked):
        dense = layers.Dense(1, kernel_regularizer=keras.regularizers.L2(0.1))
        ids = keras.Input((4,))
        model = keras.Model(ids, dense(layers.Embedding(5, 3, mask_zero=True)(ids)))
        model.compile(loss="mse", run_eagerly=True)
        squares = np.square(np.asarray(model(IDS)) - 1)[..., 0]
        term = 0.1 * np.square(dense.get_weights()[0]).sum()
        reported = model.evaluate(IDS, np.ones((2, 4, 1)), verbose=0)
        assert reported == pytest.approx(squares[REAL].mean() + term, rel=1e-5)

    def test_a_target_of_minus_1_at_padding_changes_hinge(self):
        clean = np.where(REAL, self.truth, 0)[..., None]
        spoiled = np.where(REAL, self.truth, -1)[..., None]
        y_pred = with_mask(self.scores[..., None])
        steps = np.maximum(1 - (2 * self.truth - 1) * self.scores, 0)
        hinge = keras.losses.Hinge()
        assert float(hinge(clean, y_pred)) == pytest.approx(steps[REAL].mean(), rel=1e-5)
        assert float(hinge(spoiled, y_pred)) != pytest.approx(steps[REAL].mean(), rel=1e-2)

    def test_the_targets_mask_is_never_looked_at(self):
        plain = keras.losses.MeanSquaredError()
        marked = plain(with_mask(X[..., :1]), np.zeros((2, 4, 1), "float32"))
        bare = plain(X[..., :1], np.zeros((2, 4, 1), "float32"))
        assert np.allclose(marked, bare)
        assert not np.allclose(plain(np.zeros((2, 4, 1)), with_mask(X[..., :1])), bare)

    @pytest.mark.parametrize(
        "make",
        [
            lambda: keras.metrics.BinaryIoU(target_class_ids=[1]),
            lambda: keras.metrics.MeanIoU(num_classes=2),
        ],
    )
    def test_iou_counts_padding(self, make):
        scores = np.round(self.scores)
        results = []
        for y_true, y_pred in (
            (self.truth, with_mask(scores)),
            (self.truth, scores),
            (self.truth[REAL], scores[REAL]),
        ):
            metric = make()
            metric.update_state(y_true, y_pred)
            results.append(float(metric.result()))
        assert results[0] == results[1] != results[2]

    def test_f1_takes_rows_and_labels_only(self):
        metric = keras.metrics.F1Score(threshold=0.5)
        with pytest.raises(ValueError, match="expects 2D inputs"):
            metric.update_state(self.truth[..., None], self.scores[..., None])
        metric = keras.metrics.F1Score(threshold=0.5)
        metric.update_state(self.truth[REAL][:, None], self.scores[REAL][:, None].astype("float32"))
        hits = (self.truth[REAL] == 1) & (self.scores[REAL] > 0.5)
        expected = 2 * hits.sum() / ((self.scores[REAL] > 0.5).sum() + self.truth[REAL].sum())
        assert np.allclose(metric.result(), expected)

    def test_outputs_without_a_time_axis_carry_no_mask(self, masked):
        assert mask_of(layers.LSTM(2)(masked)) is None
        assert mask_of(layers.GlobalAveragePooling1D()(masked)) is None

    def test_an_id_that_a_sparse_loss_does_not_know_spoils_the_loss(self):
        probabilities = np.full((2, 4, 3), 1 / 3, "float32")
        loss = keras.losses.SparseCategoricalCrossentropy()
        classes = np.where(REAL, 1, -1)

        def carried():
            tensor = keras.ops.convert_to_tensor(probabilities)
            tensor._keras_mask = keras.ops.convert_to_tensor(REAL)
            return tensor

        clean = float(loss(np.where(REAL, 1, 0), carried()))
        assert clean == pytest.approx(np.log(3), rel=1e-5)
        # TensorFlow gives NaN on some machines and an error on others.
        try:
            spoiled = float(loss(classes, carried()))
        except (tf.errors.InvalidArgumentError, ValueError):
            return
        assert np.isnan(spoiled)

    def test_row_weights_without_a_mask_make_the_loss_t_times_as_large(self):
        weights = np.array([[1.0], [3.0]])
        values = per_step_loss("mean_squared_error", X, np.zeros_like(X))
        loss = keras.losses.MeanSquaredError(reduction="mean_with_sample_weight")
        found = float(loss(X, np.zeros_like(X), sample_weight=weights))
        right = masked_loss(values, None, weights, "mean_with_sample_weight")
        assert found == pytest.approx(4 * right, rel=1e-5)
        spread = np.repeat(weights, 4, axis=1)
        assert float(loss(X, np.zeros_like(X), sample_weight=spread)) == pytest.approx(
            right, rel=1e-5
        )

    def test_the_mean_of_two_parts_is_not_the_loss_of_the_whole(self):
        values = per_step_loss("mean_squared_error", X, np.zeros_like(X))
        parts = [masked_loss(values[[row]], REAL[[row]]) for row in range(2)]
        assert not np.isclose(np.mean(parts), masked_loss(values, REAL))
        assert np.isclose(np.dot(parts, REAL.sum(axis=1)) / REAL.sum(), masked_loss(values, REAL))

    def test_ignore_class_is_combined_with_the_mask(self):
        rng = np.random.default_rng(1)
        probabilities = rng.dirichlet(np.ones(3), (2, 4)).astype("float32")
        classes = np.array([[0, 2, 1, 1], [1, 2, 0, 0]])
        y_pred = keras.ops.convert_to_tensor(probabilities)
        y_pred._keras_mask = keras.ops.convert_to_tensor(REAL)
        found = keras.losses.SparseCategoricalCrossentropy(ignore_class=2)(classes, y_pred)
        values = per_step_loss("sparse_categorical_crossentropy", classes, probabilities)
        expected = masked_loss(values, REAL & (classes != 2))
        assert float(found) == pytest.approx(expected, rel=1e-5)


class TestLostMasks:
    def test_symbolic_masks_survive_what_real_ones_do_not(self, masked):
        ids = keras.Input((None,))
        h = layers.Embedding(5, 4, mask_zero=True)(ids)
        normed = layers.LayerNormalization()(
            layers.Add()([h, layers.MultiHeadAttention(1, 2)(h, h)])
        )
        assert normed._keras_mask is not None
        assert mask_of(keras.Model(ids, normed)(IDS)) is None

    def test_weights_of_0_at_padding_and_a_mask_agree(self):
        values = per_step_loss("mean_squared_error", X, np.zeros_like(X))
        y_pred = with_mask(np.zeros_like(X))
        loss = keras.losses.MeanSquaredError()
        with_both = float(loss(X, y_pred, sample_weight=REAL.astype("float32")))
        assert with_both == pytest.approx(masked_loss(values, REAL), rel=1e-5)


def post_norm(x, attention_mask=None):
    attended = layers.MultiHeadAttention(1, 3)(x, x, attention_mask=attention_mask)
    return layers.LayerNormalization()(layers.Add()([x, attended]))


class TestAttention:
    def rows_alone(self, run):
        """Return whether each row gets what it gets alone."""
        in_batch = np.asarray(run(IDS))
        return all(
            np.allclose(in_batch[row][REAL[row]], run(IDS[[row]][:, REAL[row]])[0], atol=1e-5)
            for row in range(len(IDS))
        )

    @pytest.mark.parametrize("side", ["in front", "at the end"])
    def test_a_table_of_positions_counts_from_the_first_column(self, side):
        ids = IDS[:, ::-1] if side == "in front" else IDS
        real = ids != 0
        words, places = layers.Embedding(5, 3), layers.Embedding(4, 3)

        def run(ids, positions=None):
            positions = np.arange(ids.shape[1])[None] if positions is None else positions
            return np.asarray(words(ids) + places(positions))

        counted = run(ids, np.maximum(np.cumsum(real, axis=1) - 1, 0))
        for row in range(2):
            alone = run(ids[[row]][:, real[row]])[0]
            assert np.allclose(run(ids)[row][real[row]], alone) == (side == "at the end")
            assert np.allclose(counted[row][real[row]], alone)

    @pytest.mark.parametrize("causal", [True, False])
    def test_a_causal_mask_alone_protects_rows_that_are_padded_at_the_end(self, causal):
        embedding, attention = layers.Embedding(5, 3), layers.MultiHeadAttention(1, 3)
        sound = self.rows_alone(
            lambda ids: attention(*[embedding(ids)] * 2, use_causal_mask=causal)
        )
        assert sound == causal

    def test_attention_does_not_divide_its_scores(self):
        _, weights = layers.Attention()([X, X], return_attention_scores=True)
        scores = X @ X.swapaxes(1, 2)
        powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
        assert np.allclose(weights, powers / powers.sum(axis=-1, keepdims=True), atol=1e-5)
        scaled = layers.Attention(use_scale=True)
        scaled.build([X.shape, X.shape])
        assert [weight.shape for weight in scaled.trainable_weights] == [()]

    @pytest.mark.filterwarnings("ignore:Layer 'block")
    @pytest.mark.parametrize("supports", [True, False])
    def test_a_block_of_ones_own_keeps_the_mask_if_it_supports_masking(self, masked, supports):
        class Block(layers.Layer):
            def __init__(self):
                super().__init__(name="block")
                self.supports_masking = supports
                self.attention = [layers.MultiHeadAttention(1, 3) for _ in range(2)]

            def call(self, x):
                seen = x
                for attention in self.attention:
                    self.left = getattr(seen, "_keras_mask", None) is not None
                    seen = seen + attention(seen, seen)
                return seen

        block = Block()
        block(X)  # builds its layers; with `masked`, the building itself would strip it
        assert (mask_of(block(masked)) is not None) == supports
        assert not block.left  # at the second attention

    def test_post_norm_with_masks_by_hand(self):
        ids = keras.Input((None,), dtype="int32")
        pairs = keras.ops.not_equal(ids, 0)[:, None, :]
        x = layers.Embedding(5, 3)(ids)
        model = keras.Model(ids, post_norm(post_norm(x, pairs), pairs))
        assert self.rows_alone(lambda ids: np.asarray(model(ids)))
        loss = keras.losses.MeanSquaredError(reduction="mean_with_sample_weight")
        out = np.asarray(model(IDS))
        squares = per_step_loss("mean_squared_error", X, out)
        found = float(loss(X, out, sample_weight=REAL.astype("float32")))
        assert found == pytest.approx(masked_loss(squares, REAL), rel=1e-4)

    def test_the_operation_of_keras_takes_a_mask_in_any_dtype(self):
        x = keras.ops.cast(X[:, :, None], "float16")
        pairs = np.zeros((2, 1, 4, 4), bool)
        out = keras.ops.dot_product_attention(x, x, x, mask=pairs)
        assert np.isfinite(np.asarray(out)).all()
        pairs[...] = REAL[:, None, None, :]
        same = np.asarray(keras.ops.dot_product_attention(x, x, x, mask=pairs))
        spoiled = np.asarray(X[:, :, None], "float16")
        spoiled[~REAL] = 9
        other = np.asarray(keras.ops.dot_product_attention(x, spoiled, spoiled, mask=pairs))
        assert np.allclose(same, other, atol=1e-2)


class TestBatching:
    rows = ([1, 2, 3], [4, 1], [2], [3, 1, 2, 4, 1], [2, 2])

    def stream(self):
        signature = tf.TensorSpec([None], tf.int32)
        return tf.data.Dataset.from_generator(lambda: iter(self.rows), output_signature=signature)

    def model(self, traced):
        class Spy(layers.Layer):
            supports_masking = True

            def call(self, x):
                traced.append(x.shape)
                return x + 0.0

        model = keras.Sequential([layers.Embedding(5, 3), Spy(), layers.LSTM(2), layers.Dense(1)])
        model.compile("sgd", "mse")
        model.build((None, None))
        traced.clear()
        return model

    def test_fit_traces_a_data_set_of_many_lengths_once(self):
        traced = []
        batches = self.stream().map(lambda row: (row, 1.0)).padded_batch(1)
        self.model(traced).fit(batches, epochs=2, verbose=0, shuffle=False)
        assert [tuple(shape) for shape in traced] == [(None, None, 3)]

    def test_train_on_batch_traces_twice(self):
        traced = []
        model = self.model(traced)
        for row in self.rows:
            model.train_on_batch(np.array([row]), np.ones(1))
        assert [tuple(shape) for shape in traced] == [(1, 3, 3), (1, None, 3)]

    @pytest.mark.parametrize(("signature", "count"), [(None, 4), ([tf.TensorSpec([None])], 1)])
    def test_a_function_of_ones_own_is_traced_for_each_length(self, signature, count):
        function = tf.function(lambda x: x + 1, input_signature=signature)
        for row in self.rows:  # of 4 lengths
            function(tf.constant(row, tf.float32))
        assert function.experimental_get_tracing_count() == count

    def test_buckets_padded_to_their_boundary(self):
        def batches(boundaries):
            sizes = [1] * (len(boundaries) + 1)
            dataset = self.stream().bucket_by_sequence_length(
                lambda row: tf.shape(row)[0], boundaries, sizes, pad_to_bucket_boundary=True
            )
            return [batch.shape[1] for batch in dataset]

        assert sorted(batches([3, 6])) == [2, 2, 2, 5, 5]
        wrapped = (tf.errors.InvalidArgumentError, tf.errors.InternalError)
        with pytest.raises(wrapped, match="elements must have length"):
            batches([3, 5])

    def test_a_ragged_batch_goes_into_an_embedding_and_not_into_an_lstm(self):
        (ragged,) = self.stream().ragged_batch(5)
        vectors = layers.Embedding(5, 3)(ragged)
        assert [len(row) for row in vectors] == [len(row) for row in self.rows]
        with pytest.raises(ValueError, match="ragged"):
            layers.LSTM(2)(vectors)

    def test_one_loss_weight_divides_every_batch(self):
        ids = keras.utils.pad_sequences(self.rows[:4], padding="post")
        inputs = keras.Input((None,), dtype="int32")
        outputs = layers.Dense(1)(layers.Embedding(5, 3, mask_zero=True)(inputs))
        model, targets = keras.Model(inputs, outputs), ids[..., None] / 2
        squares = np.square(np.asarray(model(ids)) - targets)[..., 0][ids != 0]
        summed = keras.losses.MeanSquaredError(reduction="sum")
        model.compile(loss=summed, loss_weights=2 / len(squares))
        for order in ([0, 1, 2, 3], [1, 2, 0, 3]):
            found = model.evaluate(ids[order], targets[order], batch_size=2, verbose=0)
            assert found == pytest.approx(squares.mean(), rel=1e-5)

    @pytest.mark.parametrize(
        "layer",
        [
            lambda: layers.Conv1D(2, 3, padding="same"),
            lambda: layers.Bidirectional(layers.LSTM(2, return_sequences=True)),
        ],
    )
    def test_layers_that_read_over_the_seam(self, layer):
        made = layer()
        first, second = np.asarray(X[:1, :2]), np.asarray(X[1:, :2])
        together = np.asarray(made(np.concatenate([first, second], axis=1)))
        assert not np.allclose(together[:, :2], made(first), atol=1e-4)
        assert not np.allclose(together[:, 2:], made(second), atol=1e-4)
