"""Run an analysis over finished runs and write everything it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from msde_toolkit.create import create_analysis
from msde_toolkit.errors import InputError
from msde_toolkit.figures import save_figure
from msde_toolkit.files import whole, written_to
from msde_toolkit.hooks import Listeners
from msde_toolkit.interfaces import AnalysisContext
from msde_toolkit.registry import Registry
from msde_toolkit.results.open_run import OpenRun, open_run
from msde_toolkit.results.run_store import check_writable, write_json
from msde_toolkit.types import AnalysisFinished, AnalysisResult

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Analysed:
    """What an analysis left: its folder, the document in ``result.json`` and the files beside it."""

    directory: Path
    result: Mapping[str, Any]
    files: tuple[Path, ...]


def analyze(
    name: str,
    runs: Sequence[OpenRun | Path | str],
    *,
    options: Mapping[str, Any] | None = None,
    out: Path | None = None,
    seed: int = 0,
    track: Any = None,
    listeners: Iterable[object] = (),
    unequal_pretraining: bool = False,
) -> Analysed:
    """Run the analysis ``name``.

    Args:
        name: as in ``msde list analyses``.
        runs: finished runs, or their folders.
        options: of the analysis.
        out: folder for the files; by default ``<run>/analyses/<name>`` for one run.
        seed: for everything random.
        track: wraps an iterable and shows progress: ``track(items, title)``.
        listeners: objects with hook methods, besides the installed listeners.
        unequal_pretraining: whether runs that started from different weights may stand side by side.

    Raises:
        InputError: unknown name or option; several runs without ``out``, or with unequal pretraining; a run that is
            not finished.
    """
    info = Registry("analyses").info(name)
    analysis = create_analysis(name, options)
    opened = [run if isinstance(run, OpenRun) else open_run(run) for run in runs]
    if out is None:
        if len(opened) != 1:
            message = "Several runs write under a folder of their own: give --out DIR."
            raise InputError(message)
        out = opened[0].directory / "analyses" / info.name
    if not unequal_pretraining:
        _check_pretraining(opened)
    check_writable(out)
    context = AnalysisContext(opened, out, seed, track or (lambda items, _title: items))
    result = _with_pretraining(analysis.run(context), opened)
    document = {
        "schema": 1,
        "analysis": info.name,
        "plugin": info.as_dict(),
        "runs": [run.name for run in opened],
        "pretraining": [run.pretraining for run in opened],
        "synthetic": any(run.synthetic for run in opened),
        "tainted": [f"{run.name}: {who}" for run in opened for who in run.tainted],
        "options": analysis.options.model_dump(mode="json"),
        "seed": seed,
        **_contents(result),
    }
    with written_to(out):
        files = _write(result, document, out)
    Listeners(listeners).tell("msde_analysis_finished", AnalysisFinished(info.name, out))
    return Analysed(out, document, files)


def _check_pretraining(runs: Sequence[OpenRun]) -> None:
    """A method must not be credited with what its weights had learnt before."""
    if len({(run.pretraining, run.summary.get("weights_sha256")) for run in runs}) > 1:
        told = "; ".join(f"{run.name}: {run.pretraining}" for run in runs)
        message = f"These runs differ in pretraining ({told}).\nTo compare them all the same: --unequal-pretraining."
        raise InputError(message)


def _with_pretraining(result: AnalysisResult, runs: Sequence[OpenRun]) -> AnalysisResult:
    """The result with a column ``pretraining`` in every table that names runs."""
    labels = {run.name: run.pretraining for run in runs}
    tables = {
        name: table.assign(pretraining=table["run"].map(labels)) if "run" in table.columns else table
        for name, table in result.tables.items()
    }
    return replace(result, tables=tables)


def _contents(result: AnalysisResult) -> dict[str, Any]:
    return {
        "summary": json_ready(result.summary),
        "tables": [f"{name}.csv" for name in result.tables],
        "figures": [f"{name}.png" for name in result.figures],
        "arrays": [f"{name}.npz" for name in result.arrays],
        "sections": [{"title": section.title, "text": section.text} for section in result.sections],
        "views": [{"kind": type(view).__name__.lower(), **json_ready(asdict(view))} for view in result.views],
        "faces": {f"{name}.png": list(ids) for name, ids in result.faces.items()},
    }


def _write(result: AnalysisResult, document: Mapping[str, Any], out: Path) -> tuple[Path, ...]:
    files: list[Path] = []
    for name, table in result.tables.items():
        files.append(out / f"{name}.csv")
        with whole(files[-1]) as partial:
            table.to_csv(partial, index=False)
    for name, arrays in result.arrays.items():
        files.append(out / f"{name}.npz")
        with whole(files[-1]) as partial, partial.open("wb") as file:
            np.savez_compressed(file, **arrays)
    for name, figure in result.figures.items():
        out.mkdir(parents=True, exist_ok=True)
        files += save_figure(figure, out / name)
    write_json(out / "result.json", document)
    return (*files, out / "result.json")


def json_ready(value: Any) -> Any:
    """Numbers of numpy as Python's, tuples as lists, NaN as null."""
    if isinstance(value, Mapping):
        return {str(key): json_ready(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [json_ready(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
