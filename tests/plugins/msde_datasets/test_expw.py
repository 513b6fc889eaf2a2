import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from published_layouts import expw, picture, text

import msde_toolkit as msde
from msde_datasets.expw import ExpW, parse_line
from msde_toolkit.errors import DataError, InputError
from msde_toolkit.types import CLASSES

GOOD = "a.jpg 0 2 0 8 12 26.119 3"


def load(root, **options):
    return ExpW().load(root, ExpW.Options(**options))


def test_a_row_is_a_face_in_a_photo(tmp_path):
    manifest = load(expw(tmp_path))
    words = [manifest.classes[label] for label in manifest.labels]
    assert words[:7] == ["angry", "disgust", "fear", "happy", "sad", "surprise", "neutral"]
    assert manifest.classes == CLASSES
    assert manifest.ids[:2] == ("expw-fierce_couple_0.jpg-0", "expw-fierce_couple_0.jpg-1")
    assert manifest.frame["box"].iat[1] == [12, 2, 8, 10]
    assert manifest.frame["source"].iat[0] == manifest.frame["source"].iat[1] == "image/fierce_couple_0.jpg"
    assert manifest.split_names == ()


def test_read_cuts_the_box_out_as_far_as_it_lies_in_the_photo(tmp_path):
    pixels = tmp_path / "image" / "a.png"
    picture(pixels, side=20)
    text(tmp_path / "label.lst", ["a.png 0 0 0 8 12 9.5 3", "a.png 1 5 -4 6 99 9.5 3", "a.png 2 30 30 40 40 9.5 3"])
    manifest = load(tmp_path)
    faces = ExpW().read(manifest.take([1, 0]))
    assert [face.shape for face in faces] == [(15, 6, 3), (12, 8, 3)]
    assert faces[1][0, 0].tolist() == [255, 255, 255]
    assert np.count_nonzero(faces[1]) == 3
    with pytest.raises(DataError, match=r"a\.png: the box 30, 30, 10, 10 lies outside its 20 x 20 pixels"):
        ExpW().read(manifest)


@pytest.mark.parametrize("form", [{"end": "\r\n"}, {"bom": True}, {"last": False}])
def test_line_ends_marks_case_and_spaces_may_differ(tmp_path, form):
    picture(tmp_path / "Image" / "origin" / "A b.JPG", side=20)
    text(tmp_path / "label" / "LABEL.lst", ["a b.jpg 0 2 0 8 12 26.119 3  "], **form)
    manifest = load(tmp_path)
    assert manifest.frame["path"].tolist() == ["Image/origin/A b.JPG"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("a.jpg 1 2 0 8 12 26.119 7", "expression '7' is not one of 0 to 6"),
        ("a.jpg 1 2 0 8 12 26.119 -1", "expression '-1' is not one of 0 to 6"),
        ("a.jpg 1 2 0 8 12 3", "7 words, expected 8: image, face id, top, left, right, bottom, confidence"),
        ("a.jpg 1 2 8 8 12 26.119 3", "box top 2, left 8, right 8, bottom 12 is empty"),
        ("a.jpg 1 2 0.5 8 12 26.119 3", "left '0.5' is not a whole number"),
        ("a.jpg 1 2 0 8 12 sure 3", "confidence 'sure' is not a number"),
        ("b.jpg 0 2 0 8 12 26.119 3", "no image 'b.jpg' in image"),
        ("/a.jpg 0 2 0 8 12 26.119 3", "path '/a.jpg' is absolute"),
        ("../a.jpg 0 2 0 8 12 26.119 3", "has '..' in it"),
        ("empty.jpg 0 2 0 8 12 26.119 3", "holds no bytes"),
        (GOOD, "face 0 of a.jpg stands there a second time"),
    ],
)
def test_a_bad_row_is_named_or_left_out(tmp_path, line, why):
    picture(tmp_path / "image" / "a.jpg", side=20)
    (tmp_path / "image" / "empty.jpg").touch()
    file = text(tmp_path / "label.lst", [GOOD, line])
    with pytest.raises(DataError, match=re.escape(f"{file}, line 2: ") + ".*" + re.escape(why)):
        load(tmp_path)
    manifest = load(tmp_path, on_bad="skip")
    assert manifest.ids == ("expw-a.jpg-0",)
    assert why in manifest.notes[0]


def test_a_root_without_labels_or_images_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"no label\.lst there"):
        load(tmp_path)
    text(tmp_path / "label.lst", [GOOD])
    with pytest.raises(InputError, match="no folder image there"):
        load(tmp_path)


@given(
    st.text("ab _-.", min_size=1).map(lambda name: f"x{name}.jpg"),
    st.integers(0, 50),
    st.integers(-20, 900),
    st.integers(-20, 900),
    st.integers(1, 500),
    st.integers(1, 500),
    st.integers(0, 6),
)
def test_every_line_of_the_form_is_understood(name, face, top, left, height, width, label):
    found = parse_line(f"{name} {face} {top} {left} {left + width} {top + height} 1.5 {label}")
    assert (found.image, found.face, found.box) == (name, face, [left, top, width, height])


def test_a_run_on_folds(tiny, tmp_path):
    root = expw(tmp_path / "expw", faces=28)
    train = {"epochs": 1, "image_size": 32}
    config = msde.RunConfig.create(model=tiny, loss="ce", data="expw", root=root, set_train=train, folds=2)
    result = msde.run(config, out=tmp_path / "run")
    assert result.summary["metrics"]["nm"]["n"] == 28
