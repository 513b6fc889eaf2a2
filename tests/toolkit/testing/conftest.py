"""Broken plugins, installed as a distribution is."""

import inspect
import re
import sys

import broken_landmarkers
import broken_losses
import broken_models
import broken_rest
import pytest
from installed import install

from msde_toolkit.interfaces import Analysis, Dataset, Landmarker, Loss, Masker, Model

GROUPS = {
    Model: "msde.models",
    Loss: "msde.losses",
    Dataset: "msde.datasets",
    Masker: "msde.maskers",
    Landmarker: "msde.landmarkers",
    Analysis: "msde.analyses",
}


def kebab(cls):
    """``LeftOver`` of ``broken_models`` to ``models-left-over``."""
    words = re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()
    return f"{cls.__module__.removeprefix('broken_')}-{words}"


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """Every class of the four modules under its name: ``models-left-over``."""
    folder = tmp_path_factory.mktemp("broken")
    tables = {}
    for module in (broken_models, broken_losses, broken_landmarkers, broken_rest):
        for cls in vars(module).values():
            if inspect.isclass(cls) and cls.__module__ == module.__name__:
                group = next((group for base, group in GROUPS.items() if issubclass(cls, base)), "msde.hooks")
                tables.setdefault(group, {})[kebab(cls)] = f"{module.__name__}:{cls.__name__}"
    tables["msde.models"]["models-missing"] = "no_such_module:Model"
    tables["msde.models"]["models-no-model"] = "broken_losses:Sound"
    tables["msde.losses"]["models-sound"] = "broken_losses:Sound"
    install(folder, "msde-broken", "1.0", tables)
    patch = pytest.MonkeyPatch()
    patch.setenv("MSDE_PLUGINS", "msde-broken")
    patch.syspath_prepend(str(folder))
    yield
    patch.undo()
    assert str(folder) not in sys.path
