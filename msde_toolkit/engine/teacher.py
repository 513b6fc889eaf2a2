"""Teachers: one a fold, trained on the unmasked images of that fold's training subjects alone.

A teacher is a run like any other (cross entropy, ``--train-on nm``). It is kept in the cache under everything that
decides its numbers, so that all runs that need the same one share it, and a second process waits for it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock
from torch import Tensor

from msde_toolkit.create import create_loss
from msde_toolkit.data.folds import Fold
from msde_toolkit.engine.device import Compute
from msde_toolkit.engine.fold import EpochListener, again_if_damaged, run_fold
from msde_toolkit.engine.fold_of_run import AUTO, folds_of, opened, repeat_of
from msde_toolkit.engine.prepare import Prepared
from msde_toolkit.engine.provenance import provenance
from msde_toolkit.engine.trainer import in_single_precision
from msde_toolkit.files import cache_directory
from msde_toolkit.interfaces import Forward, Model
from msde_toolkit.registry import Registry
from msde_toolkit.results.open_run import OpenRun
from msde_toolkit.results.run_store import FoldFiles, RunStore, write_json, write_text
from msde_toolkit.types import ModelOutput

LOSS, CONDITION = "ce", "nm"
"""How a teacher is trained (paper Sec. 3.3: "already trained on non-masked images for FER")."""

SHARED = "shared"
"""Name of the one fold of a teacher that all folds share."""

NOT_ITS_NUMBERS = ("started", "command", "git", "versions", "seeds")
"""Entries of provenance that say who asked, and when, not what the numbers are."""


@dataclass(frozen=True)
class Teachers:
    """The teachers of one run.

    Args:
        prepared: the student's run, whose loss needs a teacher.
    """

    prepared: Prepared

    def is_missing(self, fold: Fold, repeat: int) -> bool:
        """Whether this fold's teacher must be trained first."""
        return self.prepared.config.teacher == AUTO and not self._files(fold, repeat).done

    def missing(self) -> int:
        """How many teachers must be trained for this run."""
        missing = {
            self._files(fold, repeat).directory
            for repeat in range(self.prepared.config.repeats)
            for fold in self.prepared.folds.folds
            if self.is_missing(fold, repeat)
        }
        return len(missing)

    def describe(self) -> dict[str, Any]:
        """For the summary: where the teachers come from."""
        if self.prepared.config.teacher == AUTO:
            return {"source": "trained here", "loss": LOSS, "train_on": CONDITION, "id": self._key}
        run = self._given
        told = {"loss": run.summary["loss"], "train_on": run.summary.get("train_on"), "id": run.name}
        return {"source": f"run {run.name}", **told}

    def forward(self, fold: Fold, repeat: int, listener: EpochListener) -> Forward:
        """The frozen teacher of a fold; trained first where it is missing.

        Args:
            fold: of the student's run.
            repeat: of the student's run.
            listener: hears of the epochs of a teacher that is trained.
        """
        compute = self.prepared.compute
        if self.prepared.config.teacher != AUTO:
            run = self._given
            return frozen(run.model(self._given_folds[fold.name], repeat_of(run, repeat)), compute)
        files = self._files(fold, repeat)
        if not files.done:
            self._train(self._fold(fold), repeat, files, listener)
        teacher = self._open(fold, repeat, files)
        return frozen(teacher, compute, of_features=teacher.frozen)

    def _open(self, fold: Fold, repeat: int, files: FoldFiles) -> Model:
        from msde_toolkit.weights import load_strict, read_weights

        model = self._run.new_model(fold.name, repeat)
        load_strict(model, read_weights(files.model))
        return model

    @cached_property
    def _given(self) -> OpenRun:
        return opened(self.prepared.config.teacher, "--teacher")

    @cached_property
    def _given_folds(self) -> dict[str, str]:
        prepared = self.prepared
        return folds_of(self._given, prepared.manifest, prepared.folds.folds, f"--teacher {prepared.config.teacher}")

    @cached_property
    def _run(self) -> Prepared:
        """The teachers' run: the student's, but for loss and training images."""
        prepared = self.prepared
        settings = replace(prepared.settings, loss=create_loss(LOSS))
        config = prepared.config.model_copy(update={"loss": LOSS, "train_on": CONDITION, "set_loss": {}})
        plugins = {**prepared.plugins, "loss": Registry("losses").info(LOSS)}
        return replace(prepared, config=config, settings=settings, train_on=CONDITION, plugins=plugins)

    def _fold(self, fold: Fold) -> Fold:
        if not self.prepared.train.shared_teacher:
            return fold
        everyone = np.arange(len(self.prepared.manifest))
        return Fold(SHARED, everyone, everyone)

    def _files(self, fold: Fold, repeat: int) -> FoldFiles:
        return self._store.fold(self._fold(fold).name, repeat)

    @property
    def _store(self) -> RunStore:
        return RunStore(cache_directory("teachers") / self._key)

    @cached_property
    def _key(self) -> str:
        """Of everything that decides a teacher's numbers."""
        facts = {key: value for key, value in provenance(self._run).items() if key not in NOT_ITS_NUMBERS}
        # Why it is this precision is told with a measured speed, which is another one at every start.
        facts["precision"] = facts["precision"]["used"]
        facts |= {"folds": self.prepared.folds.as_dict(), "seed": self.prepared.config.seed}
        return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:32]

    def _train(self, fold: Fold, repeat: int, files: FoldFiles, listener: EpochListener) -> None:
        store = self._store
        store.directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(_beside(store.directory)):
            if files.done:  # another run has trained it while this one waited
                return
            run = self._run
            if not store.config.exists():
                write_json(store.folds, run.folds.as_dict())
                write_json(store.provenance, provenance(run))
                store.write_manifest(run.manifest)
                write_text(store.config, run.config.to_toml())
            again_if_damaged(lambda: run_fold(run, fold, repeat, files, listener))


def _beside(directory: Path) -> str:
    return str(directory.with_suffix(".lock"))


def frozen(model: Model, compute: Compute, *, of_features: bool = False) -> Forward:
    """A model as a teacher: evaluation mode, no gradient, images in [0, 1] to an output in single precision.

    Args:
        model: on any device; moved to the run's.
        compute: of the student's run.
        of_features: the student's backbone is frozen like the teacher's, so that both are shown stored features.
    """
    model.to(compute.device).to(memory_format=torch.channels_last).eval().requires_grad_(False)

    @torch.no_grad()
    def forward(images: Tensor) -> ModelOutput:
        if of_features:
            return model.classify(images)
        with torch.autocast(compute.device.type, torch.bfloat16, enabled=compute.precision == "bf16"):
            return in_single_precision(model(model.input_spec.normalise(images)))

    return forward
