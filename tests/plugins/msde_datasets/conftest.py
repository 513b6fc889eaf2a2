"""A model that trains in a moment, for the runs on each set."""

import pytest
from tiny_plugins import tiny_plugins


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """Its name; its distribution is installed for one file's tests."""
    with tiny_plugins(tmp_path_factory.mktemp("tiny")):
        yield "tiny"
