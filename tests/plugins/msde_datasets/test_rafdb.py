import os
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from published_layouts import picture, rafdb, text

import msde_toolkit as msde
from msde_datasets.rafdb import RafDb, parse_line
from msde_datasets.ran_lists import RAFDB, read_ran_list
from msde_datasets.ran_lists import parse_line as parse_listed
from msde_toolkit.errors import DataError, InputError
from msde_toolkit.types import CLASSES

SHARED = Path(os.environ.get("MSDE_SHARED", Path(__file__).parents[3].parent / "shared")) / "data"
needs_faces = pytest.mark.skipif(not (SHARED / "expw_raf").is_dir(), reason="no real faces: set MSDE_SHARED")
needs_lists = pytest.mark.skipif(not (SHARED / "ran_lists").is_dir(), reason="no lists: set MSDE_SHARED")


def load(root, **options):
    return RafDb().load(root, RafDb.Options(**options))


def labels_of(root, lines, **form):
    return text(root / "EmoLabel" / "list_patition_label.txt", lines, **form)


def test_labels_splits_and_images_are_those_of_the_list(tmp_path):
    manifest = load(rafdb(tmp_path))
    assert manifest.ids[:2] == ("rafdb-train_00001", "rafdb-train_00002")
    assert [manifest.classes[label] for label in manifest.labels[:7]] == [*CLASSES[1:], CLASSES[0]]
    assert list(manifest.frame["split"]) == ["train"] * 7 + ["test"] * 7
    assert manifest.frame["path"].iat[8] == "Image/aligned/test_0002_aligned.jpg"
    images = RafDb().read(manifest.take([3, 0]))
    assert [np.median(image) for image in images] == pytest.approx([30, 0], abs=2)
    assert not manifest.has_subjects


def test_counts_that_are_not_the_published_ones_are_told(tmp_path):
    notes = load(rafdb(tmp_path, train=7, test=3)).notes
    assert notes == ("12,271 train images expected, 7 found", "3,068 test images expected, 3 found")


@pytest.mark.parametrize("ending", [".jpg", "_aligned.jpg"])
@pytest.mark.parametrize("form", [{"end": "\r\n"}, {"bom": True}, {"last": False}])
def test_two_label_files_beside_the_folder_of_images(tmp_path, ending, form):
    for name in ("train_00001", "test_0001"):
        picture(tmp_path / "aligned" / f"{name}_aligned.jpg")
    text(tmp_path / "train_label.txt", [f"train_00001{ending} 5"], **form)
    text(tmp_path / "test_label.txt", [f"test_0001{ending} 7  "], **form)
    manifest = load(tmp_path)
    assert dict(zip(manifest.ids, manifest.labels, strict=True)) == {"rafdb-train_00001": 4, "rafdb-test_0001": 6}


def test_case_of_files_and_folders_may_differ(tmp_path):
    picture(tmp_path / "IMAGE" / "Aligned" / "Train_00001_ALIGNED.JPG")
    text(tmp_path / "emolabel" / "List_Patition_Label.TXT", ["train_00001.jpg 5"])
    manifest = load(tmp_path)
    assert manifest.frame["path"].tolist() == ["IMAGE/Aligned/Train_00001_ALIGNED.JPG"]
    assert RafDb().read(manifest)[0].shape == (8, 8, 3)


def test_the_folder_above_may_be_given(tmp_path):
    rafdb(tmp_path / "RAF-DB" / "Basic")
    text(tmp_path / "RAF-DB" / "compound" / "EmoLabel" / "list_patition_label.txt", ["train_0001.jpg 11"])
    manifest = load(tmp_path / "RAF-DB")
    assert len(RafDb().read(manifest)) == 14


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("train_00002.jpg 8", "label '8' is not one of 1 to 7"),
        ("train_00002.jpg 0", "label '0' is not one of 1 to 7"),
        ("train_00002.jpg", "is not 'NAME.jpg LABEL'"),
        ("train_00002.jpg 1 2", "is not 'NAME.jpg LABEL'"),
        ("/train_00002.jpg 1", "is not the name of a train or test image"),
        ("../train_00002.jpg 1", "is not the name of a train or test image"),
        ("dev_00002.jpg 1", "is not the name of a train or test image"),
        ("train_00009.jpg 1", "no image 'train_00009_aligned.jpg' in Image/aligned"),
        ("train_00003.jpg 1", "image 'train_00003_aligned.jpg' holds no bytes"),
        ("train_00001.jpg 1", "train_00001 stands there a second time"),
    ],
)
def test_a_bad_row_is_named_or_left_out(tmp_path, line, why):
    for name in ("train_00001", "train_00002", "test_0001"):
        picture(tmp_path / "Image" / "aligned" / f"{name}_aligned.jpg")
    (tmp_path / "Image" / "aligned" / "train_00003_aligned.jpg").touch()
    file = labels_of(tmp_path, ["train_00001.jpg 1", line, "test_0001.jpg 2"])
    with pytest.raises(DataError, match=re.escape(f"{file}, line 2: ") + ".*" + re.escape(why)):
        load(tmp_path)
    manifest = load(tmp_path, on_bad="skip")
    assert manifest.ids == ("rafdb-train_00001", "rafdb-test_0001")
    assert why in manifest.notes[0]
    assert str(tmp_path) not in "".join(manifest.notes)


