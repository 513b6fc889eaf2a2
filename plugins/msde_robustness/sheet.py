"""A sheet of faces in sections, each face with two lines of words."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from msde_toolkit import figures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 6
WRONG = figures.PALETTE[5]
_EDGE, _GAP, _ENTRY_GAP, _LINE, _HEAD, _BETWEEN = 2.0, 1.0, 3.0, 3.2, 6.5, 3.0
_ROW_GAP = 2.2


@dataclass(frozen=True)
class Face:
    """A face with its words; ``wrong`` frames it in dashes."""

    pixels: npt.NDArray[np.uint8]
    caption: str
    wrong: bool


@dataclass(frozen=True)
class Part:
    """A section: its heading, and entries of one or two faces that stay together; ``empty`` is said without any."""

    heading: str
    entries: Sequence[Sequence[Face]]
    empty: str = "none"


def sheet(title: str, parts: Sequence[Part], note: str, *, synthetic: bool) -> Figure:
    """All parts below each other."""
    width = figures.DOUBLE_COLUMN_MM
    cell = (width - 2 * _EDGE - (COLUMNS - 1) * _ENTRY_GAP) / COLUMNS
    with figures.paper_style():
        figure = figures.new_figure(width, 100)
        figures.add_note(figure, note)
        if synthetic:
            figures.mark_synthetic(figure)
        foot = figures.place_by_hand(figure)
        titles = textwrap.wrap(title, 95)
        heads = [textwrap.wrap(part.heading, 120) for part in parts]
        top = 3 + 4.2 * len(titles)
        spaces = [
            _HEAD + 3.2 * (len(head) - 1) + _rows(part) * (cell + _caption(part) + _ROW_GAP)
            for part, head in zip(parts, heads, strict=True)
        ]
        height = top + sum(spaces) + _BETWEEN * len(parts) + foot
        figure.set_figheight(height / 25.4)
        _text(figure, width / 2, 1.5, "\n".join(titles), height, ha="center", fontsize=9, fontweight="bold")
        for part, head, space in zip(parts, heads, spaces, strict=True):
            _text(figure, _EDGE, top + 1, "\n".join(head), height, fontsize=8, fontweight="bold")
            below = top + _HEAD + 3.2 * (len(head) - 1)
            words = _caption(part)
            if not part.entries:
                _text(figure, _EDGE, below, part.empty, height, color="#555555")
            for index, entry in enumerate(part.entries):
                row, column = divmod(index, COLUMNS // len(entry))
                x = _EDGE + column * len(entry) * (cell + _ENTRY_GAP)
                for place, face in enumerate(entry):
                    # The two of a pair stand closer to each other than to the next pair.
                    left = x + place * (cell + _GAP)
                    _face(figure, left, below + row * (cell + words + _ROW_GAP), cell, words, height, face)
            top += space + _BETWEEN
    return figure


def _rows(part: Part) -> float:
    if not part.entries:
        return 0.15
    return -(-len(part.entries) // (COLUMNS // len(part.entries[0])))


def _caption(part: Part) -> float:
    """Height of the words above each face."""
    lines = max((face.caption.count("\n") + 1 for entry in part.entries for face in entry), default=1)
    return _LINE * lines


def _text(figure: Figure, x: float, y: float, text: str, height: float, **style: Any) -> None:
    figure.text(x / figures.DOUBLE_COLUMN_MM, 1 - y / height, text, va="top", **style)


def _face(figure: Figure, x: float, y: float, side: float, words: float, height: float, face: Face) -> None:
    _text(figure, x, y, face.caption, height, color=WRONG if face.wrong else "black", linespacing=1.1)
    bottom = 1 - (y + words + side) / height
    axes: Any = figure.add_axes((x / figures.DOUBLE_COLUMN_MM, bottom, side / figures.DOUBLE_COLUMN_MM, side / height))
    axes.imshow(face.pixels, interpolation="antialiased")
    axes.set(xticks=[], yticks=[])
    for spine in axes.spines.values():
        spine.set(visible=face.wrong, color=WRONG, linewidth=1.2, linestyle=(0, (2.5, 1.2)))
