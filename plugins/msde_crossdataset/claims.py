"""What the paper says of Fig. 7, as differences that are positive where it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from msde_crossdataset.cells import MASKED, NM, TARGET, UNMASKED, Cells, Key
from msde_toolkit import statistics

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Claim:
    """A sentence of the paper's Sec. 3.6.

    Attributes:
        figure: "7(a)" or "7(b)".
        key: the cell that it is about.
        says: the claim.
        measure: what the number is; it is positive where the claim holds.
        of: from the cell's counts ``[..., C, C]`` to ``[..., 1]``.
    """

    figure: str
    key: Key
    says: str
    measure: str
    of: Callable[[Mapping[Key, Floats]], Floats]


EASY = {"7(a)": ("surprise", "disgust", "happy", "neutral"), "7(b)": ("surprise", "neutral")}
"""What the paper calls recognised easily."""


def claims(cells: Cells) -> Iterator[Claim]:
    """Those that can be asked: the cells are there, and the classes have these names."""
    figures = {"7(a)": (TARGET, UNMASKED, NM), "7(b)": (TARGET, MASKED, cells.masked_faces)}
    place = {name: index for index, name in enumerate(cells.classes)}
    for figure, key in figures.items():
        if key not in cells.cells:
            continue
        if {"fear", "surprise"} <= set(place):
            yield Claim(
                figure,
                key,
                "fear is taken for surprise",
                "share of fear called surprise, minus that of the next wrong answer",
                _most_taken_for(key, place["fear"], place["surprise"]),
            )
        if set(EASY[figure]) < set(place):
            names = EASY[figure]
            yield Claim(
                figure,
                key,
                f"{', '.join(names[:-1])} and {names[-1]} are easier than the rest",
                "lowest recall of these, minus the highest of the others",
                _easier(key, [place[name] for name in names]),
            )


def _most_taken_for(key: Key, truth: int, answer: int) -> Callable[[Mapping[Key, Floats]], Floats]:
    def of(counts: Mapping[Key, Floats]) -> Floats:
        row = counts[key][..., truth, :]
        others = np.delete(row, [truth, answer], axis=-1).max(axis=-1)
        size = row.sum(axis=-1)
        out = np.full((*size.shape, 1), np.nan)
        np.divide((row[..., answer] - others)[..., None], size[..., None], out=out, where=size[..., None] > 0)
        return out

    return of


def _easier(key: Key, easy: Sequence[int]) -> Callable[[Mapping[Key, Floats]], Floats]:
    def of(counts: Mapping[Key, Floats]) -> Floats:
        recall = statistics.recall_by_class(counts[key])
        rest = np.delete(recall, easy, axis=-1)
        return np.asarray(recall[..., list(easy)].min(axis=-1) - rest.max(axis=-1))[..., None]

    return of


def verdict(interval: list[float] | None) -> str:
    """Whether it holds, as far as the interval decides."""
    if interval is None:
        return "no interval"
    return "holds" if interval[0] > 0 else "does not hold" if interval[1] < 0 else "undecided"