def test_an_image_in_the_wrong_half_is_a_bad_row(tmp_path):
    rafdb(tmp_path)
    (tmp_path / "EmoLabel" / "list_patition_label.txt").unlink()
    text(tmp_path / "EmoLabel" / "train_label.txt", ["train_00001.jpg 1", "test_0001.jpg 1"])
    with pytest.raises(DataError, match=r"line 2: test_0001 stands in the list of the train images"):
        load(tmp_path)


def test_a_set_of_bad_rows_only_is_refused_even_when_they_may_be_skipped(tmp_path):
    rafdb(tmp_path)
    labels_of(tmp_path, ["train_00001.jpg 9"])
    with pytest.raises(DataError, match="none of its 1 rows can be used"):
        load(tmp_path, on_bad="skip")


def test_a_root_without_labels_or_images_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"no list_patition_label\.txt"):
        load(tmp_path)
    labels_of(tmp_path, ["train_00001.jpg 9"])
    with pytest.raises(InputError, match="no folder Image/aligned"):
        load(tmp_path)


@given(st.integers(1, 12271), st.integers(1, 7), st.sampled_from(["", "_aligned"]), st.sampled_from(["jpg", "PNG"]))
def test_every_line_of_the_form_is_understood(number, label, aligned, ending):
    assert parse_line(f"train_{number:05d}{aligned}.{ending}   {label}") == (f"train_{number:05d}", "train", label - 1)


@given(st.text(max_size=40))
def test_any_other_line_is_refused_in_words(line):
    try:
        name, split, label = parse_line(line)
    except ValueError as error:
        assert "is not" in str(error)  # noqa: PT017
    else:
        assert name.startswith(split)
        assert 0 <= label < 7


def test_an_occlusion_list_restricts_the_test_images_alone(tmp_path):
    # As RAN's: Windows line ends, a repeated line, an image that is not here; labels from 0 with a code behind.
    lists = tmp_path / "lists"
    lines = ["test_0002_aligned 2 4", "test_0003_aligned 3 1", "test_0002_aligned 2 4", "test_3000_aligned 0 2"]
    text(lists / "RAF_DB_dir" / "rafdb_occlusion_list.txt", lines, end="\r\n")
    manifest = load(rafdb(tmp_path / "raf"), subset="occlusion", lists=lists)
    assert Counter(manifest.frame["split"]) == {"train": 7, "test": 2}
    assert manifest.ids[-2:] == ("rafdb-test_0002", "rafdb-test_0003")
    notes = "; ".join(manifest.notes)
    assert "names 3 images in 4 lines" in notes
    assert "1 of 3 listed images are not here" in notes
    assert "another label" not in notes


def test_a_pose_list_has_the_label_as_a_folder_and_perhaps_a_header(tmp_path):
    file = text(tmp_path / "val_raf_db_list.txt", ["2 7", "2/test_0002_aligned.jpg", "6/test_0003_aligned.png"])
    manifest = load(rafdb(tmp_path / "raf"), subset="pose30", lists=file)
    assert [sample for sample in manifest.ids if "test" in sample] == ["rafdb-test_0002", "rafdb-test_0003"]
    assert "1 listed images have another label in val_raf_db_list.txt; the set's own is kept" in manifest.notes


def test_a_list_that_cannot_be_used_is_refused(tmp_path):
    rafdb(tmp_path)
    with pytest.raises(InputError, match=r"No list val_raf_db_list_45\.txt in (.|\n)*data\.lists"):
        load(tmp_path, subset="pose45")
    with pytest.raises(InputError, match=r"data\.subset"):
        load(tmp_path, lists=tmp_path)
    file = text(tmp_path / "val_raf_db_list_45.txt", ["0/test_0002_aligned.jpg", "test_0003_aligned.jpg"])
    with pytest.raises(DataError, match=re.escape(f"{file}, line 2: ")):
        load(tmp_path, subset="pose45")
    text(file, ["0/test_2222_aligned.jpg"])
    with pytest.raises(DataError, match="none of its 1 images is a test image"):
        load(tmp_path, subset="pose45")
    text(file, ["0/test_0002_aligned.jpg", "1/test_0002_aligned.jpg"])
    with pytest.raises(DataError, match="fear here and surprise above"):
        load(tmp_path, subset="pose45")


@given(st.integers(0, 9999), st.integers(0, 6), st.integers(1, 4))
def test_both_forms_of_a_list_say_the_same(number, label, code):
    name = f"test_{number:04d}"
    forms = (f"{name}_aligned {label} {code}", f"{label}/{name}_aligned.jpg", f"{label}/{name}.png")
    assert {parse_listed(form, 7) for form in forms} == {(name, label)}


