"""RAN's crops are the named boxes, and maps of crops come back to where they were cut."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from msde_ran.regions import BOX_SETS, GRID, TOP_LEFT, WHOLE, cut, on_face


@pytest.fixture
def images():
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("name", "regions"), [("paper", 6), ("affectnet", 8)])
def test_a_set_ends_with_the_whole_face_and_lies_on_the_maps_grid(name, regions):
    boxes = BOX_SETS[name]
    assert len(boxes) == regions
    assert boxes[-1] == WHOLE
    assert WHOLE not in boxes[:-1]
    edges = torch.tensor(boxes, dtype=torch.float64) * GRID
    torch.testing.assert_close(edges, edges.round())


def test_crops_that_keep_their_size_are_the_images_own_pixels(images):
    by_box = dict(zip(BOX_SETS["affectnet"], cut(images, BOX_SETS["affectnet"], 0.75).unbind(1), strict=True))
    assert torch.equal(by_box[0, 0, 0.75, 0.75], images[:, :, :48, :48])
    assert torch.equal(by_box[0.25, 0, 1, 0.75], images[:, :, :48, 16:])
    assert torch.equal(by_box[0.125, 0, 0.875, 0.75], images[:, :, :48, 8:56])
    assert torch.equal(by_box[0.125, 0.25, 0.875, 1], images[:, :, 16:, 8:56])
    assert torch.equal(by_box[0.125, 0.125, 0.875, 0.875], images[:, :, 8:56, 8:56])


def test_the_papers_centre_crops():
    ramp = torch.linspace(0, 1, 200).expand(1, 3, 200, 200)
    regions = cut(ramp, BOX_SETS["paper"], 1.0)
    for region, margin in ((3, 0.05), (4, 0.075), (5, 0.0)):
        row = regions[0, region, 0, 0]
        assert row[0].item() == pytest.approx(margin, abs=0.005)
        assert row[-1].item() == pytest.approx(1 - margin, abs=0.005)


def test_regions_keep_the_images_shape_and_their_order_within_a_sample():
    images = torch.stack([torch.full((3, 90, 64), float(value)) for value in range(3)])
    regions = cut(images, BOX_SETS["paper"], 0.5)
    assert regions.shape == (3, 6, 3, 45, 32)
    for value in range(3):
        torch.testing.assert_close(regions[value], torch.full((6, 3, 45, 32), float(value)))


def test_fine_stripes_are_smoothed_when_a_region_gets_smaller():
    stripes = (torch.arange(64) % 4 == 0).float().expand(1, 3, 64, 64)
    whole = cut(stripes, [WHOLE], 0.25)[0, 0]
    assert F.interpolate(stripes, 16, mode="bilinear").abs().max() == 0  # what would be seen without it
    assert (whole[:, :, 2:-2] - 0.25).abs().max() < 0.1


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(sorted(BOX_SETS)), st.integers(1, 50), st.integers(1, 50))
def test_a_constant_map_everywhere_is_a_flat_face(name, height, width):
    maps = torch.full((2 * len(BOX_SETS[name]), height, width), 3.5)
    torch.testing.assert_close(on_face(maps, BOX_SETS[name]), torch.full((2, GRID, GRID), 3.5))


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_hot_cell_lands_where_its_crop_was_cut(data):
    boxes = BOX_SETS[data.draw(st.sampled_from(sorted(BOX_SETS)))]
    region, cells = data.draw(st.integers(0, len(boxes) - 1)), data.draw(st.integers(1, 7))
    row, column = data.draw(st.integers(0, cells - 1)), data.draw(st.integers(0, cells - 1))
    maps = torch.zeros(3 * len(boxes), cells, cells)
    maps[len(boxes) + region, row, column] = 1.0  # of the second image

    face = on_face(maps, boxes)

    box, inside = boxes[region], torch.zeros(GRID, GRID, dtype=torch.bool)
    sides = [(box.top, box.bottom, row), (box.left, box.right, column)]
    (top, bottom), (left, right) = (
        (GRID * (start + (end - start) * k / cells), GRID * (start + (end - start) * (k + 1) / cells))
        for start, end, k in sides
    )
    inside[int(top + 1e-6) : int(bottom - 1e-6) + 1, int(left + 1e-6) : int(right - 1e-6) + 1] = True
    assert torch.equal(face[1] > 1e-6, inside)
    assert face[[0, 2]].abs().sum() == 0


def test_where_crops_overlap_the_face_has_their_mean():
    maps = torch.zeros(6, 3, 3)
    maps[0] = 1.0
    face = on_face(maps, BOX_SETS["paper"])[0]
    assert BOX_SETS["paper"][0] == TOP_LEFT
    assert face[0, 0].item() == pytest.approx(1 / 2)  # seen by the top left crop and the whole face
    assert face[2, 15].item() == pytest.approx(1 / 4)  # by the top right crop and the larger centre one as well
    assert face[20, 20].item() == pytest.approx(1 / 6)
    assert face[35, 35].item() == 0
