"""``msde analyze NAME``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from msde_toolkit.cli.console import Json

if TYPE_CHECKING:
    from msde_toolkit.results.open_run import OpenRun

EXAMPLE = (
    "Example: msde analyze gradcam   |   msde analyze confusion --run runs/A --run runs/B --out compared   |   "
    "msde analyze cross-dataset --study runs/STUDY"
)


def analyze(
    name: Annotated[str, typer.Argument(help="Analysis, as in 'msde list analyses'.", show_default=False)],
    run: Annotated[list[Path] | None, typer.Option(help="A finished run; default: the latest in runs/.")] = None,
    study: Annotated[
        Path | None, typer.Option(help="All finished runs and evaluations of the study in this folder.")
    ] = None,
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
    from msde_toolkit.cli.asked_runs import asked_runs
    from msde_toolkit.cli.console import err, labelled, print_json, show_warnings, track
    from msde_toolkit.engine.config import parse_settings
    from msde_toolkit.errors import InputError
    from msde_toolkit.registry import Registry
    from msde_toolkit.results.analyze import analyze as start

    analysis = Registry("analyses").get(name)
    options = parse_settings(settings or [], roles=("analysis",))["analysis"]
    if study is not None and run:
        message = "--study takes all of a study's runs; leave out --run."
        raise InputError(message)
    if study is None and analysis.of_study and not run:
        message = f"{name} reads the runs of a study: --study DIR, or several --run DIR with --out DIR."
        raise InputError(message)
    opened, runs = asked_runs(run or (), study, root)
    if opened is not None:
        out = out or opened.directory / "analyses" / Registry("analyses").info(name).name
        if opened.unfinished:
            missing = labelled("Not there yet:", ", ".join(opened.unfinished), "yellow")
            err().print(missing, soft_wrap=True)
    show_warnings()
    _warn_of(runs)
    if not run and study is None:
        err().print(f"Run: {runs[0].directory}", soft_wrap=True)
    done = start(name, runs, options=options, out=out, seed=seed, track=track, unequal_pretraining=unequal_pretraining)
    if json:
        print_json({"directory": str(done.directory), **done.result})
        return
    from msde_toolkit.cli.console import out as results

    for section in done.result["sections"]:
        results().print(section["title"], style="bold")
        results().print(f"{section['text']}\n")
    for file in done.files:
        results().print(str(file), soft_wrap=True)


def _warn_of(runs: list[OpenRun]) -> None:
    """What makes their numbers no evidence, or nobody's to show."""
    from msde_toolkit.cli.console import err, labelled

    for opened in runs:
        for reason in opened.summary.get("unsound") or []:
            err().print(labelled("UNSOUND:", f"run {opened.name}, {reason}", "bold red"), soft_wrap=True)
        for who in opened.tainted:
            err().print(labelled("TAINTED:", f"run {opened.name}, {who}", "bold red"), soft_wrap=True)
