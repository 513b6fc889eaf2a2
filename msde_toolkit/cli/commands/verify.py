"""``msde data verify``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from msde_toolkit.cli.console import Json

if TYPE_CHECKING:
    import pandas as pd

    from msde_toolkit.data.verification import Verification

EXAMPLE = (
    "Example: msde data verify votes.csv --manifest faces.parquet --out verified   |   "
    "msde data verify --manifest synthetic --set data.subset=requested --out verified"
)


def verify(
    votes: Annotated[
        Path | None,
        typer.Argument(
            help="CSV id,rater,label or Label Studio's export; without: the set's own votes.", show_default=False
        ),
    ] = None,
    manifest: Annotated[str, typer.Option(help="What was asked for: a dataset, or a manifest (CSV or Parquet).")] = "",
    root: Annotated[Path | None, typer.Option(help="Where the dataset is.")] = None,
    approve: Annotated[float, typer.Option(help="Least share of raters for a class.")] = 0.5,
    against: Annotated[float, typer.Option(help="Largest share of raters for another class.")] = 0.25,
    together: Annotated[bool, typer.Option("--together", help="That share is of all other classes together.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for decisions.csv, manifest.parquet and tables.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="data.KEY=VALUE.")] = None,
    json: Json = False,
) -> None:
    """Decide by the votes of several people which label each image keeps or gets, or whether it goes (Sec. 2.2)."""
    from msde_toolkit.data.verification import Rule
    from msde_toolkit.data.verification import verify as decide
    from msde_toolkit.data.verification.files import open_requests, open_votes, write
    from msde_toolkit.engine.config import parse_settings
    from msde_toolkit.errors import InputError

    if not manifest:
        message = "What was asked for? --manifest NAME or FILE (see 'msde data list')."
        raise InputError(message)
    if out is None:
        message = "Where to? --out DIR: decisions.csv, manifest.parquet and the tables are written there."
        raise InputError(message)
    rule = Rule(approve, against, together)
    requests = open_requests(manifest, root, parse_settings(settings or [], roles=("data",))["data"])
    ballots = open_votes(votes, requests)
    done = decide(ballots, requests.manifest, rule)
    files = write(done, ballots, out)
    if json:
        from msde_toolkit.cli.console import print_json
        from msde_toolkit.data.verification.files import document

        print_json({"directory": str(out), **document(done)})
        return
    _show(done, files)


def _show(done: Verification, files: list[Path]) -> None:
    from msde_toolkit.cli.console import out

    console = out()
    counts = done.counts
    synthetic = ", synthetic faces" if done.manifest.synthetic else ""
    console.print(f"{done.manifest.name}{synthetic}: {done.rule}", style="bold", soft_wrap=True)
    console.print(
        f"  {counts['images']:,} images to {counts['verified']:,}: {counts['kept']:,} kept, {counts['relabelled']:,} "
        f"relabelled, {counts['removed']:,} removed; {counts['never_flagged']:,} never flagged, "
        f"{counts['flagged']:,} flagged, {counts['without_votes']:,} without votes",
        soft_wrap=True,
    )
    console.print(f"  {counts['pairs']:,} pairs to {counts['verified_pairs']:,} with one label on both images")
    value = "nothing to compare" if done.alpha is None else f"{done.alpha:.3f}{_interval(done.alpha_interval)}"
    console.print(f"  Krippendorff's alpha (nominal): {value}\n")
    console.print(_inventory(done.inventory))
    console.print(_humans(done.humans))
    if done.raters is not None:
        console.print(_raters(done.raters))
    console.print(_thresholds(done.thresholds))
    for note in done.manifest.notes:
        console.print(f"  {note}", style="dim")
    console.print(f"  Files: {files[0].parent}", style="dim")


def _interval(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f" [{interval[0]:.3f}, {interval[1]:.3f}]"


def _inventory(table: pd.DataFrame) -> Any:
    from msde_toolkit.cli.console import plain_table

    shown = plain_table(
        "What became of the images",
        *("", "Class", ">Requested", ">Kept", ">Relabelled", ">Removed", ">Verified", ">Pairs"),
    )
    for row in table.itertuples(index=False):
        shown.add_row(str(row[0]).upper(), *map(str, row[1:]))
    return shown


def _humans(table: pd.DataFrame) -> Any:
    from msde_toolkit.cli.console import plain_table

    conditions = list(dict.fromkeys(table["condition"]))
    shown = plain_table(
        "A rater and most of the others agree, %", "Class", *(f">{word.upper()}" for word in conditions)
    )
    cells = {(row["condition"], row["class"]): _percent(row) for row in table.to_dict("records")}
    for name in dict.fromkeys(table["class"]):
        shown.add_row(name, *(cells[condition, name] for condition in conditions))
    return shown


def _raters(table: pd.DataFrame) -> Any:
    from msde_toolkit.cli.console import plain_table

    shown = plain_table("Each rater against the others, %", "Rater", ">Agreement", ">Votes")
    for row in table.to_dict("records"):
        shown.add_row(str(row["rater"]), _percent(row), f"{row['votes']:,}")
    return shown


def _thresholds(table: pd.DataFrame) -> Any:
    from msde_toolkit.cli.console import plain_table

    headings = (
        ">For, at least",
        ">Another, at most",
        "Others",
        ">Kept",
        ">Relabelled",
        ">Removed",
        ">Decided otherwise",
    )
    shown = plain_table("If the thresholds moved", *headings)
    for row in table.to_dict("records"):
        shares = (f"{100 * row['approve']:g} %", f"{100 * row['against']:g} %", row["reading"])
        shown.add_row(*shares, *(f"{row[key]:,}" for key in ("kept", "relabelled", "removed", "changed")))
    return shown


def _percent(row: dict[Any, Any]) -> str:
    import math

    if row["agreement"] is None or math.isnan(row["agreement"]):
        return "-"
    interval = (
        "" if row["low"] is None or math.isnan(row["low"]) else f" [{100 * row['low']:.1f}, {100 * row['high']:.1f}]"
    )
    return f"{100 * row['agreement']:.1f}{interval}"
