"""Kernel settings for `pytest` run without make: the same ones that the Makefile exports."""

import os
from pathlib import Path

ROOT = Path(__file__).parent

for line in (ROOT / "kernel.env").read_text().splitlines():
    name, _, value = line.partition("=")
    os.environ[name] = value
for name, folder in [
    ("KERAS_HOME", "keras"),
    ("MPLCONFIGDIR", "matplotlib"),
    ("IPYTHONDIR", "ipython"),
]:
    os.environ.setdefault(name, str(ROOT / ".venv" / "home" / folder))
# `make backends` asks the same tests of another backend of Keras.
os.environ["KERAS_BACKEND"] = os.environ.get("COURSE_BACKEND", os.environ["KERAS_BACKEND"])
# Neither a test nor `make run` reads or writes a learner's record, and stored outputs hold pictures
# where a learner gets sliders.
os.environ["COURSE_PROGRESS"] = "off"
os.environ["COURSE_WIDGETS"] = "off"
