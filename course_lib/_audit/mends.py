"""What each fault is in words, and what mends it. Every mend is tried in `tests/audit_pairs.py`."""

MENDS = {
    "leak": (
        "padding is mixed into real steps here",
        "Use a layer that takes a mask, or zero the padding and divide by the number of real "
        "steps, or cut the padding off before this layer.",
    ),
    "lost": (
        "the mask ends here, and it is still needed",
        "",  # by `message_of`
    ),
    "ignored": (
        "a mask lies on the input, but Keras did not hand it to `call`: with more than one tensor "
        "argument it looks only for an argument that is named after the tensor's, with `_mask`",
        "Pass it by hand, `layer(..., mask=mask)`, or name the arguments of `call` `x_mask`, "
        "`y_mask`.",
    ),
    "stripped": (
        "this layer takes the mask off its own input tensors, so that whoever reads them "
        "afterwards finds none",
        "Normalise first (pre-norm, so that the residual adds another tensor). Inside the `call` "
        "of a layer of your own, `call(self, x, mask=None)`, you can also set it again after this "
        "layer: `x._keras_mask = mask`.",
    ),
    "overwritten": (
        "`query_mask=` was given by hand and replaced by the mask that lies on the query, or by "
        "none",
        "Let the query tensor carry the mask itself (`mask_zero=True` makes it). `attention_mask=` "
        "would reach the attention, but not a loss behind it.",
    ),
    "neutralised": (
        "a mask comes out of here in which every step is real",
        "Give every branch the mask before they meet, or compute the merged mask by hand.",
    ),
    "misaligned": (
        "the mask that comes out of here does not belong to the steps that come out",
        "Turn the output round again (`ops.flip(..., axis=1)`) before a mask is used, or use "
        "`Bidirectional`.",
    ),
    "unmasked branch": (
        "one of the merged branches has no mask, and so the result has none",
        "Give the other branch the mask too, or pass the mask on by hand.",
    ),
    "never": (
        "no mask is made here",
        "",  # by `message_of`
    ),
    "inside": (
        "a mask is made inside and does not come out",
        "",  # by `Causes._made_inside`, which knows who makes it
    ),
    "wrong mask": (
        "the mask that is made here is not that of the batch",
        "The padding must be what the layer looks for: id 0 for `Embedding`, `mask_value` at every "
        "feature for `Masking`.",
    ),
    "loss": (
        "the loss counts padding although its prediction carries the right mask",
        "Let the loss return one value for each step.",
    ),
    "added loss": (
        "the loss that this layer adds with `add_loss` changes with the number of padded steps",
        "Take `mask` as an argument of its `call`, leave padded steps out of what is added up, and "
        "divide by the number of real steps.",
    ),
    "metric": (
        "the metric counts padding although its prediction carries the right mask",
        "Put it into `weighted_metrics` and pass `sample_weight=` with zeros at padded steps.",
    ),
    "sample_weight": (
        "sample weights of shape (B,) do not weight the samples of a loss that has steps",
        "Give them the shape (B, 1) or (B, T).",
    ),
    "neighbours": (
        "a row's values change with the other rows of its batch although none has padding, so what "
        "padding does cannot be told apart from it",
        "Let each row be computed by itself (no statistics, sorting or capacity over the rows of a "
        "batch in inference), and audit again.",
    ),
    "gradient": (
        "the values are right, but the gradients are not those of the rows alone",
        "Look for an operation whose gradient at padded steps is not zero, or not a number.",
    ),
}

# What mends a leak depends on what the layer does with the steps; first match of the class name.
LEAKS = (
    (
        "FFT",
        "A Fourier transform reads every step, and no mask reaches it: cut the padding off before "
        "it, with rows of one length in a batch.",
    ),
    (
        "Max",
        "Put minus infinity at padded steps before the maximum: "
        "`ops.where(mask[..., None], x, -np.inf)`.",
    ),
    (
        "Average",
        "Use a mean that takes the mask, such as `GlobalAveragePooling1D`, or add up the real "
        "steps and divide by their number.",
    ),
    (
        "Conv",
        "Set padded steps to zero before the convolution, as a row alone has them at its border, "
        "and hand the mask on; or cut the padding off.",
    ),
    (
        "GetItem",
        "Take each row's last real step by its length, or let the layer before it return the last "
        "output itself (`return_sequences=False`).",
    ),
)

