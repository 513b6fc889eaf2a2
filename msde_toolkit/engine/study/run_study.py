"""Run a study: every method trained, then tested on every target; what is done is read, what was stopped goes on."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msde_toolkit.engine.study.definition import Study, load_study
from msde_toolkit.engine.study.differences import same
from msde_toolkit.engine.study.parts import alone
from msde_toolkit.errors import InputError, Interrupted
from msde_toolkit.options import nearest
from msde_toolkit.results.run_store import RunStore
from msde_toolkit.results.study_files import StudyFacts, StudyFolder, finished

if TYPE_CHECKING:
    from msde_toolkit.data.image_cache import Progress

STUDIES = Path("runs")
"""Where studies go by default: to ``runs/<name>``."""


@dataclass(frozen=True)
class StudyResult:
    """A study, as far as it was asked for.

    Attributes:
        directory: its folder.
        runs: method to the folder of its finished run.
        evaluations: (method, target) to the folder of the finished evaluation.
    """

    directory: Path
    runs: Mapping[str, Path]
    evaluations: Mapping[tuple[str, str], Path]


def run_study(
    study: Study,
    out: Path | None = None,
    *,
    listeners: Iterable[object] = (),
    progress: Progress | None = None,
    only: Sequence[str] | None = None,
    command: Sequence[str] | None = None,
    say: Callable[[str], None] | None = None,
) -> StudyResult:
    """Train and test what is not done yet.

    Args:
        study: what to do.
        out: its folder, by default ``runs/<name>``: new, empty, or of the same study, perhaps with fewer methods.
        listeners: objects with hook methods; they hear of every method's run.
        progress: called with (images decoded, images in all).
        only: names of the methods to do now; by default all.
        command: recorded in each run's ``provenance.json``.
        say: told in a line what comes next.

    Raises:
        InputError: something is wrong with the study or its data (nothing is written then), or with one method; or
            another study is in the folder.
        MsdeError: a training failed; the next call goes on.
        Interrupted: Ctrl-C; the next call goes on.
    """
    wanted = _wanted(study, only)
    folder = StudyFolder(STUDIES / study.name if out is None else out)
    work = _Work(study, folder, tuple(listeners), progress, command, say or (lambda _: None))
    runs: dict[str, Path] = {}
    evaluations: dict[tuple[str, str], Path] = {}
    try:
        work.declare()
        for method in wanted:
            runs[method] = work.train(method)
            for target in study.targets:
                evaluations[method, target] = work.evaluate(method, target)
    except (KeyboardInterrupt, Interrupted) as error:
        message = f"Stopped. Go on with: msde run --study {folder.directory}"
        raise Interrupted(message) from error
    return StudyResult(folder.directory, runs, evaluations)


def _wanted(study: Study, only: Sequence[str] | None) -> tuple[str, ...]:
    """The methods to do, in the study's order."""
    for name in only or ():
        if name not in study.methods:
            message = f"study {study.name}: no method is called {name!r}. {nearest(name, study.methods)}"
            raise InputError(message)
    return study.methods if only is None else tuple(name for name in study.methods if name in only)


@dataclass(frozen=True)
class _Work:
    """What a call of ``run_study`` does, bit by bit. torch is imported only where something is left to do."""

    study: Study
    folder: StudyFolder
    listeners: tuple[object, ...]
    progress: Progress | None
    command: Sequence[str] | None
    say: Callable[[str], None]

    def declare(self) -> None:
        """Write the declaration, unless it stands there as it is."""
        directory = self.folder.directory
        if directory.exists() and not directory.is_dir():
            message = f"--out {directory}: is a file."
            raise InputError(message)
        before = self._before()
        if before is not None and same(before[0], self.study):
            return
        from msde_toolkit.engine.study.declare import declare

        self.say(f"Checking study {self.study.name}: {', '.join(self.study.methods)}")
        declare(self.study, self.folder, before if self.folder.begun else None, self.progress)

    def _before(self) -> tuple[Study, StudyFacts] | None:
        """What was declared in the folder, and noted of it."""
        directory = self.folder.directory
        if not self.folder.definition.is_file():
            # Folds and facts are written first: a kill in between leaves them alone.
            rest = [path.name for path in directory.glob("*") if path not in (self.folder.folds, self.folder.facts)]
            if rest:
                message = f"--out {directory}: is there already, and holds no study ({rest[0]})."
                raise InputError(message)
            return None
        return load_study(self.folder.definition), self.folder.read_facts()

    def train(self, method: str) -> Path:
        """A method's run, finished."""
        place = self.folder.run(method)
        if finished(place):
            return place
        number = f"{self.study.methods.index(method) + 1} of {len(self.study.methods)}"
        with alone(place, f"method {method}"):
            from msde_toolkit.engine.run import resume, run

            self._check_data()
            self.say(f"Method {number}: {method}")
            told: dict[str, Any] = {"listeners": self.listeners, "progress": self.progress}
            if RunStore(place).config.is_file():
                resume(place, **told)
            else:
                shutil.rmtree(place, ignore_errors=True)  # killed before there was anything to go on with
                run(self.study.config(method, self._folds(method)), out=place, command=self.command, **told)
        return place

    def evaluate(self, method: str, target: str) -> Path:
        """A method's models on a target, finished."""
        place = self.folder.evaluation(method, target)
        if finished(place):
            return place
        with alone(place, f"method {method} on {target}"):
            from msde_toolkit.engine.evaluate import evaluate
            from msde_toolkit.engine.study.declare import target_of

            self.say(f"Testing {method} on {target}")
            shutil.rmtree(place, ignore_errors=True)  # an evaluation that was killed is made anew
            spec = next(spec for spec in self.study.target if spec.name == target)
            run = self.folder.run(method)
            evaluate(run, target_of(spec), out=place, progress=self.progress, command=self.command)
        return place

    def _check_data(self) -> None:
        """Methods of a study are trained on the same data, whenever that is.

        Raises:
            InputError: if it has changed since the study was declared.
        """
        from msde_toolkit.engine.study.declare import open_study_data

        declared = self.folder.read_facts().data.get("manifest_sha256")
        if open_study_data(self.study, self.progress).manifest.content_hash() != declared:
            message = (
                f"study {self.study.name}: {self.study.data.name} is not the data that it was declared for.\n"
                f"Bring that back, or start the study anew with another --out."
            )
            raise InputError(message)

    def _folds(self, method: str) -> int | Path | None:
        """The shared folds; not where the dataset's own split, or a mistake of released code, decides."""
        from msde_toolkit.engine.settings import resolve

        alone = resolve(self.study.config(method, None)).train.released_folds
        if alone and not isinstance(self.study.folds, Path):
            return self.study.folds
        return self.folder.folds if self.folder.folds.is_file() else None
