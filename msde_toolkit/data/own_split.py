"""One part of a dataset, by the dataset's own split."""

from __future__ import annotations

from msde_toolkit.errors import InputError
from msde_toolkit.types import Manifest


def of_split(manifest: Manifest, split: str | None) -> Manifest:
    """The samples of this split; all of them for None.

    Raises:
        InputError: if the set has no such split, with those that it has.
    """
    if split is None:
        return manifest
    names = manifest.split_names
    if split not in names:
        there = f"it has {', '.join(names)}" if names else "it has no split of its own; leave --split out"
        message = f"--split {split}: {manifest.name} has no such split; {there}."
        raise InputError(message)
    return manifest.take((manifest.frame["split"] == split).to_numpy())
