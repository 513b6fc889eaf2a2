"""Fixtures of the registry's and the hooks' tests."""

import sys

import pytest


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
