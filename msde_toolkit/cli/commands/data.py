"""``msde data``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from msde_toolkit.cli.console import Json

if TYPE_CHECKING:
    from msde_toolkit.types import Manifest

EXAMPLE_SHOW = "Example: msde data show synthetic   |   msde data show fer2013 --root fer2013.csv --json"
EXAMPLE_PURGE = "Example: msde data purge"


def show(
    name: Annotated[str, typer.Argument(help="Dataset, as in 'msde list datasets'.")],
    root: Annotated[Path | None, typer.Option(help="Where the dataset is.")] = None,
    mask: Annotated[str | None, typer.Option(help="Draw this mask on every face, to make pairs.")] = None,
    on_bad: Annotated[str | None, typer.Option(help="A row that cannot be used: error or skip (default).")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="data.KEY=VALUE or mask.KEY=VALUE.")] = None,
    json: Json = False,
) -> None:
    """Show a dataset's classes by condition and split."""
    from msde_toolkit.cli.console import out, plain_table, print_json
    from msde_toolkit.cli.counting import counting
    from msde_toolkit.data.source import open_source, with_on_bad
    from msde_toolkit.data.usable import leave_out_unreadable
    from msde_toolkit.engine.config import parse_settings

    tables = parse_settings(settings or [], roles=("data", "mask"))
    options = with_on_bad(name, tables["data"], on_bad)
    source = open_source(name, root, options, mask=mask, mask_options=tables["mask"])
    if source.options.get("on_bad") == "skip":
        with counting("Looking at images") as progress:
            source = leave_out_unreadable(source, progress)
    manifest = source.manifest
    counts = count_table(manifest)
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
        "notes": list(manifest.notes),
        "table": counts,
    }
    if json:
        print_json(document)
        return
    synthetic = ", synthetic faces" if manifest.synthetic else ""
    columns = [f">{key}" for key in counts[0] if key != "class"]
    table = plain_table(f"{manifest.name}{synthetic}: {len(manifest)} samples", "Class", *columns)
    for row in counts:
        table.add_row(*(str(value) for value in row.values()))
    console = out()
    console.print(table)
    subjects = "unknown" if document["subjects"] is None else document["subjects"]
    console.print(f"  subjects: {subjects}, pairs: {document['pairs']}, licence: {manifest.licence}")
    for note in manifest.notes:
        console.print(f"  {note}", style="dim")


def count_table(manifest: Manifest) -> list[dict[str, Any]]:
    """A row a class and one for the total; a column for each condition (and split), for pairs, and the total."""
    frame = manifest.frame
    splits: list[str | None] = [*manifest.split_names] or [None]
    selections = {
        " ".join(filter(None, (condition.upper(), split))): (frame["condition"] == condition)
        & ((frame["split"] == split) if split else True)
        for condition in manifest.conditions
        for split in splits
    }
    pairs = manifest.pairs()
    pair_labels = frame["label"].iloc[pairs["nm"].to_numpy(dtype=int)]
    rows = []
    for label, name in [*enumerate(manifest.classes), (None, "total")]:
        of_class = frame["label"].notna() if label is None else frame["label"] == label
        row: dict[str, Any] = {"class": name}
        row.update({title: int((chosen & of_class).sum()) for title, chosen in selections.items()})
        row["pairs"] = len(pairs) if label is None else int((pair_labels == label).sum())
        row["all"] = int(of_class.sum())
        rows.append(row)
    return rows


def purge(json: Json = False) -> None:
    """Empty the cache: decoded images, features and teachers. Downloaded weights stay."""
    from msde_toolkit.cli.console import out, print_json
    from msde_toolkit.data.image_cache import purge as empty
    from msde_toolkit.files import cache_directory

    files, size = empty()
    if json:
        print_json({"files": files, "bytes": size, "directory": str(cache_directory())})
        return
    out().print(f"Removed {files} files, {size / 1e6:.1f} MB.")
