"""Images that are of no use."""

from dataclasses import replace

import pytest

from msde_toolkit.data.audit import audit
from msde_toolkit.errors import DataError
from msde_toolkit.types import LeftOut


def test_unreadable_images_are_found_and_do_not_hide_the_others(material, found, show):
    images = [show(row) for row in range(150)]
    for bad in (3, 70, 71, 149):
        images[bad] = f"i{bad:03d}.png: cannot be decoded {{0}}."
    images[100] = show(0)
    findings = found(material(images, split=["train"] * 100 + ["test"] * 50))
    assert set(findings) == {"unreadable", "duplicates_across_splits"}
    bad = findings["unreadable"]
    assert (bad.severity, bad.rows, bad.examples) == ("warning", 4, ("i003", "i070", "i071", "i149"))
    assert "The first: i003.png: cannot be decoded {0}." in bad.message
    assert findings["duplicates_across_splits"].examples == ("i000", "i100")


def test_rows_that_the_dataset_left_out_count_even_if_no_image_is_read(material, found, show):
    note = "2 bad rows of list.txt left out (line 3: label 9 is not one of 1 to 7; line 9: no such image)"
    for images in (None, [show(1), show(2)]):
        plain = material(images, label=[0, 0])
        there = replace(plain, manifest=replace(plain.manifest, notes=("faces of 2020", note)))
        bad = found(there)["unreadable"]
        assert (bad.severity, bad.rows, bad.examples) == ("warning", 2, ("line 3", "line 9"))
        assert bad.message.endswith("The first: line 3: label 9 is not one of 1 to 7")


def test_nothing_that_can_be_read(material):
    with pytest.raises(DataError, match=r"drawn: none of its 2 images can be decoded; a\.png: empty"):
        audit(material(["a.png: empty", "b.png: empty"], label=[0, 0]))


def test_readable_images_are_no_finding(material, show):
    assert {"unreadable", "constant"} <= set(audit(material([show(1), show(2)], label=[0, 0])).passed)


@pytest.mark.parametrize("failed", [[True, False, False], ["no face", "", None], [1, 0, 0], ["true", "false", "0"]])
def test_failed_crops_by_condition(material, found, failed):
    crops = found(material(crop_failed=failed, condition=["m", "m", "nm"]))["crop_failures"]
    assert (crops.severity, crops.rows, crops.counts) == ("warning", 1, {"m": 1})
    assert "M 50.0 %, NM 0.0 %" in crops.message


def test_crops_that_all_went_well_or_of_which_nothing_is_known(material):
    assert "crop_failures" in audit(material(crop_failed=[False, False])).passed
    assert "no column crop_failed" in audit(material(label=[0])).not_applicable["crop_failures"]


def test_faces_that_a_recipe_lost_are_told_by_condition_and_partners_apart(material, found):
    lost = [
        LeftOut("x1", "no face", "crop_failures", "m", 0, None),
        LeftOut("x2", "the other image of its pair has no face", "crop_failures", "nm", 0, None, for_partner=True),
        LeftOut("x3", "cannot be decoded", "unreadable", "m", 0, None),
    ]
    there = material(prep=["eyes"] * 3, condition=["m", "nm", "nm"])
    findings = found(replace(there, manifest=replace(there.manifest, left_out=tuple(lost))))
    crops = findings["crop_failures"]
    assert (crops.rows, crops.examples, crops.counts) == (1, ("x1",), {"m": 1})
    assert "M 50.0 %, NM 0.0 %" in crops.message
    assert "1 more went with them" in crops.message
    assert findings["unreadable"].examples == ("x3",)
    assert "crop_failures" in audit(there).passed
