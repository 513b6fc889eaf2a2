"""What analyses said of the runs: results that are there, and those that the report has made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from msde_toolkit.errors import MsdeError
from msde_toolkit.registry import Registry
from msde_toolkit.report.analysis_files import RESULT, AnalysisFolder, GalleryEntry, ScatterEntry
from msde_toolkit.report.faces import Faces, thumbnail
from msde_toolkit.report.folders import without_folders
from msde_toolkit.report.views import gallery, scatter
from msde_toolkit.results.analyze import analyze
from msde_toolkit.results.open_run import OpenRun

MOST_ROWS = 40
MOST_COLUMNS = 16
FIGURE_SIDE = 1400
FIGURE_SCALE = 0.7
"""Of a screen's pixels to a figure's: figures are drawn for paper, finer than a page shows them."""
FIGURE_BUDGET = 6_500_000
"""Characters of all embedded figures; those beyond are named only."""


@dataclass(frozen=True)
class Table:
    """A table of an analysis, cut to what can be read."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: int
    cut_columns: int


@dataclass(frozen=True)
class Figure:
    """A figure as a data URI; without one ``why`` says why."""

    name: str
    uri: str = ""
    width: int = 0
    height: int = 0
    why: str = ""


@dataclass
class Told:
    """One analysis of one run (or of several together), ready for the page.

    Attributes:
        name: the analysis.
        of: the runs' names.
        options: set otherwise than by default, as "key = value".
        sections: heading and text.
        views: numbers of its views in the page's data.
        tables: its tables.
        figures: its figures.
        synthetic: whether any of the data is drawn.
        problems: what could not be read.
    """

    name: str
    of: str
    options: str
    sections: list[tuple[str, str]]
    synthetic: bool
    views: list[int] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Source:
    """A folder with a ``result.json``."""

    folder: Path
    made: bool


def wanted_analyses(names: Sequence[str] | None) -> list[str]:
    """The analyses that a report runs: those named, or every installed one that says ``in_report``.

    Raises:
        PluginError: for a name that nothing offers.
    """
    registry = Registry("analyses")
    if names is not None:
        return [registry.info(name).name for name in names]
    return [name for name in registry.names() if _in_report(registry, name)]


def _in_report(registry: Registry, name: str) -> bool:
    try:
        return bool(getattr(registry.get(name), "in_report", False))
    except MsdeError:
        return False  # broken or claimed twice: nobody asked for it by name


def sources(
    run: OpenRun,
    names: Sequence[str],
    cache: Path,
    *,
    only: bool,
    track: Any = None,
    tell: Callable[[str], None] = lambda _text: None,
) -> tuple[list[Source], list[str]]:
    """Results of one run, and what went wrong where one could not be made.

    Args:
        run: the run.
        names: analyses to run where they have not been run on it.
        cache: where they write; what lies there from before is used again.
        only: whether other results in the run's folder are left out.
        track: shows progress.
        tell: is told what is being run.
    """
    there = {file.parent.name: file.parent for file in sorted(run.directory.glob(f"analyses/*/{RESULT}"))}
    found = [Source(folder, made=False) for name, folder in there.items() if not only or name in names]
    problems = []
    for name in names:
        if name in there:
            continue
        folder = cache / run.directory.name / name
        if not _current(folder, run):
            tell(f"{name} of {run.name}")
            try:
                analyze(name, [run], out=folder, track=track)
            except MsdeError as error:
                problems.append(f"{name} of {run.name}: {error}")
                continue
        found.append(Source(folder, made=True))
    return found, problems


def _current(folder: Path, run: OpenRun) -> bool:
    """Whether a result is there that is of this run as it stands."""
    result, summary = folder / RESULT, run.directory / "summary.json"
    if not result.is_file() or result.stat().st_mtime_ns < summary.stat().st_mtime_ns:
        return False
    try:
        return AnalysisFolder(folder).result.runs == [run.name]
    except MsdeError:
        return False


