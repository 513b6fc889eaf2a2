"""``msde data mask`` as its user types it, on noise in the layout of class folders."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image as Pillow


@pytest.fixture
def photos(tmp_path):
    """Four faces of two classes, one of which is a single pixel."""
    root = tmp_path / "photos"
    for number, name in enumerate(["happy/a", "happy/b", "sad/c", "sad/d"]):
        file = root / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        side = 1 if name == "sad/d" else 48
        Pillow.fromarray(np.random.default_rng(number).integers(0, 256, (side, side, 3), dtype=np.uint8)).save(file)
    return root


def test_a_twin_is_made_shown_and_made_again(msde, photos, tmp_path):
    made = msde("data", "mask", "folder", "--root", photos, "--out", "twin", "--seed", 4, "--json")
    assert made.code == 0, made.err
    document = json.loads(made.out)
    assert (document["sources"], document["masked"], document["not_masked"]) == (4, 3, 1)
    assert [row["too_small"] for row in document["table"] if row["class"] in ("happy", "sad")] == [0, 1]
    assert document["mask_tells_label"].startswith("fewer than 60 masks")
    assert pd.read_csv(tmp_path / "twin" / "report.csv")["reason"].str.startswith("the eyes are").all()

    shown = msde("data", "show", "table", "--root", "twin")
    assert shown.code == 0
    assert "masked-" in shown.out
    assert shown.out.count("flatter CL") == 1

    again = msde("data", "mask", "folder", "--root", photos, "--seed", 4, "--check", "twin/hashes.csv")
    assert (again.code, again.err) == (0, "")
    assert "all 3 masked faces" in again.out
    other = msde("data", "mask", "folder", "--root", photos, "--out", "other", "--check", "twin/hashes.csv")
    assert other.code == 1
    assert "3 have another mask on the same pixels" in other.out
    assert "masked pixels differ by" in other.out
    assert "seed 4" in other.out


def test_the_twin_is_a_set_that_others_read(msde, photos):
    assert msde("data", "mask", "folder", "--root", photos, "--out", "twin").code == 0
    # A manifest can be masked too: its unmasked halves, by another mask.
    second = msde("data", "mask", "twin", "--out", "second", "--set", "mask.ear_loops=false", "--json")
    assert second.code == 0, second.err
    document = json.loads(second.out)
    assert (document["masked"], document["left_aside"]) == (3, 3)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["folder", "--out", "x", "--mask", "gas"], "Unknown masker 'gas'"),
        (["folder"], "Where to? --out DIR"),
        (["nothing", "--out", "x"], "no dataset of that name"),
        (["folder", "--out", "x", "--set", "faces.upsample=1"], "name it with --landmarker"),
        (["folder", "--out", "x", "--landmarker", "nobody"], "Unknown landmarker 'nobody'"),
        (["folder", "--out", "x", "--on-bad", "maybe"], "expected error or skip"),
        (["folder", "--out", "x", "--check", "none.csv"], "--check none.csv: cannot be read"),
        (["folder", "--out", "photos/twin"], "lies in the set's folder"),
    ],
)
def test_what_is_refused_in_one_line(msde, photos, tmp_path, words, said):
    done = msde("data", "mask", words[0], "--root", photos, *words[1:])
    assert done.code == 2
    assert said in done.err
    assert not (tmp_path / "x").exists()


def test_the_same_folder_takes_no_other_masks(msde, photos):
    assert msde("data", "mask", "folder", "--root", photos, "--out", "twin").code == 0
    done = msde("data", "mask", "folder", "--root", photos, "--out", "twin", "--seed", 1)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "seed 0, now 1" in done.err
