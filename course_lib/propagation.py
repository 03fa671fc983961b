"""Lesson 03: who made, got, used, passed, stripped or dropped a mask, layer by layer."""

from __future__ import annotations

import html
import inspect
from typing import TYPE_CHECKING, Any

from course_lib._arguments import as_layer
from course_lib._index import masks_before
from course_lib._inputs import as_nest, read_inputs, read_mask
from course_lib._mask_words import NONE, Letters, shown_received, what_it_did
from course_lib._recorder import Recording
from course_lib._state import build, unchanged

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from course_lib.pictures import Picture

RAW = "raw operation"


class TraceRow:
    """One layer call, or one raw operation between two layers.

    Attributes:
        layer: the layer's name; "raw operation" for an operation that is no layer.
        class_name: the layer's class, or the operation.
        depth: in how many nested models the call stands.
        mask_in: letters of the masks attached to the inputs, an entry for each input tensor.
        received: dict of each mask argument of `call` and the letter of what stood in it.
        mask_out: letters of the masks attached to the outputs.
        did: what the layer did with the mask.
        warned: True if Keras warned that the mask is destroyed here.
        shapes: the shapes of the outputs.
    """

    def __init__(
        self,
        layer: str,
        class_name: str,
        depth: int,
        mask_in: list[str],
        received: dict[str, str],
        mask_out: list[str],
        did: str,
        warned: bool,
        shapes: list[tuple[int, ...]],
    ) -> None:
        self.layer = layer
        self.class_name = class_name
        self.depth = depth
        self.mask_in = mask_in
        self.received = received
        self.mask_out = mask_out
        self.did = did
        self.warned = warned
        self.shapes = shapes

    def cells(self) -> list[str]:
        """Return the row as texts: layer, class, mask in, what `call` got, mask out, what it did.

        The layer's name is indented by two spaces for each model around it.
        """
        got = ", ".join(f"{name}={letter}" for name, letter in self.received.items())
        return [
            "  " * self.depth + self.layer,
            self.class_name,
            ", ".join(self.mask_in) or NONE,
            got or NONE,
            ", ".join(self.mask_out) or NONE,
            self.did,
        ]

    def __repr__(self) -> str:
        return "  ".join(self.cells()).strip()


class Trace:
    """What `trace` saw: a row for each layer call, in the order in which the calls began.

    Equal masks carry the same letter. It prints as a table, and as one of HTML in Jupyter.

    Attributes:
        rows: list of `TraceRow`.
        masks: dict of letter and mask, a bool array (of shape `(B, T)` mostly).
        warnings: list of str, what Keras warned of meanwhile.
    """

    HEADER = ("layer", "class", "mask in", "call got", "mask out", "what it did")

    def __init__(
        self, rows: list[TraceRow], masks: dict[str, NDArray[Any]], warnings: list[str]
    ) -> None:
        self.rows = rows
        self.masks = masks
        self.warnings = warnings

    def __getitem__(self, name: str) -> TraceRow:
        """Return the first row of the layer called `name`."""
        for row in self.rows:
            if row.layer == name:
                return row
        known = ", ".join(repr(row.layer) for row in self.rows)
        raise KeyError(f"no layer {name!r} was called; there are {known}")

    def picture(self) -> Picture:
        """Return the trace as a `course_lib.pictures.Picture`."""
        from course_lib.pictures_propagation import draw_trace

        return draw_trace(self)

    def legend(self) -> list[str]:
        """Return a line for each mask: its letter, its shape and how many of its steps are real."""
        return [f"{letter}: {describe_mask(mask)}" for letter, mask in self.masks.items()] or [
            "No mask anywhere."
        ]

    def __repr__(self) -> str:
        table = [list(self.HEADER), *(row.cells() for row in self.rows)]
        widths = [max(len(cells[column]) for cells in table) for column in range(len(self.HEADER))]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()
            for cells in table
        ]
        lines.insert(1, "  ".join("-" * width for width in widths))
        return "\n".join([*lines, *self.legend()])

    def _repr_html_(self) -> str:
        head = "".join(f"<th style='text-align:left'>{cell}</th>" for cell in self.HEADER)
        body = "".join(self._html_row(row) for row in self.rows)
        legend = "".join(f"<li>{html.escape(line)}</li>" for line in self.legend())
        return (
            f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
            f"<ul style='list-style:none;padding-left:0'>{legend}</ul>"
        )

    @staticmethod
    def _html_row(row):
        name, *others = row.cells()
        indent = f"padding-left:{0.5 + 1.5 * row.depth}em;text-align:left"
        cells = "".join(f"<td style='text-align:left'>{html.escape(cell)}</td>" for cell in others)
        return f"<tr><td style='{indent}'>{html.escape(name.strip())}</td>{cells}</tr>"


