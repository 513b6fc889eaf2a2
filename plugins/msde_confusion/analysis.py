"""The analysis ``confusion``: a matrix for each condition from its own held-out predictions, and numbers by class."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from msde_confusion.class_figure import class_figure
from msde_confusion.figure import confusion_figure
from msde_confusion.matrix import BY_CLASS, Matrix, matrices_of
from msde_toolkit import statistics
from msde_toolkit.interfaces import Analysis, AnalysisContext, RunView
from msde_toolkit.types import AnalysisResult, Section

if TYPE_CHECKING:
    import pandas as pd


class Confusion(Analysis):
    """Confusion matrices of each condition, and recall, precision and F1 of each class."""

    summary = "Confusion matrix of each condition with recall, precision and F1 by class, and the paper's Table 6"
    reference = "Masked Student Dataset of Expressions, Table 6 and Fig. 7"
    licence = "Apache-2.0"

    def run(self, context: AnalysisContext) -> AnalysisResult:
        """Matrices and numbers by class, as tables and figures, runs side by side.

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
            tables={
                **tables,
                "recall": _recall_table(flat),
                "by_class": _class_table(flat),
                "table6": _table6(context.runs, matrices),
            },
            figures={
                "confusion": confusion_figure(context.runs, matrices),
                "by_class": class_figure(context.runs, matrices),
            },
            sections=[Section("Confusion matrices", "\n".join(map(_sentence, flat)))],
        )


def _conditions(matrices: list[Matrix]) -> list[str]:
    return list(dict.fromkeys(matrix.condition for matrix in matrices))


def _file_word(condition: str) -> str:
    return re.sub(r"[^\w-]+", "_", condition)


def _long_table(matrices: list[Matrix], condition: str) -> pd.DataFrame:
    """A row a cell; its share of the true class and of the answers of a class, empty where there are none."""
    import pandas as pd

    rows = []
    for matrix in matrices:
        if matrix.condition == condition:
            sizes, answers = matrix.counts.sum(axis=1), matrix.counts.sum(axis=0)
            rows += [
                {
                    "run": matrix.run,
                    "condition": condition,
                    "truth": truth,
                    "predicted": predicted,
                    "count": int(matrix.counts[i, j]),
                    "share": matrix.counts[i, j] / sizes[i] if sizes[i] else None,
                    "share_of_predicted": matrix.counts[i, j] / answers[j] if answers[j] else None,
                }
                for i, truth in enumerate(matrix.classes)
                for j, predicted in enumerate(matrix.classes)
            ]
    return pd.DataFrame(rows)


def _recall_table(matrices: list[Matrix]) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for matrix in matrices:
        means = matrix.mean_fold_recall
        for index, (name, (recall, interval)) in enumerate(zip(matrix.classes, matrix.by_class("recall"), strict=True)):
            low, high = interval or (None, None)
            rows.append(
                {
                    "run": matrix.run,
                    "condition": matrix.condition,
                    "class": name,
                    "n": int(matrix.counts[index].sum()),
                    "recall": recall,
                    "ci95_low": low,
                    "ci95_high": high,
                    "mean_of_folds": means[index],
                }
            )
    return pd.DataFrame(rows)


def _class_table(matrices: list[Matrix]) -> pd.DataFrame:
    """A row a run, condition, measure and class; all folds and repeats pooled."""
    import pandas as pd

    rows = []
    for matrix in matrices:
        for measure in BY_CLASS:
            for index, (name, (value, interval)) in enumerate(
                zip(matrix.classes, matrix.by_class(measure), strict=True)
            ):
                low, high = interval or (None, None)
                place = {"run": matrix.run, "condition": matrix.condition, "measure": measure, "class": name}
                count = int(matrix.counts[index].sum())
                rows.append({**place, "n": count, "value": value, "ci95_low": low, "ci95_high": high})
    return pd.DataFrame(rows)


def _table6(runs: Sequence[RunView], matrices: list[list[Matrix]]) -> pd.DataFrame:
    """The paper's Table 6: a row a run and condition, a column a class and their unweighted mean.

    ``recall`` says of what: the mean of the folds' recalls, as in the paper, or of all images pooled.
    """
    import pandas as pd

    rows = []
    for run, of_run in zip(runs, matrices, strict=True):
        for matrix in of_run:
            pooled = statistics.recall_by_class(matrix.counts)
            for what, values in (("mean of folds", matrix.mean_fold_recall), ("pooled", pooled)):
                present = values[np.isfinite(values)]
                mean = float(present.mean()) if len(present) else None
                by_class = _by_class(matrix, values)
                place = {"run": run.name, "method": run.title, "condition": matrix.condition, "recall": what}
                rows.append({**place, **by_class, "mean": mean, "n": matrix.images})
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
        **_measures(matrix),
        "mean_fold_recall": _by_class(matrix, matrix.mean_fold_recall),
    }


def _measures(matrix: Matrix) -> dict[str, dict[str, Any]]:
    """Of each measure the values by class, and their intervals under its name with ``_ci95``."""
    found: dict[str, dict[str, Any]] = {}
    for measure in BY_CLASS:
        pairs = matrix.by_class(measure)
        found[measure] = {name: value for name, (value, _) in zip(matrix.classes, pairs, strict=True)}
        found[f"{measure}_ci95"] = {name: interval for name, (_, interval) in zip(matrix.classes, pairs, strict=True)}
    return found


def _by_class(matrix: Matrix, values: npt.NDArray[np.float64]) -> dict[str, float | None]:
    pairs = zip(matrix.classes, values.tolist(), strict=True)
    return {name: value if np.isfinite(value) else None for name, value in pairs}


def _sentence(matrix: Matrix) -> str:
    share, interval = float(statistics.accuracy(matrix.counts)), matrix.accuracy_interval
    note = matrix.interval_note
    known = [
        (value, name, ends)
        for name, (value, ends) in zip(matrix.classes, matrix.by_class("recall"), strict=True)
        if value is not None
    ]
    (low, worst, low_ends), (high, best, high_ends) = min(known), max(known)
    return (
        f"{matrix.run}, {matrix.condition}: accuracy {share:.1%}{_ends(interval)} on {matrix.images} images of "
        f"{matrix.groups} {matrix.unit}s, {matrix.folds} folds, {matrix.repeats} repeat(s)."
        f" Recall is lowest for {worst} ({low:.1%}{_ends(low_ends)}) and highest for {best} ({high:.1%}"
        f"{_ends(high_ends)})." + (f" Note: {note}." if note else "")
    )


def _ends(interval: statistics.Interval) -> str:
    return f" [{interval[0]:.1%}, {interval[1]:.1%}]" if interval else ""
