"""Where a set is found below the folder that was given."""

import os
from collections import Counter

import pytest
from face_layouts import LAYOUTS, ck48, ck_sequences, class_folders, face, fedro, junk, mlfw
from published_layouts import LAYOUTS as PUBLISHED
from published_layouts import affectnet_2021, ferplus_csv, rafdb

from msde_datasets.set_folder import set_folder
from msde_toolkit.data.source import open_source
from msde_toolkit.errors import DataError, InputError

FORMS = {name: (name, make) for name, make in (LAYOUTS | PUBLISHED).items() if name != "table"} | {
    "affectnet 2021": ("affectnet", affectnet_2021),
    "CK+48": ("ckplus", ck48),
    "LFW-FER": ("mlfw", lambda root: mlfw(root, ("LFW-FER", "M-LFW-FER"))),
    "ferplus joined": ("ferplus", lambda root: ferplus_csv(root, ["Training"] * 9 + ["PrivateTest"] * 3)),
    "fer2013": ("fer2013", lambda root: ferplus_csv(root, ["Training"] * 9 + ["PrivateTest"] * 3)),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_set_is_found_where_its_archive_unpacked_it(tmp_path, form):
    name, make = FORMS[form]
    make(tmp_path / "set")
    direct = open_source(name, tmp_path / "set", {}).manifest
    make(tmp_path / "above" / "archive" / "set")
    (tmp_path / "above" / "readme").mkdir()
    (tmp_path / "above" / "archive" / "licence.txt").write_text("none")
    junk(tmp_path / "above")
    below = open_source(name, tmp_path / "above", {}).manifest
    assert Counter(below.frame["label"]) == Counter(direct.frame["label"])
    assert Counter(below.frame["condition"]) == Counter(direct.frame["condition"])
    assert len(open_source(name, tmp_path / "above", {}).dataset.read(below.take([0]))) == 1


def test_of_two_sets_one_must_be_named(tmp_path):
    for name in ("a", "b"):
        rafdb(tmp_path / name)
    with pytest.raises(InputError, match="a set in each of a and b"):
        open_source("rafdb", tmp_path, {})


def test_the_nearest_folder_is_meant_and_links_are_not_followed(tmp_path):
    (tmp_path / "root" / "a" / "b" / "set").mkdir(parents=True)
    (tmp_path / "root" / "c" / "set").mkdir(parents=True)
    (tmp_path / "elsewhere" / "set").mkdir(parents=True)
    (tmp_path / "root" / "link").symlink_to(tmp_path / "elsewhere")
    assert set_folder(tmp_path / "root", lambda folder: (folder / "set").is_dir()) == tmp_path / "root" / "c"
    assert set_folder(tmp_path / "root", lambda folder: (folder / "none").is_dir()) == tmp_path / "root"


@pytest.mark.parametrize("make", [class_folders, fedro, ck48, ck_sequences, mlfw])
def test_a_folder_without_images_beside_the_classes_is_left_alone(tmp_path, make):
    name = {"ck48": "ckplus", "ck_sequences": "ckplus", "class_folders": "folder"}.get(make.__name__, make.__name__)
    count = len(open_source(name, make(tmp_path), {}).manifest)
    (tmp_path / "docs" / "more").mkdir(parents=True)
    (tmp_path / "docs" / "more" / "paper.pdf").write_bytes(b"x")
    assert len(open_source(name, tmp_path, {}).manifest) == count


def test_a_folder_of_images_beside_the_classes_is_refused(tmp_path):
    face(class_folders(tmp_path) / "others" / "1.png")
    with pytest.raises(DataError, match="folder is of no known class: 'others'"):
        open_source("folder", tmp_path, {})


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
@pytest.mark.parametrize("form", FORMS)
def test_a_root_that_may_not_be_read_is_named(tmp_path, form):
    name, make = FORMS[form]
    root = make(tmp_path / "set")
    root.chmod(0)
    try:
        with pytest.raises(DataError, match="set: cannot be listed"):
            open_source(name, root, {})
    finally:
        root.chmod(0o700)
