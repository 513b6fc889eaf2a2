"""What a manifest and its folder hold of a subject: which rows and files go, which are left, which are listed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from msde_toolkit.data.beside_manifest import Holdings
from msde_toolkit.data.faces.crop_files import save_png
from msde_toolkit.data.subject_rows import same_people
from msde_toolkit.types import LeftOut, Manifest, load_manifest

PIXELS = np.full((8, 8, 3), 90, dtype=np.uint8)
NOTE = "2 images that cannot be decoded left out (anna-bad: anna/bad.jpg: no image; ben-bad: ben/bad.jpg: no image)"


@pytest.fixture
def folder(tmp_path):
    """Faces of two people as they are cut from photos, with everything that is written beside them."""
    rows = [
        {
            "id": f"{who}-{label}-{condition}",
            "subject": None if (who, condition) == ("anna", "m") else who,
            "label": label,
            "condition": condition,
            "pair": f"{who}-{label}",
            "path": f"faces/{who}-{label}-{condition}.png",
            "mask_path": f"masks/{who}-{label}.png" if condition == "m" else None,
            "source": f"{who}/{label}-{condition}.jpg",
            "prep": "eyes 1",
        }
        for who in ("anna", "ben")
        for label in (0, 1)
        for condition in ("nm", "m")
    ]
    rows[-1]["mask_path"] = "masks/anna-1.png"  # one mask on two faces
    lost = [
        LeftOut(f"{who}-{why}", "no face", "crop_failures", "nm", 2, who)
        for who in ("anna", "ben")
        for why in ("bad", "lost")
    ]
    manifest = Manifest.from_frame(
        pd.DataFrame(rows), "club-faces", root=tmp_path, notes=[NOTE, "drawn by hand (pencil)"], left_out=lost
    )
    for name in {*manifest.frame["path"], *manifest.frame["mask_path"].dropna()}:
        save_png(PIXELS, tmp_path / name, "mark")
    for who in ("anna", "ben"):
        save_png(PIXELS, tmp_path / f"review/{who}-lost.png", "mark")
    manifest.save(tmp_path / "manifest.parquet")
    (tmp_path / "review.csv").write_text(
        "id,path,subject,reason,thumbnail\n"
        'anna-lost,anna/lost.jpg,anna,"no face, nor eyes",review/anna-lost.png\n'
        'ben-lost,ben/lost.jpg,ben,"no face, nor eyes",review/ben-lost.png\n'
    )
    (tmp_path / "failures.csv").write_text("condition,class,subject,samples\nnm,disgust,anna,1\nnm,disgust,ben,1\n")
    return tmp_path


def holdings(folder, who="anna", **more):
    return Holdings(load_manifest(folder / "manifest.parquet"), who, folder / "manifest.parquet", **more)


def files(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() or path.is_symlink()}


def test_their_rows_and_files_go_and_nothing_else(folder):
    before, whole = files(folder), load_manifest(folder / "manifest.parquet")
    held = holdings(folder)
    assert (len(held.ids), held.pairs, held.lost) == (6, 2, 2), "the images without subject are of her pairs"
    held.remove()
    assert before - files(folder) == {
        *(f"faces/anna-{label}-{condition}.png" for label in (0, 1) for condition in ("nm", "m")),
        "masks/anna-0.png",
        "review/anna-lost.png",
    }
    left = load_manifest(folder / "manifest.parquet")
    pd.testing.assert_frame_equal(left.frame, whole.take(~whole.frame["id"].str.startswith("anna")).frame)
    assert (left.name, left.classes, left.licence) == (whole.name, whole.classes, whole.licence)
    assert {lost.sample for lost in left.left_out} == {"ben-bad", "ben-lost"}
    assert left.notes == ("2 images that cannot be decoded left out", "drawn by hand (pencil)")
    assert (folder / "review.csv").read_text() == (
        'id,path,subject,reason,thumbnail\nben-lost,ben/lost.jpg,ben,"no face, nor eyes",review/ben-lost.png\n'
    )
    assert (folder / "failures.csv").read_text() == "condition,class,subject,samples\nnm,disgust,ben,1\n"
    again = holdings(folder)
    assert not any((again.any, again.made, again.tables, again.originals))


def test_photos_are_listed_and_left(folder, tmp_path_factory):
    photos = tmp_path_factory.mktemp("photos")
    (photos / "anna").mkdir()
    (photos / "anna/0-nm.jpg").touch()
    names = [*(f"anna/{label}-{condition}.jpg" for label in (0, 1) for condition in ("nm", "m")), "anna/lost.jpg"]
    assert holdings(folder).originals[:5] == tuple(names), "where they are, the manifest does not say"
    held = holdings(folder, photos=photos)
    assert held.originals == (*(str(photos / name) for name in names), "photo of sample anna-bad")
    held.remove()
    assert (photos / "anna/0-nm.jpg").exists()


def test_what_the_toolkit_did_not_make_is_listed_and_left(folder):
    from PIL import Image

    Image.fromarray(PIXELS).save(folder / "faces/anna-0-nm.png")
    held = holdings(folder)
    assert str(folder / "faces/anna-0-nm.png") in held.originals
    held.remove()
    assert (folder / "faces/anna-0-nm.png").exists()
    assert not (folder / "faces/anna-0-m.png").exists()


def test_nothing_is_removed_through_a_link_or_outside_of_the_folder(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (folder / "masks").rename(elsewhere / "masks")
    (folder / "masks").symlink_to(elsewhere / "masks")
    save_png(PIXELS, elsewhere / "mine.png", "mark")
    (folder / "faces/anna-0-nm.png").unlink()
    (folder / "faces/anna-0-nm.png").symlink_to(elsewhere / "mine.png")
    table = (folder / "review.csv").read_text()
    (folder / "review.csv").write_text(table.replace("review/anna-lost.png", str(elsewhere / "mine.png")))
    held = holdings(folder)
    assert str(folder / "masks/anna-0.png") in held.originals
    held.remove()
    assert (elsewhere / "mine.png").exists()
    assert (elsewhere / "masks/anna-0.png").exists()
    assert not (folder / "faces/anna-0-nm.png").is_symlink(), "the link itself is of the folder"


def test_a_kill_after_the_files_is_repaired_by_a_second_call(folder):
    for file in holdings(folder).made:
        file.unlink()
    held = holdings(folder)
    assert held.any
    assert not held.made
    assert not any("faces/" in place for place in held.originals), "what is gone is not the user's to delete"
    held.remove()
    assert set(load_manifest(folder / "manifest.parquet").frame["subject"]) == {"ben"}
    assert "anna" not in (folder / "review.csv").read_text()


def test_the_last_subject_leaves_an_empty_manifest(folder):
    holdings(folder, "anna").remove()
    holdings(folder, "ben").remove()
    assert len(load_manifest(folder / "manifest.parquet")) == 0
    assert not list(folder.glob("*/*.png"))


def test_a_masked_twin_loses_both_halves_and_its_lines(tmp_path):
    """Of a set without a face recipe: what is the toolkit's is told by its mark alone."""
    rows = [
        {"id": who, "subject": who, "label": 0, "path": f"faces/{who}.png", "source": f"{who}.jpg", "pair": who}
        for who in ("anna", "ben")
    ]
    rows += [row | {"id": f"{row['id']}-surgical", "condition": "m", "path": f"masked/{row['id']}.png"} for row in rows]
    manifest = Manifest.from_frame(pd.DataFrame(rows), "masked-club")
    for name in manifest.frame["path"]:
        save_png(PIXELS, tmp_path / name, "mark")
    manifest.save(tmp_path / "manifest.parquet")
    (tmp_path / "hashes.csv").write_text("id,masked_sha256\nanna,1\nben,2\n")
    (tmp_path / "report.csv").write_text("id,path,subject\nanna-2,anna/2.jpg,anna\n")
    held = holdings(tmp_path)
    assert held.originals == ("anna.jpg", "anna/2.jpg")
    held.remove()
    assert files(tmp_path) == {"faces/ben.png", "masked/ben.png", "hashes.csv", "report.csv", "manifest.parquet"}
    assert "anna" not in (tmp_path / "hashes.csv").read_text() + (tmp_path / "report.csv").read_text()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [("a", "a-faces", True), ("masked-a", "a-faces", True), ("masked-a-faces", "a", True), ("a", "b-faces", False)],
)
def test_sets_that_are_made_of_each_other_have_the_same_people(one, other, same):
    assert same_people(one, other) is same_people(other, one) is same
