"""Held-out features of a run, each by the model of the fold that held the sample out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from msde_toolkit.held_out import Units, balanced, held_out, outputs, units
from msde_toolkit.interfaces import RunView

if TYPE_CHECKING:
    import pandas as pd

Features = npt.NDArray[np.float32]


@dataclass(frozen=True)
class HeldOut:
    """Samples with their features. Features of different folds come from different models: compare within a fold.

    Attributes:
        run: whose.
        rows: n rows of its predictions, index 0..n-1.
        features: ``[n, F]``.
        units: what intervals resample, of each row.
        of: samples there were before a subset was drawn.
    """

    run: RunView
    rows: pd.DataFrame
    features: Features
    units: Units
    of: int

    def take(self, chosen: npt.NDArray[np.bool_]) -> HeldOut:
        """The samples where this is true."""
        rows = self.rows[chosen].reset_index(drop=True)
        return HeldOut(
            self.run, rows, self.features[chosen], Units(self.units.groups[chosen], self.units.unit), self.of
        )

    def folds(self) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
        """Each fold and ``[n]`` which samples are its."""
        for fold in sorted(set(self.rows["fold"])):
            yield str(fold), (self.rows["fold"] == fold).to_numpy(dtype=bool)


def held_out_features(run: RunView, repeat: int, most: int, seed: int) -> HeldOut:
    """Features of at most ``most`` samples a fold, from classes and conditions in turn.

    Raises:
        InputError: if the run has no such repeat, or a model is missing.
    """
    import pandas as pd

    everything = held_out(run, repeat)
    parts = [balanced(part, most, seed) for _, part in everything.groupby("fold", sort=True)]
    rows = pd.concat(parts, ignore_index=True)
    return HeldOut(run, rows, outputs(run, rows).features, units(run, rows), len(everything))
