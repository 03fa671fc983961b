"""One call of a layer, as a recording sees it."""


class Call:
    """One call of one layer, or of one raw operation of a Functional model.

    Attributes:
        layer: the layer or operation.
        parent: the `Call` inside which it ran, or `None`.
        depth: how many calls it is nested in.
        inputs: list of `(argument, place, tensor, mask)`: what the mask was before the call.
        explicit: the names of the mask arguments that the caller filled.
        received: dict of each mask argument of `call` and what stood in it.
        outputs: list of `(tensor, mask)`.
        stripped: the tensors among the inputs whose mask was gone after the call.
        warned: True if Keras warned that the layer destroys a mask.
    """

    def __init__(self, layer, parent):
        self.layer = layer
        self.parent = parent
        self.depth = 0 if parent is None else parent.depth + 1
        self.children = []
        self.inputs, self.outputs, self.stripped = [], [], []
        self.explicit, self.received = set(), {}
        self.warned = self.finished = False

    @property
    def name(self):
        """The layer's name."""
        return self.layer.name

    @property
    def class_name(self):
        """The name of the layer's class."""
        return type(self.layer).__name__

    @property
    def read(self):
        """The tensors that it read, masks excepted."""
        return [tensor for _, _, tensor, _ in self.inputs]

    @property
    def made(self):
        """The tensors that it gave out."""
        return [tensor for tensor, _ in self.outputs]

    @property
    def attached(self):
        """The masks that lay on what it read."""
        return [mask for *_, mask in self.inputs if mask is not None]

    @property
    def is_layer(self):
        """False for a raw operation."""
        import keras

        return isinstance(self.layer, keras.layers.Layer)

    @property
    def is_built_in(self):
        """True for Keras's own layers, models excepted: what runs inside them is their affair."""
        import keras

        own = type(self.layer).__module__.split(".")[0] in ("keras", "tf_keras")
        return own and not isinstance(self.layer, keras.Model)

    @property
    def is_block(self):
        """True for a layer with a `call` of somebody's own, models excepted."""
        import keras

        return self.is_layer and not (self.is_built_in or isinstance(self.layer, keras.Model))

    @property
    def path(self):
        """The names from the outermost layer inwards."""
        return [*(self.parent.path if self.parent else []), self.name]

    @property
    def ancestors(self):
        """The calls around this one, from the innermost outwards."""
        return [] if self.parent is None else [self.parent, *self.parent.ancestors]

    def inside(self, kind):
        """Return True if a call around this one belongs to a layer of class `kind`."""
        return self.parent is not None and (
            isinstance(self.parent.layer, kind) or self.parent.inside(kind)
        )
