"""Figures: the two matrices of Fig. 7 with intervals, and the differences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from msde_crossdataset.resample import Estimate
from msde_toolkit import figures

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Panel:
    """A matrix to draw: ``shares`` has ``C * C`` numbers, ``sizes`` the images a class, all models counted."""

    title: str
    classes: tuple[str, ...]
    shares: Estimate
    sizes: Sequence[int]


def matrices_figure(panels: Sequence[Panel], note: str, *, synthetic: bool) -> Figure:
    """A panel a matrix; each cell the share of the true class in percent, with the ends of its interval."""
    count = max(len(panel.classes) for panel in panels)
    side = max(84.0, 11.0 * count + 17)
    with figures.paper_style():
        figure = figures.new_figure(side * len(panels) + 14, side + 22)
        axes = figure.subplots(1, len(panels), squeeze=False)[0]
        for axis, panel in zip(axes, panels, strict=True):
            image = _draw(axis, panel)
        bar = figure.colorbar(image, ax=list(axes), fraction=0.03, pad=0.015, shrink=0.8, ticks=[0, 0.5, 1])
        bar.set_label("share of the true class (%)")
        bar.ax.set_yticklabels(["0", "50", "100"])
        bar.outline.set_visible(False)
        figures.add_note(figure, note)
        if synthetic:
            figures.mark_synthetic(figure)
    return figure


def _draw(axis: Any, panel: Panel) -> Any:
    count = len(panel.classes)
    share = panel.shares.value.reshape(count, count)
    image = axis.imshow(np.ma.masked_invalid(share), cmap=figures.SEQUENTIAL_MAP, vmin=0, vmax=1)
    axis.set_xticks(range(count), panel.classes, rotation=40, ha="right", rotation_mode="anchor")
    names = [f"{name}\nn={size}" for name, size in zip(panel.classes, panel.sizes, strict=True)]
    axis.set_yticks(range(count), names)
    axis.set_xlabel("predicted")
    axis.set_ylabel("true")
    axis.set_title(panel.title)
    axis.tick_params(length=0)
    axis.spines[:].set_visible(False)
    for (i, j), value in np.ndenumerate(share):
        if np.isfinite(value):
            ends = panel.shares.interval(i * count + j)
            text = f"{100 * value:.0f}" + (f"\n{100 * ends[0]:.0f}-{100 * ends[1]:.0f}" if ends else "")
            colour = figures.text_colour_on(image.cmap(image.norm(value)))
            axis.text(j, i, text, ha="center", va="center", color=colour, weight="bold" if i == j else "normal")
    return image


def effects_figure(names: Sequence[str], found: Sequence[Estimate], note: str, *, synthetic: bool) -> Figure:
    """A row a difference of accuracies, in points, with its interval."""
    with figures.paper_style():
        figure = figures.new_figure(figures.SINGLE_COLUMN_MM * 1.4, 22 + 8 * len(names))
        axis = figure.subplots()
        rows = np.arange(len(names))[::-1]
        axis.axvline(0, color="#999999", linewidth=0.8, zorder=0)
        for row, one in zip(rows, found, strict=True):
            ends = one.interval()
            if ends:
                axis.plot([100 * end for end in ends], [row, row], color=figures.PALETTE[0], linewidth=1.4)
            axis.plot(100 * one.value[0], row, marker="o", color=figures.PALETTE[0], markersize=4.5)
        axis.set_yticks(rows, names)
        axis.set_ylabel("what differs")
        axis.set_ylim(-0.6, len(names) - 0.4)
        axis.set_xlabel("difference of accuracies (percentage points), 95 % interval")
        figures.add_note(figure, note)
        if synthetic:
            figures.mark_synthetic(figure)
    return figure
