"""What publications say of a masked twin, beside what it holds."""

from __future__ import annotations

from collections.abc import Sequence

from msde_toolkit.types import M, Manifest, PublishedTable


def beside_published(twin: Manifest, sources: Manifest, published: Sequence[PublishedTable]) -> list[str]:
    """A line for each published table that counts a split of the set or of its masked copy, with what is there.

    Columns are those of ``msde data show``: "NM train" is compared with the unmasked samples that were found, "M
    train" with those of the twin that wear a mask.
    """
    masked = twin.take((twin.frame["condition"] == M).to_numpy())
    lines = []
    for table in published:
        told = []
        for column, counts in table.columns.items():
            condition, _, split = column.partition(" ")
            if condition in ("NM", "M") and split in sources.split_names:
                there = int(((masked if condition == "M" else sources).frame["split"] == split).sum())
                what = "masked" if condition == "M" else "unmasked"
                told.append(f"{split} {counts['total']:,} {what}, here {there:,}")
        if told:
            lines.append(f"{table.title} ({table.source}): {'; '.join(told)}{'. ' if table.note else ''}{table.note}")
    return lines
