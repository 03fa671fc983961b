"""Write docs/layers.md: what every layer of the installed Keras does with a mask and with padding.

Each layer is put behind an `Embedding(mask_zero=True)`, whose row for padding is large, and is
run through the trace and the solo test. A layer of Keras that stands in neither list below is an
error: a new one must be looked at, not left out.
"""

import inspect
import re
import sys
import warnings
from pathlib import Path

import keras
import numpy as np
from keras import layers

from course_lib import trace
from course_lib._audit.audit import find_leaks

PLACE = Path(__file__).parent.parent / "docs" / "layers.md"
IDS = np.array([[3, 2, 1, 4, 0, 0, 0, 0], [4, 1, 1, 2, 5, 3, 0, 0], [1, 2, 3, 4, 5, 1, 2, 3]])
D = 4

IMAGES = "images, or data that no mask is made of yet"
NO_STEPS = "takes one step, not a sequence"
ELSEWHERE = "runs another framework or a saved model"
ABSTRACT = "nothing by itself"

LEFT_OUT = {
    **dict.fromkeys(
        [
            "AugMix", "AutoContrast", "CategoryEncoding", "CenterCrop",
            "ContrastLimitedAdaptiveHistogramEqualization", "CutMix", "Discretization",
            "Equalization", "HashedCrossing", "Hashing", "IntegerLookup", "MaxNumBoundingBoxes",
            "MelSpectrogram", "MixUp", "Normalization", "RandAugment", "RandomBrightness",
            "RandomColorDegeneration", "RandomColorJitter", "RandomContrast", "RandomCrop",
            "RandomElasticTransform", "RandomErasing", "RandomFlip", "RandomGaussianBlur",
            "RandomGrayscale", "RandomHue", "RandomInvert", "RandomPerspective",
            "RandomPosterization", "RandomRotation", "RandomSaturation", "RandomSharpness",
            "RandomShear", "RandomTranslation", "RandomZoom", "Resizing", "STFTSpectrogram",
            "Solarization", "StringLookup", "TextVectorization",
        ],
        IMAGES,
    ),
    **dict.fromkeys(["GRUCell", "LSTMCell", "SimpleRNNCell", "StackedRNNCells"], NO_STEPS),
    **dict.fromkeys(["FlaxLayer", "JaxLayer", "TFSMLayer", "TorchModuleWrapper"], ELSEWHERE),
    **dict.fromkeys(["InputLayer", "Layer", "Pipeline", "Wrapper"], ABSTRACT),
}  # fmt: skip

