"""The 25 patches: the authors' grid at 28 cells, the same part of the face at every other size."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from msde_scan import patches

AUTHORS = [
    *((6 * (k // 4), 6 * (k % 4), 6, 6) for k in range(16)),
    *((6 * j, 24, 6, 4) for j in range(4)),
    *((24, 6 * j, 4, 6) for j in range(4)),
    (24, 24, 4, 4),
]


@pytest.fixture
def maps():
    return torch.randn(2, 3, 28, 28, generator=torch.Generator().manual_seed(0))


def test_at_28_cells_the_patches_are_the_authors(maps):
    for patch, (top, left, height, width) in zip(patches.split(maps), AUTHORS, strict=True):
        assert torch.equal(patch, maps[:, :, top : top + height, left : left + width])


@given(st.integers(5, 200))
def test_bands_tile_every_side_in_proportion(length):
    lengths = patches.bands(length)
    assert len(lengths) == 5
    assert sum(lengths) == length
    assert min(lengths) >= 1
    assert all(abs(sum(lengths[:k]) - 6 * k * length / 28) <= 0.5 for k in range(5))


@settings(max_examples=10, deadline=None)
@given(st.integers(5, 30), st.integers(5, 30))
def test_one_spaced_convolution_is_25_convolutions(height, width):
    random = torch.Generator().manual_seed(height * 100 + width)
    maps = torch.randn(1, 2, height, width, generator=random, dtype=torch.float64)
    kernel = torch.randn(2, 2, 3, 3, generator=random, dtype=torch.float64)
    together = patches.unspaced(F.conv2d(patches.spaced(maps), kernel, padding=1))
    for got, patch in zip(patches.split(together), patches.split(maps), strict=True):
        torch.testing.assert_close(got, F.conv2d(patch, kernel, padding=1))


def test_means_are_each_patchs_own(maps):
    expected = torch.stack([patch.mean(dim=(2, 3)) for patch in patches.split(maps)], dim=2)
    torch.testing.assert_close(patches.means(maps), expected)


def test_the_authors_scrambled_strip(maps):
    cut = patches.split(patches.scrambled(maps))
    for patch, whole in zip(cut[:20], patches.split(maps)[:20], strict=True):
        assert torch.equal(patch, whole)
    for j in range(4):
        assert torch.equal(cut[20 + j], maps[:, :, 24 + j, :24].reshape(2, 3, 4, 6))
    assert torch.equal(cut[24], maps[:, :, 24:, 24:])
