"""The analysis ``confusion``: a matrix for each condition from its own held-out predictions, with recalls."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from msde_confusion.figure import confusion_figure
from msde_confusion.matrix import Matrix, matrices_of
from msde_toolkit import statistics
from msde_toolkit.interfaces import Analysis, AnalysisContext, RunView
from msde_toolkit.types import AnalysisResult, Section

if TYPE_CHECKING:
    import pandas as pd


class Confusion(Analysis):
    """Confusion matrices of each condition and the recall of each class."""

    summary = "Confusion matrix and recalls of each condition, from held-out predictions"
    reference = "Masked Student Dataset of Expressions, Table 6 and Fig. 7"
    licence = "Apache-2.0"

    def run(self, context: AnalysisContext) -> AnalysisResult:
        """Matrices as tables and one figure, a row of panels a run.

        Raises:
            InputError: if a run has no held-out predictions.
        """
        matrices = [matrices_of(run, context.seed) for run in context.runs]
        flat = [matrix for of_run in matrices for matrix in of_run]
        tables = {f"confusion_{_file_word(word)}": _long_table(flat, word) for word in _conditions(flat)}
        return AnalysisResult(
            summary={
                "runs": [_run_summary(run, of_run) for run, of_run in zip(context.runs, matrices, strict=True)],
                "accuracy": "pooled over folds and repeats",
                "ci95": f"percentile bootstrap over groups, {statistics.DRAWS} draws, seed {context.seed}",
                "mean_fold_recall": "mean of the folds' recalls, the definition of the paper's Table 6",
            },
            tables={**tables, "recall": _recall_table(flat)},
            figures={"confusion": confusion_figure(context.runs, matrices)},
            sections=[Section("Confusion matrices", "\n".join(map(_sentence, flat)))],
        )


def _conditions(matrices: list[Matrix]) -> list[str]:
    return list(dict.fromkeys(matrix.condition for matrix in matrices))


def _file_word(condition: str) -> str:
    return re.sub(r"[^\w-]+", "_", condition)


def _long_table(matrices: list[Matrix], condition: str) -> pd.DataFrame:
    """A row a cell; ``share`` of the true class, empty where the class has no image."""
    import pandas as pd

    rows = []
    for matrix in matrices:
        if matrix.condition == condition:
            sizes = matrix.counts.sum(axis=1)
            rows += [
                {
                    "run": matrix.run,
                    "condition": condition,
                    "truth": truth,
                    "predicted": predicted,
                    "count": int(matrix.counts[i, j]),
                    "share": matrix.counts[i, j] / sizes[i] if sizes[i] else None,
                }
                for i, truth in enumerate(matrix.classes)
                for j, predicted in enumerate(matrix.classes)
            ]
    return pd.DataFrame(rows)


def _recall_table(matrices: list[Matrix]) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for matrix in matrices:
        recalls, means = statistics.recall_by_class(matrix.counts), matrix.mean_fold_recall
        for index, (name, interval) in enumerate(zip(matrix.classes, matrix.recall_intervals, strict=True)):
            low, high = interval or (None, None)
            rows.append(
                {
                    "run": matrix.run,
                    "condition": matrix.condition,
                    "class": name,
                    "n": int(matrix.counts[index].sum()),
                    "recall": recalls[index],
                    "ci95_low": low,
                    "ci95_high": high,
                    "mean_of_folds": means[index],
                }
            )
    return pd.DataFrame(rows)


def _run_summary(run: RunView, matrices: list[Matrix]) -> dict[str, Any]:
    return {
        "run": run.name,
        "title": run.title,
        "synthetic": run.synthetic,
        "identity": run.identity,
        "conditions": {matrix.condition: _condition_summary(matrix) for matrix in matrices},
    }


def _condition_summary(matrix: Matrix) -> dict[str, Any]:
    return {
        "accuracy": float(statistics.accuracy(matrix.counts)),
        "ci95": matrix.accuracy_interval,
        "balanced_accuracy": float(statistics.balanced_accuracy(matrix.counts)),
        "macro_f1": float(statistics.macro_f1(matrix.counts)),
        "n": matrix.images,
        "repeats": matrix.repeats,
        "folds": matrix.folds,
        "interval_unit": matrix.unit,
        "groups": matrix.groups,
        "interval_note": matrix.interval_note,
        "recall": _by_class(matrix, statistics.recall_by_class(matrix.counts)),
        "recall_ci95": dict(zip(matrix.classes, matrix.recall_intervals, strict=True)),
        "mean_fold_recall": _by_class(matrix, matrix.mean_fold_recall),
    }


def _by_class(matrix: Matrix, values: npt.NDArray[np.float64]) -> dict[str, float | None]:
    pairs = zip(matrix.classes, values.tolist(), strict=True)
    return {name: value if np.isfinite(value) else None for name, value in pairs}


def _sentence(matrix: Matrix) -> str:
    share, interval = float(statistics.accuracy(matrix.counts)), matrix.accuracy_interval
    ends = f" [{interval[0]:.1%}, {interval[1]:.1%}]" if interval else ""
    note = matrix.interval_note
    return (
        f"{matrix.run}, {matrix.condition}: accuracy {share:.1%}{ends} on {matrix.images} images of "
        f"{matrix.groups} {matrix.unit}s, {matrix.folds} folds, {matrix.repeats} repeat(s)."
        + (f" Note: {note}." if note else "")
    )
