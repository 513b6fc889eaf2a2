"""What is asked of an analysis, on a small run that really took place: its result, its files, its honesty."""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msde_toolkit.create import create_analysis
from msde_toolkit.errors import InputError
from msde_toolkit.interfaces import AnalysisContext, RunView
from msde_toolkit.results.analyze import analyze, json_ready
from msde_toolkit.results.open_run import OpenRun, open_run
from msde_toolkit.results.study import open_study
from msde_toolkit.testing.checks import Checklist, in_one_line, require, skip
from msde_toolkit.testing.one_condition import OneCondition
from msde_toolkit.testing.plugin import PluginUnderTest
from msde_toolkit.testing.reference import apart_from_the_user, finished_run, finished_study
from msde_toolkit.testing.report import Finding
from msde_toolkit.types import NM, AnalysisResult

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ANALYSIS: Checklist[AnalysisUnderTest] = Checklist()


@dataclass(frozen=True)
class AnalysisUnderTest:
    """An analysis plugin with the options of the preset ``quick``."""

    plugin: PluginUnderTest

    @cached_property
    def runs(self) -> list[OpenRun]:
        """What it reads: a run, or all runs and evaluations of a small study."""
        return open_study(finished_study()).everything if self.plugin.cls.of_study else [open_run(finished_run())]

    @cached_property
    def result(self) -> AnalysisResult:
        """What it says of them."""
        return self.of(*self.runs)

    def of(self, *runs: RunView) -> AnalysisResult:
        """What it says of these runs."""
        with tempfile.TemporaryDirectory() as folder, apart_from_the_user(self.plugin.info.distribution):
            return create_analysis(self.plugin.name, self.plugin.options).run(AnalysisContext(runs, Path(folder)))


def ask(plugin: PluginUnderTest) -> Iterator[Finding]:
    """All findings about an analysis."""
    yield from ANALYSIS.ask(AnalysisUnderTest(plugin))


@ANALYSIS.check(
    "it reads a finished run", remedy="run(context) returns AnalysisResult(summary, tables, figures, arrays, sections)."
)
def reads_a_run(analysis: AnalysisUnderTest) -> str:
    """Of both conditions, with pairs, subjects and two folds."""
    result = analysis.result
    require(isinstance(result, AnalysisResult), f"run returns a {type(result).__name__}, no AnalysisResult")
    named = [*result.tables, *result.figures, *result.arrays]
    require(named or result.summary, "it says nothing")
    return ", ".join(named)


@ANALYSIS.check(
    "the summary is ready for JSON",
    remedy="Use text, numbers, lists and tables of them; None where a number is unknown.",
)
def summary_is_json(analysis: AnalysisUnderTest) -> str:
    """Numbers of numpy are taken too."""
    require(isinstance(analysis.result.summary, Mapping), "the summary is no mapping")
    document = json.dumps(json_ready(analysis.result.summary), allow_nan=False)
    return f"{len(document):,} letters"


@ANALYSIS.check("tables are data frames", remedy="tables maps a file's name to a pandas DataFrame with named columns.")
def tables_are_frames(analysis: AnalysisUnderTest) -> str:
    """Each with columns, and with a name that a file can have."""
    import pandas as pd

    if not analysis.result.tables:
        skip("it has none")
    for name, table in analysis.result.tables.items():
        require(isinstance(table, pd.DataFrame), f"{name} is a {type(table).__name__}")
        require(len(table.columns) and table.columns.is_unique, f"{name} has columns without a name of their own")
        require(len(table), f"{name} has no rows")
        _check_file_name(name)
    return ", ".join(f"{name} {len(table)} rows" for name, table in analysis.result.tables.items())


def _check_file_name(name: str) -> None:
    fits = name and name == Path(name).name and not name.startswith(".") and "\\" not in name
    require(fits, f"{name!r} cannot be a file's name")


