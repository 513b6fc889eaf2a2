"""Sets whose row is a face in a photo: the photo is decoded and the row's box cut out."""

from __future__ import annotations

from pathlib import Path

from msde_toolkit.errors import DataError
from msde_toolkit.interfaces import Image, decode
from msde_toolkit.types import Manifest


def read_boxes(root: Path, rows: Manifest) -> list[Image]:
    """uint8 ``[H, W, 3]`` RGB of each row's box, or of the whole image where it has none.

    Raises:
        DataError: naming the file that cannot be decoded, or whose box lies outside it.
    """
    last, image = None, None
    faces = []
    for path, box in zip(rows.frame["path"], rows.frame["box"], strict=True):
        if image is None or path != last:  # the faces of one photo stand next to each other
            last, image = path, decode(root, path)
        faces.append(image if box is None else cut(image, box, f"{root / path}"))
    return faces


def cut(image: Image, box: list[float], where: str) -> Image:
    """The part of an image inside a box (left, top, width, height in pixels), without what lies beyond the edges.

    Raises:
        DataError: if no pixel of it lies inside the image.
    """
    left, top, width, height = (round(value) for value in box)
    part = image[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)]
    if not part.size:
        message = f"{where}: the box {left}, {top}, {width}, {height} lies outside its {image.shape[1]} x "
        message += f"{image.shape[0]} pixels."
        raise DataError(message)
    return part
