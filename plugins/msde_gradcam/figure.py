"""The figure: each face next to its map, unmasked and masked side by side."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from msde_gradcam.selection import Shown
from msde_toolkit import figures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_EDGE, _GAP, _CONDITION_GAP, _BLOCK_GAP = 2.0, 0.5, 1.6, 4.0
_LABEL, _ROW_GAP, _HEAD, _BAR = 3.5, 2.2, 8.0, 10.0
_TITLE_LINE, _TITLE_POINTS = 4.2, 9.0
WRONG = figures.PALETTE[5]
"""Colour of a wrong answer; it is dashed, and told in words, too."""


@dataclass(frozen=True)
class Panels:
    """What is drawn.

    Attributes:
        title: of the figure.
        note: how samples, class and layer were chosen.
        method: of the maps, as the colour bar calls it.
        synthetic: whether the faces are drawn.
        headings: of each id: its classes, and in words whether the answer was right.
        wrong: ids whose answer was wrong; their frames are marked.
        maps: raw ``[h, w]`` map of each id.
        images: uint8 ``[S, S, 3]`` of each id.
    """

    title: str
    note: str
    method: str
    synthetic: bool
    headings: Mapping[str, str]
    wrong: Set[str]
    maps: Mapping[str, npt.NDArray[np.float32]]
    images: Mapping[str, npt.NDArray[np.uint8]]


def gradcam_figure(shown: Shown, panels: Panels) -> Figure:
    """A grid of entries (two pairs a row where there are several), each image beside its map."""
    across = min(len(shown.entries), 4 // len(shown.conditions))
    rows = -(-len(shown.entries) // across)
    wide = across * len(shown.conditions) > 2
    width = figures.DOUBLE_COLUMN_MM if wide else figures.SINGLE_COLUMN_MM
    block = (width - 2 * _EDGE - (across - 1) * _BLOCK_GAP) / across
    gaps = len(shown.conditions) * _GAP + (len(shown.conditions) - 1) * _CONDITION_GAP
    cell = min((block - gaps) / (2 * len(shown.conditions)), 30.0)
    with figures.paper_style():
        figure = figures.new_figure(width, 100)
        figures.add_note(figure, panels.note)
        if panels.synthetic:
            figures.mark_synthetic(figure)
        foot = figures.place_by_hand(figure)
        title = textwrap.wrap(panels.title, int(width / 25.4 * 72 / (0.66 * _TITLE_POINTS)))
        head = _HEAD + len(title) * _TITLE_LINE
        height = head + rows * (_LABEL + cell + _ROW_GAP) + _BAR + foot
        figure.set_figheight(height / 25.4)
        canvas = Canvas(figure, width, height)
        canvas.text(width / 2, 1.5, "\n".join(title), ha="center", fontsize=_TITLE_POINTS, fontweight="bold")
        for index, entry in enumerate(shown.entries):
            row, column = divmod(index, across)
            x, y = _EDGE + column * (block + _BLOCK_GAP), head + row * (_LABEL + cell + _ROW_GAP)
            for condition, sample in zip(shown.conditions, entry, strict=True):
                if row == 0:
                    canvas.text(x, y - 4.2, figures.condition_title(condition), fontsize=8, fontweight="bold")
                wrong = sample in panels.wrong
                canvas.text(x, y + 0.3, panels.headings[sample], color=WRONG if wrong else "black")
                canvas.image(x, y + _LABEL, cell, panels.images[sample])
                shown_map = figures.overlay(panels.images[sample], panels.maps[sample])
                canvas.image(x + cell + _GAP, y + _LABEL, cell, shown_map, marked=wrong)
                x += 2 * cell + _GAP + _CONDITION_GAP
        colour_bar(canvas, width, height - foot - _BAR + 1.5, panels.method)
    return figure


@dataclass(frozen=True)
class Canvas:
    """Places things by millimetres from the top left, so that images are exactly square and of one size."""

    figure: Figure
    width: float
    height: float

    def text(self, x: float, y: float, text: str, **style: Any) -> None:
        """Its top at ``y``."""
        self.figure.text(x / self.width, 1 - y / self.height, text, va="top", **style)

    def axes(self, x: float, y: float, width: float, height: float) -> Any:
        """Axes whose top left corner is there."""
        box = (x / self.width, 1 - (y + height) / self.height, width / self.width, height / self.height)
        return self.figure.add_axes(box)

    def image(self, x: float, y: float, side: float, pixels: npt.NDArray[Any], *, marked: bool = False) -> None:
        """An image; ``marked``: in a dashed frame, for a wrong answer."""
        axes = self.axes(x, y, side, side)
        axes.imshow(pixels, interpolation="antialiased")
        if not marked:
            axes.set_axis_off()
            return
        axes.set(xticks=[], yticks=[])
        for spine in axes.spines.values():
            spine.set(visible=True, color=WRONG, linewidth=1.4, linestyle=(0, (2.5, 1.2)))


def colour_bar(canvas: Canvas, width: float, y: float, method: str) -> None:
    """What the colours mean, for a figure of this width."""
    import matplotlib
    from matplotlib.cm import ScalarMappable

    length = min(50.0, width / 2 - 10)
    axes = canvas.axes(_EDGE + 4, y, length, 2.2)
    bar = canvas.figure.colorbar(
        ScalarMappable(cmap=matplotlib.colormaps[figures.HEAT_MAP]), cax=axes, orientation="horizontal"
    )
    bar.set_ticks([0, 1], labels=["none", "highest"])
    bar.outline.set_visible(False)
    canvas.text(_EDGE + length + 11, y - 0.4, f"{method}, scaled per image")
