"""A run: all folds and repeats of one configuration, resumable, told to listeners, summed up from its predictions."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from msde_toolkit.data.folds import Fold
from msde_toolkit.data.image_cache import Progress
from msde_toolkit.engine.config import RunConfig, load_config
from msde_toolkit.engine.fold import EpochListener, again_if_damaged, run_fold
from msde_toolkit.engine.prepare import Prepared, divide, prepare, training_rows
from msde_toolkit.engine.provenance import provenance
from msde_toolkit.engine.run_directory import RUNS, check_out, new_directory
from msde_toolkit.engine.teacher import CONDITION, Teachers
from msde_toolkit.engine.trainer import EpochReport
from msde_toolkit.errors import InputError, Interrupted, MsdeError
from msde_toolkit.hooks import Listeners
from msde_toolkit.interfaces import Forward
from msde_toolkit.results.run_store import RunStore, read_json, write_json, write_text
from msde_toolkit.results.summary import summarise
from msde_toolkit.types import EpochEnded, FoldEnded, FoldStarted, RunFailed, RunFinished, RunStarted, load_manifest


@dataclass(frozen=True)
class RunResult:
    """A finished run: its folder and what ``summary.json`` says."""

    directory: Path
    summary: dict[str, Any]


def run(
    config: RunConfig,
    *,
    out: Path | None = None,
    listeners: Iterable[object] = (),
    progress: Progress | None = None,
    command: Sequence[str] | None = None,
) -> RunResult:
    """Train and test every fold and repeat.

    Args:
        config: what to run.
        out: the run's folder, new or empty; by default ``runs/<date>-<model>-<loss>-<data>``.
        listeners: objects with hook methods, besides the installed listeners.
        progress: called with (images decoded, images in all) where images are not in the cache yet.
        command: recorded in ``provenance.json``.

    Raises:
        InputError: something is wrong with the configuration or the data; nothing is left behind.
        MsdeError: training failed; ``resume`` goes on.
        Interrupted: Ctrl-C; ``resume`` goes on.
    """
    check_out(out)
    prepared = prepare(config, progress)
    try:
        store = RunStore(new_directory(config, out))
        write_json(store.folds, prepared.folds.as_dict())
        write_json(store.provenance, provenance(prepared, command))
        store.write_manifest(prepared.manifest)
        write_text(store.config, config.to_toml())
    except OSError as error:
        message = f"{out or RUNS}: cannot be written ({error.strerror}); choose another folder with --out."
        raise InputError(message) from error
    return _Run(prepared, store, Listeners(listeners)).all_folds(resumed=False)


def resume(directory: Path, *, listeners: Iterable[object] = (), progress: Progress | None = None) -> RunResult:
    """Go on with a stopped run, to the same final numbers as if it had never stopped.

    Raises:
        InputError: not a run; or its plugins, data, folds, options or starting weights are not what they were.
    """
    store = RunStore(directory)
    if not store.config.is_file():
        message = f"--resume {directory}: not a run (no config.toml in it)."
        raise InputError(message)
    recorded, folds = read_json(store.provenance), read_json(store.folds)
    try:
        config = RunConfig.create(**load_config(store.config))
    except InputError as error:
        message = f"--resume {directory}: its config.toml is damaged or of another version.\n{error}"
        raise InputError(message) from error
    try:
        # What "auto" found then is what counts now: a run must not change precision half-way.
        config = config.model_copy(update={"precision": str(recorded["precision"]["used"])})
        started = {**recorded, "folds": folds["folds"]}
    except (KeyError, TypeError) as error:
        message = f"{store.provenance} or {store.folds.name} is damaged; start a new run."
        raise InputError(message) from error
    if isinstance(config.folds, Path):
        config = config.model_copy(update={"folds": store.folds})
    prepared = prepare(config, progress)
    _check_same(prepared, started, directory)
    store.remove_partial_files()
    _mend_manifest(store, prepared)
    return _Run(prepared, store, Listeners(listeners), _trained_before(store, prepared)).all_folds(resumed=True)


def _check_same(prepared: Prepared, started: Mapping[str, Any], directory: Path) -> None:
    """A run goes on only with what it started with: anything else would end in numbers that nobody can repeat."""
    now = {**json.loads(json.dumps(provenance(prepared))), "folds": prepared.folds.as_dict()["folds"]}
    told = {
        "plugins": "the plugins, or their versions, are not those",
        "data": f"{prepared.config.data} is not the data",
        "folds": "the folds are not those",
        "options": "the options of this version are not those",
        "weights_sha256": f"the weights {prepared.config.weights} are not those",
        "select": "the rule that keeps an epoch is not that",
    }
    for key, what in told.items():
        if now[key] != started.get(key):
            message = f"--resume {directory}: {what} this run started with; start a new run."
            raise InputError(message)


def _mend_manifest(store: RunStore, prepared: Prepared) -> None:
    """Write the samples again where their file was damaged."""
    try:
        same = load_manifest(store.manifest).content_hash() == prepared.manifest.content_hash()
    except InputError:
        same = False
    if not same:
        store.write_manifest(prepared.manifest)


def _trained_before(store: RunStore, prepared: Prepared) -> float:
    """Seconds of the epochs that are in the run's histories."""
    names = [fold.name for fold in prepared.folds.folds]
    files = [store.fold(name, repeat) for repeat in range(prepared.config.repeats) for name in names]
    return sum(float(line.get("seconds", 0.0)) for file in files for line in file.read_history())


