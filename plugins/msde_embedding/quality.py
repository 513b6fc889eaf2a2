"""Numbers beside a map: what is true of the features themselves, and how much of it the map keeps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from msde_embedding.features import Features, HeldOut
from msde_toolkit import statistics

Values = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]


def feature_quality(data: HeldOut, neighbours: int, seed: int) -> dict[str, Any]:
    """Silhouette of the classes and of the conditions, and accuracy of nearest neighbours, with 95 % intervals.

    Each sample is measured against samples of its own fold; the means are over all samples, which weights a fold by its
    size. Intervals resample subjects, what each sample is measured against being held fixed.
    """
    labels = data.rows["label"].to_numpy(dtype=np.int64)
    conditions = np.unique(data.rows["condition"].astype(str), return_inverse=True)[1].astype(np.int64)
    by_class = _by_fold(data, lambda part, mine: silhouettes(part.features, labels[mine]))
    by_condition = _by_fold(data, lambda part, mine: silhouettes(part.features, conditions[mine]))
    votes = _by_fold(data, lambda part, mine: neighbour_votes(part, labels[mine], neighbours))
    right = np.where(np.isfinite(votes), votes == labels, np.nan)
    counts = np.bincount(labels)
    return {
        "n": len(labels),
        "groups": data.units.count,
        "interval_unit": data.units.unit,
        "interval_note": data.units.doubt,
        "folds": len(list(data.folds())),
        **_mean("knn_accuracy", right, data, seed),
        "majority_baseline": float(counts.max() / counts.sum()),
        **_mean("silhouette", by_class, data, seed),
        **_mean("silhouette_of_conditions", by_condition, data, seed),
    }


def _by_fold(data: HeldOut, measure: Callable[[HeldOut, npt.NDArray[np.bool_]], Values]) -> Values:
    out = np.full(len(data.rows), np.nan)
    for _, mine in data.folds():
        out[mine] = measure(data.take(mine), mine)
    return out


def _mean(name: str, values: Values, data: HeldOut, seed: int) -> dict[str, Any]:
    known = np.isfinite(values)
    if not known.any():
        return {name: None, f"{name}_ci95": None}
    interval = statistics.cluster_mean_interval(values, data.units.groups, seed=seed)
    return {name: float(values[known].mean()), f"{name}_ci95": interval}


def silhouettes(features: Features, codes: Codes) -> Values:
    """``[n]`` each sample's silhouette (Rousseeuw 1987), -1 to 1; nan where fewer than two groups are there."""
    from sklearn.metrics import silhouette_samples

    if not 2 <= len(np.unique(codes)) < len(codes):
        return np.full(len(codes), np.nan)
    return np.asarray(silhouette_samples(features, codes), dtype=np.float64)


def neighbour_votes(data: HeldOut, labels: Codes, neighbours: int) -> Values:
    """``[n]`` the class most frequent among the nearest samples *of other subjects*; a tie goes to the nearer ones.

    A person's other images are near because the person is the same, which says nothing about expressions.

    Args:
        data: samples of one fold.
        labels: ``[n]``.
        neighbours: samples that vote, fewer where there are fewer of other subjects; nan where there is none.
    """
    from sklearn.metrics import pairwise_distances

    groups = np.unique(data.units.groups.astype(str), return_inverse=True)[1]
    distances = pairwise_distances(data.features.astype(np.float64))
    distances[groups[:, None] == groups[None, :]] = np.inf
    nearest = np.argsort(distances, axis=1, kind="stable")[:, :neighbours]
    allowed = np.isfinite(np.take_along_axis(distances, nearest, axis=1))
    # Less than one vote in all, so that it decides ties only.
    weights = allowed * (1.0 + 0.5 / neighbours * 2.0 ** -np.arange(nearest.shape[1]))
    ballots = np.zeros((len(labels), int(labels.max()) + 1))
    np.add.at(ballots, (np.arange(len(labels))[:, None], labels[nearest]), weights)
    return np.where(allowed.any(axis=1), ballots.argmax(axis=1), np.nan)


def kept_neighbours(features: Features, places: Values, neighbours: int) -> float | None:
    """Trustworthiness of a map (Venna and Kaski 2001), 0 to 1: 1 where the map's neighbours are the features' own."""
    from sklearn.manifold import trustworthiness

    fitting = min(neighbours, (len(features) - 1) // 2)
    return float(trustworthiness(features, places, n_neighbors=fitting)) if fitting >= 1 else None
