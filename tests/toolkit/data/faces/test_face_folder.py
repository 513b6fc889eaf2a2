"""The folder of crops: what is in it, what is not done twice, what is never touched."""

import json

import numpy as np
import pandas as pd
import pytest
from bead_photos import draw, write_photos
from PIL import Image as Pillow

from msde_toolkit.data.faces import Finder, Recipe, cut_faces
from msde_toolkit.data.faces.file_names import file_names
from msde_toolkit.data.faces.recipe import carried
from msde_toolkit.data.source import open_source
from msde_toolkit.errors import DataError, InputError
from msde_toolkit.types import load_manifest

A, B, C = ((50, 40), (75, 40)), ((125, 100), (150, 105)), ((30, 100), (45, 100))
PAIRS = {f"{who}-{word}": who for who in "uvwx" for word in ("nm", "m")}
CONDITIONS = {sample: sample.split("-")[1] for sample in PAIRS}
SUBJECTS = {sample: f"s{sample[0]}" for sample in PAIRS}


def pairs(folder, **changed):
    """Four pairs: u and x are plain, v has two faces when unmasked, w none when masked."""
    photos = {sample: draw(A) for sample in PAIRS} | {"v-nm": draw(A, B), "w-m": draw(), "x-m": draw(B)} | changed
    return write_photos(folder, photos, pair=PAIRS, condition=CONDITIONS, subject=SUBJECTS)


def rows(table):
    return pd.read_csv(table, keep_default_na=False).set_index("id")


def choose(review, **choices):
    """The review list with its column filled in, as a user does; ids with _ for -."""
    table = rows(review)
    for sample, choice in choices.items():
        table.loc[sample.replace("_", "-"), "choice"] = choice
    table.to_csv(review.parent.parent / "filled.csv")
    return review.parent.parent / "filled.csv"


def test_what_is_cut_and_what_is_lost(cut_beads, tmp_path):
    done = cut_beads(pairs(tmp_path / "photos"))
    out = tmp_path / "out"
    manifest = load_manifest(out / "manifest.parquet")
    assert manifest.ids == ("u-nm", "u-m", "x-nm", "x-m")
    assert (manifest.name, manifest.root) == ("photos-faces", out)
    frame = manifest.frame.set_index("id")
    assert frame.loc["x-m", ["path", "source", "prep", "landmarker"]].tolist() == [
        "faces/x-m.png", "photo7.png", "eyes v1, margin 0.0, size 224", "beads 7",
    ]  # fmt: skip
    np.testing.assert_allclose(frame.loc["x-m", "eyes"], np.ravel(B), atol=0.5)
    assert {file.name for file in (out / "faces").iterdir()} == {f"{sample}.png" for sample in manifest.ids}
    assert {Pillow.open(file).size for file in (out / "faces").iterdir()} == {(224, 224)}
    why = {lost.sample: (lost.reason, lost.for_partner) for lost in manifest.left_out}
    assert why == {
        "v-nm": ("2 faces found", False),
        "v-m": ("one face found, but several in the other photo of its pair", False),
        "w-nm": ("the other image of its pair has no face crop", True),
        "w-m": ("no face found", False),
    }
    assert done.decided.unsettled == 3
    assert done.decided.by_condition()["m"] == {
        "samples": 4, "cut": 2, "no_face": 1, "several_faces": 1, "unreadable": 0, "by_hand": 0, "partner": 0,
    }  # fmt: skip
    assert any("NM 1 of 4, M 2 of 4" in note and "1 more with them" in note for note in manifest.notes)


def test_both_conditions_are_registered(cut_beads, tmp_path):
    done = cut_beads(pairs(tmp_path / "photos", **{"u-m": draw(((100, 50), (120, 75)))}))
    nm, m = (
        np.asarray(Pillow.open(tmp_path / "out" / path), float)
        for path in done.manifest.frame.set_index("id").loc[["u-nm", "u-m"], "path"]
    )
    for channel in (0, 1):
        middles = []
        for crop in (nm, m):
            lit = crop[..., channel] - crop[..., 1 - channel] > 120
            middles.append(np.argwhere(lit).mean(axis=0))
        np.testing.assert_allclose(*middles, atol=0.7)


