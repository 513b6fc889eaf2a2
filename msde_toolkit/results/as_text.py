"""Rows as text that other programs read: tables in Markdown, CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def one_line(text: str) -> str:
    """On one line, with nothing that Markdown would take for HTML."""
    return " ".join(text.split()).replace("<", "&lt;")


def markdown_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Its lines."""
    return [_row(headings), _row(["---"] * len(headings)), *(_row(row) for row in rows)]


def _row(words: Sequence[str]) -> str:
    return f"| {' | '.join(one_line(word).replace('|', chr(92) + '|') for word in words)} |"


def as_csv(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows with both ends of intervals (``...ci95``) in columns of their own; nothing for no rows."""
    flat = [_flat(row) for row in rows]
    if not flat:
        return ""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(flat[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat)
    return out.getvalue()


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in row.items():
        if key.endswith("ci95"):
            flat[f"{key}_low"], flat[f"{key}_high"] = value or (None, None)
        else:
            flat[key] = value
    return flat
