"""What every layer call of a model sees and leaves behind, observed from outside.

Two methods are replaced while a recording runs, and put back afterwards: `Layer.__call__`, which
hands masks on, and `Operation.__call__`, which Keras calls with the final arguments, masks filled
in. Raw operations of a Functional model pass through the second one too. Raw operations inside a
`call` are seen by TensorFlow's own callback, if TensorFlow is the backend.
"""

import contextlib
import inspect
import threading
import warnings
from typing import Any, NamedTuple

from course_lib._call import Call
from course_lib._keras_private import following, mask_of

_LOCK = threading.RLock()
_ACTIVE = threading.local()


class Recording:
    """The calls of one run of a model, in the order in which they began.

    Attributes:
        calls: list of `Call`; the first is the model's own.
        ended: the same calls in the order in which they ended.
        made_by: dict of a tensor's id and the `Operation` that made it, in the order of running.
        open: the innermost call that has not ended, or `None`.
    """

    def __init__(self, follow=False):
        self.calls, self.ended, self.made_by, self.open = [], [], {}, None
        self.follow, self._caught = follow, []

    def __enter__(self):
        with contextlib.ExitStack() as contexts:
            contexts.enter_context(_LOCK)
            self._caught = contexts.enter_context(warnings.catch_warnings(record=True))
            warnings.simplefilter("always")
            contexts.enter_context(_patched(self))
            if self.follow:
                contexts.enter_context(following(self.follow_operation))
            self._contexts = contexts.pop_all()
        return self

    def __exit__(self, *error):
        self._contexts.close()

    @property
    def warnings(self):
        """The texts of the warnings in between."""
        return [str(one.message) for one in self._caught]

    def observe(self, call_it, layer, args, kwargs):
        """Call a layer or a raw operation, and note what it saw and left behind."""
        call = Call(layer, self.open)
        earlier = len(self._caught)
        given = [(tensor, mask_of(tensor)) for tensor in _tensors((args, kwargs))]
        call.explicit = {name for name in kwargs if _is_mask_name(name) and _tensors(kwargs[name])}
        self.calls.append(call)
        if call.parent is not None:
            call.parent.children.append(call)
        self.open = call
        try:
            if not call.is_layer:
                self.enter(layer, args, kwargs)
            outputs = call_it(layer, *args, **kwargs)
        finally:
            self.open = call.parent
        call.outputs = [(tensor, mask_of(tensor)) for tensor in _tensors(outputs)]
        given += [(tensor, mask) for _, _, tensor, mask in call.inputs]
        masked = {id(tensor): tensor for tensor, mask in given if mask is not None}
        call.stripped = [tensor for tensor in masked.values() if mask_of(tensor) is None]
        text = f"Layer '{call.name}' (of type {call.class_name}) was passed an input with a mask"
        call.warned = any(one.startswith(text) for one in self.warnings[earlier:])
        call.finished = True
        self.ended.append(call)
        return outputs

    def enter(self, layer, args, kwargs):
        """Note the final arguments of the open `Call`."""
        call = self.open
        if call is None or call.layer is not layer or call.inputs:
            return
        for name, value in _bind(layer, args, kwargs).items():
            if _is_mask_name(name) and not isinstance(value, bool):
                call.received[name] = value
            else:
                for place, tensor in enumerate(_tensors(value)):
                    call.inputs.append((name, place, tensor, mask_of(tensor)))

    def follow_operation(self, kind, inputs, outputs):
        """Note which tensors an eager operation read and made."""
        kind, line = kind.decode() if isinstance(kind, bytes) else kind, _own_line()
        for tensor in outputs:
            self.made_by[id(tensor)] = Operation(len(self.made_by), kind, inputs, tensor, line)

    def ancestors(self, tensors, until=()):
        """Return dict of id and tensor, latest first: what these were made of, and themselves.

        Args:
            tensors: where to start.
            until: ids of tensors that are returned, but behind which nobody looks.
        """
        found, waiting = {}, list(tensors)
        while waiting:
            tensor = waiting.pop()
            place = id(tensor)
            if place not in found:
                found[place] = tensor
                if place not in until and place in self.made_by:
                    waiting.extend(self.made_by[place].inputs)
        return found