# What a layer is given: "steps" (B, T, D), "grid" (B, T, D, 1), "cube" (B, T, D, 1, 1),
# "line" (B, T), "ids" (B, T) integers, "pair" or "self": two tensors of steps.
RECIPES = {
    "Activation": ("steps", {"activation": "relu"}),
    "ActivityRegularization": ("steps", {"l2": 0.1}),
    "AdaptiveAveragePooling1D": ("steps", {"output_size": 2}),
    "AdaptiveAveragePooling2D": ("grid", {"output_size": 2}),
    "AdaptiveAveragePooling3D": ("cube", {"output_size": (2, 2, 1)}),
    "AdaptiveMaxPooling1D": ("steps", {"output_size": 2}),
    "AdaptiveMaxPooling2D": ("grid", {"output_size": 2}),
    "AdaptiveMaxPooling3D": ("cube", {"output_size": (2, 2, 1)}),
    "Add": ("pair", {}),
    "AdditiveAttention": ("pair", {}),
    "AlphaDropout": ("steps", {"rate": 0.5}),
    "Attention": ("pair", {}),
    "Average": ("pair", {}),
    "AveragePooling1D": ("steps", {"pool_size": 2, "strides": 1, "padding": "same"}),
    "AveragePooling2D": ("grid", {"pool_size": 2, "strides": 1, "padding": "same"}),
    "AveragePooling3D": ("cube", {"pool_size": (2, 1, 1), "strides": 1, "padding": "same"}),
    "BatchNormalization": ("steps", {}),
    "Bidirectional": ("steps", {"layer": ("LSTM", {"units": 3, "return_sequences": True})}),
    "Concatenate": ("pair", {}),
    "Conv1D": ("steps", {"filters": 3, "kernel_size": 3, "padding": "same"}),
    "Conv1DTranspose": ("steps", {"filters": 3, "kernel_size": 3, "padding": "same"}),
    "Conv2D": ("grid", {"filters": 3, "kernel_size": 3, "padding": "same"}),
    "Conv2DTranspose": ("grid", {"filters": 3, "kernel_size": 3, "padding": "same"}),
    "Conv3D": ("cube", {"filters": 3, "kernel_size": 3, "padding": "same"}),
    "Conv3DTranspose": ("cube", {"filters": 3, "kernel_size": 3, "padding": "same"}),
    "ConvLSTM1D": ("grid", {"filters": 2, "kernel_size": 3, "return_sequences": True}),
    "ConvLSTM2D": ("cube", {"filters": 2, "kernel_size": (3, 1), "return_sequences": True}),
    "ConvLSTM3D": (
        "hyper",
        {"filters": 2, "kernel_size": (3, 1, 1), "return_sequences": True},
    ),
    "Cropping1D": ("steps", {"cropping": (0, 1)}),
    "Cropping2D": ("grid", {"cropping": ((0, 1), (0, 0))}),
    "Cropping3D": ("cube", {"cropping": ((0, 1), (0, 0), (0, 0))}),
    "Dense": ("steps", {"units": 3}),
    "DepthwiseConv1D": ("steps", {"kernel_size": 3, "padding": "same"}),
    "DepthwiseConv2D": ("grid", {"kernel_size": 3, "padding": "same"}),
    "Dot": ("pair", {"axes": (1, 1)}),
    "Dropout": ("steps", {"rate": 0.5}),
    "ELU": ("steps", {}),
    "EinsumDense": ("steps", {"equation": "btd,de->bte", "output_shape": (None, 3)}),
    "Embedding": ("ids", {"input_dim": 7, "output_dim": D, "mask_zero": True}),
    "Flatten": ("steps", {}),
    "GRU": ("steps", {"units": 3, "return_sequences": True}),
    "GaussianDropout": ("steps", {"rate": 0.5}),
    "GaussianNoise": ("steps", {"stddev": 0.5}),
    "GlobalAveragePooling1D": ("steps", {}),
    "GlobalAveragePooling2D": ("grid", {}),
    "GlobalAveragePooling3D": ("cube", {}),
    "GlobalMaxPooling1D": ("steps", {}),
    "GlobalMaxPooling2D": ("grid", {}),
    "GlobalMaxPooling3D": ("cube", {}),
    "GroupNormalization": ("steps", {"groups": 2}),
    "GroupQueryAttention": (
        "self",
        {"head_dim": 4, "num_query_heads": 2, "num_key_value_heads": 1},
    ),
    "Identity": ("steps", {}),
    "LSTM": ("steps", {"units": 3, "return_sequences": True}),
    "Lambda": ("steps", {"function": "x * 2"}),
    "LayerNormalization": ("steps", {}),
    "LeakyReLU": ("steps", {}),
    "Masking": ("steps", {"mask_value": 0.0}),
    "MaxPooling1D": ("steps", {"pool_size": 2, "strides": 1, "padding": "same"}),
    "MaxPooling2D": ("grid", {"pool_size": 2, "strides": 1, "padding": "same"}),
    "MaxPooling3D": ("cube", {"pool_size": (2, 1, 1), "strides": 1, "padding": "same"}),
    "Maximum": ("pair", {}),
    "Minimum": ("pair", {}),
    "MultiHeadAttention": ("self", {"num_heads": 2, "key_dim": 3}),
    "Multiply": ("pair", {}),
    "PReLU": ("steps", {"shared_axes": (1,)}),
    "Permute": ("steps", {"dims": (2, 1)}),
    "RMSNormalization": ("steps", {}),
    "RNN": ("steps", {"cell": ("GRUCell", {"units": 3}), "return_sequences": True}),
    "ReLU": ("steps", {}),
    "RepeatVector": ("line", {"n": 2}),
    "Rescaling": ("steps", {"scale": 2.0}),
    "Reshape": ("steps", {"target_shape": (-1, 2)}),
    "ReversibleEmbedding": ("ids", {"input_dim": 7, "output_dim": D, "mask_zero": True}),
    "SeparableConv1D": ("steps", {"filters": 3, "kernel_size": 3, "padding": "same"}),
    "SeparableConv2D": ("grid", {"filters": 3, "kernel_size": 3, "padding": "same"}),
    "SimpleRNN": ("steps", {"units": 3, "return_sequences": True}),
    "Softmax": ("line", {}),
    "SpatialDropout1D": ("steps", {"rate": 0.5}),
    "SpatialDropout2D": ("grid", {"rate": 0.5}),
    "SpatialDropout3D": ("cube", {"rate": 0.5}),
    "SpectralNormalization": ("steps", {"layer": ("Dense", {"units": 3})}),
    "Subtract": ("pair", {}),
    "TimeDistributed": ("steps", {"layer": ("Dense", {"units": 3})}),
    "UnitNormalization": ("steps", {}),
    "UpSampling1D": ("steps", {"size": 2}),
    "UpSampling2D": ("grid", {"size": (2, 1)}),
    "UpSampling3D": ("cube", {"size": (2, 1, 1)}),
    "ZeroPadding1D": ("steps", {"padding": (0, 1)}),
    "ZeroPadding2D": ("grid", {"padding": ((0, 1), (0, 0))}),
    "ZeroPadding3D": ("cube", {"padding": ((0, 1), (0, 0), (0, 0))}),
}


