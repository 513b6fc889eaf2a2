"""What a reproduction says: the paper's tables beside ours, and the figures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msde_toolkit.reproduce.figures import DrawnFigure
from msde_toolkit.reproduce.rows import Row


@dataclass(frozen=True)
class Ledger:
    """A table of the paper beside ours.

    Attributes:
        name: "table5".
        title: what it is of.
        rows: a number each.
        notes: what must be known of the paper's numbers and of ours.
    """

    name: str
    title: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Reproduction:
    """Everything that was asked for.

    Attributes:
        directory: where studies, tables and figures are.
        data: of ours, in words.
        synthetic: whether it is drawn.
        protocol: how ours came about, in words.
        tables: in the paper's order.
        figures: in the paper's order.
        notes: of the whole.
    """

    directory: Path
    data: str
    synthetic: bool
    protocol: str
    tables: tuple[Ledger, ...]
    figures: tuple[DrawnFigure, ...]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready: ``rows`` and ``notes`` of all tables in one list each, and the figures' files."""
        parts: tuple[Ledger | DrawnFigure, ...] = (*self.tables, *self.figures)
        notes = [f"{part.name}: {note}" for part in parts for note in part.notes]
        return {
            "schema": 1,
            "directory": str(self.directory),
            "data": self.data,
            "synthetic": self.synthetic,
            "protocol": self.protocol,
            "rows": [row.as_dict() for table in self.tables for row in table.rows],
            "figures": [figure.as_dict() for figure in self.figures],
            "notes": [*self.notes, *notes],
        }
