"""One recipe for training and test: photos of a target are cut like the run's faces, or the target is refused."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import msde_toolkit as msde
from msde_toolkit.data.faces import Finder, Recipe, cut_faces
from msde_toolkit.data.source import open_source
from msde_toolkit.engine.evaluate import Target, evaluate
from msde_toolkit.errors import InputError
from msde_toolkit.types import Manifest, load_manifest

TRAIN = {"epochs": 1, "image_size": 20, "schedule": "constant", "lr_backbone": 0.02, "lr_head": 0.02}
RECIPE = Recipe(margin=0.1, size=32)


def train(out, **data):
    config = msde.RunConfig.create(
        model="tiny", loss="ce", folds=2, device="cpu", precision="fp32", set_train=TRAIN, **data
    )
    return msde.run(config, out=out).directory


def cut(name, root, options, out, recipe=RECIPE):
    source = open_source(name, root, options)
    cut_faces(source.dataset, source.manifest, Finder.create("aligned"), out, recipe=recipe)
    return out


@pytest.fixture(scope="module")
def folder(tiny, tmp_path_factory):
    return tmp_path_factory.mktemp("cut")


@pytest.fixture(scope="module")
def faces(folder):
    """Crops of the dots, as ``msde data faces`` leaves them."""
    return cut("dots", None, {"subjects": 4}, folder / "faces")


@pytest.fixture(scope="module")
def of_faces(faces, folder):
    """A run on crops."""
    return train(folder / "of-faces", data="table", root=faces)


@pytest.fixture(scope="module")
def of_images(folder):
    """A run on images as they are."""
    return train(folder / "of-images", data="dots", set_data={"subjects": 4})


@pytest.fixture(scope="module")
def photos(folder):
    """Another set: photos of two people, with a split of its own."""
    from PIL import Image

    place = folder / "others"
    place.mkdir()
    rows = []
    for number in range(14):
        pixels = np.random.default_rng(number).integers(0, 255, (40, 40, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(place / f"{number}.png")
        split = "test" if number % 7 > 4 else "train"
        rows.append({"id": f"p{number}", "path": f"{number}.png", "label": number % 7, "split": split})
    Manifest.from_frame(pd.DataFrame(rows), "others").save(place / "others.parquet")
    return place


def provenance(directory):
    return json.loads((directory / "provenance.json").read_text())


def test_the_recipe_stands_in_the_run(of_faces, of_images):
    assert provenance(of_faces)["data"]["prep"] == [str(RECIPE)]
    assert provenance(of_images)["data"]["prep"] == []
    notes = json.loads((of_faces / "summary.json").read_text())["notes"]
    assert f"faces cut by the recipe {str(RECIPE)!r}, found by aligned 1" in notes


def test_photos_are_cut_by_the_runs_recipe(of_faces, photos, tmp_path):
    done = evaluate(of_faces, Target("table", photos, faces="aligned"), out=tmp_path / "out")
    run = msde.open_run(done.directory)
    assert run.manifest.name == "others-faces"
    assert set(run.manifest.frame["prep"]) == {str(RECIPE)}
    told = provenance(done.directory)
    assert told["faces"]["recipe"] == str(RECIPE)
    assert (told["faces"]["landmarker"]["name"], told["data"]["prep"]) == ("aligned", [str(RECIPE)])
    assert any("found by aligned 1" in note for note in done.summary["notes"])
    # The pixels are those that the command cuts, also when the run is opened again.
    crops = cut("table", photos, {}, tmp_path / "crops")
    same = evaluate(of_faces, Target("table", crops), out=tmp_path / "same")
    ids = list(run.manifest.ids)
    assert np.array_equal(run.images(ids), msde.open_run(same.directory).images(ids))
    columns = ["fold", "id"]
    tables = (msde.open_run(path).predictions.sort_values(columns) for path in (done.directory, same.directory))
    np.testing.assert_array_equal(*(np.stack(list(table["logits"])) for table in tables))
    msde.analyze("confusion", [run], out=tmp_path / "analysis")


def test_masks_are_drawn_on_the_cut_faces(of_faces, photos, tmp_path):
    target = Target("table", photos, mask="surgical", set_mask={"jitter": "0"}, faces="aligned")
    done = evaluate(of_faces, target, out=tmp_path / "out")
    run = msde.open_run(done.directory)
    assert done.summary["metrics"]["m"]["n"] == done.summary["metrics"]["nm"]["n"] == 14
    bare, masked = run.images(["p3", "p3-surgical"]).astype(float)
    changed = np.abs(bare - masked).max(axis=2) > 8
    assert changed[12:].mean() > 0.2
    assert changed[:5].mean() == 0
    (region,) = run.mask_regions(["p3-surgical"])
    assert region.shape == (20, 20)
    assert set(zip(*np.nonzero(changed), strict=True)) <= set(zip(*np.nonzero(region), strict=True))


@pytest.mark.parametrize("which", ["photos", "other recipe"])
def test_faces_that_are_not_cut_alike_are_refused(of_faces, photos, tmp_path, which):
    root = photos if which == "photos" else cut("table", photos, {}, tmp_path / "cut", Recipe(size=32))
    with pytest.raises(InputError) as caught:
        evaluate(of_faces, Target("table", root), out=tmp_path / "out")
    lines = str(caught.value).splitlines()
    assert len(lines) == 2
    assert f"were cut by {RECIPE}" in lines[0]
    assert ("others does not say how" if which == "photos" else "by eyes v1, margin 0.0, size 32") in lines[0]
    assert "--faces dlib" in lines[1]
    assert "--faces aligned" in lines[1]
    assert not (tmp_path / "out").exists()


def test_some_faces_that_do_not_say_how_are_refused(of_faces, faces, tmp_path):
    manifest = load_manifest(faces / "manifest.parquet")
    frame = manifest.frame.assign(prep=manifest.frame["prep"].where(manifest.frame.index > 0, None))
    changed = tmp_path / "changed.parquet"
    Manifest.from_frame(frame, manifest.name, synthetic=True).save(changed)
    with pytest.raises(InputError, match="were cut by"):
        evaluate(of_faces, Target("table", changed, set_data={"images": str(faces)}), out=tmp_path / "out")


def test_a_run_without_a_recipe_takes_them_and_says_so(of_images, photos, tmp_path):
    crops = cut("table", photos, {}, tmp_path / "crops")
    done = evaluate(of_images, Target("table", crops), out=tmp_path / "out")
    assert any("of-images does not say how its faces were cut; those of others-faces are" in note
               for note in done.summary["notes"])  # fmt: skip
    with pytest.raises(InputError, match="says nothing of how its faces were cut, so there is nothing to apply"):
        evaluate(of_images, Target("table", photos, faces="aligned"), out=tmp_path / "none")


def test_crops_of_the_same_people_are_not_others(of_faces, tmp_path):
    """The run is on dots-faces: photos of the dots show people whom its models have seen."""
    done = evaluate(of_faces, Target("dots", set_data={"subjects": 4}, faces="aligned"), out=tmp_path / "out")
    before, after = (msde.open_run(path).predictions for path in (of_faces, done.directory))
    assert len(before) == len(after)
    both = before.merge(after, on=["fold", "id"], suffixes=("", "_again"))
    assert len(both) == len(before)
    assert all(np.allclose(a, b, atol=1e-4) for a, b in zip(both["logits"], both["logits_again"], strict=True))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"set_faces": {"x": 1}}, r"--set faces.\*: no face is looked for; name a landmarker with --faces NAME"),
        ({"faces": "aligned", "set_faces": {"x": 1}}, "faces.x: unknown option"),
        ({"faces": "eagle"}, "Unknown landmarker 'eagle'"),
    ],
)
def test_wrong_words(of_faces, photos, tmp_path, more, message):
    with pytest.raises(InputError, match=message):
        evaluate(of_faces, Target("table", photos, **more), out=tmp_path / "out")


def test_only_the_targets_own_split(of_images, of_faces, photos, tmp_path):
    done = evaluate(of_images, Target("table", photos, split="test"), out=tmp_path / "out")
    run = msde.open_run(done.directory)
    assert set(run.manifest.ids) == {"p5", "p6", "p12", "p13"}
    assert "only the dataset's own split 'test'" in done.summary["notes"]
    assert provenance(done.directory)["data"]["split"] == "test"
    done = evaluate(of_faces, Target("table", photos, split="test", faces="aligned"), out=tmp_path / "faces")
    assert done.summary["metrics"]["nm"]["n"] == 4


def test_a_split_that_is_not_there(of_images, photos, tmp_path):
    with pytest.raises(InputError, match="--split tset: others has no such split; it has test, train"):
        evaluate(of_images, Target("table", photos, split="tset"), out=tmp_path / "out")
    with pytest.raises(InputError, match="--split test: dots has no such split; it has no split of its own"):
        evaluate(of_images, Target("dots", split="test"), out=tmp_path / "out")
