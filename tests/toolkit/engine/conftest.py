"""Fixtures of the engine's tests."""

import pytest
from tiny_plugins import tiny_plugins


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The module of the tiny plugins, installed for this file's tests."""
    with tiny_plugins(tmp_path_factory.mktemp("tiny")) as module:
        yield module
