"""Say in plain words whether this Python can run the course. Runs under any Python 3."""

import sys

OLDEST, NEWEST = (3, 11), (3, 13)  # TensorFlow 2.21 has no wheels for a later Python.

found = sys.version_info[:2]
if not OLDEST <= found <= NEWEST:
    sys.exit(
        "The course needs Python {}.{} to {}.{}, and `python3` here is {}.{}. "
        "Name another one: make PYTHON=python3.12 test".format(*OLDEST, *NEWEST, *found)
    )
try:
    import ensurepip  # noqa: F401
    import venv  # noqa: F401
except ImportError:
    sys.exit("This Python cannot make virtual environments; on Debian: apt install python3-venv")
