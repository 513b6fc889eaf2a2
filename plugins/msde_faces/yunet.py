"""YuNet, through OpenCV: a small network that finds faces with five points each. Its file is the user's."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from msde_faces.model_file import checked_file, no_model
from msde_faces.region import Region, around, whole
from msde_toolkit.interfaces import Box, Face, Hint, Image, Landmarker, PluginOptions

WHERE = (
    "It is face_detection_yunet_2023mar.onnx or later, of the OpenCV Zoo "
    "(github.com/opencv/opencv_zoo, models/face_detection_yunet)."
)
ONNX = b"\x08"
"""The first field of an ONNX file: its version."""
NMS, MOST = 0.3, 5000
"""OpenCV's defaults: overlap from which two boxes are one face; boxes that are kept before that."""
SIDE = 100
"""A box of the hint with a shorter longer side is enlarged to so many pixels."""


class YuNetOptions(PluginOptions):
    """Which file, and how faces are looked for."""

    model: Path = Field(description="The .onnx file; what follows the colon in yunet:FILE. " + WHERE)
    min_score: float = Field(0.6, ge=0, le=1, description="Faces from this score on.")
    max_side: int = Field(
        640,
        ge=64,
        le=8192,
        description="Pixels; photos are shrunk to it. It finds faces of 10 to 300 px and some more.",
    )


class YuNet(Landmarker):
    """OpenCV's ``FaceDetectorYN``. Eyes are two of its five points; no 68 points.

    It misses few masked faces, but its eyes are coarse: against dlib's on faces of ExpW they lie 13 % of the eyes'
    distance off in photos of 100 px, 9 % in photos of 400 px (medians).
    """

    summary = "OpenCV's YuNet: boxes and eyes, fast also with masks; needs its .onnx file (yunet:FILE)"
    reference = "Wu, Peng and Yu 2023, YuNet: A tiny millisecond-level face detector"
    licence = "Apache-2.0 (OpenCV), MIT (model)"
    version: ClassVar[str] = "1"
    Options = YuNetOptions
    argument: ClassVar[str] = "model"
    options: YuNetOptions

    def __init__(self, options: YuNetOptions) -> None:
        super().__init__(options)
        checked_file(options.model, ONNX, WHERE)

    def find(self, image: Image, hint: Hint) -> list[Face]:
        """All faces, the surest first; with a box, the surest whose eyes are in it.

        Raises:
            DataError: if the box of the hint is empty or outside the image.
            InputError: if the file is missing, or no YuNet.
        """
        if hint.box is None:
            return self._detect(whole(image, self.options.max_side))
        faces = self._detect(around(image, hint.box, SIDE, self.options.max_side))
        return [face for face in faces if _holds(hint.box, face)][:1]

    def _detect(self, photo: Region) -> list[Face]:
        import cv2

        detector = _detector(self.options.model, self.options.min_score)
        height, width = photo.pixels.shape[:2]
        detector.setInputSize((width, height))
        try:
            rows = detector.detect(photo.pixels[..., ::-1].copy())[1]
        except cv2.error as error:
            raise no_model(self.options.model, "an ONNX file, but no YuNet", WHERE) from error
        found = [] if rows is None else [_face(photo, np.asarray(row, dtype=np.float64)) for row in rows]
        return sorted(found, key=lambda face: (-face.score, face.box or ()))


def _face(photo: Region, row: Any) -> Face:
    """Of a row of 15: box, five points (both eyes, nose tip, both corners of the mouth), score."""
    eyes = photo.to_photo(row[4:8].reshape(2, 2))
    box: Box = (float(row[0]), float(row[1]), float(row[2]), float(row[3]))
    return Face(eyes=eyes[np.argsort(eyes[:, 0])], box=photo.box_to_photo(box), score=float(row[14]))


def _holds(box: Box, face: Face) -> bool:
    x, y = face.eyes.mean(axis=0)
    return bool(box[0] <= x <= box[0] + box[2] and box[1] <= y <= box[1] + box[3])


@lru_cache(maxsize=4)
def _detector(model: Path, min_score: float) -> Any:
    """Loaded once a process.

    Raises:
        InputError: if OpenCV cannot read the file.
    """
    import cv2

    logging = cv2.utils.logging
    level = logging.getLogLevel()
    logging.setLogLevel(logging.LOG_LEVEL_ERROR)  # it warns of a back end that nobody asked for
    try:
        return cv2.FaceDetectorYN.create(str(model), "", (320, 320), min_score, NMS, MOST)
    except cv2.error as error:
        raise no_model(model, "no such model, or damaged", WHERE) from error
    finally:
        logging.setLogLevel(level)
