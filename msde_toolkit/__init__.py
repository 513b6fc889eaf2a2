"""msde-toolkit: train, compare and explain facial-expression recognition on faces with and without masks.

The command line is a thin skin over the functions named here. Each is imported when it is first used, so that
``import msde_toolkit`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "analyze": "msde_toolkit.results.analyze",
    "create_loss": "msde_toolkit.create",
    "create_model": "msde_toolkit.create",
    "load_manifest": "msde_toolkit.types.manifest",
    "open_run": "msde_toolkit.results.open_run",
    "run": "msde_toolkit.engine.run",
    "RunConfig": "msde_toolkit.engine.config",
}

__all__ = ["RunConfig", "__version__", "analyze", "create_loss", "create_model", "load_manifest", "open_run", "run"]

if TYPE_CHECKING:
    from msde_toolkit.create import create_loss, create_model
    from msde_toolkit.engine.config import RunConfig
    from msde_toolkit.engine.run import run
    from msde_toolkit.results.analyze import analyze
    from msde_toolkit.results.open_run import open_run
    from msde_toolkit.types.manifest import load_manifest


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        message = f"module 'msde_toolkit' has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(_HOME[name]), name)
