"""Scaled dot products in NumPy, with the masks that say which step may look at which.

Axes: `B` batch, `T` steps of the query, `S` steps of the value, `D` features, `N` heads, `H`
features of a head. In a mask True means "attend here", as everywhere in Keras; PyTorch's
`attn_mask` of `MultiheadAttention` means the opposite.

The masks are combined as `_compute_attention_mask` does in
`keras/src/layers/attention/multi_head_attention.py` (Keras 3.15). A query that may look at nothing
gets zeros, as in the path that Keras takes there with `return_attention_scores=True`.
"""

import numpy as np

from course_lib._arguments import as_array, as_flag, as_mask, no_nan, not_empty


def combine_masks(
    query_mask, value_mask, key_mask=None, attention_mask=None, use_causal_mask=False
):
    """Return which step may look at which: bool, shape `(B, T, S)`, query by value.

    A query may look at a step if every mask agrees: the query is real, the value and the key are
    real, `attention_mask` allows the pair, and with `use_causal_mask` the step is not later than
    the query.

    Args:
        query_mask: bool, shape `(B, T)`, True at real steps.
        value_mask: bool, shape `(B, S)`, True at real steps.
        key_mask: bool, shape `(B, S)`; `None`: every key is real.
        attention_mask: bool, shape `(B, T, S)`; `None`: every pair is allowed.
        use_causal_mask: whether a step is kept from looking ahead.

    Raises:
        TypeError: a mask is not bool, or `use_causal_mask` is not True or False.
        ValueError: a mask of another shape, or two batches of different sizes.
    """
    query_mask = as_mask(query_mask, "query_mask")
    value_mask = as_mask(value_mask, "value_mask")
    (batch, queries), steps = query_mask.shape, value_mask.shape[1]
    value_mask = as_mask(value_mask, "value_mask", shape=(batch, steps))
    mask = query_mask[:, :, None] & value_mask[:, None, :]
    if key_mask is not None:
        mask = mask & as_mask(key_mask, "key_mask", shape=(batch, steps))[:, None, :]
    if attention_mask is not None:
        mask = mask & as_mask(attention_mask, "attention_mask", shape=(batch, queries, steps))
    return np.tril(mask) if as_flag(use_causal_mask, "use_causal_mask") else mask


def attend(query, value, key=None, mask=None):
    r"""Return what each query gets from the values, and the weights it gave them.

    .. math::

        w = \mathrm{softmax}(q k^\top / \sqrt{H}), \quad out = w v

    The mask enters before the softmax: a score that does not count becomes minus infinity, so that
    the weights of the others sum to 1. Zeroing weights after the softmax would leave a smaller sum.

    Args:
        query: numbers of shape `(..., T, H)`.
        value: numbers of shape `(..., S, D)`.
        key: numbers of shape `(..., S, H)`; `None`: the value is its own key.
        mask: bool, shape `(..., T, S)`, True where a query may look; `None`: everywhere.

    Returns:
        A tuple: the output of shape `(..., T, D)`, the weights of shape `(..., T, S)`. A query that
        may look nowhere has weights and an output of zeros.

    Raises:
        TypeError: an array does not hold numbers, or `mask` is not bool.
        ValueError: an empty array, NaN (0 times NaN is NaN, so it would get through any mask, in
            Keras too), or shapes that do not fit.
    """
    query, value = _as_steps(query, "query"), _as_steps(value, "value")
    key, named = (value, "value") if key is None else (_as_steps(key, "key"), "key")
    _must_be(key.shape, (*query.shape[:-2], key.shape[-2], query.shape[-1]), named)
    _must_be(value.shape, (*key.shape[:-1], value.shape[-1]), "value")
    scores = query @ key.swapaxes(-1, -2) / np.sqrt(query.shape[-1]).astype(query.dtype)
    if mask is not None:
        mask = as_mask(mask, shape=scores.shape)
        scores = np.where(mask, scores, -np.inf)
    weights = _softmax(scores)
    return weights @ value, weights


def multi_head_attention(query, value, weights, mask=None):
    """Return what `keras.layers.MultiHeadAttention` returns with `return_attention_scores=True`.

    Each head looks with a query, a key and a value of its own; what the heads get is mixed at last.

    Args:
        query: numbers of shape `(B, T, D)`.
        value: numbers of shape `(B, S, D)`; it is the key as well.
        weights: `layer.get_weights()`: kernel and bias of the query, the key, the value and the
            output. The first three kernels have shape `(D, N, H)`, that of the output `(N, H, D)`.
        mask: bool, shape `(B, T, S)`, as `combine_masks` makes it; `None`: everywhere.

    Returns:
        A tuple: the output of shape `(B, T, D)`, the weights of shape `(B, N, T, S)`. For float32
        both agree with Keras to 1e-5.

    Raises:
        TypeError: an array does not hold numbers, `weights` is not a sequence, or `mask` is not
            bool.
        ValueError: an empty array, NaN, or shapes that do not fit.
    """
    query = _as_steps(query, "query", ndim=3)
    value = _as_steps(value, "value", ndim=3)
    _must_be(value.shape, (len(query), value.shape[1], query.shape[2]), "value")
    kernels = _check_weights(weights, query.shape[2])
    if mask is not None:
        mask = as_mask(mask, shape=(*query.shape[:2], value.shape[1]))
        mask = np.repeat(mask[:, None], kernels[0].shape[1], axis=1)
    q, k, v = (
        np.einsum("btd,dnh->bnth", steps, kernel) + bias[:, None]
        for steps, kernel, bias in zip(
            (query, value, value), kernels[:6:2], kernels[1:6:2], strict=True
        )
    )
    got, scores = attend(q, v, k, mask)
    return np.einsum("bnth,nhd->btd", got, kernels[6]) + kernels[7], scores


def _softmax(scores):
    # A row of nothing but minus infinity has no largest score and a sum of 0.
    largest = scores.max(axis=-1, keepdims=True)
    powers = np.exp(scores - np.where(np.isneginf(largest), 0, largest))
    total = powers.sum(axis=-1, keepdims=True)
    return powers / np.where(total == 0, 1, total)


def _as_steps(value, name, ndim=None):
    array = as_array(value, name, ndim=ndim)
    if array.ndim < 2:
        raise ValueError(f"`{name}` must have at least 2 axes, got shape {array.shape}")
    array = no_nan(not_empty(array, name), name)
    return array.astype(np.result_type(array, np.float32), copy=False)


def _must_be(shape, expected, name):
    if shape != expected:
        raise ValueError(f"`{name}` must have shape {expected} to fit the others, got {shape}")


def _check_weights(weights, features):
    if not isinstance(weights, (list, tuple)):
        raise TypeError(
            "`weights` must be a list of arrays as `layer.get_weights()` returns it, "
            f"got {type(weights).__name__}"
        )
    if len(weights) != 8:
        raise ValueError(
            "`weights` must hold a kernel and a bias for query, key, value and output, "
            f"got {len(weights)} arrays"
        )
    arrays = [as_array(array, f"weights[{at}]") for at, array in enumerate(weights)]
    heads = as_array(arrays[0], "weights[0]", ndim=3).shape[1:]
    wide = as_array(arrays[4], "weights[4]", ndim=3).shape[1:]
    wide = (heads[0], wide[1])
    shapes = [(features, *heads), heads] * 2 + [(features, *wide), wide]
    shapes += [(*wide, features), (features,)]
    for at, (array, shape) in enumerate(zip(arrays, shapes, strict=True)):
        _must_be(no_nan(array, f"weights[{at}]").shape, shape, f"weights[{at}]")
    return arrays
