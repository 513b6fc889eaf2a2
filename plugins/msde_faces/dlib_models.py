"""dlib and its packaged models, each loaded when it is first used, once a process."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from msde_toolkit.errors import InputError

PACKAGE = "face_recognition_models"
POINTS = "shape_predictor_68_face_landmarks.dat"
CNN = "mmod_human_face_detector.dat"
PEOPLE = "dlib_face_recognition_resnet_model_v1.dat"
NEEDED = (
    'The landmarker dlib needs the packages dlib-bin and face-recognition-models: pip install "msde-toolkit[dlib]".'
)


@cache
def library() -> Any:
    """dlib, imported on use.

    Raises:
        InputError: if it is not installed, with the command.
    """
    try:
        import dlib
    except ImportError as error:
        raise InputError(NEEDED) from error
    return dlib


def model_file(name: str) -> Path:
    """A file of the models' package, which is not imported: its import needs ``pkg_resources``, which is often absent.

    Raises:
        InputError: if the package, or the file in it, is missing.
    """
    spec = find_spec(PACKAGE)
    for folder in (spec and spec.submodule_search_locations) or ():
        file = Path(folder) / "models" / name
        if file.is_file():
            return file
    raise InputError(NEEDED)


@cache
def hog_detector() -> Any:
    """The HOG detector, which is part of dlib itself."""
    return library().get_frontal_face_detector()


@cache
def cnn_detector() -> Any:
    """The CNN detector (King 2015, *Max-margin object detection*)."""
    return library().cnn_face_detection_model_v1(str(model_file(CNN)))


@cache
def shape_predictor() -> Any:
    """68 points in a box (Kazemi and Sullivan 2014), trained on iBUG 300-W. 100 MB."""
    return library().shape_predictor(str(model_file(POINTS)))


@cache
def recogniser() -> Any:
    """128 numbers of a face (dlib's ResNet of 29 layers)."""
    return library().face_recognition_model_v1(str(model_file(PEOPLE)))
