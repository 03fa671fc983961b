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

from course_lib._call import Call
from course_lib._keras_private import following, mask_of

_LOCK = threading.RLock()
_ACTIVE = threading.local()


class Recording:
    """The calls of one run of a model, in the order in which they began.

    Attributes:
        calls: list of `Call`; the first is the model's own.
        warnings: list of str, the texts of the warnings in between.
        ended: the same calls in the order in which they ended.
        made_by: dict of a tensor's id and `(operation, ids of its inputs, line of source)`.
        alive: dict of id and tensor, for all that operations read and made.
    """

    def __init__(self, follow=False):
        self.calls, self.ended, self.warnings, self.made_by = [], [], [], {}
        self.follow = follow
        self._stack, self._caught, self.alive = [], [], {}

    def __enter__(self):
        self._contexts = contextlib.ExitStack()
        try:
            self._contexts.enter_context(_LOCK)
            self._caught = self._contexts.enter_context(warnings.catch_warnings(record=True))
            warnings.simplefilter("always")
            self._contexts.enter_context(_patched(self))
            if self.follow:
                self._contexts.enter_context(following(self.follow_operation))
        except BaseException:
            self._contexts.close()
            raise
        return self

    def __exit__(self, *error):
        self.warnings = [str(one.message) for one in self._caught]
        self._contexts.close()

    def begin(self, layer, args, kwargs):
        """Open a `Call`."""
        call = Call(layer, self._stack[-1] if self._stack else None)
        call.warnings_before = len(self._caught)
        call.given = [*_tensors(args), *_tensors(kwargs)]
        call.given_masks = [mask_of(tensor) for tensor in call.given]
        call.explicit = {
            name for name, value in kwargs.items() if _is_mask_name(name) and _tensors(value)
        }
        self.calls.append(call)
        if call.parent is not None:
            call.parent.children.append(call)
        self._stack.append(call)
        return call

    def enter(self, layer, args, kwargs):
        """Note the final arguments of the open `Call`."""
        call = self._stack[-1] if self._stack else None
        if call is None or call.layer is not layer or call.inputs:
            return
        bound = _bind(layer, args, kwargs)
        for name, value in bound.items():
            if _is_mask_name(name) and not isinstance(value, bool):
                call.received[name] = value
            else:
                for place, tensor in enumerate(_tensors(value)):
                    call.inputs.append((name, place, tensor, mask_of(tensor)))

    def end(self, call, outputs):
        """Close the `Call` with its outputs."""
        call.outputs = [(tensor, mask_of(tensor)) for tensor in _tensors(outputs)]
        lost = [t for t, m in zip(call.given, call.given_masks, strict=True) if m is not None]
        lost += [tensor for _, _, tensor, mask in call.inputs if mask is not None]
        seen = set()
        for tensor in lost:
            if mask_of(tensor) is None and id(tensor) not in seen:
                seen.add(id(tensor))
                call.stripped.append(tensor)
        text = f"Layer '{call.name}' (of type {call.class_name}) was passed an input with a mask"
        call.warned = any(
            str(one.message).startswith(text) for one in self._caught[call.warnings_before :]
        )
        call.finished = True
        self.ended.append(call)

    def leave(self):
        """Go back to the call around the open one, also after an error."""
        self._stack.pop()

    def follow_operation(self, kind, inputs, outputs):
        """Note which tensors an eager operation read and made."""
        kind, line = kind.decode() if isinstance(kind, bytes) else kind, _own_line()
        # A tensor that is kept alive keeps its id for itself.
        self.alive.update({id(tensor): tensor for tensor in (*inputs, *outputs)})
        for tensor in outputs:
            self.made_by[id(tensor)] = (kind, [id(one) for one in inputs], line)

    def ancestors(self, tensors, until=()):
        """Return the ids of the tensors that these were made of, themselves included, latest first.

        Args:
            tensors: where to start.
            until: ids of tensors that are returned, but behind which nobody looks.
        """
        found, waiting = {}, [id(tensor) for tensor in tensors]  # a dict keeps the order
        while waiting:
            place = waiting.pop()
            if place not in found:
                found[place] = None
                if place not in until and place in self.made_by:
                    waiting.extend(self.made_by[place][1])
        return list(found)


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
        if active is None:
            return operation_call(self, *args, **kwargs)
        if not isinstance(self, layer_class):
            return _observe(operation_call, self, args, kwargs, raw=True)
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


def _observe(call_it, layer, args, kwargs, raw=False):
    active = getattr(_ACTIVE, "recording", None)
    # Symbolic calls build a layer; they carry masks that real tensors may not have.
    if active is None or _hidden(active) or not _all_real(args, kwargs):
        return call_it(layer, *args, **kwargs)
    call = active.begin(layer, args, kwargs)
    try:
        if raw:
            active.enter(layer, args, kwargs)
        outputs = call_it(layer, *args, **kwargs)
        active.end(call, outputs)
    finally:
        active.leave()
    return outputs


def _all_real(args, kwargs):
    import keras

    leaves = keras.tree.flatten((args, kwargs))
    symbolic = [
        leaf
        for leaf in leaves
        if isinstance(leaf, keras.KerasTensor) or (keras.ops.is_tensor(leaf) and not is_real(leaf))
    ]
    return not symbolic


def _hidden(recording):
    """Return True inside an RNN: its cell runs once a step, on tensors without a time axis."""
    import keras

    stack = recording._stack
    return bool(stack) and isinstance(stack[-1].layer, keras.layers.RNN)


def _own_line():
    """Return the innermost line of source that belongs neither to Keras nor to its backend."""
    frame = inspect.currentframe()
    while frame is not None:
        module = frame.f_globals.get("__name__", "").split(".")[0]
        if module not in ("keras", "tensorflow", "course_lib", "contextlib", "optree", "numpy"):
            return frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name
        frame = frame.f_back
    return None
