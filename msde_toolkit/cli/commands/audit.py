"""``msde data audit X``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from msde_toolkit.cli.console import Json

if TYPE_CHECKING:
    from msde_toolkit.data.audit import Audit, Finding
    from msde_toolkit.interfaces import Landmarker
    from msde_toolkit.types import Manifest

EXAMPLE = "Example: msde data audit fer2013 --root fer2013.csv   |   msde data audit runs/A --json"
STYLES = {"severe": "bold red", "warning": "yellow", "info": "cyan"}


def audit(
    what: Annotated[str, typer.Argument(help="Dataset, manifest (Parquet), or finished run; ./x is a path.")],
    root: Annotated[Path | None, typer.Option(help="Where the images are.")] = None,
    mask: Annotated[str | None, typer.Option(help="Draw this mask on every face, to make pairs.")] = None,
    on_bad: Annotated[str | None, typer.Option(help="A row that cannot be used: error or skip (default).")] = None,
    metadata: Annotated[bool, typer.Option("--metadata", help="Look at the table only; read no image.")] = False,
    identities: Annotated[
        bool,
        typer.Option(
            "--identities",
            help="Also compare people's faces, on this machine, to find one person under two ids. These are biometric "
            "data: you need a legal ground. Nothing of it is written to disk.",
        ),
    ] = False,
    landmarker: Annotated[
        str | None, typer.Option(help="What finds and compares the faces (with --identities; default dlib).")
    ] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="data.KEY=VALUE, mask.KEY=VALUE or faces.KEY=VALUE.")
    ] = None,
    json: Json = False,
) -> None:
    """Find leaks, duplicates and confounds before a reviewer does.

    Ends with 1 if a finding is severe, so that it can guard a pipeline.
    """
    from msde_toolkit.cli.console import print_json
    from msde_toolkit.cli.counting import counting
    from msde_toolkit.data.audit import audit as look
    from msde_toolkit.data.usable import stop_at_unreadable
    from msde_toolkit.engine.config import parse_settings
    from msde_toolkit.results.audited import material_of

    tables = dict(parse_settings(settings or [], roles=("data", "mask", "faces")))
    comparing = _comparing(identities, landmarker, tables.pop("faces"), metadata=metadata)
    with counting("Looking at images") as progress:
        material = material_of(
            what, root, mask=mask, settings=tables, on_bad=on_bad, metadata_only=metadata, progress=progress
        )
        material = replace(material, landmarker=comparing)
        if on_bad == "error" and material.pixels is not None:
            stop_at_unreadable(material.pixels.unreadable)
        done = look(material)
    manifest = material.manifest
    if json:
        print_json(
            {
                "name": manifest.name,
                "samples": len(manifest),
                "synthetic": manifest.synthetic,
                "images_read": material.dataset is not None,
                "severe": done.severe,
                "findings": [finding.as_dict() for finding in done.findings],
                "passed": list(done.passed),
                "not_applicable": dict(done.not_applicable),
                "notes": list(manifest.notes),
            }
        )
    else:
        _show(manifest, done)
    raise typer.Exit(1 if done.severe else 0)


def _comparing(wanted: bool, name: str | None, options: Mapping[str, Any], *, metadata: bool) -> Landmarker | None:
    """What compares the faces, if that was asked for; says on the terminal what that means."""
    from msde_toolkit.cli.console import err
    from msde_toolkit.create import create_landmarker
    from msde_toolkit.errors import InputError

    if not wanted:
        if name is not None or options:
            message = f"{'--landmarker' if name else '--set faces.*'}: faces are compared only with --identities."
            raise InputError(message)
        return None
    if metadata:
        message = "--identities looks at images, and --metadata looks at none: leave one of the two out."
        raise InputError(message)
    landmarker = create_landmarker(name or "dlib", options)
    if landmarker.same_person_below is None:
        message = f"--landmarker {name}: does not tell people apart; dlib does."
        raise InputError(message)
    err().print(
        "Comparing people's faces, on this machine only; nothing of it is kept. Face descriptors are biometric data: "
        "you need a legal ground, such as their consent.",
        style="dim",
    )
    return landmarker


def _show(manifest: Manifest, done: Audit) -> None:
    from msde_toolkit.cli.console import out, plain_table

    console = out()
    synthetic = ", synthetic faces" if manifest.synthetic else ""
    title = f"Audit of {manifest.name}{synthetic}: {len(manifest):,} samples"
    if done.findings:
        table = plain_table(title, "", "Check", ">Rows", "of which")
        for finding in done.findings:
            split = ", ".join(f"{name} {count:,}" for name, count in finding.counts.items())
            table.add_row(finding.severity, finding.check, f"{finding.rows:,}", split, style=STYLES[finding.severity])
        console.print(table)
        for finding in done.findings:
            _tell(finding)
    else:
        console.print(f"{title}. Nothing found.", style="bold")
    if done.passed:
        console.print(f"\nPassed: {', '.join(done.passed)}.", style="green")
    by_reason: dict[str, list[str]] = {}
    for check, reason in done.not_applicable.items():
        by_reason.setdefault(reason, []).append(check)
    for reason, checks in by_reason.items():
        console.print(f"Does not apply, {reason}: {', '.join(checks)}.", style="dim")
    for note in manifest.notes:
        console.print(f"Note: {note}", style="dim")


def _tell(finding: Finding) -> None:
    from rich.padding import Padding
    from rich.text import Text

    from msde_toolkit.cli.console import out

    text = Text.assemble(
        (finding.check, STYLES[finding.severity]),
        f": {finding.message}\n",
        ("Remedy: ", "bold"),
        f"{finding.remedy}\n",
        (f"For example {', '.join(finding.examples)}", "dim"),
    )
    out().print(Padding(text, (1, 0, 0, 2)))
