"""Points that the manifest gives."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from msde_faces.region import box_around
from msde_toolkit.errors import DataError
from msde_toolkit.interfaces import Face, Hint, Image, Landmarker
from msde_toolkit.landmarks import eye_centres

POINTS = 68


class GivenPoints(Landmarker):
    """The 68 points of the manifest's column ``landmarks``, as they are. Looks at no pixel."""

    summary = "The 68 points that the manifest gives in its column landmarks, no detector"
    reference = "Whoever gave the points; order of iBUG 300-W (Sagonas et al. 2013)"
    licence = "Apache-2.0"
    version: ClassVar[str] = "1"

    def find(self, image: Image, hint: Hint) -> list[Face]:
        """The one face whose points the hint gives.

        Raises:
            DataError: if it gives none, or others than 68 finite ones.
        """
        del image
        if hint.landmarks is None:
            message = "its row gives no landmarks: fill the column landmarks, or name a landmarker that finds faces."
            raise DataError(message)
        points = np.array(hint.landmarks, dtype=np.float64)
        if points.shape != (POINTS, 2) or not np.isfinite(points).all():
            message = f"its row gives landmarks {list(points.shape)}: needed are {POINTS} points x, y in pixels."
            raise DataError(message)
        return [Face(eyes=eye_centres(points), landmarks=points, box=hint.box or box_around(points))]
