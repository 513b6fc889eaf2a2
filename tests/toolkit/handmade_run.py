"""A finished run written by hand: who was asked what, and what the models answered. No training, no image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tomli_w

from msde_toolkit.results.run_store import RunStore, write_json, write_text
from msde_toolkit.types import CLASSES, Manifest

TRAIN = {"image_size": 40, "epochs": 2, "lr_head": 0.001, "flip": 0.5}


def people(subjects: int = 40, *, conditions: tuple[str, ...] = ("nm", "m"), **columns: Any) -> pd.DataFrame:
    """Each subject shows the seven classes in each condition, in pairs."""
    rows = [
        {
            "id": f"s{subject:03d}-{label}-{condition}",
            "subject": f"s{subject:03d}",
            "pair": f"s{subject:03d}-{label}" if len(conditions) > 1 else None,
            "label": label,
            "condition": condition,
        }
        for subject in range(subjects)
        for label in range(len(CLASSES))
        for condition in conditions
    ]
    return pd.DataFrame(rows).assign(**columns)


def answers(frame: pd.DataFrame, right: dict[str, float], repeats: int = 1, seed: int = 0) -> list[np.ndarray]:
    """For each repeat ``[n]`` predicted classes, right with this chance in each condition, else the next class."""
    rng = np.random.default_rng(seed)
    chance = frame["condition"].map(right).to_numpy()
    label = frame["label"].to_numpy()
    return [np.where(rng.random(len(frame)) < chance, label, (label + 1) % 7) for _ in range(repeats)]


def write_run(
    folder: Path,
    frame: pd.DataFrame,
    predicted: list[np.ndarray],
    *,
    folds: int = 2,
    name: str = "drawn",
    train: dict[str, Any] | None = None,
    **summary: Any,
) -> Path:
    """A run's folder; ``predicted`` holds ``[n]`` classes for each repeat, ``summary`` changes entries of that file."""
    manifest = Manifest.from_frame(frame, name, synthetic=True)
    store = RunStore(folder)
    folder.mkdir(parents=True)
    manifest.save(store.manifest)
    number = pd.factorize(np.array(manifest.groups(), dtype=object), sort=True)[0] % folds
    names = [f"{fold:02d}" for fold in range(folds)]
    for repeat, said in enumerate(predicted):
        for fold, word in enumerate(names):
            rows = np.flatnonzero(number == fold)
            part = manifest.frame.iloc[rows][["id", "subject", "pair", "condition", "label"]].reset_index(drop=True)
            part["fold"], part["repeat"], part["seed"] = word, repeat, repeat
            part["logits"] = list(np.eye(7, dtype=np.float32)[said[rows]])
            store.fold(word, repeat).write_predictions(part)
    facts = {
        "schema": 1, "run": folder.name, "model": "tiny", "loss": "ce", "dataset": name, "mask": None,
        "synthetic": True, "preset": "quick", "profile": "paper", "unsound": [], "train_on": "mix", "select": "last",
        "pretraining": "none", "weights_sha256": None, "teacher": None, "repeats": len(predicted), "folds": names,
        "identity": "independent" if manifest.has_subjects else "unknown", "notes": [],
    }  # fmt: skip
    write_json(store.summary, facts | summary)
    plugin = {"distribution": "msde-toolkit", "version": "0"}
    write_json(
        store.provenance,
        {
            "data": {"manifest_sha256": manifest.content_hash(), "pixels_sha256": "0" * 64},
            "options": {"model": {}, "loss": {}, "data": {}, "mask": {}, "train": TRAIN | (train or {})},
            "plugins": {"model": {"name": "tiny", **plugin}, "data": {"name": name, **plugin}},
        },
    )
    write_text(store.config, tomli_w.dumps({"model": "tiny", "loss": "ce", "data": name, "seed": 0}))
    return folder


def write_study(
    folder: Path,
    methods: dict[str, dict[str, float]],
    *,
    subjects: int = 12,
    primary: dict[str, Any] | None = None,
    targets: tuple[str, ...] = (),
    unfinished: tuple[str, ...] = (),
) -> Path:
    """A study's folder with a run of each method and its evaluations; ``unfinished`` ones were declared only."""
    frame = people(subjects)
    for seed, (name, right) in enumerate(methods.items()):
        write_run(folder / "runs" / name, frame, answers(frame, right, 1, seed))
        for target in targets:
            said = answers(frame, right, 1, seed + 100)
            write_run(folder / "evaluations" / f"{name}--{target}", frame, said, name=target)
    write_text(folder / "study.toml", 'name = "hand"\n')
    facts = {
        "schema": 1, "name": "hand", "declared": "2026-11-24T09:00:00+00:00", "methods": [*methods, *unfinished],
        "data": {"dataset": "drawn", "synthetic": True, "manifest_sha256": "0"}, "primary": primary,
        "targets": {target: {} for target in targets}, "added": {},
    }  # fmt: skip
    write_json(folder / "study.json", facts)
    return folder
