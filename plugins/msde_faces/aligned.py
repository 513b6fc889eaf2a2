"""Faces that are cropped and aligned already."""

from __future__ import annotations

from typing import ClassVar

from msde_faces.region import checked_box
from msde_toolkit.interfaces import Face, Hint, Image, Landmarker
from msde_toolkit.landmarks import canonical_landmarks, eye_centres


class Aligned(Landmarker):
    """The points of the average face, for sets whose images are upright, centred face crops. Looks at no pixel."""

    summary = "For faces that are cropped already: the points of the average face, no detector"
    reference = "Own work: msde_toolkit.landmarks.canonical_landmarks"
    licence = "Apache-2.0"
    version: ClassVar[str] = "1"

    def find(self, image: Image, hint: Hint) -> list[Face]:
        """One face: the whole image ``[H, W, 3]``, or the box of the hint.

        Raises:
            DataError: if the box of the hint is empty or outside the image.
        """
        height, width = image.shape[:2]
        box = (0.0, 0.0, float(width), float(height)) if hint.box is None else checked_box(image, hint.box)
        left, top, across, down = box
        points = canonical_landmarks(1, 1) * [across, down] + [left, top]
        return [Face(eyes=eye_centres(points), landmarks=points, box=box)]
