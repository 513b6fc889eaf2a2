"""The report's comparison: each run's difference from a baseline with its test; where there is none, why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msde_toolkit.errors import InputError
from msde_toolkit.report.charts import Forest, forest
from msde_toolkit.report.overview import MEASURES, Measure
from msde_toolkit.results.compare.compare import compare
from msde_toolkit.results.compare.comparison import Comparison, Difference, Gap
from msde_toolkit.results.open_run import OpenRun
from msde_toolkit.results.study import OpenStudy


@dataclass(frozen=True)
class Compared:
    """What the section shows.

    Attributes:
        result: the comparison; None where there is none.
        panels: its differences in accuracy, a condition each.
        left_out: runs that are not in it.
        why: there is no comparison.
    """

    result: Comparison | None
    panels: tuple[Forest, ...] = ()
    left_out: tuple[str, ...] = ()
    why: str = ""

    @property
    def accuracy(self) -> list[Difference]:
        """Differences in accuracy, those of the declared family first."""
        rows = [row for row in self.result.differences if row.metric == "accuracy"] if self.result else []
        return sorted(rows, key=lambda row: row.family != "primary")

    @property
    def cautions(self) -> tuple[list[str], list[str]]:
        """What makes numbers no evidence; and what is not equal between the runs."""
        lines = list(self.result.warnings) if self.result else []
        severe = [line for line in lines if line.startswith(("UNSOUND", "TAINTED"))]
        return severe, [line for line in lines if line not in severe]

    @property
    def gaps(self) -> tuple[list[Gap], list[Gap]]:
        """Gaps of complete pairs, counted as the paper does (all, where there are no pairs); and all other counts."""
        rows = list(self.result.gaps) if self.result else []
        first = [row for row in rows if _is_plain(row)] or rows
        return first, [row for row in rows if row not in first]

    @property
    def further(self) -> list[Difference]:
        """Differences in other metrics; all exploratory."""
        return [row for row in self.result.differences if row.metric != "accuracy"] if self.result else []


def _is_plain(row: Gap) -> bool:
    return (row.over, row.labels, row.weighing) == ("complete pairs", "given", "images")


def compared(runs: Sequence[OpenRun], study: OpenStudy | None, baseline: str | None) -> Compared | None:
    """Compare the runs; of a study its methods, as it declared. None for a single run without a wish to compare it.

    Args:
        runs: of the report, in the order of their colours.
        study: that they are of.
        baseline: name of the run that the others are compared with; None: the declared one, else the first.

    Raises:
        InputError: a baseline that is none of the runs, or not the declared one.
    """
    chosen = runs if study is None else list(study.runs.values())
    if len(chosen) < 2 and baseline is None:
        return None
    try:
        result = compare(chosen, baseline, study.primary if study else None)
    except InputError as error:
        if baseline is not None:
            raise
        return Compared(None, why=str(error))
    names = {run.name for run in chosen}
    left_out = tuple(run.name for run in runs if run.name not in names)
    return Compared(result, tuple(_panels(result, {run.name: row for row, run in enumerate(runs)})), left_out)


def _panels(result: Comparison, colours: Mapping[str, int]) -> list[Forest]:
    rows = [row for row in result.differences if row.metric == "accuracy"]
    panels = []
    for condition in dict.fromkeys(row.condition for row in rows):
        shown = [(row.method, colours.get(row.method, 0), _measure(row)) for row in rows if row.condition == condition]
        panels.append(forest(MEASURES.get(condition, condition), shown, unit="percentage points"))
    return [panel for panel in panels if panel is not None]


def _measure(row: Difference) -> Measure:
    low, high = row.ci95 or (None, None)
    return Measure(row.condition, row.condition, row.difference, low, high, row.n)
