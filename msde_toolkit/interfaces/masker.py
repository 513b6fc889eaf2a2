'''The masker interface: puts a face mask on a face, registered pixel by pixel with its source. A complete plugin:

import numpy as np
from msde_toolkit.interfaces import Image, Landmarks, Masker

class GreyLowerHalf(Masker):
    """A grey rectangle from the nose tip down."""

    summary = "A grey rectangle from the nose tip down"

    def apply(self, image: Image, landmarks: Landmarks, rng: np.random.Generator) -> tuple[Image, np.ndarray]:
        alpha = np.zeros(image.shape[:2], np.uint8)
        alpha[int(landmarks[30, 1]):] = 255
        masked = image.copy()
        masked[alpha > 0] = rng.integers(90, 160)
        return masked, alpha
'''

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from msde_toolkit.interfaces.dataset import Image
from msde_toolkit.interfaces.plugin import Plugin

Landmarks = npt.NDArray[np.float64]
"""``[68, 2]`` x, y in pixels, in the iBUG 300-W order: jaw 0-16, brows 17-26, nose 27-35, eyes 36-47, mouth 48-67."""


class Masker(Plugin):
    """Draws a mask. Randomness comes from ``rng`` alone, which the toolkit keys by seed and sample id."""

    version: ClassVar[str] = "1"
    """A new version makes cached masked images be drawn again."""

    def __init__(self, options: Any) -> None:
        self.options = options

    def apply(
        self, image: Image, landmarks: Landmarks, rng: np.random.Generator
    ) -> tuple[Image, npt.NDArray[np.uint8]]:
        """The masked image and the mask's alpha.

        Args:
            image: uint8 ``[H, W, 3]`` RGB.
            landmarks: ``[68, 2]`` pixels.
            rng: the only source of randomness.

        Returns:
            uint8 ``[H, W, 3]``, and alpha uint8 ``[H, W]``: where it is 0 the image is unchanged.
        """
        message = f"{type(self).__name__} does not define apply."
        raise NotImplementedError(message)

    def parameters(self, image: Image, landmarks: Landmarks, rng: np.random.Generator) -> dict[str, Any]:
        """What ``apply`` decides when it is given the same, to be kept beside the mask: kind, colour, pose and so on.

        Text, finite numbers and truth values by short names; each becomes the column ``mask_NAME`` of a manifest. By
        default nothing.

        Args:
            image: uint8 ``[H, W, 3]`` RGB.
            landmarks: ``[68, 2]`` pixels.
            rng: in the state in which ``apply`` gets it.
        """
        del image, landmarks, rng
        return {}

    def fingerprint(self) -> str:
        """Changes with all that ``apply`` depends on besides options and arguments: ``version``, and files it reads."""
        return self.version
