"""A folder with trained models, as it is on the disk: a run, finished or not, an evaluation, a teacher in the cache."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from msde_toolkit.data.folds import Fold
from msde_toolkit.engine.fold_of_run import AUTO, PREFIX
from msde_toolkit.engine.prepare import training_rows
from msde_toolkit.engine.starting_weights import IMAGENET, NONE
from msde_toolkit.engine.teacher import CONDITION
from msde_toolkit.errors import InputError
from msde_toolkit.registry import Registry
from msde_toolkit.results.run_store import RunStore, read_json, read_toml
from msde_toolkit.results.taint import Checkpoint
from msde_toolkit.types import Manifest, load_manifest


@dataclass(frozen=True, eq=False)
class RunFolder:
    """What can be said of a run from its small files. Whatever one of them does not say, the worst is assumed.

    Attributes:
        directory: the folder.
        manifest: the run's samples.
        config, provenance, summary, folds: its documents; empty where they are missing or damaged.
    """

    directory: Path
    manifest: Manifest
    config: Mapping[str, Any]
    provenance: Mapping[str, Any]
    summary: Mapping[str, Any]
    folds: Mapping[str, Any]

    @classmethod
    def read(cls, directory: Path) -> RunFolder:
        """Read what is there.

        Raises:
            InputError: if its manifest cannot be read: nothing is known then of whom it saw.
        """
        store = RunStore(directory)
        manifest = load_manifest(store.manifest)
        config: Mapping[str, Any] = {}
        with suppress(InputError):
            config = read_toml(store.config)
        return cls(
            directory, manifest, config, _document(store.provenance), _document(store.summary), _document(store.folds)
        )

    @property
    def names(self) -> set[str]:
        """What other runs may call it: its folder's name, and the one that it had when it ended."""
        return {self.directory.resolve().name, str(self.summary.get("run", self.directory.resolve().name))}

    @cached_property
    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """Every model that is there."""
        return tuple(Checkpoint(fold=fold, repeat=repeat) for fold, repeat in RunStore(self.directory).trained())

    @property
    def evaluates(self) -> str | None:
        """The run whose models these are; None where they were trained here, or there are none."""
        before = self.provenance.get("evaluates")
        return str(before["run"]) if isinstance(before, Mapping) and "run" in before else None

    @property
    def only_predicts(self) -> bool:
        """Whether nothing was trained here."""
        return bool(self.provenance.get("evaluates"))

    @property
    def teacher(self) -> str | None:
        """The run that was named as the teacher; None where there is none, or it was trained by the engine."""
        given = self._chosen("teacher", AUTO)
        return None if given == AUTO else given

    @property
    def starting_run(self) -> str | None:
        """The run that the models started from."""
        given = self._chosen("weights", NONE)
        return given if given.startswith(PREFIX) else None

    @property
    def starting_file(self) -> str | None:
        """sha256 of the weights file that the models started from."""
        given, sha = self._chosen("weights", NONE), self.provenance.get("weights_sha256")
        return None if given in (NONE, IMAGENET) or given.startswith(PREFIX) or sha is None else str(sha)

    @property
    def starting_name(self) -> str | None:
        """What the run that it started from was called: recorded as "run NAME (DATA)"."""
        label = str(self.provenance.get("pretraining", ""))
        return (
            label.removeprefix("run ").rpartition(" (")[0] if self.starting_run and label.startswith("run ") else None
        )

    @property
    def teachers_name(self) -> str | None:
        """What the run that taught it was called; known once it has ended."""
        taught = self.summary.get("teacher")
        return str(taught["id"]) if self.teacher and isinstance(taught, Mapping) and "id" in taught else None

    def _chosen(self, option: str, default: str) -> str:
        """What the models were trained with; an evaluation repeats the options of the run whose models it has."""
        return default if self.only_predicts else str(self.config.get(option, default))

    @cached_property
    def _groups(self) -> npt.NDArray[np.object_]:
        return self.manifest.groups()

    def rows_of(self, subject: str) -> npt.NDArray[np.bool_]:
        """``[n]`` whether the sample is of the subject."""
        return np.asarray(self._groups == subject, dtype=bool)

    @cached_property
    def divisions(self) -> tuple[Fold, ...]:
        """The folds in ``folds.json``; empty where it does not say them, as for an evaluation."""
        try:
            return tuple(self._division(str(entry["fold"]), entry["test"]) for entry in self.folds["folds"])
        except (KeyError, TypeError):
            return ()

    def _division(self, name: str, held_out: list[str] | None) -> Fold:
        if held_out is None:
            split = self.manifest.frame["split"]
            return Fold(name, np.flatnonzero(split == "train"), np.flatnonzero(split == "test"))
        inside = pd.Index(self._groups).isin(held_out)
        return Fold(name, np.flatnonzero(~inside), np.flatnonzero(inside))

    def trained_on(self, subject: str) -> set[Checkpoint]:
        """The models whose training data, or choice of epoch, has samples of the subject."""
        if self.only_predicts or not self.rows_of(subject).any():
            return set()
        if not self.provenance:
            return set(self.checkpoints)
        train_on = str(self.provenance.get("train_on", "mix"))
        return {place for place in self.checkpoints if self._shows(place.fold, subject, train_on)}

    def taught_on(self, subject: str) -> set[Checkpoint]:
        """The models whose teacher, trained by the engine, has seen the subject."""
        if self.only_predicts or self.teacher or not self._has_teacher:
            return set()
        if self._train_option("shared_teacher"):
            everyone = np.arange(len(self.manifest))
            seen = self._is_among(Fold("", everyone, everyone), subject, CONDITION)
            return set(self.checkpoints) if seen else set()
        return {place for place in self.checkpoints if self._shows(place.fold, subject, CONDITION)}

    def _shows(self, name: str, subject: str, train_on: str) -> bool:
        """Whether the subject is among what that fold trains on; yes where the fold is unknown."""
        fold = next((fold for fold in self.divisions if fold.name == name), None)
        if fold is None:
            return True
        chosen_on_test = self.provenance.get("select") == "test" and self.rows_of(subject)[fold.test]
        return self._is_among(fold, subject, train_on) or bool(np.any(chosen_on_test))

    def _is_among(self, fold: Fold, subject: str, train_on: str) -> bool:
        try:
            rows = training_rows(self.manifest, fold, train_on)
        except InputError:  # nothing, or next to nothing, to train on
            return False
        return bool(self.rows_of(subject)[rows].any())

    @property
    def _has_teacher(self) -> bool:
        if self.summary:
            return self.summary.get("teacher") is not None
        try:
            return bool(Registry("losses").get(str(self.config.get("loss"))).needs_teacher)
        except InputError:
            return True

    def _train_option(self, name: str) -> bool:
        options = self.provenance.get("options")
        train = options.get("train") if isinstance(options, Mapping) else None
        return bool(train.get(name)) if isinstance(train, Mapping) else True


def _document(file: Path) -> Mapping[str, Any]:
    with suppress(InputError):
        document = read_json(file)
        if isinstance(document, dict):
            return document
    return {}


def read_all(directories: Sequence[Path]) -> tuple[list[RunFolder], dict[Path, str]]:
    """Every folder that can be read, and why the others cannot."""
    runs, unread = [], {}
    for directory in directories:
        try:
            runs.append(RunFolder.read(directory))
        except InputError as error:
            unread[directory] = str(error)
    return runs, unread
