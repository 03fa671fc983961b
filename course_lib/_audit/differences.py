"""The outputs of two views laid beside each other, and what differs."""

from course_lib._audit.compare import compare
from course_lib._audit.context import Leak
from course_lib._audit.run import array


def differences(context, outputs, view, alone=None, alone_outputs=None, share=None):
    """Return `(difference, number of the output, view alone)` of all that differ."""
    found, share = [], context.share if share is None else share
    pairs = zip(alone or context.alone, alone_outputs or context.alone_outputs, strict=True)
    for bare, bare_outputs in pairs:
        for number, (mine, other) in enumerate(zip(outputs, bare_outputs, strict=True)):
            axes = context.axes[number]
            one = axes and compare(array(mine), view, array(other), bare, axes)
            if one is not None and one.relative > share:
                found.append((one, number, bare))
    return sorted(found, key=lambda one: -one[0].relative)


def leaks_of(found, view, how, **options):
    """Return a `Leak` for each output among differences, the largest one."""
    largest = {}
    for difference, number, bare in found:
        largest.setdefault(number, Leak(view, bare, difference, number, how, **options))
    return tuple(largest.values())
