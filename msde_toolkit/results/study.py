"""A study, opened: its finished runs and evaluations, and the comparison that was declared before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msde_toolkit.errors import InputError
from msde_toolkit.results.open_run import OpenRun, open_run
from msde_toolkit.results.run_store import read_toml
from msde_toolkit.results.study_files import DEFINITION, Primary, StudyFolder, finished


@dataclass(frozen=True)
class OpenStudy:
    """What is there of a study.

    Attributes:
        directory: its folder.
        name: of the study.
        declared: when it was declared, before the first training (UTC, ISO 8601).
        definition: ``study.toml`` as plain data.
        data: dataset, manifest's content hash and whether it is synthetic.
        methods: all names, in order.
        targets: all names, in order.
        runs: method to its finished run.
        evaluations: (method, target) to the finished evaluation.
        primary: the declared family; None where everything is exploratory.
        added: method or target to the date on which it was added after the first training: outside the family.
    """

    directory: Path
    name: str
    declared: str
    definition: Mapping[str, Any]
    data: Mapping[str, Any]
    methods: tuple[str, ...]
    targets: tuple[str, ...]
    runs: Mapping[str, OpenRun]
    evaluations: Mapping[tuple[str, str], OpenRun]
    primary: Primary | None
    added: Mapping[str, str] = field(default_factory=dict)

    @property
    def everything(self) -> list[OpenRun]:
        """All finished runs, then all evaluations."""
        return [*self.runs.values(), *self.evaluations.values()]

    @property
    def unfinished(self) -> tuple[str, ...]:
        """What is still to be done: methods, then "method on target"."""
        pairs = [(method, target) for method in self.methods for target in self.targets]
        missing = [f"{method} on {target}" for method, target in pairs if (method, target) not in self.evaluations]
        return (*(method for method in self.methods if method not in self.runs), *missing)


def open_study(directory: Path | str, root: Path | None = None) -> OpenStudy:
    """A study by its folder, finished or not.

    Args:
        directory: as ``msde run --study`` made it.
        root: where the study's data is now, if it moved. Targets are where they were.

    Raises:
        InputError: not a study; or a file in it is damaged.
    """
    folder = StudyFolder(Path(directory))
    if not folder.definition.is_file() or not folder.facts.is_file():
        message = f"{directory}: not a study (no {DEFINITION} and study.json in it). Make one: msde run --study FILE"
        raise InputError(message)
    facts = folder.read_facts()
    runs = {name: open_run(folder.run(name), root) for name in facts.methods if finished(folder.run(name))}
    pairs = [(method, target) for method in facts.methods for target in facts.targets]
    return OpenStudy(
        directory=folder.directory,
        name=facts.name,
        declared=facts.declared,
        definition=read_toml(folder.definition),
        data=facts.data,
        methods=tuple(facts.methods),
        targets=tuple(facts.targets),
        runs=runs,
        evaluations={pair: open_run(folder.evaluation(*pair)) for pair in pairs if finished(folder.evaluation(*pair))},
        primary=facts.primary,
        added={name: date for dates in facts.added.values() for name, date in dates.items()},
    )