class Operation(NamedTuple):
    """An eager operation; its tensors are kept alive, and so keep their ids for themselves.

    Attributes:
        number: how many were run before.
        kind: its name, "Mean".
        inputs: the tensors that it read.
        tensor: the tensor that it made.
        line: where it was called, file, line and function, or `None`.
    """

    number: int
    kind: str
    inputs: Any
    tensor: Any
    line: tuple | None


def is_real(value):
    """Return True for a tensor that holds values, False for a symbolic one or no tensor."""
    import keras

    if isinstance(value, keras.KerasTensor) or not keras.ops.is_tensor(value):
        return False
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        return not tf.is_symbolic_tensor(value)
    return True


def _tensors(value):
    """Return the tensors in a nest of lists, tuples and dicts, in Keras's order."""
    import keras

    return [leaf for leaf in keras.tree.flatten(value) if keras.ops.is_tensor(leaf)]


def _is_mask_name(name):
    return name == "mask" or (name.endswith("_mask") and name != "use_causal_mask")


def _bind(layer, args, kwargs):
    """Return the arguments of `layer.call` by name, defaults included."""
    try:
        bound = inspect.signature(layer.call).bind(*args, **kwargs)
    except (TypeError, ValueError):
        return {**{f"argument {i}": value for i, value in enumerate(args)}, **kwargs}
    bound.apply_defaults()
    named = {}
    for name, value in bound.arguments.items():
        kind = bound.signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            named.update(value)
        else:
            named[name] = value
    return named


@contextlib.contextmanager
def _patched(recording):
    """Send this thread's layer calls through `recording`; other threads' calls pass untouched."""
    import keras

    layer_class, operation_class = keras.layers.Layer, keras.Operation
    layer_call, operation_call = layer_class.__call__, operation_class.__call__

    def observed_layer(self, *args, **kwargs):
        return _observe(layer_call, self, args, kwargs)

    def observed_operation(self, *args, **kwargs):
        active = getattr(_ACTIVE, "recording", None)
        if active is not None and not isinstance(self, layer_class):
            return _observe(operation_call, self, args, kwargs)
        if active is not None:
            active.enter(self, args, kwargs)
        return operation_call(self, *args, **kwargs)

    before = getattr(_ACTIVE, "recording", None)
    _ACTIVE.recording = recording
    layer_class.__call__, operation_class.__call__ = observed_layer, observed_operation
    try:
        yield
    finally:
        layer_class.__call__, operation_class.__call__ = layer_call, operation_call
        _ACTIVE.recording = before


def _observe(call_it, layer, args, kwargs):
    active = getattr(_ACTIVE, "recording", None)
    # Symbolic calls build a layer; they carry masks that real tensors may not have.
    if active is None or _hidden(active) or not _all_real(args, kwargs):
        return call_it(layer, *args, **kwargs)
    return active.observe(call_it, layer, args, kwargs)


def _all_real(args, kwargs):
    import keras

    return all(
        is_real(leaf)
        for leaf in keras.tree.flatten((args, kwargs))
        if isinstance(leaf, keras.KerasTensor) or keras.ops.is_tensor(leaf)
    )


def _hidden(recording):
    """Return True inside an RNN: its cell runs once a step, on tensors without a time axis."""
    import keras

    return recording.open is not None and isinstance(recording.open.layer, keras.layers.RNN)


def _own_line():
    """Return the innermost line of source that belongs neither to Keras nor to its backend."""
    frame = inspect.currentframe()
    while frame is not None:
        module = frame.f_globals.get("__name__", "").split(".")[0]
        if module not in ("keras", "tensorflow", "course_lib", "contextlib", "optree", "numpy"):
            return frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name
        frame = frame.f_back
    return None
