"""What a set should hold by its paper, and what was found: differences are said, never hidden."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from msde_toolkit.types import PublishedTable, by_class

MSDE_PAPER = "Sola and Gera, Masked Student Dataset of Expressions, ICVGIP 2022"

Published = Mapping[str, Sequence[int]]
"""For each split the number of images of each class."""


def compared(
    labels: npt.NDArray[np.int64], splits: Iterable[str], classes: Sequence[str], published: Published
) -> tuple[str, ...]:
    """A note for each split whose counts are not the published ones; none if all are.

    Args:
        labels: ``[n]`` indices into ``classes``.
        splits: ``[n]`` names of splits.
        classes: class names.
        published: the published counts, in the order of ``classes``.
    """
    where = np.array(list(splits), dtype=object)
    notes = []
    for split, expected in published.items():
        found = np.bincount(labels[where == split], minlength=len(classes))
        if found.sum() != sum(expected):
            notes.append(total(split, sum(expected), int(found.sum())))
            continue
        other = [
            f"{there:,} {name} where {number:,} are published"
            for name, number, there in zip(classes, expected, found.tolist(), strict=True)
            if number != there
        ]
        if other:
            notes.append(f"{split}: {', '.join(other)}")
    return tuple(notes)


def table_1(occluded: int, masked: int, note: str = "") -> PublishedTable:
    """A row of Table 1 of the paper of MSD-E: how many images of a set are occluded, and by a mask."""
    columns = {"occluded": {"total": occluded}, "masked": {"total": masked}}
    return PublishedTable("Table 1", MSDE_PAPER, columns, note)


def masked_twin(name: str, train: int, test: int, note: str) -> PublishedTable:
    """The masked copy of a set that the paper of MSD-E made and trained on."""
    columns = {"M train": {"total": train}, "M test": {"total": test}}
    return PublishedTable(name, MSDE_PAPER, columns, note)


def counts_by_split(published: Published, classes: Sequence[str], source: str, note: str = "") -> PublishedTable:
    """Counts of a set without masks by class, a column a split."""
    columns = {f"NM {split}": by_class(classes, counts) for split, counts in published.items()}
    return PublishedTable("published", source, columns, note)


def total(split: str, expected: int, found: int, what: str = "images") -> str:
    """As in "12,271 train images expected, 2,100 found"."""
    return f"{expected:,} {split} {what} expected, {found:,} found"
