"""``msde compare``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from msde_toolkit.cli.console import Json

if TYPE_CHECKING:
    from msde_toolkit.results.compare.comparison import Comparison
    from msde_toolkit.results.open_run import OpenRun

EXAMPLE = (
    "Example: msde compare --study runs/STUDY --out compared   |   msde compare runs/A runs/B --baseline A --margin 2"
)


def compare(
    run: Annotated[list[Path] | None, typer.Argument(help="Finished runs, two or more.", show_default=False)] = None,
    study: Annotated[
        Path | None, typer.Option(help="A study: all its finished methods, and the family that it declared.")
    ] = None,
    target: Annotated[str | None, typer.Option(help="With --study: compare on this target instead.")] = None,
    baseline: Annotated[
        str | None, typer.Option(help="Run (name or folder) that the others are compared with; default: the first.")
    ] = None,
    margin: Annotated[
        float | None, typer.Option(help="Percent of NM accuracy that may be lost and still be called maintained.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Show metrics beside accuracy and every view of the gap, too.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for JSON, CSV and Markdown.")] = None,
    json: Json = False,
) -> None:
    """Test whether methods differ, on the same images: differences with intervals, and what they can claim."""
    from msde_toolkit.cli.console import err, print_json, show_warnings
    from msde_toolkit.results.compare.files import write

    show_warnings()
    fraction = None if margin is None else margin / 100
    found = _found(run or [], study, target, baseline, fraction)
    files = [] if out is None else write(found, out)
    if json:
        print_json(found.as_dict())
    else:
        _show(found, everything=everything)
    for file in files:
        err().print(str(file), soft_wrap=True)


def _found(
    runs: list[Path], study: Path | None, target: str | None, baseline: str | None, margin: float | None
) -> Comparison:
    from msde_toolkit.errors import InputError
    from msde_toolkit.results.compare.compare import compare as of_runs
    from msde_toolkit.results.compare.of_study import compare_study
    from msde_toolkit.results.open_run import open_run
    from msde_toolkit.results.study import open_study

    if study is not None:
        if runs:
            message = "--study takes all of a study's runs; leave out the others."
            raise InputError(message)
        return compare_study(open_study(study), target, baseline, margin)
    if target is not None:
        message = f"--target {target} is of a study: --study DIR."
        raise InputError(message)
    opened = [open_run(path) for path in runs]
    return of_runs(opened, _name_of(baseline, opened), margin=margin)


def _name_of(baseline: str | None, runs: list[OpenRun]) -> str | None:
    """The name that tables call the run by, where its folder was given."""
    from msde_toolkit.results.compare.same_samples import named

    if baseline is None:
        return None
    place = Path(baseline).resolve()
    return next((name for name, run in named(runs).items() if run.directory.resolve() == place), baseline)


def _show(found: Comparison, *, everything: bool) -> None:
    from msde_toolkit.cli.console import err, labelled, out, plain_table, print_notes
    from msde_toolkit.results.compare.tables import marks, tables

    for line in found.warnings:
        word, style = ("Warning:", "yellow") if not line.startswith(("UNSOUND", "TAINTED")) else ("", "bold red")
        err().print(labelled(word, line, style) if word else line, style=None if word else style, soft_wrap=True)
    console = out()
    for table in tables(found, everything=everything):
        shown = plain_table(table.title, *table.headings, caption=" ".join(table.notes) or None)
        for row in table.rows:
            shown.add_row(*row)
        console.print(shown)
    print_notes((*found.notes, *marks(found)))
