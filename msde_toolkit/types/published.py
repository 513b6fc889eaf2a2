"""Numbers that a publication gives of a dataset, as printed, to stand beside what is on the disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TOTAL = "total"


@dataclass(frozen=True)
class PublishedTable:
    """A table of a publication.

    Attributes:
        title: as short as it can be cited: "Table 2".
        source: the publication.
        columns: name of a column to counts by class name, and ``total``; a column that is not given by class has its
            total alone. Counts are as printed, even where they do not add up. A column that is named as one of
            ``msde data show`` ("NM", "M train", "pairs", "all") is shown beside it.
        note: what must be known to read it, such as a misprint.
    """

    title: str
    source: str
    columns: Mapping[str, Mapping[str, int]]
    note: str = ""

    def __post_init__(self) -> None:
        """Counts are whole numbers, 0 or more; every column has a total.

        Raises:
            ValueError: naming the column.
        """
        for name, counts in self.columns.items():
            if TOTAL not in counts or any(type(count) is not int or count < 0 for count in counts.values()):
                message = f"{self.title}, column {name!r}: must have a total, and counts of 0 or more."
                raise ValueError(message)


def by_class(classes: Sequence[str], counts: Sequence[int], total: int | None = None) -> dict[str, int]:
    """A column: one count a class, and the total as printed (by default what the counts add up to)."""
    return {**dict(zip(classes, counts, strict=True)), TOTAL: sum(counts) if total is None else total}
