"""The figure of the classes: recall, precision and F1 of each, by condition, runs beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msde_confusion.matrix import BY_CLASS, Matrix
from msde_toolkit import figures
from msde_toolkit.interfaces import RunView

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NAMES = {"recall": "recall", "precision": "precision", "f1": "F1"}


def class_figure(runs: Sequence[RunView], matrices: Sequence[Sequence[Matrix]]) -> Figure:
    """A row a measure, a panel a condition, a point a class and run, with 95 % intervals."""
    conditions = list(dict.fromkeys(matrix.condition for of_run in matrices for matrix in of_run))
    classes = max((run.classes for run in runs), key=len)
    with figures.paper_style():
        width = max(12.0 * len(classes) * len(conditions) + 16, figures.SINGLE_COLUMN_MM)
        figure = figures.new_figure(width, 44 * len(BY_CLASS) + 26 + 4.2 * len(runs))
        axes = figure.subplots(len(BY_CLASS), len(conditions), squeeze=False, sharex=True, sharey=True)
        for row, measure in enumerate(BY_CLASS):
            for column, condition in enumerate(conditions):
                panel = axes[row, column]
                for number, of_run in enumerate(matrices):
                    for matrix in of_run:
                        if matrix.condition == condition:
                            _points(panel, matrix, measure, classes, number, len(runs))
                if row == 0:
                    panel.set_title(figures.condition_title(condition))
            axes[row, 0].set_ylabel(f"{_NAMES[measure]} (%)")
        for panel in axes[-1]:
            panel.set_xticks(range(len(classes)), classes, rotation=40, ha="right", rotation_mode="anchor")
            panel.set_xlabel("class")
        axes[0, 0].set_ylim(-2, 102)
        figures.legend_of_series(figure, _titles(runs), lines=False)
        figures.add_note(figure, _note(matrices))
        if any(run.synthetic for run in runs):
            figures.mark_synthetic(figure)
    return figure


def _points(panel: Any, matrix: Matrix, measure: str, classes: Sequence[str], number: int, runs: int) -> None:
    style, width = figures.series_style(number), min(0.8 / runs, 0.25)
    for name, (value, interval) in zip(matrix.classes, matrix.by_class(measure), strict=True):
        if value is not None and name in classes:
            x = classes.index(name) + width * (number - (runs - 1) / 2)
            if interval:
                panel.plot([x, x], [100 * end for end in interval], color=style["color"])
            panel.plot([x], [100 * value], markersize=3.5, linestyle="none", **style)


def _note(matrices: Sequence[Sequence[Matrix]]) -> str:
    first = matrices[0][0]
    doubts = dict.fromkeys(m.interval_note for of_run in matrices for m in of_run if m.interval_note)
    return (
        "Held-out predictions, folds and repeats pooled. Recall: of the faces of a class; precision: of the answers "
        f"of a class, which depends on how frequent classes are. Bars: 95% intervals, bootstrap over {first.unit}s."
        + "".join(f" {doubt[0].upper()}{doubt[1:]}." for doubt in doubts)
    )


def _titles(runs: Sequence[RunView]) -> list[str]:
    return [run.title + (f" ({run.name})" if len(runs) > 1 else "") for run in runs]
