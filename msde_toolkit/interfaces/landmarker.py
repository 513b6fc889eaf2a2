'''The landmarker interface: finds faces in a photo, and their eyes. A complete plugin:

import numpy as np
from msde_toolkit.interfaces import Face, Hint, Image, Landmarker

class BrightestSpots(Landmarker):
    """Takes the brightest pixel of either half for an eye."""

    summary = "The brightest pixel of the left half and of the right half"

    def find(self, image: Image, hint: Hint) -> list[Face]:
        left, top, width, height = (int(side) for side in hint.box or (0, 0, image.shape[1], image.shape[0]))
        grey = image[top : top + height, left : left + width].mean(axis=2)
        middle = width // 2
        spots = [np.unravel_index(half.argmax(), half.shape)[::-1] for half in (grey[:, :middle], grey[:, middle:])]
        return [Face(eyes=np.array(spots, float) + [[left, top], [left + middle, top]], box=hint.box)]
'''

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from msde_toolkit.interfaces.dataset import Image
from msde_toolkit.interfaces.masker import Landmarks
from msde_toolkit.interfaces.plugin import Plugin

Box = tuple[float, float, float, float]
"""left, top, width, height in pixels."""


@dataclass(frozen=True, eq=False)
class Hint:
    """What is known of the face before anyone looks: from the manifest, or from a correction by hand.

    Attributes:
        box: where the face is; no other face of the photo is meant.
        landmarks: ``[68, 2]`` pixels.
    """

    box: Box | None = None
    landmarks: Landmarks | None = None


@dataclass(frozen=True, eq=False)
class Face:
    """A face in a photo.

    Attributes:
        eyes: ``[2, 2]`` x, y in pixels of the centre of the eye on the left of the picture, then of the other.
        landmarks: ``[68, 2]`` pixels; None where the method does not give them.
        box: around the face; None where the method has none.
        score: how sure the method is; larger is surer, and scores of two methods cannot be compared.
    """

    eyes: npt.NDArray[np.float64]
    landmarks: Landmarks | None = None
    box: Box | None = None
    score: float = 1.0


class Landmarker(Plugin):
    """Finds faces. Photos are given one by one; the same photo always has the same faces.

    Attributes:
        version: of the method; it is recorded with every face that was cut by it.
        same_person_below: two faces whose ``descriptor`` lie nearer than this (Euclidean) show one person; None where
            the method does not tell people apart.
    """

    version: ClassVar[str] = "1"
    same_person_below: ClassVar[float | None] = None

    def __init__(self, options: Any) -> None:
        self.options = options

    def find(self, image: Image, hint: Hint) -> list[Face]:
        """All faces in a photo, the surest first; none if there is none.

        Args:
            image: uint8 ``[H, W, 3]`` RGB, upright.
            hint: what is known; with a box, at most the one face in it is returned.

        Raises:
            DataError: if the method needs a hint that is not there.
            InputError: if a model that the method needs is missing or damaged.
        """
        message = f"{type(self).__name__} does not define find."
        raise NotImplementedError(message)

    def descriptor(self, image: Image, face: Face) -> npt.NDArray[np.float64]:
        """``[D]`` numbers that are near each other for photos of one person. Only where ``same_person_below`` is set.

        Args:
            image: uint8 ``[H, W, 3]`` RGB, as given to ``find``.
            face: of this photo.
        """
        message = f"{type(self).__name__} does not tell people apart."
        raise NotImplementedError(message)
