"""Parts of a photo at another scale, and the way back to the photo's own pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from msde_toolkit.errors import DataError
from msde_toolkit.interfaces import Box, Image

Points = npt.NDArray[np.float64]

MARGIN = 0.5
"""Of the box's longer side, kept around it."""


@dataclass(frozen=True, eq=False)
class Region:
    """Part of a photo. Pixel centres have whole coordinates, in it and in the photo.

    Attributes:
        pixels: uint8 ``[h, w, 3]``, contiguous.
        corner: ``[2]`` x, y in the photo of its pixel at the upper left, before scaling.
        scale: its pixels for one of the photo.
    """

    pixels: Image
    corner: npt.NDArray[np.int64]
    scale: float

    def to_photo(self, points: Points) -> Points:
        """``[N, 2]`` x, y in the region to the photo's."""
        photo: Points = (points + 0.5) / self.scale - 0.5 + self.corner
        return photo

    def from_photo(self, points: Points) -> Points:
        """``[N, 2]`` x, y in the photo to the region's."""
        inside: Points = (points - self.corner + 0.5) * self.scale - 0.5
        return inside

    def box_to_photo(self, box: Box) -> Box:
        """A box in the region to the photo's."""
        (left, top), (right, bottom) = self.to_photo(_corners(box))
        return float(left), float(top), float(right - left), float(bottom - top)

    def box_from_photo(self, box: Box) -> Box:
        """A box in the photo to the region's."""
        (left, top), (right, bottom) = self.from_photo(_corners(box))
        return float(left), float(top), float(right - left), float(bottom - top)


def whole(image: Image, max_side: int) -> Region:
    """All of a photo; one whose longer side has more than ``max_side`` pixels is shrunk to that."""
    return _scaled(image, np.zeros(2, dtype=np.int64), min(1.0, max_side / max(image.shape[:2])))


def around(image: Image, box: Box, side: int, max_side: int | None = None) -> Region:
    """The surroundings of a box; a box whose longer side has fewer than ``side`` pixels is enlarged to that.

    Args:
        image: uint8 ``[H, W, 3]``.
        box: in the photo's pixels; it may reach beyond the photo.
        side: pixels that the box's longer side has at least in the region.
        max_side: pixels that the region's longer side has at most; None: no limit.

    Raises:
        DataError: if the box is empty or outside the photo.
    """
    left, top, width, height = checked_box(image, box)
    longer = max(width, height)
    low = np.floor([left - MARGIN * longer, top - MARGIN * longer]).clip(0).astype(np.int64)
    high = np.ceil([left + width + MARGIN * longer, top + height + MARGIN * longer]).astype(np.int64)
    part = image[low[1] : high[1], low[0] : high[0]]
    scale = max(1.0, side / longer)
    if max_side is not None:
        scale = min(scale, max_side / max(part.shape[:2]))
    return _scaled(part, low, scale)


def checked_box(image: Image, box: Box) -> Box:
    """A box that holds some of the image.

    Raises:
        DataError: if it is empty or outside.
    """
    left, top, width, height = (float(number) for number in box)
    inside = left < image.shape[1] and top < image.shape[0] and left + width > 0 and top + height > 0
    if not (np.isfinite([left, top, width, height]).all() and width >= 1 and height >= 1 and inside):
        size = f"{image.shape[1]} x {image.shape[0]}"
        message = f"the face's box ({left:g}, {top:g}, {width:g}, {height:g}) holds nothing of the {size} pixels."
        raise DataError(message)
    return left, top, width, height


def box_around(points: Points) -> Box:
    """The smallest box around ``[N, 2]`` points."""
    (left, top), (width, height) = points.min(axis=0), np.ptp(points, axis=0)
    return float(left), float(top), float(width), float(height)


def _corners(box: Box) -> Points:
    left, top, width, height = box
    return np.array([[left, top], [left + width, top + height]], dtype=np.float64)


def _scaled(part: Image, corner: npt.NDArray[np.int64], scale: float) -> Region:
    if scale == 1.0:
        return Region(np.ascontiguousarray(part), corner, 1.0)
    from PIL import Image as Pillow

    size = [max(1, round(scale * side)) for side in (part.shape[1], part.shape[0])]
    method = Pillow.Resampling.BILINEAR if scale < 1 else Pillow.Resampling.BICUBIC
    resized = Pillow.fromarray(part).resize((size[0], size[1]), method, reducing_gap=3.0)
    return Region(np.ascontiguousarray(resized, dtype=np.uint8), corner, scale)