class Teller:
    """Turns result folders into what the page shows; galleries first, so that they get the faces.

    Args:
        runs: all runs of the report, by name.
        faces: the report's thumbnails.
    """

    def __init__(self, runs: Mapping[str, OpenRun], faces: Faces) -> None:
        self._runs = runs
        self._faces = faces
        self._figures_left = FIGURE_BUDGET
        self.views: list[dict[str, Any]] = []

    def tell(self, folders: Iterable[Path]) -> tuple[list[Told], list[str]]:
        """What each says; and the damaged ones, in words."""
        told: list[tuple[Told, AnalysisFolder]] = []
        problems = []
        for path in folders:
            try:
                folder = AnalysisFolder(path)
            except MsdeError as error:
                problems.append(f"left out: {error}")
                continue
            if not folder.result.runs or not set(folder.result.runs) <= set(self._runs):
                problems.append(f"left out: {path} is of runs that are not in this report")
                continue
            told.append((self._words(folder), folder))
        for kind in (GalleryEntry, ScatterEntry):
            for one, folder in told:
                self._add_views(one, folder, kind)
        # Where there is something to point at, a figure says little more: it goes first when the report gets large.
        for one, folder in sorted(told, key=lambda pair: bool(pair[0].views)):
            one.tables.extend(self._tables(one, folder))
            one.figures.extend(self._figure(name, folder) for name in folder.result.figures)
        return [one for one, _ in told], problems

    def _words(self, folder: AnalysisFolder) -> Told:
        result = folder.result
        changed = _changed(result.analysis, result.options)
        sections = [(section.title, section.text) for section in result.sections]
        synthetic = any(self._runs[name].synthetic for name in result.runs)
        return Told(result.analysis, ", ".join(result.runs), changed, sections, synthetic)

    def _add_views(self, one: Told, folder: AnalysisFolder, kind: type) -> None:
        for view in folder.result.views:
            if not isinstance(view, kind):
                continue
            try:
                run = self._runs[view.run]
                if isinstance(view, GalleryEntry):
                    made = gallery(view, folder, run, self._faces)
                else:
                    made = scatter(view, folder, run, self._faces)
            except KeyError:
                one.problems.append(f"{view.title}: is of a run that is not in this report")
            except MsdeError as error:
                one.problems.append(without_folders(f"{view.title}: {error}"))
            else:
                one.views.append(len(self.views))
                self.views.append(made)

    def _tables(self, one: Told, folder: AnalysisFolder) -> Iterable[Table]:
        for name in folder.result.tables:
            try:
                yield _table(name, folder.table(name))
            except MsdeError as error:
                one.problems.append(without_folders(str(error)))

    def _figure(self, name: str, folder: AnalysisFolder) -> Figure:
        title = name.removesuffix(".png")
        if not self._may_show(name, folder):
            return Figure(title, why="not shown: it holds faces without consent to publish them")
        try:
            image = folder.figure(name)
        except MsdeError as error:
            return Figure(title, why=without_folders(f"left out: {error}"))
        uri = thumbnail(image, FIGURE_SIDE, quality=80)
        if len(uri) > self._figures_left:
            return Figure(title, why="left out to keep the report small; it lies beside the analysis' result")
        self._figures_left -= len(uri)
        return Figure(title, uri, round(FIGURE_SCALE * image.width), round(FIGURE_SCALE * image.height))

    def _may_show(self, name: str, folder: AnalysisFolder) -> bool:
        """Whether all whom a figure shows may be shown; all of the runs, where nobody says whom it shows."""
        runs = [self._runs[run] for run in folder.result.runs]
        if folder.result.faces is None:
            return all(bool(run.manifest.publishable().all()) for run in runs)
        shown = set(folder.result.faces.get(name, ()))
        known = {
            sample: bool(may)
            for run in runs
            for sample, may in zip(run.manifest.ids, run.manifest.publishable(), strict=True)
            if sample in shown
        }
        return all(known.get(sample, False) for sample in shown)


def _changed(name: str, options: Mapping[str, Any]) -> str:
    """Options that differ from the installed plugin's defaults; all of them where it is not installed."""
    try:
        defaults = Registry("analyses").get(name).Options().model_dump(mode="json")
    except (MsdeError, ValueError):
        defaults = {}
    changed = {key: value for key, value in options.items() if key not in defaults or defaults[key] != value}
    return ", ".join(f"{key} = {value}" for key, value in changed.items())


def _table(name: str, frame: pd.DataFrame) -> Table:
    shown = frame.iloc[:MOST_ROWS, :MOST_COLUMNS]
    rows = tuple(tuple(_cell(value) for value in row) for row in shown.itertuples(index=False, name=None))
    columns = tuple(str(column)[:80] for column in shown.columns)
    return Table(name.removesuffix(".csv"), columns, rows, len(frame), frame.shape[1] - len(columns))


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return "-" if pd.isna(value) else f"{value:.4g}"
    return "-" if value is None else str(value)[:160]
