"""Masks that tell the expression beneath them."""

import numpy as np
import pytest

from msde_toolkit.data.audit import audit
from msde_toolkit.data.audit.mask_leak import mask_statistics

SIDE, SUBJECTS = 20, 24


def masked(tells, subjects=SUBJECTS):
    """Seven masked images a subject; what a mask's height or colour tells of the label, if anything."""
    rng = np.random.default_rng(0)
    images, regions, labels, names = [], [], [], []
    for subject in range(subjects):
        for label in range(7):
            image = rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
            region = np.zeros((SIDE, SIDE), dtype=np.uint8)
            top = 6 + (label if tells == "height" else int(rng.integers(0, 7)))
            region[top:18, 3:17] = 255
            image[region > 0] = (30 * label if tells == "colour" else int(rng.integers(0, 180))) + 20
            images.append(image)
            regions.append(region)
            labels.append(label)
            names.append(f"s{subject}")
    return images, regions, {"label": labels, "subject": names, "condition": ["m"] * len(images)}


@pytest.mark.parametrize("tells", ["height", "colour"])
def test_a_mask_that_tells_the_label(material, found, tells):
    images, regions, columns = masked(tells)
    leak = found(material(images, regions, **columns))["mask_encodes_label"]
    assert (leak.severity, leak.rows) == ("severe", 7 * SUBJECTS)
    assert "most frequent class 14.3 %" in leak.message
    assert "p 0.005" in leak.message


def test_a_mask_that_tells_nothing(material):
    images, regions, columns = masked("nothing")
    assert "mask_encodes_label" in audit(material(images, regions, **columns)).passed


def test_what_tells_the_subject_does_not_tell_the_label(material):
    images, regions, columns = masked("height")
    # Each subject's own seven heights in an order of its own: labels are no better told than by chance.
    rng = np.random.default_rng(1)
    order = np.concatenate([7 * subject + rng.permutation(7) for subject in range(SUBJECTS)])
    mixed = [regions[place] for place in order], [images[place] for place in order]
    assert "mask_encodes_label" in audit(material(mixed[1], mixed[0], **columns)).passed


def test_where_it_does_not_apply(material):
    images, regions, columns = masked("height")
    unmasked = columns | {"condition": ["nm"] * len(images)}
    cases = {
        "there are no masked images": material(images, regions, **unmasked),
        "where the masks are is not known": material(images, None, **columns),
        "fewer than 60 masks": material(*masked("height", 8)[:2], **masked("height", 8)[2]),
    }
    for reason, there in cases.items():
        assert audit(there).not_applicable["mask_encodes_label"].startswith(reason)


def test_statistics_of_a_known_mask():
    image = np.full((20, 10, 3), (255, 0, 51), dtype=np.uint8)
    region = np.zeros((20, 10), dtype=np.uint8)
    region[10:20, 0:5] = 255
    area, top, y, x, height, width, red, green, blue, spread = mask_statistics(image, region)
    assert (area, top, height, width) == (0.25, 0.5, 0.5, 0.5)
    assert (y, x) == (14.5 / 20, 2 / 10)
    assert (red, green, blue) == pytest.approx((1, 0, 0.2))
    assert spread == pytest.approx(0)
    assert mask_statistics(image, region * 0) is None
    assert mask_statistics(image, region[:10]) is None
