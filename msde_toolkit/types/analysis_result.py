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
class AnalysisResult:
    """Everything an analysis says.

    Attributes:
        summary: JSON-ready values: the numbers a reader would quote, with their interval, n and protocol.
        tables: name to data frame, written as ``<name>.csv``.
        figures: name to matplotlib figure, written as ``<name>.png`` and ``<name>.svg``.
        arrays: name to mapping of arrays, written as ``<name>.npz``.
        sections: text for the report.
    """

    summary: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    figures: Mapping[str, Figure] = field(default_factory=dict)
    arrays: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    sections: Sequence[Section] = ()
