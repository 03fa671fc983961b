"""KerasHub: text backbones, encoder–decoders, layers and tasks, tiny, with random weights."""

import inspect

import keras
import keras_hub
import numpy as np

from tools.wild.case import LENGTHS, Case, padded_features, padded_ids, real_steps

TARGET = (5, 7, 4)
TINY = {
    "decoder_hidden_dim": 16,
    "decoder_intermediate_dim": 32,
    "decoder_num_layers": 2,
    "embedding_dim": 16,
    "head_dim": 8,
    "head_size": 8,
    "hidden_dim": 16,
    "hidden_size": 16,
    "image_size": 16,
    "intermediate_dim": 32,
    "max_sequence_length": 32,
    "moe_intermediate_dim": 16,
    "num_attention_heads": 2,
    "num_experts": 8,
    "num_heads": 2,
    "num_key_value_heads": 1,
    "num_layers": 2,
    "num_layers_dec": 2,
    "num_layers_enc": 2,
    "num_query_heads": 2,
    "shared_expert_intermediate_dim": 16,
    "shared_expert_intermediate_size": 16,
    "top_k": 1,
    "vocab_size": 40,
    "vocabulary_size": 40,
}
SMOL = {
    "attention_bias": False,
    "attention_dropout": 0.0,
    "layer_norm_epsilon": 1e-5,
    "layer_types": ["full_attention"] * 2,
    "max_position_embeddings": 32,
    "mlp_bias": False,
    "partial_rotary_factor": 1.0,
    "rope_layer_enabled_list": [True, True],
    "rope_theta": 1e4,
}
GEMMA = {
    f"{side}_{name}": value
    for side in ("encoder", "decoder")
    for name, value in {
        "hidden_dim": 16,
        "intermediate_dim": 32,
        "num_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 8,
        "layer_types": ["full_attention"] * 2,
    }.items()
}
OWN = {
    "Qwen3_5Backbone": {"layer_types": ["full_attention"] * 2},
    "Qwen3_5MoeBackbone": {"layer_types": ["full_attention"] * 2},
    "SmolLM3Backbone": SMOL,
    "SmolLMBackbone": SMOL,
    "T5Gemma2Backbone": GEMMA,
    "T5GemmaBackbone": GEMMA,
}
# They read images, sound or video beside text, or nothing but these.
NOT_TEXT = (
    "Gemma3Backbone",
    "Gemma3nBackbone",
    "Gemma4Backbone",
    "MoonshineBackbone",
    "PARSeqBackbone",
    "PaliGemmaBackbone",
    "VideoPrismBackbone",
    "WhisperBackbone",
)


def backbones():
    """Return the names of the text backbones of the public API."""
    found = []
    for name in sorted(dir(keras_hub.models)):
        if name.endswith("Backbone") and name not in NOT_TEXT:
            parameters = inspect.signature(getattr(keras_hub.models, name)).parameters
            if {"vocabulary_size", "vocab_size"} & set(parameters):
                found.append(name)
    return found


def tiny(name):
    """Return a small backbone with random weights."""
    make = getattr(keras_hub.models, name)
    own = OWN.get(name, {})
    options = {
        key: own.get(key, TINY.get(key))
        for key, parameter in inspect.signature(make).parameters.items()
        if key in own or (parameter.default is inspect.Parameter.empty and key in TINY)
    }
    return make(**options)


def batch(model):
    """Return `(x, lengths)` for a model by the names of its inputs."""
    x, lengths = {}, {}
    for tensor in model.inputs:
        name = tensor.name
        steps = TARGET if name.startswith("decoder") else LENGTHS
        if name.endswith("padding_mask"):
            x[name] = real_steps(steps).astype("int32")
        elif name.endswith("token_ids"):
            x[name] = padded_ids(steps, seed=len(steps) + len(name))
        elif name == "segment_ids":
            x[name] = np.zeros((len(steps), max(steps)), "int32")
        elif name == "mask_positions":
            x[name] = np.array([[0, 1], [1, 2], [0, 2]], "int32")
            continue
        else:
            raise ValueError(f"no values are known for the input {name} of {model.name}")
        lengths[name] = steps
    return x, lengths


def of(make):
    """Return a `build` for a model that `make` returns."""

    def build():
        keras.utils.set_random_seed(0)
        model = make()
        return model, *batch(model)

    return build