# What mends a loss depends on what it returns. Weights mend none of these: they cannot take padding
# out of one number, and do not fit one for each row.
LOSSES = {
    "scalar": (
        "it returns one number for the whole batch, so neither a mask nor `sample_weight` can take "
        "padding out of it",
        "Let the loss return one value for each step.",
    ),
    "row": (
        "it returns one number for each row, so a mask over steps does not fit",
        "Let the loss return one value for each step.",
    ),
    "step": (
        "",
        "Let the value at each step depend on that step alone; in a `Loss` of your own write "
        "`call`, and leave `__call__` to Keras, which applies the mask there.",
    ),
}

# The losses of Keras that sum over everything return one value for each step if told so.
WITH_AXIS = "Give it `axis=-1`: it then scores each step over its classes, one value for each step."

# How a kind reads in a report.
TITLES = {
    "leak": "padding leaks in",
    "lost": "mask lost",
    "ignored": "mask ignored",
    "stripped": "mask stripped",
    "overwritten": "mask overwritten",
    "neutralised": "mask made all True",
    "misaligned": "mask misaligned",
    "never": "no mask made",
    "inside": "mask stays inside",
    "loss": "loss counts padding",
    "added loss": "added loss counts padding",
    "metric": "metric counts padding",
    "gradient": "gradients see padding",
    "neighbours": "rows see each other",
    "unmasked branch": "mask meets a branch without one",
    "wrong mask": "mask of other steps made",
    "sample_weight": "weights of the wrong shape",
}


def message_of(cause):
    """Return what a `Cause` is, and what mends it, as a text of a few sentences."""
    what, mend = MENDS[cause.kind]
    if cause.kind == "leak":
        named = cause.layer if cause.call is None else cause.call.class_name
        named = (
            "FFT" if "FFT" in cause.detail else named.replace("Maximum", "")
        )  # of two tensors, not of steps
        mend = next((text for part, text in LEAKS if part in named), mend)
    elif cause.kind == "lost":
        mend = f"{_pass_it_on(cause)}{_by_hand(cause)}."
    elif cause.kind == "never":
        mend = f"Use `mask_zero=True` in `Embedding` or a `Masking` layer{_by_hand(cause)}."
    needs = f"{cause.needs} needs it" if cause.needs else ""
    detail = ", ".join(filter(None, [cause.detail, needs]))
    detail = f" ({detail})" if detail else ""
    of_class = f" ({cause.call.class_name})" if cause.call is not None and not cause.is_raw else ""
    about = f"At the {cause.layer}: " if cause.is_raw else f"At `{cause.layer}`{of_class}: "
    return f"{about}{what}{detail}. {cause.mend or mend}"


def _pass_it_on(cause):
    """Return what mends a mask that ends, without the full stop.

    Not to set `_keras_mask` on the output: in a Functional model that is done to the symbolic
    tensor, once, and no call repeats it. A later layer has got the mask as an argument by then, a
    loss has not.
    """
    import keras

    if cause.is_raw:
        return (
            "Put the operation into a layer that says which mask its output has "
            "(`Lambda(f, mask=...)`, or a layer of your own with `compute_mask`)"
        )
    if isinstance(cause.call.layer, keras.layers.Lambda):
        return "Let the `Lambda` say which mask its output has, `Lambda(f, mask=...)`"
    if cause.call.layer.supports_masking:
        return "Let its `compute_mask` return the mask of its output"
    return (
        "If its output has the steps of its input, set `supports_masking = True` on the layer; "
        "else give it a `compute_mask`"
    )


def _by_hand(cause):
    return f", or give the mask to {cause.needs} by hand (`{cause.by}=`)" if cause.by else ""
