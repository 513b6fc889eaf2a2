'''The analysis interface: reads finished runs, never trains. A complete plugin:

import pandas as pd
from msde_toolkit.interfaces import Analysis, AnalysisContext, PluginOptions
from msde_toolkit.types import AnalysisResult

class PredictedCounts(Analysis):
    """How often each class is predicted."""

    summary = "How often each class is predicted"

    class Options(PluginOptions):
        condition: str = "m"

    def run(self, context: AnalysisContext) -> AnalysisResult:
        rows = []
        for run in context.runs:
            held_out = run.predictions
            held_out = held_out[held_out["condition"] == self.options.condition]
            counts = held_out["predicted"].value_counts()
            rows += [{"run": run.name, "class": name, "count": int(counts.get(index, 0))}
                     for index, name in enumerate(run.classes)]
        return AnalysisResult(summary={"condition": self.options.condition}, tables={"counts": pd.DataFrame(rows)})
'''

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from msde_toolkit.interfaces.model import Model
from msde_toolkit.interfaces.plugin import Plugin
from msde_toolkit.types import AnalysisResult, Manifest

if TYPE_CHECKING:
    import pandas as pd
    import torch

T = TypeVar("T")


class RunView(Protocol):
    """A finished run, as an analysis sees it. Everything is read from the run's folder."""

    @property
    def name(self) -> str:
        """The run's id."""

    @property
    def title(self) -> str:
        """Model, loss and dataset in words for a figure; says "synthetic" where the data is."""

    @property
    def directory(self) -> Path:
        """The run's folder."""

    @property
    def summary(self) -> Mapping[str, Any]:
        """``summary.json``."""

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names in label order."""

    @property
    def synthetic(self) -> bool:
        """Whether the data shows no real person."""

    @property
    def identity(self) -> str:
        """Whether folds are known to keep people apart: ``independent`` or ``unknown``."""

    @property
    def manifest(self) -> Manifest:
        """The run's samples."""

    @property
    def predictions(self) -> pd.DataFrame:
        """Held-out predictions of all folds and repeats.

        Columns ``id, subject, pair, condition, label, fold, repeat, seed, logits`` and ``predicted`` (argmax).
        """

    def model(self, fold: str, repeat: int = 0) -> Model:
        """That fold's trained model on ``device``, in evaluation mode."""

    @property
    def device(self) -> torch.device:
        """Where ``model`` puts its weights."""

    def images(self, ids: Sequence[str]) -> npt.NDArray[np.uint8]:
        """``[n, S, S, 3]`` as the model was trained and tested on them."""

    def mask_regions(self, ids: Sequence[str]) -> list[npt.NDArray[np.uint8] | None]:
        """``[S, S]`` alpha of each sample's mask, None where it is not known."""


@dataclass(frozen=True)
class AnalysisContext:
    """What an analysis works on.

    Attributes:
        runs: one or more finished runs.
        out: the folder its files go to (figures and tables are written by the toolkit; use it for anything else).
        seed: for everything random.
        track: wraps an iterable and shows progress: ``for batch in context.track(batches, "Explaining")``.
    """

    runs: Sequence[RunView]
    out: Path
    seed: int = 0
    track: Any = field(default=lambda iterable, _title: iterable)

    def progress(self, items: Iterable[T], title: str) -> Iterable[T]:
        """``items`` one by one, shown as progress."""
        tracked: Iterable[T] = self.track(items, title)
        return tracked


class Analysis(Plugin):
    """Turns finished runs into numbers, tables and figures.

    Attributes:
        of_study: whether it reads several runs together, as of a study with its evaluations: without any named, the
            latest run is not taken for it.
        in_report: whether ``msde report`` runs it, with its defaults, on each run that it has not been run on.
    """

    of_study: ClassVar[bool] = False
    in_report: ClassVar[bool] = False

    def __init__(self, options: Any) -> None:
        self.options = options

    def run(self, context: AnalysisContext) -> AnalysisResult:
        """Everything the analysis says, also in machine-readable form.

        Raises:
            InputError: if the runs lack what it needs; the message says what.
        """
        message = f"{type(self).__name__} does not define run."
        raise NotImplementedError(message)
