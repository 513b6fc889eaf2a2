"""Images that cannot be decoded: found one by one, remembered, left out where the user chose so."""

import numpy as np
import pytest
from PIL import Image as Pillow

import msde_toolkit as msde
from msde_toolkit.data.image_cache import read_each
from msde_toolkit.data.source import open_source
from msde_toolkit.data.usable import leave_out_unreadable, unreadable
from msde_toolkit.engine.prepare import prepare
from msde_toolkit.errors import DataError, InputError

pytestmark = pytest.mark.usefixtures("tiny")
SKIP = {"on_bad": "skip"}


@pytest.fixture
def photos(tmp_path):
    """Four subjects with seven photos each: 28 good files."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for place in range(28):
        image = np.random.default_rng(place).integers(0, 256, (20, 20, 3), dtype=np.uint8)
        Pillow.fromarray(image).save(folder / f"s{place // 7}-{place % 7}.png")
    return folder


def cut(file):
    file.write_bytes(file.read_bytes()[:200])


def empty(file):
    file.write_bytes(b"")


def text(file):
    file.write_bytes(b"<html>404</html>")


def test_each_image_or_its_reason(photos):
    source = open_source("photos", photos, {})
    for damage, name in ((cut, "s0-3"), (empty, "s2-0"), (text, "s3-6")):
        damage(photos / f"{name}.png")
    found = dict(zip(source.manifest.ids, read_each(source.dataset, source.manifest), strict=True))
    bad = {sample: str(image) for sample, image in found.items() if isinstance(image, DataError)}
    assert set(bad) == {"s0-3", "s2-0", "s3-6"}
    assert all(f"{sample}.png: cannot be decoded" in reason for sample, reason in bad.items())
    assert np.array_equal(found["s0-2"], np.asarray(Pillow.open(photos / "s0-2.png")))


@pytest.mark.parametrize("damage", [cut, empty, text])
def test_bad_images_are_left_out_with_a_note(photos, damage):
    damage(photos / "s1-2.png")
    source = leave_out_unreadable(open_source("photos", photos, SKIP))
    assert len(source.manifest) == 27
    assert "s1-2" not in source.manifest.ids
    [note] = source.manifest.notes
    assert note.startswith("1 image that cannot be decoded left out (s1-2: ")
    assert "s1-2.png" in note


def test_nothing_changes_where_all_is_well(photos):
    source = open_source("photos", photos, SKIP)
    assert leave_out_unreadable(source) is source


def test_a_note_names_a_few_and_counts_all(photos):
    for label in range(5):
        empty(photos / f"s0-{label}.png")
    [note] = leave_out_unreadable(open_source("photos", photos, SKIP)).manifest.notes
    assert note.startswith("5 images that cannot be decoded left out (s0-0: ")
    assert note.endswith("; ...)")
    assert note.count(".png") == 3


def test_not_one_image_is_left(photos):
    for file in photos.iterdir():
        empty(file)
    with pytest.raises(
        DataError, match=r"photos: none of its 28 images can be decoded; .*s0-0\.png: cannot be decoded"
    ):
        leave_out_unreadable(open_source("photos", photos, SKIP))


def test_the_answer_is_remembered_until_a_file_changes(photos):
    source = open_source("photos", photos, SKIP)
    empty(photos / "s1-2.png")
    looked = []
    assert list(unreadable(source.dataset, source.manifest, lambda *at: looked.append(at))) == ["s1-2"]
    assert looked == [(28, 28)]
    assert list(unreadable(source.dataset, source.manifest, lambda *at: looked.append(at))) == ["s1-2"]
    assert len(looked) == 1
    Pillow.fromarray(np.full((9, 9, 3), 7, dtype=np.uint8)).save(photos / "s1-2.png")
    assert unreadable(source.dataset, source.manifest, lambda *at: looked.append(at)) == {}
    assert len(looked) == 2


def prepared(photos, **options):
    return prepare(
        msde.RunConfig.create(
            model="tiny", loss="watch", data="photos", root=photos, device="cpu", precision="fp32", folds=2,
            set_train={"image_size": 24, "epochs": 1}, set_data=options,
        )
    )  # fmt: skip


def test_a_run_stops_at_a_bad_image_or_leaves_it_out(photos):
    cut(photos / "s1-2.png")
    with pytest.raises(InputError, match=r"s1-2\.png: cannot be decoded"):
        prepared(photos)
    run = prepared(photos, on_bad="skip")
    assert len(run.manifest) == len(run.images.pixels) == 27
    assert sum(len(fold.test) for fold in run.folds.folds) == 27
    assert any("s1-2.png" in note for note in run.notes)


def test_a_root_that_went_away_is_no_bad_row(photos):
    source = open_source("photos", photos, SKIP)
    photos.rename(photos.with_name("elsewhere"))
    with pytest.raises(InputError, match="nothing there"):
        leave_out_unreadable(source)
