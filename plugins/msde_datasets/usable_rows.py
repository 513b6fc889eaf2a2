"""A manifest of the rows that can be used; the others go to the list of bad rows with the manifest's own reasons."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from msde_datasets.bad_rows import BadRows
from msde_toolkit.errors import DataError
from msde_toolkit.types import LeftOut, Manifest, row_faults


def usable_manifest(
    frame: pd.DataFrame,
    name: str,
    *,
    bad: BadRows,
    where: Callable[[int], str],
    skip: bool,
    root: Path,
    classes: Sequence[str],
    licence: str,
    synthetic: bool = False,
    notes: Sequence[str] = (),
    left_out: Sequence[LeftOut] = (),
) -> Manifest:
    """As ``Manifest.from_frame``, but all rows that it refuses are noted.

    Args:
        frame: index 0..n-1.
        name: of the set.
        bad: takes the rows that are refused; what it says comes before ``notes``.
        where: what a row is called, from its number.
        skip: leave bad rows out instead of stopping.
        root: of the manifest.
        classes: of the manifest.
        licence: of the manifest.
        synthetic: of the manifest.
        notes: of the manifest, besides.
        left_out: of the manifest.

    Raises:
        DataError: for bad rows that must not be skipped, if no row is left, or a column is missing or unfit.
    """

    def made(rows: pd.DataFrame) -> Manifest:
        return Manifest.from_frame(rows, name, root=root, classes=classes, licence=licence, synthetic=synthetic)

    try:
        manifest = made(frame)
    except DataError:
        faults = row_faults(frame, name, len(classes))
        if not faults:
            raise
        for row, why in faults:
            bad.add(where(row), why.removesuffix("."))
        manifest = made(frame.drop(index=[row for row, _ in faults]))
    notes = (*bad.settle(len(manifest), skip=skip), *notes)
    return replace(manifest, notes=notes, left_out=tuple(left_out))
