"""YuNet and mediapipe with a model's file of the user's: what is said of a wrong one; with a right one, what is found.

The files are named by MSDE_YUNET_MODEL and MSDE_MEDIAPIPE_MODEL; without them only the messages are tested.
"""

import os
import sys

import numpy as np
import pytest
from drawn_faces import drawn_eyes, drawn_faces, photo

from msde_faces.mediapipe_faces import MAP, WHERE
from msde_toolkit.create import create_landmarker
from msde_toolkit.interfaces import Hint
from msde_toolkit.types import InputError

MODELS = {
    "yunet": (os.environ.get("MSDE_YUNET_MODEL"), 0.3),
    "mediapipe": (os.environ.get("MSDE_MEDIAPIPE_MODEL"), 0.08),
}
"""The file, and how far eyes may be off, in distances of the eyes."""
EYES_APART = 37
WRONG = {
    b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 232589\n": "a pointer of Git LFS",
    b"\n\n<!DOCTYPE html><html></html>": "a web page, not the file behind it",
    b"": "no such model, or damaged",
    b"text": "no such model, or damaged",
}


@pytest.mark.parametrize(("name", "published"), [("yunet", "of the OpenCV Zoo"), ("mediapipe", "face_landmarker.task")])
def test_a_file_that_is_no_model_is_said_to_be_with_where_to_get_one(name, published, tmp_path):
    with pytest.raises(InputError, match=rf"faces\.model = .*none: no such file\. It is .*{published}"):
        create_landmarker(f"{name}:{tmp_path / 'none'}")
    for content, reason in WRONG.items():
        file = tmp_path / "model"
        file.write_bytes(content)
        with pytest.raises(InputError, match=rf"faces\.model = .*model: {reason}.* It is .*{published}"):
            create_landmarker(name, {"model": str(file)})
    with pytest.raises(InputError, match=r"faces\.model: is required"):
        create_landmarker(name)


def test_a_yunet_that_is_cut_off_is_said_to_be_damaged(tmp_path):
    file = tmp_path / "face_detection_yunet_2023mar.onnx"
    file.write_bytes(b"\x08\x06\x12\x07pytorch" + bytes(range(256)))
    with pytest.raises(InputError, match=r"no such model, or damaged\. It is face_detection_yunet_2023mar\.onnx"):
        create_landmarker(f"yunet:{file}").find(drawn_faces()[0][0], Hint())


def test_without_the_extra_mediapipe_names_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    file = tmp_path / "face_landmarker.task"
    file.write_bytes(b"PK\x03\x04")
    with pytest.raises(InputError, match=r'pip install "msde-toolkit\[mediapipe\]"'):
        create_landmarker(f"mediapipe:{file}").find(drawn_faces()[0][0], Hint())
    assert "ai.google.dev" in WHERE


def test_the_map_takes_68_points_of_478_each_once():
    assert len(MAP) == len(set(MAP)) == 68
    assert all(0 <= index < 468 for index in MAP), "the irises are not among them"


@pytest.mark.parametrize("name", MODELS)
def test_with_its_model_both_faces_are_found_and_a_box_picks_one(name):
    file, tolerance = MODELS[name]
    if not file:
        pytest.skip(f"no model: set MSDE_{name.upper()}_MODEL to its file")
    landmarker = create_landmarker(f"{name}:{file}")
    corners = [(20, 60), (260, 100)]
    image = photo([image for image, _ in drawn_faces()], corners)
    assert len(landmarker.find(image, Hint())) == 2
    for number, corner in enumerate(corners):
        (face,) = landmarker.find(image, Hint(box=(*corner, 128, 128)))
        assert np.abs(face.eyes - drawn_eyes(number=number) - corner).max() < tolerance * EYES_APART
    assert landmarker.find(np.full((90, 90, 3), 128, np.uint8), Hint()) == []