def layer(make, mask=True):
    """Return a `build` for a layer between token embeddings and an output."""

    def build():
        keras.utils.set_random_seed(0)
        ids = keras.Input((None,), dtype="int32")
        x = keras_hub.layers.TokenAndPositionEmbedding(40, 32, 16, mask_zero=mask)(ids)
        return keras.Model(ids, make()(x)), padded_ids(), {None: LENGTHS}

    return build


def decoder():
    """A decoder over an encoder, the masks carried by the embeddings."""
    keras.utils.set_random_seed(0)
    source = keras.Input((None,), dtype="int32", name="source")
    target = keras.Input((None,), dtype="int32", name="target")
    embed = keras_hub.layers.TokenAndPositionEmbedding
    encoded = keras_hub.layers.TransformerEncoder(32, 2)(embed(40, 32, 16, mask_zero=True)(source))
    decoded = keras_hub.layers.TransformerDecoder(32, 2)(
        embed(40, 32, 16, mask_zero=True)(target), encoded
    )
    x = {"source": padded_ids(), "target": padded_ids(TARGET)}
    return keras.Model([source, target], decoded), x, {"source": LENGTHS, "target": TARGET}


def cached_attention():
    """`CachedMultiHeadAttention` with the mask of its keys handed over."""
    keras.utils.set_random_seed(0)
    values = keras.Input((None, 16), name="values")
    mask = keras.Input((None,), dtype="bool", name="padding_mask")
    attention = keras_hub.layers.CachedMultiHeadAttention(2, 8)
    out = attention(values, values, attention_mask=mask[:, None, :])
    x = {"values": padded_features(features=16), "padding_mask": real_steps(LENGTHS)}
    return keras.Model([values, mask], out), x, {"values": LENGTHS, "padding_mask": LENGTHS}


def task(name, backbone, **options):
    """Return a `build` for a task over a tiny backbone, without a preprocessor."""
    return of(lambda: getattr(keras_hub.models, name)(backbone=tiny(backbone), **options))


AXES = (
    "the mask is laid along the queries in place of the keys, so that real steps attend to padding"
)
MIXED = "batch and steps are swapped by a reshape, so that a row changes with its neighbours"
WHY = {
    "ESM2Backbone": AXES,
    "ESMBackbone": AXES,
    "RoformerV2Backbone": AXES,
    "XLNetBackbone": MIXED,
}
FNET = "a Fourier transform over the steps mixes padding in by design; FNet has no padding mask"
CASES = [
    Case(
        name,
        "keras-hub",
        of(lambda name=name: tiny(name)),
        FNET if "FNet" in name else "sound",
        WHY.get(name, ""),
    )
    for name in backbones()
]
LAYERS = keras_hub.layers
CASES += [
    Case("TokenAndPositionEmbedding", "keras-hub", layer(lambda: keras.layers.Dense(4))),
    Case("TransformerEncoder", "keras-hub", layer(lambda: LAYERS.TransformerEncoder(32, 2))),
    Case("TransformerDecoder", "keras-hub", layer(lambda: LAYERS.TransformerDecoder(32, 2))),
    Case("TransformerDecoder, cross-attention", "keras-hub", decoder),
    Case("CachedMultiHeadAttention", "keras-hub", cached_attention),
    Case("FNetEncoder", "keras-hub", layer(lambda: LAYERS.FNetEncoder(32)), FNET),
    Case("RotaryEmbedding", "keras-hub", layer(LAYERS.RotaryEmbedding)),
    Case("SinePositionEncoding", "keras-hub", layer(LAYERS.SinePositionEncoding)),
    Case(
        "BertTextClassifier", "keras-hub", task("BertTextClassifier", "BertBackbone", num_classes=3)
    ),
    Case(
        "DistilBertTextClassifier",
        "keras-hub",
        task("DistilBertTextClassifier", "DistilBertBackbone", num_classes=3),
    ),
    Case(
        "RobertaTextClassifier",
        "keras-hub",
        task("RobertaTextClassifier", "RobertaBackbone", num_classes=3),
    ),
    Case("BertMaskedLM", "keras-hub", task("BertMaskedLM", "BertBackbone")),
    Case("RobertaMaskedLM", "keras-hub", task("RobertaMaskedLM", "RobertaBackbone")),
    Case("GPT2CausalLM", "keras-hub", task("GPT2CausalLM", "GPT2Backbone")),
    Case("LlamaCausalLM", "keras-hub", task("LlamaCausalLM", "LlamaBackbone")),
    Case("BartSeq2SeqLM", "keras-hub", task("BartSeq2SeqLM", "BartBackbone")),
]
