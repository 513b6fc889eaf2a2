"""Smooth curves through few points, and strokes of varying width."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
"""Shape [N, 2], or [..., N, 2] for several curves at once: x to the right, y down."""


@lru_cache(maxsize=256)
def _weights(count: int, steps: int, closed: bool) -> NDArray[np.float64]:
    """Matrix that maps control points to points of the Catmull-Rom spline through them."""
    segments = count if closed else count - 1
    rows = segments * steps + (0 if closed else 1)
    matrix = np.zeros((rows, count))
    for row in range(rows):
        segment = min(row // steps, segments - 1)
        t = row / steps - segment
        basis = (
            -0.5 * t + t * t - 0.5 * t**3,
            1.0 - 2.5 * t * t + 1.5 * t**3,
            0.5 * t + 2.0 * t * t - 1.5 * t**3,
            -0.5 * t * t + 0.5 * t**3,
        )
        for offset, weight in zip((-1, 0, 1, 2), basis, strict=True):
            index = segment + offset
            matrix[row, index % count if closed else min(max(index, 0), count - 1)] += weight
    return matrix


def moved(points: Points, x: float, y: float) -> Points:
    """Return points (or one point, [2]) moved to the right by x and down by y."""
    shifted: Points = points + np.array([x, y])
    return shifted


def smooth(points: Points, steps: int = 5, *, closed: bool = False) -> Points:
    """Return the curve through ``points`` with ``steps`` pieces between neighbours."""
    curve: Points = np.matmul(_weights(points.shape[-2], steps, closed), points)
    return curve


@lru_cache(maxsize=128)
def _taper(count: int, first: float, last: float) -> NDArray[np.float64]:
    t = np.linspace(0.0, 1.0, count)
    return np.minimum(1.0, np.minimum(first + t * 4.0 * (1 - first), last + (1.0 - t) * 4.0 * (1 - last)))


def stroke(points: Points, width: Points | float, *, taper: tuple[float, float] = (0.15, 0.15)) -> Points:
    """Return the outlines of brush strokes along curves.

    Args:
        points: One curve [N, 2] or several [..., N, 2].
        width: Full width in the curve's units: one number, or an array that broadcasts to [..., N].
        taper: Share of the width left at the first and last point.
    """
    tangent = np.empty_like(points)
    tangent[..., 1:-1, :] = points[..., 2:, :] - points[..., :-2, :]
    tangent[..., 0, :] = points[..., 1, :] - points[..., 0, :]
    tangent[..., -1, :] = points[..., -1, :] - points[..., -2, :]
    dx, dy = tangent[..., 0], tangent[..., 1]
    half = width * _taper(points.shape[-2], *taper) / (2.0 * np.sqrt(dx * dx + dy * dy) + 1e-12)
    offset = np.empty_like(points)
    offset[..., 0], offset[..., 1] = -dy * half, dx * half
    return np.concatenate([points + offset, (points - offset)[..., ::-1, :]], axis=-2)


@lru_cache(maxsize=8)
def _circle(steps: int) -> Points:
    angle = np.linspace(0.0, 2.0 * np.pi, steps, endpoint=False)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def ellipse(centre: tuple[float, float], radius: tuple[float, float], steps: int = 28, tilt: float = 0.0) -> Points:
    """Return the outline of an ellipse; ``tilt`` in radians, clockwise on screen."""
    points = _circle(steps) * radius
    if tilt:
        c, s = float(np.cos(tilt)), float(np.sin(tilt))
        points = points @ np.array([[c, s], [-s, c]])
    return points + centre
