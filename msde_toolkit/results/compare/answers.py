"""Every method's held-out answers on the samples that all methods share, as counts by subject and repeat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from msde_toolkit.results.open_run import OpenRun
from msde_toolkit.statistics.metrics import Values

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
UNKNOWN = -1


@dataclass(frozen=True, eq=False)
class Samples:
    """What was tested, in the order of ids.

    Attributes:
        ids: ``[N]``.
        classes: class names.
        has_subjects: whether every subject is known; else the groups are pairs or single samples.
        group: ``[N]`` number of the subject.
        condition: ``[N]`` words.
        label: ``[N]`` class.
        requested: ``[N]`` class that the subject was asked for; -1 where unknown.
        complete: ``[N]`` whether the sample's pair was tested in both conditions.
    """

    ids: npt.NDArray[np.object_]
    classes: tuple[str, ...]
    has_subjects: bool
    group: Rows
    condition: npt.NDArray[np.object_]
    label: Rows
    requested: Rows
    complete: Mask

    @property
    def groups(self) -> int:
        """Number of subjects."""
        return int(self.group.max()) + 1

    @cached_property
    def conditions(self) -> tuple[str, ...]:
        """Those present: nm, m, then others."""
        words = ("nm", "m")
        return (*(w for w in words if self.of(w).any()), *sorted(set(self.condition) - set(words)))

    def of(self, condition: str) -> Mask:
        """``[N]`` the samples of a condition."""
        return np.asarray(self.condition == condition)

    def count(self, chosen: Mask) -> int:
        """How many subjects the chosen samples show."""
        return len(np.unique(self.group[chosen]))


def samples_of(run: OpenRun) -> Samples:
    """The samples that a run was tested on."""
    manifest = run.manifest
    ids = np.array(sorted(set(run.predictions["id"])), dtype=object)
    rows = manifest.rows_of(list(ids))
    frame = manifest.frame.iloc[rows]
    group = pd.factorize(np.array([str(name) for name in manifest.groups()[rows]], dtype=object), sort=True)[0]
    both = frame[frame["pair"].notna() & frame["condition"].isin(("nm", "m"))]
    sides = both.groupby("pair")["condition"].nunique()
    return Samples(
        ids=ids,
        classes=run.classes,
        has_subjects=manifest.has_subjects,
        group=np.asarray(group, dtype=np.int64),
        condition=frame["condition"].to_numpy(dtype=object),
        label=frame["label"].to_numpy(dtype=np.int64),
        requested=np.asarray(frame["requested_label"].astype("Int64").fillna(UNKNOWN), dtype=np.int64),
        complete=frame["pair"].isin(set(sides[sides == 2].index)).to_numpy(dtype=bool)
        & frame["condition"].isin(("nm", "m")).to_numpy(dtype=bool),
    )


@dataclass(frozen=True, eq=False)
class Answers:
    """A method's answers to ``Samples``.

    Attributes:
        samples: the N samples.
        sample: ``[P]`` sample of each prediction; a sample that several fold models were tested on has several.
        repeat: ``[P]``.
        fold: ``[P]`` words.
        predicted: ``[P]`` class.
        weight: ``[P]`` so that each sample weighs one in each repeat.
        repeats: R.
    """

    samples: Samples
    sample: Rows
    repeat: Rows
    fold: npt.NDArray[np.object_]
    predicted: Rows
    weight: Values
    repeats: int

    @cached_property
    def right(self) -> Values:
        """``[N, R]`` whether it was right; a share where several fold models answered."""
        return self._right(self.samples.label)

    def _right(self, label: Rows) -> Values:
        table = np.zeros((len(self.samples.ids), self.repeats))
        np.add.at(table, (self.sample, self.repeat), self.weight * (self.predicted == label[self.sample]))
        return table

    def counts(self, chosen: Mask, label: Rows | None = None) -> Values:
        """``[S, R, C * C]`` confusion counts of the chosen samples by subject (all of them) and repeat."""
        label = self.samples.label if label is None else label
        classes = len(self.samples.classes)
        table = np.zeros((self.samples.groups, self.repeats, classes * classes))
        inside = chosen[self.sample]
        rows = self.sample[inside]
        cell = label[rows] * classes + self.predicted[inside]
        np.add.at(table, (self.samples.group[rows], self.repeat[inside], cell), self.weight[inside])
        return table

    @cached_property
    def fold_of(self) -> npt.NDArray[np.object_] | None:
        """``[N]`` the fold that tested each sample; None where several did."""
        pairs = pd.DataFrame({"sample": self.sample, "fold": self.fold}).drop_duplicates().sort_values("sample")
        return pairs["fold"].to_numpy(dtype=object) if len(pairs) == len(self.samples.ids) else None


def answers_of(run: OpenRun, samples: Samples) -> Answers:
    """A run's predictions of these samples."""
    table = run.predictions
    sample = pd.Index(samples.ids).get_indexer(pd.Index(table["id"]))
    repeat, repeats = pd.factorize(table["repeat"], sort=True)
    times = np.zeros((len(samples.ids), len(repeats)))
    np.add.at(times, (sample, repeat), 1.0)
    return Answers(
        samples=samples,
        sample=np.asarray(sample, dtype=np.int64),
        repeat=np.asarray(repeat, dtype=np.int64),
        fold=table["fold"].to_numpy(dtype=object),
        predicted=table["predicted"].to_numpy(dtype=np.int64),
        weight=1.0 / times[sample, repeat],
        repeats=len(repeats),
    )


def all_answers(runs: Mapping[str, OpenRun]) -> dict[str, Answers]:
    """By name. The runs are of the same samples."""
    samples = samples_of(next(iter(runs.values())))
    return {name: answers_of(run, samples) for name, run in runs.items()}
