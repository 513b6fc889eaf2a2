"""All folds and repeats of one run, one after the other, told to listeners, summed up from their predictions."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import pandas as pd

from msde_toolkit.data.folds import Fold
from msde_toolkit.engine.fold import EpochListener, again_if_damaged, run_fold
from msde_toolkit.engine.prepare import Prepared, divide, training_rows
from msde_toolkit.engine.teacher import CONDITION, Teachers
from msde_toolkit.engine.trainer import EpochReport
from msde_toolkit.errors import InputError, Interrupted, MsdeError
from msde_toolkit.hooks import Listeners
from msde_toolkit.interfaces import Forward
from msde_toolkit.registry import shown_name
from msde_toolkit.results import ledger
from msde_toolkit.results.run_store import RunStore, read_json, write_json
from msde_toolkit.results.summary import summarise
from msde_toolkit.types import EpochEnded, FoldEnded, FoldStarted, RunFailed, RunFinished, RunStarted

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
class AllFolds:
    """All folds and repeats of a prepared run.

    Args:
        prepared: what to run.
        store: its folder.
        listeners: hear of every step.
        seconds_before: spent on it before it was resumed.
    """

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
        """The run's id: its folder's name."""
        return self.store.directory.resolve().name

    def run(self, *, resumed: bool) -> dict[str, Any]:
        """Train and test what is not done yet; the summary.

        Raises:
            MsdeError: training failed; it can be resumed.
            Interrupted: Ctrl-C; it can be resumed.
        """
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
        ledger.record(self.store)
        self.listeners.tell("msde_run_finished", RunFinished(self.name, self.store.directory, summary))
        return summary

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
        predictions = self.store.fold(fold.name, repeat).read_predictions()
        teacher = self._teacher(fold, repeat) if self.teachers and predictions is None else None
        begin = time.monotonic()
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
            "mask": config.mask and shown_name(config.mask),
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