def test_landmarks_lie_in_the_crop(cut_beads, tmp_path):
    """Beads gives face 1 its eyes as landmarks, others none: those get the average face's."""
    photos = write_photos(tmp_path / "photos", {"own": draw(A), "two": draw(C, A)})
    review = tmp_path / "out" / "review.csv"
    recipe = Recipe(margin=0.4, size=100)
    cut_beads(photos, recipe=recipe)
    done = cut_beads(photos, recipe=recipe, overrides=choose(review, two="2"))
    own, two = (np.reshape(cell, (-1, 2)) for cell in done.manifest.frame["landmarks"])
    place = carried(np.array(A, float), recipe.to_crop(np.array(A, float)))
    np.testing.assert_allclose(own[[0, -1]], place, atol=0.6)
    np.testing.assert_allclose(two, recipe.average_landmarks(), atol=0.01)
    assert any(note.startswith("1 faces have no landmarks of their own") for note in done.manifest.notes)


def test_the_review_list_is_given_back(cut_beads, tmp_path):
    photos, out = pairs(tmp_path / "photos"), tmp_path / "out"
    cut_beads(photos)
    table = rows(out / "review.csv")
    assert table["faces"].to_dict() == {"v-nm": 2, "v-m": 1, "w-m": 0}
    assert table.loc["v-nm", ["path", "condition", "class", "subject", "choice"]].tolist() == [
        "photo2.png", "nm", "sad", "sv", "",
    ]  # fmt: skip
    assert all((out / path).is_file() for path in table["thumbnail"])
    filled = choose(out / "review.csv", v_nm="2", v_m="eyes 50,40,75,40", w_m="drop")
    done = cut_beads(photos, overrides=filled)
    assert set(done.manifest.ids) == {"u-nm", "u-m", "v-nm", "v-m", "x-nm", "x-m"}
    np.testing.assert_allclose(done.manifest.frame.set_index("id").loc["v-nm", "eyes"], np.ravel(B), atol=0.5)
    assert {lost.sample: lost.reason for lost in done.manifest.left_out}["w-m"] == "left out by hand"
    assert done.decided.unsettled == 0
    # The list that is written can itself be given back, and gives the same.
    assert rows(out / "review.csv")["choice"].to_dict() == {"v-nm": "2", "v-m": "eyes 50,40,75,40", "w-m": "drop"}
    again = cut_beads(photos, overrides=out / "review.csv")
    assert again.manifest.content_hash() == done.manifest.content_hash()
    with pytest.raises(InputError, match="choices made by hand that would be lost"):
        cut_beads(photos)


def test_a_box_by_hand(cut_beads, tmp_path):
    photos, out = pairs(tmp_path / "photos"), tmp_path / "out"
    cut_beads(photos)
    filled = choose(out / "review.csv", v_nm="115,90,50,30", v_m="0,0,10,10")
    done = cut_beads(photos, overrides=filled)
    reasons = rows(out / "review.csv")["reason"]
    assert reasons["v-nm"] == "box given by hand"
    assert reasons["v-m"] == "no face found in the box given by hand"
    assert "v-nm" not in done.manifest.ids
    done = cut_beads(photos, overrides=choose(out / "review.csv", v_m="40,30,50,30"))
    np.testing.assert_allclose(done.manifest.frame.set_index("id").loc["v-nm", "eyes"], np.ravel(B), atol=0.5)


def test_a_choice_for_a_face_that_was_found_wrongly(cut_beads, tmp_path):
    photos = pairs(tmp_path / "photos")
    filled = tmp_path / "filled.csv"
    filled.write_text("id,choice\nu-nm,drop\n")
    done = cut_beads(photos, overrides=filled)
    assert set(done.manifest.ids) == {"x-nm", "x-m"}
    assert rows(tmp_path / "out/review.csv").loc["u-nm", "reason"] == "left out by hand"


def test_failures_by_condition_class_and_subject(cut_beads, tmp_path):
    cut_beads(pairs(tmp_path / "photos"))
    table = pd.read_csv(tmp_path / "out/failures.csv")
    assert table["samples"].sum() == 8
    row = table.query("condition == 'm' and subject == 'sw'").iloc[0]
    assert (row["class"], row["samples"], row["cut"], row["no_face"]) == ("happy", 1, 0, 1)
    assert table.query("subject == 'sw' and condition == 'nm'")["partner"].tolist() == [1]


