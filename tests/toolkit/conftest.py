"""Distributions that the tests install, as pip would leave them."""

import sys

import pytest
from tiny_plugins import tiny_plugins


@pytest.fixture
def site_packages(tmp_path, monkeypatch):
    """An empty folder on the import path, all third parties let in; modules imported from it are forgotten again."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    for variable in ("MSDE_PLUGINS", "MSDE_STRICT_PLUGINS"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.syspath_prepend(str(folder))
    yield folder
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(str(folder)):
            del sys.modules[name]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The module of the tiny plugins, installed for one file's tests, with an image cache of their own."""
    with tiny_plugins(tmp_path_factory.mktemp("tiny")) as module:
        yield module
