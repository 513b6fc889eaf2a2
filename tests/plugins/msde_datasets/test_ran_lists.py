"""RAN's lists as subsets of FERPlus' and AffectNet's test images; RAF-DB's are with its reader."""

import os
import re
from collections import Counter
from pathlib import Path

import pytest
from published_layouts import affectnet_2021, affectnet_csv, ferplus_csv, ferplus_folders, text

from msde_datasets.affectnet import AffectNet
from msde_datasets.ferplus import FerPlus
from msde_datasets.ran_lists import AFFECTNET, FERPLUS, parse_line, read_ran_list
from msde_toolkit.errors import InputError

SHARED = Path(os.environ.get("MSDE_SHARED", Path(__file__).parents[3].parent / "shared")) / "data" / "ran_lists"
USAGES = ["Training"] * 16 + ["PrivateTest"] * 8


@pytest.mark.parametrize("make", [ferplus_folders, lambda root: ferplus_csv(root, USAGES)], ids=["folders", "csv"])
def test_ferplus_test_images_of_a_list(tmp_path, make):
    # In both layouts the test images are fer0000016 to fer0000023, of the file's classes 0 to 7 in turn.
    lines = ["1_fer0000017.png 8 0", "3_fer0000019.png 8 3", "2_fer0000020.png 8 3", "0_fer0039999.png 8 1"]
    text(tmp_path / "ran" / "FERplus_dir" / FERPLUS.files["occlusion"], lines, end="\r\n")
    make(tmp_path / "set")
    options = FerPlus.Options(subset="occlusion", lists=tmp_path / "ran")
    manifest = FerPlus().load(tmp_path / "set", options)
    tested = manifest.frame[manifest.frame["split"] == "test"]
    assert [manifest.classes[label] for label in tested["label"]] == ["happy", "sad", "angry"]
    assert (manifest.frame["split"] == "train").sum() == sum(
        FerPlus().load(tmp_path / "set", FerPlus.Options()).frame["split"] == "train"
    )
    notes = "; ".join(manifest.notes)
    assert "1 of 4 listed images are not here" in notes
    assert "1 listed images have another label in jianfei_occlusion_list.txt" in notes
    assert "image" not in manifest.frame


@pytest.mark.parametrize("line", ["val/4/{}/", "4/{}.jpg", "4/{}/8.jpg"])
def test_affectnet_test_images_of_a_list(tmp_path, line):
    affectnet_csv(tmp_path)
    hashes = [f"{4:056x}", f"{10:056x}"]  # fear; and one without an expression
    text(tmp_path / AFFECTNET.files["pose30"], [line.format(name) for name in hashes])
    manifest = AffectNet().load(tmp_path, AffectNet.Options(subset="pose30"))
    assert Counter(manifest.frame["split"]) == {"train": 8, "test": 1}
    assert manifest.classes[manifest.labels[-1]] == "fear"
    assert not [note for note in manifest.notes if "another label" in note]


def test_a_layout_without_those_names_is_refused(tmp_path):
    text(tmp_path / AFFECTNET.files["pose30"], ["4/abcdefgh.jpg"])
    with pytest.raises(InputError, match=r"data\.subset: RAN's lists name images as AffectNet's CSV form does"):
        AffectNet().load(affectnet_2021(tmp_path), AffectNet.Options(subset="pose30"))


@pytest.mark.parametrize("line", ["", "8_fer0000001.png 8 0", "fer0000001.png", "0/a/b/c.jpg", "../0/fer0000001.jpg"])
def test_any_other_line_is_refused(line):
    with pytest.raises(ValueError, match=re.escape(repr(line)) + " is none of"):
        parse_line(line, 8)


@pytest.mark.skipif(not SHARED.is_dir(), reason="no lists: set MSDE_SHARED")
@pytest.mark.parametrize(
    ("of", "subset", "images"),
    [
        (FERPLUS, "occlusion", 605),
        (FERPLUS, "pose30", 1170),
        (FERPLUS, "pose45", 633),
        (AFFECTNET, "occlusion", 683),
        (AFFECTNET, "pose30", 1944),
        (AFFECTNET, "pose45", 983),
    ],
)
def test_every_line_of_the_authors_files_is_understood(of, subset, images):
    assert len(read_ran_list(of, subset, SHARED, skip=False).labels) == images
