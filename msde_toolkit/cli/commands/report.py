"""``msde report``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from msde_toolkit.cli.console import Json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


EXAMPLE = "Example: msde report runs/A runs/B -o report.html   |   msde report --study runs/STUDY"


def report(
    run: Annotated[list[Path] | None, typer.Argument(help="Finished runs; default: the latest in runs/.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The file.")] = Path("report.html"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file.")] = False,
    title: Annotated[str, typer.Option(help="Its heading.")] = "",
    study: Annotated[Path | None, typer.Option(help="A study: all its runs and evaluations.")] = None,
    baseline: Annotated[
        str | None, typer.Option(help="Run that the others are compared with; default: the first, or the declared one.")
    ] = None,
    root: Annotated[Path | None, typer.Option(help="Where the runs' dataset is now, if it moved.")] = None,
    analyses: Annotated[
        str | None, typer.Option(help="Only these, run where they have not been: gradcam,tsne.", show_default=False)
    ] = None,
    no_analyses: Annotated[bool, typer.Option("--no-analyses", help="Leave all analyses out.")] = False,
    audit_images: Annotated[
        bool, typer.Option("--audit-images", help="The audit looks at images too, not only at the table.")
    ] = False,
    unequal_pretraining: Annotated[
        bool, typer.Option("--unequal-pretraining", help="Let runs stand side by side that started from other weights.")
    ] = False,
    json: Json = False,
) -> None:
    """Put finished runs into one HTML file, to explore offline and to send.

    Faces of real people are shown only where their consent says "publish".
    """
    from msde_toolkit.cli.asked_runs import asked_runs
    from msde_toolkit.cli.console import err, labelled, print_json, show_warnings, track
    from msde_toolkit.cli.console import out as results
    from msde_toolkit.errors import InputError
    from msde_toolkit.report import Wanted, write_report

    if out.suffix.lower() not in {".html", ".htm"}:
        message = f"--out {out}: a report's name must end in .html."
        raise InputError(message)
    if out.exists() and (out.is_dir() or not force):
        message = f"--out {out}: is there already" + (" (a folder)." if out.is_dir() else "; --force overwrites it.")
        raise InputError(message)
    names = _names(analyses, no_analyses)
    show_warnings()
    if study is not None and run:
        message = "--study takes all of a study's runs; leave the others out."
        raise InputError(message)
    opened, runs = asked_runs(run or (), study, root)
    console = err()
    wanted = Wanted(
        title=title,
        analyses=names,
        pixels=audit_images,
        unequal_pretraining=unequal_pretraining,
        study=opened,
        baseline=baseline,
        command=_command(
            [one.directory for one in runs] if study is None else [],
            {
                "--study": None if study is None else study.resolve().name,
                "--baseline": baseline,
                "--analyses": analyses,
                "--no-analyses": no_analyses,
                "--audit-images": audit_images,
                "--unequal-pretraining": unequal_pretraining,
            },
        ),
    )
    done = write_report(
        runs, out, wanted, track=track, tell=lambda text: console.print(f"Report: {text}", style="dim", soft_wrap=True)
    )
    for problem in done.problems:
        console.print(labelled("Note:", problem, "yellow"), soft_wrap=True)
    if json:
        print_json(done.as_dict())
        return
    faces = f"{done.faces_shown:,} faces shown, {done.faces_withheld:,} withheld (no consent to publish)"
    runs_told = f"{len(done.runs)} run{'s' if len(done.runs) > 1 else ''}"
    results().print(f"{done.file}  ({done.bytes / 1e6:.1f} MB, {runs_told}, {faces})", soft_wrap=True)


def _names(analyses: str | None, none: bool) -> tuple[str, ...] | None:
    from msde_toolkit.errors import InputError
    from msde_toolkit.registry import Registry

    if analyses is not None and none:
        message = "--analyses and --no-analyses: leave one of the two out."
        raise InputError(message)
    if none:
        return ()
    if analyses is None:
        return None
    names = tuple(name.strip() for name in analyses.split(",") if name.strip())
    if not names:
        message = "--analyses: names no analysis; to have none: --no-analyses."
        raise InputError(message)
    for name in names:
        Registry("analyses").info(name)
    return names


def _command(runs: Sequence[Path], options: Mapping[str, str | bool | None]) -> str:
    """What makes this report again; folders by their last name."""
    import shlex

    words = ["msde", "report", *(run.resolve().name for run in runs)]
    for name, value in options.items():
        words += [name] if value is True else [name, value] if value else []
    return shlex.join([*words, "-o", "report.html"])
