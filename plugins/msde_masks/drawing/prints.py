"""What printed cloth shows: colours by place on the cloth, across and down, in half faces."""

from __future__ import annotations

import numpy as np

from msde_masks.drawing.solid import Array

NAVY = np.array([44.0, 62.0, 104.0])
CREAM = np.array([238.0, 233.0, 220.0])
RED = np.array([176.0, 52.0, 54.0])
TEAL = np.array([46.0, 122.0, 124.0])
PINK = np.array([226.0, 142.0, 156.0])
LEAF = np.array([96.0, 140.0, 92.0])
YELLOW = np.array([240.0, 206.0, 112.0])


def dots(across: Array, down: Array) -> Array:
    """Cream dots on navy, every second row shifted."""
    row = np.floor(down / 0.13)
    x = np.mod(across / 0.15 + 0.5 * np.mod(row, 2), 1.0) - 0.5
    y = np.mod(down / 0.13, 1.0) - 0.5
    return _mixed(NAVY, CREAM, _inside(0.042 - np.hypot(x * 0.15, y * 0.13)))


def stripes(across: Array, down: Array) -> Array:
    """Stripes of red on cream, aslant."""
    wave = np.mod((across * 0.55 + down) / 0.17, 1.0)
    return _mixed(CREAM, RED, _inside((0.22 - np.abs(wave - 0.5)) * 0.17))


def checks(across: Array, down: Array) -> Array:
    """Gingham: bands of teal both ways, darker where they cross."""
    bands = [_inside((0.25 - np.abs(np.mod(at / 0.19, 1.0) - 0.5)) * 0.19) for at in (across, down)]
    return _mixed(CREAM, TEAL, 0.5 * (bands[0] + bands[1]))


def floral(across: Array, down: Array) -> Array:
    """Scattered flowers of five petals with leaves, on cream."""
    random = np.random.default_rng(7)
    colour: Array = np.ones((*across.shape, 1)) * CREAM
    step = 0.27
    for row in range(-4, 5):
        for column in range(-6, 7):
            x, y = random.uniform(-0.05, 0.05, 2)
            x, y = x + (column + 0.5 * (row % 2)) * step, y + row * step * 0.9
            turn, size = random.uniform(0, 2 * np.pi), random.uniform(0.075, 0.1)
            petals = (PINK, RED, PINK)[int(random.integers(3))]
            colour = _flower(colour, across - x, down - y, turn, size, petals)
    return colour


def _flower(colour: Array, x: Array, y: Array, turn: float, size: float, petals: Array) -> Array:
    near = np.hypot(x, y) < 2.2 * size
    distance, angle = np.hypot(x[near], y[near]), np.arctan2(y[near], x[near]) + turn
    patch = colour[near]
    for side in (0.9, 2.6):
        along, off = distance * np.cos(angle - side) - 1.35 * size, distance * np.sin(angle - side)
        patch = _mixed(patch, LEAF, _inside(0.30 * size - np.hypot(along * 0.55, off * 1.3)))
    reach = size * (0.72 + 0.28 * np.cos(5 * angle))
    patch = _mixed(patch, petals, _inside(reach - distance))
    patch = _mixed(patch, YELLOW, _inside(0.27 * size - distance))
    out = colour.copy()
    out[near] = patch
    return out


def _inside(distance: Array) -> Array:
    """1 inside a shape, 0 outside, with a soft edge: from the signed distance to its border."""
    return np.clip(0.5 + distance / 0.008, 0.0, 1.0)


def _mixed(first: Array, second: Array, share: Array) -> Array:
    return first + (second - first) * share[..., None]
