"""A finished run, seen as if it had samples of one condition only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from msde_toolkit.interfaces import Model, RunView
from msde_toolkit.types import Manifest

if TYPE_CHECKING:
    import pandas as pd
    import torch


@dataclass(frozen=True)
class OneCondition:
    """Implements ``RunView``: the manifest, predictions and metrics of one condition, without pairs.

    Args:
        whole: the run as it is.
        condition: the condition that stays.
    """

    whole: RunView
    condition: str

    @property
    def name(self) -> str:
        """The run's id."""
        return self.whole.name

    @property
    def title(self) -> str:
        """As of the whole run."""
        return self.whole.title

    @property
    def directory(self) -> Path:
        """The whole run's folder."""
        return self.whole.directory

    @cached_property
    def summary(self) -> Mapping[str, Any]:
        """The whole run's, with null where the other conditions' metrics were."""
        metrics = self.whole.summary["metrics"]
        return {
            **self.whole.summary,
            "metrics": {word: value if word == self.condition else None for word, value in metrics.items()},
        }

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in label order."""
        return self.whole.classes

    @property
    def synthetic(self) -> bool:
        """As of the whole run."""
        return self.whole.synthetic

    @property
    def identity(self) -> str:
        """As of the whole run."""
        return self.whole.identity

    @cached_property
    def manifest(self) -> Manifest:
        """The samples of the condition, none of a pair."""
        whole = self.whole.manifest
        rows = whole.take(np.flatnonzero(whole.frame["condition"] == self.condition))
        return replace(rows, frame=rows.frame.assign(pair=None))

    @cached_property
    def predictions(self) -> pd.DataFrame:
        """Held-out predictions of the condition."""
        whole = self.whole.predictions
        return whole[whole["condition"] == self.condition].reset_index(drop=True).assign(pair=None)

    def model(self, fold: str, repeat: int = 0) -> Model:
        """As of the whole run."""
        return self.whole.model(fold, repeat)

    @property
    def device(self) -> torch.device:
        """As of the whole run."""
        return self.whole.device

    def images(self, ids: Sequence[str]) -> npt.NDArray[np.uint8]:
        """As of the whole run."""
        return self.whole.images(ids)

    def mask_regions(self, ids: Sequence[str]) -> list[npt.NDArray[np.uint8] | None]:
        """As of the whole run."""
        return self.whole.mask_regions(ids)
