"""Rows that a manifest would refuse, moved to the list of bad rows with the manifest's own reasons."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from msde_datasets.bad_rows import BadRows
from msde_toolkit.types import row_faults


def usable(frame: pd.DataFrame, name: str, classes: int, bad: BadRows, where: Callable[[int], str]) -> pd.DataFrame:
    """The rows that ``Manifest.from_frame`` accepts; the others are noted.

    Args:
        frame: as for ``Manifest.from_frame``, index 0..n-1.
        name: of the set.
        classes: how many there are.
        bad: takes the others.
        where: what a row is called, from its number.

    Raises:
        DataError: if a column is missing, there twice, or cannot be stored.
    """
    faults = row_faults(frame, name, classes)
    for row, why in faults:
        bad.add(where(row), why.removesuffix("."))
    return frame.drop(index=[row for row, _ in faults]).reset_index(drop=True) if faults else frame
