"""Fixtures that every test may ask for."""

import pytest


@pytest.fixture(scope="session")
def keras():
    """Keras; a test that asks for it is skipped where Keras is not installed."""
    return pytest.importorskip("keras", reason="Keras is not installed: `make .venv` installs it")
