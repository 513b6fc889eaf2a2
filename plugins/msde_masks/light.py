"""The photo's light, which a mask must share: measured where nothing is covered, so that it cannot tell what is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from msde_masks.fit import Frame
from msde_toolkit.interfaces import Image

LUMA = np.array([0.299, 0.587, 0.114])
GREY_SPREAD = 6
"""An image is grey if the channels of 99% of its pixels differ by no more: JPEG leaves a little colour in greys."""

Layer = npt.NDArray[np.float64]
"""``[H, W]``."""


@dataclass(frozen=True)
class Light:
    """Exposure and side light.

    Attributes:
        exposure: luma, 0 to 255, of the photo's bright parts.
        side: how much brighter the right of the upper face is than the left, as a share of their sum, -1 to 1.
    """

    exposure: float
    side: float

    def on(self, surface: Layer, across: Layer) -> Layer:
        """``surface`` ``[H, W]``, bright as under full light, in this one; ``across`` as of ``Frame.coordinates``."""
        lit: Layer = surface * (1.0 + 0.7 * float(np.clip(self.side, -0.35, 0.35)) * across)
        return lit * float(np.clip(0.40 + 0.60 * self.exposure / 210.0, 0.40, 1.05))


def light_of(image: Image, frame: Frame, alpha: Layer) -> Light:
    """The light of a photo ``[H, W, 3]``, seen where ``alpha`` ``[H, W]`` is 0."""
    luma = image @ LUMA
    across, down = frame.coordinates(*alpha.shape)
    seen = luma[alpha == 0]
    exposure = float(np.percentile(seen, 90)) if seen.size else 200.0
    face = (alpha == 0) & (np.abs(across) < 0.75) & (down > -0.5) & (down < 0.3)
    left, right = luma[face & (across < 0)], luma[face & (across > 0)]
    side = 0.0
    if left.size and right.size:
        side = float((right.mean() - left.mean()) / max(right.mean() + left.mean(), 1.0))
    return Light(exposure, side)


def is_grey(image: Image) -> bool:
    """Whether a photo ``[H, W, 3]`` has no colour worth the name."""
    spread = image.max(axis=2).astype(np.int64) - image.min(axis=2)
    return bool(np.percentile(spread, 99) <= GREY_SPREAD)


def over(image: Image, mask: npt.NDArray[np.int64], alpha: npt.NDArray[np.int64]) -> Image:
    """``round(alpha * mask + (1 - alpha) * image)`` in whole numbers: ``[H, W, 3]`` twice, alpha ``[H, W]`` of 255."""
    mixed = 2 * (alpha[..., None] * mask + (255 - alpha[..., None]) * image) + 255
    return (mixed // 510).astype(np.uint8)
