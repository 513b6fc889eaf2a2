"""``msde data faces`` as its user types it: what is on screen, in JSON and in the folder; a wrong word by its line."""

import csv
import json

import pandas as pd
import pytest
from PIL import Image as Pillow

TWIN = ["--landmarker", "aligned", "--set", "data.subjects=2", "--set", "data.size=64", "--set", "recipe.size=64"]


@pytest.fixture
def cut(msde):
    """The command on the synthetic twin, into ``out``."""
    return lambda *words: msde("data", "faces", "synthetic", "--out", "out", *TWIN, *words)


def test_faces_are_cut_shown_and_audited(cut, msde, tmp_path):
    done = cut("--set", "recipe.margin=0.1")
    assert done.code == 0, done.err
    assert "28 of 28 photos cut (synthetic faces); found by aligned 1; eyes v1, margin 0.1, size 64" in done.out
    assert "msde run --data table --root out" in done.out
    assert "Lost" not in done.out
    shown = json.loads(msde("data", "show", "table", "--root", "out", "--json").out)
    assert (shown["name"], shown["samples"], shown["synthetic"]) == ("synthetic-faces", 28, True)
    audited = json.loads(msde("data", "audit", "out/manifest.parquet", "--json", "--metadata").out)
    assert "crop_failures" in audited["passed"]


def test_json_says_what_became_of_every_photo(cut, tmp_path):
    done = cut("--json")
    told = json.loads(done.out)
    assert (told["name"], told["synthetic"], told["recipe"]) == (
        "synthetic-faces", True, "eyes v1, margin 0.0, size 64",
    )  # fmt: skip
    assert told["cut"] == told["samples"] == 2 * told["pairs"]
    assert told["conditions"]["m"] == {
        "samples": told["pairs"], "cut": told["pairs"], "no_face": 0, "several_faces": 0, "unreadable": 0,
        "by_hand": 0, "partner": 0,
    }  # fmt: skip
    assert told["eye_distance"]["median"] == pytest.approx(0.3487 * 64, abs=0.1)
    assert told["landmarker"]["name"] == "aligned"
    assert (told["review"], told["upscaled"], told["beyond_edge"]) == (0, 0, 0)


def test_what_is_left_out_by_hand_costs_its_pair(cut, msde, tmp_path):
    cut()
    with (tmp_path / "mine.csv").open("w", newline="") as file:
        csv.writer(file).writerows([["id", "choice"], ["s001-p01-m", "drop"], ["s001-p02-nm", "5,5,40,40"]])
    done = cut("--overrides", "mine.csv")
    assert done.code == 0, done.err
    assert "to look at" not in done.out
    assert "1 more with them" in done.out
    assert "Lost, with their pairs" in done.out
    table = pd.read_csv("out/failures.csv")
    assert table[["by_hand", "partner"]].sum().tolist() == [1, 1]
    manifest = pd.read_parquet("out/manifest.parquet")
    assert "s001-p01-nm" not in set(manifest["id"])
    audited = json.loads(msde("data", "audit", "out/manifest.parquet", "--json", "--metadata").out)
    (finding,) = [finding for finding in audited["findings"] if finding["check"] == "crop_failures"]
    assert (finding["rows"], finding["examples"]) == (1, ["s001-p01-m"])
    forgotten = cut()
    assert forgotten.code == 2
    assert "Give them back with --overrides out/review.csv" in forgotten.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--set", "recipe.size=1"], "recipe.size = '1': expected"),
        (["--set", "recipe.colour=1"], "recipe.colour: unknown option"),
        (["--set", "faces.x=1"], "faces.x: unknown option"),
        (["--set", "mask.x=1"], "unknown role 'mask'"),
        (["--landmarker", "dlip"], "Unknown landmarker 'dlip'. Did you mean dlib"),
        (["--on-bad", "maybe"], "--on-bad maybe: expected error or skip"),
        (["--overrides", "none.csv"], "none.csv: cannot be read as a review list"),
    ],
)
def test_wrong_words_end_with_two(cut, tmp_path, words, message):
    done = cut(*words)
    assert done.code == 2
    assert message in done.err
    assert not (tmp_path / "out").exists()


def test_all_lost_ends_with_two_and_leaves_the_list(msde, tmp_path):
    (tmp_path / "photos").mkdir()
    Pillow.new("RGB", (60, 40)).save(tmp_path / "photos/one.png")
    (tmp_path / "photos/list.csv").write_text("path,label\none.png,happy\n")
    done = msde("data", "faces", "table", "--root", "photos", "--out", "out", "--landmarker", "manifest")
    assert done.code == 2
    first, second = done.err.strip().splitlines()
    assert "list: not one of its 1 photos has a face to cut (one.png: its row gives no landmarks" in first
    assert "See out/review.csv" in second
    assert pd.read_csv("out/review.csv")["reason"].str.contains("gives no landmarks").all()
    assert not (tmp_path / "out/manifest.parquet").exists()
