"""``msde data withdraw SUBJECT``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from msde_toolkit.cli.console import Json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from msde_toolkit.data.beside_manifest import Holdings

EXAMPLE = (
    "Example: msde data withdraw S042 --manifest faces/manifest.parquet --dry-run   |   "
    "msde data withdraw S042 --data folder --root photos --json > withdrawal.json"
)


def withdraw(
    subject: Annotated[str, typer.Argument(help="Who takes consent back, as the dataset calls them.")],
    manifest: Annotated[Path | None, typer.Option(help="A manifest (Parquet): rows and files beside it go.")] = None,
    data: Annotated[str | None, typer.Option(help="Instead: a dataset that is read directly.")] = None,
    root: Annotated[Path | None, typer.Option(help="Where the dataset is; for a manifest, its photos.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="With --data: data.KEY=VALUE.")] = None,
    runs: Annotated[
        list[Path] | None, typer.Option(help="Folder to look for runs in, at any depth (default: runs); repeatable.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell all, change nothing.")] = False,
    json: Json = False,
) -> None:
    """Take a subject out of manifest, files and cache, and mark whatever was trained on them.

    Runs are marked, not changed; photos are listed, not deleted. Ends with 1 if a run could not be marked.
    """
    from msde_toolkit.cli.console import print_json
    from msde_toolkit.engine.withdraw import find
    from msde_toolkit.errors import InputError

    holdings = _holdings(subject, manifest, data, root, settings or [])
    for folder in runs or []:
        if not folder.is_dir():
            message = f"--runs {folder}: no such folder."
            raise InputError(message)
    found = find(holdings, runs or [Path("runs")])
    document = {**found.document(), "dry_run": dry_run}
    if not json:
        _show(document)
    if not dry_run:
        found.carry_out()
    document["not_marked"] = {str(run): reason for run, reason in found.not_marked.items()}
    if json:
        print_json(document)
    else:
        _end(document)
    raise typer.Exit(1 if found.not_marked else 0)


def _holdings(
    subject: str, manifest: Path | None, data: str | None, root: Path | None, settings: list[str]
) -> Holdings:
    from msde_toolkit.data.beside_manifest import Holdings
    from msde_toolkit.data.source import open_source, with_on_bad
    from msde_toolkit.engine.config import parse_settings
    from msde_toolkit.errors import InputError
    from msde_toolkit.results.run_store import CONFIG
    from msde_toolkit.types import load_manifest

    if (manifest is None) == (data is None):
        message = "Give the manifest that they are in (--manifest FILE) or a dataset (--data NAME), one of the two."
        raise InputError(message)
    if data is not None:
        options = parse_settings(settings, roles=("data",))["data"]
        samples = open_source(data, root, with_on_bad(data, options, None)).manifest
        return Holdings(samples, subject, None, samples.root)
    if settings:
        message = "--set belongs to --data; a manifest is taken as it is."
        raise InputError(message)
    assert manifest is not None
    if (manifest.parent / CONFIG).is_file():
        message = f"--manifest {manifest}: is a run's record of what it was trained on. Give the manifest of the set."
        raise InputError(message)
    return Holdings(load_manifest(manifest), subject, manifest, root)


def _show(document: Mapping[str, Any]) -> None:
    from msde_toolkit.cli.console import out, plain_table

    console = out()
    rows, runs = len(document["samples"]) - document["left_out"], document["runs"]
    console.print(f"{document['subject']} of {document['dataset']}", style="bold")
    if document["manifest"] is not None:
        lost = f", and the record of {document['left_out']} that were left out" if document["left_out"] else ""
        console.print(f"  manifest: {rows} samples with {document['pairs']} pairs go{lost}")
        console.print(f"  files made of them: {len(document['files'])} go")
        for table, count in document["tables"].items():
            console.print(f"  {table}: {count} rows go", soft_wrap=True)
    console.print(f"  cache: {len(document['cache'])} entries go (images, features, teachers; made again when needed)")
    if runs:
        table = plain_table("Tainted runs", "Run", "Why", "Models that saw them", ">Others")
        for run in runs:
            models = ", ".join(_checkpoint(place) for place in run["checkpoints"])
            table.add_row(run["directory"], "; ".join(run["why"]), models or "-", str(run["not_affected"]))
        console.print(table)
    else:
        console.print("  runs: none has seen them")
    for place in document["untraced"]:
        console.print(f"  {place['run']}: {place['origin']}, which is not here; ask where it is", soft_wrap=True)
    for run, reason in document["unread"].items():
        console.print(f"  {run}: cannot be read, so it may have seen them: {reason}", soft_wrap=True)
    if document["yours_to_delete"]:
        console.print("Yours to delete, or the next import or 'msde data faces' takes them in again:", style="bold")
        for file in document["yours_to_delete"]:
            console.print(f"  {file}", soft_wrap=True)


def _checkpoint(place: Mapping[str, Any]) -> str:
    return f"fold {place['fold']}" + (f" of repeat {place['repeat']}" if place["repeat"] else "")


def _end(document: Mapping[str, Any]) -> None:
    from msde_toolkit.cli.console import err, labelled, out

    for run, reason in document["not_marked"].items():
        err().print(labelled("Not marked:", f"{run} ({reason})", "bold red"), soft_wrap=True)
    if document["dry_run"]:
        out().print("Nothing was changed (--dry-run).", style="bold")
        return
    out().print("Done.", style="bold")
    if document["runs"]:
        out().print(
            "Tainted runs keep models, predictions and pictures (analyses/); to be rid of them, delete the folders."
        )
