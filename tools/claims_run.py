"""Run the tests of claims under some Keras and read what the report says."""

import json
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MINUTES = 15


def ask(python, home, settings, tests="tests/claims"):
    """Run the claims; return what the report says, or `{"failed": why there is none}`.

    Args:
        python: the interpreter of the environment to ask.
        home: a folder for the report, the log and what Keras and Matplotlib write.
        settings: environment variables of this run.
        tests: the folder of all claims, or one file of it.
    """
    report = home / "report.json"
    report.unlink(missing_ok=True)
    command = [str(python), "-m", "pytest", tests, "-q", "--tb=short"]
    command += ["-p", "tools.claims_report", "--claims-report", str(report)]
    command += ["-p", "no:cacheprovider", "--continue-on-collection-errors"]
    with (home / "log.txt").open("w") as log:
        try:
            subprocess.run(
                command,
                cwd=ROOT,
                env=environment(home, settings),
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=60 * MINUTES,
            )
        except subprocess.TimeoutExpired:
            return {"failed": f"not done after {MINUTES} minutes"}
    if not report.exists():
        return {"failed": "the run ended without a report"}
    return json.loads(report.read_text())


def environment(home, settings):
    """Return the variables of a run that writes nothing but into `home`."""
    own = {
        "KERAS_HOME": str(home / "keras"),
        "MPLCONFIGDIR": str(home / "matplotlib"),
        "IPYTHONDIR": str(home / "ipython"),
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONHASHSEED": "0",
    }
    return os.environ | own | settings