def written(folder):
    return {file.relative_to(folder): file.stat().st_mtime_ns for file in folder.rglob("*.png")}


def test_a_second_time_nothing_is_searched_or_cut(cut_beads, beads, tmp_path):
    photos, out = pairs(tmp_path / "photos"), tmp_path / "out"
    first = cut_beads(photos)
    looks, before, listed = len(beads.SEEN), written(out), (out / "review.csv").read_bytes()
    second = cut_beads(photos)
    assert (len(beads.SEEN), written(out)) == (looks, before)
    assert second.manifest.content_hash() == first.manifest.content_hash()
    assert (out / "review.csv").read_bytes() == listed


def test_after_a_kill_only_the_rest_is_cut(cut_beads, tmp_path, monkeypatch):
    from msde_toolkit.data.faces import crop_files

    photos, out = pairs(tmp_path / "photos"), tmp_path / "out"
    whole_save, cut = crop_files.save_png, []

    def killed(pixels, file, mark):
        if len(cut) == 2:
            raise KeyboardInterrupt
        cut.append(file)
        whole_save(pixels, file, mark)

    with monkeypatch.context() as patch:
        patch.setattr(crop_files, "save_png", killed)
        with pytest.raises(KeyboardInterrupt):
            cut_beads(photos)
    assert not (out / "manifest.parquet").exists()
    before = written(out)
    done = cut_beads(photos)
    assert len(done.manifest) == 4
    assert {file: time for file, time in written(out).items() if file in before} == before


def test_another_recipe_or_photo_is_cut_anew(cut_beads, tmp_path):
    photos, out = pairs(tmp_path / "photos"), tmp_path / "out"
    cut_beads(photos)
    before = written(out)
    Pillow.fromarray(draw(C)).save(photos / "photo7.png")  # x-m
    done = cut_beads(photos)
    changed = {str(file) for file, stamp in written(out).items() if before.get(file) != stamp}
    assert changed == {"faces/x-m.png"}
    np.testing.assert_allclose(done.manifest.frame.set_index("id").loc["x-m", "eyes"], np.ravel(C), atol=0.5)
    cut_beads(photos, recipe=Recipe(size=64))
    assert {Pillow.open(file).size for file in (out / "faces").iterdir()} == {(64, 64)}
    assert json.loads((out / "faces.json").read_text())["recipe"] == "eyes v1, margin 0.0, size 64"


def test_what_is_no_longer_cut_goes_and_what_others_put_there_stays(cut_beads, tmp_path):
    photos, out = pairs(tmp_path / "photos"), tmp_path / "out"
    cut_beads(photos)
    strangers = [out / "faces/mine.png", out / "review/mine.png", out / "notes.txt"]
    for file in strangers:
        Pillow.fromarray(draw()).save(file, format="PNG")
    filled = tmp_path / "filled.csv"
    filled.write_text("id,choice\nu-nm,drop\nw-m,drop\nv-nm,1\nv-m,1\n")
    cut_beads(photos, overrides=filled)
    assert {file.name for file in (out / "faces").iterdir()} == {
        "v-nm.png",
        "v-m.png",
        "x-nm.png",
        "x-m.png",
        "mine.png",
    }
    assert all(file.exists() for file in strangers)


@pytest.mark.parametrize("place", ["full", "file", "other", "photos/inside"])
def test_a_folder_that_is_not_ours(cut_beads, tmp_path, place):
    photos, out = pairs(tmp_path / "photos"), tmp_path / place
    if place == "file":
        out.write_text("x")
    elif place == "full":
        out.mkdir()
        (out / "x.txt").write_text("x")
    elif place == "other":
        cut_beads(write_photos(tmp_path / "elsewhere", {"a": draw(A)}), out=out)
        facts = json.loads((out / "faces.json").read_text()) | {"dataset": "other"}
        (out / "faces.json").write_text(json.dumps(facts))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(
        InputError, match=f"--out .*{place}: (is no|is not empty|holds faces of other|lies in the photos)"
    ):
        cut_beads(photos, out=out)
    assert sorted(tmp_path.rglob("*")) == before


