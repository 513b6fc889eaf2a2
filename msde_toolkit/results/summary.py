"""``summary.json``: every number computed from the held-out predictions, each with its interval, n and protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from msde_toolkit import statistics
from msde_toolkit.types import Manifest

SCHEMA = 1
CONDITIONS = ("nm", "m")


def metrics(
    predictions: pd.DataFrame, groups: Mapping[str, str], classes: Sequence[str], seed: int
) -> dict[str, Any]:
    """Metrics by condition, their average and gap.

    Args:
        predictions: as ``RunStore.read_predictions`` gives them; repeats are pooled.
        groups: sample id to the group that intervals resample (subject; the sample where subjects are unknown).
        classes: class names.
        seed: of the bootstrap.
    """
    group = predictions["id"].map(groups)
    words = [*CONDITIONS, *sorted(set(predictions["condition"]) - set(CONDITIONS))]
    out: dict[str, Any] = {
        word: _condition(predictions[predictions["condition"] == word], group, classes, seed) for word in words
    }
    both = all(out[word] is not None for word in CONDITIONS)
    out["average"] = _of_both(predictions, group, out, len(classes), seed, "average") if both else None
    out["gap"] = _of_both(predictions, group, out, len(classes), seed, "gap") if both else None
    return out


def _condition(rows: pd.DataFrame, group: pd.Series, classes: Sequence[str], seed: int) -> dict[str, Any] | None:
    if rows.empty:
        return None
    count = len(classes)
    labels, predicted = rows["label"].to_numpy(), rows["predicted"].to_numpy()
    counts = statistics.confusion(labels, predicted, count)
    intervals = statistics.cluster_bootstrap(labels, predicted, group[rows.index].to_numpy(), count, seed=seed)
    by_fold = _by_fold(rows, count)
    out: dict[str, Any] = {
        name: {
            "mean_of_folds": _number(np.nanmean(metric(by_fold))),
            "pooled": _number(metric(counts)),
            "ci95": _interval(intervals[name]),
        }
        for name, metric in statistics.METRICS.items()
    }
    recall = statistics.recall_by_class(counts)
    out["recall"] = {name: _number(recall[index]) for index, name in enumerate(classes)}
    out["majority_baseline"] = _number(statistics.majority_baseline(counts))
    out["n"] = int(rows["id"].nunique())
    return out


def _by_fold(rows: pd.DataFrame, classes: int) -> Any:
    """``[folds x repeats, C, C]`` confusion counts."""
    return np.stack(
        [
            statistics.confusion(part["label"].to_numpy(), part["predicted"].to_numpy(), classes)
            for _, part in rows.groupby(["repeat", "fold"], sort=True)
        ]
    )


def _of_both(
    predictions: pd.DataFrame, group: pd.Series, out: Mapping[str, Any], classes: int, seed: int, which: str
) -> dict[str, Any]:
    """Average of, or difference between, the two conditions' accuracies (unmasked minus masked)."""
    intervals = statistics.paired_conditions(
        predictions["label"].to_numpy(),
        predictions["predicted"].to_numpy(),
        group.to_numpy(),
        predictions["condition"].to_numpy(),
        classes,
        seed=seed,
    )
    first, second = (out[word]["accuracy"] for word in CONDITIONS)
    combine = (lambda a, b: a - b) if which == "gap" else (lambda a, b: (a + b) / 2)
    return {
        "accuracy": {
            "mean_of_folds": combine(first["mean_of_folds"], second["mean_of_folds"]),
            "pooled": combine(first["pooled"], second["pooled"]),
            "ci95": _interval(intervals[which]["accuracy"]),
        }
    }


def _number(value: Any) -> float | None:
    number = float(value)
    return number if np.isfinite(number) else None


def _interval(interval: statistics.Interval) -> list[float] | None:
    return None if interval is None else [float(interval[0]), float(interval[1])]


def interval_notes(manifest: Manifest, tested: int) -> list[str]:
    """What must be said of the intervals: resampled unit, few subjects."""
    if not manifest.has_subjects:
        return ["Subjects are unknown: intervals are over samples and likely too narrow."]
    if statistics.few_groups(tested):
        return [f"Only {tested} subjects: intervals are unreliable."]
    return []
