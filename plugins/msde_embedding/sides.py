"""Features on both sides of the mask: of complete pairs, or where a run has none, of all images of both conditions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from msde_toolkit.held_out import balanced, held_out, outputs, pairs_among, units
from msde_toolkit.interfaces import RunView
from msde_toolkit.types import NM, InputError, M

if TYPE_CHECKING:
    import pandas as pd

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Side:
    """Images of one condition by one model.

    Attributes:
        features: ``[n, F]``.
        labels: ``[n]``.
        groups: ``[n]`` subject, or pair where subjects are unknown.
    """

    features: Values
    labels: npt.NDArray[np.int64]
    groups: npt.NDArray[np.object_]


@dataclass(frozen=True)
class Sides:
    """Both conditions of one fold, by its model.

    Attributes:
        fold: its name.
        repeat: which training of it.
        nm: unmasked.
        m: masked; row i is the partner of row i of ``nm`` if ``paired``.
        paired: whether these are pairs.
        of: pairs (or images) there were before a subset was drawn.
    """

    fold: str
    repeat: int
    nm: Side
    m: Side
    paired: bool
    of: int

    def centred(self, centre: str) -> Sides:
        """With what all faces share taken off: the mean of both conditions ("joint"), each its own, or nothing.

        Features that went through a ReLU are nowhere negative, so that even strangers' cosines are near 1.
        """
        nm, m = self.nm.features, self.m.features
        means = {
            "none": (0.0, 0.0),
            "joint": (0.5 * (nm.mean(axis=0) + m.mean(axis=0)),) * 2,
            "condition": (nm.mean(axis=0), m.mean(axis=0)),
        }[centre]
        moved = [
            Side(side.features - mean, side.labels, side.groups)
            for side, mean in zip((self.nm, self.m), means, strict=True)
        ]
        return Sides(self.fold, self.repeat, moved[0], moved[1], self.paired, self.of)


def has_both(run: RunView) -> bool:
    """Whether the run has held-out images of both conditions."""
    return {NM, M} <= set(run.predictions["condition"])


def sides_of(run: RunView, repeat: int, most: int, seed: int) -> Iterator[Sides]:
    """Each fold's two sides: at most ``most`` pairs of it (or as many images a condition), from the classes in turn.

    Raises:
        InputError: if the run has no such repeat, a model is missing, or no fold has images of both conditions.
    """
    import pandas as pd

    rows = held_out(run, repeat)
    paired, nothing = len(pairs_among(run, rows)) > 0, True
    for fold, part in rows.groupby("fold", sort=True):
        nm, m, of = _chosen(run, part.reset_index(drop=True), paired, most, seed)
        if len(nm) and len(m):
            nothing = False
            # One call, so that the fold's model is read once.
            both = pd.concat([nm, m], ignore_index=True)
            features = outputs(run, both).features.astype(np.float64)
            sides = [_side(run, both, features, mine) for mine in (slice(len(nm)), slice(len(nm), None))]
            yield Sides(str(fold), repeat, sides[0], sides[1], paired, of)
    if nothing:
        message = f"Run {run.name}: no fold holds out faces with and without a mask; there are no two sides to compare."
        raise InputError(message)


def _chosen(
    run: RunView, rows: pd.DataFrame, paired: bool, most: int, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame, int]:
    if not paired:
        sides = [rows[rows["condition"] == word] for word in (NM, M)]
        return balanced(sides[0], most, seed), balanced(sides[1], most, seed), max(map(len, sides))
    pairs = pairs_among(run, rows)
    unmasked = rows.iloc[pairs["nm"]].assign(partner=pairs["m"].to_numpy()).reset_index(drop=True)
    kept = balanced(unmasked, most, seed)
    return kept, rows.iloc[kept["partner"]], len(pairs)


def _side(run: RunView, rows: pd.DataFrame, features: Values, mine: slice) -> Side:
    part = rows.iloc[mine]
    return Side(features[mine], part["label"].to_numpy(dtype=np.int64), units(run, part).groups)
