"""Find a program that Python cannot bring, or say plainly that it is missing."""

import shutil
import sys


def program(*names, use, more=""):
    """Return the path of the first of `names` that is there.

    Args:
        names: what the program may be called; on Debian its package has the first one.
        use: what needs it, with the verb: "The decks need".
        more: what is said after it.

    Raises:
        SystemExit: none of them is installed; it says so, and how to get it.
    """
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        said = f"{use} {names[0]}, which is not installed; on Debian: apt install {names[0]}."
        sys.exit(f"{said} {more}".strip())
    return found
