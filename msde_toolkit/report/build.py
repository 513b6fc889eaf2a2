"""Put a report together and write it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msde_toolkit import __version__
from msde_toolkit.errors import InputError
from msde_toolkit.figures import PALETTE
from msde_toolkit.files import written_to
from msde_toolkit.report import analyses as told_by
from msde_toolkit.report import overview
from msde_toolkit.report.audited import audits
from msde_toolkit.report.charts import Forest, forest
from msde_toolkit.report.compared import compared
from msde_toolkit.report.faces import Faces
from msde_toolkit.report.folders import without_folders
from msde_toolkit.report.learning import learning_curves
from msde_toolkit.report.matrices import matrices
from msde_toolkit.report.page import render
from msde_toolkit.report.provenance import provenance
from msde_toolkit.results.open_run import OpenRun
from msde_toolkit.results.run_store import check_writable, write_text
from msde_toolkit.results.study import OpenStudy

HEAT_STEPS = 32
LARGEST = 15_000_000


@dataclass(frozen=True)
class Wanted:
    """What a report is to hold.

    Attributes:
        title: its heading; empty: named after the runs.
        analyses: names of analyses, run where they have not been; None: what was run, and what says ``in_report``.
        pixels: whether the audit looks at images too.
        unequal_pretraining: whether runs that started from other weights may stand side by side.
        study: that the runs are of: its declared comparison, and its analyses of several runs together.
        baseline: name of the run that the others are compared with; None: the declared one, else the first.
        command: that makes this report again.
    """

    title: str = ""
    analyses: tuple[str, ...] | None = None
    pixels: bool = False
    unequal_pretraining: bool = False
    study: OpenStudy | None = None
    baseline: str | None = None
    command: str = ""


@dataclass(frozen=True)
class Report:
    """What was written."""

    file: Path
    bytes: int
    runs: tuple[str, ...]
    faces_shown: int
    faces_withheld: int
    problems: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "file": str(self.file),
            "bytes": self.bytes,
            "runs": list(self.runs),
            "faces_shown": self.faces_shown,
            "faces_withheld": self.faces_withheld,
            "problems": list(self.problems),
        }


def write_report(
    runs: Sequence[OpenRun],
    file: Path,
    wanted: Wanted | None = None,
    *,
    track: Any = None,
    tell: Callable[[str], None] = lambda _text: None,
) -> Report:
    """Write one HTML file of finished runs.

    Args:
        runs: one or more.
        file: that is written; analyses that are run for it keep their results in ``<name>-analyses`` beside it.
        wanted: what it is to hold.
        track: wraps an iterable and shows progress.
        tell: is told what takes time.

    Raises:
        InputError: two runs of one name; unequal pretraining; the file cannot be written.
        PluginError: an analysis that nothing offers.
    """
    wanted = wanted or Wanted()
    _check(runs, file, wanted)
    names = told_by.wanted_analyses(wanted.analyses)
    comparison = compared(runs, wanted.study, wanted.baseline)
    faces = Faces()
    teller = told_by.Teller({run.name: run for run in runs}, faces)
    folders, problems = _folders(runs, names, file, wanted, track, tell)
    told, damaged = teller.tell(folders)
    problems += [*damaged, *faces.problems]
    tell("the page")
    context = {
        "title": wanted.title or _title(runs, wanted.study),
        "version": __version__,
        "synthetic": all(run.synthetic for run in runs),
        "some_synthetic": any(run.synthetic for run in runs),
        "banners": overview.banners(runs),
        "facts": overview.side_by_side(runs),
        "notes": overview.all_notes(runs),
        "runs": [_run(index, run) for index, run in enumerate(runs)],
        "measures": _measures(runs),
        "forests": _forests(runs),
        "told": told,
        "headings": _headings(told),
        "problems": [without_folders(problem) for problem in problems],
        "audits": audits(runs, pixels=wanted.pixels),
        "faces": faces,
        "command": wanted.command,
        "palette": PALETTE,
        "comparison": comparison,
    }
    page = render(context, {"faces": faces.uris, "views": teller.views, "heat": _heat()})
    if len(page.encode()) > LARGEST:
        problems.append(f"{file}: {len(page.encode()):,} bytes; fewer runs or analyses make it smaller")
    with written_to(file):
        write_text(file, page)
    return Report(
        file, file.stat().st_size, tuple(run.name for run in runs), faces.shown, faces.withheld, tuple(problems)
    )


def _check(runs: Sequence[OpenRun], file: Path, wanted: Wanted) -> None:
    names = [run.name for run in runs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        message = f"Two runs are called {twice[0]}; a report tells runs apart by their names."
        raise InputError(message)
    if len({(run.pretraining, run.summary.get("weights_sha256")) for run in runs}) > 1 and (
        not wanted.unequal_pretraining
    ):
        started = "; ".join(f"{run.name}: {run.pretraining}" for run in runs)
        message = f"These runs differ in pretraining ({started}).\nTo show them all the same: --unequal-pretraining."
        raise InputError(message)
    check_writable(file.absolute().parent)


def _folders(
    runs: Sequence[OpenRun],
    names: Sequence[str],
    file: Path,
    wanted: Wanted,
    track: Any,
    tell: Callable[[str], None],
) -> tuple[list[Path], list[str]]:
    """Result folders, an analysis of all runs after the other."""
    cache = file.with_name(f"{file.stem}-analyses")
    found: list[told_by.Source] = []
    problems: list[str] = []
    only = wanted.analyses is not None
    for run in runs:
        of_run, failed = told_by.sources(run, names, cache, only=only, track=track, tell=tell)
        found += of_run
        problems += failed
    order = {name: place for place, name in enumerate(dict.fromkeys(source.folder.name for source in found))}
    found.sort(key=lambda source: order[source.folder.name])
    together = sorted(wanted.study.directory.glob("analyses/*/result.json")) if wanted.study else []
    kept = [path.parent for path in together if not only or path.parent.name in names]
    return [*kept, *(source.folder for source in found)], problems


def _title(runs: Sequence[OpenRun], study: OpenStudy | None) -> str:
    if study is None and len(runs) == 1:
        return runs[0].title
    data = list(dict.fromkeys(map(overview.data_title, runs)))
    number = f"{len(runs)} runs" if len(runs) > 1 else "1 run"
    told = f"{number} on {data[0]}{f' and {len(data) - 1} more' if len(data) > 1 else ''}"
    return f"{study.name}: {told}" if study else told


def _run(index: int, run: OpenRun) -> Mapping[str, Any]:
    charts, no_charts = learning_curves(run)
    return {
        "index": index,
        "colour": index % len(PALETTE),
        "name": run.name,
        "title": run.title,
        "method": f"{run.summary['model']} + {run.summary['loss']}",
        "synthetic": run.synthetic,
        "measures": {measure.name: measure for measure in overview.measures(run)},
        "charts": charts,
        "no_charts": no_charts,
        "matrices": matrices(run),
        "provenance": provenance(run),
        "folds": len(run.summary["folds"]) * run.repeats,
    }


def _measures(runs: Sequence[OpenRun]) -> list[tuple[str, str]]:
    """Name and title of every measure that some run has, in order."""
    found = {measure.name: measure.title for run in runs for measure in overview.measures(run)}
    return list(found.items())


def _forests(runs: Sequence[OpenRun]) -> list[Forest]:
    of_runs = [
        (run.name, row, {measure.name: measure for measure in overview.measures(run)}) for row, run in enumerate(runs)
    ]
    panels = [
        forest(title, [(label, row, found[name]) for label, row, found in of_runs if name in found])
        for name, title in _measures(runs)
    ]
    return [panel for panel in panels if panel is not None]


def _headings(told: Sequence[told_by.Told]) -> list[tuple[str, str]]:
    """Each analysis' name and what it calls itself: the title of its first section."""
    found: dict[str, str] = {}
    for one in told:
        found.setdefault(one.name, one.sections[0][0] if one.sections else one.name.capitalize())
    return list(found.items())


def _heat() -> list[list[int]]:
    """Colours of maps laid over faces, from nothing to a map's maximum."""
    import matplotlib

    from msde_toolkit.figures import HEAT_MAP

    colours = matplotlib.colormaps[HEAT_MAP].resampled(HEAT_STEPS)
    return [[round(255 * channel) for channel in colours(step)[:3]] for step in range(HEAT_STEPS)]