def mirror(root, folders, prefix=""):
    """DATASET/train/1/train_00001_aligned.jpg and so on, one image a class; words instead of numbers if given."""
    for split in ("train", "test"):
        for k, folder in enumerate(folders):
            picture(root / (prefix + split) / folder / f"{split}_{k + 1:05d}_aligned.jpg", value=10 * k)
    return root


@pytest.mark.parametrize(
    "folders",
    ["1234567", ("Surprise", "fear", "disgust", "happiness", "sadness", "Anger", "neutral")],
    ids=["numbers", "words"],
)
def test_class_folders_of_public_mirrors(tmp_path, folders):
    mirror(tmp_path / "DATASET", folders)
    text(tmp_path / "DATASET" / "train_labels.csv", ["image,label", "train_00001_aligned.jpg,1"])
    manifest = load(tmp_path)
    assert manifest.ids[0] == "rafdb-train_00001"
    assert manifest.labels.tolist() == [*range(7), *range(7)]
    assert list(manifest.frame["split"]) == ["train"] * 7 + ["test"] * 7
    assert "1 other file left alone (DATASET/train_labels.csv)" in manifest.notes


def test_a_folder_named_valid_holds_the_test_images(tmp_path):
    mirror(tmp_path, "1234567")
    (tmp_path / "test").rename(tmp_path / "valid")
    assert Counter(load(tmp_path).frame["split"]) == {"train": 7, "test": 7}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("train/2/test_00009_aligned.jpg", "stands in a folder of train images"),
        ("train/2/train_00001_aligned.jpg", r"is a second train_00001, beside train/1/train_00001_aligned\.jpg"),
        ("train/2/face.jpg", "its name is not that of a train or test image"),
    ],
)
def test_an_image_in_the_wrong_class_folder_is_a_bad_row(tmp_path, name, why):
    picture(mirror(tmp_path, "1234567") / name)
    with pytest.raises(DataError, match=f"{name}: {why}"):
        load(tmp_path)
    assert len(load(tmp_path, on_bad="skip")) == 14


@pytest.mark.parametrize("folder", ["0", "8", "contempt"])
def test_a_class_folder_that_raf_db_has_not_is_refused(tmp_path, folder):
    picture(mirror(tmp_path, "1234567") / "train" / folder / "train_00099_aligned.jpg")
    with pytest.raises(DataError, match=f"folder is of no known class: '{folder}'"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["{}_aligned.png", "{}.jpg", "{}.png"])
def test_images_of_copies_have_other_endings_or_an_archives_folder(tmp_path, name):
    rafdb(tmp_path)
    inner = tmp_path / "Image" / "aligned" / "aligned"
    inner.mkdir()
    for file in inner.parent.glob("*.jpg"):
        file.rename(inner / name.format(file.stem.removesuffix("_aligned")))
    manifest = load(tmp_path)
    assert manifest.frame["path"].iat[0] == f"Image/aligned/aligned/{name.format('train_00001')}"


def test_a_folder_of_images_that_is_a_link_out_of_the_root_is_refused_by_name(tmp_path):
    rafdb(tmp_path / "raf")
    (tmp_path / "raf" / "Image").rename(tmp_path / "elsewhere")
    (tmp_path / "raf" / "Image").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DataError, match="folder 'Image' leads out of the set's folder by a link"):
        load(tmp_path / "raf")


def test_a_run_on_its_own_split(tiny, tmp_path):
    root = rafdb(tmp_path / "raf", train=14)
    config = msde.RunConfig.create(
        model=tiny, loss="ce", data="rafdb", root=root, set_train={"epochs": 1, "image_size": 32}
    )
    result = msde.run(config, out=tmp_path / "run")
    assert result.summary["metrics"]["nm"]["n"] == 7


@needs_faces
def test_real_faces_in_this_layout():
    manifest = load(SHARED / "expw_raf")
    assert Counter(manifest.frame["split"]) == {"train": 2100, "test": 420}
    assert set(Counter(zip(manifest.frame["split"], manifest.labels, strict=True)).values()) == {300, 60}
    assert "12,271 train images expected, 2,100 found" in manifest.notes
    assert RafDb().read(manifest.take([0, 2519]))[1].shape == (100, 100, 3)


@needs_lists
@pytest.mark.parametrize(("subset", "images"), [("occlusion", 734), ("pose30", 1247), ("pose45", 558)])
def test_rans_own_lists_agree_with_the_set_s_own_labels(subset, images):
    listed = read_ran_list(RAFDB, subset, SHARED / "ran_lists", skip=False)
    assert len(listed.labels) == images
    assert listed.file.name == RAFDB.files[subset]
    lines = (SHARED / "rafdb_basic_lists" / "EmoLabel" / "list_patition_label.txt").read_text().splitlines()
    true = {name: label for name, _, label in map(parse_line, lines)}
    assert all(CLASSES[true[name]] == word for name, word in listed.labels.items())
