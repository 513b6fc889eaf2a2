"""What an analysis returns; the toolkit writes it as JSON, CSV, PNG and SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Section:
    """A heading with a paragraph or two of plain text, for the report."""

    title: str
    text: str


@dataclass(frozen=True)
class Gallery:
    """Faces side by side, for the report: with maps laid over them where there are some.

    The report takes the faces from the run, and shows only those that may be published.

    Attributes:
        title: its heading.
        run: id of the run whose samples are shown.
        entries: ids of the samples that stand side by side, an entry a row (a pair, or a single image).
        captions: sample id to what stands under it.
        maps: name of an entry of ``AnalysisResult.arrays`` that holds ``ids`` ``[n]`` and ``maps`` ``[n, h, w]`` (at
            least 0, in the geometry of the face); empty: no maps.
        note: how the samples were chosen.
    """

    title: str
    run: str
    entries: Sequence[Sequence[str]]
    captions: Mapping[str, str] = field(default_factory=dict)
    maps: str = ""
    note: str = ""


@dataclass(frozen=True)
class Scatter:
    """Samples as points, for the report: hovering over one shows its face (where that may be published) and row.

    Attributes:
        title: its heading.
        run: id of the run whose samples are shown.
        table: name of an entry of ``AnalysisResult.tables``, with the sample's ``id``, and ``run`` where it holds
            several runs.
        x: column.
        y: column.
        colour: column of class names or other words.
        marker: column of a few words (the condition); empty: all the same.
        hover: columns told of a point.
        note: what a reader must know: how the map was made, its seed.
    """

    title: str
    run: str
    table: str
    x: str
    y: str
    colour: str
    marker: str = ""
    hover: Sequence[str] = ()
    note: str = ""


@dataclass(frozen=True)
class AnalysisResult:
    """Everything an analysis says.

    Attributes:
        summary: JSON-ready values: the numbers a reader would quote, with their interval, n and protocol.
        tables: name to data frame, written as ``<name>.csv``.
        figures: name to matplotlib figure, written as ``<name>.png`` and ``<name>.svg``.
        arrays: name to mapping of arrays, written as ``<name>.npz``.
        sections: text for the report.
        views: what the report makes interactive.
        faces: name of a figure that shows faces to the ids of the samples in it. The report leaves such a figure out
            unless all of them may be published.
    """

    summary: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    figures: Mapping[str, Figure] = field(default_factory=dict)
    arrays: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sections: Sequence[Section] = ()
    views: Sequence[Gallery | Scatter] = ()
    faces: Mapping[str, Sequence[str]] = field(default_factory=dict)
