"""What our runs measure of what a table prints: accuracies and recalls with their intervals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from msde_toolkit import statistics
from msde_toolkit.results.compare.answers import answers_of, samples_of
from msde_toolkit.results.compare.measures import AVERAGE, BOTH
from msde_toolkit.results.open_run import OpenRun

Key = tuple[str, int | None]
"""A condition, or ``average``; and a class, None for all together."""


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


class Scores:
    """Held-out answers of a run's models.

    Args:
        run: a finished run.
        pairs_only: only samples of complete pairs (MSD-PE).
    """

    def __init__(self, run: OpenRun, *, pairs_only: bool) -> None:
        self.classes = len(run.classes)
        self.samples = samples_of(run)
        self._answers = answers_of(run, self.samples)
        known = np.isin(self.samples.condition, BOTH)
        self._chosen = self.samples.complete if pairs_only else np.asarray(known, dtype=bool)

    @cached_property
    def counts(self) -> statistics.Values:
        """``[S, R, 2 C C]`` confusion counts of subject, repeat and condition."""
        sides = [self._answers.counts(self._chosen & self.samples.of(condition)) for condition in BOTH]
        return np.concatenate(sides, axis=-1)

    def right_and_shown(self, condition: str) -> tuple[statistics.Values, statistics.Values]:
        """``[S]`` each: images of a condition that the first repeat got right, and all."""
        tables = self.counts[:, 0].reshape(-1, 2, self.classes, self.classes)[:, BOTH.index(condition)]
        return np.trace(tables, axis1=-2, axis2=-1), tables.sum(axis=(-2, -1))

    def accuracy(self) -> Mapping[str, Measured]:
        """By condition and of both, as far as there are images."""
        return {condition: found for (condition, label), found in self._all.items() if label is None}

    def recall(self, condition: str) -> list[Measured | None]:
        """Of each class."""
        return [self._all.get((condition, label)) for label in range(self.classes)]

    @cached_property
    def _all(self) -> Mapping[Key, Measured]:
        if not self._chosen.any():
            return {}
        keys: list[Key] = [(word, label) for word in (*BOTH, AVERAGE) for label in (None, *range(self.classes))]
        of_keys = [self._of(key) for key in keys]
        units = [self.samples.count(chosen) for chosen in of_keys]
        estimates = statistics.crossed_intervals([self.counts], self._shares, units=units)
        means = self._mean_of_folds()
        return {
            key: Measured(estimate, mean, int(chosen.sum()))
            for key, estimate, mean, chosen in zip(keys, estimates, means, of_keys, strict=True)
            if np.isfinite(estimate.value)
        }

    def _of(self, key: Key) -> npt.NDArray[np.bool_]:
        """``[N]`` the samples that a number is about."""
        condition, label = key
        of_condition = self._chosen if condition == AVERAGE else self._chosen & self.samples.of(condition)
        return of_condition if label is None else of_condition & (self.samples.label == label)

    def _shares(self, counts: npt.NDArray[Any]) -> statistics.Values:
        """``[..., 2 C C] -> [..., 3 (1 + C)]``: accuracy, then recalls, of NM, of M and their mean."""
        tables = counts.reshape(*counts.shape[:-1], 2, self.classes, self.classes)
        sides = np.concatenate([statistics.accuracy(tables)[..., None], statistics.recall_by_class(tables)], axis=-1)
        both = sides.mean(axis=-2, keepdims=True)
        return np.concatenate([sides, both], axis=-2).reshape(*counts.shape[:-1], -1)

    def _mean_of_folds(self) -> list[float]:
        answers = self._answers
        inside = self._chosen[answers.sample]
        rows, predicted = answers.sample[inside], answers.predicted[inside]
        repeat, fold = answers.repeat[inside], answers.fold[inside]
        masked = self.samples.of("m")[rows]
        tables = []
        for place in sorted(set(zip(repeat.tolist(), fold.tolist(), strict=True))):
            here = (repeat == place[0]) & (fold == place[1])
            sides = [here & ~masked, here & masked]
            labels = self.samples.label[rows]
            tables.append([statistics.confusion(labels[side], predicted[side], self.classes) for side in sides])
        folds = self._shares(np.asarray(tables).reshape(len(tables), -1))
        return [float(value) for value in statistics.mean_of_known(folds, axis=0)]
