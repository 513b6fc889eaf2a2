"""The folder of a masked twin: what is in it, what goes on after a stop, and what becomes of faces without a mask."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image as Pillow

from msde_toolkit.create import create_dataset, create_landmarker
from msde_toolkit.data.faces import Finder
from msde_toolkit.data.masks import place
from msde_toolkit.errors import DataError, InputError, PluginError
from msde_toolkit.types import load_manifest


def pixels(file):
    with Pillow.open(file) as image:
        assert image.format == "PNG"
        return np.asarray(image)


def test_both_halves_are_registered_and_stored_with_alpha(workshop):
    twin = workshop.make()
    manifest = load_manifest(workshop.out / "manifest.parquet")
    assert (manifest.name, manifest.licence, manifest.notes[0]) == ("masked-set", "CC0-1.0", "a note")
    assert manifest.ids[:4] == ("f00", "f00-flat", "f01", "f01-flat")
    assert len(manifest.pairs()) == len(twin.drawn) == 18
    assert set(manifest.frame["pairing"]) == {"overlay"}
    for bare, masked in manifest.pairs()[["nm", "m"]].to_numpy():
        first, second = manifest.frame.iloc[bare], manifest.frame.iloc[masked]
        face, wearing, alpha = (
            pixels(workshop.out / place) for place in (first["path"], second["path"], second["mask_path"])
        )
        source = pixels(workshop.root / first["source"])
        assert np.array_equal(face, source)
        assert alpha.any()
        assert np.array_equal(wearing[alpha == 0], source[alpha == 0])
        assert (wearing[alpha > 0] == second["mask_grey"]).all()
    assert (workshop.out / "report.csv").read_text().splitlines() == ["id,path,condition,class,subject,why,reason"]


def test_parameters_are_columns_of_masked_samples(workshop):
    frame = workshop.make().manifest.frame
    masked = frame["condition"] == "m"
    assert set(frame.loc[masked, "mask_kind"]) == {"flat"}
    assert set(frame.loc[masked, "mask_width"]) == {24.0}
    assert frame.loc[~masked, ["mask_kind", "mask_grey", "mask_wired"]].isna().all(axis=None)


def test_the_table_dataset_reads_it(workshop):
    workshop.make()
    table = create_dataset("table")
    manifest = table.load(workshop.out, table.Options())
    assert (manifest.name, len(manifest.pairs())) == ("masked-set", 18)
    (alpha,) = table.mask_regions(manifest.take([1]))
    bare, masked = table.read(manifest.take([0, 1]))
    assert np.array_equal(bare[alpha == 0], masked[alpha == 0])


def test_it_is_what_a_run_with_the_mask_sees(workshop):
    from msde_toolkit.data.masking import MaskedDataset

    twin = workshop.make(drawer=workshop.drawer(seed=3))
    drawer = workshop.drawer(seed=3)
    drawn = MaskedDataset(workshop.dataset, drawer.masker, drawer.name, drawer.seed)
    rows = drawn.load(workshop.root, None).take([1, 3])
    on_the_fly = drawn.read(rows)
    stored = [pixels(workshop.out / place) for place in twin.manifest.frame["path"].iloc[[1, 3]]]
    assert all(np.array_equal(*two) for two in zip(on_the_fly, stored, strict=True))


def test_every_face_is_masked_or_reported_with_a_reason(workshop, points):
    for name, shade in (("f02", 255), ("f03", None)):
        workshop.draw_face(name, shade)
    Pillow.new("RGB", (1, 1)).save(workshop.root / "f04.png")
    (workshop.root / "f05.png").write_bytes(b"\x89PNG\r\n no image")
    workshop.dataset.changes = {
        "landmarks": {
            "f06": points(right=40),
            "f07": points(nose=14),
            "f08": points(squeeze=0.3),
            "f09": points()[:20],
        }
    }
    twin = workshop.make(drawer=workshop.drawer(refuse="it shines"))
    report = pd.read_csv(workshop.out / "report.csv")
    assert dict(zip(report["id"], report["why"], strict=True)) == {
        "f02": "not_fitted",
        "f04": "too_small",
        "f05": "unreadable",
        "f06": "out_of_frame",
        "f07": "profile",
        "f08": "too_small",
        "f09": "not_fitted",
    }
    first = report.iloc[0]
    assert (first["path"], first["condition"], first["class"], first["subject"], first["reason"]) == (
        *("f02.png", "nm", "disgust", "p1", "it shines"),
    )
    assert sorted([*twin.drawn, *report["id"]]) == [f"f{number:02}" for number in range(18)]
    assert {lost.sample: lost.check for lost in twin.manifest.left_out}["f05"] == "unreadable"
    table = twin.by_class().set_index("class")
    assert table.loc["total", ["sources", "masked", "too_small"]].tolist() == [18, 11, 2]
    assert (table.drop(columns="sources").sum(axis=1) == table["sources"]).all()
    assert "7 of 18 faces could not be masked and are left out (report.csv)" in twin.manifest.notes


def test_no_face_can_be_masked(workshop, points):
    workshop.dataset.changes = {"landmarks": {f"f{number:02}": points(down=90) for number in range(18)}}
    with pytest.raises(DataError, match=r"not one of its 18 faces can be masked \(f00: 100 % of the face's lower half"):
        workshop.make()
    assert sorted(file.name for file in workshop.out.iterdir()) == ["mask.json", "report.csv"]
    assert len(pd.read_csv(workshop.out / "report.csv")) == 18


def test_an_image_that_cannot_be_decoded_is_an_error_where_that_is_wanted(workshop):
    (workshop.root / "f17.png").write_bytes(b"no image")
    with pytest.raises(DataError, match="sample f17: "):
        workshop.make(skip_unreadable=False)


def test_a_stop_in_the_middle_and_a_second_call_give_the_same_pixels(workshop, tmp_path):
    whole = workshop.make(tmp_path / "whole")

    def stop(done, _all):
        if done >= 16:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        workshop.make(progress=stop)
    assert not (workshop.out / "manifest.parquet").exists()
    # What a kill leaves besides: a file that was being written, and one without its record.
    (workshop.out / "masked" / ".f16.png.x.partial").touch()
    Pillow.new("RGB", (32, 32)).save(workshop.out / "masked" / "f16.png")
    twin = workshop.make()
    assert twin.before == 16
    assert (workshop.out / "hashes.csv").read_bytes() == (tmp_path / "whole" / "hashes.csv").read_bytes()
    assert twin.manifest.content_hash() == whole.manifest.content_hash()
    for part in ("faces", "masked", "masks"):
        names = sorted(file.name for file in (workshop.out / part).iterdir())
        assert names == sorted(file.name for file in (tmp_path / "whole" / part).iterdir())
        for name in names:
            assert np.array_equal(pixels(workshop.out / part / name), pixels(tmp_path / "whole" / part / name))


def test_what_is_there_is_kept_and_what_has_changed_is_drawn_again(workshop):
    before = workshop.make()
    kept = workshop.out / "masked" / "f01.png"
    written = kept.stat().st_mtime_ns
    (workshop.out / "masks" / "f03.png").unlink()
    again = workshop.make()
    assert again.before == 17
    assert kept.stat().st_mtime_ns == written
    assert again.drawn == before.drawn
    workshop.draw_face("f00", shade=77)
    changed = workshop.make()
    assert {sample for sample in changed.drawn if changed.drawn[sample].masked != before.drawn[sample].masked} == {
        "f00"
    }


def test_pictures_of_samples_that_are_gone_go_too(workshop):
    workshop.make()
    mine = workshop.out / "masked" / "mine.png"
    Pillow.new("RGB", (4, 4)).save(mine)
    (workshop.root / "f05.png").unlink()
    workshop.make()
    assert not (workshop.out / "masked" / "f05.png").exists()
    assert mine.exists()


@pytest.mark.parametrize(
    ("drawer", "said"),
    [({"seed": 1}, "seed 0, now 1"), ({"shift": 2}, 'options {"refuse": "", "shift": 0}, now')],
)
def test_masks_made_another_way_need_another_folder(workshop, drawer, said):
    workshop.make()
    with pytest.raises(InputError, match="holds masks made another way") as raised:
        workshop.make(drawer=workshop.drawer(**drawer))
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_folders_that_are_refused(workshop):
    with pytest.raises(InputError, match="lies in the set's folder"):
        workshop.make(workshop.root / "twin")
    workshop.out.mkdir()
    (workshop.out / "thesis.tex").touch()
    with pytest.raises(InputError, match="not of this command"):
        workshop.make()
    (workshop.out / "mask.json").write_text(json.dumps(["other"]))
    with pytest.raises(InputError, match="not of this command"):
        workshop.make()


def test_a_masker_that_paints_beside_its_alpha_is_a_fault(workshop, monkeypatch):
    drawer = workshop.drawer()
    right = type(drawer.masker).apply

    def wrong(self, image, landmarks, rng):
        masked, alpha = right(self, image, landmarks, rng)
        masked[0, 0] ^= 1
        return masked, alpha

    monkeypatch.setattr(type(drawer.masker), "apply", wrong)
    with pytest.raises(PluginError, match="changes sample f00 where its alpha is 0"):
        workshop.make(drawer=drawer)


@pytest.mark.parametrize("said", [{"path": "x"}, {"grey": float("nan")}, {"kind": ["a"]}])
def test_parameters_that_no_column_can_hold_are_a_fault(workshop, monkeypatch, said):
    drawer = workshop.drawer()
    monkeypatch.setattr(type(drawer.masker), "parameters", lambda *_: said)
    with pytest.raises(PluginError, match="gives the parameter"):
        workshop.make(drawer=drawer)


def test_faces_are_looked_for_where_the_set_is_not_aligned(workshop):
    workshop.dataset.__class__ = type("Loose", (type(workshop.dataset),), {"aligned": False})
    with pytest.raises(InputError, match=r"18 of 18 faces have no landmarks .* --landmarker"):
        workshop.place()


def test_landmarks_of_the_manifest_win_over_those_found(workshop, points):
    own = points(down=3)
    workshop.dataset.changes = {"landmarks": {"f01": own}}
    placing = workshop.place(Finder.create("aligned"))
    cells = dict(zip(placing.manifest.ids, placing.manifest.frame["landmarks"], strict=True))
    assert cells["f01"] == own
    (face,) = create_landmarker("aligned").find(workshop.dataset.read(placing.manifest.take([0]))[0], _no_hint())
    assert cells["f00"] == pytest.approx(face.landmarks.ravel().tolist(), abs=1e-3)
    assert placing.found == 17


def test_photos_without_a_face_are_lost(workshop, points):
    workshop.dataset.changes = {"landmarks": {"f01": points()}, "box": {"f02": [500, 500, 4, 4]}}
    placing = workshop.place(Finder.create("aligned"))
    assert placing.lost["f02"].why == "no_face"
    assert "holds nothing of the 32 x 32 pixels" in placing.lost["f02"].reason
    assert "f02" not in placing.manifest.ids


def test_a_set_s_own_masked_images_are_left_aside(workshop):
    workshop.dataset.changes = {"condition": {f"f{number:02}": "m" if number > 9 else "nm" for number in range(18)}}
    placing = workshop.place()
    assert (len(placing.manifest), placing.left_aside) == (10, 8)
    workshop.dataset.changes = {"condition": {f"f{number:02}": "m" for number in range(18)}}
    with pytest.raises(InputError, match="every image wears a mask already"):
        place(workshop.dataset, workshop.dataset.load(workshop.root))


def _no_hint():
    from msde_toolkit.interfaces import Hint

    return Hint()
