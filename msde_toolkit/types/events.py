"""The small frozen records that hooks receive. Fields may be added; none is ever removed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RunStarted:
    """A run begins (or goes on, ``resumed``)."""

    run: str
    directory: Path
    model: str
    loss: str
    dataset: str
    synthetic: bool
    folds: int
    repeats: int
    epochs: int
    resumed: bool
    notes: tuple[str, ...]
    teachers: int = 0
    """Teachers that this run trains first: folds named ``teacher-00`` and so on, heard of like any other."""


@dataclass(frozen=True)
class FoldStarted:
    """A fold's training begins."""

    run: str
    repeat: int
    fold: str
    train_samples: int
    test_samples: int


@dataclass(frozen=True)
class EpochEnded:
    """An epoch of a fold is over. ``losses`` are epoch means; ``seconds`` the epoch's wall time."""

    run: str
    repeat: int
    fold: str
    epoch: int
    epochs: int
    losses: Mapping[str, float]
    images_per_second: float
    seconds: float


@dataclass(frozen=True)
class FoldEnded:
    """A fold's held-out predictions are written. ``accuracy`` is by condition, in [0, 1]."""

    run: str
    repeat: int
    fold: str
    accuracy: Mapping[str, float]
    seconds: float


@dataclass(frozen=True)
class RunFinished:
    """All folds are done and the summary is written."""

    run: str
    directory: Path
    summary: Mapping[str, object]


@dataclass(frozen=True)
class RunFailed:
    """The run stopped; ``reason`` is what the user is told."""

    run: str
    directory: Path
    reason: str


@dataclass(frozen=True)
class AnalysisFinished:
    """An analysis wrote its files to ``directory``."""

    analysis: str
    directory: Path
