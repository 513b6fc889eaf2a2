"""The proof by hashes: equal twins pass; others are told apart, and by how much."""

import numpy as np
import pytest
from PIL import Image as Pillow

from msde_toolkit.data.masks.check import check_twin
from msde_toolkit.data.masks.hashes import read_hashes
from msde_toolkit.data.masks.outcome import distance, sketch
from msde_toolkit.errors import DataError


@pytest.fixture
def compare(workshop):
    """A twin, and what a check against its hashes says."""
    workshop.make()

    def check(file=None, drawer=None, folder=None):
        hashes = read_hashes(file or workshop.out / "hashes.csv")
        return check_twin(
            workshop.dataset, workshop.place(), drawer or workshop.drawer(), hashes, "here", folder=folder
        )

    return check


def test_the_same_twin(workshop, compare):
    found = compare(folder=workshop.out)
    assert found.passed
    assert len(found.equal) == 18
    assert found.summary()["mean_difference"] is None


def test_another_mask_is_measured_by_the_pictures_beside_the_hashes(workshop, compare):
    summary = compare(drawer=workshop.drawer(shift=5)).summary()
    assert not summary["passed"]
    assert summary["different"] == {"size": 0, "source": 0, "mask": 18}
    assert (summary["measured"], summary["largest_difference"]) == (18, 5)
    (alpha,) = {np.asarray(Pillow.open(file)).mean() / 255 for file in (workshop.out / "masks").glob("*.png")}
    assert summary["mean_difference"] == pytest.approx(5 * alpha)


def test_without_pictures_sketches_say_about_how_much(workshop, compare, tmp_path):
    alone = tmp_path / "sent" / "hashes.csv"
    alone.parent.mkdir()
    alone.write_bytes((workshop.out / "hashes.csv").read_bytes())
    summary = compare(alone, workshop.drawer(shift=5)).summary()
    assert (summary["measured"], summary["largest_difference"]) == (0, None)
    share = np.asarray(Pillow.open(workshop.out / "masks" / "f00.png")).mean() / 255
    assert summary["estimated_rms"] == pytest.approx(5 * share**0.5, rel=0.5)


def test_other_source_pixels_are_told_from_another_mask(workshop, compare):
    workshop.draw_face("f03", shade=9)
    Pillow.new("RGB", (40, 40)).save(workshop.root / "f04.png")
    found = compare()
    assert {sample: one.what for sample, one in found.different.items()} == {"f03": "source", "f04": "size"}
    assert len(found.equal) == 16


def test_faces_too_many_and_too_few(workshop, compare):
    (workshop.root / "f02.png").unlink()
    Pillow.new("RGB", (1, 1)).save(workshop.root / "f05.png")
    workshop.draw_face("f99")
    found = compare()
    assert set(found.missing) == {"f02", "f05"}
    assert found.missing["f02"] == "not in the set"
    assert found.missing["f05"].startswith("the eyes are")
    assert found.surplus == ("f99",)
    assert not found.passed


def test_a_picture_of_the_folder_that_is_not_as_drawn(workshop, compare):
    file = workshop.out / "masked" / "f07.png"
    touched = np.array(Pillow.open(file))
    touched[0, 0, 0] ^= 1
    Pillow.fromarray(touched).save(file)
    found = compare(folder=workshop.out)
    assert found.not_as_drawn == ("f07",)
    assert len(found.equal) == 18


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("masked_sha256", "md5"), "has no column masked_sha256"),
        (lambda text: text.splitlines()[0] + "\n", "holds no sample"),
        (lambda text: text.replace(",32,32,", ",32,wide,", 1), "line 2: is damaged"),
        (lambda text: "\n".join([*text.splitlines(), text.splitlines()[1]]), "names a sample twice"),
        (lambda text: text.replace(",32,32,", ",32,32,zz", 1), "line 2: is damaged .*no SHA-256"),
        (lambda text: "\x00", "cannot be read|has no column"),
    ],
)
def test_damaged_hashes(workshop, compare, tmp_path, change, said):
    file = tmp_path / "damaged.csv"
    file.write_text(change((workshop.out / "hashes.csv").read_text()))
    with pytest.raises(DataError, match=said):
        read_hashes(file)


def test_hashes_without_sketches_do(workshop, compare, tmp_path):
    import pandas as pd

    file = tmp_path / "plain.csv"
    pd.read_csv(workshop.out / "hashes.csv").drop(columns=["source_sketch", "masked_sketch", "made_by"]).to_csv(file)
    assert compare(file).passed
    assert compare(file, workshop.drawer(shift=1)).summary()["estimated_rms"] is None


def test_sketches_estimate_the_difference_of_two_images():
    rng = np.random.default_rng(0)
    guesses, truths = [], []
    for _ in range(40):
        one, other = rng.integers(0, 256, (2, 50, 60, 3), dtype=np.uint8)
        guesses.append(distance(sketch(one), sketch(other), one.size) ** 2)
        truths.append(((one.astype(float) - other) ** 2).mean())
        assert distance(sketch(one), sketch(one), one.size) == 0
    assert np.mean(guesses) == pytest.approx(np.mean(truths), rel=0.2)
