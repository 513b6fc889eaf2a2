"""From a template's picture to the face: a homography through the anchor points, sampled without jagged edges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from msde_masks.fit import Points

Mapping = Callable[[Points], Points]
"""``[N, 2]`` to ``[N, 2]``."""

CELLS = 8
"""Cells a side of the mesh that stands for the mapping."""


def through(source: Points, target: Points) -> Mapping:
    """A mapping that takes ``source`` ``[N, 2]`` to ``target`` ``[N, 2]``, N 5 or more, exactly.

    It is the homography with the least squares (direct linear transform; Hartley and Zisserman 2004, Sec. 4.1), and the
    smoothest correction of what it leaves at the points (a thin-plate spline; Bookstein 1989): a head that is turned or
    not quite even leaves some pixels.
    """
    homography = _homography(source, target)
    spline = _spline(source, target - _projected(homography, source))

    def mapping(points: Points) -> Points:
        moved: Points = _projected(homography, points) + spline(points)
        return moved

    return mapping


def warped(picture: Any, to_picture: Mapping, box: tuple[int, int, int, int], scale: int) -> npt.NDArray[np.uint8]:
    """``[H, W, 4]`` uint8 of the pixels of ``box``, colours multiplied by alpha; 0 where there is no picture.

    Args:
        picture: Pillow image of mode RGBa, empty at its border.
        to_picture: from photo to picture, pixels.
        box: left, top, right, bottom in the photo.
        scale: subpixels a side of a pixel.
    """
    from PIL import Image as Pillow

    left, top, right, bottom = box
    width, height = (right - left) * scale, (bottom - top) * scale
    xs, ys = (np.unique(np.linspace(0, side, CELLS + 1).round().astype(int)) for side in (width, height))
    corners = np.stack(np.meshgrid(xs, ys), axis=-1)
    places = to_picture((corners / scale + [left, top]).reshape(-1, 2)).reshape(corners.shape)
    # Whole fractions of a pixel, so that the last bit of a float cannot move an edge.
    places = np.rint(places * 256.0) / 256.0
    mesh = [
        (
            (int(xs[column]), int(ys[row]), int(xs[column + 1]), int(ys[row + 1])),
            tuple(places[[row, row + 1, row + 1, row], [column, column, column + 1, column + 1]].ravel().tolist()),
        )
        for row in range(len(ys) - 1)
        for column in range(len(xs) - 1)
    ]
    fine = picture.transform((width, height), Pillow.Transform.MESH, mesh, resample=Pillow.Resampling.BILINEAR)
    return np.asarray(fine.reduce(scale))


def _normalised(points: Points) -> tuple[Points, Points]:
    """Points about 1 from the origin, and the ``[3, 3]`` that takes them there."""
    centre = points.mean(axis=0)
    size = float(np.abs(points - centre).mean())
    matrix = np.array([[1 / size, 0, -centre[0] / size], [0, 1 / size, -centre[1] / size], [0, 0, 1]])
    return (points - centre) / size, matrix


def _homography(source: Points, target: Points) -> Points:
    (here, to_here), (there, to_there) = _normalised(source), _normalised(target)
    ones, none = np.column_stack([here, np.ones(len(here))]), np.zeros((len(here), 3))
    rows = np.concatenate(
        [np.hstack([ones, none, -there[:, :1] * ones]), np.hstack([none, ones, -there[:, 1:] * ones])]
    )
    matrix = np.linalg.svd(rows)[2][-1].reshape(3, 3)
    found: Points = np.linalg.inv(to_there) @ matrix @ to_here
    return found


def _projected(homography: Points, points: Points) -> Points:
    moved = np.column_stack([points, np.ones(len(points))]) @ homography.T
    projected: Points = moved[:, :2] / moved[:, 2:]
    return projected


def _spline(points: Points, values: Points) -> Mapping:
    centred, matrix = _normalised(points)
    base = np.column_stack([np.ones(len(points)), centred])
    system = np.block([[_kernel(centred, centred), base], [base.T, np.zeros((3, 3))]])
    weights = np.linalg.solve(system, np.concatenate([values, np.zeros((3, 2))]))

    def spline(at: Points) -> Points:
        moved = at * matrix[0, 0] + matrix[:2, 2]
        out: Points = _kernel(moved, centred) @ weights[:-3] + np.column_stack([np.ones(len(at)), moved]) @ weights[-3:]
        return out

    return spline


def _kernel(first: Points, second: Points) -> Points:
    squared = ((first[:, None] - second[None]) ** 2).sum(axis=-1)
    kernel: Points = squared * np.log(np.maximum(squared, 1e-20))
    return kernel
