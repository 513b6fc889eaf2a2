"""Faces of the synthetic twin with the points they were drawn by, and photos that such faces stand in."""

from functools import cache

import numpy as np

from msde_toolkit.create import create_dataset, parse_options
from msde_toolkit.landmarks import eye_centres

EVERY = 7
"""Each so-manyth sample."""


@cache
def drawn_faces(condition="nm", count=2):
    """``(image, landmarks)`` of so many samples, 128 pixels a side."""
    dataset = create_dataset("synthetic")
    manifest = dataset.load(None, parse_options(type(dataset), {"subjects": 6}, "data"))
    frame = manifest.frame
    rows = manifest.take(np.flatnonzero((frame["condition"] == condition).to_numpy())[: EVERY * count : EVERY])
    points = [np.array(cell, dtype=float).reshape(-1, 2) for cell in rows.frame["landmarks"]]
    return tuple(zip(dataset.read(rows), points, strict=True))


def drawn_eyes(condition="nm", number=0):
    """``[2, 2]`` of the same sample."""
    return eye_centres(drawn_faces(condition)[number][1])


def photo(faces, corners, size=(300, 420)):
    """A grey photo ``[H, W, 3]`` of images with their upper left corners at these x, y."""
    canvas = np.full((*size, 3), 128, dtype=np.uint8)
    for image, (x, y) in zip(faces, corners, strict=True):
        canvas[y : y + image.shape[0], x : x + image.shape[1]] = image
    return canvas
