"""Pixels of a face, from the photo at its full resolution: one antialiased reduction, then one bicubic turn."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from msde_toolkit.data.faces.recipe import Matrix, carried, inverse, scale_of
from msde_toolkit.errors import DataError

REACH = 3
"""Pixels beyond the crop that its bicubic interpolation may look at."""


def cut(picture: npt.NDArray[np.uint8], matrix: Matrix, size: int, *, edges: bool = True) -> npt.NDArray[np.uint8]:
    """The crop.

    Args:
        picture: uint8 ``[H, W, 3]``, or ``[H, W]`` (the alpha of a mask).
        matrix: from the photo to the crop.
        size: side of the crop in pixels.
        edges: beyond the photo, its outermost pixels go on (else 0): a border of one colour would be a mark that a
            network can learn from.

    Returns:
        uint8 ``[size, size, 3]``, or ``[size, size]``.

    Raises:
        DataError: if the crop shows nothing of the photo.
    """
    from PIL import Image as Pillow

    back = inverse(matrix)
    scale = min(1.0, scale_of(matrix))
    left, top, right, bottom = _field(back, size, REACH / scale)
    height, width = picture.shape[:2]
    inside = (max(left, 0), max(top, 0), min(right, width), min(bottom, height))
    if inside[0] >= inside[2] or inside[1] >= inside[3]:
        message = "the face lies outside the photo."
        raise DataError(message)
    part = Pillow.fromarray(picture[inside[1] : inside[3], inside[0] : inside[2]])
    # The reduction alone is antialiased; it goes to the crop's scale, so that the turn after it neither adds nor loses.
    if scale < 1:
        small = (max(1, round(part.width * scale)), max(1, round(part.height * scale)))
        ratio = (small[0] / part.width, small[1] / part.height)
        part = part.resize(small, Pillow.Resampling.BICUBIC)
    else:
        ratio = (1.0, 1.0)
    missing = [
        (int(np.ceil((inside[1] - top) * ratio[1])), int(np.ceil((bottom - inside[3]) * ratio[1]))),
        (int(np.ceil((inside[0] - left) * ratio[0])), int(np.ceil((right - inside[2]) * ratio[0]))),
    ]
    padded = _padded(np.asarray(part), missing, edges=edges)
    # crop -> photo -> the part of it that was kept, reduced and padded
    to_part = np.diag(ratio) @ back
    to_part[:, 2] += [missing[1][0] - inside[0] * ratio[0], missing[0][0] - inside[1] * ratio[1]]
    turned = Pillow.fromarray(padded).transform(
        (size, size), Pillow.Transform.AFFINE, tuple(to_part.ravel()), Pillow.Resampling.BICUBIC
    )
    return np.asarray(turned)


def _field(back: Matrix, size: int, reach: float) -> tuple[int, int, int, int]:
    """left, top, right, bottom of what the crop shows of the photo, in whole pixels."""
    corners = carried(np.array([[0, 0], [size, 0], [0, size], [size, size]], dtype=np.float64), back)
    first, last = np.floor(corners.min(axis=0) - reach), np.ceil(corners.max(axis=0) + reach)
    return int(first[0]), int(first[1]), int(last[0]), int(last[1])


def _padded(part: npt.NDArray[np.uint8], missing: list[tuple[int, int]], *, edges: bool) -> npt.NDArray[np.uint8]:
    widths = [*missing, *[(0, 0)] * (part.ndim - 2)]
    how: dict[str, Any] = {"mode": "edge"} if edges else {"mode": "constant"}
    return np.pad(part, widths, **how)
