"""Which faces are on the contact sheet, where, and what is written beside them."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from msde_toolkit.data.contact_sheet import REAL_FACES, choose, contact_sheet
from msde_toolkit.errors import DataError
from msde_toolkit.interfaces import Dataset
from msde_toolkit.types import CLASSES, Manifest


class Greys(Dataset):
    """One grey an image, its width unlike its height."""

    def read(self, rows):
        return [np.full((30, 20, 3), place, dtype=np.uint8) for place, _ in enumerate(rows.ids)]


class Lost(Dataset):
    def read(self, rows):
        raise DataError("gone.png: no such image.")


def people(subjects=9, conditions=("nm", "m"), paired=True, **facts):
    rows = [
        {
            "id": f"s{subject}-{label}-{condition}",
            "subject": f"s{subject}",
            "label": label,
            "condition": condition,
            "pair": f"s{subject}-{label}" if paired else None,
            "consent": facts.get("consent"),
            "pairing": facts.get("pairing"),
        }
        for subject in range(subjects)
        for label in range(7)
        for condition in conditions
    ]
    return Manifest.from_frame(pd.DataFrame(rows), "people", synthetic=facts.get("synthetic", False))


def cells(manifest, layout):
    """Class by class: the columns' conditions, and ids from left to right."""
    by_line = {}
    for face in sorted(layout.faces, key=lambda face: (face.line, face.x)):
        by_line.setdefault(face.line, []).append(manifest.ids[face.row])
    return by_line


def test_pairs_stand_side_by_side_in_their_class():
    manifest = people()
    layout = choose(manifest, seed=0)
    assert [word for _, word in layout.columns] == ["nm", "m"] * 3
    assert len(layout.pairs) == 3 * 7
    for label, ids in cells(manifest, layout).items():
        assert len(ids) == len(set(ids)) == 6
        for left, right in zip(ids[::2], ids[1::2], strict=True):
            assert left.endswith(f"-{label}-nm")
            assert right == left.removesuffix("nm") + "m"
        assert len({sample.split("-")[0] for sample in ids}) == 3


def test_the_whole_sheet_goes_over_all_subjects():
    manifest = people(subjects=30)
    shown = {manifest.frame["subject"][face.row] for face in choose(manifest, seed=1).faces}
    assert len(shown) == 21


def test_the_seed_chooses_and_repeats():
    manifest = people()
    assert choose(manifest, 5) == choose(manifest, 5)
    assert choose(manifest, 5) != choose(manifest, 6)


def test_without_pairs_each_condition_has_its_block():
    manifest = people(conditions=("nm", "m", "veil"), paired=False)
    layout = choose(manifest, seed=0)
    assert [word for _, word in layout.columns] == ["nm", "nm", "m", "m", "veil", "veil"]
    assert layout.pairs == ()
    assert layout.columns[2][0] - layout.columns[1][0] > layout.columns[1][0] - layout.columns[0][0]
    one = choose(people(conditions=("nm",), paired=False), seed=0)
    assert [word for _, word in one.columns] == ["nm"] * 6


def test_images_without_a_partner_fill_the_row_and_are_not_framed():
    manifest = people(subjects=3)
    happy = CLASSES.index("happy")
    alone = manifest.take([sample not in ("s0-3-nm", "s1-3-m") for sample in manifest.ids])
    layout = choose(alone, seed=0)
    assert sum(line == happy for _, line in layout.pairs) == 1
    assert set(cells(alone, layout)[happy]) == {"s0-3-m", "s1-3-nm", "s2-3-nm", "s2-3-m"}
    framed = {x for x, line in layout.pairs if line == happy}
    beside = {face.x for face in layout.faces if face.line == happy and face.x in framed}
    assert beside == framed


def test_pairs_of_two_classes_are_no_pair_of_a_row():
    frame = people(subjects=2).frame
    frame.loc[frame["id"] == "s0-3-m", "label"] = 4
    mixed = Manifest.from_frame(frame, "people")
    layout = choose(mixed, seed=0)
    lefts = {(face.x, face.line): mixed.ids[face.row] for face in layout.faces}
    assert "s0-3-nm" not in {lefts[pair] for pair in layout.pairs}


def written(figure):
    return " ".join(" ".join(text.get_text().split()) for text in figure.findobj(Text) if text.get_text())


def test_axes_title_and_footer_of_real_faces():
    manifest = people(pairing="overlay")
    figure = contact_sheet(Greys(), manifest, seed=4)
    axes = figure.axes[0]
    assert [label.get_text().split()[0] for label in axes.get_yticklabels()] == list(CLASSES)
    assert axes.get_yticklabels()[0].get_text() == "surprise\n9 NM\n9 M"
    assert [label.get_text() for label in axes.get_xticklabels()] == ["NM", "M"] * 3
    assert len(axes.images) == 42
    assert len(axes.findobj(Rectangle)) >= 21
    for picture in axes.images:
        left, right, bottom, top = picture.get_extent()
        assert (right - left, bottom - top) == pytest.approx((2 / 3, 1))
    words = written(figure)
    assert "people: n = 126" in words
    assert "chosen by seed 4" in words
    assert "drawn on the photo" in words
    assert REAL_FACES in words
    assert "synthetic" not in words


def test_synthetic_and_consenting_faces_carry_no_warning():
    synthetic = written(contact_sheet(Greys(), people(synthetic=True)))
    assert "people, synthetic faces" in synthetic
    assert "no real person" in synthetic
    consenting = written(contact_sheet(Greys(), people(consent="publish")))
    assert REAL_FACES not in synthetic + consenting


def test_a_class_without_images_says_so():
    manifest = people()
    bare = manifest.take((manifest.labels != 2) | (manifest.frame["condition"] == "nm").to_numpy())
    texts = [text.get_text() for text in contact_sheet(Greys(), bare).axes[0].texts]
    assert texts == ["none"] * 3


def test_an_image_that_is_gone_is_named():
    with pytest.raises(DataError, match=r"gone\.png"):
        contact_sheet(Lost(), people())
