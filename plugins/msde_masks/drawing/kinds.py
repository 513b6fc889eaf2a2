"""The shapes: a pleated surgical mask, a moulded N95 with a valve, a KN95 folded along the nose, a cloth mask."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from msde_masks.drawing.solid import Array, Sheet, bump, grid, waves

WHITE = (238.0, 239.0, 240.0)
WIRE = (196.0, 199.0, 203.0)

Print = Callable[[Array, Array], Array]
"""From arc length across and length down, ``[R, C]`` each, in half faces, to the cloth's colour ``[R, C, 3]``."""


def surgical() -> Sheet:
    """Three pleats, hems all round, a wire in the upper hem."""
    u, v = grid()
    points = _draped(u, v, nose=0.20, chin=1.68)
    relief = 0.006 * waves(u, v, seed=3, across=2.5, down=5.0)
    for at_middle, at_side in ((0.34, 0.26), (0.52, 0.50), (0.70, 0.74)):
        line = at_middle + (at_side - at_middle) * u**2
        below = v - line
        # A fold: the sheet rises slowly from above and falls back at its edge.
        relief += 0.030 * np.where(below < 0, bump(below, 0.06), bump(below, 0.012)) * (1 - 0.5 * u**8)
    edge = np.minimum.reduce([(1 - np.abs(u)) * 0.9, v * 1.2, (1 - v) * 1.1])
    relief += 0.012 * _step(edge, 0.055, 0.008)
    relief += 0.016 * bump(v - 0.032, 0.012) * _step(0.42 - np.abs(u), 0.0, 0.03)
    relief -= 0.008 * bump(edge - 0.055, 0.008)
    # The cloth is gathered where the side hems hold it.
    relief += 0.0035 * np.sin(v * 55.0) * bump(1 - np.abs(u), 0.07)
    return Sheet(points, _plain(u, WHITE), relief, _corners(points, (0.03, 0.97)))


def cloth(printed: Print | None = None) -> Sheet:
    """Two halves sewn together along the middle, folds towards the ears, a stitched hem."""
    u, v = grid()
    points = _draped(u, v, nose=0.30, chin=1.70)
    middle = np.abs(u)
    fan = np.arctan2(v - 0.5, 1.25 - middle)
    relief = 0.026 * np.sin(fan * 11.0 + 1.5 * np.sin(3.0 * middle)) * np.clip(middle - 0.25, 0, 1) * (1 - middle**6)
    relief += 0.010 * waves(u, v, seed=11, across=2.0, down=4.0)
    relief -= 0.022 * bump(u, 0.012)
    relief += 0.008 * bump(middle - 0.03, 0.018)
    edge = np.minimum.reduce([(1 - middle) * 0.9, v * 1.1, (1 - v) * 1.1])
    relief -= 0.010 * bump(edge - 0.055, 0.007)
    relief += 0.010 * _step(edge, 0.055, 0.01)
    across = np.arcsin(np.clip(points[..., 0], -1, 1))
    # The two halves are cut from the cloth at an angle.
    down = points[..., 1] - 0.95 + 0.18 * middle
    colour = _plain(u, WHITE) if printed is None else printed(across, down)
    stitches = bump(edge - 0.040, 0.004) * (np.sin(150.0 * (u + v)) > 0)
    return Sheet(points, colour * (1 - 0.12 * stitches[..., None]), relief, _corners(points, (0.05, 0.95)))


def kn95() -> Sheet:
    """Folded flat along the middle: a ridge from the nose to the chin, welded seams, a metal strip over the nose."""
    u, v = grid()
    side = np.abs(u)
    top = 0.17 + 0.42 * side**1.15
    bottom = 1.70 - 0.62 * side**1.35
    y = top + (bottom - top) * v
    x = 0.93 * np.sin(side * np.deg2rad(78)) / np.sin(np.deg2rad(78)) * np.sign(u)
    ridge = 1.02 + 0.50 * np.sin(np.pi * np.clip(v * 0.92 + 0.07, 0, 1)) ** 0.8 - 0.12 * v
    z = ridge + (0.34 - ridge) * side**1.25
    points = np.stack([x, y, z], axis=-1)
    relief = 0.005 * waves(u, v, seed=5, across=2.0, down=3.0)
    edge = np.minimum.reduce([(1 - side) * 0.9, v * (bottom - top), (1 - v) * (bottom - top)])
    dots = 0.5 + 0.5 * np.sin(130.0 * np.where(edge == (1 - side) * 0.9, y, x + y))
    relief -= 0.005 * bump(edge - 0.030, 0.008) * dots + 0.006 * bump(edge - 0.070, 0.008)
    relief -= 0.004 * bump(side - 0.035, 0.010) * dots
    # The weld that shapes the cheek: an arc from the nose to the lower corner.
    relief -= 0.004 * bump(side - (0.50 + 0.22 * np.cos(np.pi * v)), 0.012) * dots
    strip = _step(0.030 - np.abs(edge - 0.105), 0.0, 0.006) * _step(0.34 - side, 0.0, 0.015) * (v < 0.3)
    relief += 0.012 * strip
    colour = _plain(u, WHITE) * (1 - strip[..., None]) + np.array(WIRE) * strip[..., None]
    return Sheet(points, colour, relief, _corners(points, (0.06, 0.94)))


