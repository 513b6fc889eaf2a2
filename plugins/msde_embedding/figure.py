"""The figure of the maps, as the paper's Fig. 5: a column a run, a row a map; a single run's maps stand in one row."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msde_embedding.maps import JOINT, Map
from msde_toolkit import figures
from msde_toolkit.interfaces import RunView
from msde_toolkit.types import M

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PANEL_MM = 45.0


def map_figure(runs: Sequence[RunView], maps: Sequence[Sequence[Map]], method: str, note: str) -> Figure:
    """Colour and marker a class; on a joint map filled where unmasked, hollow where masked."""
    names = list(dict.fromkeys(one.name for of_run in maps for one in of_run))
    single = len(runs) == 1
    rows, columns = (1, len(names)) if single else (len(names), len(runs))
    side = max(_PANEL_MM, (figures.DOUBLE_COLUMN_MM - 6) / columns) if columns > 1 else figures.SINGLE_COLUMN_MM
    side = min(side, 62.0) if columns > 1 else side
    with figures.paper_style():
        figure = figures.new_figure(max(columns * side, figures.SINGLE_COLUMN_MM) + 6, rows * (side + 10) + 30)
        axes: Any = figure.subplots(rows, columns, squeeze=False)
        for column, of_run in enumerate(maps):
            by_name = {one.name: one for one in of_run}
            for row, name in enumerate(names):
                panel = axes[0, row] if single else axes[row, column]
                if name not in by_name:
                    panel.set_axis_off()
                    continue
                _draw(panel, by_name[name])
                heading = f"{_title(name)}\n{_numbers(by_name[name])}"
                if not single and row == 0:
                    heading = f"{_wrapped(runs[column], side)}\n\n{heading}"
                panel.set_title(heading, fontsize=figures.SMALLEST_FONT_PT)
        for panel in axes[-1]:
            panel.set_xlabel(f"{method} 1 (arbitrary unit)")
        for panel in axes[:, 0]:
            panel.set_ylabel(f"{method} 2 (arbitrary unit)")
        _legend(figure, runs, names)
        figures.add_note(figure, note)
        if any(run.synthetic for run in runs):
            figures.mark_synthetic(figure)
    return figure


def _draw(panel: Any, one: Map) -> None:
    rows, colours = one.data.rows, figures.class_colours(len(one.data.run.classes))
    size = 9.0 if len(rows) < 600 else 5.0
    for label, colour in enumerate(colours):
        for hollow in (False, True) if one.name == JOINT else (False,):
            mine = ((rows["label"] == label) & ((rows["condition"] == M) == hollow)).to_numpy()
            if one.name != JOINT:
                mine = (rows["label"] == label).to_numpy()
            panel.scatter(
                one.places[mine, 0],
                one.places[mine, 1],
                s=size,
                marker=figures.MARKERS[label % len(figures.MARKERS)],
                facecolors="none" if hollow else colour,
                edgecolors=colour,
                linewidths=0.5 if hollow else 0.0,
                alpha=0.8,
                rasterized=True,
            )
    panel.set(xticks=[], yticks=[])
    panel.spines[["top", "right"]].set_visible(True)
    panel.spines[:].set_color("#999999")
    panel.set_box_aspect(1)


def _title(name: str) -> str:
    return "joint" if name == JOINT else figures.condition_title(name)


def _numbers(one: Map) -> str:
    found = one.quality
    parts = []
    if found["knn_accuracy"] is not None:
        interval = found["knn_accuracy_ci95"]
        ends = f" [{100 * interval[0]:.0f}, {100 * interval[1]:.0f}]" if interval else ""
        parts.append(f"kNN {100 * found['knn_accuracy']:.0f}%{ends}\n")
    parts += [
        f"{letter} {found[key]:.2f}"
        for letter, key in (("S", "silhouette"), ("T", "trustworthiness"))
        if found[key] is not None
    ]
    return f"n={len(one.data.rows)}, " + ", ".join(parts).replace("\n, ", "\n")


def _wrapped(run: RunView, side: float) -> str:
    letters = int(side / 25.4 * 72 / (0.6 * figures.SMALLEST_FONT_PT))
    return "\n".join(textwrap.wrap(run.title, letters))


def _legend(figure: Figure, runs: Sequence[RunView], names: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    classes = max((run.classes for run in runs), key=len)
    style: Any = {"linestyle": "none", "markersize": 4}
    handles = [
        Line2D([], [], color=colour, marker=figures.MARKERS[label % len(figures.MARKERS)], label=name, **style)
        for label, (name, colour) in enumerate(zip(classes, figures.class_colours(len(classes)), strict=True))
    ]
    if JOINT in names:
        handles.append(Line2D([], [], color="#555555", marker="o", label="joint: no mask", **style))
        handles.append(
            Line2D([], [], color="#555555", marker="o", markerfacecolor="none", label="joint: mask", **style)
        )
    figure.legend(
        handles=handles,
        loc="outside upper center",
        ncols=9 if figure.get_figwidth() > 6 else 4,
        columnspacing=0.9,
        handletextpad=0.1,
        title=runs[0].title if len(runs) == 1 else None,
        title_fontproperties={"weight": "bold", "size": 9},
    )
