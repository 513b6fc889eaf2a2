"""The lift of mask energy: of each run and condition, beside what a uniform map and random weights get."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from msde_gradcam.energy import ALL, DIFFERENCE, RANDOM, TRAINED
from msde_toolkit import figures
from msde_toolkit.cams import METHODS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def lift_figure(table: pd.DataFrame, titles: Sequence[str], note: str, *, synthetic: bool) -> Figure | None:
    """Points with 95 % intervals; None if nothing could be measured.

    Args:
        table: ``mask_energy.csv`` of all runs.
        titles: of the runs, in the order of the table.
        note: what was measured.
        synthetic: whether the faces are drawn.
    """
    whole = table[(table["class"] == ALL) & (table["right"] == ALL) & (table["border"] == "exact")]
    whole = whole[whole["weights"].isin([TRAINED, RANDOM]) & (whole["condition"] != DIFFERENCE)]
    if whole.empty:
        return None
    groups = [(run, method) for run in whole["run"].unique() for method in whole["method"].unique()]
    named = dict(zip(whole["run"].unique(), titles, strict=True))
    conditions = sorted(whole["condition"].unique(), key=lambda word: (word != "nm", word != "m", word))
    with figures.paper_style():
        width = figures.SINGLE_COLUMN_MM if len(groups) <= 4 else figures.DOUBLE_COLUMN_MM
        figure = figures.new_figure(width, 82 + 3.5 * len(titles) * (2 if width < 100 else 1))
        axes = figure.subplots()
        axes.axhline(1.0, color="black", linewidth=0.8, linestyle=":", label="uniform map")
        for place, (run, method) in enumerate(groups):
            for offset, condition in enumerate(conditions):
                x = place + 0.22 * (offset - (len(conditions) - 1) / 2)
                here = (whole["run"] == run) & (whole["method"] == method) & (whole["condition"] == condition)
                for row in whole[here].itertuples():
                    _point(axes, x, row, condition, offset, first=place == 0)
        several = whole["method"].nunique() > 1
        words = [f"{named[run]}\n{METHODS[method]}" if several else named[run] for run, method in groups]
        axes.set_xticks(range(len(groups)), words)
        axes.set_xlim(-0.6, len(groups) - 0.4)
        axes.set_xlabel("run and method" if several else "run")
        axes.set_ylabel("lift (mask energy / area)")
        figure.legend(loc="outside upper center", ncols=2 if width < 100 else 5, handletextpad=0.2, columnspacing=1.0)
        figures.add_note(figure, note)
        if synthetic:
            figures.mark_synthetic(figure)
    return figure


def _point(axes: Any, x: float, row: Any, condition: str, marker: int, *, first: bool) -> None:
    drawn = row.weights == RANDOM
    colour = "#777777" if drawn else figures.condition_colour(condition)
    title = figures.condition_title(condition)
    label = f"{title}, random weights" if drawn else title
    place = x + (0.09 if drawn else 0.0)
    if row.lift_low is not None and pd.notna(row.lift_low):
        axes.plot([place, place], [row.lift_low, row.lift_high], color=colour)
    face = "white" if drawn else colour
    style = {"marker": figures.MARKERS[marker], "color": colour, "markerfacecolor": face, "linestyle": "none"}
    axes.plot([place], [row.lift], markersize=5, label=label if first else None, **style)