def n95() -> Sheet:
    """A moulded cup with a flat rim, a metal clip over the nose, an embossed ring and a valve."""
    around, out = grid(900, 2200)
    angle, radius = np.pi * around, 1.0 - out
    x = 0.80 * np.sin(angle) * (1 - 0.30 * np.clip(np.cos(angle), 0, 1) ** 1.6)
    y = np.where(np.cos(angle) > 0, -0.80, -0.69) * np.cos(angle)
    x, y = x * radius, 1.03 + y * radius
    skin = 0.98 * np.sqrt(np.clip(1 - (x / 1.05) ** 2, 0.02, 1)) - 0.16 * np.clip(y - 0.8, 0, 1) ** 2
    cup = np.clip(1 - (radius / 0.93) ** 2.6, 0, 1) ** 0.85
    points = np.stack([x, y, skin + 0.52 * cup], axis=-1)
    relief = 0.010 * bump(radius - 0.62, 0.02) - 0.010 * bump(radius - 0.57, 0.02)
    relief -= 0.010 * bump(radius - 0.92, 0.008)
    weave = np.sin(110 * x) * np.sin(110 * y)
    relief += 0.0012 * weave * (radius > 0.93)
    clip = _step(0.028 - np.abs(radius - 0.84), 0.0, 0.008) * _step(0.62 - np.abs(angle), 0.0, 0.03)
    relief += 0.012 * clip
    relief, valve = _valve(x, y - 1.10, relief)
    colour = _plain(x, WHITE) * (1 - clip[..., None]) + np.array(WIRE) * clip[..., None]
    colour = colour * (1 - 0.07 * valve[..., None])
    ends = np.array([[np.argmin(np.abs(around[0] - sign * a)) for a in (0.40, 0.68)] for sign in (-1, 1)])
    return Sheet(points, colour, relief, points[30, ends])


def _valve(x: Array, y: Array, relief: Array) -> tuple[Array, Array]:
    """A square with round corners and slots, standing out of the cup."""
    inside = 0.235 - ((np.abs(x) / 1.08) ** 4 + np.abs(y) ** 4) ** 0.25
    body = _step(inside, 0.0, 0.012)
    frame = _step(inside, 0.035, 0.008)
    slots = frame * (0.5 + 0.5 * np.cos(2 * np.pi * y / 0.075)) ** 2 * _step(np.abs(x), 0.02, 0.01)
    return relief * (1 - body) + 0.06 * body - 0.022 * slots, np.clip(0.6 * body + 2.2 * slots, 0, 3)


def _draped(u: Array, v: Array, nose: float, chin: float) -> Array:
    """A sheet from ear to ear that lies on cheeks and nose: ``nose`` and ``chin`` are y of its edges in the middle."""
    side = np.abs(u)
    across = u * np.deg2rad(70)
    bulge = 0.24 * bump(u, 0.34) * np.sin(np.pi * np.clip(0.16 + 0.72 * v, 0, 1)) ** 1.2
    x = np.sin(across) * (1 - 0.02 * v)
    hollow = 0.32 * np.clip(v - 0.55, 0, 1) ** 1.5
    z = np.cos(across) * (1.02 - hollow) + 0.08 * (1 - side**2) + bulge
    top = nose + (0.60 - nose) * (1 - np.cos(np.pi * np.clip(side * 1.02, 0, 1) ** 0.8)) / 2
    bottom = chin - (chin - 1.16) * np.clip(side, 0, 1) ** 2.6
    return np.stack([x, top + (bottom - top) * v, z], axis=-1)


def _step(value: Array, at: float, soft: float) -> Array:
    """0 below ``at``, 1 above, over about ``soft``."""
    return 1.0 / (1.0 + np.exp(-np.clip((value - at) / (soft / 4), -60, 60)))


def _plain(like: Array, colour: tuple[float, float, float]) -> Array:
    plain: Array = np.ones((*like.shape, 1)) * np.array(colour)
    return plain


def _corners(points: Array, heights: tuple[float, float]) -> Array:
    """Where ear loops are fixed: at the side edges, at these shares of their height."""
    rows = [round(height * (len(points) - 1)) for height in heights]
    return np.stack([points[rows, 12], points[rows, -13]])
