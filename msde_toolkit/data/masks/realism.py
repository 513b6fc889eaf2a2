"""How real drawn masks look: can a small classifier tell them from masks that people wore, and are they as large?

Two sets of photos differ in more than their masks, in cameras, light and people. So the same question is asked of the
upper third of the picture, where no mask is: what the classifier tells there, the photos tell, not the masks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from msde_toolkit.data.audit.mask_leak import mask_shape
from msde_toolkit.data.image_cache import CHUNK, Progress, read_each, squash
from msde_toolkit.data.masks.open_set import OpenSet
from msde_toolkit.errors import DataError
from msde_toolkit.interfaces import Image
from msde_toolkit.randomness import generator
from msde_toolkit.statistics import percentile_intervals
from msde_toolkit.types import M

SIDE = 48
"""Pixels that a face is looked at with."""
CELL, ANGLES = 8, 9
MOST, FEWEST, FOLDS, DRAWS = 1000, 40, 5, 300

Features = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Auc:
    """Area under the ROC curve of out-of-fold scores: 0.5 cannot tell, 1 always tells. ``low``, ``high``: 95 %."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Size:
    """Area and height of masks as shares of the picture: quartiles of the drawn and of the worn ones."""

    drawn: tuple[float, float, float]
    worn: tuple[float, float, float]


@dataclass(frozen=True)
class Realism:
    """The comparison.

    Attributes:
        drawn: masked images of the twin that were looked at.
        worn: real ones.
        lower: how well the lower half tells them apart.
        upper: how well the upper third does, where no mask is.
        area: None where it is not known how large worn masks are (no ``mask_path``).
        height: as ``area``.
    """

    drawn: int
    worn: int
    lower: Auc
    upper: Auc
    area: Size | None
    height: Size | None


def realism(twin: OpenSet, photos: OpenSet, progress: Progress | None = None) -> Realism:
    """Compare a twin's masked images with photos of people who wear masks.

    Args:
        twin: its samples of condition m are looked at.
        photos: likewise; faces of about the same crop.
        progress: called with (images read, images to read).

    Raises:
        DataError: fewer than ``FEWEST`` masked images on a side, or of fewer than ``FOLDS`` people.
    """
    told: list[_Side] = []
    for found, what in ((twin, "the twin"), (photos, "the photos")):
        told.append(_Side.of(found, what, progress))
    drawn, worn = told
    truth = np.repeat([0, 1], [len(drawn.features), len(worn.features)])
    groups = np.concatenate([drawn.groups, worn.groups])
    features = np.concatenate([drawn.features, worn.features])
    return Realism(
        drawn=len(drawn.features),
        worn=len(worn.features),
        lower=_told_apart(features[:, features.shape[1] // 2 :], truth, groups),
        upper=_told_apart(features[:, : features.shape[1] // 3], truth, groups),
        area=_size(drawn, worn, 0),
        height=_size(drawn, worn, 4),
    )


@dataclass(frozen=True)
class _Side:
    features: Features
    groups: npt.NDArray[np.object_]
    shapes: Features
    """``[k, 6]`` of masks whose region is known."""

    @classmethod
    def of(cls, found: OpenSet, what: str, progress: Progress | None) -> _Side:
        rows = np.flatnonzero((found.manifest.frame["condition"] == M).to_numpy())
        rows = rows[np.unique(np.linspace(0, max(len(rows) - 1, 0), min(MOST, len(rows))).round().astype(np.int64))]
        features, shapes, used = [], [], []
        for start in range(0, len(rows), CHUNK):
            part = found.manifest.take(rows[start : start + CHUNK])
            for row, image in zip(rows[start : start + CHUNK], read_each(found.dataset, part), strict=True):
                if not isinstance(image, DataError):
                    features.append(appearance(image))
                    used.append(row)
            regions = found.dataset.mask_regions(part)
            shapes += [shape for region in regions if region is not None and (shape := mask_shape(region)) is not None]
            if progress is not None:
                progress(start + len(part), len(rows))
        groups = found.manifest.groups()[used] if used else np.empty(0, dtype=object)
        if len(features) < FEWEST or len(set(groups)) < FOLDS:
            message = (
                f"{what} ({found.manifest.name}) must have {FEWEST} readable images of condition m, of {FOLDS} people; "
                f"there are {len(features)}, of {len(set(groups))}."
            )
            raise DataError(message)
        named = np.array([f"{what}:{group}" for group in groups], dtype=object)
        return cls(np.stack(features), named, np.array(shapes, dtype=np.float64).reshape(-1, 6))


def appearance(image: Image) -> Features:
    """``[F]``, row of cells by row of cells from above: each cell's gradient angles and mean colour."""
    small = squash(image, SIDE, "image").astype(np.float64) / 255
    down, right = np.gradient(small.mean(axis=2))
    strength, angle = np.hypot(down, right), np.mod(np.arctan2(down, right), np.pi)
    bins = np.minimum((angle / np.pi * ANGLES).astype(np.int64), ANGLES - 1)
    cells = SIDE // CELL
    place = np.repeat(np.repeat(np.arange(cells**2).reshape(cells, cells), CELL, 0), CELL, 1)
    counted = np.bincount((place * ANGLES + bins).ravel(), strength.ravel(), cells**2 * ANGLES)
    sums: Features = counted.astype(np.float64)
    histogram = sums.reshape(cells**2, -1)
    histogram = histogram / (np.sqrt((histogram**2).sum(axis=1, keepdims=True)) + 0.1)
    colours = np.stack([np.bincount(place.ravel(), small[..., k].ravel()) / CELL**2 for k in range(3)], axis=1)
    numbers: Features = np.concatenate([histogram, colours], axis=1).ravel()
    return numbers


def _told_apart(features: Features, truth: npt.NDArray[np.int64], groups: npt.NDArray[np.object_]) -> Auc:
    """Logistic regression, cross-validated with each person in one fold; the interval resamples people."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.05, max_iter=500, class_weight="balanced"))
    folds = GroupKFold(FOLDS, shuffle=True, random_state=0)
    scores = cross_val_predict(model, features, truth, groups=groups, cv=folds, method="decision_function")
    names, codes = np.unique(groups.astype(str), return_inverse=True)
    rng, drawn = generator("realism"), []
    for _ in range(DRAWS):
        weight = np.bincount(rng.integers(0, len(names), len(names)), minlength=len(names))[codes]
        if len(set(truth[weight > 0])) == 2:
            drawn.append(roc_auc_score(truth, scores, sample_weight=weight))
    low, high = percentile_intervals(np.array(drawn)[:, None], 1)[0] or (None, None)
    return Auc(float(roc_auc_score(truth, scores)), low, high)


def _size(drawn: _Side, worn: _Side, column: int) -> Size | None:
    if not len(drawn.shapes) or not len(worn.shapes):
        return None

    def quartiles(side: _Side) -> tuple[float, float, float]:
        low, middle, high = np.quantile(side.shapes[:, column], (0.25, 0.5, 0.75))
        return float(low), float(middle), float(high)

    return Size(quartiles(drawn), quartiles(worn))