def test_every_photo_fails(cut_beads, tmp_path):
    photos, out = write_photos(tmp_path / "photos", {"a": draw(), "b": draw(A, B)}), tmp_path / "out"
    with pytest.raises(DataError, match=r"not one of its 2 photos has a face to cut \(a: no face found\)") as caught:
        cut_beads(photos)
    assert "review.csv" in str(caught.value)
    assert list(rows(out / "review.csv")["reason"]) == ["no face found", "2 faces found"]
    assert (out / "failures.csv").exists()
    assert not (out / "manifest.parquet").exists()
    done = cut_beads(photos, overrides=choose(out / "review.csv", b="1"))
    assert done.manifest.ids == ("b",)


def test_a_photo_that_cannot_be_read(cut_beads, tmp_path):
    photos = pairs(tmp_path / "photos", **{"u-m": b"no image at all"})
    with pytest.raises(DataError, match=r"sample u-m: .*photo1.png"):
        cut_beads(photos, on_bad="error")
    assert not (tmp_path / "out").exists()
    done = cut_beads(photos)
    lost = {sample.sample: (sample.check, sample.for_partner) for sample in done.manifest.left_out}
    assert lost["u-m"] == ("unreadable", False)
    assert lost["u-nm"] == ("crop_failures", True)
    assert rows(tmp_path / "out/review.csv").loc["u-m", "thumbnail"] == ""


def test_how_large_the_faces_are(cut_beads, tmp_path):
    near, edge = draw(((150, 130), (250, 130)), size=(400, 300)), draw(((5, 6), (105, 6)))
    done = cut_beads(write_photos(tmp_path / "photos", {"near": near, "far": draw(A), "edge": edge}))
    assert np.round(done.eye_distances).tolist() == [100, 25, 100]
    assert (done.upscaled, done.beyond_edge) == (1, 1)  # eyes are 78 px apart in a crop of 224


def test_names_are_safe_and_each_its_own(cut_beads, tmp_path):
    ids = ["a/b", "a_b", "A_B", "ä ö", "..", "con", "x" * 300, "plain-1.jpg"]
    names = file_names(ids)
    assert names["plain-1.jpg"] == "plain-1.jpg"
    assert len({name.casefold() for name in names.values()}) == len(ids)
    assert all(name.isascii() and "/" not in name and len(name) < 80 for name in names.values())
    done = cut_beads(write_photos(tmp_path / "photos", {sample: draw(A) for sample in ids}))
    assert sorted(done.manifest.ids) == sorted(ids)
    assert all((tmp_path / "out" / path).is_file() for path in done.manifest.frame["path"])


def test_masks_are_cut_like_their_faces(beads, tmp_path):
    """The synthetic twin knows where each mask is."""
    source = open_source("synthetic", None, {"subjects": "1", "size": "64"})
    photos = source.manifest.take(np.arange(4))
    recipe = Recipe(size=64)
    done = cut_faces(source.dataset, photos, Finder.create("aligned"), tmp_path / "out", recipe=recipe)
    # The faces are aligned already, so that nothing moves.
    regions = source.dataset.mask_regions(photos)
    images = source.dataset.read(photos)
    for row in range(len(photos)):
        crop = np.asarray(Pillow.open(tmp_path / "out" / done.manifest.frame["path"][row]), float)
        assert np.abs(crop - images[row]).mean() < 1
        alpha = np.asarray(Pillow.open(tmp_path / "out" / done.manifest.frame["mask_path"][row]), float)
        assert np.abs(alpha - regions[row]).mean() < 1
        assert (alpha.max() > 0) == (done.manifest.frame["condition"][row] == "m")
    assert done.manifest.synthetic


def test_the_table_reads_what_was_written(cut_beads, tmp_path):
    done = cut_beads(pairs(tmp_path / "photos"))
    source = open_source("table", tmp_path / "out", {})
    assert source.manifest.content_hash() == done.manifest.content_hash()
    assert source.manifest.left_out == done.manifest.left_out
    assert len(source.dataset.read(source.manifest)) == 4
    assert source.manifest.frame["landmarks"].notna().all()