Result = TypeVar("Result")


def _explained(work: Callable[[], Result]) -> Result:
    """What it returns; running out of memory is told with what to do.

    Raises:
        MsdeError: out of memory.
    """
    try:
        return work()
    except RuntimeError as error:
        if "out of memory" not in str(error).lower():
            raise
        message = "Out of memory. Use a smaller --set train.batch_size=... or train.image_size=..."
        raise MsdeError(message) from error


@dataclass(frozen=True)
class _Run:
    prepared: Prepared
    store: RunStore
    listeners: Listeners
    seconds_before: float = 0.0

    @cached_property
    def teachers(self) -> Teachers | None:
        """Of a loss that needs them."""
        return Teachers(self.prepared) if self.prepared.loss.needs_teacher else None

    @property
    def name(self) -> str:
        return self.store.directory.resolve().name

    def all_folds(self, *, resumed: bool) -> RunResult:
        begin = time.monotonic()
        self._started(resumed)
        try:
            for repeat in range(self.prepared.config.repeats):
                for fold in self.prepared.folds.folds:
                    self._one_fold(fold, repeat)
            summary = summarise(self.store, self._facts(self.seconds_before + time.monotonic() - begin))
        except KeyboardInterrupt as error:
            message = f"Stopped. Go on with: msde run --resume {self.store.directory}"
            self.listeners.tell("msde_run_failed", RunFailed(self.name, self.store.directory, message))
            raise Interrupted(message) from error
        except Exception as error:
            self.listeners.tell("msde_run_failed", RunFailed(self.name, self.store.directory, str(error)))
            raise
        summary = self._kept(summary)
        self.listeners.tell("msde_run_finished", RunFinished(self.name, self.store.directory, summary))
        return RunResult(self.store.directory, summary)

    def _kept(self, summary: dict[str, Any]) -> dict[str, Any]:
        """Write the summary; one that says the same already, of a run that was complete, is left as it is."""
        if self.store.summary.is_file():
            with suppress(InputError):
                before = read_json(self.store.summary)
                if isinstance(before, dict) and {**before, "seconds": None} == {**summary, "seconds": None}:
                    return before
        write_json(self.store.summary, summary)
        return summary

    def _started(self, resumed: bool) -> None:
        config, prepared = self.prepared.config, self.prepared
        event = RunStarted(
            run=self.name,
            directory=self.store.directory,
            model=config.model,
            loss=config.loss,
            dataset=prepared.manifest.name,
            synthetic=prepared.manifest.synthetic,
            folds=len(prepared.folds.folds),
            repeats=config.repeats,
            epochs=prepared.train.epochs,
            resumed=resumed,
            notes=prepared.notes,
            teachers=self.teachers.missing() if self.teachers else 0,
        )
        self.listeners.tell("msde_run_started", event)

    def _one_fold(self, fold: Fold, repeat: int) -> None:
        files = self.store.fold(fold.name, repeat)
        begin = time.monotonic()
        predictions = files.read_predictions()
        teacher = self._teacher(fold, repeat) if self.teachers and predictions is None else None
        self._fold_started(fold, repeat, fold.name, self.prepared.train_on)
        if predictions is None:
            predictions = self._train(fold, repeat, teacher)
        right = predictions["logits"].map(lambda row: int(row.argmax())) == predictions["label"]
        accuracy = {str(word): float(value) for word, value in right.groupby(predictions["condition"]).mean().items()}
        self.listeners.tell(
            "msde_fold_ended", FoldEnded(self.name, repeat, fold.name, accuracy, time.monotonic() - begin)
        )

    def _fold_started(self, fold: Fold, repeat: int, name: str, train_on: str) -> None:
        prepared = self.prepared
        fit, _ = divide(prepared.config, prepared.settings.select, prepared.manifest, fold, repeat)
        training = training_rows(prepared.manifest, fit, train_on).size
        self.listeners.tell("msde_fold_started", FoldStarted(self.name, repeat, name, training, len(fold.test)))

    def _teacher(self, fold: Fold, repeat: int) -> Forward:
        """The fold's frozen teacher; its training, where it is missing, is told like a fold's."""
        assert self.teachers is not None
        name = f"teacher-{fold.name}"
        begin, missing = time.monotonic(), self.teachers.is_missing(fold, repeat)
        if missing:
            self._fold_started(fold, repeat, name, CONDITION)
        teacher = _explained(lambda: self._teachers_forward(fold, repeat, name))
        if missing:
            self.listeners.tell("msde_fold_ended", FoldEnded(self.name, repeat, name, {}, time.monotonic() - begin))
        return teacher

    def _teachers_forward(self, fold: Fold, repeat: int, name: str) -> Forward:
        assert self.teachers is not None
        return self.teachers.forward(fold, repeat, self._epochs_of(name, repeat))

    def _epochs_of(self, name: str, repeat: int) -> EpochListener:
        def epoch_ended(report: EpochReport) -> None:
            event = EpochEnded(
                run=self.name,
                repeat=repeat,
                fold=name,
                epoch=report.epoch,
                epochs=self.prepared.train.epochs,
                losses=report.losses,
                images_per_second=report.images / max(report.seconds, 1e-9),
                seconds=report.seconds,
            )
            self.listeners.tell("msde_epoch_ended", event)

        return epoch_ended

    def _train(self, fold: Fold, repeat: int, teacher: Forward | None) -> pd.DataFrame:
        files = self.store.fold(fold.name, repeat)
        listener = self._epochs_of(fold.name, repeat)

        def train() -> pd.DataFrame:
            return run_fold(self.prepared, fold, repeat, files, listener, teacher)

        return _explained(lambda: again_if_damaged(train))

    def _facts(self, seconds: float) -> dict[str, Any]:
        config, prepared = self.prepared.config, self.prepared
        return {
            "run": self.name,
            "model": config.model,
            "loss": config.loss,
            "dataset": prepared.manifest.name,
            "mask": config.mask,
            "synthetic": prepared.manifest.synthetic,
            "preset": config.preset,
            "profile": config.profile,
            "unsound": list(prepared.settings.unsound),
            "train_on": prepared.train_on,
            "select": prepared.settings.select,
            "pretraining": prepared.weights.label,
            "weights_sha256": prepared.weights.sha256,
            "teacher": self.teachers.describe() if self.teachers else None,
            "repeats": config.repeats,
            "identity": "independent" if prepared.folds.independent else "unknown",
            "parameters": dict(prepared.parameters),
            "folds": [fold.name for fold in prepared.folds.folds],
            "seconds": round(seconds, 1),
            "notes": list(prepared.notes),
        }
