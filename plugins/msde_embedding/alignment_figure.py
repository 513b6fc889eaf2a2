"""The figure of the measures: a panel a question, a point a run, with intervals and chance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msde_toolkit import figures
from msde_toolkit.interfaces import RunView

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PANELS: tuple[tuple[str, str, Mapping[str, str]], ...] = (
    (
        "Is a pair alike?",
        "cosine",
        {
            "cosine_pair": "pair",
            "cosine_same_class": "others:\nsame\nclass",
            "cosine_other_class": "others:\nother\nclass",
        },
    ),
    (
        "Is the partner found?",
        "share of pairs; mean 1/rank",
        {"top1": "top 1", "top5": "top 5", "reciprocal_rank": "reciprocal\nrank"},
    ),
    ("One geometry?", "linear CKA", {"cka": "unmasked\nand masked"}),
    (
        "Does the mask show?",
        "share told right; area",
        {"probe_accuracy": "bal.\naccuracy", "probe_auc": "area\nunder ROC"},
    ),
)


def alignment_figure(runs: Sequence[RunView], summaries: Sequence[Mapping[str, Any]], note: str) -> Figure:
    """Points of all runs beside each other, in each panel; a dash where chance is."""
    with figures.paper_style():
        titles = [_title(run, len(runs)) for run in runs]
        figure = figures.new_figure(figures.DOUBLE_COLUMN_MM, 82 + 4.2 * len(runs))
        axes = figure.subplots(1, len(_PANELS), width_ratios=[3, 3, 1.3, 2.1])
        for panel, (title, unit, measures) in zip(axes, _PANELS, strict=True):
            for place, name in enumerate(measures):
                for number, summary in enumerate(summaries):
                    _point(panel, place, number, len(summaries), summary["measures"].get(name))
            panel.set_xticks(range(len(measures)), list(measures.values()))
            panel.set_xlim(-0.6, len(measures) - 0.4)
            panel.set_xlabel("measure")
            panel.set_ylabel(unit)
            panel.set_title(title)
            if unit != "cosine":
                low, high = panel.get_ylim()
                panel.set_ylim(min(0.0, low), max(1.03, high))
        figures.legend_of_series(figure, titles, lines=False)
        figures.add_note(figure, note)
        if any(run.synthetic for run in runs):
            figures.mark_synthetic(figure)
    return figure


def _point(panel: Any, place: int, number: int, runs: int, one: Mapping[str, Any] | None) -> None:
    if one is None or one["value"] is None:
        return
    width = min(0.8 / runs, 0.25)
    x = place + width * (number - (runs - 1) / 2)
    style = figures.series_style(number)
    if one["ci95"]:
        panel.plot([x, x], one["ci95"], color=style["color"], zorder=2)
    panel.plot([x], [one["value"]], markersize=4.5, linestyle="none", zorder=3, **style)
    if one["chance"] is not None:
        panel.plot([x - width / 2, x + width / 2], [one["chance"]] * 2, color="#555555", linestyle=":", zorder=1)


def _title(run: RunView, runs: int) -> str:
    return run.title if runs == 1 else f"{run.title} ({run.name})"
