"""Reproduce tables and figures: train what is missing, read what is there, set it beside what is printed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from msde_toolkit.data.counts import count_table
from msde_toolkit.data.image_cache import Progress
from msde_toolkit.data.source import Source, open_source
from msde_toolkit.engine.prepare import open_data
from msde_toolkit.engine.study.definition import Study
from msde_toolkit.engine.study.run_study import run_study
from msde_toolkit.errors import InputError, Interrupted, MsdeError
from msde_toolkit.reproduce.figures import DrawnFigure, draw
from msde_toolkit.reproduce.ledger import Ledger, Reproduction
from msde_toolkit.reproduce.published import ALL, PublishedTable, published
from msde_toolkit.reproduce.resolution import binomial_note, resolution_note
from msde_toolkit.reproduce.rows import Against, Row, accuracy_rows, count_rows, set_rows
from msde_toolkit.reproduce.setup import THE_PAPERS, Setup, check_datasets
from msde_toolkit.reproduce.texts import write
from msde_toolkit.results.open_run import OpenRun
from msde_toolkit.results.run_store import RunStore, check_writable
from msde_toolkit.results.study import open_study
from msde_toolkit.results.study_files import StudyFolder


@dataclass(frozen=True)
class Told:
    """Who hears of what is being done."""

    listeners: tuple[object, ...] = ()
    progress: Progress | None = None
    command: Sequence[str] | None = None
    say: Callable[[str], None] = lambda _line: None
    track: Any = None


def reproduce(
    names: Sequence[str], setup: Setup, *, sets: Mapping[str, Path] | None = None, told: Told | None = None
) -> Reproduction:
    """Tables and figures of the paper, the tables also written under ``setup.directory / "tables"``.

    Args:
        names: table1 to table6, fig5 to fig7, or all.
        setup: on which data, and how.
        sets: for Table 1, folders of the field's datasets by name.
        told: who hears of it.

    Raises:
        InputError: unknown name; something wrong with the setup or its data; or as a training does.
        Interrupted: Ctrl-C; the same call goes on.
    """
    work = _Work(setup, dict(sets or {}), told or Told())
    done = work.done(tuple(names))
    write(done)
    return done


class _Work:
    """What a call does, bit by bit."""

    def __init__(self, setup: Setup, sets: Mapping[str, Path], told: Told) -> None:
        self.setup = setup
        self.sets = sets
        self.told = told

    def done(self, names: tuple[str, ...]) -> Reproduction:
        wanted = published().wanted(names)
        self._check(names, wanted)
        runs = self._runs(wanted)
        tables = tuple(self._table(name, runs) for name in wanted if name in published().tables)
        figures = tuple(self._figure(name, runs) for name in wanted if name in published().figures)
        return Reproduction(
            self.setup.directory,
            self._ours.words,
            self._ours.synthetic,
            self._protocol(runs),
            tables,
            figures,
            () if wanted == ("table1",) else tuple(self._notes(runs)),
        )

    def _check(self, names: tuple[str, ...], wanted: tuple[str, ...]) -> None:
        setup = self.setup
        check_writable(setup.directory)
        if RunStore(setup.directory).config.exists():
            message = f"--out {setup.directory}: is the folder of a run; what is reproduced needs one of its own."
            raise InputError(message)
        source = (setup.source[0],) if setup.source else ()
        check_datasets((setup.data, *source))
        table1 = {row.method for row in published().tables["table1"].rows}
        for name in self.sets:
            if name not in table1:
                message = f"--sets {name}=...: Table 1 has {', '.join(sorted(table1))}."
                raise InputError(message)
        if self.sets and "table1" not in wanted:
            message = "--sets: only table1 counts in other sets; leave it out."
            raise InputError(message)
        if setup.source and "fig7" not in wanted:
            message = "--source: only fig7 trains on another dataset; leave it out."
            raise InputError(message)
        if "fig7" in names and ALL not in names:
            setup.cross_study()
        _ = self._source  # what is wrong with it is told before anything is trained

    @cached_property
    def _study(self) -> Study:
        return self.setup.study()

    @cached_property
    def _source(self) -> Source:
        return open_data(self._study.config(self._study.methods[0], None), self.told.progress)

    @cached_property
    def _ours(self) -> Against:
        manifest = self._source.manifest
        comparable = self.setup.data == THE_PAPERS and not manifest.synthetic and self.setup.mask is None
        return Against(manifest.name, manifest.synthetic, comparable, self.setup.mask)

    def _runs(self, wanted: Iterable[str]) -> dict[str, OpenRun]:
        """The runs of all methods that are needed, trained where they are not there."""
        needed = {method for name in wanted for method in published().methods_of(name)}
        if not needed:
            return {}
        self._train(self._study, self.setup.main, [name for name in self._study.methods if name in needed])
        opened = open_study(self.setup.main.directory, self.setup.root).runs
        return {name: opened[name] for name in self._study.methods if name in needed}

    def _train(self, study: Study, folder: StudyFolder, only: Sequence[str] | None) -> None:
        told = self.told
        try:
            run_study(
                study,
                folder.directory,
                listeners=told.listeners,
                progress=told.progress,
                only=only,
                command=told.command,
                say=told.say,
            )
        except Interrupted as error:
            message = "Stopped. The same command goes on."
            raise Interrupted(message) from error

    def _table(self, name: str, runs: Mapping[str, OpenRun]) -> Ledger:
        table = published().tables[name]
        notes = list(table.notes)
        if table.kind == "sets":
            found, told = _counted_sets(table, self.sets)
            rows = list(set_rows(name, table, found))
            notes += told
        elif table.kind == "counts":
            rows = list(count_rows(name, table, self._counts(table), self._ours))
        else:
            rows = list(accuracy_rows(name, table, runs, self._ours, self._classes(table)))
            notes += self._accuracy_notes(table, runs, rows)
        return Ledger(name, table.title, tuple(rows), tuple(notes))

    def _classes(self, table: PublishedTable) -> dict[str, int]:
        ours = self._source.manifest.classes
        return {name: ours.index(name) for name in table.classes if name in ours}

    def _counts(self, table: PublishedTable) -> dict[str, list[int | None]]:
        """Our counts of nm, m, total and pairs, for the table's classes."""
        by_class = {row["class"]: row for row in count_table(self._source.manifest)}

        def column(word: str) -> list[int | None]:
            return [_sum(by_class.get(name), word) for name in table.classes]

        return {"nm": column("NM"), "m": column("M"), "total": column("all"), "pairs": column("pairs")}

    def _accuracy_notes(self, table: PublishedTable, runs: Mapping[str, OpenRun], rows: Sequence[Row]) -> Iterable[str]:
        estimands = {row.estimand for row in rows if row.estimand}
        if estimands:
            yield f"Ours: all folds and repeats pooled; intervals (95 %) are about {' and '.join(sorted(estimands))}."
        if lacking := sorted({row.condition for row in rows if row.ours is None}):
            yield f"Not measured: our data lacks images for {', '.join(lacking)}."
        if table.kind == "accuracy":
            pairs = published().tables["table2"].pairs
            printed = next(row for row in table.rows if row.method == "baseline")
            counts = published().tables["table2"]
            images = sum(pairs) if table.pairs_only else sum(counts.m if printed.nm is None else counts.nm)
            yield binomial_note(printed.nm or printed.m or 0.0, images)
            if note := resolution_note(table, runs, self._ours.words):
                yield note

    def _figure(self, name: str, runs: Mapping[str, OpenRun]) -> DrawnFigure:
        figure = published().figures[name]
        folder = self.setup.directory / "figures" / name
        if not figure.study:
            chosen = [runs[method] for method in figure.runs]
        elif not self.setup.can_cross:
            note = (
                f"Not drawn: it trains on another dataset than {self.setup.data}; name one with --source rafdb=FOLDER."
            )
            return DrawnFigure(name, figure.title, None, (), (*figure.notes, note))
        else:
            self._train(self.setup.cross_study(), self.setup.across, None)
            chosen = open_study(self.setup.across.directory).everything
        self.told.say(f"Drawing {name}: {figure.analysis}")
        return draw(name, figure, chosen, folder, track=self.told.track)

    def _protocol(self, runs: Mapping[str, OpenRun]) -> str:
        setup = self.setup
        words = [f"preset {setup.preset}", f"seed {setup.seed}"]
        for run in list(runs.values())[:1]:
            folds = len(run.summary["folds"])
            apart = "no subject on both sides" if run.identity == "independent" else "subjects unknown"
            words += [f"{folds} folds" if folds > 1 else "the dataset's own split", apart]
        words.append(f"{setup.repeats} repeats" if setup.repeats > 1 else "1 repeat")
        starts = sorted({run.pretraining for run in runs.values()})
        if starts:
            words.append(f"pretraining {', '.join(starts)}")
        if changed := {f"{role}.{key}={value}" for role, some in setup.settings.items() for key, value in some.items()}:
            words.append(f"set {', '.join(sorted(changed))}")
        return ", ".join(words)

    def _notes(self, runs: Mapping[str, OpenRun]) -> Iterable[str]:
        if not self._ours.comparable:
            yield (
                f"Ours are of {self._ours.words}, the paper's of MSD-E, which is not to be had: the numbers stand side "
                "by side and are not comparable."
            )
        elif self.setup.preset != "paper":
            yield f"Preset {self.setup.preset} is not the paper's training: a difference is not a failed reproduction."
        for name, run in runs.items():
            yield from (f"UNSOUND: {name}, {reason}" for reason in run.summary.get("unsound") or ())
            yield from (f"TAINTED: {name}, {who}" for who in run.tainted)


def _counted_sets(
    table: PublishedTable, sets: Mapping[str, Path]
) -> tuple[dict[str, dict[str, int | None]], list[str]]:
    """Occluded faces in the sets that are at hand, and what went wrong."""
    found: dict[str, dict[str, int | None]] = {}
    notes = []
    for name in (row.method for row in table.rows if row.method in sets):
        try:
            listed = open_source(name, sets[name], {"subset": "occlusion", "on_bad": "skip"})
        except MsdeError as error:
            notes.append(f"{name} was not counted: {error}")
            continue
        found[name] = {"occluded": len(listed.manifest)}
        notes += [f"{name}: {note}" for note in listed.manifest.notes]
    return found, notes


def _sum(row: Mapping[str, Any] | None, word: str) -> int | None:
    """The columns of a condition, whatever splits it is divided into; None for a class that our data lacks."""
    if row is None:
        return None
    return sum(int(count) for title, count in row.items() if title == word or str(title).startswith(f"{word} "))
