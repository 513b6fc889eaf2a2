"""Images that are there more than once, and what is no such thing."""

import numpy as np
import pytest
from PIL import Image as Pillow

from msde_toolkit.data.audit import audit


def faces(seed):
    """A smooth picture, 64 x 64, as photographs are: neighbouring pixels are alike."""
    small = np.random.default_rng(seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    return np.asarray(Pillow.fromarray(small).resize((64, 64), Pillow.Resampling.BICUBIC))


def test_every_row_of_a_group_across_and_the_surplus_within(material, found, show):
    one, two, three = show(1), show(2), show(3)
    images = [one, one, one, two, two, three]
    findings = found(material(images, split=["train", "train", "test", "train", "train", "test"]))
    across, within = findings["duplicates_across_splits"], findings["duplicates_within_split"]
    assert (across.severity, across.rows, across.counts) == ("severe", 3, {"test": 1, "train": 2})
    assert (within.severity, within.rows, within.counts) == ("warning", 2, {"train": 2})
    assert within.examples == ("i001", "i004")


def test_without_a_split_only_within(material, show):
    done = audit(material([show(1), show(1), show(2)], label=[0, 0, 0]))
    assert done.not_applicable["duplicates_across_splits"] == "no split"
    [finding] = done.findings
    assert (finding.check, finding.rows, finding.counts) == ("duplicates_within_split", 1, {"no split": 1})
    assert not done.severe


def test_images_that_only_share_bytes_are_not_identical(material, found, show):
    wide = show(1).reshape(12, 48, 3)
    assert not set(found(material([show(1), wide], split=["train", "test"]))) & {
        "duplicates_across_splits",
        "duplicates_within_split",
    }


def test_one_image_with_two_labels(material, found, show):
    findings = found(material([show(1), show(1), show(2), show(2), show(3)], label=[0, 1, 2, 2, 3]))
    conflict = findings["conflicting_labels"]
    assert (conflict.severity, conflict.rows, conflict.examples) == ("warning", 2, ("i000", "i001"))


def test_images_of_one_colour_are_no_duplicates_of_each_other(material, found):
    grey = np.full((9, 9, 3), 80, dtype=np.uint8)
    findings = found(material([grey, grey, grey + 9], label=[0, 1, 2], split=["train", "test", "train"]))
    assert set(findings) == {"constant"}
    assert (findings["constant"].severity, findings["constant"].rows) == ("warning", 3)


@pytest.mark.parametrize("change", ["scaled", "brighter", "recompressed"])
def test_a_changed_copy_is_near_and_not_identical(material, found, change, tmp_path):
    image = faces(1)
    if change == "scaled":
        copy = np.asarray(Pillow.fromarray(image).resize((50, 50), Pillow.Resampling.BILINEAR))
    elif change == "brighter":
        copy = np.clip(image.astype(int) + 8, 0, 255).astype(np.uint8)
    else:
        Pillow.fromarray(image).save(tmp_path / "copy.jpg", quality=80)
        copy = np.asarray(Pillow.open(tmp_path / "copy.jpg"))
    others = [faces(seed) for seed in range(2, 40)]
    split = ["train", "test", *["train", "test"] * 19]
    findings = found(material([image, copy, *others], split=split))
    assert set(findings) == {"near_duplicates"}
    near = findings["near_duplicates"]
    assert (near.severity, near.rows, near.examples) == ("warning", 2, ("i000", "i001"))
    assert "2 of them one on another side" in near.message
    within = found(material([image, copy, *others], split=["train", "train", *split[2:]]))["near_duplicates"]
    assert (within.severity, within.rows, within.counts) == ("info", 2, {"train": 2})


def test_copies_of_a_near_image_count_too(material, found):
    image = faces(1)
    copy = np.clip(image.astype(int) + 8, 0, 255).astype(np.uint8)
    near = found(material([image, image, copy, faces(2)], split=["train", "train", "test", "test"]))["near_duplicates"]
    assert (near.rows, near.counts) == (3, {"test": 1, "train": 2})


def test_partners_of_a_pair_may_look_alike(material, found):
    image = faces(1)
    drawn = np.clip(image.astype(int) + 8, 0, 255).astype(np.uint8)
    assert not found(material([image, drawn], pair=["p", "p"], condition=["nm", "m"]))
    assert found(material([image, drawn], pair=["p", "q"], condition=["nm", "m"]))


def test_no_image_is_read_for_the_table_alone(material):
    done = audit(material(split=["train", "test"]))
    assert done.not_applicable["near_duplicates"] == "images were not read (--metadata)"
    assert done.not_applicable["unreadable"] == "images were not read (--metadata)"
