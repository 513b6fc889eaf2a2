"""mediapipe's FaceLandmarker: 478 points, of which 68 are taken. An extra; the file of the model is the user's."""

from __future__ import annotations

import atexit
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from msde_faces.model_file import checked_file, no_model
from msde_faces.region import Region, around, box_around, whole
from msde_toolkit.errors import InputError
from msde_toolkit.interfaces import Face, Hint, Image, Landmarker, PluginOptions
from msde_toolkit.landmarks import eye_centres

NEEDED = 'The landmarker mediapipe needs the package mediapipe: pip install "msde-toolkit[mediapipe]".'
WHERE = (
    "It is face_landmarker.task, of Google's MediaPipe "
    "(ai.google.dev/edge/mediapipe/solutions/vision/face_landmarker, under Models)."
)
ARCHIVE = b"PK"
"""A .task file is a ZIP archive."""
SIDE, MAX_SIDE = 256, 1024
"""A box of the hint with a shorter longer side is enlarged to this; photos with a longer one are shrunk to that."""

# fmt: off
# From the 478 points to the 68 of iBUG 300-W. Candidates are the contours that mediapipe publishes (FaceLandmarks-
# Connections: face oval, brows, nose, eyes, lips). Of these we took the pair, mirrored left and right, that lay nearest
# to the points of dlib's predictor on 62 near-frontal faces of ExpW. Median distance, in percent of that of the eyes:
# eyes 3, nose 4, lips 5, brows 8, jaw 9. Centres of the eyes so found: 2.
MAP = (
    127, 234, 132, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 361, 454, 356,
    70, 63, 105, 65, 55, 285, 295, 334, 293, 300,
    168, 197, 5, 4, 98, 97, 2, 326, 327,
    33, 160, 158, 155, 153, 144, 382, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 321, 314, 17, 84, 91, 78, 82, 13, 312, 308, 317, 14, 87,
)
# fmt: on


class MediaPipeOptions(PluginOptions):
    """Which file, and how faces are looked for."""

    model: Path = Field(description="The .task file; what follows the colon in mediapipe:FILE. " + WHERE)
    min_score: float = Field(0.5, ge=0, le=1, description="Faces from this score on; scores are not told.")
    most: int = Field(10, ge=1, le=100, description="Faces of a photo that are looked for at most.")


class MediaPipe(Landmarker):
    """mediapipe's FaceLandmarker in image mode.

    It was made for selfies: small faces are missed, unless a box says where they are. It tells no scores; the largest
    face comes first, and all have score 1.
    """

    summary = "mediapipe: 68 of 478 points, for near faces; needs its .task file (mediapipe:FILE)"
    reference = (
        "Kartynnik et al. 2019 (face mesh), Bazarevsky et al. 2019 (BlazeFace); map to 68 points: own measurement"
    )
    licence = "Apache-2.0"
    version: ClassVar[str] = "1"
    Options = MediaPipeOptions
    argument: ClassVar[str] = "model"
    options: MediaPipeOptions

    def __init__(self, options: MediaPipeOptions) -> None:
        super().__init__(options)
        checked_file(options.model, ARCHIVE, WHERE)

    def find(self, image: Image, hint: Hint) -> list[Face]:
        """All faces, the largest first; with a box, the largest whose eyes are in it.

        Raises:
            DataError: if the box of the hint is empty or outside the image.
            InputError: if the extra is not installed, or the file is missing or no such model.
        """
        if hint.box is None:
            return self._detect(whole(image, MAX_SIDE))
        left, top, width, height = hint.box
        faces = self._detect(around(image, hint.box, SIDE, MAX_SIDE))
        centres = [face.eyes.mean(axis=0) for face in faces]
        inside = [left <= x <= left + width and top <= y <= top + height for x, y in centres]
        return [face for face, here in zip(faces, inside, strict=True) if here][:1]

    def _detect(self, photo: Region) -> list[Face]:
        options = self.options
        detector, as_image = _detector(options.model, options.min_score, options.most)
        size = np.array(photo.pixels.shape[1::-1], dtype=np.float64)
        meshes = detector.detect(as_image(photo.pixels)).face_landmarks
        found = [_face(photo, np.array([(point.x, point.y) for point in mesh]) * size - 0.5) for mesh in meshes]
        return sorted(found, key=lambda face: -np.ptp(face.eyes[:, 0]))


def _face(photo: Region, mesh: Any) -> Face:
    points = photo.to_photo(mesh[list(MAP)])
    eyes = eye_centres(points)
    return Face(eyes=eyes[np.argsort(eyes[:, 0])], landmarks=points, box=box_around(points))


def _close(task: Any) -> None:
    """At the interpreter's end; the task's own way out needs threads that are gone by then, and would complain."""
    with suppress(RuntimeError):
        task.close()


@lru_cache(maxsize=4)
def _detector(model: Path, min_score: float, most: int) -> tuple[Any, Any]:
    """The task, loaded once a process, and what makes an image for it.

    Raises:
        InputError: if the extra is not installed, or the file is no such model.
    """
    try:
        import mediapipe
        from mediapipe.tasks.python import BaseOptions, vision
    except ImportError as error:
        raise InputError(NEEDED) from error
    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(model)),
        num_faces=most,
        min_face_detection_confidence=min_score,
        min_face_presence_confidence=min_score,
    )
    try:
        task = vision.FaceLandmarker.create_from_options(options)
    except (RuntimeError, ValueError) as error:
        raise no_model(model, "no such model, or damaged", WHERE) from error
    atexit.register(_close, task)

    def as_image(pixels: Image) -> Any:
        return mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=pixels)

    return task, as_image
