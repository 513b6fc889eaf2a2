"""The 25 patches that SCAN looks at: a 5 x 5 tiling of the layer-2 map, 6 of 28 cells a band and 4 in the last."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor

BANDS = 5
_STEP = 6
_WHOLE = 28

CELLS: tuple[tuple[int, int], ...] = (
    *((row, column) for row in range(4) for column in range(4)),
    *((row, 4) for row in range(4)),
    *((4, column) for column in range(4)),
    (4, 4),
)
"""Row and column band of patches 0 to 24, in the authors' order: 4 x 4 block, right strip, bottom strip, corner."""


def bands(length: int) -> list[int]:
    """Lengths of the five bands along one side of a map with ``length`` cells; they sum to ``length``.

    Band k ends at the rounded k·6/28 of the side, so on any input size a patch covers the same part of the face: 28
    cells give the authors' 6, 6, 6, 6, 4; 14 give 3, 3, 3, 3, 2; 12 give 3, 2, 3, 2, 2. Needs 5 cells or more.
    """
    ends = [(2 * k * _STEP * length + _WHOLE) // (2 * _WHOLE) for k in range(BANDS)] + [length]
    return [end - start for start, end in pairwise(ends)]


def split(maps: Tensor) -> list[Tensor]:
    """``[B, K, H, W]`` to the 25 patches ``[B, K, h, w]`` in the order of ``CELLS`` (views)."""
    widths = bands(maps.shape[3])
    rows = [band.split_with_sizes(widths, dim=3) for band in maps.split_with_sizes(bands(maps.shape[2]), dim=2)]
    return [rows[row][column] for row, column in CELLS]


def means(maps: Tensor) -> Tensor:
    """``[B, K, H, W]`` to each patch's mean ``[B, K, 25]`` in the order of ``CELLS``, in single precision or better."""
    precise = torch.promote_types(maps.dtype, torch.float32)
    rows = torch.stack(
        [band.mean(dim=2, dtype=precise) for band in maps.split_with_sizes(bands(maps.shape[2]), dim=2)], dim=2
    )
    grid = torch.stack([band.mean(dim=3) for band in rows.split_with_sizes(bands(maps.shape[3]), dim=3)], dim=3)
    return torch.stack([grid[:, :, row, column] for row, column in CELLS], dim=2)


def spaced(maps: Tensor) -> Tensor:
    """``[B, K, H, W]`` to ``[B, K, H + 4, W + 4]``: a row or column of zeros between neighbouring bands.

    A 3 x 3 convolution of the spaced map is, at the map's own cells, the convolution of every patch on its own with
    zero padding: one call instead of 25.
    """
    for dim in (2, 3):
        parts = list(maps.split_with_sizes(bands(maps.shape[dim]), dim=dim))
        gap = torch.zeros_like(maps.narrow(dim, 0, 1))
        maps = torch.cat([piece for part in parts for piece in (gap, part)][1:], dim=dim)
    return maps


def unspaced(maps: Tensor) -> Tensor:
    """Undoes ``spaced``."""
    for dim in (2, 3):
        lengths = [piece for length in bands(maps.shape[dim] - BANDS + 1) for piece in (1, length)][1:]
        maps = torch.cat(maps.split_with_sizes(lengths, dim=dim)[::2], dim=dim)
    return maps


def scrambled(maps: Tensor) -> Tensor:
    """A 28 x 28 map with its bottom strip as the authors' code cuts it.

    There, bottom patch j is not the 4 x 6 cells of columns 6j to 6j + 5 but row 24 + j, columns 0 to 23, folded to
    4 x 6. Needed only to reproduce numbers of that code.
    """
    batch, channels = maps.shape[:2]
    strip = maps[:, :, 24:, :24].reshape(batch, channels, 4, 4, 6)
    strip = strip.transpose(2, 3).reshape(batch, channels, 4, 24)
    bottom = torch.cat([strip, maps[:, :, 24:, 24:]], dim=3)
    return torch.cat([maps[:, :, :24], bottom], dim=2)
