"""What a test needs and a machine may lack. Where Keras is missing, the tests that ask it skip."""

import pytest

keras = pytest.importorskip("keras", reason="Keras is not installed: `make .venv` installs it")
