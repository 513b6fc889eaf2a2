"""Where RAN looks: crops at fixed places of the face, the whole face last; how they are cut, and how maps go back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


class Box(NamedTuple):
    """A crop's edges as shares of the face image: 0 is its left or top, 1 its right or bottom."""

    left: float
    top: float
    right: float
    bottom: float


def _centre(share: float) -> Box:
    margin = (1 - share) / 2
    return Box(margin, margin, 1 - margin, 1 - margin)


WHOLE = Box(0, 0, 1, 1)
TOP_LEFT = Box(0, 0, 0.75, 0.75)
TOP_RIGHT = Box(0.25, 0, 1, 0.75)
TOP_CENTRE = Box(0.125, 0, 0.875, 0.75)
BOTTOM_CENTRE = Box(0.125, 0.25, 0.875, 1)

BOX_SETS: Mapping[str, tuple[Box, ...]] = {
    "paper": (TOP_LEFT, TOP_RIGHT, BOTTOM_CENTRE, _centre(0.9), _centre(0.85), WHOLE),
    "affectnet": (
        BOTTOM_CENTRE,
        TOP_LEFT,
        TOP_RIGHT,
        _centre(0.9),
        _centre(0.8),
        _centre(0.75),
        TOP_CENTRE,
        WHOLE,
    ),
}
"""Named sets, each ending with the whole face: the paper's five fixed crops, and the seven of the authors' AffectNet
code."""

GRID = 40
"""Cells a side of a face map: every box of every set begins and ends on a line of this grid."""


def cut(images: Tensor, boxes: Sequence[Box], share: float) -> Tensor:
    """Crops of whole pixels, each resized to the same size (bilinear; smoothed first where it gets smaller).

    Args:
        images: ``[B, 3, H, W]``.
        boxes: R places.
        share: side of a region as a share of the image's side.

    Returns:
        ``[B, R, 3, h, w]`` in the order of ``boxes``, on the images' device.
    """
    height, width = map(int, images.shape[2:])  # plain numbers where the pass is traced, for an export
    size = (round(height * share), round(width * share))
    crops = [
        images[
            :,
            :,
            round(box.top * height) : round(box.bottom * height),
            round(box.left * width) : round(box.right * width),
        ]
        for box in boxes
    ]
    return torch.stack([F.interpolate(crop, size, mode="bilinear", antialias=True) for crop in crops], dim=1)


def on_face(maps: Tensor, boxes: Sequence[Box]) -> Tensor:
    """Maps of regions, laid back on the face.

    A cell of the face gets the mean, over the regions that see it, of what their maps say there (by area, where a
    region's cell or edge covers it in part). So no place counts more because more crops show it: maps of one value
    everywhere give a face of that value everywhere.

    Args:
        maps: ``[B * R, h, w]``, the regions of an image together.
        boxes: their R places, which must cover the face.

    Returns:
        ``[B, GRID, GRID]``.
    """
    regions = maps.reshape(-1, len(boxes), *maps.shape[1:])
    rows = torch.stack([_shares(box.top, box.bottom, maps.shape[1]) for box in boxes]).to(maps)
    columns = torch.stack([_shares(box.left, box.right, maps.shape[2]) for box in boxes]).to(maps)
    laid = torch.einsum("rgh,brhw,rkw->bgk", rows, regions, columns)
    return laid / torch.einsum("rgh,rkw->gk", rows, columns)


def _shares(start: float, end: float, cells: int) -> Tensor:
    """``[GRID, cells]``: the share of each grid cell that each of ``cells`` equal cells from start to end covers."""
    lines = torch.linspace(0, 1, GRID + 1, dtype=torch.float64)
    edges = torch.linspace(start, end, cells + 1, dtype=torch.float64)
    overlap = torch.minimum(lines[1:, None], edges[1:]) - torch.maximum(lines[:-1, None], edges[:-1])
    return GRID * overlap.clamp(min=0)
