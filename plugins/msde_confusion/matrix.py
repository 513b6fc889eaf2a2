"""A confusion matrix of held-out predictions, with what its intervals need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from msde_toolkit import statistics
from msde_toolkit.held_out import Units, predictions_of, units
from msde_toolkit.interfaces import RunView

if TYPE_CHECKING:
    import pandas as pd


Values = npt.NDArray[np.float64]


BY_CLASS: Mapping[str, Callable[[npt.ArrayLike], Values]] = {
    "recall": statistics.recall_by_class,
    "precision": statistics.precision_by_class,
    "f1": statistics.f1_by_class,
}


@dataclass(frozen=True)
class Matrix:
    """Held-out predictions of one run in one condition.

    Attributes:
        run: the run's id.
        condition: "nm", "m" or another word of the manifest.
        classes: class names, C of them.
        counts: ``[C, C]`` rows are the truth; folds and repeats pooled.
        fold_counts: ``[folds * repeats, C, C]``.
        drawn: ``[draws, C, C]`` bootstrap counts, None for fewer than two groups.
        images: different images.
        units: what the intervals resample.
        folds: folds that hold these images.
        repeats: repeats of the cross-validation.
    """

    run: str
    condition: str
    classes: tuple[str, ...]
    counts: npt.NDArray[np.int64]
    fold_counts: npt.NDArray[np.int64]
    drawn: npt.NDArray[np.int64] | None
    images: int
    units: Units
    folds: int
    repeats: int

    @property
    def accuracy_interval(self) -> statistics.Interval:
        """95 % of accuracy over the resampled groups."""
        drawn = None if self.drawn is None else statistics.accuracy(self.drawn)[:, None]
        return statistics.percentile_intervals(drawn, 1, [self.groups])[0]

    def by_class(self, measure: str) -> list[tuple[float | None, statistics.Interval]]:
        """Each class's value of a measure of ``BY_CLASS`` and its 95 % interval; None where it says nothing."""
        values = BY_CLASS[measure](self.counts).tolist()
        drawn = None if self.drawn is None else BY_CLASS[measure](self.drawn)
        of_class = [min(self.groups, size) for size in self.counts.sum(axis=1).tolist()]
        intervals = statistics.percentile_intervals(drawn, len(self.classes), of_class)
        return [
            (value, interval) if np.isfinite(value) else (None, None)
            for value, interval in zip(values, intervals, strict=True)
        ]

    @property
    def mean_fold_recall(self) -> Values:
        """``[C]`` mean over folds of the fold's recall (paper, Table 6), over folds that hold the class; else nan."""
        return statistics.mean_of_known(statistics.recall_by_class(self.fold_counts), axis=0)

    @property
    def interval_note(self) -> str | None:
        """What a reader must know before trusting the interval; None if nothing."""
        return self.units.doubt

    @property
    def groups(self) -> int:
        """Subjects (or samples) that the intervals resample."""
        return self.units.count

    @property
    def unit(self) -> str:
        """What is resampled: "subject", or "sample" where subjects are unknown."""
        return self.units.unit


def matrices_of(run: RunView, seed: int) -> list[Matrix]:
    """One matrix for each condition of the run, unmasked first.

    Raises:
        InputError: if the run has no held-out predictions.
    """
    held_out = predictions_of(run)
    present = set(held_out["condition"])
    words = [word for word in run.manifest.conditions if word in present]
    return [_matrix(run, held_out[held_out["condition"] == word], word, seed) for word in words]


def _matrix(run: RunView, held_out: pd.DataFrame, condition: str, seed: int) -> Matrix:
    classes = len(run.classes)
    labels, predicted = held_out["label"].to_numpy(), held_out["predicted"].to_numpy()
    here = units(run, held_out)
    by_fold = [
        statistics.confusion(part["label"].to_numpy(), part["predicted"].to_numpy(), classes)
        for _, part in held_out.groupby(["repeat", "fold"], sort=True)
    ]
    return Matrix(
        run=run.name,
        condition=condition,
        classes=run.classes,
        counts=statistics.confusion(labels, predicted, classes),
        fold_counts=np.stack(by_fold),
        drawn=statistics.resampled_counts(labels, predicted, here.groups, classes, seed=seed),
        images=held_out["id"].nunique(),
        units=here,
        folds=held_out["fold"].nunique(),
        repeats=held_out["repeat"].nunique(),
    )
