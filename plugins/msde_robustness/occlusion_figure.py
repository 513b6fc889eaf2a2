"""Figures: accuracy against size, place and opacity, and what the covered faces look like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from msde_robustness.covered import Subset, blend, overlay_pairs
from msde_robustness.occluders import occlude
from msde_robustness.sheet import Face, Part, sheet
from msde_toolkit import figures
from msde_toolkit.interfaces import RunView
from msde_toolkit.types import NM

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def boxes_figure(runs: Sequence[RunView], table: pd.DataFrame, chance: Mapping[str, float], note: str) -> Figure:
    """A row a condition, a panel a place, a line a run."""
    conditions, places = list(table["condition"].unique()), list(table["place"].unique())
    with figures.paper_style():
        width = max(34.0 * len(places) + 14, figures.SINGLE_COLUMN_MM)
        figure = figures.new_figure(width, 46 * len(conditions) + 30 + 4.2 * len(runs))
        axes = figure.subplots(len(conditions), len(places), squeeze=False, sharex=True, sharey=True)
        for row, condition in enumerate(conditions):
            for column, place in enumerate(places):
                panel = axes[row, column]
                panel.axhline(100 * chance[condition], color="#888888", linestyle=":", zorder=0)
                here = table[(table["condition"] == condition) & (table["place"] == place)]
                for number, run in enumerate(runs):
                    _line(panel, here[here["run"] == run.name], "size", number)
                if row == 0:
                    panel.set_title(place)
            axes[row, 0].set_ylabel(f"{figures.condition_title(condition)}\naccuracy (%)")
        axes[0, 0].set_ylim(0, None)
        for panel in axes[-1]:
            panel.set_xlabel("covered (% of the face)")
        figures.legend_of_series(figure, _titles(runs))
        figures.add_note(figure, f"{note} Dotted: always the most frequent class.")
        if any(run.synthetic for run in runs):
            figures.mark_synthetic(figure)
    return figure


def opacity_figure(runs: Sequence[RunView], table: pd.DataFrame, note: str) -> Figure:
    """A line a run: accuracy on the same faces while their mask goes from transparent to opaque."""
    with figures.paper_style():
        figure = figures.new_figure(figures.SINGLE_COLUMN_MM * 1.2, 78 + 4.2 * len(runs))
        panel = figure.subplots()
        for number, run in enumerate(runs):
            _line(panel, table[table["run"] == run.name], "opacity", number)
        panel.set(xlabel="opacity of the mask (%): 0 no mask, 100 as drawn", ylabel="accuracy (%)", ylim=(0, None))
        figures.legend_of_series(figure, _titles(runs))
        figures.add_note(figure, f"Pairs that are one photograph with a mask drawn on. {note}")
        if any(run.synthetic for run in runs):
            figures.mark_synthetic(figure)
    return figure


def examples_figure(data: Subset, options: Any, seed: int, *, with_opacity: bool) -> tuple[Figure, list[str]]:
    """One face under every box (and opacity), and the ids of who is on it: one who may be published, if any."""
    run, ids = data.run, list(data.rows["id"])
    drawn, _ = overlay_pairs(data) if with_opacity else (data.pairs[:0], None)
    may = run.manifest.publishable()[run.manifest.rows_of(ids)]
    candidates = drawn[:, 0] if len(drawn) else np.flatnonzero(data.rows["condition"] == NM)
    candidates = candidates if len(candidates) else np.arange(len(ids))
    row = int(candidates[np.argmax(may[candidates])])
    image, margin = run.images([ids[row]]), [data.margins[row]]
    parts = [
        Part(
            f"{place}",
            [
                [
                    Face(
                        occlude(image, [ids[row]], margin, place, share, options.fill, seed)[0][0],
                        f"{share:.0%}",
                        False,
                    )
                ]
                for share in options.sizes
            ],
        )
        for place in options.places
    ]
    shown = [ids[row]]
    if len(drawn):
        masked = ids[int(drawn[drawn[:, 0] == row][0, 1])]
        steps = [(step, blend(image, run.images([masked]), step)[0]) for step in options.opacities]
        parts.append(Part("opacity of the mask", [[Face(pixels, f"{step:.0%}", False)] for step, pixels in steps]))
        shown.append(masked)
    note = "Sizes are shares of the box from brows to chin and ear to ear of the average face, where all boxes lie."
    return sheet(f"Occluders on one face: {run.title}", parts, note, synthetic=run.synthetic), shown


def _line(panel: Any, rows: pd.DataFrame, column: str, number: int) -> None:
    if rows.empty:
        return
    style = figures.series_style(number)
    x = 100 * rows["covered" if column == "size" else column].to_numpy(dtype=np.float64)
    y, low, high = (
        100 * rows[name].to_numpy(dtype=np.float64) for name in ("accuracy", "accuracy_low", "accuracy_high")
    )
    panel.plot(x, y, markersize=3.5, **style)
    if np.isfinite(low).all():
        panel.fill_between(x, low, high, color=style["color"], alpha=0.15, linewidth=0)


def _titles(runs: Sequence[RunView]) -> list[str]:
    return [run.title + (f" ({run.name})" if len(runs) > 1 else "") for run in runs]
