"""Run nbval as `make test-notebooks` does, and tell which cells it turns red."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RED = re.compile(r"^(?:FAILED|ERROR) \S*?(\w+)\.ipynb(?:::Cell (\d+))?", re.MULTILINE)


def red_cells(paths, log, env=None):
    """Return (notebook's stem, number of the code cell as text, from 0) of each red cell.

    Args:
        paths: notebooks.
        log: where what pytest prints is kept.
        env: the environment's variables; those of this process if `None`.
    """
    command = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-q", "--tb=no"]
    command += ["--nbval-cell-timeout=600", "--nbval-kernel-startup-timeout=600"]
    command += ["-p", "tests.nbval_pictures", "-p", "no:cacheprovider"]
    command += ["-n", "2", "--dist", "loadfile", "-rfE", *map(str, paths)]
    done = subprocess.run(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    log.write_text(done.stdout)
    red = RED.findall(done.stdout)
    if done.returncode > 1 or (done.returncode and not red):
        raise RuntimeError(f"the notebooks could not be run: {log}")
    return red