def trace(model: Any, x: Any, mask: Any = None) -> Trace:
    """Run a model on real tensors and tell what happened to each mask on its way.

    A symbolic tensor can show a mask that a real one does not have (`MultiHeadAttention` strips it
    from its inputs only when it runs), so the model is called, eagerly and in inference, and its
    variables and random seeds are put back. A model that is not built yet is built, as its first
    call would do. What runs inside one of Keras's own layers is not shown.

    Args:
        model: a Keras model or layer.
        x: its inputs: an array or tensor, or a list or dict of them.
        mask: handed to the call as `mask=` if it is not `None`; bool, shape `(B, T)`, or a list or
            dict of such in the form of `x`.

    Returns:
        A `Trace`.

    Raises:
        TypeError: `model` is not a Keras layer, `x` does not hold arrays, or `mask` is not bool.
        ValueError: `x` is an empty batch, or `mask` has not the first axes of its input.
        RuntimeError: Keras is older than 3.1.
    """
    return trace_of(record(model, x, mask))


def trace_of(recording):
    """Return the `Trace` of a `Recording`."""
    letters = Letters()
    rows, told = [], set()
    for call in recording.calls:
        if is_shown(call):
            rows.extend(_raw_rows(call, recording, letters, told))
            rows.append(_row(call, letters))
    return Trace(rows, letters.masks, recording.warnings)


def record(model, x, mask=None, follow=True, training=False):
    """Call the model once and return the `Recording`; the model is left as it was."""
    as_layer(model, "model", by="trace", since="3.1")
    import keras

    leaves, mask = read_inputs(x, strings=True), as_nest(mask)
    read_mask(mask, leaves, more_axes=True)
    if mask is not None and not _takes_mask(model):
        raise TypeError(
            "`mask` must be None for a layer whose `call` has no argument `mask`, "
            f"as {type(model).__name__}'s, got a mask"
        )
    tree, tensor = keras.tree, keras.ops.convert_to_tensor
    inputs = tree.map_structure(tensor, x)
    kwargs = {"training": training}
    if mask is not None:
        kwargs["mask"] = tree.map_structure(lambda one: None if one is None else tensor(one), mask)
    build(model, inputs, **kwargs)
    with unchanged(model), Recording(follow) as recording:
        recording.result = model(inputs, **kwargs)
    return recording


def _takes_mask(model):
    parameters = inspect.signature(model.call).parameters.values()
    return any(one.name == "mask" or one.kind is one.VAR_KEYWORD for one in parameters)


def describe_mask(mask):
    """Return, say, "shape (2, 4), 5 of 8 real"."""
    real = "all real" if mask.all() else f"{int(mask.sum())} of {mask.size} real"
    return f"shape {mask.shape}, {real}"


def is_shown(call):
    """Return True if the call gets a row.

    No row: the model around all, what runs inside Keras's own layers, and a raw operation that
    meets no mask (a Functional model computes masks with such).
    """
    if call.parent is None:
        return not any(is_shown(child) for child in call.children)
    if not call.is_layer and not any(mask is not None for *_, mask in call.inputs):
        return False
    ancestor = call.parent
    while ancestor is not None:
        if ancestor.is_built_in and ancestor.is_layer:
            return False
        ancestor = ancestor.parent
    return call.finished


def _row(call, letters):
    masks_in = [mask for *_, mask in call.inputs]
    return TraceRow(
        layer=call.name if call.is_layer else RAW,
        class_name=call.class_name,
        depth=max(call.depth - 1, 0),
        mask_in=[letters(mask) for mask in masks_in],
        received={name: letters(mask) for name, mask in shown_received(call).items()},
        mask_out=[letters(mask) for _, mask in call.outputs],
        did=what_it_did(call, letters),
        warned=call.warned,
        shapes=[tuple(tensor.shape) for tensor, _ in call.outputs],
    )


def _raw_rows(call, recording, letters, told):
    """Return a row for each mask that raw operations lost on the way to this call."""
    rows = []
    for _, _, tensor, mask in call.inputs:
        if mask is not None or call.depth < 1 or id(tensor) in told:
            continue
        told.add(id(tensor))
        found = lost_on_the_way(tensor, call, recording)
        if found is not None:
            kinds, masks = found
            rows.append(
                TraceRow(
                    layer=RAW,
                    class_name=", ".join(kinds),
                    depth=max(call.depth - 1, 0),
                    mask_in=[letters(mask) for mask in masks],
                    received={},
                    mask_out=[NONE],
                    did="drops silently",
                    warned=False,
                    shapes=[tuple(tensor.shape)],
                )
            )
    return rows


def lost_on_the_way(tensor, call, recording):
    """Look back from a tensor without a mask to the last tensors that layers gave out.

    Returns:
        `None` if a layer gave out the tensor itself, or if none of those before carried a mask;
        otherwise the raw operations in between and the masks that they were given.
    """
    known = masks_before(recording, call)
    if id(tensor) in known:
        return None
    way = recording.ancestors([tensor], until=known)
    masks = [known[place] for place in way if known.get(place) is not None]
    made = [place for place in reversed(way) if place not in known and place in recording.made_by]
    kinds = [recording.made_by[place].kind for place in made]
    return (kinds, masks) if masks else None
