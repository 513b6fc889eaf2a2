"""``summary.json``: every number computed from the held-out predictions, each with its interval, n and protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from msde_toolkit import statistics
from msde_toolkit.data.masking import overlay_notes
from msde_toolkit.results.effect import effect, effect_notes
from msde_toolkit.results.run_store import RunStore
from msde_toolkit.types import Manifest, load_manifest

SCHEMA = 1
CONDITIONS = ("nm", "m")


def metrics(predictions: pd.DataFrame, groups: Mapping[str, str], classes: Sequence[str], seed: int) -> dict[str, Any]:
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
    if any(out[word] is None for word in CONDITIONS):
        return {**out, "average": None, "gap": None}
    return {**out, **_of_both(predictions, group, out, len(classes), seed)}


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
    predictions: pd.DataFrame, group: pd.Series, out: Mapping[str, Any], classes: int, seed: int
) -> dict[str, Any]:
    """Average of, and gap between (unmasked minus masked), the two conditions' accuracies."""
    labels, predicted, condition = (predictions[name].to_numpy() for name in ("label", "predicted", "condition"))
    intervals = statistics.paired_conditions(labels, predicted, group.to_numpy(), condition, classes, seed=seed)
    nm, m = (out[word]["accuracy"] for word in CONDITIONS)
    points = {
        "average": {key: (nm[key] + m[key]) / 2 for key in ("mean_of_folds", "pooled")},
        "gap": {key: nm[key] - m[key] for key in ("mean_of_folds", "pooled")},
    }
    return {
        name: {"accuracy": {**point, "ci95": _interval(intervals[name]["accuracy"])}} for name, point in points.items()
    }


def _number(value: Any) -> float | None:
    number = float(value)
    return number if np.isfinite(number) else None


def _interval(interval: statistics.Interval) -> list[float] | None:
    return None if interval is None else [float(interval[0]), float(interval[1])]


def summarise(store: RunStore, facts: Mapping[str, Any]) -> dict[str, Any]:
    """The document for ``summary.json``: ``facts`` of the run, and every number from its stored predictions."""
    manifest = load_manifest(store.manifest)
    predictions = store.read_predictions(facts["folds"], facts["repeats"])
    group = dict(zip(manifest.ids, interval_groups(manifest), strict=True))
    tested = predictions["id"].map(group).nunique()
    done = effect(store, facts["folds"], facts["repeats"])
    return {
        "schema": SCHEMA,
        **facts,
        "status": "complete",
        "interval_unit": "subject" if manifest.has_subjects else "sample",
        "interval_units": int(tested),
        "interval_about": f"these trained models on further {'subjects' if manifest.has_subjects else 'samples'}",
        "metrics": metrics(predictions, group, manifest.classes, seed=0),
        **done,
        "notes": [*facts["notes"], *overlay_notes(manifest), *effect_notes(done), *_interval_notes(manifest, tested)],
    }


def interval_groups(manifest: Manifest) -> list[str]:
    """What intervals resample: the subject, or where subjects are unknown the sample (with its pair)."""
    return [str(group) for group in manifest.groups()]


def _interval_notes(manifest: Manifest, tested: int) -> list[str]:
    """What must be said of the intervals: resampled unit, few subjects."""
    if not manifest.has_subjects:
        return ["intervals are over samples and likely too narrow"]
    if statistics.few_groups(tested):
        return [f"only {tested} subjects: intervals are unreliable"]
    return []
