"""What the masks of a twin tell of the expression beneath: asked as the audit asks, with the masker's own numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from msde_toolkit.data.audit.finding import DoesNotApply
from msde_toolkit.data.audit.mask_leak import Told, told_by
from msde_toolkit.data.masks.outcome import Drawn
from msde_toolkit.landmarks import eye_centres
from msde_toolkit.types import Manifest


def told_by_masks(sources: Manifest, drawn: Mapping[str, Drawn]) -> Told | str:
    """How well area, place, height and width of alpha and the masker's numeric parameters tell the label.

    Folds keep subjects apart, or samples where subjects are unknown.

    Returns:
        the answer, or why there is none: too few masks, classes or subjects.
    """
    rows = sources.rows_of(drawn)
    keys = numeric_parameters(drawn)
    features = np.array([[*one.shape, *(one.parameters[key] for key in keys)] for one in drawn.values()], dtype=float)
    try:
        return told_by(features, sources.labels[rows], sources.groups()[rows])
    except DoesNotApply as error:
        return str(error)


def told_by_eyes(sources: Manifest, drawn: Mapping[str, Drawn]) -> Told | None:
    """How well the place of the eyes in the picture tells the label: what any mask must tell that lies on the face.

    A crop that follows the jaw puts the eyes of an open mouth elsewhere. None where landmarks are not known of all
    masked faces, or as for ``told_by_masks``.
    """
    rows = sources.rows_of(drawn)
    cells = sources.frame["landmarks"].iloc[rows]
    if cells.isna().any():
        return None
    eyes = [eye_centres(np.asarray(cell, dtype=np.float64).reshape(-1, 2)) for cell in cells]
    sizes = [(one.width, one.height) for one in drawn.values()]
    features = np.array([(pair / size).ravel() for pair, size in zip(eyes, sizes, strict=True)])
    try:
        return told_by(features, sources.labels[rows], sources.groups()[rows])
    except DoesNotApply:
        return None


def numeric_parameters(drawn: Mapping[str, Drawn]) -> list[str]:
    """Parameters that are a number, or a truth value, for every mask."""
    ones = list(drawn.values())
    keys = dict.fromkeys(key for one in ones for key in one.parameters)
    return [key for key in keys if all(isinstance(one.parameters.get(key), int | float) for one in ones)]
