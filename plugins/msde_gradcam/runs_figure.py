"""Runs side by side on the same pairs, unmasked above masked (paper, Fig. 6)."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from msde_gradcam.figure import WRONG, Canvas, colour_bar
from msde_gradcam.selection import Shown
from msde_toolkit import figures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTH, _EDGE, _GAP, _BLOCK_GAP = figures.DOUBLE_COLUMN_MM, 2.0, 0.6, 3.5
_WORD, _HEADING, _ROW_GAP, _HEAD, _BAR = 3.2, 3.8, 2.6, 8.0, 10.0
_COLUMNS = 12
"""Images across; more would be smaller than their words."""


@dataclass(frozen=True)
class Column:
    """What one run says of the samples.

    Attributes:
        title: a few words, in at most two lines.
        maps: raw ``[h, w]`` map of each id.
        answers: of each id: the predicted class.
        wrong: ids whose answer was wrong.
    """

    title: str
    maps: Mapping[str, npt.NDArray[np.float32]]
    answers: Mapping[str, str]
    wrong: Set[str]


@dataclass(frozen=True)
class Faces:
    """The samples.

    Attributes:
        images: uint8 ``[S, S, 3]`` of each id.
        labels: of each id: the true class.
        note: how samples, class and layer were chosen.
        method: of the maps.
        synthetic: whether the faces are drawn.
    """

    images: Mapping[str, npt.NDArray[np.uint8]]
    labels: Mapping[str, str]
    note: str
    method: str
    synthetic: bool


def runs_figure(shown: Shown, faces: Faces, columns: Sequence[Column]) -> Figure:
    """Blocks of an entry each: its face, then a column a run; a row a condition."""
    wide = 1 + len(columns)
    across = min(max(1, _COLUMNS // wide), len(shown.entries))
    block = (_WIDTH - 2 * _EDGE - (across - 1) * _BLOCK_GAP) / across
    cell = min((block - (wide - 1) * _GAP) / wide, 24.0)
    words = len(columns[0].title.splitlines())
    tall = _HEADING + len(shown.conditions) * (_WORD + cell + _GAP) + _ROW_GAP
    rows = -(-len(shown.entries) // across)
    with figures.paper_style():
        figure = figures.new_figure(_WIDTH, 100)
        figures.add_note(figure, faces.note)
        if faces.synthetic:
            figures.mark_synthetic(figure)
        foot = figures.place_by_hand(figure)
        head = _HEAD + 3.0 * words
        height = head + rows * tall + _BAR + foot
        figure.set_figheight(height / 25.4)
        canvas = Canvas(figure, _WIDTH, height)
        title = f"{faces.method} of {len(columns)} runs on the same held-out {'pairs' if shown.paired else 'images'}"
        canvas.text(_WIDTH / 2, 1.5, title, ha="center", fontsize=9, fontweight="bold")
        for index, entry in enumerate(shown.entries):
            row, place = divmod(index, across)
            corner = (_EDGE + place * (block + _BLOCK_GAP), head + row * tall)
            _entry(canvas, corner, cell, entry, faces, columns, first_row=row == 0)
        colour_bar(canvas, _WIDTH, height - foot - _BAR + 1.5, faces.method)
    return figure


def _entry(
    canvas: Canvas,
    corner: tuple[float, float],
    cell: float,
    entry: tuple[str, ...],
    faces: Faces,
    columns: Sequence[Column],
    *,
    first_row: bool,
) -> None:
    left, y = corner
    canvas.text(left, y, faces.labels[entry[0]], fontweight="bold")
    y += _HEADING
    for sample in entry:
        canvas.image(left, y + _WORD, cell, faces.images[sample])
        for place, column in enumerate(columns, start=1):
            x = left + place * (cell + _GAP)
            if first_row and sample == entry[0]:
                lines = column.title.splitlines()
                canvas.text(x, y - _HEADING - 3.0 * len(lines), column.title, fontweight="bold", linespacing=1.1)
            wrong = sample in column.wrong
            answer = f"✗ {column.answers[sample]}" if wrong else column.answers[sample]
            canvas.text(x, y + 0.2, answer, color=WRONG if wrong else "black")
            canvas.image(x, y + _WORD, cell, figures.overlay(faces.images[sample], column.maps[sample]), marked=wrong)
        y += _WORD + cell + _GAP


def column_titles(models: Sequence[str], losses: Sequence[str], names: Sequence[str]) -> list[str]:
    """What tells the runs apart, in few words: the loss, else the model, else both; else letters, told in the note."""
    both = [f"{model}\n{loss}" for model, loss in zip(models, losses, strict=True)]
    for words in (losses, models, both):
        if len(set(words)) == len(names) and all(words) and all(len(w) <= 10 for t in words for w in t.split("\n")):
            return list(words)
    short = [textwrap.shorten(name, 10, placeholder="") for name in names]
    return (
        short if len(set(short)) == len(names) and all(short) else [f"run {letter + 1}" for letter in range(len(names))]
    )
