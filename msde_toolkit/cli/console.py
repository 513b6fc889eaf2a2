"""Output: one JSON document or rich tables on stdout, everything else on stderr."""

from __future__ import annotations

import json
import warnings
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout, all else on stderr.")]


def out() -> Console:
    """For results."""
    return Console(highlight=False)


def err() -> Console:
    """For progress, notes and warnings."""
    return Console(stderr=True, highlight=False)


def print_json(document: Any) -> None:
    """One JSON document on stdout."""
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False, default=str))


def plain_table(title: str, *columns: str, caption: str | None = None) -> Table:
    """A table in the house style; columns that start with ``>`` are right-aligned."""
    table = Table(title=title, title_justify="left", caption=caption, caption_justify="left", header_style="bold")
    for column in columns:
        table.add_column(column.removeprefix(">"), justify="right" if column.startswith(">") else "left")
    return table


def show_warnings() -> None:
    """Python warnings as one line each on stderr, each once; those of libraries stay quiet."""
    from msde_toolkit.hooks import ListenerWarning

    def line(message: Warning | str, category: type[Warning], *_: Any) -> None:
        if issubclass(category, ListenerWarning):
            err().print(f"[yellow]Warning:[/] {message}", soft_wrap=True)

    warnings.simplefilter("once", ListenerWarning)
    warnings.showwarning = line  # type: ignore[assignment]
