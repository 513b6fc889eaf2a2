"""dlib: two detectors, 68 points, and a descriptor that tells people apart. Its models come with the extra ``dlib``."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from msde_faces import dlib_models
from msde_faces.region import Region, around, box_around, whole
from msde_toolkit.errors import DataError
from msde_toolkit.interfaces import Box, Face, Hint, Image, Landmarker, PluginOptions
from msde_toolkit.landmarks import eye_centres

FINE = 400
"""dlib gives whole pixels, so a smaller face is enlarged to so many pixels before its points are looked for."""
SMALLEST = 24
"""Pixels of a photo's shorter side below which the CNN has no input."""


class DlibOptions(PluginOptions):
    """How faces are looked for."""

    detector: Literal["hog", "cnn"] = Field(
        "hog", description="hog: fast, frontal faces, misses many that wear a mask; cnn: misses fewer, and is slow."
    )
    upsample: int = Field(
        0,
        ge=0,
        le=3,
        description="How often photos are doubled: 0 finds faces from 80 px, 1 from 40 px in 4 times the time.",
    )
    max_side: int = Field(
        1024, ge=64, le=8192, description="Pixels; photos are shrunk to it to find faces, not to place points in them."
    )
    min_score: float = Field(
        0.0,
        ge=-2,
        description="Faces from this score on: hog 0 to 3 (below 0 finds more, also false ones), cnn 0 to 1.",
    )


class Dlib(Landmarker):
    """dlib's HOG or CNN detector, then 68 points by regression trees in the photo's full resolution.

    One detector for both conditions: its box is where the search for the points begins.

    Found of 200 faces of ExpW, tight crops of 100 px, without a mask and with the drawn surgical one, ``upsample`` 1:
    HOG 73.5 % and 12.5 %, CNN 98.0 % and 51.0 % (``benchmarks/face_detectors.py``). The CNN took 45 times as long.

    Telling people apart: dlib's own threshold of 0.6 is for pairs of photos of which half show one person. Among 84,255
    pairs of 411 faces of ExpW, nearly all of strangers, 1.4 % were nearer than 0.6, 0.03 % nearer than 0.45 (about half
    of these do show one person) and none of strangers nearer than 0.40; the same photo mirrored, darkened and at less
    than a third of the pixels was at 0.24 (median of 60) and never above 0.43. Children are told apart worst.
    """

    summary = "dlib: HOG or CNN detector and 68 points, offline; tells people apart"
    reference = "King 2009 (Dlib-ml), King 2015 (max-margin object detection), Kazemi and Sullivan 2014 (68 points)"
    licence = "BSL-1.0; the points' model is trained on iBUG 300-W, which excludes commercial use; other models CC0"
    version: ClassVar[str] = "1"
    same_person_below: ClassVar[float | None] = 0.45
    Options = DlibOptions
    options: DlibOptions

    def find(self, image: Image, hint: Hint) -> list[Face]:
        """All faces, the surest first; with a box, the points in it, and no detector is asked.

        Raises:
            DataError: if the box of the hint is empty or outside the image.
            InputError: if the extra is not installed.
        """
        if hint.box is not None:
            return [_face(image, hint.box)]
        return [_face(image, box, score) for score, box in self._detect(whole(image, self.options.max_side))]

    def descriptor(self, image: Image, face: Face) -> npt.NDArray[np.float64]:
        """``[128]`` of the face that these 68 points span, by a network trained on unmasked faces.

        Raises:
            DataError: if the face has no 68 points.
            InputError: if the extra is not installed.
        """
        if face.landmarks is None:
            message = "the face has no landmarks, which the descriptor of dlib is cut by."
            raise DataError(message)
        box = face.box or box_around(face.landmarks)
        region = around(image, box, FINE)
        dlib = dlib_models.library()
        points = [dlib.point(int(x), int(y)) for x, y in np.rint(region.from_photo(face.landmarks))]
        shape = dlib.full_object_detection(_rectangle(region.box_from_photo(box)), points)
        numbers = dlib_models.recogniser().compute_face_descriptor(region.pixels, shape)
        return np.array(numbers, dtype=np.float64)

    def _detect(self, photo: Region) -> list[tuple[float, Box]]:
        """Score and box in the photo, the surest first; the order of equal ones is that of their place."""
        options = self.options
        if options.detector == "hog":
            found, scores, _ = dlib_models.hog_detector().run(photo.pixels, options.upsample, options.min_score)
            pairs = list(zip(scores, found, strict=True))
        elif min(photo.pixels.shape[:2]) < SMALLEST:
            return []
        else:
            found = dlib_models.cnn_detector()(photo.pixels, options.upsample)
            pairs = [(one.confidence, one.rect) for one in found if one.confidence >= options.min_score]
        boxes = [(float(score), photo.box_to_photo(_box(rectangle))) for score, rectangle in pairs]
        return sorted(boxes, key=lambda scored: (-scored[0], scored[1]))


def _face(image: Image, box: Box, score: float = 1.0) -> Face:
    """With its 68 points."""
    region = around(image, box, FINE)
    shape = dlib_models.shape_predictor()(region.pixels, _rectangle(region.box_from_photo(box)))
    points = region.to_photo(np.array([(point.x, point.y) for point in shape.parts()], dtype=np.float64))
    return Face(eyes=eye_centres(points), landmarks=points, box=box, score=score)


def _rectangle(box: Box) -> Any:
    left, top, width, height = (round(number) for number in box)
    return dlib_models.library().rectangle(left, top, left + max(width, 1) - 1, top + max(height, 1) - 1)


def _box(rectangle: Any) -> Box:
    left, top, width, height = rectangle.left(), rectangle.top(), rectangle.width(), rectangle.height()
    return float(left), float(top), float(width), float(height)
