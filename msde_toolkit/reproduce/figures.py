"""Figures: an analysis over the paper's runs, drawn once and found again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from msde_toolkit.errors import InputError
from msde_toolkit.reproduce.published import PublishedFigure
from msde_toolkit.results.analyze import analyze
from msde_toolkit.results.open_run import OpenRun
from msde_toolkit.results.run_store import RunStore, read_json


@dataclass(frozen=True)
class DrawnFigure:
    """A figure of the paper, made of our runs.

    Attributes:
        name: "fig5".
        title: what it is of.
        directory: where its files are; None where it could not be drawn.
        files: pictures and tables.
        notes: what must be known of it.
    """

    name: str
    title: str
    directory: Path | None
    files: tuple[Path, ...]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        directory = None if self.directory is None else str(self.directory)
        return {**asdict(self), "directory": directory, "files": [str(file) for file in self.files]}

    @property
    def pictures(self) -> tuple[Path, ...]:
        """What is to be looked at."""
        return tuple(file for file in self.files if file.suffix == ".png")


def draw(name: str, figure: PublishedFigure, runs: Sequence[OpenRun], out: Path, *, track: Any = None) -> DrawnFigure:
    """Draw a figure, unless it has been drawn of the same runs.

    Raises:
        InputError: as the analysis does.
    """
    if not _current(out, figure.analysis, runs):
        analyze(figure.analysis, runs, out=out, track=track, unequal_pretraining=True)
    document = read_json(out / "result.json")
    files = tuple(out / file for kind in ("figures", "tables") for file in document[kind])
    notes = [*figure.notes, *(f"{section['title']}: {section['text']}" for section in document["sections"])]
    return DrawnFigure(name, figure.title, out, files, tuple(notes))


def _current(out: Path, analysis: str, runs: Sequence[OpenRun]) -> bool:
    """Whether the analysis was made of these runs as they stand."""
    result = out / "result.json"
    if not result.is_file():
        return False
    newest = max(RunStore(run.directory).summary.stat().st_mtime for run in runs)
    try:
        document = read_json(result)
    except InputError:
        return False
    same = document.get("analysis") == analysis and document.get("runs") == [run.name for run in runs]
    return bool(same and result.stat().st_mtime >= newest)
