"""``msde data audit`` and bad images as a user meets them: exit codes, one JSON document, tables of 80 columns."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image as Pillow

from msde_toolkit.types import Manifest

SHARED = Path(os.environ.get("MSDE_SHARED", Path(__file__).parents[2].parent / "shared")) / "data"
CHECKS = {
    "subject_overlap", "same_identity", "duplicates_across_splits", "duplicates_within_split", "near_duplicates",
    "conflicting_labels", "pair_split", "pair_label_mismatch", "condition_confounded", "mask_encodes_label",
    "validated_twice", "never_validated", "selected_on_test", "crop_failures", "unreadable", "constant",
}  # fmt: skip


def line(seed, usage, emotion=0):
    pixels = np.random.default_rng(seed).integers(0, 256, 48 * 48)
    return f"{emotion},{' '.join(map(str, pixels))},{usage}"


@pytest.fixture
def leaky(tmp_path_factory):
    """FER2013's form: image 1 stands in Training twice and once in PublicTest."""
    file = tmp_path_factory.mktemp("fer") / "fer2013.csv"
    seeds = [(1, "Training"), (1, "Training"), (2, "Training"), (1, "PublicTest"), (3, "PublicTest")]
    file.write_text("\n".join(["emotion,pixels,Usage", *(line(*row) for row in seeds)]) + "\n")
    return file


@pytest.fixture
def folder(tmp_path_factory):
    """A manifest of four images, each a good one of its own."""
    place = tmp_path_factory.mktemp("mine")
    rows = []
    for number in range(4):
        image = np.random.default_rng(number).integers(0, 256, (30, 30, 3), dtype=np.uint8)
        Pillow.fromarray(image).save(place / f"{number}.png")
        rows.append({"id": f"face{number}", "label": number, "path": f"{number}.png", "subject": f"s{number}"})
    Manifest.from_frame(pd.DataFrame(rows), "mine").save(place / "mine.parquet")
    return place


def test_a_leak_ends_with_one_and_says_where(msde, leaky, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    done = msde("data", "audit", "fer2013", "--root", leaky)
    assert done.code == 1
    assert max(map(len, done.out.splitlines())) <= 80
    assert "duplicates_across_splits" in done.out
    assert "Remedy:" in done.out
    assert "fer2013-000002" in done.out
    assert "Does not apply, subjects are unknown: subject_overlap." in done.out
    assert done.err == ""


def test_one_document_that_names_every_check(msde, leaky):
    done = msde("data", "audit", "fer2013", "--root", leaky, "--json")
    document = json.loads(done.out)
    assert done.code == 1
    assert (document["name"], document["samples"], document["severe"]) == ("fer2013", 5, True)
    findings = {finding["check"]: finding for finding in document["findings"]}
    assert set(findings) == {"duplicates_across_splits", "duplicates_within_split"}
    assert {"check", "severity", "rows", "examples", "remedy"} <= set(findings["duplicates_within_split"])
    assert findings["duplicates_across_splits"]["rows"] == 3
    assert findings["duplicates_within_split"]["counts"] == {"train": 1}
    assert set(findings) | set(document["passed"]) | set(document["not_applicable"]) == CHECKS


def test_nothing_severe_ends_with_zero(msde, folder):
    done = msde("data", "audit", folder / "mine.parquet")
    assert (done.code, done.err) == (0, "")
    assert "Nothing found." in done.out


def test_the_table_alone_reads_no_image(msde, folder):
    for file in folder.glob("*.png"):
        file.unlink()
    document = json.loads(msde("data", "audit", folder / "mine.parquet", "--metadata", "--json").out)
    assert not document["images_read"]
    assert document["not_applicable"]["constant"] == "images were not read (--metadata)"
    done = msde("data", "audit", folder / "mine.parquet")
    assert done.code == 2
    assert "mine: none of its 4 images can be decoded" in done.err


def test_bad_images_are_found_or_refused(msde, folder):
    (folder / "2.png").write_bytes((folder / "2.png").read_bytes()[:300])
    (folder / "3.png").write_bytes(b"")
    findings = json.loads(msde("data", "audit", folder / "mine.parquet", "--json").out)["findings"]
    assert [(finding["check"], finding["rows"], finding["examples"]) for finding in findings] == [
        ("unreadable", 2, ["face2", "face3"])
    ]


@pytest.fixture
def classes(tmp_path_factory):
    """Class folders: seven classes of two images each."""
    place = tmp_path_factory.mktemp("classes")
    for number in range(14):
        word = ["surprise", "fear", "disgust", "happy", "sad", "angry", "neutral"][number % 7]
        (place / word).mkdir(exist_ok=True)
        image = np.random.default_rng(number).integers(0, 256, (40, 40, 3), dtype=np.uint8)
        Pillow.fromarray(image).save(place / word / f"{number}.png")
    return place


@pytest.mark.parametrize("damage", [b"", b"no image", b"\x89PNG\r\n\x1a\n"])
def test_a_bad_image_of_a_dataset(msde, classes, damage):
    (classes / "happy" / "3.png").write_bytes(damage)
    shown = json.loads(msde("data", "show", "folder", "--root", classes, "--json").out)
    assert shown["samples"] == 13
    assert any("3.png" in note for note in shown["notes"])
    skipped = msde("data", "audit", "folder", "--root", classes, "--json")
    [finding] = json.loads(skipped.out)["findings"]
    assert (finding["check"], finding["rows"]) == ("unreadable", 1)
    assert skipped.code == 0
    refused = msde("data", "audit", "folder", "--root", classes, "--on-bad", "error")
    assert (refused.code, refused.out) == (2, "")
    assert "3.png" in refused.err
    run = msde("run", "--model", "resnet18", "--loss", "ce", "--data", "folder", "--root", classes)
    assert run.code == 2
    assert "3.png" in run.err


def test_nothing_but_bad_images(msde, classes):
    for file in classes.rglob("*.png"):
        file.write_bytes(b"no image")
    for words in (["show"], ["audit"]):
        done = msde("data", *words, "folder", "--root", classes)
        assert (done.code, done.out) == (2, "")
        assert "none of its 14 images can be decoded" in done.err


def test_a_finished_run(msde, finished):
    done = msde("data", "audit", finished[0], "--json")
    assert done.code == 0, done.out + done.err
    document = json.loads(done.out)
    assert {"subject_overlap", "pair_split", "validated_twice", "never_validated", "selected_on_test"} <= set(
        document["passed"]
    )
    assert document["synthetic"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "nowhere: no dataset of that name"),
        (["./nowhere"], "no dataset of that name"),
        (["fer2013"], "--root"),
        (["synthetic", "--set", "data.subject=3"], "data.subject"),
        (["synthetic", "--on-bad", "skip"], "data.on_bad"),
        (["synthetic", "--set", "train.epochs=3"], "train"),
        (["."], "not a run"),
    ],
)
def test_bad_input_ends_with_two(msde, words, said):
    done = msde("data", "audit", *words)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("Error: ")
    assert said in done.err
    assert len(done.err.strip().splitlines()) <= 2


