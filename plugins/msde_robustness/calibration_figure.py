"""Figures of calibration: reliability diagrams, and accuracy of the most confident answers."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from msde_robustness.reliability import COVERAGES, Found
from msde_toolkit import figures
from msde_toolkit.interfaces import RunView

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def reliability_figure(runs: Sequence[RunView], found: Sequence[Found], note: str) -> Figure:
    """A row a run, a panel a condition: accuracy against confidence of each bin."""
    conditions = list(dict.fromkeys(one.answers.condition for one in found))
    side = 74.0 if len(conditions) > 1 else 80.0
    titles = _titles(runs)
    with figures.paper_style():
        foot = 24 if len(conditions) > 1 else 36  # a narrow figure's note takes more lines
        figure = figures.new_figure(side * len(conditions) + 12, (side + 18) * len(runs) + foot)
        axes = figure.subplots(len(runs), len(conditions), squeeze=False)
        for row, run in enumerate(runs):
            for column, condition in enumerate(conditions):
                here = [one for one in found if one.run is run and one.answers.condition == condition]
                if here:
                    _diagram(axes[row, column], here[0])
                else:
                    axes[row, column].set_axis_off()
            title = textwrap.fill(titles[row], 70)
            above = {"xycoords": "axes fraction", "textcoords": "offset points"}
            axes[row, 0].annotate(title, (0, 1), (0, 38), fontweight="bold", fontsize=8, **above)
        figures.add_note(figure, note)
        if any(run.synthetic for run in runs):
            figures.mark_synthetic(figure)
    return figure


def selective_figure(runs: Sequence[RunView], found: Sequence[Found], note: str) -> Figure:
    """A panel a condition, a line a run: accuracy of the most confident share of the answers."""
    conditions = list(dict.fromkeys(one.answers.condition for one in found))
    with figures.paper_style():
        figure = figures.new_figure(max(72.0 * len(conditions), figures.SINGLE_COLUMN_MM) + 12, 84 + 4.2 * len(runs))
        axes = figure.subplots(1, len(conditions), squeeze=False, sharey=True)[0]
        for panel, condition in zip(axes, conditions, strict=True):
            for number, run in enumerate(runs):
                for one in found:
                    if one.run is run and one.answers.condition == condition:
                        _curve(panel, one, number)
            panel.set_title(figures.condition_title(condition))
            panel.set_xlabel("coverage: most confident share of answers (%)")
        axes[0].set_ylabel("accuracy of the answers kept (%)")
        figures.legend_of_series(figure, _titles(runs))
        figures.add_note(figure, note)
        if any(run.synthetic for run in runs):
            figures.mark_synthetic(figure)
    return figure


def _diagram(panel: Any, one: Found) -> None:
    colour = figures.condition_colour(one.answers.condition)
    panel.plot([0, 100], [0, 100], color="#888888", linestyle=":", zorder=1)
    panel.annotate("overconfident", (97, 3), ha="right", color="#666666")
    panel.annotate("underconfident", (3, 97), va="top", color="#666666")
    for row in one.bins:
        if row["ci95_low"] is not None:
            panel.plot([100 * row["confidence"]] * 2, [100 * row["ci95_low"], 100 * row["ci95_high"]], color=colour)
    places, heights = ([100 * row[key] for row in one.bins] for key in ("confidence", "accuracy"))
    panel.plot(places, heights, color=colour, marker="o", markersize=3.5, linewidth=0.6)
    panel.set(xlim=(0, 100), ylim=(0, 100), xlabel="confidence (%)", ylabel="accuracy (%)")
    panel.set_box_aspect(1)
    ece, over = one.numbers["ece"], one.numbers["overconfidence"]
    ends = [
        f" [{100 * x.ci95[0]:{y}}, {100 * x.ci95[1]:{y}}]" if x.ci95 else "" for x, y in ((ece, ".1f"), (over, "+.1f"))
    ]
    panel.set_title(
        f"{figures.condition_title(one.answers.condition)}: ECE {100 * ece.value:.1f}%{ends[0]} "
        f"({100 * (ece.reference or 0):.1f})\nconfidence - accuracy {100 * over.value:+.1f}%{ends[1]}\n"
        f"{one.answers.images} images, {one.answers.units.count} {one.answers.units.unit}s",
        fontsize=figures.SMALLEST_FONT_PT,
    )


def _curve(panel: Any, one: Found, number: int) -> None:
    style = figures.series_style(number)
    x, y = 100 * COVERAGES, np.array([100 * point.value for point in one.curve])
    panel.plot(x, y, markersize=3, **style)
    ends = [point.ci95 for point in one.curve]
    if all(ends):
        low, high = np.array(ends).T * 100
        panel.fill_between(x, low, high, color=style["color"], alpha=0.15, linewidth=0)
    panel.set_xlim(0, 102)


def _titles(runs: Sequence[RunView]) -> list[str]:
    return [run.title + (f" ({run.name})" if len(runs) > 1 else "") for run in runs]
