"""How sharp and how noisy a photo is, measured where nothing is covered; a mask must be neither sharper nor cleaner."""

from __future__ import annotations

from dataclasses import dataclass
from math import erf, exp, pi, sqrt

import numpy as np
import numpy.typing as npt

from msde_masks.light import LUMA, Layer
from msde_toolkit.interfaces import Image

SHARP = 0.6
"""Pixels of blur that a drawn mask has by itself, and that edges of a sharp photo of a face show."""
BLURRIEST = 3.0
NOISIEST = 10.0
QUARTILE = 0.3186
"""Of the absolute value of a standard normal variable."""
STEP = 0.25
"""Blur in pixels and noise in levels are rounded to this: a measurement cannot move a mask by a hair."""
FEWEST = 64
"""Pixels that must be seen to measure anything."""


@dataclass(frozen=True)
class Grain:
    """Blur: standard deviation in pixels, beyond that of a drawn mask. Noise: standard deviation of luma, in levels."""

    blur: float
    noise: float


def grain_of(image: Image, free: npt.NDArray[np.bool_]) -> Grain:
    """Blur and noise of a photo ``[H, W, 3]``, seen where ``free`` ``[H, W]``.

    Noise: the lower quartile of a Laplacian's absolute response (kernel of Immerkaer 1996), which skin and hair hardly
    move.
    Blur: from squared differences at distances of one and two pixels, less what noise adds to both. Of a sharp edge the
    second sum is twice the first, of one blurred without end four times.
    """
    luma = image @ LUMA
    if min(luma.shape) < 3 or free.sum() < FEWEST:
        return Grain(0.0, 0.0)
    noise = min(_noise(luma, free), NOISIEST)
    near, far = (_squares(luma, free, distance) - 2 * noise**2 for distance in (1, 2))
    blur = float(np.interp(far / near, _RATIOS, _BLURS)) if near > 1.0 else 0.0
    return Grain(_rounded(sqrt(max(blur**2 - SHARP**2, 0.0))), _rounded(noise))


def speckle(shape: tuple[int, int], rng: np.random.Generator) -> Layer:
    """``[H, W]`` noise of mean 0 and standard deviation 1, made of whole numbers alone: the same on every machine."""
    total = rng.integers(0, 256, (4, *shape)).sum(axis=0)
    noise: Layer = (total - 510.0) / 147.8
    return noise


def _noise(luma: Layer, free: npt.NDArray[np.bool_]) -> float:
    middle = luma[1:-1, 1:-1]
    edges = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:]
    corners = luma[:-2, :-2] + luma[:-2, 2:] + luma[2:, :-2] + luma[2:, 2:]
    seen = np.lib.stride_tricks.sliding_window_view(free, (3, 3)).all(axis=(2, 3))
    if seen.sum() < FEWEST:
        return 0.0
    response = np.abs(4 * middle - 2 * edges + corners)[seen]
    return float(np.percentile(response, 25)) / (QUARTILE * 6.0)


def _squares(luma: Layer, free: npt.NDArray[np.bool_], distance: int) -> float:
    """Mean squared difference of pixels that are so far apart, across and down."""
    total, count = 0.0, 0
    for one, other, both in (
        (luma[:, distance:], luma[:, :-distance], free[:, distance:] & free[:, :-distance]),
        (luma[distance:], luma[:-distance], free[distance:] & free[:-distance]),
    ):
        difference = (one - other)[both]
        total, count = total + float(difference @ difference), count + difference.size
    return total / max(count, 1)


def _rounded(value: float) -> float:
    return round(value / STEP) * STEP


def _edge(blur: float, distance: float) -> float:
    """Sum of squared differences along a unit step that is blurred by a Gaussian."""
    return 2 * blur / sqrt(pi) * (exp(-((distance / (2 * blur)) ** 2)) - 1) + distance * erf(distance / (2 * blur))


_BLURS = np.linspace(0.05, BLURRIEST + 1, 80)
_RATIOS = np.array([_edge(blur, 2.0) / _edge(blur, 1.0) for blur in _BLURS.tolist()])
