"""The sets of classes that the field uses, and what one means in another; refused where it means nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from msde_toolkit.errors import InputError
from msde_toolkit.types.labels import CLASSES

if TYPE_CHECKING:
    from msde_toolkit.types.manifest import Manifest

SEVEN = CLASSES
EIGHT = (*CLASSES, "contempt")
THREE = ("positive", "negative", "neutral")

LABEL_SETS: Mapping[str, tuple[str, ...]] = {"seven": SEVEN, "eight": EIGHT, "three": THREE}
"""By name: the seven basic expressions, these with contempt (AffectNet, FERPlus), and valence (M-LFW-FER)."""

_VALENCE: Mapping[str, str] = {
    "happy": "positive",
    "fear": "negative",
    "disgust": "negative",
    "sad": "negative",
    "angry": "negative",
    "contempt": "negative",
    "neutral": "neutral",
}
"""Surprise is neither positive nor negative, so that it has no place here."""


def label_map(source: Sequence[str], target: Sequence[str]) -> list[int | None]:
    """For each class of ``source`` its index in ``target``; None for one that has no counterpart and is left out.

    A name means the same everywhere, so sets with the same names in another order, or with some more, are always
    mapped. Expressions become valence (``three``); valence never becomes an expression.

    Raises:
        InputError: if fewer than two classes have a counterpart: the sets do not mean the same.
    """
    names = list(target)
    valence = set(names) == set(THREE) and set(source) != set(THREE)
    words = [_VALENCE.get(name) if valence else name for name in source]
    found = [names.index(word) if word in names else None for word in words]
    if len({index for index in found if index is not None}) < 2:
        message = f"Labels {', '.join(source)} cannot be told as {', '.join(target)}: they do not mean the same."
        raise InputError(message)
    return found


def relabelled(manifest: Manifest, classes: Sequence[str]) -> Manifest:
    """The manifest with labels (and soft targets) of another set of classes.

    Samples of a class without counterpart are left out, and a note says how many of which.

    Raises:
        InputError: as ``label_map``.
    """
    if tuple(classes) == manifest.classes:
        return manifest
    mapping = label_map(manifest.classes, classes)
    kept = np.array([mapping[label] is not None for label in manifest.labels], dtype=bool)
    inside = manifest.take(kept)
    targets: list[Any] = [_target(target, mapping, len(classes)) for target in inside.frame["target"]]
    frame = inside.frame.assign(
        label=pd.Series([mapping[label] for label in inside.labels], dtype="Int64"),
        target=pd.Series(targets, dtype=object),
        requested_label=pd.Series([None] * len(inside), dtype="Int64"),
        votes=pd.Series([None] * len(inside), dtype=object),
    )
    lost = [name for name, index in zip(manifest.classes, mapping, strict=True) if index is None]
    count = int((~kept).sum())
    note = (
        (f"{count} samples of {', '.join(lost)} left out: no counterpart among {', '.join(classes)}",) if count else ()
    )
    left_out = [(sample, mapping[sample.label]) for sample in manifest.left_out]
    return replace(
        inside,
        frame=frame,
        classes=tuple(classes),
        notes=(*manifest.notes, *note),
        left_out=tuple(replace(sample, label=label) for sample, label in left_out if label is not None),
    )


def _target(target: Sequence[float] | None, mapping: Sequence[int | None], classes: int) -> list[float] | None:
    if target is None:
        return None
    out = [0.0] * classes
    for share, index in zip(target, mapping, strict=True):
        if index is not None:
            out[index] += float(share)
    return out if sum(out) > 0 else None
