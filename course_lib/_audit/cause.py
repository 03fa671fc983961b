"""Why padding is seen, as data; `message` puts it into words."""

from dataclasses import dataclass, replace
from typing import Any

from course_lib._audit.faults import FAULTS
from course_lib._audit.messages import as_sentence, joined
from course_lib._call import Call


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
        place: the `Call` of a layer, a `Raw`, or the name of a layer or metric.
        detail: what else is known, a clause.
        fix: what fixes this one, where that of its kind would not; else empty.
        needs: who needs the mask that is not there, "`lstm`" or "the loss", each with the argument
            by which it can be given the mask, empty if it takes none.
        way: what makes the mask there or lets it out, a clause; empty if nothing is known to.
        through: who would not hand that mask on, in words.
    """

    kind: str
    place: Any
    detail: str = ""
    fix: str = ""
    needs: tuple = ()
    way: str = ""
    through: tuple = ()

    @property
    def call(self):
        """The `Call`, `None` where no layer is to blame."""
        return self.place if isinstance(self.place, Call) else None

    @property
    def is_raw(self):
        """True for a raw operation, False for a layer."""
        return isinstance(self.place, Raw)

    @property
    def layer(self):
        """The layer's name, or the raw operation and the layers on both its sides."""
        return self.call.name if self.call else str(self.place)

    @property
    def message(self):
        """What happened there, and what fixes it, as a text of a few sentences."""
        fault, names = FAULTS[self.kind], [name for name, _ in self.needs]
        needed = f"{joined(names)} need{'s' * (len(names) == 1)} it" if names else ""
        warned = "Keras warned of it" if self.call and self.call.warned else ""
        details = "; ".join(filter(None, [self.detail or warned, needed]))
        details = f" ({details})" if details else ""
        about = f"At the {self.layer}" if self.is_raw else f"At `{self.layer}`"
        about += f" ({self.call.class_name})" if self.call else ""
        fix = self.fix or (as_sentence(fault.fix(self)) if callable(fault.fix) else fault.fix)
        return f"{about}: {fault.what}{details}. {fix}"

    def but(self, **changes):
        """Return the same with some attributes changed."""
        return replace(self, **changes)

    def needed_by(self, name, by=""):
        """Return the same with who needs the mask, if that is not known yet."""
        return self if self.needs else self.but(needs=((name, by),))


def join(causes):
    """Return the causes, those of one fault joined: what one operation made, several may read."""
    found = {}
    for cause in causes:
        key = (cause.kind, cause.place.origin if cause.is_raw else cause.layer)
        first = found.setdefault(key, cause)
        needs = {**dict(first.needs + cause.needs), **dict(first.needs)}
        place = first.place
        if cause.is_raw:
            after = tuple(dict.fromkeys((*place.after, *cause.place.after)))
            place = replace(place, after=after)
        found[key] = first.but(place=place, needs=tuple(needs.items()))
    return list(found.values())


def between(before, after):
    """Return where something stands, in the names of the layers before and after it."""
    first = " and ".join(f"'{name}'" for name in dict.fromkeys(before)) or "the input"
    last = " and ".join(f"'{name}'" for name in dict.fromkeys(after)) or "the output"
    if len(set(before)) > 1 or len(set(after)) > 1:
        return f"after {first}, before {last}"
    return f"between {first} and {last}"
