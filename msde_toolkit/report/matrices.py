"""Confusion matrices of a run by condition, each share with its interval over subjects."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from msde_toolkit import statistics
from msde_toolkit.figures import condition_title
from msde_toolkit.results.open_run import OpenRun
from msde_toolkit.results.summary import interval_groups

STEPS = 10
"""Shades that a share is shown in."""


@dataclass(frozen=True)
class Cell:
    """One truth predicted as one class: count, share of the truth in percent, shade 0 to 10, what hovering tells."""

    count: int
    share: str
    shade: int
    told: str


@dataclass(frozen=True)
class Matrix:
    """A condition's matrix; a row of cells a true class, columns are predictions."""

    condition: str
    classes: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    sizes: tuple[int, ...]
    images: int


def matrices(run: OpenRun) -> list[Matrix]:
    """A matrix a condition, unmasked first, repeats pooled."""
    predictions = run.predictions
    group = dict(zip(run.manifest.ids, interval_groups(run.manifest), strict=True))
    classes, count = run.classes, len(run.classes)
    out = []
    for condition in run.manifest.conditions:
        rows = predictions[predictions["condition"] == condition]
        if rows.empty:
            continue
        labels, predicted = rows["label"].to_numpy(), rows["predicted"].to_numpy()
        counts = statistics.confusion(labels, predicted, count)
        drawn = statistics.resampled_counts(labels, predicted, rows["id"].map(group).to_numpy(), count)
        sizes = counts.sum(axis=1)
        people = rows["id"].map(group).groupby(rows["label"]).nunique().reindex(range(count), fill_value=0)
        shares, ends = _shares(counts), None if drawn is None else _ends(_shares(drawn), people.tolist())
        cells = tuple(
            tuple(
                _cell(
                    classes[i], classes[j], int(counts[i, j]), int(sizes[i]), float(shares[i, j]),
                    None if ends is None else ends[i * count + j],
                )
                for j in range(count)
            )
            for i in range(count)
        )  # fmt: skip
        images = int(rows["id"].nunique())
        out.append(Matrix(condition_title(condition), classes, cells, tuple(map(int, sizes)), images))
    return out


def _shares(counts: statistics.Counts) -> statistics.Values:
    table = counts.astype(np.float64)
    sizes = table.sum(axis=-1, keepdims=True)
    shares: statistics.Values = np.divide(table, sizes, out=np.full(table.shape, np.nan), where=sizes > 0)
    return shares


def _ends(drawn: statistics.Values, people: list[int]) -> list[statistics.Interval]:
    """``[C * C]`` 95 % intervals of shares; None for a class without images."""
    cells = drawn.reshape(len(drawn), -1)
    return statistics.percentile_intervals(cells, cells.shape[1], np.repeat(people, len(people)).tolist())


def _cell(truth: str, predicted: str, count: int, size: int, share: float, ends: tuple[float, float] | None) -> Cell:
    told = f"True {truth}, predicted {predicted}: {count:,} of {size:,} predictions"
    if not size:
        return Cell(count, "", 0, f"{told}; the class has no image here")
    told += f", {100 * share:.1f} %"
    if ends is None:
        told += "; no interval: fewer than two to resample"
    else:
        told += f" [{100 * ends[0]:.1f}, {100 * ends[1]:.1f}]"
    return Cell(count, f"{100 * share:.0f}", round(STEPS * share), told)
