"""Metrics of one condition, of the average of both, and of the gap between them, as functions of pooled counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from msde_toolkit.results.compare.answers import Answers, Mask, Rows, Samples
from msde_toolkit.statistics import METRICS, accuracy, mean_of_known, recall_by_class
from msde_toolkit.statistics.metrics import Values

Statistic = Callable[[Values], Values]
BOTH = ("nm", "m")
AVERAGE = "average"
RECALL = "recall"


@dataclass(frozen=True)
class Measure:
    """What is measured on some of the samples.

    Attributes:
        condition: word for the tables.
        chosen: for each condition that goes in, ``[N]`` its samples.
        label: ``[N]`` the truth.
        columns: metric, and class where it is of one, for each of the M numbers.
        statistic: ``[..., k * C * C]`` pooled counts, condition after condition, to ``[..., M]`` numbers.
        images, subjects: ``[M]`` how many each number is about.
    """

    condition: str
    chosen: tuple[Mask, ...]
    label: Rows
    columns: tuple[tuple[str, str | None], ...]
    statistic: Statistic
    images: tuple[int, ...]
    subjects: tuple[int, ...]

    def table(self, answers: Answers) -> Values:
        """``[S, R, k * C * C]`` counts of the subjects that these samples show."""
        present = np.unique(answers.samples.group[np.any(self.chosen, axis=0)])
        return np.concatenate([answers.counts(part, self.label)[present] for part in self.chosen], axis=-1)


def of_condition(samples: Samples, condition: str) -> Measure:
    """Accuracy, balanced accuracy, macro-F1 and every class's recall in one condition."""
    chosen = samples.of(condition)
    classes = [chosen & (samples.label == number) for number in range(len(samples.classes))]
    parts = [chosen] * len(METRICS) + classes
    return Measure(
        condition=condition,
        chosen=(chosen,),
        label=samples.label,
        columns=(*((name, None) for name in METRICS), *((RECALL, name) for name in samples.classes)),
        statistic=lambda pooled: _suite(pooled, len(samples.classes)),
        images=tuple(int(part.sum()) for part in parts),
        subjects=tuple(samples.count(part) for part in parts),
    )


def of_average(samples: Samples) -> Measure:
    """The mean of nm and m, of accuracy, balanced accuracy and macro-F1."""
    chosen = tuple(samples.of(word) for word in BOTH)

    def statistic(pooled: Values) -> Values:
        both = split(pooled, len(samples.classes))
        return np.stack([metric(both).mean(axis=-1) for metric in METRICS.values()], axis=-1)

    either = np.any(chosen, axis=0)
    return Measure(
        condition=AVERAGE,
        chosen=chosen,
        label=samples.label,
        columns=tuple((name, None) for name in METRICS),
        statistic=statistic,
        images=(int(either.sum()),) * len(METRICS),
        subjects=(samples.count(either),) * len(METRICS),
    )


def of_gap(samples: Samples, inside: Mask, label: Rows, *, by_class: bool) -> Measure:
    """NM minus M, of accuracy or of the mean recall over classes that both conditions have."""
    chosen = tuple(inside & samples.of(word) for word in BOTH)
    either = np.any(chosen, axis=0)

    def statistic(pooled: Values) -> Values:
        both = split(pooled, len(samples.classes))
        if not by_class:
            right = accuracy(both)
            return np.asarray((right[..., 0] - right[..., 1])[..., None])
        recall = recall_by_class(both)
        # A class that one condition lacks says nothing of the gap.
        return np.asarray(mean_of_known(recall[..., 0, :] - recall[..., 1, :])[..., None])

    return Measure("gap", chosen, label, (("gap", None),), statistic, (int(either.sum()),), (samples.count(either),))


def split(pooled: Values, classes: int) -> Values:
    """``[..., 2 * C * C] -> [..., 2, C, C]``."""
    return np.asarray(pooled).reshape(*np.shape(pooled)[:-1], 2, classes, classes)


def _suite(pooled: Values, classes: int) -> Values:
    counts = np.asarray(pooled).reshape(*np.shape(pooled)[:-1], classes, classes)
    plain = np.stack([metric(counts) for metric in METRICS.values()], axis=-1)
    return np.concatenate([plain, recall_by_class(counts)], axis=-1)


def measures(samples: Samples) -> Sequence[Measure]:
    """Of each condition there is, and of the average where nm and m are there."""
    found = [of_condition(samples, word) for word in samples.conditions]
    return [*found, of_average(samples)] if set(BOTH) <= set(samples.conditions) else found
