"""Charts as plain geometry, which a template turns into SVG: no library is needed to look at a report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from msde_toolkit.report.overview import Measure

WIDTH, HEIGHT = 380, 230
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 10, 36
COLOURS = 8
FOREST_WIDTH = 260
ROW = 34.0
"""Height of a row of a forest plot: the name above its interval."""
MOST_POINTS = 120
MOST_THIN_LINES = 30


@dataclass(frozen=True)
class Tick:
    """Where a tick stands and what it says."""

    at: float
    text: str


@dataclass(frozen=True)
class Line:
    """A curve: its mean over folds, and each fold as a thin line. ``points`` are SVG coordinates."""

    name: str
    colour: int
    mean: str
    folds: tuple[str, ...]
    first: float
    last: float


@dataclass(frozen=True)
class Stop:
    """A strip of the chart over one epoch, and what it tells when the pointer is there."""

    x: float
    width: float
    text: str


@dataclass(frozen=True)
class Chart:
    """Curves over epochs.

    Attributes:
        title: its heading.
        unit: of the y axis.
        lines: curves.
        x_ticks: epochs.
        y_ticks: values.
        stops: what hovering tells.
    """

    title: str
    unit: str
    lines: tuple[Line, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    stops: tuple[Stop, ...]

    @property
    def description(self) -> str:
        """The chart in words, for those who do not see it."""
        told = "; ".join(f"{line.name} from {line.first:.3g} to {line.last:.3g}" for line in self.lines)
        return f"{self.title} ({self.unit}) by epoch, mean over folds: {told}."


def curves(title: str, unit: str, series: dict[str, list[list[float]]], *, from_zero: bool = True) -> Chart | None:
    """A chart of ``series``: name to one list of values (an epoch each) a fold; None where there is nothing."""
    kept = {name: folds for name, folds in series.items() if any(folds)}
    epochs = max((len(fold) for folds in kept.values() for fold in folds), default=0)
    finite = [value for folds in kept.values() for fold in folds for value in fold if math.isfinite(value)]
    if not kept or not finite:
        return None
    low, high = (0.0 if from_zero and min(finite) >= 0 else min(finite)), max(finite)
    ticks = nice_ticks(low, high)
    low, high = min(low, ticks[0]), max(high, ticks[-1])

    def x(epoch: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (epoch / max(1, epochs - 1))

    def y(value: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value - low) / ((high - low) or 1))

    def path(values: Sequence[float]) -> str:
        chosen = np.unique(np.linspace(0, len(values) - 1, min(len(values), MOST_POINTS)).astype(int)).tolist()
        return " ".join(f"{x(i):.1f},{y(values[i]):.1f}" for i in chosen if math.isfinite(values[i]))

    means = {name: _mean(folds, epochs) for name, folds in kept.items()}
    lines = tuple(
        Line(name, index % COLOURS, path(means[name]), tuple(map(path, folds[:MOST_THIN_LINES])), *_ends(means[name]))
        for index, (name, folds) in enumerate(kept.items())
    )
    step = (WIDTH - LEFT - RIGHT) / max(1, epochs - 1)
    stops = tuple(
        Stop(x(epoch) - step / 2, step, _told(epoch, means)) for epoch in range(epochs) if epochs <= MOST_POINTS
    )
    marks = sorted({0, epochs - 1, (epochs - 1) // 2})
    return Chart(
        title,
        unit,
        lines,
        tuple(Tick(x(epoch), str(epoch + 1)) for epoch in marks),
        tuple(Tick(y(value), f"{value:.4g}") for value in ticks),
        stops,
    )


def _mean(folds: Sequence[Sequence[float]], epochs: int) -> list[float]:
    columns = [[fold[epoch] for fold in folds if epoch < len(fold)] for epoch in range(epochs)]
    return [float(np.mean(column)) if column else math.nan for column in columns]


def _ends(values: Sequence[float]) -> tuple[float, float]:
    known = [value for value in values if math.isfinite(value)]
    return (known[0], known[-1]) if known else (math.nan, math.nan)


def _told(epoch: int, means: dict[str, list[float]]) -> str:
    values = "\n".join(f"{name}: {values[epoch]:.4g}" for name, values in means.items() if epoch < len(values))
    return f"Epoch {epoch + 1}\n{values}"


def nice_ticks(low: float, high: float, count: int = 4) -> list[float]:
    """About ``count`` round values from ``low`` to ``high`` or just beyond."""
    span = (high - low) or abs(high) or 1.0
    raw = span / count
    size = 10 ** math.floor(math.log10(raw))
    step = next(factor * size for factor in (1, 2, 2.5, 5, 10) if factor * size >= raw * 0.999)
    first = math.floor(low / step + 1e-9)
    last = max(first + 1, math.ceil(high / step - 1e-9))
    return [round(index * step, 12) for index in range(first, last + 1)]


@dataclass(frozen=True)
class Whisker:
    """A row of a forest plot, in SVG coordinates; ``low`` and ``high`` None without an interval."""

    label: str
    colour: int
    y: float
    x: float
    low: float | None
    high: float | None
    text: str


@dataclass(frozen=True)
class Forest:
    """Intervals side by side, a panel a measure.

    Attributes:
        title: the measure.
        rows: a run each.
        ticks: values.
        width, height: of the drawing.
        unit: of the axis.
        zero: where zero stands, None outside the range.
    """

    title: str
    rows: tuple[Whisker, ...]
    ticks: tuple[Tick, ...]
    height: float
    unit: str
    zero: float | None = None
    width: int = FOREST_WIDTH

    @property
    def description(self) -> str:
        """In words."""
        return f"{self.title}, {self.unit} with 95 % intervals: {'; '.join(f'{r.label} {r.text}' for r in self.rows)}."


def forest(title: str, measures: Sequence[tuple[str, int, Measure]], unit: str = "percent") -> Forest | None:
    """A panel of one measure; ``measures``: name and number of a run, and what it has. None where none has a value."""
    known = [(label, number, one) for label, number, one in measures if one.value is not None]
    if not known:
        return None
    ends = [v for *_, one in known for v in (one.value, one.low, one.high) if v is not None]
    ticks = nice_ticks(100 * min(ends), 100 * max(ends))
    low, high = ticks[0], ticks[-1]

    def x(value: float) -> float:
        return 16 + (FOREST_WIDTH - 32) * (100 * value - low) / ((high - low) or 1)

    rows = tuple(
        Whisker(
            label,
            number % COLOURS,
            ROW * (row + 0.5),
            x(one.value or 0.0),
            None if one.low is None else x(one.low),
            None if one.high is None else x(one.high),
            one.text,
        )
        for row, (label, number, one) in enumerate(known)
    )
    zero = x(0.0) if low < 0 < high else None
    return Forest(title, rows, tuple(Tick(x(t / 100), f"{t:g}") for t in ticks), ROW * len(rows) + 42.0, unit, zero)
