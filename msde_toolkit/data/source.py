"""A dataset opened by name, with faces cut out and a mask drawn on where that was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msde_toolkit.create import create_dataset, create_masker, parse_options
from msde_toolkit.data.faces import Cutting, FaceCrops
from msde_toolkit.data.masking import MaskedDataset
from msde_toolkit.data.own_split import of_split
from msde_toolkit.errors import DataError, InputError
from msde_toolkit.interfaces import Dataset
from msde_toolkit.registry import shown_name
from msde_toolkit.types import Manifest, PublishedTable


@dataclass(frozen=True)
class Source:
    """A dataset, ready to be read, and its samples."""

    dataset: Dataset
    manifest: Manifest
    options: Mapping[str, Any]
    mask_options: Mapping[str, Any]

    @property
    def published(self) -> tuple[PublishedTable, ...]:
        """What publications say of the set, as its plugin declares it."""
        base = _innermost(self.dataset)
        return tuple(base.published(parse_options(type(base), self.options, "data")))


def wrap(
    name: str,
    mask: str | None,
    mask_options: Mapping[str, Any],
    seed: int,
    *,
    cutting: Cutting | None = None,
    split: str | None = None,
    mask_bare: bool = False,
) -> Dataset:
    """The dataset: faces are cut from its photos if ``cutting`` says how, and ``mask`` is drawn on if one is named.

    Raises:
        InputError: unknown name or option; options of a mask without a mask.
    """
    dataset = create_dataset(name)
    if cutting is not None:
        dataset = FaceCrops(dataset, cutting, split)
    if mask is None:
        if mask_options:
            message = "--set mask.*: no mask is drawn; name one with --mask NAME."
            raise InputError(message)
        return dataset
    return MaskedDataset(dataset, create_masker(mask, mask_options), shown_name(mask), seed, bare_only=mask_bare)


def with_on_bad(name: str, options: Mapping[str, Any], on_bad: str | None) -> dict[str, Any]:
    """Options to look at a dataset with: bad rows are skipped unless something else was asked for.

    A dataset that reads no lists has no bad rows; asked for them all the same, it says so.
    """
    if on_bad is None and "on_bad" not in type(create_dataset(name)).Options.model_fields:
        return dict(options)
    return {"on_bad": on_bad or "skip", **options}


def open_source(
    name: str,
    root: Path | None,
    options: Mapping[str, Any],
    *,
    mask: str | None = None,
    mask_options: Mapping[str, Any] | None = None,
    seed: int = 0,
    cutting: Cutting | None = None,
    split: str | None = None,
    mask_bare: bool = False,
) -> Source:
    """Open a dataset and list its samples; no image is decoded, unless faces have to be found.

    Args:
        name: of the dataset.
        root: where it is.
        options: of the dataset.
        mask: drawn on every face.
        mask_options: of the mask.
        seed: of the masks.
        cutting: how faces are found and cut, if the dataset's images are photos.
        split: only this one of the dataset's own splits.
        mask_bare: masks are drawn on the unmasked faces of a set that has masked ones too; those are left aside.

    Raises:
        InputError: unknown name or option, options of a mask without a mask, missing root, no such split.
        DataError: naming file and row; or no photo has a face.
    """
    dataset = wrap(name, mask, mask_options or {}, seed, cutting=cutting, split=split, mask_bare=mask_bare)
    checked = parse_options(type(_innermost(dataset)), options, "data")
    manifest = of_split(dataset.load(root, checked), split)
    if len(manifest) == 0:
        message = f"{name}: there is not a single sample{'' if root is None else f' in {root}'}."
        raise DataError(message)
    masked = dataset.masker.options.model_dump(mode="json") if isinstance(dataset, MaskedDataset) else {}
    return Source(dataset, manifest, checked.model_dump(mode="json"), masked)


def _innermost(dataset: Dataset) -> Dataset:
    """The dataset that was named, without what is made of its images."""
    while isinstance(dataset, (MaskedDataset, FaceCrops)):
        dataset = dataset.base
    return dataset