# What the words of the table mean. A word that stands here and not in the table is an error, and so
# is the reverse.
VERBS = {
    "makes": "it has no mask to look at, and its output carries one",
    "passes": "its output carries the mask that came; it does not look at it",
    "uses": "it leaves padded steps out of what it computes",
    "uses and ends": "it uses the mask, and its output has no steps left that could carry one",
    "merges": "it makes one mask of those of its inputs",
    "changes": "its output carries another mask than the one that came",
    "drops (warned)": "its output carries no mask, and Keras warns of it",
    "drops silently": "its output carries no mask, and nobody says so",
    "strips its inputs": "after the call, the tensor that it was given has no mask any more",
}
SILENT = ("drops silently", "strips its inputs", "changes")


def verbs_of(did):
    """Return the words that a cell of the table is made of."""
    if did in VERBS:
        return [did]
    return [word for part in did.split(", ") for word in part.split(" and ")]


def lists(rows):
    """Return {title: (what it means, names)}; each row's name stands in one list."""
    leaks = [r[0] for r in rows if "yes" in r[3:5]]
    rest = [r for r in rows if r[0] not in leaks]
    silent = [r[0] for r in rest if set(verbs_of(r[2])) & set(SILENT)]
    warned = [r[0] for r in rest if r[2] == "drops (warned)"]
    safe = [r[0] for r in rest if r[0] not in silent + warned]
    also = [r[0] for r in rows if r[0] in leaks and "drops silently" in r[2]]
    return {
        "Leaks": ("padding changes what comes out at real steps", leaks),
        "Loses the mask and says nothing": (
            "what comes behind may read padding" + (f"; so does {', '.join(also)}" if also else ""),
            silent,
        ),
        "Loses the mask with a warning": (
            "it does not leak by itself; what comes behind may",
            warned,
        ),
        "Safe": ("no leak, and the mask goes on, or is used up", safe),
    }


def in_words(names):
    """Return names in one line; `Conv1D`, `Conv2D` and `Conv3D` are "`Conv1D` (2D, 3D)"."""
    groups = {}
    for name in names:
        stem, size = re.fullmatch(r"(.*?)([123]D)?`", name).groups()
        groups.setdefault((stem, size is None and name), []).append((name, size))
    said = []
    for (first, _), *others in groups.values():
        sizes = ", ".join(size for _, size in others)
        said.append(f"{first} ({sizes})" if sizes else first)
    return ", ".join(said)


def summary(rows):
    """Yield the lines above the table: the lists, and what its words mean."""
    yield "## In short\n"
    for title, (meaning, names) in lists(rows).items():
        yield f"- **{title}** ({meaning}): {in_words(names)}."
    yield "\nWhat the words mean, here and in what `trace` prints:\n"
    yield "| with a mask it | |"
    yield "|---|---|"
    for verb, meaning in VERBS.items():
        yield f"| {verb} | {meaning} |"
    yield ""


class Keep(layers.Layer):
    """Give the steps another form; the mask stays."""

    def __init__(self, function):
        super().__init__()
        self.function, self.supports_masking = function, True

    def call(self, x):
        return self.function(x)


FORMS = {
    "grid": lambda x: x[..., None],
    "cube": lambda x: x[..., None, None],
    "hyper": lambda x: x[..., None, None, None],
    "line": lambda x: x[..., 0],
}


def public_layers():
    """Return the names of Keras's layers, each class once."""
    found = {}
    for name in dir(layers):
        kind = getattr(layers, name)
        if inspect.isclass(kind) and issubclass(kind, layers.Layer):
            found.setdefault(kind, []).append(name)
    return sorted(
        kind.__name__ if kind.__name__ in names else names[0] for kind, names in found.items()
    )


