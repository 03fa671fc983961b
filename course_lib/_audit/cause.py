"""Why padding is seen, as data; `messages.message_of` puts it into words."""

from dataclasses import dataclass, replace
from typing import Any


@dataclass(frozen=True)
class Raw:
    """A raw operation, which has no name that a reader knows: the layers around it do.

    Attributes:
        what: the operations, "Mean, Sub".
        within: the layer in whose `call` it runs, empty for the model's own.
        before: the names of the layers that it reads from.
        after: the names of the layers that read it.
        origin: the id of the tensor that it made.
    """

    what: str
    within: str
    before: tuple
    after: tuple
    origin: int

    def __str__(self):
        within = f" in '{self.within}'" if self.within else ""
        return f"raw operation {self.what}{within} {between(self.before, self.after)}"


@dataclass(frozen=True)
class Cause:
    """Why padding is seen.

    Attributes:
        kind: a key of `faults.FAULTS`.
        layer: the layer's name, or a `Raw`.
        call: the `Call`, or `None`.
        detail: what else is known, a clause.
        fix: what fixes this one, where that of its kind would not; else empty.
        needs: who needs the mask that is not there, "`lstm`" or "the loss".
        by: for each layer of these, the argument by which it can be given the mask.
        operations: the raw operations that were run there.
        padding: the value that stands at all padded steps of what the layer reads, if one does.
        value: what a `compute_mask` would have to return.
    """

    kind: str
    place: Any
    call: Any = None
    detail: str = ""
    fix: str = ""
    needs: tuple = ()
    by: tuple = ()
    operations: tuple = ()
    padding: float | None = None
    value: str = ""

    @property
    def layer(self):
        """The layer's name, or the raw operation and the layers on both its sides."""
        return str(self.place)

    @property
    def is_raw(self):
        """True for a raw operation, False for a layer."""
        return isinstance(self.place, Raw)

    def but(self, **changes):
        """Return the same with some attributes changed."""
        return replace(self, **changes)

    def needed_by(self, name, by=""):
        """Return the same with who needs the mask, if that is not known yet."""
        return self if self.needs else self.but(needs=(name,), by=(by,) if by else ())


def join(causes):
    """Return the causes, those of one fault joined: what one operation made, several may read."""
    joined = {}
    for cause in causes:
        key = (cause.kind, cause.place.origin if cause.is_raw else cause.place)
        joined[key] = _both(joined[key], cause) if key in joined else cause
    return list(joined.values())


def _both(one, other):
    pairs = dict(zip(one.needs, one.by, strict=False))
    new = [n for n in other.needs if n not in one.needs]
    by = dict(zip(other.needs, other.by, strict=False))
    changes = {"needs": (*one.needs, *new)}
    changes["by"] = tuple(pairs.values()) + tuple(by[name] for name in new if name in by)
    if one.is_raw:
        after = tuple(dict.fromkeys((*one.place.after, *other.place.after)))
        changes["place"] = replace(one.place, after=after)
    return one.but(**changes)


def between(before, after):
    """Return where something stands, in the names of the layers before and after it."""
    first = " and ".join(f"'{name}'" for name in dict.fromkeys(before)) or "the input"
    last = " and ".join(f"'{name}'" for name in dict.fromkeys(after)) or "the output"
    if len(set(before)) > 1 or len(set(after)) > 1:
        return f"after {first}, before {last}"
    return f"between {first} and {last}"
