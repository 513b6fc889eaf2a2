"""The figure of the confusion matrices: a row of panels a run, a panel a condition."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from msde_confusion.matrix import Matrix
from msde_toolkit import figures, statistics
from msde_toolkit.interfaces import RunView

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CELL_MM = 10.0
_LABELS_MM = 17.0
_HEADINGS_MM = 30.0


def confusion_figure(runs: Sequence[RunView], matrices: Sequence[Sequence[Matrix]]) -> Figure:
    """Panels shaded by the share of the true class, with percent and count in each cell."""
    panels = max(len(of_run) for of_run in matrices)
    classes = max(len(run.classes) for run in runs)
    side = max(figures.SINGLE_COLUMN_MM - _LABELS_MM, _CELL_MM * classes) + _LABELS_MM
    with figures.paper_style():
        figure = figures.new_figure(panels * side + 4, len(runs) * (side - _LABELS_MM + _HEADINGS_MM) + 6)
        rows: Any = figure.subfigures(len(runs), 1, squeeze=False)
        for row, run, of_run in zip(rows[:, 0], runs, matrices, strict=True):
            row.suptitle(run.title if len(runs) == 1 else f"{run.title}\n{run.name}", fontweight="bold")
            axes = row.subplots(1, panels, squeeze=False)[0]
            for axis, matrix in zip(axes, of_run, strict=False):
                image = _draw(axis, matrix)
            for axis in axes[len(of_run) :]:
                axis.set_axis_off()
            bar = row.colorbar(image, ax=axes, fraction=0.03, pad=0.015, shrink=0.8, ticks=[0, 0.25, 0.5, 0.75, 1])
            bar.set_label("share of the true class (%)")
            bar.ax.set_yticklabels(["0", "25", "50", "75", "100"])
            bar.outline.set_visible(False)
        figures.add_note(figure, _note(matrices))
        if any(run.synthetic for run in runs):
            figures.mark_synthetic(figure)
    return figure


def _draw(axis: Any, matrix: Matrix) -> Any:
    sizes = matrix.counts.sum(axis=1, keepdims=True)
    share = np.divide(matrix.counts, sizes, out=np.full(matrix.counts.shape, np.nan), where=sizes > 0)
    image = axis.imshow(np.ma.masked_invalid(share), cmap=figures.SEQUENTIAL_MAP, vmin=0, vmax=1)
    names = [f"{name}\nn={size}" for name, size in zip(matrix.classes, sizes[:, 0], strict=True)]
    axis.set_xticks(range(len(names)), matrix.classes, rotation=40, ha="right", rotation_mode="anchor")
    axis.set_yticks(range(len(names)), names)
    axis.set_xlabel("predicted")
    axis.set_ylabel("true")
    axis.set_title(_heading(matrix))
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    axis.set_xticks(np.arange(1, len(names)) - 0.5, minor=True)
    axis.set_yticks(np.arange(1, len(names)) - 0.5, minor=True)
    axis.grid(which="minor", color="white", linewidth=0.8)
    axis.tick_params(which="minor", length=0)
    for (i, j), value in np.ndenumerate(share):
        if np.isfinite(value):
            colour = figures.text_colour_on(image.cmap(image.norm(value)))
            text = f"{100 * value:.0f}%\n({matrix.counts[i, j]})"
            axis.text(j, i, text, ha="center", va="center", color=colour, weight="bold" if i == j else "normal")
    for i in np.flatnonzero(sizes[:, 0] == 0):
        axis.text((len(names) - 1) / 2, i, "no image of this class (n=0)", ha="center", va="center", color="#555555")
    return image


def _heading(matrix: Matrix) -> str:
    interval = matrix.accuracy_interval
    ends = f" [{100 * interval[0]:.1f}, {100 * interval[1]:.1f}]" if interval else ""
    accuracy = 100 * float(statistics.accuracy(matrix.counts))
    return (
        f"{figures.condition_title(matrix.condition)}: accuracy {accuracy:.1f}%{ends}\n"
        f"{matrix.images} images, {matrix.groups} {'subjects' if matrix.unit == 'subject' else 'groups'}"
    )


def _note(matrices: Sequence[Sequence[Matrix]]) -> str:
    first = matrices[0][0]
    again = f", {first.repeats} repeats pooled" if first.repeats > 1 else ""
    text = (
        f"Held-out predictions, {first.folds} fold{'s' if first.folds > 1 else ''} pooled{again}. "
        f"Cells: percent of the true class (count). Brackets: 95% interval, bootstrap over {first.unit}s."
    )
    doubts = dict.fromkeys(m.interval_note for of_run in matrices for m in of_run if m.interval_note)
    return text + "".join(f" {doubt[0].upper()}{doubt[1:]}." for doubt in doubts)
