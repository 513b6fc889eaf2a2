"""Weights files: opened without running anything that is in them, recognised, and loaded key by key or not at all.

Each name is imported when it is first used: the list of published files needs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HOME = {
    "Layout": "layouts",
    "WeightsReport": "report",
    "fit_state": "load",
    "imagenet_file": "published",
    "layout": "layouts",
    "load_from_run": "load",
    "load_into": "load",
    "load_strict": "load",
    "read_weights": "read",
    "write_weights": "read",
}

__all__ = [
    "Layout",
    "WeightsReport",
    "fit_state",
    "imagenet_file",
    "layout",
    "load_from_run",
    "load_into",
    "load_strict",
    "read_weights",
    "write_weights",
]

if TYPE_CHECKING:
    from msde_toolkit.weights.layouts import Layout, layout
    from msde_toolkit.weights.load import fit_state, load_from_run, load_into, load_strict
    from msde_toolkit.weights.published import imagenet_file
    from msde_toolkit.weights.read import read_weights, write_weights
    from msde_toolkit.weights.report import WeightsReport


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        message = f"module 'msde_toolkit.weights' has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(f"msde_toolkit.weights.{_HOME[name]}"), name)
