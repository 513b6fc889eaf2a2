"""A check that masks are only masks: nothing about their place, size or colour may tell the expression beneath."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from msde_toolkit.data.audit.duplicates import images_of
from msde_toolkit.data.audit.finding import DoesNotApply, Finding, found
from msde_toolkit.data.audit.material import Material
from msde_toolkit.data.image_cache import CHUNK, read_each
from msde_toolkit.errors import DataError
from msde_toolkit.interfaces import Dataset, Image
from msde_toolkit.randomness import generator
from msde_toolkit.types import M, Manifest

MOST = 2000
"""So many masked images are looked at, evenly over the set."""
FEWEST = 60
FOLDS = 5
SHUFFLES = 199
OPAQUE = 127
"""Alpha above it counts as mask."""
CHANCE = 0.01
MARGIN = 0.03
"""Accuracy above the shuffled labels' mean from which it is a finding: less is of no use to a model."""

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Told:
    """How well a small model tells the label from numbers of the mask alone.

    Attributes:
        masks: how many were looked at.
        accuracy: cross-validated, in [0, 1].
        majority: share of the most frequent class.
        shuffled: mean accuracy with shuffled labels: chance.
        p: share of shuffled labels that did as well, by a permutation test.
    """

    masks: int
    accuracy: float
    majority: float
    shuffled: float
    p: float

    @property
    def leaks(self) -> bool:
        """Whether a model could read the mask instead of the face."""
        return self.p <= CHANCE and self.accuracy >= self.shuffled + MARGIN


def told_by(features: Numbers, labels: npt.NDArray[np.int64], groups: npt.NDArray[np.object_]) -> Told:
    """Ridge regression on the classes, cross-validated by group, against the same with shuffled labels.

    Labels are shuffled within groups (everywhere, where a group has one label only).

    Args:
        features: ``[n, F]`` numbers of the masks.
        labels: ``[n]``.
        groups: ``[n]`` what must not stand on both sides: the subject.

    Raises:
        DoesNotApply: too few masks, classes or groups to tell.
    """
    if len(labels) < FEWEST or len(set(labels)) < 2 or len(set(groups)) < FOLDS:
        message = f"fewer than {FEWEST} masks whose region is known, of {FOLDS} subjects and 2 classes"
        raise DoesNotApply(message)
    accuracy, shuffled = _predictability(features, labels, groups)
    p = (1 + int((shuffled >= accuracy).sum())) / (1 + len(shuffled))
    majority = float(np.bincount(labels).max() / len(labels))
    return Told(len(labels), accuracy, majority, float(shuffled.mean()), p)


def mask_encodes_label(material: Material) -> list[Finding]:
    """Whether ``told_by`` tells the label from the mask's area, place, height, width and colour alone."""
    images_of(material)
    rows = _masked(material)
    features, used = _features(material, rows)
    told = told_by(features, material.manifest.labels[rows][used], material.manifest.groups()[rows][used])
    concerned = np.zeros(len(material.manifest), dtype=bool)
    concerned[rows[used]] = told.leaks
    return found(
        "mask_encodes_label",
        "severe",
        material,
        concerned,
        f"Area, place, size and colour of the mask alone tell the label of {{rows}} masked images with accuracy "
        f"{100 * told.accuracy:.1f} % (most frequent class {100 * told.majority:.1f} %, labels shuffled "
        f"{100 * told.shuffled:.1f} %, p {told.p:.3f}): a model can read the mask instead of the face.",
        "Fit masks to the neutral face, choose kind and colour at random, and mask every class alike.",
    )


def _masked(material: Material) -> npt.NDArray[np.int64]:
    """Row numbers of masked samples, at most ``MOST``, evenly spread."""
    rows = np.flatnonzero((material.manifest.frame["condition"] == M).to_numpy())
    if not len(rows):
        message = "there are no masked images"
        raise DoesNotApply(message)
    return rows[np.unique(np.linspace(0, len(rows) - 1, min(MOST, len(rows))).round().astype(np.int64))]


