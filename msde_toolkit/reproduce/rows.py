"""Rows of the ledger: what the paper prints, what ours is, and what may be said of the two."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from msde_toolkit.reproduce.measured import Measured, Scores
from msde_toolkit.reproduce.published import PublishedTable
from msde_toolkit.results.compare.measures import BOTH
from msde_toolkit.results.data_words import data_words
from msde_toolkit.results.open_run import OpenRun

NOT_COMPARABLE = "not_comparable"
NOT_MEASURED = "not_measured"
SHARE, COUNT = "fraction", "images"


@dataclass(frozen=True)
class Row:
    """A number of the paper beside ours. Fractions, or images.

    Attributes:
        table: "table5".
        method: baseline, cl, kd, ran, scan; a dataset in Table 1; None in Table 2.
        condition: nm, m or average; in Table 1 occluded or masked, in Table 2 also total and pairs.
        ours: None where it was not measured.
        ci95: of ours.
        paper: as printed.
        difference: ours minus the paper's; None where they are of different data.
        verdict: within_interval, above, below (of the paper's value as seen from our interval), equal (counts),
            not_comparable, not_measured.
        data: the dataset of ours.
        synthetic: whether that is drawn.
        label: class, for recalls and counts.
        trained_on: nm, m, mix or pairs.
        mean_of_folds: ours as the paper averages.
        n: images of ours.
        subjects: resampled for the interval.
        estimand: what the interval speaks of.
        unreliable: why not to trust it.
        unit: "fraction" or "images".
    """

    table: str
    method: str | None
    condition: str
    ours: float | None
    ci95: tuple[float, float] | None
    paper: float | None
    difference: float | None
    verdict: str
    data: str
    synthetic: bool
    label: str | None = None
    trained_on: str | None = None
    mean_of_folds: float | None = None
    n: int | None = None
    subjects: int | None = None
    estimand: str | None = None
    unreliable: str | None = None
    unit: str = SHARE

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready; the class is called ``class`` there."""
        document = asdict(self)
        document["class"] = document.pop("label")
        return document


@dataclass(frozen=True)
class Against:
    """What ours is of.

    Attributes:
        data: the dataset's name.
        synthetic: whether it is drawn.
        comparable: whether it is the paper's own.
        mask: drawn on its faces.
    """

    data: str
    synthetic: bool
    comparable: bool
    mask: str | None = None

    @property
    def words(self) -> str:
        """The data in words; says "synthetic" where it is."""
        return data_words(self.data, self.mask, synthetic=self.synthetic)


def accuracy_rows(
    name: str, table: PublishedTable, runs: Mapping[str, OpenRun], ours: Against, classes: Mapping[str, int]
) -> Iterator[Row]:
    """Of Tables 3 to 6.

    Args:
        name: of the table.
        table: as printed.
        runs: by method of ``published.toml``.
        ours: what they are of.
        classes: the paper's class to ours; without those that our data lacks.
    """
    for printed in table.rows:
        run = runs[printed.run]
        scores = Scores(run, pairs_only=table.pairs_only or printed.pairs_only)
        row = Row(
            table=name,
            method=printed.method,
            condition=printed.condition,
            ours=None,
            ci95=None,
            paper=None,
            difference=None,
            verdict=NOT_MEASURED,
            data=ours.data,
            synthetic=ours.synthetic,
            trained_on=str(run.summary["train_on"]),
        )
        if table.kind == "accuracy":
            found = scores.accuracy()
            for condition in (*BOTH, "average"):
                percent = getattr(printed, condition)
                if percent is not None:
                    paper = percent / 100
                    yield _filled(replace(row, condition=condition, paper=paper), found.get(condition), ours)
        else:
            recalls = scores.recall(printed.condition)
            for label, paper in zip(table.classes, printed.recalls, strict=True):
                measured = recalls[classes[label]] if label in classes else None
                yield _filled(replace(row, label=label, paper=paper), measured, ours)


def _filled(row: Row, found: Measured | None, ours: Against) -> Row:
    if found is None or row.paper is None:
        return row
    estimate = found.estimate
    return replace(
        row,
        ours=estimate.value,
        ci95=estimate.interval,
        mean_of_folds=found.mean_of_folds,
        n=found.n,
        subjects=estimate.subjects,
        estimand=estimate.estimand,
        unreliable=estimate.unreliable,
        difference=estimate.value - row.paper if ours.comparable else None,
        verdict=_verdict(row.paper, estimate.interval) if ours.comparable else NOT_COMPARABLE,
    )


def _verdict(paper: float, interval: tuple[float, float] | None) -> str:
    if interval is None:
        return NOT_COMPARABLE
    low, high = interval
    return "above" if low > paper else "below" if high < paper else "within_interval"


def count_rows(
    name: str, table: PublishedTable, counts: Mapping[str, list[int | None]], ours: Against
) -> Iterator[Row]:
    """Of Table 2: ``counts`` has, for nm, m, total and pairs, a number for each of the table's classes."""
    for condition in (*BOTH, "total", "pairs"):
        for label, paper, count in zip(table.classes, getattr(table, condition), counts[condition], strict=True):
            yield _counted(name, None, condition, label, paper, count, ours)


def set_rows(name: str, table: PublishedTable, found: Mapping[str, Mapping[str, int | None]]) -> Iterator[Row]:
    """Of Table 1: ``found`` has counts by dataset, as far as those are at hand."""
    for printed in table.rows:
        ours = Against(printed.method, synthetic=False, comparable=True)
        counts = found.get(printed.method, {})
        for condition in ("occluded", "masked"):
            paper = getattr(printed, condition)
            yield _counted(name, printed.method, condition, None, paper, counts.get(condition), ours)


def _counted(
    table: str, method: str | None, condition: str, label: str | None, paper: int, count: int | None, ours: Against
) -> Row:
    difference = count - paper if count is not None and ours.comparable else None
    verdict = NOT_MEASURED if count is None else NOT_COMPARABLE
    if difference is not None:
        verdict = "above" if difference > 0 else "below" if difference < 0 else "equal"
    return Row(
        table, method, condition, count, None, paper, difference, verdict, ours.data, ours.synthetic, label,
        n=count, unit=COUNT,
    )  # fmt: skip
