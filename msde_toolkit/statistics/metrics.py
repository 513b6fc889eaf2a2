"""Metrics as functions of confusion counts.

Counts come first: ``[C, C]``, rows are the truth. Every metric is a function of counts over any leading axes, so that
the same line of code gives the metric of a run, of each fold and of each bootstrap draw.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]


def confusion(labels: npt.ArrayLike, predicted: npt.ArrayLike, classes: int) -> Counts:
    """``[C, C]`` how often truth (row) was predicted as what (column).

    Raises:
        ValueError: if the lengths differ or a class index is outside 0 to C-1.
    """
    return np.bincount(cells_of(labels, predicted, classes), minlength=classes * classes).reshape(classes, classes)


def accuracy(counts: npt.ArrayLike) -> Values:
    """``[..., C, C] -> [...]`` share of samples predicted right; nan without samples."""
    table = np.asarray(counts, dtype=np.float64)
    return _ratio(np.trace(table, axis1=-2, axis2=-1), table.sum(axis=(-2, -1)))


def recall_by_class(counts: npt.ArrayLike) -> Values:
    """``[..., C, C] -> [..., C]`` share of each true class predicted right; nan for a class without samples."""
    table = np.asarray(counts, dtype=np.float64)
    return _ratio(np.diagonal(table, axis1=-2, axis2=-1), table.sum(axis=-1))


def precision_by_class(counts: npt.ArrayLike) -> Values:
    """``[..., C, C] -> [..., C]`` share of the answers of each class that are right; nan for one never answered."""
    return recall_by_class(np.swapaxes(np.asarray(counts), -1, -2))


def f1_by_class(counts: npt.ArrayLike) -> Values:
    """``[..., C, C] -> [..., C]`` harmonic mean of recall and precision; nan for a class without samples."""
    table = np.asarray(counts, dtype=np.float64)
    sizes, answers = table.sum(axis=-1), table.sum(axis=-2)
    hits = np.diagonal(table, axis1=-2, axis2=-1)
    return np.where(sizes > 0, _ratio(2 * hits, sizes + answers), np.nan)


def balanced_accuracy(counts: npt.ArrayLike) -> Values:
    """``[..., C, C] -> [...]`` mean recall over the classes that are present."""
    return _mean_over_present(recall_by_class(counts), counts)


def macro_f1(counts: npt.ArrayLike) -> Values:
    """``[..., C, C] -> [...]`` mean F1 over the classes that are present in the truth."""
    return _mean_over_present(f1_by_class(counts), counts)


def majority_baseline(counts: npt.ArrayLike) -> Values:
    """``[..., C, C] -> [...]`` accuracy of always answering with the most frequent true class."""
    sizes = np.asarray(counts, dtype=np.float64).sum(axis=-1)
    return _ratio(sizes.max(axis=-1), sizes.sum(axis=-1))


METRICS: Mapping[str, Callable[[npt.ArrayLike], Values]] = {
    "accuracy": accuracy,
    "balanced_accuracy": balanced_accuracy,
    "macro_f1": macro_f1,
}


def cells_of(labels: npt.ArrayLike, predicted: npt.ArrayLike, classes: int) -> npt.NDArray[np.int64]:
    """``[n]`` cell of the flattened confusion table that each answer falls in.

    Raises:
        ValueError: as ``confusion``.
    """
    truth, answer = (np.asarray(side, dtype=np.int64).ravel() for side in (labels, predicted))
    if truth.shape != answer.shape:
        message = f"{len(truth)} labels but {len(answer)} predictions."
        raise ValueError(message)
    for name, side in (("label", truth), ("prediction", answer)):
        if ((side < 0) | (side >= classes)).any():
            message = f"A {name} is outside 0 to {classes - 1}."
            raise ValueError(message)
    return truth * classes + answer


def mean_of_known(values: npt.ArrayLike, axis: int = -1) -> Values:
    """Mean along an axis over the values that are not nan; nan where there is none."""
    table = np.asarray(values, dtype=np.float64)
    known = np.isfinite(table)
    return _ratio(np.where(known, table, 0.0).sum(axis=axis), known.sum(axis=axis))


def _ratio(part: Any, whole: Any) -> Values:
    whole = np.asarray(whole, dtype=np.float64)
    out = np.full(whole.shape, np.nan)
    np.divide(part, whole, out=out, where=whole > 0)
    return out


def _mean_over_present(by_class: Values, counts: npt.ArrayLike) -> Values:
    present = np.asarray(counts).sum(axis=-1) > 0
    return _ratio(np.where(present, by_class, 0.0).sum(axis=-1), present.sum(axis=-1))