@pytest.mark.skipif(not SHARED.is_dir(), reason="no shared data: set MSDE_SHARED to its folder")
@pytest.mark.parametrize(
    ("file", "across", "within"),
    [
        ("fer2013_leak.csv.gz", {"train": 340, "test": 279}, None),
        ("fer2013_mini.csv.gz", {"train": 8, "test": 8}, {"train": 25}),
    ],
)
def test_leaks_of_the_real_fer2013(msde, file, across, within):
    done = msde("data", "audit", "fer2013", "--root", SHARED / file, "--json")
    findings = {finding["check"]: finding for finding in json.loads(done.out)["findings"]}
    assert done.code == 1
    assert findings["duplicates_across_splits"]["counts"] == across
    assert findings["duplicates_across_splits"]["rows"] == sum(across.values())
    if within is not None:
        assert findings["duplicates_within_split"]["counts"] == within
        assert findings["duplicates_within_split"]["rows"] == sum(within.values())


def test_people_are_compared_only_on_demand_and_the_user_is_told_what_that_is(msde, folder):
    words = ("data", "audit", folder / "mine.parquet", "--json")
    plain = msde(*words)
    assert (plain.code, plain.err) == (0, "")
    assert json.loads(plain.out)["not_applicable"]["same_identity"] == "faces were not compared (--identities)"
    done = msde(*words, "--identities", "--set", "faces.upsample=1")
    assert done.code == 0
    assert "biometric data" in " ".join(done.err.split())
    assert json.loads(done.out)["not_applicable"]["same_identity"] == "0 of 4 unmasked photos show one face"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--landmarker", "dlib"), "--landmarker: faces are compared only with --identities"),
        (("--set", "faces.upsample=1"), "--set faces.*: faces are compared only with --identities"),
        (("--identities", "--metadata"), "leave one of the two out"),
        (("--identities", "--landmarker", "aligned"), "aligned: does not tell people apart; dlib does"),
        (("--identities", "--set", "faces.upsampel=1"), "Did you mean faces.upsample?"),
    ],
)
def test_what_does_not_go_with_comparing_people_is_refused(msde, folder, words, message):
    done = msde("data", "audit", folder / "mine.parquet", *words)
    assert (done.code, done.out) == (2, "")
    assert message in done.err
