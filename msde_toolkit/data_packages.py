"""Packages of data files that distributions offer by entry point, the way plugins are offered.

    [project.entry-points."msde.mask_templates"]
    mine = "my_package.templates"

The value is a package; its folder holds the files. Nothing is imported, but the packages above it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from msde_toolkit.errors import PluginError
from msde_toolkit.registry import find


@dataclass(frozen=True)
class DataPackage:
    """A folder of data files.

    Attributes:
        name: the entry point's.
        distribution: who offers it.
        folder: where the files are.
    """

    name: str
    distribution: str
    folder: Path


def data_packages(group: str) -> Iterator[DataPackage]:
    """Those of an entry-point group, by name; third parties' only where they are let in, as with plugins.

    Raises:
        PluginError: a package that is not there, or has no folder of its own.
    """
    for info in find(group, "data packages"):
        yield DataPackage(
            info.name, info.distribution, _folder(info.target, f"{group} {info.name!r}", info.distribution)
        )


def _folder(package: str, what: str, distribution: str) -> Path:
    try:
        spec = find_spec(package)
    except (ImportError, ValueError):
        spec = None
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    if len(places) != 1 or not Path(places[0]).is_dir():
        message = (
            f"{what} of {distribution}: {package!r} is no package with a folder.\nReinstall or remove {distribution}."
        )
        raise PluginError(message)
    return Path(places[0])