@ANALYSIS.check(
    "axes are labelled",
    remedy='Figures come from msde_toolkit.figures.new_figure; axes.set(xlabel="...", ylabel="...").',
)
def axes_are_labelled(analysis: AnalysisUnderTest) -> str:
    """Each figure says what its axes show, on one panel of several at least; pictures without axes need no words."""
    from matplotlib.figure import Figure

    if not analysis.result.figures:
        skip("it has no figures")
    for name, figure in analysis.result.figures.items():
        require(isinstance(figure, Figure), f"{name} is a {type(figure).__name__}, no matplotlib Figure")
        _check_file_name(name)
        panels = [axes for axes in figure.axes if axes.axison and axes.has_data() and not _needs_no_words(axes)]
        for side, shared in (("x", figure.get_supxlabel()), ("y", figure.get_supylabel())):
            words = [getattr(axes, f"get_{side}label")() for axes in panels]
            require(not panels or shared or any(words), f"{name}: no {side} axis has a label")
    return ", ".join(analysis.result.figures)


def _needs_no_words(axes: Any) -> bool:
    """A picture without ticks; a colour bar, whose own label says what it shows."""
    picture = bool(axes.images) and not axes.get_xticks().size and not axes.get_yticks().size
    return picture or hasattr(axes, "_colorbar")


@ANALYSIS.check(
    "it says that faces are synthetic",
    remedy="if run.synthetic: figures.mark_synthetic(figure)  (msde_toolkit.figures)",
)
def says_synthetic(analysis: AnalysisUnderTest) -> None:
    """In every figure, since figures travel alone; result.json says it by itself."""
    if not analysis.result.figures:
        skip("it has no figures")
    silent = [name for name, figure in analysis.result.figures.items() if "synthetic" not in _words(figure).lower()]
    require(not silent, f"nothing in {', '.join(silent)} says it")


def _words(figure: Figure) -> str:
    from matplotlib.text import Text

    return "\n".join(str(text.get_text()) for text in figure.findobj(Text))


@ANALYSIS.check(
    "the same run gives the same result",
    remedy="Draw by context.seed: generator(context.seed, NAME) of msde_toolkit.randomness.",
)
def repeatable(analysis: AnalysisUnderTest) -> None:
    """Summary and tables, to the last digit."""
    first, again = analysis.result, analysis.of(*analysis.runs)
    require(json_ready(first.summary) == json_ready(again.summary), "the summary is another the second time")
    changed = [
        name for name, table in first.tables.items() if name not in again.tables or not table.equals(again.tables[name])
    ]
    require(not changed, f"other the second time: {', '.join(changed)}")


@ANALYSIS.check(
    "its files are written and the run is left alone",
    remedy="Write nothing into run.directory; what is no table, figure or array goes to context.out.",
)
def writes_beside_the_run(analysis: AnalysisUnderTest) -> str:
    """As ``msde analyze`` does it; every file of the run stays as it was, and no pyplot figure stays open."""
    places = [run.directory for run in analysis.runs]
    before, open_figures = [_contents(place) for place in places], _pyplot_figures()
    with tempfile.TemporaryDirectory() as folder, apart_from_the_user(analysis.plugin.info.distribution):
        options = analysis.plugin.options.model_dump()
        done = analyze(analysis.plugin.name, analysis.runs, options=options, out=Path(folder) / "out")
        written = [file.name for file in done.files]
    require([_contents(place) for place in places] == before, "it changes the run's folder")
    require(_pyplot_figures() == open_figures, "it leaves figures open in pyplot")
    return ", ".join(written)


def _contents(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def _pyplot_figures() -> list[int]:
    pyplot = sys.modules.get("matplotlib.pyplot")
    return [] if pyplot is None else list(pyplot.get_fignums())


@ANALYSIS.check(
    "a run of one condition",
    remedy="Where what it needs is missing, raise InputError saying what; else work with the conditions there are.",
)
def one_condition(analysis: AnalysisUnderTest) -> str:
    """Without masked images and pairs it works, or says what it lacks."""
    try:
        analysis.of(*(OneCondition(run, NM) for run in analysis.runs))
    except InputError as error:
        return f"refused: {in_one_line(error)}"
    return "works"
