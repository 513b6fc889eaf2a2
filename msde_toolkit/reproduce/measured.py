"""What our runs measure of what a table prints: accuracies and recalls with their intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from msde_toolkit import statistics
from msde_toolkit.results.open_run import OpenRun

NM, M, AVERAGE = "nm", "m", "average"
CONDITIONS = (NM, M)


@dataclass(frozen=True)
class Measured:
    """A number of ours.

    Attributes:
        estimate: all folds and repeats pooled, with its interval.
        mean_of_folds: the paper's way: the mean over folds.
        n: images.
    """

    estimate: statistics.Estimate
    mean_of_folds: float
    n: int


class Answers:
    """Held-out answers of a run's models.

    Args:
        run: a finished run.
        pairs_only: only samples of complete pairs (MSD-PE).
    """

    def __init__(self, run: OpenRun, *, pairs_only: bool) -> None:
        self.run = run
        rows = run.predictions
        if pairs_only:
            pairs = run.manifest.pairs()
            ids = np.asarray(run.manifest.ids, dtype=object)
            rows = rows[rows["id"].isin(set(ids[pairs[["nm", "m"]].to_numpy().ravel()]))]
        groups = dict(zip(run.manifest.ids, run.manifest.groups(), strict=True))
        rows = rows[rows["condition"].isin(CONDITIONS)]
        self.rows = rows.assign(group=rows["id"].map(groups), right=rows["label"] == rows["predicted"])

    @cached_property
    def groups(self) -> npt.NDArray[np.object_]:
        """What intervals resample: subjects, or samples where those are unknown."""
        return np.asarray(sorted(set(self.rows["group"])), dtype=object)

    @cached_property
    def counts(self) -> npt.NDArray[np.float64]:
        """``[S, R, 2, C, 2]`` images of subject, repeat, condition and class: right ones, and all."""
        rows = self.rows
        repeats = sorted(set(rows["repeat"]))
        subject = np.searchsorted(self.groups.astype(str), rows["group"].to_numpy().astype(str))
        unit = subject * len(repeats) + np.searchsorted(repeats, rows["repeat"].to_numpy())
        return self._counted(rows, unit, len(self.groups) * len(repeats)).reshape(
            len(self.groups), len(repeats), 2, len(self.run.classes), 2
        )

    def accuracy(self) -> Mapping[str, Measured]:
        """By condition and of both, as far as there are images."""
        return {condition: found for (condition, label), found in self._all.items() if label is None}

    def recall(self, condition: str) -> list[Measured | None]:
        """Of each class."""
        return [self._all.get((condition, label)) for label in range(len(self.run.classes))]

    @cached_property
    def _all(self) -> Mapping[tuple[str, int | None], Measured]:
        if self.rows.empty:
            return {}
        classes = len(self.run.classes)
        keys = [(word, label) for word in (*CONDITIONS, AVERAGE) for label in (None, *range(classes))]
        shape = self.counts.shape[2:]
        flat = self.counts.reshape(*self.counts.shape[:2], -1)

        def statistic(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
            return _shares(counts.reshape(*counts.shape[:-1], *shape))

        shown = self.counts[..., 1].sum(axis=1)
        units = [_units(shown, key) for key in keys]
        estimates = statistics.crossed_intervals([flat], statistic, units=units)
        folds = self._mean_of_folds()
        images = self.rows.drop_duplicates("id")
        return {
            key: Measured(estimate, mean, _images(images, key))
            for key, estimate, mean in zip(keys, estimates, folds, strict=True)
            if np.isfinite(estimate.value)
        }

    def _mean_of_folds(self) -> list[float]:
        unit = self.rows.groupby(["repeat", "fold"]).ngroup().to_numpy()
        folds = _shares(self._counted(self.rows, unit, int(unit.max()) + 1))
        known = np.isfinite(folds)
        mean = np.where(known, folds, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        return [float(value) for value in np.where(known.any(axis=0), mean, np.nan)]

    def _counted(self, rows: pd.DataFrame, unit: npt.NDArray[np.integer[Any]], units: int) -> npt.NDArray[np.float64]:
        """``[units, 2, C, 2]`` images of condition and class: right ones, and all."""
        classes = len(self.run.classes)
        masked = (rows["condition"] == M).to_numpy()
        cell = (unit * 2 + masked) * classes + rows["label"].to_numpy()
        size = units * 2 * classes
        right = np.bincount(cell, weights=rows["right"].to_numpy(dtype=np.float64), minlength=size)
        shown = np.bincount(cell, minlength=size).astype(np.float64)
        return np.stack([right, shown], axis=-1).reshape(units, 2, classes, 2)


def _shares(counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """``[..., 2, C, 2] -> [..., 3 (1 + C)]``: accuracy, then recalls, of NM, of M and their mean."""
    whole = np.concatenate([counts.sum(axis=-2, keepdims=True), counts], axis=-2)
    right, shown = whole[..., 0], whole[..., 1]
    shares = np.divide(right, shown, out=np.full(shown.shape, np.nan), where=shown > 0)
    both = shares.mean(axis=-2, keepdims=True)
    return np.concatenate([shares, both], axis=-2).reshape(*counts.shape[:-3], -1)


def _units(shown: npt.NDArray[np.float64], key: tuple[str, int | None]) -> int:
    """Groups with an image that a number is about; ``shown [S, 2, C]``."""
    condition, label = key
    of_class = shown if label is None else shown[:, :, label : label + 1]
    of_condition = of_class if condition == AVERAGE else of_class[:, CONDITIONS.index(condition)]
    return int((of_condition.reshape(len(shown), -1).sum(axis=1) > 0).sum())


def _images(rows: pd.DataFrame, key: tuple[str, int | None]) -> int:
    condition, label = key
    chosen = rows if condition == AVERAGE else rows[rows["condition"] == condition]
    return len(chosen if label is None else chosen[chosen["label"] == label])
