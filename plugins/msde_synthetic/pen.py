"""Drawing in face units: the head's surface, its pose, and the step from lengths to whole pixels.

Points are rounded to whole pixels of an enlarged canvas before Pillow sees them, so a picture does not depend on the
last bits of a floating-point sum. The canvas is later reduced, which smooths the edges.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from msde_synthetic.curves import Points
from msde_synthetic.scene import Scene
from msde_synthetic.subjects import Anatomy

Ink = int | tuple[int, int, int]
NECK_DEPTH = 0.45
"""Depth of the axis about which the head turns."""
CENTRE_Y = 0.24
"""Face height, in face units, that an unshifted crop puts at the image's middle."""


def head_depth(x: NDArray[np.float64], y: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    """Return the depth of the head's surface towards the viewer, face units (an ellipsoid; 0 beyond its outline)."""
    across, down = x * (1.0 / (1.13 * width)), (y - 0.2) * (1.0 / 1.85)
    return 0.9 * np.sqrt(np.maximum(1.0 - across * across - down * down, 0.0))


@dataclass(frozen=True)
class Pose:
    """Maps face units to pixels of the finished image."""

    scene: Scene
    width: float
    size: int

    @property
    def unit(self) -> float:
        """Pixels of the finished image in one face unit."""
        return self.size / self.scene.zoom

    @cached_property
    def _turn(self) -> tuple[float, ...]:
        angles = (self.scene.yaw, self.scene.pitch, self.scene.roll)
        return tuple(value for angle in angles for value in (float(np.cos(angle)), float(np.sin(angle))))

    def project(self, points: Points, lift: float | NDArray[np.float64] = 0.0) -> Points:
        """Return image positions, [..., 2] pixels, of points on the head's surface or ``lift`` face units above it."""
        yaw_c, yaw_s, pitch_c, pitch_s, roll_c, roll_s = self._turn
        x, y = points[..., 0], points[..., 1]
        z = head_depth(x, y, self.width) + (lift - NECK_DEPTH)
        y = y - CENTRE_Y
        x, z = x * yaw_c + z * yaw_s, z * yaw_c - x * yaw_s
        y, z = y * pitch_c - z * pitch_s, z * pitch_c + y * pitch_s
        near = self.unit / (1.0 - 0.06 * z)
        out = np.empty_like(points)
        out[..., 0] = (x * roll_c - y * roll_s) * near + (self.scene.shift[0] * self.unit + self.size / 2.0)
        out[..., 1] = (x * roll_s + y * roll_c) * near + (self.scene.shift[1] * self.unit + self.size / 2.0)
        return out


class Pen:
    """Draws on a canvas ``zoom`` times the size of the finished image.

    Args:
        pose: Where the face is.
        zoom: Canvas pixels per image pixel.
        mode: Pillow mode, ``RGB`` or ``L``.
        image: The canvas.
        origin: Position of the canvas' corner on the whole canvas, pixels, where it is only a part.
    """

    def __init__(self, pose: Pose, zoom: int, image: Image.Image, origin: tuple[int, int] = (0, 0)) -> None:
        self.pose = pose
        self.zoom = zoom
        self.image = image
        self._origin = np.array(origin)
        self._draw = ImageDraw.Draw(image)

    @classmethod
    def blank(cls, pose: Pose, zoom: int) -> Pen:
        """Return a pen on a black canvas of one channel."""
        side = pose.size * zoom
        return cls(pose, zoom, Image.new("L", (side, side)))

    def pixels(self, points: Points, lift: float | NDArray[np.float64] = 0.0) -> list[int]:
        """Return whole canvas pixels x0, y0, x1, ... of points in face units."""
        rounded = np.rint(self.pose.project(points, lift) * self.zoom).astype(int) - self._origin
        flat: list[int] = rounded.ravel().tolist()
        return flat

    def fill(self, outline: Points, ink: Ink, lift: float | NDArray[np.float64] = 0.0) -> None:
        """Fill the polygon with the given outline."""
        self._draw.polygon(self.pixels(outline, lift), fill=ink)

    def fill_all(self, outlines: Points, inks: Sequence[Ink], lift: float | NDArray[np.float64] = 0.0) -> None:
        """Fill polygons of equally many corners, [K, N, 2], in order."""
        rounded = np.rint(self.pose.project(outlines, lift) * self.zoom).astype(int) - self._origin
        for corners, ink in zip(rounded.reshape(len(outlines), -1).tolist(), inks, strict=True):
            self._draw.polygon(corners, fill=ink)

    def line(self, points: Points, ink: Ink, width: float, lift: float | NDArray[np.float64] = 0.0) -> None:
        """Draw a line; ``width`` in face units, at least one canvas pixel."""
        thick = max(1, round(width * self.pose.unit * self.zoom))
        self._draw.line(self.pixels(points, lift), fill=ink, width=thick, joint="curve" if thick > 3 else None)

    @contextmanager
    def inside(self, outline: Points, lift: float | NDArray[np.float64] = 0.0) -> Iterator[Pen]:
        """Give a pen whose marks show only inside the polygon."""
        corners = self.pixels(outline, lift)
        xs, ys = corners[0::2], corners[1::2]
        box = (
            max(min(xs), 0), max(min(ys), 0),
            min(max(xs) + 1, self.image.width), min(max(ys) + 1, self.image.height),
        )  # fmt: skip
        if box[0] >= box[2] or box[1] >= box[3]:
            box = (0, 0, 1, 1)
        patch = self.image.crop(box)
        origin = (box[0] + int(self._origin[0]), box[1] + int(self._origin[1]))
        yield Pen(self.pose, self.zoom, patch, origin)
        shifted = [value - box[place % 2] for place, value in enumerate(corners)]
        stencil = Image.new("L", patch.size)
        ImageDraw.Draw(stencil).polygon(shifted, fill=255)
        self.image.paste(patch, box[:2], stencil)


def pose_of(scene: Scene, anatomy: Anatomy, size: int) -> Pose:
    """Return the pose of a head in a photograph of ``size`` pixels."""
    return Pose(scene, anatomy.width, size)
