"""Maps of one run: all its samples together, and each condition alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from msde_embedding.features import Features, HeldOut
from msde_embedding.quality import feature_quality, kept_neighbours
from msde_toolkit.errors import InputError
from msde_toolkit.randomness import digest

JOINT = "joint"
COMPONENTS = 50
SMALLEST = 5
Layout = Callable[[Features, int], tuple[npt.NDArray[np.float64], dict[str, Any]]]
"""Features ``[n, <= 50]`` and a seed to places ``[n, 2]`` and what the map was made with."""


@dataclass(frozen=True)
class Map:
    """A map and what is true of it.

    Attributes:
        name: "joint", or the condition that it shows.
        data: the samples on it.
        places: ``[n, 2]``, arbitrary units.
        made: library, its settings.
        quality: of the features of *all* folds (``feature_quality``), and ``trustworthiness`` of this map.
    """

    name: str
    data: HeldOut
    places: npt.NDArray[np.float64]
    made: dict[str, Any]
    quality: dict[str, Any]


def shown_folds(data: HeldOut, fold: str) -> tuple[HeldOut, str]:
    """The samples that a map shows, and in words which.

    Args:
        data: of all folds.
        fold: "largest", "all", or a fold's name.

    Raises:
        InputError: if there is no such fold, or "all" have features of different length.
    """
    names = [name for name, _ in data.folds()]
    if fold == "all" and len(names) > 1:
        return _brought_together(data), (
            f"all {len(names)} folds, each fold's features centred, scaled to one spread and rotated as a whole so "
            "that class means coincide: that classes of different folds lie together is made, not found"
        )
    sizes = data.rows["fold"].value_counts()
    chosen = max(names, key=lambda name: sizes[name]) if fold in ("largest", "all") else fold
    if chosen not in names:
        message = f"{data.run.name}: no fold {fold!r}; give largest, all, or one of {', '.join(names)}."
        raise InputError(message)
    which = "the one fold" if len(names) == 1 else f"fold {chosen} of {len(names)}, whose features are one model's"
    return data.take((data.rows["fold"] == chosen).to_numpy(dtype=bool)), which


def _brought_together(data: HeldOut) -> HeldOut:
    """Each fold in a common frame. A rotation leaves every distance within a fold as it was."""
    from scipy.linalg import orthogonal_procrustes

    labels = data.rows["label"].to_numpy()
    features = data.features.astype(np.float64)
    reference: dict[int, npt.NDArray[np.float64]] = {}
    for _, mine in data.folds():
        part = features[mine] - features[mine].mean(axis=0)
        part /= max(float(np.sqrt((part**2).sum(axis=1).mean())), 1e-12)
        means = {int(label): part[labels[mine] == label].mean(axis=0) for label in np.unique(labels[mine])}
        reference = reference or means
        common = sorted(set(means) & set(reference))
        if common:
            turn, _ = orthogonal_procrustes(
                np.stack([means[label] for label in common]), np.stack([reference[label] for label in common])
            )
            part = part @ turn
        features[mine] = part
    return HeldOut(data.run, data.rows, features.astype(np.float32), data.units, data.of)


def maps_of(data: HeldOut, shown: HeldOut, layout: Layout, neighbours: int, seed: int) -> Iterator[Map]:
    """The joint map where there are several conditions, then one a condition.

    Args:
        data: of all folds, for the numbers.
        shown: what the maps show.
        layout: makes a map.
        neighbours: that vote in feature space.
        seed: of map and intervals.

    Raises:
        InputError: if a condition has too few samples for a map.
    """
    words = [word for word in data.run.manifest.conditions if word in set(shown.rows["condition"])]
    for name in [JOINT, *words] if len(words) > 1 else words:
        everything, part = _of(data, name), _of(shown, name)
        if len(part.rows) < SMALLEST:
            message = (
                f"{data.run.name}: {len(part.rows)} samples of {name} are too few for a map (at least {SMALLEST})."
            )
            raise InputError(message)
        places, made = layout(_components(part.features, seed), digest(seed, "map", name) % 2**31)
        quality = feature_quality(everything, neighbours, seed)
        kept = kept_neighbours(part.features, places, neighbours)
        yield Map(name, part, places, made, {**quality, "trustworthiness": kept, "mapped": len(part.rows)})


def _of(data: HeldOut, name: str) -> HeldOut:
    return data if name == JOINT else data.take((data.rows["condition"] == name).to_numpy(dtype=bool))


def _components(features: Features, seed: int) -> Features:
    """The first 50 principal components: distances hardly change, and a map is made in seconds."""
    from sklearn.decomposition import PCA

    kept = min(COMPONENTS, *features.shape)
    solver = PCA(n_components=kept, svd_solver="full", random_state=digest(seed, "components") % 2**31)
    return np.asarray(solver.fit_transform(features.astype(np.float64)), dtype=np.float32)
