"""``msde analyze NAME``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from msde_toolkit.cli.console import Json

if TYPE_CHECKING:
    from collections.abc import Iterable

EXAMPLE = "Example: msde analyze gradcam   |   msde analyze confusion --run runs/A --run runs/B --out compared"


def analyze(
    name: Annotated[str, typer.Argument(help="Analysis, as in 'msde list analyses'.", show_default=False)],
    run: Annotated[list[Path] | None, typer.Option(help="A finished run; default: the latest in runs/.")] = None,
    root: Annotated[Path | None, typer.Option(help="Where the run's dataset is now, if it moved.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="analysis.KEY=VALUE.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder (default: the run's analyses/NAME).")] = None,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    unequal_pretraining: Annotated[
        bool, typer.Option("--unequal-pretraining", help="Let runs stand side by side that started from other weights.")
    ] = False,
    json: Json = False,
) -> None:
    """Look at what finished runs have learnt."""
    from msde_toolkit.cli.console import err, labelled, print_json, show_warnings
    from msde_toolkit.engine.config import parse_settings
    from msde_toolkit.errors import InputError
    from msde_toolkit.registry import Registry
    from msde_toolkit.results.analyze import analyze as start
    from msde_toolkit.results.open_run import open_run
    from msde_toolkit.results.run_store import latest_finished

    Registry("analyses").info(name)
    options = parse_settings(settings or [], roles=("analysis",))["analysis"]
    runs = [open_run(path, root) for path in (run or [latest_finished(Path("runs"))])]
    if root is not None and not any(opened.needs_root for opened in runs):
        message = f"--root {root}: these runs' datasets need none; leave it out."
        raise InputError(message)
    show_warnings()
    console = err()
    for opened in runs:
        for reason in opened.summary.get("unsound") or []:
            console.print(labelled("UNSOUND:", f"run {opened.name}, {reason}", "bold red"), soft_wrap=True)
        for who in opened.tainted:
            console.print(labelled("TAINTED:", f"run {opened.name}, {who}", "bold red"), soft_wrap=True)
    if not run:
        console.print(f"Run: {runs[0].directory}", soft_wrap=True)
    done = start(name, runs, options=options, out=out, seed=seed, track=_track, unequal_pretraining=unequal_pretraining)
    if json:
        print_json({"directory": str(done.directory), **done.result})
        return
    from msde_toolkit.cli.console import out as results

    for section in done.result["sections"]:
        results().print(section["title"], style="bold")
        results().print(f"{section['text']}\n")
    for file in done.files:
        results().print(str(file), soft_wrap=True)


def _track(items: Iterable[Any], title: str) -> Iterable[Any]:
    from rich.progress import track

    from msde_toolkit.cli.console import err

    console = err()
    return track(items, title, console=console, transient=True) if console.is_terminal else items
