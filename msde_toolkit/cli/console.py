"""Output: one JSON document or rich tables on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Iterable
from typing import Annotated, Any, Literal, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

T = TypeVar("T")
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout, all else on stderr.")]


class _Plain(Console):
    """Prints what it is given: names of runs, files and plugins may hold anything, square brackets for one."""

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, highlight=False, markup=False, emoji=False)

    def on_broken_pipe(self) -> None:
        """The reader (head, less) went away: left to ``boundary.guarded``."""
        raise BrokenPipeError


def out() -> Console:
    """For results."""
    return _Plain()


def err() -> Console:
    """For progress, notes and warnings."""
    return _Plain(stderr=True)


def spell_out_what_does_not_print() -> None:
    """A letter that the terminal's encoding lacks is printed as its number; it must not stop a command."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def print_json(document: Any) -> None:
    """One JSON document on stdout."""
    # Escapes of JSON itself where the terminal cannot show a letter: the document stays one.
    shown = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    typer.echo(json.dumps(document, indent=2, ensure_ascii=not shown, allow_nan=False, default=str))


def plain_table(title: str, *columns: str, caption: str | None = None) -> Table:
    """A table in the house style; columns that start with ``>`` are right-aligned, long words go on in a new line."""
    table = Table(title=title, title_justify="left", caption=caption, caption_justify="left", header_style="bold")
    for column in columns:
        side: Literal["left", "right"] = "right" if column.startswith(">") else "left"
        table.add_column(column.removeprefix(">"), justify=side, overflow="fold")
    return table


def labelled(label: str, text: str, style: str) -> Text:
    """A line that starts with a styled word."""
    return Text.assemble((label, style), " ", text)


def print_notes(lines: Iterable[str]) -> None:
    """What is to be read with a table, under it; what makes its numbers no evidence stands out."""
    from rich.padding import Padding

    for line in lines:
        severe = line.startswith(("UNSOUND", "TAINTED"))
        out().print(Padding(line, (0, 0, 0, 2)), style="bold red" if severe else "dim")


def track(items: Iterable[T], title: str) -> Iterable[T]:
    """``items`` one by one, with a bar on a terminal."""
    from rich.progress import track as shown

    console = err()
    return shown(items, title, console=console, transient=True) if console.is_terminal else items


def show_warnings() -> None:
    """Python warnings as one line each on stderr, each once; those of libraries stay quiet."""
    from msde_toolkit.errors import MsdeWarning

    def line(message: Warning | str, category: type[Warning], *_: Any) -> None:
        if issubclass(category, MsdeWarning):
            err().print(labelled("Warning:", str(message), "yellow"), soft_wrap=True)

    warnings.simplefilter("once", MsdeWarning)
    warnings.showwarning = line  # type: ignore[assignment]
