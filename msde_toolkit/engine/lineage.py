"""Which models saw a subject: trained on them, started from a model that was, or taught by one; and so on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from msde_toolkit.data.subject_rows import same_people
from msde_toolkit.engine.fold_of_run import PREFIX, folds_of, repeat_of
from msde_toolkit.engine.run_folder import RunFolder
from msde_toolkit.errors import InputError
from msde_toolkit.files import sha256_of
from msde_toolkit.results.open_run import open_run
from msde_toolkit.results.run_store import RunStore
from msde_toolkit.results.taint import Checkpoint

STARTED, TAUGHT, EVALUATED = "started from", "taught by", "holds the models of"
TRAINED, TESTED, TAUGHT_HERE = "trained on them", "tested on them", "taught by a teacher that was trained on them"


@dataclass(frozen=True, eq=False)
class Origin:
    """What the models of ``child`` come from: ``how`` is ``STARTED``, ``TAUGHT`` or ``EVALUATED``."""

    child: RunFolder
    run: RunFolder
    how: str

    def __str__(self) -> str:
        return f"{self.how} run {self.run.directory.resolve().name}"

    @cached_property
    def models(self) -> Mapping[Checkpoint, Checkpoint]:
        """The earlier model behind each model of ``child``; those that cannot be told are not in it."""
        child = self.child
        if self.how == EVALUATED:
            return {place: place for place in child.checkpoints}
        try:
            earlier = open_run(self.run.directory)
            folds = folds_of(earlier, child.manifest, child.divisions, self.how)
        except InputError:  # it is another one by now, or was taken apart
            return {}
        return {
            place: Checkpoint(fold=folds[place.fold], repeat=repeat_of(earlier, place.repeat))
            for place in child.checkpoints
            if place.fold in folds
        }


@dataclass(eq=False)
class Seen:
    """What a run has to do with a subject.

    Attributes:
        run: its folder.
        checkpoints: that saw the subject.
        why: how, in words; for a run that was only tested on them, too.
    """

    run: RunFolder
    checkpoints: set[Checkpoint] = field(default_factory=set)
    why: dict[str, None] = field(default_factory=dict)

    def add(self, why: str, checkpoints: set[Checkpoint]) -> bool:
        """Note it; whether it was news."""
        if not checkpoints or (why in self.why and checkpoints <= self.checkpoints):
            return False
        self.why[why] = None
        self.checkpoints |= checkpoints
        return True

    @property
    def in_order(self) -> tuple[Checkpoint, ...]:
        """The checkpoints as the run's folder lists them."""
        return tuple(place for place in self.run.checkpoints if place in self.checkpoints)


class Lineage:
    """All runs there are, and which came from which.

    Args:
        runs: runs and teachers. Runs elsewhere that these name by their place are read too.

    Attributes:
        untraced: runs with what they came from, where that is nowhere to be found.
    """

    def __init__(self, runs: Sequence[RunFolder]) -> None:
        self.runs = list(runs)
        self.untraced: list[tuple[RunFolder, str]] = []
        self._origins: dict[RunFolder, list[Origin]] = {}
        for run in self.runs:  # which grows meanwhile
            self._origins[run] = list(self._origins_of(run))

    def saw(self, subject: str, dataset: str) -> list[Seen]:
        """The runs that have to do with a subject, in the order of ``runs``."""
        found = {run: Seen(run) for run in self.runs}
        for run in self.runs:
            if same_people(run.manifest.name, dataset) and run.rows_of(subject).any():
                found[run].add(TRAINED, run.trained_on(subject))
                found[run].add(TAUGHT_HERE, run.taught_on(subject))
                if TRAINED not in found[run].why:
                    found[run].why[TESTED] = None
        digests = _Digests()
        while any(self._inherits(seen, found, digests) for seen in found.values()):
            pass
        return [seen for seen in found.values() if seen.why]

    def _inherits(self, seen: Seen, found: Mapping[RunFolder, Seen], digests: _Digests) -> bool:
        """Note what a run has from others; whether that was news."""
        news = False
        for origin in self._origins[seen.run]:
            if tainted := found[origin.run].checkpoints:
                places = {place for place in seen.run.checkpoints if origin.models.get(place) in {None, *tainted}}
                news |= seen.add(str(origin), places)
        if seen.run.starting_file is not None:
            for other in found.values():
                if seen.run.starting_file in {digests.of(other.run, place) for place in other.checkpoints}:
                    news |= seen.add(str(Origin(seen.run, other.run, STARTED)), set(seen.run.checkpoints))
        return news

    def _origins_of(self, run: RunFolder) -> Iterator[Origin]:
        named = (
            (STARTED, run.starting_run, run.starting_name),
            (TAUGHT, run.teacher, run.teachers_name),
            (EVALUATED, None, run.evaluates),
        )
        for how, place, name in named:
            if place is None and name is None:
                continue
            names = {name, place and Path(place.removeprefix(PREFIX)).name}
            earlier = self._at(place) or [found for found in self.runs if found.names & names]
            if not earlier:
                self.untraced.append((run, f"{how} run {name or place}"))
            yield from (Origin(run, found, how) for found in earlier if found is not run)

    def _at(self, place: str | None) -> list[RunFolder]:
        """The run in that folder, as the command line named it."""
        if place is None:
            return []
        directory = Path(place.removeprefix(PREFIX)).expanduser().resolve()
        there = [run for run in self.runs if run.directory.resolve() == directory]
        if there or not RunStore(directory).config.is_file():
            return there
        try:
            self.runs.append(RunFolder.read(directory))
        except InputError:
            return []
        return self.runs[-1:]


class _Digests:
    """sha256 of models, each read once."""

    def __init__(self) -> None:
        self._known: dict[Path, str | None] = {}

    def of(self, run: RunFolder, place: Checkpoint) -> str | None:
        file = place.files(run.directory).model
        if file not in self._known:
            self._known[file] = sha256_of(file) if file.is_file() else None
        return self._known[file]
