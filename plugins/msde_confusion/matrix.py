"""A confusion matrix of held-out predictions, with what its intervals need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from msde_toolkit import statistics
from msde_toolkit.interfaces import RunView
from msde_toolkit.types import InputError

if TYPE_CHECKING:
    import pandas as pd


Values = npt.NDArray[np.float64]


def precision_by_class(counts: npt.ArrayLike) -> Values:
    """``[..., C, C] -> [..., C]`` share of the answers of each class that are right; nan for one never answered."""
    return statistics.recall_by_class(np.swapaxes(np.asarray(counts), -1, -2))


def f1_by_class(counts: npt.ArrayLike) -> Values:
    """``[..., C, C] -> [..., C]`` harmonic mean of recall and precision; nan for a class without samples."""
    table = np.asarray(counts, dtype=np.float64)
    sizes, answers = table.sum(axis=-1), table.sum(axis=-2)
    hits = np.diagonal(table, axis1=-2, axis2=-1)
    return np.asarray(np.divide(2 * hits, sizes + answers, out=np.full(sizes.shape, np.nan), where=sizes > 0))


BY_CLASS: Mapping[str, Callable[[npt.ArrayLike], Values]] = {
    "recall": statistics.recall_by_class,
    "precision": precision_by_class,
    "f1": f1_by_class,
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
        groups: subjects (or samples) that the intervals resample.
        unit: "subject", or "sample" where subjects are unknown.
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
    groups: int
    unit: str
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
        recalls = statistics.recall_by_class(self.fold_counts)
        held = np.isfinite(recalls).sum(axis=0)
        return np.where(held > 0, np.nansum(recalls, axis=0) / np.maximum(held, 1), np.nan)

    @property
    def interval_note(self) -> str | None:
        """What a reader must know before trusting the interval; None if nothing."""
        if self.unit == "sample":
            return "subjects are unknown, the interval is over images and likely too narrow"
        if statistics.few_groups(self.groups):
            return f"only {self.groups} subjects, the interval is unreliable"
        return None


def matrices_of(run: RunView, seed: int) -> list[Matrix]:
    """One matrix for each condition of the run, unmasked first.

    Raises:
        InputError: if the run has no held-out predictions.
    """
    held_out = run.predictions
    if held_out.empty:
        message = f"Run {run.name} has no held-out predictions. Finish it first: msde run --resume DIR."
        raise InputError(message)
    present = set(held_out["condition"])
    words = [word for word in run.manifest.conditions if word in present]
    return [_matrix(run, held_out[held_out["condition"] == word], word, seed) for word in words]


def _matrix(run: RunView, held_out: pd.DataFrame, condition: str, seed: int) -> Matrix:
    classes = len(run.classes)
    labels, predicted = held_out["label"].to_numpy(), held_out["predicted"].to_numpy()
    groups = run.manifest.groups()[run.manifest.rows_of(held_out["id"])]
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
        drawn=statistics.resampled_counts(labels, predicted, groups, classes, seed=seed),
        images=held_out["id"].nunique(),
        groups=len(set(groups)),
        unit="subject" if run.manifest.has_subjects else "sample",
        folds=held_out["fold"].nunique(),
        repeats=held_out["repeat"].nunique(),
    )
