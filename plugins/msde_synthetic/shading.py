"""Light on the face: a height field of smooth bumps, its normals, and a lamp.

Computed on a coarse grid in the image's frame and enlarged, because light on skin is soft. Bumps are rational, not
exponential: only sums, products and roots, which every processor rounds alike.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from msde_synthetic.geometry import Face
from msde_synthetic.pen import CENTRE_Y, NECK_DEPTH, Pose, head_depth

GRID = 64
NEUTRAL = 128
"""Shading is stored in bytes; this value leaves colours as they are."""

Field = NDArray[np.float64]


@dataclass(frozen=True)
class Bump:
    """A smooth hill (or hollow) on the surface: centre, radii and height in face units."""

    x: float
    y: float
    rx: float
    ry: float
    height: float


def face_bumps(face: Face) -> list[Bump]:
    """Return the relief of a face with an expression."""
    a = face.anatomy
    base, mouth = face.nose_base, face.mouth_y
    lips = face.lips
    lower_lip = float(lips["inner_lower"][3, 1] + lips["outer_lower"][3, 1]) / 2
    bumps = [
        Bump(0.0, base * 0.45, 0.11, 0.42, 0.17 * a.nose_depth),
        Bump(0.0, base - 0.09, 0.15 * a.nose_width, 0.14, 0.19 * a.nose_depth),
        Bump(0.0, mouth, 0.5, 0.33, 0.06),
        Bump(0.0, lower_lip, 0.2, 0.06, 0.035),
        Bump(0.0, face.chin[1] - 0.2, 0.24, 0.17, 0.06 + 0.05 * face.both(17)),
        Bump(0.0, -0.32, 0.1, 0.12, 0.05 * face.both(4)),
        Bump(0.0, -0.62, 0.6, 0.3, 0.05),
    ]
    for side in (-1.0, 1.0):
        brow = face.brow(side)
        cheek = max(face.unit(6, side), face.unit(12, side))
        lift = 0.08 * cheek + 0.05 * face.unit(9, side)
        bumps += [
            Bump(side * 0.2 * a.nose_width, base - 0.05, 0.08, 0.08, 0.07 + 0.03 * face.unit(9, side)),
            Bump(side * 0.42, float(brow[1:4, 1].mean()) + 0.015, 0.34, 0.1, 0.06 + 0.04 * face.unit(4, side)),
            Bump(side * EYE_X, 0.02, 0.3, 0.16, -0.1),
            Bump(side * (0.58 + 0.02 * cheek), 0.48 - lift, 0.28, 0.22, 0.05 + 0.05 * a.cheeks + 0.13 * cheek),
            Bump(side * 0.72, 1.0, 0.2, 0.25, -0.05 * (1.0 - a.cheeks)),
        ]
    return bumps


EYE_X = 0.44


def mask_bumps(kind: str, puff: float) -> list[Bump]:
    """Return the relief of a worn mask; ``puff`` in -2..2 is how it happens to bulge. No expression enters."""
    ridge = {"n95": 0.3, "cloth": 0.2, "surgical": 0.1}[kind]
    return [
        Bump(0.0, 0.42, 0.12, 0.28, 0.14),
        Bump(0.0, 0.95, 0.34, 0.5, ridge + 0.02 * puff),
        Bump(0.0, 0.95, 0.75, 0.6, 0.14),
        Bump(0.0, 1.5, 0.3, 0.2, 0.06),
    ]


def shade(pose: Pose, bumps: list[Bump]) -> Image.Image:
    """Return the brightness field as an 8-bit image of the picture's size (``NEUTRAL`` = unchanged)."""
    scene = pose.scene
    step = scene.zoom / GRID
    line = (np.arange(GRID) + 0.5) * step - scene.zoom / 2.0
    px, py = np.meshgrid(line - scene.shift[0], line - scene.shift[1])
    # Undo roll, pitch and yaw approximately: light need not be exact to a pixel.
    c, s = np.cos(scene.roll), np.sin(scene.roll)
    x, y = px * c + py * s, py * c - px * s
    y = y + CENTRE_Y
    depth = head_depth(x, y, pose.width) - NECK_DEPTH
    x = (x - depth * np.sin(scene.yaw)) / np.cos(scene.yaw)
    y = y + depth * np.sin(scene.pitch)
    height = head_depth(x, np.minimum(y, 1.6), pose.width * 1.1) * 0.8
    for bump in bumps:
        reach = 1.0 + ((x - bump.x) / bump.rx) ** 2 + ((y - bump.y) / bump.ry) ** 2
        height += bump.height / (reach * reach)
    return _lit(height, step, pose)


def _lit(height: Field, step: float, pose: Pose) -> Image.Image:
    scene = pose.scene
    down, right = np.gradient(height, step)
    nx, ny = np.clip(-right, -2.0, 2.0), np.clip(-down, -2.0, 2.0)
    norm = np.sqrt(nx * nx + ny * ny + 1.0)
    light = scene.light
    lambert = np.maximum((nx * light[0] + ny * light[1] + light[2]) / norm, 0.0)
    # Half-way vector to the viewer for the sheen of skin.
    hx, hy, hz = light[0], light[1], light[2] + 1.0
    half = np.maximum((nx * hx + ny * hy + hz) / (norm * np.sqrt(hx * hx + hy * hy + hz * hz)), 0.0)
    sheen = half**2
    sheen = sheen**4
    sheen = sheen * sheen
    level = scene.ambient + (1.05 - scene.ambient) * 1.1 * lambert + 0.09 * sheen
    field = np.clip(np.rint(level * NEUTRAL), 0, 255).astype(np.uint8)
    return Image.fromarray(field).resize((pose.size, pose.size), Image.Resampling.BICUBIC)
