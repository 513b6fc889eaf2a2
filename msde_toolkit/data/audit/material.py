"""What is audited: samples, who reads their images, what keeps them apart, and the run they were used in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from msde_toolkit.data.audit.pixels import Pixels, look_at
from msde_toolkit.data.image_cache import Progress
from msde_toolkit.interfaces import Dataset, Landmarker
from msde_toolkit.types import Manifest

NO_SPLIT = "no split"
NEVER_HELD_OUT = "never held out"


@dataclass(frozen=True)
class RunFacts:
    """A finished run, as far as its protocol goes.

    Attributes:
        predictions: held-out predictions, at least ``id, fold, repeat``.
        summary: the document of ``summary.json``.
    """

    predictions: pd.DataFrame
    summary: Mapping[str, Any]

    @property
    def on_other_data(self) -> bool:
        """Whether the run's models were tested on a dataset that they were not trained on: each saw every sample."""
        return "dataset" in (self.summary.get("evaluates") or {})


@dataclass(frozen=True)
class Material:
    """What is audited.

    Attributes:
        manifest: the samples.
        dataset: reads their images; None if no image is to be read.
        run: the run they were used in, if it is a run that is audited.
        progress: told how many images have been looked at.
        landmarker: finds faces and tells people apart; None if no faces are to be compared.
    """

    manifest: Manifest
    dataset: Dataset | None
    run: RunFacts | None = None
    progress: Progress | None = None
    landmarker: Landmarker | None = None

    @cached_property
    def sides(self) -> npt.NDArray[np.object_]:
        """``[n]`` what each sample is kept apart by: its split, or the fold that held it out; None where there is none.

        Of a run with several folds, samples that none held out were trained on in all: they are a side of their own.
        """
        run = self.run
        if run is None or run.on_other_data or run.predictions["fold"].nunique() < 2:
            return self.manifest.frame["split"].to_numpy(dtype=object)
        fold = run.predictions.drop_duplicates("id").set_index("id")["fold"]
        return self.manifest.frame["id"].map(fold).fillna(NEVER_HELD_OUT).to_numpy(dtype=object)

    @property
    def divided(self) -> bool:
        """Whether there are two sides or more."""
        return len({side for side in self.sides if side is not None}) > 1

    def on_several_sides(self, groups: pd.Series) -> npt.NDArray[np.bool_]:
        """``[n]`` which samples are of a group that stands on several sides; groups that are missing stand on none."""
        sides = pd.Series(self.sides)
        counts = sides.groupby(groups.reset_index(drop=True)).transform("nunique")
        several: npt.NDArray[np.bool_] = ((counts > 1) & sides.notna()).to_numpy(dtype=bool, na_value=False)
        return several

    @property
    def side_word(self) -> str:
        """What the sides are called."""
        run = self.run
        return "split" if run is None or run.predictions["fold"].nunique() < 2 else "fold"

    @cached_property
    def pixels(self) -> Pixels | None:
        """What the images show, looked at once; None if none is to be read.

        Raises:
            DataError: if not one image can be decoded.
        """
        return None if self.dataset is None else look_at(self.dataset, self.manifest, self.progress)
