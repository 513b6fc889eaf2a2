"""``msde predict`` as its user types it: on faces, on folders, on what is no image, on runs that must not answer."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from msde_toolkit import open_run


@pytest.fixture
def faces(finished, tmp_path):
    """Three faces of the run as files, one of them on its side as its EXIF says, beside two files that are no use."""
    run = open_run(finished[0])
    folder = tmp_path / "faces"
    folder.mkdir()
    pixels = run.images(list(run.manifest.ids[:3]))
    for name, face in zip("ab", pixels, strict=False):
        Image.fromarray(face).save(folder / f"{name}.png")
    turned = Image.fromarray(np.rot90(pixels[2]).copy())
    exif = turned.getexif()
    exif[0x0112] = 6  # to be turned clockwise to stand upright
    turned.save(folder / "c.png", exif=exif)
    (folder / "broken.jpg").write_text("no image")
    Image.new("RGB", (1, 1)).save(folder / "one.png")
    return folder


def by_hand(run, pixels):
    shares = []
    for repeat in range(run.repeats):
        for fold in run.summary["folds"]:
            model = run.model(fold, repeat)
            images = torch.tensor(pixels).permute(0, 3, 1, 2) / 255
            with torch.no_grad():
                shares.append(model(model.input_spec.normalise(images)).logits.softmax(dim=1).numpy())
    return np.stack(shares)


def test_a_folder_is_answered_file_by_file(msde, finished, faces, monkeypatch, tmp_path):
    monkeypatch.setenv("MSDE_CACHE", str(tmp_path / "cache"))
    done = msde("predict", finished[0], faces, "--allow-synthetic", "--cam", "--out", "said", "--json")
    assert done.code == 1, "some could not be used"
    document = json.loads(done.out)
    rows = {row["image"].rsplit("/", 1)[-1]: row for row in document["images"]}
    assert "cannot be decoded" in rows["broken.jpg"]["problem"]
    assert "1 x 1 pixels" in rows["one.png"]["problem"]
    run = open_run(finished[0])
    shares = by_hand(run, run.images(list(run.manifest.ids[:3])))
    for place, name in enumerate(["a.png", "b.png", "c.png"]):
        row = rows[name]
        np.testing.assert_allclose(list(row["probabilities"].values()), shares[:, place].mean(axis=0), atol=1e-5)
        np.testing.assert_allclose(list(row["spread"].values()), shares[:, place].std(axis=0), atol=1e-5)
        answer = run.classes.index(row["predicted"])
        assert answer == shares[:, place].mean(axis=0).argmax()
        assert row["agreeing"] == (shares[:, place].argmax(axis=1) == answer).sum()
        assert row["synthetic"] is True
    assert document["models"] == len(shares)
    assert any("trained on drawings" in note for note in document["notes"])
    table = pd.read_csv("said/predictions.csv").set_index("image")
    assert set(table["trained_on"]) == {"drawings"}
    assert table["probability"].notna().sum() == 3
    with Image.open("said/a.png.cam.png") as overlay:
        assert overlay.size == (256, 296)
    assert not (tmp_path / "cache" / "faces").exists(), "nothing of the photos is kept"
    again = msde("predict", finished[0], faces, "--allow-synthetic", "--out", "said")
    assert (again.code, "holds predictions already" in again.err) == (2, True)


def test_the_table_says_what_a_probability_is_worth(msde, finished, faces, tmp_path):
    run = tmp_path / "copy"
    shutil.copytree(finished[0], run)
    (run / "analyses" / "calibration").mkdir(parents=True)
    result = {"summary": {"runs": [{"conditions": {"nm": {"ece": 0.05}, "m": {"ece": 0.125}}}]}}
    (run / "analyses" / "calibration" / "result.json").write_text(json.dumps(result))
    done = msde("predict", run, faces / "a.png", "--allow-synthetic")
    assert done.code == 0
    assert "trained on drawings" in done.out
    assert "calibration error of this run's models 5.0% to 12.5%" in done.out
    assert "not how often they are right" in msde("predict", finished[0], faces / "a.png", "--allow-synthetic").out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["faces/a.png"], "trained on drawings"),
        (["faces/broken.jpg", "--allow-synthetic"], "cannot be decoded"),
        (["nowhere.png", "--allow-synthetic"], "no such image"),
        (["empty", "--allow-synthetic"], "no image in this folder"),
        (["faces/a.png", "--allow-synthetic", "--cam"], "say where to, by --out"),
        (["faces/a.png", "--allow-synthetic", "--faces", "aligned"], "so there is nothing to apply"),
        (["faces/a.png", "--allow-synthetic", "--set", "faces.x=1"], "name a landmarker with --faces"),
    ],
)
def test_what_cannot_be_answered_ends_with_two(msde, finished, faces, tmp_path, words, message):
    (tmp_path / "empty").mkdir()
    done = msde("predict", finished[0], *words)
    assert done.code == 2
    assert message in done.err


def test_a_run_of_cut_faces_wants_them_cut_alike(msde, finished, faces, tmp_path):
    run = tmp_path / "cut"
    shutil.copytree(finished[0], run)
    manifest = open_run(run).manifest
    manifest.with_frame(manifest.frame.assign(prep="eyes v1, margin 0.0, size 64")).save(run / "manifest.parquet")
    bare = msde("predict", run, faces / "a.png", "--allow-synthetic")
    assert (bare.code, "Cut them alike" in bare.err) == (2, True)
    found = msde("predict", run, faces / "a.png", "--allow-synthetic", "--faces", "aligned", "--json")
    assert found.code == 0, found.err
    assert json.loads(found.out)["images"][0]["predicted"] in manifest.classes
