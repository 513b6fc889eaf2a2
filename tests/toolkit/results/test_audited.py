"""What an audit may be asked of: a dataset by its name, a manifest, a finished run."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image as Pillow

import msde_toolkit as msde
from msde_toolkit.data.audit import audit
from msde_toolkit.errors import InputError, PluginError
from msde_toolkit.results.audited import material_of
from msde_toolkit.types import Manifest

pytestmark = pytest.mark.usefixtures("tiny")


def run(folder, **more):
    values = {"model": "tiny", "loss": "watch", "data": "dots", "device": "cpu", "precision": "fp32", "folds": 3}
    values |= {"set_train": {"image_size": 24, "epochs": 1}, "set_data": {"subjects": 7}}
    return msde.run(msde.RunConfig.create(**values | more), out=folder).directory


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for place in range(4):
        image = np.random.default_rng(place % 3).integers(0, 256, (20, 20, 3), dtype=np.uint8)
        Pillow.fromarray(image).save(folder / f"s{place}-0.png")
    return folder


def found(material):
    return {finding.check: finding for finding in audit(material).findings}


def test_a_dataset_by_its_name_wins_over_a_file(photos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert (tmp_path / "photos").is_dir()
    material = material_of("photos", photos)
    assert len(material.manifest) == 4
    assert found(material)["duplicates_within_split"].examples == ("s3-0",)
    with pytest.raises(InputError, match="not a run"):
        material_of("./photos")


def test_a_manifest_of_any_images(photos):
    frame = pd.DataFrame({"id": ["a", "b", "c"], "label": [0, 1, 2], "path": ["s0-0.png", "s3-0.png", "s1-0.png"]})
    frame["split"] = ["train", "test", "test"]
    Manifest.from_frame(frame, "mine").save(photos / "mine.parquet")
    findings = found(material_of(str(photos / "mine.parquet")))
    assert findings["duplicates_across_splits"].examples == ("a", "b")
    (photos / "mine.parquet").rename(photos.parent / "mine.parquet")
    assert "duplicates_across_splits" in found(material_of(str(photos.parent / "mine.parquet"), photos))


def test_a_manifest_is_read_by_the_dataset_of_its_name(tmp_path):
    from msde_toolkit.data.source import open_source

    manifest = open_source("dots", None, {"subjects": 2}).manifest
    manifest.save(tmp_path / "dots.parquet")  # nothing stands at its paths: these images are drawn
    done = audit(material_of(str(tmp_path / "dots.parquet")))
    assert {"unreadable", "duplicates_within_split"} <= set(done.passed)


def test_masks_drawn_on_photos_must_be_named(tmp_path, monkeypatch):
    monkeypatch.setenv("MSDE_PLUGINS", "")
    from msde_toolkit.data.source import open_source

    values = np.random.default_rng(0).integers(60, 200, (8, 48 * 48))
    lines = [f"{row % 7},{' '.join(map(str, pixels))},Training" for row, pixels in enumerate(values.tolist())]
    (tmp_path / "fer2013.csv").write_text("\n".join(["emotion,pixels,Usage", *lines]) + "\n")
    source = open_source("fer2013", tmp_path, {}, mask="surgical")
    source.manifest.save(tmp_path / "masked.parquet")
    with pytest.raises(InputError, match=r"masked\.parquet: its masks are drawn.*--mask"):
        material_of(str(tmp_path / "masked.parquet"))
    assert material_of(str(tmp_path / "masked.parquet"), metadata_only=True).pixels is None
    material = material_of(str(tmp_path / "masked.parquet"), mask="surgical")
    assert "duplicates_within_split" not in found(material)
    assert len(np.unique(material.pixels.content)) == 16


def test_a_sound_run(tmp_path):
    done = audit(material_of(str(run(tmp_path / "sound"))))
    assert not done.severe
    assert {"subject_overlap", "pair_split", "validated_twice", "never_validated", "selected_on_test"} <= set(
        done.passed
    )


def test_the_folds_of_the_released_code(tmp_path):
    train = {"image_size": 24, "epochs": 1, "released_folds": True}
    directory = run(tmp_path / "released", set_train=train, select="test", set_data={"subjects": 8})
    findings = found(material_of(str(directory), metadata_only=True))
    assert {"validated_twice", "never_validated", "selected_on_test"} == set(findings)
    # Eight subjects of 14 images in three folds, each range of two one too long: two are tested twice, the last never.
    assert findings["validated_twice"].rows == 2 * 14
    assert findings["never_validated"].rows == 14
    assert findings["selected_on_test"].rows == 7 * 14


def test_an_own_split_that_divides_subjects(tmp_path):
    directory = run(tmp_path / "leaky", folds=None, set_data={"subjects": 7, "split": "labels"})
    findings = found(material_of(str(directory), metadata_only=True))
    assert findings["subject_overlap"].rows == 7 * 14
    assert findings["subject_overlap"].severity == "severe"
    assert "never_validated" not in findings


@pytest.mark.parametrize(
    ("what", "more", "error", "message"),
    [
        ("nowhere", {}, InputError, r"nowhere: no dataset of that name \(.*dots.*\), and no manifest or run is there"),
        ("dots:x", {}, PluginError, "takes nothing after a colon"),
        ("dots", {"on_bad": "often"}, InputError, r"data\.on_bad"),
        ("dots", {"settings": {"data": {"subject": 2}}}, InputError, r"data\.subject: unknown option"),
        (".", {}, InputError, "not a run"),
        (".", {"settings": {"data": {"subjects": 2}}}, InputError, "--set: . is not a dataset's name"),
        (".", {"on_bad": "skip"}, InputError, "--on-bad: . is not a dataset's name"),
        (".", {"mask": "surgical"}, InputError, "has its own images"),
    ],
)
def test_what_cannot_be_audited(tmp_path, monkeypatch, what, more, error, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(error, match=message):
        material_of(what, **more)


def test_a_file_that_is_no_manifest(tmp_path):
    (tmp_path / "x.parquet").write_text("id,label")
    with pytest.raises(InputError, match=r"x\.parquet: cannot be read as a manifest"):
        material_of(str(tmp_path / "x.parquet"))