def _features(material: Material, rows: npt.NDArray[np.int64]) -> tuple[Numbers, npt.NDArray[np.bool_]]:
    """``[k, F]`` numbers of the masks whose region is known, and ``[len(rows)]`` which these are."""
    assert material.dataset is not None
    found_rows: list[Numbers | None] = []
    for start in range(0, len(rows), CHUNK):
        found_rows += _of_chunk(material.dataset, material.manifest.take(rows[start : start + CHUNK]))
    used = np.array([numbers is not None for numbers in found_rows], dtype=bool)
    if not used.any():
        message = "where the masks are is not known"
        raise DoesNotApply(message)
    return np.stack([numbers for numbers in found_rows if numbers is not None]), used


def _of_chunk(dataset: Dataset, rows: Manifest) -> list[Numbers | None]:
    try:
        regions = dataset.mask_regions(rows)
    except DataError:
        if len(rows) == 1:
            return [None]
        half = len(rows) // 2
        parts = (np.arange(half), np.arange(half, len(rows)))
        return [one for part in parts for one in _of_chunk(dataset, rows.take(part))]
    images = read_each(dataset, rows)
    return [
        None if region is None or isinstance(image, DataError) else mask_statistics(image, region)
        for image, region in zip(images, regions, strict=True)
    ]


def mask_statistics(image: Image, region: npt.NDArray[np.uint8]) -> Numbers | None:
    """The numbers of ``mask_shape``, then mean R, G, B and brightness's deviation.

    None where the region is empty or of another size than the image.
    """
    shape = mask_shape(region)
    if region.shape != image.shape[:2] or shape is None:
        return None
    colours = image[region > OPAQUE].astype(np.float64) / 255
    return np.array([*shape, *colours.mean(axis=0), colours.mean(axis=1).std()])


def mask_shape(region: npt.NDArray[np.uint8]) -> Numbers | None:
    """``[6]`` shares of the image or of its sides: area, top, the centre's y and x, height, width.

    None where the region is empty.
    """
    inside = region > OPAQUE
    if not inside.any():
        return None
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    height, width = inside.shape
    y, x = np.nonzero(inside)
    shape = [inside.mean(), rows[0] / height, y.mean() / height, x.mean() / width]
    return np.array([*shape, (rows[-1] - rows[0] + 1) / height, (columns[-1] - columns[0] + 1) / width])


def _predictability(
    features: Numbers, labels: npt.NDArray[np.int64], groups: npt.NDArray[np.object_]
) -> tuple[float, Numbers]:
    """Cross-validated accuracy, and ``[SHUFFLES]`` that of shuffled labels."""
    index = pd.factorize(groups.astype(str))[0]
    fold = generator("audit", "mask folds").permutation(np.arange(index.max() + 1) % FOLDS)[index]
    scaled = (features - features.mean(axis=0)) / np.maximum(features.std(axis=0), 1e-9)
    inputs = np.concatenate([np.ones((len(scaled), 1)), scaled, scaled**2 - 1], axis=1)
    solvers = [(fold == number, _ridge(inputs[fold != number])) for number in range(FOLDS)]
    classes = np.eye(int(labels.max()) + 1)

    def accuracy(truth: npt.NDArray[np.int64]) -> float:
        right = 0
        for tested, solver in solvers:
            scores = inputs[tested] @ (solver @ classes[truth[~tested]])
            right += int((scores.argmax(axis=1) == truth[tested]).sum())
        return right / len(truth)

    rng = generator("audit", "mask shuffles")
    within = pd.Series(labels).groupby(index).transform("nunique").gt(1).mean() > 1 / 2
    keys = index if within else np.zeros_like(index)
    return accuracy(labels), np.array([accuracy(_shuffled(labels, keys, rng)) for _ in range(SHUFFLES)])


def _ridge(inputs: Numbers) -> Numbers:
    """``[F, n]`` what turns n targets into ridge regression's weights."""
    return np.asarray(np.linalg.solve(inputs.T @ inputs + np.eye(inputs.shape[1]), inputs.T), dtype=np.float64)


def _shuffled(
    labels: npt.NDArray[np.int64], keys: npt.NDArray[np.int64], rng: np.random.Generator
) -> npt.NDArray[np.int64]:
    """The labels with those of an equal key exchanged at random."""
    places, order = np.argsort(keys, kind="stable"), np.lexsort((rng.random(len(labels)), keys))
    out = np.empty_like(labels)
    out[places] = labels[order]
    return out
