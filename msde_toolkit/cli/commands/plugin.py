"""``msde plugin``."""

from __future__ import annotations

import shlex
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from msde_toolkit.cli.console import Json

if TYPE_CHECKING:
    from msde_toolkit.testing import Report

EXAMPLE = "Example: msde plugin list   |   MSDE_PLUGINS= msde plugin list"
EXAMPLE_CHECK = "Example: msde plugin check scan   |   msde plugin check fer2013 --root fer2013.csv.gz --json"
EXAMPLE_NEW = "Example: msde plugin new model smallnet   |   msde plugin new loss triplet --out ~/msde-triplet"
STATE_STYLES = {"passed": "green", "failed": "bold red", "skipped": "dim"}


def list_all(json: Json = False) -> None:
    """Import every plugin and say which work, which do not, and why."""
    from msde_toolkit.cli.console import out, plain_table, print_json
    from msde_toolkit.hooks import GROUP
    from msde_toolkit.registry import KINDS, Registry, find, why_broken

    rows = []
    for info in [info for kind in KINDS for info in Registry(kind).plugins()] + find(GROUP, "hooks"):
        reason = why_broken(info)
        rows.append({"kind": info.kind, **info.as_dict(), "works": not reason, "reason": reason})
    if json:
        print_json(rows)
        return
    table = plain_table("Plugins", "Kind", "Name", "Distribution", "Version", "State")
    for row in rows:
        state = "works" if row["works"] else str(row["reason"])
        table.add_row(*(str(row[key]) for key in ("kind", "name", "distribution", "version")), state)
    out().print(table)


def check(
    name: Annotated[str, typer.Argument(help="A plugin, as in 'msde list'.", show_default=False)],
    kind: Annotated[
        str | None, typer.Option(help="Where several kinds have the name: model, loss, ..., listener.")
    ] = None,
    root: Annotated[Path | None, typer.Option(help="The files of a dataset that needs some.")] = None,
    json: Json = False,
) -> None:
    """Hold an installed plugin against its contract, check by check; exit code 1 if one fails."""
    from msde_toolkit.cli.console import print_json, show_warnings
    from msde_toolkit.testing import check as start

    show_warnings()
    # What a plugin prints is not ours to show as a result.
    with redirect_stdout(sys.stderr):
        report = start(name, kind, root=root)
    if json:
        print_json(report.as_dict())
    else:
        _print_report(report)
    if not report.passed:
        raise typer.Exit(1)


def _print_report(report: Report) -> None:
    from rich.text import Text

    from msde_toolkit.cli.console import labelled, out, plain_table

    title = f"{report.kind.capitalize()} {report.name} of {report.distribution} {report.version}"
    table = plain_table(title, "Check", "State", "Found")
    for finding in report.findings:
        table.add_row(finding.check, Text(finding.state, STATE_STYLES[finding.state]), finding.reason)
    console = out()
    console.print(table)
    for finding in report.failures:
        console.print(labelled(f"{finding.check}:", finding.reason, "bold red"))
        console.print(f"  {finding.remedy}")
    console.print(", ".join(f"{count} {state}" for state, count in report.counts().items() if count))


def new(
    kind: Annotated[
        str, typer.Argument(help="model, loss, analysis, dataset, masker, landmarker or listener.", show_default=False)
    ],
    name: Annotated[
        str, typer.Argument(help="What users will type: small letters, digits, hyphens.", show_default=False)
    ],
    out: Annotated[Path | None, typer.Option(help="New or empty folder (default: ./msde-NAME).")] = None,
    json: Json = False,
) -> None:
    """Write a complete package with a plugin to start from: code, test, README. It works as it stands."""
    from msde_toolkit.cli.console import out as results
    from msde_toolkit.cli.console import print_json
    from msde_toolkit.scaffold import new_plugin

    made = new_plugin(kind, name, out)
    folder = shlex.quote(str(made.directory))
    steps = [f"cd {folder}", "pip install -e .", f"msde plugin check {name} --kind {made.kind}", "pytest"]
    if json:
        print_json({"directory": str(made.directory), "files": list(made.files), "next": steps})
        return
    console = results()
    console.print(f"{made.directory}: {made.kind} {name}, ready to install", soft_wrap=True)
    for file in made.files:
        console.print(f"  {file}")
    console.print("Next:")
    for step in steps:
        console.print(f"  {step}", soft_wrap=True)
