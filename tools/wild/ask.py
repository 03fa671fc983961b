"""Ask the models of one module of `tools.wild`, and print a line of JSON for each.

It runs in the throw-away environment: `python -m tools.wild.ask hub`.
"""

import importlib
import json
import sys
import time
import traceback

from tools.wild.case import TOLERANCE, move_weights, solo_difference


def ask(case):
    """Return what the solo test and `audit` say of one model."""
    from course_lib import audit

    found = {"name": case.name, "package": case.package, "intent": case.intent, "why": case.why}
    try:
        model, x, lengths = case.build()
        move_weights(model)
        difference = solo_difference(model, x, lengths)
    except Exception:
        return found | {"failed": last_line()}
    found |= {"difference": difference, "leaks": difference > TOLERANCE}
    started = time.perf_counter()
    try:
        report = audit(model, x, **case.options)
    except Exception:
        return found | {"refused": last_line(), "seconds": time.perf_counter() - started}
    found["seconds"] = time.perf_counter() - started
    found["ok"] = bool(report.ok)
    found["findings"] = [[finding.kind, finding.layer] for finding in report.findings]
    return found


def last_line():
    """Return the error that is being handled, its name and first line."""
    kind, error, _ = sys.exc_info()
    lines = str(error).strip().splitlines() or [""]
    if "-v" in sys.argv:
        traceback.print_exc()
    return f"{kind.__name__}: {lines[0]}"[:300]


def main(module, *names):
    """Ask each case of a module, or those of these names."""
    cases = importlib.import_module(f"tools.wild.{module}").CASES
    names = [name for name in names if name != "-v"]
    for case in cases:
        if not names or case.name in names:
            print(json.dumps(ask(case)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
