"""``msde data import NAME``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from msde_toolkit.cli.console import Json

if TYPE_CHECKING:
    from msde_toolkit.data.importing import Imported

EXAMPLE = "Example: msde data import rafdb --root basic   |   msde data import folder --root photos --out own.parquet"
NAMED = 5
"""So many images that cannot be used are named on screen."""


def import_(
    name: Annotated[str, typer.Argument(help="Dataset, as in 'msde data list'.")],
    root: Annotated[Path | None, typer.Option(help="Where the dataset is.")] = None,
    out: Annotated[Path | None, typer.Option(help="Manifest to write (default: NAME.parquet here).")] = None,
    on_bad: Annotated[
        str | None, typer.Option(help="A row or image that cannot be used: error or skip (default).")
    ] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="data.KEY=VALUE.")] = None,
    json: Json = False,
) -> None:
    """Write a dataset as one manifest to audit and train on; list what cannot be used. Cheap to repeat."""
    from msde_toolkit.cli.console import print_json
    from msde_toolkit.cli.counting import counting
    from msde_toolkit.data.importing import import_dataset
    from msde_toolkit.engine.config import parse_settings

    options = parse_settings(settings or [], roles=("data",))["data"]
    with counting("Looking at images") as progress:
        done = import_dataset(name, root, out, options=options, on_bad=on_bad, progress=progress)
    manifest = done.manifest
    if not json:
        _print(done)
        return
    print_json(
        {
            "name": manifest.name,
            "file": str(done.file),
            "images": str(done.images),
            "status": done.status,
            **asdict(done.change),
            "decoded": done.decoded,
            "samples": len(manifest),
            "classes": list(manifest.classes),
            "conditions": list(manifest.conditions),
            "splits": {split: int((manifest.frame["split"] == split).sum()) for split in manifest.split_names},
            "synthetic": manifest.synthetic,
            "licence": manifest.licence,
            "notes": list(manifest.notes),
            "left_out": [asdict(lost) for lost in manifest.left_out],
            "next": {"faces": done.cutting, "audit": done.auditing, "train": done.training},
        }
    )


def _print(done: Imported) -> None:
    from rich.padding import Padding

    from msde_toolkit.cli.console import labelled, out

    console, manifest = out(), done.manifest
    images = "image" if done.decoded == 1 else "images"
    looked = f"{done.decoded:,} {images} looked at" if done.decoded else "no image looked at again"
    console.print(
        labelled(f"{done.file}:", f"{done.status}, {len(manifest):,} samples of {manifest.name}; {looked}", "bold"),
        soft_wrap=True,
    )
    if done.status == "updated":
        changes = [f"{count:,} {word}" for word, count in asdict(done.change).items() if count]
        console.print(f"  {', '.join(changes) or 'the samples are the same; notes or licence differ'}")
    for lost in manifest.left_out[:NAMED]:
        console.print(Padding(f"left out: {lost.sample}: {lost.reason}", (0, 0, 0, 2), expand=False), style="yellow")
    if len(manifest.left_out) > NAMED:
        console.print(f"  and {len(manifest.left_out) - NAMED:,} more (--json lists all)", style="yellow")
    for note in manifest.notes:
        console.print(Padding(note, (0, 0, 0, 2), expand=False), style="dim")
    if done.cutting:
        console.print(f"Its images are no aligned face crops. Cut the faces out first:  {done.cutting}", soft_wrap=True)
    console.print(f"Look for leaks:  {done.auditing}", soft_wrap=True)
    console.print(f"Train on it:     {done.training}", soft_wrap=True)
