"""``msde run --study``: what stands behind the option."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from msde_toolkit.engine.study.run_study import StudyResult


def run_study(path: Path, out: Path | None, *, json: bool, quiet: bool) -> None:
    """Run the study in a file, or go on with the one in a folder, and show its methods side by side."""
    from msde_toolkit.cli.console import err
    from msde_toolkit.cli.run_display import RunDisplay
    from msde_toolkit.engine.provenance import command_line
    from msde_toolkit.engine.study.definition import load_study
    from msde_toolkit.engine.study.run_study import run_study as start
    from msde_toolkit.results.study_files import DEFINITION

    if path.is_dir():
        path, out = path / DEFINITION, path if out is None else out
    study = load_study(path)
    console = err()

    def say(line: str) -> None:
        if not quiet:
            console.print(line, style="bold", soft_wrap=True)

    with RunDisplay(quiet=quiet) as display:
        done = start(study, out, listeners=[display], progress=display.decoding, command=command_line(), say=say)
    if json:
        from msde_toolkit.cli.console import print_json

        print_json(_document(study.name, done))
        return
    _show(study.name, done)


def _folders(result: StudyResult) -> dict[tuple[str, str | None], Path]:
    """By method and target; None for the study's own data."""
    own = [((method, None), path) for method, path in result.runs.items()]
    return dict([*own, *result.evaluations.items()])


def _summary(directory: Path) -> dict[str, Any]:
    from msde_toolkit.results.run_store import RunStore, read_json

    return dict(read_json(RunStore(directory).summary))


def _document(name: str, result: StudyResult) -> dict[str, Any]:
    rows = [
        {"method": method, "target": target, "directory": str(folder), **_summary(folder)}
        for (method, target), folder in _folders(result).items()
    ]
    return {"directory": str(result.directory), "study": name, "results": rows}


def _show(name: str, result: StudyResult) -> None:
    from msde_toolkit.cli.console import out, plain_table
    from msde_toolkit.cli.tables import data_title, protocol

    summaries = {key: _summary(folder) for key, folder in _folders(result).items()}
    own = next(summary for (_, target), summary in summaries.items() if target is None)
    console = out()
    for target in dict.fromkeys(key[1] for key in summaries):
        rows = {method: summary for (method, where), summary in summaries.items() if where == target}
        first = next(iter(rows.values()))
        trained = "" if target is None else f" (target {target}; trained on {data_title(own)})"
        table = plain_table(
            f"Study {name}: held-out accuracy, percent, on {data_title(first)}{trained}",
            "Method", ">NM", ">95 % interval", ">M", ">95 % interval", ">Average", ">95 % interval", ">n NM, M",
        )  # fmt: skip
        for method, summary in rows.items():
            table.add_row(*_row(method, summary["metrics"]))
        console.print(table)
        for line in _shared([protocol(summary) for summary in rows.values()]):
            console.print(f"  {line}", style="dim")
    console.print(f"  Files: {result.directory}", soft_wrap=True)
    console.print(f"  Next: msde compare --study {result.directory}", soft_wrap=True)


def _row(method: str, metrics: Mapping[str, Any]) -> list[str]:
    from msde_toolkit.cli.tables import interval, percent

    cells = [method]
    for word in ("nm", "m", "average"):
        accuracy = metrics[word] and metrics[word]["accuracy"]
        cells += [percent(accuracy and accuracy["pooled"]), interval(accuracy and accuracy["ci95"])]
    counts = [str(metrics[word]["n"]) if metrics[word] else "-" for word in ("nm", "m")]
    return [*cells, ", ".join(counts)]


def _shared(lines: list[list[str]]) -> list[str]:
    """What is said of every method, once."""
    return [line for line in lines[0] if all(line in others for others in lines)]
