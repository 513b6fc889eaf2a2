"""``msde data show NAME``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from msde_toolkit.cli.console import Json

if TYPE_CHECKING:
    from msde_toolkit.types import Manifest, PublishedTable

EXAMPLE = "Example: msde data show synthetic --sheet faces.png   |   msde data show fer2013 --root fer2013.csv --json"


def show(
    name: Annotated[str, typer.Argument(help="Dataset, as in 'msde data list'.")],
    root: Annotated[Path | None, typer.Option(help="Where the dataset is.")] = None,
    sheet: Annotated[Path | None, typer.Option(help="Draw faces of every class here: .png, .svg or .pdf.")] = None,
    mask: Annotated[str | None, typer.Option(help="Draw this mask on every face, to make pairs.")] = None,
    on_bad: Annotated[str | None, typer.Option(help="A row that cannot be used: error or skip (default).")] = None,
    seed: Annotated[int, typer.Option(help="Chooses the faces of the sheet, and masks.")] = 0,
    settings: Annotated[list[str] | None, typer.Option("--set", help="data.KEY=VALUE or mask.KEY=VALUE.")] = None,
    json: Json = False,
) -> None:
    """Show a dataset's classes by condition and split, beside published counts, and its faces."""
    from msde_toolkit.cli.console import print_json
    from msde_toolkit.cli.counting import counting
    from msde_toolkit.data.counts import count_table
    from msde_toolkit.data.masking import overlay_notes
    from msde_toolkit.data.source import open_source, with_on_bad
    from msde_toolkit.data.usable import leave_out_unreadable
    from msde_toolkit.engine.config import parse_settings
    from msde_toolkit.figures import figure_format

    if sheet is not None:
        figure_format(sheet)
    tables = parse_settings(settings or [], roles=("data", "mask"))
    options = with_on_bad(name, tables["data"], on_bad)
    source = open_source(name, root, options, mask=mask, mask_options=tables["mask"], seed=seed)
    if source.options.get("on_bad") == "skip":
        with counting("Looking at images") as progress:
            source = leave_out_unreadable(source, progress)
    if sheet is not None:
        from msde_toolkit.data.contact_sheet import contact_sheet
        from msde_toolkit.figures import write_figure

        write_figure(contact_sheet(source.dataset, source.manifest, seed=seed), sheet)
    manifest = source.manifest
    document = {
        "name": manifest.name,
        "samples": len(manifest),
        "classes": list(manifest.classes),
        "conditions": list(manifest.conditions),
        "subjects": manifest.frame["subject"].nunique() if manifest.has_subjects else None,
        "pairs": len(manifest.pairs()),
        "splits": {split: int((manifest.frame["split"] == split).sum()) for split in manifest.split_names},
        "synthetic": manifest.synthetic,
        "licence": manifest.licence,
        "notes": [*manifest.notes, *overlay_notes(manifest)],
        "left_out": [asdict(lost) for lost in manifest.left_out],
        "table": count_table(manifest),
        "published": [asdict(table) for table in source.published],
        "sheet": None if sheet is None else str(sheet),
    }
    if json:
        print_json(document)
    else:
        _print(document, manifest, source.published)


def _print(document: dict[str, Any], manifest: Manifest, published: Sequence[PublishedTable]) -> None:
    from rich.padding import Padding

    from msde_toolkit.cli.console import out

    console = out()
    synthetic = ", synthetic faces" if manifest.synthetic else ""
    console.print(_table(f"{manifest.name}{synthetic}: {len(manifest):,} samples", document["table"], published))
    subjects = "unknown" if document["subjects"] is None else document["subjects"]
    console.print(f"  subjects: {subjects}, pairs: {document['pairs']}, licence: {manifest.licence}")
    for line in _published_lines(document["table"][0], published):
        console.print(Padding(line, (0, 0, 0, 2), expand=False))
    for note in document["notes"]:
        console.print(Padding(note, (0, 0, 0, 2), expand=False), style="dim")
    if document["sheet"]:
        console.print(f"  Faces: {document['sheet']}", soft_wrap=True)


def _table(title: str, rows: Sequence[dict[str, Any]], published: Sequence[PublishedTable]) -> Any:
    """Our counts, and to the right of a column what a publication says of it."""
    from rich.text import Text

    from msde_toolkit.cli.console import plain_table

    names = [name for name in rows[0] if name != "class"]
    beside = {name: _beside(name, rows[0], published) for name in names}
    headings = [heading for name in names for heading in (name, *(about.title for about in beside[name]))]
    table = plain_table(title, "Class", *(f">{heading}" for heading in headings))
    for row in rows:
        cells = [Text(row["class"])]
        for name in names:
            printed = [about.columns[name].get(row["class"]) for about in beside[name]]
            differs = any(number is not None and number != row[name] for number in printed)
            cells.append(Text(f"{row[name]:,}", "bold yellow" if differs else ""))
            cells += [Text("" if number is None else f"{number:,}", "dim") for number in printed]
        table.add_row(*cells)
    return table


def _beside(name: str, row: dict[str, Any], published: Sequence[PublishedTable]) -> list[PublishedTable]:
    return [table for table in published if row["class"] in table.columns.get(name, {})]


def _published_lines(row: dict[str, Any], published: Sequence[PublishedTable]) -> list[str]:
    """The source of each table, and its totals that stand beside no column."""
    lines = []
    for table in published:
        shown = {name for name in row if table in _beside(name, row, published)}
        others = ", ".join(f"{name} {counts['total']:,}" for name, counts in table.columns.items() if name not in shown)
        told = "; ".join(filter(None, (others, table.note)))
        lines.append(f"{table.title} ({table.source}){': ' if told else ''}{told}")
    return lines
