"""A mask as a curved sheet in space, and what is seen of it from the front or from the side.

Units: half the width of the face is 1, the origin lies between the eyes on the axis of a head of radius 1. x points
to the right of the picture, y down, z to the viewer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow
from PIL import ImageFilter

Array = npt.NDArray[np.float64]

UNIT = 140
"""Pixels of the picture to half a face."""
LEFT, TOP, RIGHT, BOTTOM = -1.2, 0.12, 1.2, 1.92
FINE = 3
"""Subpixels a side."""
AMBIENT, DIFFUSE = 0.60, 0.42
SUN = np.array([0.0, -0.48, 0.88])
"""Light from above: which side it comes from is the photo's business."""
SHADOW = 0.30


@dataclass(frozen=True)
class Sheet:
    """A surface over a grid of rows (top to bottom) and columns (left to right).

    Attributes:
        points: ``[R, C, 3]``.
        colour: ``[R, C, 3]``, 0 to 255, in full light.
        relief: ``[R, C]``: seams, pleats and weave, along the surface's normal.
        straps: ``[2, S, 3]``, left and right: where straps are fixed, from above.
    """

    points: Array
    colour: Array
    relief: Array
    straps: Array


def grid(rows: int = 1100, columns: int = 1500) -> tuple[Array, Array]:
    """``[R, C]`` twice: u from -1 to 1 (left to right) and v from 0 to 1 (top to bottom)."""
    v, u = np.mgrid[0 : 1 : rows * 1j, -1 : 1 : columns * 1j]
    return u, v


def turned(points: Array, degrees: float) -> Array:
    """``[..., 3]`` after the head has turned; negative: to the left of the picture."""
    angle = np.deg2rad(degrees)
    x, y, z = np.moveaxis(points, -1, 0)
    return np.stack([x * np.cos(angle) + z * np.sin(angle), y, z * np.cos(angle) - x * np.sin(angle)], axis=-1)


def to_pixels(points: Array) -> Array:
    """``[..., 2]`` x, y in the picture."""
    return (points[..., :2] - [LEFT, TOP]) * UNIT


def render(sheet: Sheet, degrees: float) -> Pillow.Image:
    """RGBA, as seen when the head is turned by so many degrees, with a soft shadow on the skin around the edge."""
    normals = _normals(sheet.points)
    raised = sheet.points + sheet.relief[..., None] * normals
    light = AMBIENT + DIFFUSE * np.clip(_normals(raised) @ (SUN / np.linalg.norm(SUN)), 0.0, None)
    seen = turned(raised, degrees)
    facing = turned(normals, degrees)[..., 2] > 0.02
    colour = np.clip(sheet.colour * light[..., None], 0.0, 255.0)[facing]
    places = np.floor(to_pixels(seen[facing]) * FINE).astype(int)
    height, width = round((BOTTOM - TOP) * UNIT), round((RIGHT - LEFT) * UNIT)
    canvas = np.zeros((height * FINE, width * FINE, 4), dtype=np.uint8)
    inside = ((places >= 0) & (places < [width * FINE, height * FINE])).all(axis=1)
    # From the farthest to the nearest: what is nearer is written last.
    order = np.argsort(seen[facing][inside][:, 2], kind="stable")
    x, y = places[inside][order].T
    canvas[y, x, :3] = np.rint(colour[inside][order])
    canvas[y, x, 3] = 255
    return _with_shadow(_closed(Pillow.fromarray(canvas, "RGBA")).reduce(FINE))


def waves(u: Array, v: Array, seed: int, count: int = 12, across: float = 3.0, down: float = 3.0) -> Array:
    """``[R, C]`` soft, irregular waves of about -1 to 1: folds."""
    random = np.random.default_rng(seed)
    total = np.zeros_like(u)
    for _ in range(count):
        a, b, phase = random.normal(0, across), random.normal(0, down), random.uniform(0, 2 * np.pi)
        total += np.sin(a * u + b * v + phase)
    folds: Array = total / np.sqrt(count)
    return folds


def bump(distance: Array, width: float) -> Array:
    """1 at 0, falling to 0 at about twice ``width``."""
    height: Array = np.exp(-((distance / width) ** 2))
    return height


def _normals(points: Array) -> Array:
    down, right = np.gradient(points, axis=0), np.gradient(points, axis=1)
    normals = np.cross(right, down)
    length = np.linalg.norm(normals, axis=-1, keepdims=True)
    unit: Array = normals / np.maximum(length, 1e-12)
    return unit


def _closed(picture: Pillow.Image) -> Pillow.Image:
    """Without the pinholes that a grid leaves where it is stretched."""
    wide = picture.filter(ImageFilter.MaxFilter(3))
    solid = wide.getchannel("A").filter(ImageFilter.MinFilter(3))
    own = picture.getchannel("A")
    filled = Pillow.composite(picture, wide, own)
    filled.putalpha(solid)
    return filled


def _with_shadow(picture: Pillow.Image) -> Pillow.Image:
    alpha = picture.getchannel("A")
    soft = np.asarray(alpha.filter(ImageFilter.GaussianBlur(0.025 * UNIT)), dtype=np.float64)
    soft = np.roll(soft, round(0.012 * UNIT), axis=0) * SHADOW
    own = np.asarray(alpha, dtype=np.float64)
    total = own + soft * (255.0 - own) / 255.0
    share = own / np.maximum(total, 1e-9)
    colour = np.asarray(picture, dtype=np.float64)[..., :3] * share[..., None]
    return Pillow.fromarray(np.dstack([np.rint(colour), np.rint(total)]).astype(np.uint8), "RGBA")
