"""Sequence masking in Keras: pad, trace, audit, and the references that the lessons use.

One name finds the room: a lesson `04_lstm_carry_over`, its module `carry_over.py`, its tests and
its exercises carry the same word. The names below can be imported from `course_lib` itself; each
loads its module only when it is first used, so `import course_lib` costs little more than NumPy
and never imports Keras. A type checker reads `__init__.pyi` in its place.
"""

import importlib

__version__ = "0.1.0"

_HOME = {
    "check_environment": "environment",
    "pad": "padding",
    "lengths_to_mask": "padding",
    "mask_to_lengths": "padding",
    "padding_efficiency": "padding",
    "masked_mean": "padding",
    "look_up": "embedding",
    "compute_mask": "embedding",
    "table_gradient": "embedding",
    "trace": "propagation",
    "Trace": "propagation",
    "audit": "lost_masks",
    "AuditReport": "_audit.report",
    "Finding": "_audit.report",
    "assert_padding_invariant": "lost_masks",
    "lstm": "carry_over",
    "check": "exercises",
    "hint": "exercises",
    "progress": "exercises",
    "explore_padding": "explorers",
    "explore_carry_over": "explorers",
    "explore_loss": "explorers",
}

__all__ = sorted(_HOME)


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module 'course_lib' has no attribute {name!r}")
    return getattr(importlib.import_module(f"course_lib.{_HOME[name]}"), name)


def __dir__():
    return sorted([*globals(), *_HOME])
