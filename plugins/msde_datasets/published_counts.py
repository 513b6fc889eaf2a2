"""What a set should hold by its paper, and what was found: differences are said, never hidden."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

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


def total(split: str, expected: int, found: int, what: str = "images") -> str:
    """As in "12,271 train images expected, 2,100 found"."""
    return f"{expected:,} {split} {what} expected, {found:,} found"