def check_all_known(names=None):
    """Raise if Keras has a layer that stands in neither list, or a list has one that is gone."""
    names = set(public_layers() if names is None else names)
    unknown = sorted(names - set(RECIPES) - set(LEFT_OUT))
    gone = sorted((set(RECIPES) | set(LEFT_OUT)) - names)
    if unknown or gone:
        raise LookupError(
            f"tools/layer_table.py does not know the layers of Keras {keras.__version__}: "
            f"unknown {unknown}, gone {gone}; add them to RECIPES or to LEFT_OUT"
        )


def make(name):
    """Return a layer made by its recipe, called "it"."""
    options = dict(RECIPES[name][1])
    for key, value in options.items():
        if isinstance(value, tuple) and isinstance(value[0], str):
            options[key] = getattr(layers, value[0])(**value[1])
    if name == "Lambda":
        options["function"] = lambda x: x * 2
    return getattr(layers, name)(name="it", **options)


def model_of(name):
    """Return the layer behind an embedding, as a model of ids."""
    form = RECIPES[name][0]
    ids = keras.Input((None,), dtype="int32")
    if form == "ids":
        return keras.Model(ids, make(name)(ids))
    x = layers.Embedding(7, D, mask_zero=True)(ids)
    if form == "pair":
        other = layers.Embedding(7, D, mask_zero=True)(ids)
        return keras.Model(ids, make(name)([x, other]))
    if form == "self":
        return keras.Model(ids, make(name)(x, x))
    if form in FORMS:
        x = Keep(FORMS[form])(x)
    return keras.Model(ids, make(name)(x))


def row(name):
    """Return what the table says of a layer: name, configuration, mask, inference, training."""
    keras.utils.set_random_seed(0)
    model = model_of(name)
    for layer in model.layers:
        if isinstance(layer, layers.Embedding):
            # Loud padding: whoever looks at it will show it.
            table = layer.get_weights()[0]
            table[0] = np.resize([3.0, -3.0], D)
            layer.set_weights([table])
    leaks = [leak.training for leak in find_leaks(model, IDS)]
    inference = "yes" if False in leaks else "no"
    # What leaks in inference leaks in training too.
    training = "yes" if leaks else "no"
    return [f"`{name}`", configuration(name), trace(model, IDS)["it"].did, inference, training]


def configuration(name):
    """Return the recipe as one would write it."""
    form, options = RECIPES[name]
    said = []
    for key, value in options.items():
        if isinstance(value, tuple) and isinstance(value[0], str):
            inner = ", ".join(f"{k}={v!r}" for k, v in value[1].items())
            value = f"{value[0]}({inner})"
            said.append(f"{key}={value}")
        else:
            said.append(f"{key}={value!r}")
    shape = {"pair": "[x, y]", "self": "x, x", "grid": "(B, T, D, 1)", "cube": "(B, T, D, 1, 1)"}
    extra = {"hyper": "(B, T, D, 1, 1, 1)", "line": "(B, T)", "ids": "ids"}
    on = {**shape, **extra}.get(form)
    text = f"`{', '.join(said)}`" if said else ""
    return " ".join(filter(None, [text, f"on `{on}`" if on else ""])) or "–"


def table():
    """Return the document."""
    check_all_known()
    head = ["layer", "configuration", "with a mask it", "leaks in inference", "leaks in training"]
    rows = [row(name) for name in sorted(RECIPES)]
    lines = [
        "# What each layer does with a mask",
        "",
        f"Keras {keras.__version__}, made by `make layers`: each layer stands behind an "
        "`Embedding(mask_zero=True)`, whose row for padding is large, and is run through `trace` "
        "and the solo test of `audit`. A layer *leaks* if the batch's padding changes what comes "
        "out at real steps (in training: if more padding does, with dropout off).",
        "",
        *summary(rows),
        "## Every layer",
        "",
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
    ]
    lines += ["| " + " | ".join(cells) + " |" for cells in rows]
    lines += ["", "Not in the table:", ""]
    for reason in (IMAGES, NO_STEPS, ELSEWHERE, ABSTRACT):
        names = ", ".join(f"`{name}`" for name in sorted(LEFT_OUT) if LEFT_OUT[name] == reason)
        lines.append(f"- {reason}: {names}")
    return "\n".join(lines) + "\n"


def main():
    """Write the table."""
    warnings.simplefilter("ignore")
    PLACE.parent.mkdir(exist_ok=True)
    PLACE.write_text(table(), encoding="utf-8")
    print(f"wrote {PLACE.relative_to(PLACE.parent.parent)}")


if __name__ == "__main__":
    sys.exit(main())
