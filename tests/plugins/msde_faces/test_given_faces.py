"""Landmarkers that look at no pixel: faces that are cropped already, points that the manifest gives."""

import numpy as np
import pytest

from msde_toolkit.create import create_landmarker
from msde_toolkit.interfaces import Hint
from msde_toolkit.landmarks import canonical_landmarks, eye_centres
from msde_toolkit.types import DataError

PHOTO = np.zeros((80, 60, 3), np.uint8)


def test_a_cropped_face_has_the_points_of_the_average_face():
    (face,) = create_landmarker("aligned").find(PHOTO, Hint())
    assert np.allclose(face.landmarks, canonical_landmarks(60, 80))
    assert np.allclose(face.eyes, eye_centres(face.landmarks))
    assert face.box == (0, 0, 60, 80)


def test_a_box_is_where_the_cropped_face_is():
    (face,) = create_landmarker("aligned").find(PHOTO, Hint(box=(10, 20, 30, 40)))
    assert np.allclose(face.landmarks, canonical_landmarks(30, 40) + np.array([10, 20]))
    assert face.box == (10, 20, 30, 40)


@pytest.mark.parametrize("box", [(60, 0, 10, 10), (-10, 5, 10, 10), (0, 0, 0, 5), (0, 0, float("nan"), 5)])
def test_a_box_with_nothing_in_it_is_refused(box):
    for name in ("aligned", "dlib"):
        with pytest.raises(DataError, match="holds nothing of the 60 x 80 pixels"):
            create_landmarker(name).find(PHOTO, Hint(box=box))


def test_given_points_are_taken_as_they_are():
    points = canonical_landmarks(50, 50) + np.array([3.25, 7])
    (face,) = create_landmarker("manifest").find(PHOTO, Hint(landmarks=points))
    assert np.array_equal(face.landmarks, points)
    assert np.allclose(face.eyes, eye_centres(points))
    left, top, width, height = face.box
    assert (left, top) == tuple(points.min(axis=0))
    assert np.allclose((left + width, top + height), points.max(axis=0))
    face.landmarks[:] = 0
    assert points[0, 0] != 0, "the manifest keeps its own"


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (None, "gives no landmarks: fill the column landmarks"),
        (np.zeros((5, 2)), r"landmarks \[5, 2\]: needed are 68"),
        (np.full((68, 2), np.nan), "needed are 68"),
    ],
)
def test_a_row_without_68_points_is_refused(points, message):
    with pytest.raises(DataError, match=message):
        create_landmarker("manifest").find(PHOTO, Hint(landmarks=points))
