"""What is to be masked: a dataset by its name, or a manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msde_toolkit.create import create_dataset
from msde_toolkit.data.source import open_source, with_on_bad
from msde_toolkit.errors import InputError
from msde_toolkit.interfaces import Dataset
from msde_toolkit.registry import Registry
from msde_toolkit.types import Manifest, PublishedTable, load_manifest

FILE = "manifest.parquet"


@dataclass(frozen=True)
class OpenSet:
    """A set of samples, who reads them, the dataset's options, and what publications say of it."""

    manifest: Manifest
    dataset: Dataset
    options: Mapping[str, Any]
    published: tuple[PublishedTable, ...] = ()


def open_set(what: str, root: Path | None, options: Mapping[str, Any], on_bad: str | None) -> OpenSet:
    """Open a dataset by its name, which wins, or a manifest (Parquet, or the folder of ``manifest.parquet``).

    Raises:
        InputError: nothing of that name; options for a manifest; or as opening it does.
        DataError: as opening it does.
    """
    if what in Registry("datasets"):
        source = open_source(what, root, with_on_bad(what, options, on_bad))
        return OpenSet(source.manifest, source.dataset, source.options, source.published)
    file = Path(what)
    file = file / FILE if (file / FILE).is_file() else file
    if not file.is_file():
        names = ", ".join(Registry("datasets").names())
        message = f"{what}: no dataset of that name ({names}), and no manifest is there."
        raise InputError(message)
    if options:
        message = f"--set data.{next(iter(options))}: {what} is not a dataset's name; a manifest is taken as it is."
        raise InputError(message)
    if file.suffix.lower() != ".parquet":
        message = f"{what}: is no manifest of this toolkit; a CSV is opened by: msde data mask table --root {what}"
        raise InputError(message)
    manifest = load_manifest(file, root)
    dataset = create_dataset(manifest.name) if manifest.name in Registry("datasets") else Dataset()
    return OpenSet(manifest, dataset, {})
