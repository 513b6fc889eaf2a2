"""One fold of a run from its files to its files: train (or go on), predict the held-out samples, write."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from safetensors.torch import save_file
from torch import Tensor

from msde_toolkit.data.augmentation import AugmentationOptions
from msde_toolkit.data.batches import BatchSource, Rows, TrainingPlan
from msde_toolkit.data.folds import Fold
from msde_toolkit.engine.embedding import embedded
from msde_toolkit.engine.prepare import Prepared, divide, training_rows
from msde_toolkit.engine.trainer import EpochReport, FoldTrainer
from msde_toolkit.files import whole
from msde_toolkit.interfaces import Forward
from msde_toolkit.randomness import Key
from msde_toolkit.results.effect import shares
from msde_toolkit.results.run_store import FoldFiles, prediction_table

EpochListener = Callable[[EpochReport], None]


@dataclass
class Best:
    """The epoch chosen on validation rows (``--select inner``; on test rows, where that mistake is repeated)."""

    score: float = -1.0
    epoch: int = -1
    weights: dict[str, Tensor] = field(default_factory=dict)


def run_fold(
    prepared: Prepared,
    fold: Fold,
    repeat: int,
    files: FoldFiles,
    listener: EpochListener,
    teacher: Forward | None = None,
) -> pd.DataFrame:
    """Train, predict and write one fold. Goes on from ``last.ckpt`` where there is one, to the same final numbers."""
    fit, validation = divide(prepared.config, prepared.settings.select, prepared.manifest, fold, repeat)
    trainer = _trainer(prepared, fit, repeat, teacher)
    best = Best()
    history = _resume(trainer, best, files)
    saved = time.monotonic()
    while trainer.epoch < prepared.train.epochs:
        report = trainer.run_epoch()
        line = _line(report)
        if len(validation):
            line[f"{prepared.settings.select}_accuracy"] = _validate(trainer, best, prepared, validation)
        history.append(line)
        files.write_history(history)
        if time.monotonic() - saved >= prepared.train.checkpoint_seconds and trainer.epoch < prepared.train.epochs:
            _checkpoint(trainer, best, files.checkpoint)
            saved = time.monotonic()
        listener(report)
    if len(validation):
        trainer.model.load_state_dict(best.weights)
    logits, seed = trainer.predict(fold.test), prepared.config.seed
    predictions = prediction_table(prepared.manifest, fold.test, logits, fold.name, repeat, seed)
    _save_model(trainer, files.model, {"epoch": str(best.epoch if len(validation) else trainer.epoch - 1)})
    files.write_predictions(predictions)
    files.checkpoint.unlink(missing_ok=True)
    return predictions


def _trainer(prepared: Prepared, fold: Fold, repeat: int, teacher: Forward | None) -> FoldTrainer:
    manifest, train, device = prepared.manifest, prepared.train, prepared.compute.device
    seed: tuple[Key, ...] = (prepared.config.seed, repeat, fold.name)
    rows = training_rows(manifest, fold, prepared.train_on)
    model = prepared.new_model(fold.name, repeat)
    inputs = embedded(model, prepared.images, device) if model.frozen else prepared.images.pixels
    changes = {name: getattr(train, name) for name in AugmentationOptions.model_fields}
    plan = TrainingPlan(rows, train.batch_size, AugmentationOptions(**changes))
    return FoldTrainer(
        model=model,
        loss=prepared.loss,
        source=BatchSource(manifest, inputs, device, soft_targets=train.soft_targets),
        plan=plan,
        options=train,
        compute=prepared.compute,
        seed=seed,
        class_weights=_class_weights(manifest.labels[rows.ravel()], len(manifest.classes), train.class_weights),
        teacher=teacher,
        head=prepared.loss.make_head(prepared.features, len(manifest.classes)),
    )


def _class_weights(labels: npt.NDArray[np.int64], classes: int, wanted: bool) -> Tensor | None:
    """``[C]`` inverse frequencies that average to one over the samples; None unless asked for."""
    if not wanted:
        return None
    counts = np.bincount(labels, minlength=classes)
    return torch.from_numpy(len(labels) / (max(1, (counts > 0).sum()) * np.maximum(counts, 1))).float()


def _resume(trainer: FoldTrainer, best: Best, files: FoldFiles) -> list[dict[str, Any]]:
    """Restore the last checkpoint; without a usable one the fold starts anew, which ends in the same numbers."""
    if not files.checkpoint.exists():
        return []
    try:
        state = torch.load(files.checkpoint, map_location=trainer.compute.device, weights_only=True)
        trainer.restore(state["trainer"])
        best.score, best.epoch, best.weights = state["score"], state["best_epoch"], state["weights"]
    except Exception:  # a damaged file can fail in any way, and costs only time
        files.checkpoint.unlink()
        message = f"{files.checkpoint.name} is damaged"
        raise DamagedCheckpoint(message) from None
    return files.read_history()[: trainer.epoch]


class DamagedCheckpoint(Exception):
    """The fold must be started anew, with a fresh trainer."""


def again_if_damaged(train: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """``run_fold``, from the start where its checkpoint turned out to be damaged (and was removed)."""
    try:
        return train()
    except DamagedCheckpoint:
        return train()


def _checkpoint(trainer: FoldTrainer, best: Best, path: Path) -> None:
    state = {"trainer": trainer.state(), "score": best.score, "best_epoch": best.epoch, "weights": best.weights}
    with whole(path) as partial:
        torch.save(state, partial)


def _validate(trainer: FoldTrainer, best: Best, prepared: Prepared, validation: Rows) -> float:
    """Mean over conditions of the accuracy on these rows; the first best epoch is kept."""
    right = trainer.predict(validation).argmax(1) == prepared.manifest.labels[validation]
    condition = prepared.manifest.frame["condition"].to_numpy()[validation]
    score = float(np.mean([right[condition == word].mean() for word in np.unique(condition)]))
    if score > best.score:
        weights = {name: value.detach().cpu().clone() for name, value in trainer.model.state_dict().items()}
        best.score, best.epoch, best.weights = score, trainer.epoch - 1, weights
    return score


def _line(report: EpochReport) -> dict[str, Any]:
    return {
        "epoch": report.epoch,
        "loss": dict(report.losses),
        "loss_share": shares({name: value for name, value in report.losses.items() if name != "total"}),
        "gradient": dict(report.gradients),
        "gradient_share": shares(report.gradients),
        "train_accuracy": dict(report.accuracy),
        "lr": dict(report.lr),
        "images": report.images,
        "shown": report.shown,
        "steps": report.steps,
        "seconds": round(report.seconds, 3),
    }


def _save_model(trainer: FoldTrainer, path: Path, facts: Mapping[str, str]) -> None:
    # Copies, because safetensors refuses weights that share memory, as tied layers do.
    state = {name: value.detach().cpu().clone().contiguous() for name, value in trainer.model.state_dict().items()}
    with whole(path) as partial:
        save_file(state, partial, metadata=dict(facts))
