"""Boxes on a face: where they lie, how large they are, what they are filled with."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from msde_toolkit.landmarks import canonical_landmarks
from msde_toolkit.randomness import uniform

Images = npt.NDArray[np.uint8]
Box = tuple[float, float, float, float]
"""Left, top, right, bottom in pixels."""

PLACES = ("upper", "lower", "eyes", "mouth", "random")
FILLS = ("grey", "mean", "black")
_EYES, _MOUTH = slice(36, 48), slice(48, 68)
_ASPECT = {"eyes": 2.0, "mouth": 1.5, "random": 1.0}
"""Width over height."""


def average_points(side: int, margin: float) -> npt.NDArray[np.float64]:
    """``[68, 2]`` of the average face in a crop of this side that shows ``margin`` more than the face."""
    points: npt.NDArray[np.float64] = side * (0.5 + (canonical_landmarks(1, 1) - 0.5) / (1 + margin))
    return points


def face_box(points: npt.NDArray[np.float64]) -> Box:
    """From brows to chin and from ear to ear: what sizes are shares of."""
    return float(points[:, 0].min()), float(points[:, 1].min()), float(points[:, 0].max()), float(points[:, 1].max())


def box(place: str, share: float, points: npt.NDArray[np.float64], where: Sequence[float] = (0.5, 0.5)) -> Box:
    """A box that covers ``share`` (0 to 1) of the face, all of it on the face.

    Args:
        place: "upper" and "lower" are bands that grow from brows and chin; "eyes" and "mouth" are centred there as far
            as the face allows; "random" is a square.
        share: of ``face_box``.
        points: ``[68, 2]``.
        where: of a random box, 0 to 1 from the left and from the top.
    """
    left, top, right, bottom = face_box(points)
    width, height = right - left, bottom - top
    if place == "upper":
        return left, top, right, top + share * height
    if place == "lower":
        return left, bottom - share * height, right, bottom
    wide = float(np.clip(np.sqrt(share * width * height * _ASPECT[place]), share * width, width))
    high = share * width * height / wide
    if place == "random":
        x, y = left + where[0] * (width - wide), top + where[1] * (height - high)
    else:
        centre = points[_EYES if place == "eyes" else _MOUTH].mean(axis=0)
        x, y = (
            float(np.clip(middle - size / 2, low, high_end - size))
            for middle, size, low, high_end in ((centre[0], wide, left, right), (centre[1], high, top, bottom))
        )
    return x, y, x + wide, y + high


def occlude(
    images: Images, ids: Sequence[str], margins: Sequence[float], place: str, share: float, fill: str, seed: int
) -> tuple[Images, float]:
    """Images with a box on each, and the share of the face that it covers after rounding to pixels, on average.

    A random box of an image stays where it is when it grows; it depends on seed and id alone.

    Args:
        images: ``[n, S, S, 3]``.
        ids: of the images.
        margins: of the face recipe of each.
        place: one of ``PLACES``.
        share: of the face.
        fill: one of ``FILLS``: mid-grey, each image's mean colour, or black.
        seed: of random boxes.
    """
    side = images.shape[1]
    covered, shares = images.copy(), np.empty(len(images))
    wheres = uniform(2, list(ids), seed, "occluder")
    points = {margin: average_points(side, margin) for margin in set(margins)}
    for row, (margin, where) in enumerate(zip(margins, wheres, strict=True)):
        left, top, right, bottom = (round(edge) for edge in box(place, share, points[margin], where.tolist()))
        mean = images[row].mean(axis=(0, 1))
        covered[row, top:bottom, left:right] = {"grey": 128, "black": 0, "mean": np.rint(mean)}[fill]
        x0, y0, x1, y1 = face_box(points[margin])
        shares[row] = (right - left) * (bottom - top) / ((x1 - x0) * (y1 - y0))
    return covered, float(shares.mean())


def margin_of(prep: Any) -> float:
    """How much more than the face an image shows, as the recipe in the manifest's ``prep`` says; 0 where none does."""
    found = re.search(r"\bmargin (\d+(?:\.\d+)?)", prep) if isinstance(prep, str) else None
    return float(found[1]) if found else 0.0
