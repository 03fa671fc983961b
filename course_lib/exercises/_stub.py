"""Tell an exercise that nobody has begun from one that was answered wrongly."""

import dis
import inspect

# What a body of `...`, `pass`, `return`, `return None` or `return ...` is compiled to.
IDLE = {"RESUME", "NOP", "LOAD_CONST", "RETURN_VALUE", "RETURN_CONST", "COPY_FREE_VARS", "CACHE"}


def is_stub(answer):
    """Whether a function does nothing but return None or `...`."""
    code = getattr(inspect.unwrap(answer) if callable(answer) else None, "__code__", None)
    if code is None or code.co_flags & inspect.CO_GENERATOR:
        return False
    steps = list(dis.get_instructions(code))
    constants = [step.argval for step in steps if step.opname in ("LOAD_CONST", "RETURN_CONST")]
    return all(step.opname in IDLE for step in steps) and all(
        constant is None or constant is ... for constant in constants
    )


def holds_ellipsis(value):
    """Whether a result is `...`, or a tuple or list with `...` in it."""
    if isinstance(value, (tuple, list)):
        return any(map(holds_ellipsis, value))
    return value is ...
