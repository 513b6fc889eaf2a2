"""Lines and folds of the skin, and the beard: soft layers that darken the face.

Creases are drawn as strengths 0-255 on a canvas of one channel, blurred, and taken off the skin's brightness.
"""

from __future__ import annotations

import numpy as np

from msde_synthetic.curves import Points, ellipse, moved, smooth, stroke
from msde_synthetic.geometry import Face
from msde_synthetic.pen import Pen
from msde_synthetic.subjects import Subject


class _Creases:
    """Collects creases, then draws them weakest first, so that a strong one is not painted over."""

    def __init__(self) -> None:
        self._lines: list[Points] = []
        self._widths: list[float] = []
        self._levels: list[int] = []

    def add(self, points: Points, width: float, strength: float) -> None:
        """Note a tapering crease through three points; strengths below a visible trace are left out."""
        level = round(min(1.0, strength) * 255)
        if level > 6:
            self._lines.append(points)
            self._widths.append(width)
            self._levels.append(level)

    def draw(self, pen: Pen) -> None:
        """Draw all that was added."""
        if self._lines:
            order = np.argsort(self._levels, kind="stable")
            outlines = stroke(smooth(np.array(self._lines), 5), np.array(self._widths)[:, None])
            pen.fill_all(outlines[order], [self._levels[index] for index in order])


def draw_creases(pen: Pen, subject: Subject, face: Face) -> None:
    """Draw all creases that age and action units put on a face."""
    creases = _Creases()
    _forehead(creases, subject, face)
    _glabella(creases, subject, face)
    for side in (-1.0, 1.0):
        _around_eye(creases, subject, face, side)
        _around_mouth(creases, subject, face, side)
    _under_lip(creases, face)
    creases.draw(pen)
    _chin_dimples(pen, face)


def _forehead(creases: _Creases, subject: Subject, face: Face) -> None:
    inner, outer = face.both(1), face.both(2)
    aged = 0.25 + 0.75 * subject.lines
    for row in range(3):
        y = -0.52 - 0.115 * row - 0.05 * inner
        half = 0.22 + 0.36 * outer - 0.03 * row
        strength = (
            0.5 * (0.75 * inner * (1.0 - 0.35 * face.both(4)) + 0.45 * outer) * (0.55 + 0.45 * aged)
            + 0.1 * subject.lines
        )
        # Even brows arch the line, brows raised only in the middle bend it upwards there.
        arch = 0.025 + 0.04 * (outer - inner)
        line = np.array([[-half, y + arch], [0.02 * row, y - 0.01 - 0.04 * inner], [half, y + arch]])
        creases.add(line, 0.03, strength * (1.0 - 0.15 * row))


def _glabella(creases: _Creases, subject: Subject, face: Face) -> None:
    lower, wrinkle = face.both(4), face.both(9)
    for side in (-1.0, 1.0):
        x = side * (0.085 - 0.025 * lower)
        line = np.array([[x, -0.38], [x * 0.92, -0.26], [x * 1.1, -0.14]])
        creases.add(line, 0.032, 0.48 * lower * (0.7 + 0.3 * subject.lines) + 0.06 * subject.lines)
        for row in range(3):
            y = 0.0 + 0.075 * row
            slope = np.array([[side * 0.03, y], [side * 0.1, y - 0.03], [side * 0.16, y + 0.03]])
            creases.add(slope, 0.026, 0.5 * wrinkle)
    across = np.array([[-0.13, -0.035], [0.0, -0.065], [0.13, -0.035]])
    creases.add(across, 0.028, 0.6 * max(wrinkle, 0.5 * lower))


def _around_eye(creases: _Creases, subject: Subject, face: Face, side: float) -> None:
    eye = face.eye(side)
    cheek, tight = face.unit(6, side), face.unit(7, side)
    x, y = eye.centre[0], eye.lower
    half = eye.half_width
    bag = np.array(
        [[x - side * half * 0.85, y + 0.05], [x - side * 0.02, y + 0.105], [x + side * half * 0.9, y + 0.07]]
    )
    creases.add(bag, 0.03, 0.5 * cheek + 0.3 * tight + 0.22 * subject.bags + 0.12 * subject.lines)
    second = moved(bag, 0.0, 0.06)
    creases.add(second, 0.03, 0.4 * cheek + 0.1 * subject.bags)
    corner = np.array([x + side * half * 1.18, -0.02])
    for spread in (-0.5, 0.0, 0.5):
        foot = corner + np.array(
            [[0.0, spread * 0.06], [side * 0.07, spread * 0.16], [side * 0.15, spread * 0.34 + 0.01]]
        )
        creases.add(foot, 0.022, 0.42 * cheek * (0.6 + 0.4 * subject.lines) + 0.12 * subject.lines)
    # The brow's shadow in the socket: deep when brows come down, gone when they rise.
    brow = face.brow(side)
    shadow = np.stack([brow[0] + [0.0, 0.09], (brow[1] + brow[2]) / 2 + [0.0, 0.1], brow[3] + [0.0, 0.1]])
    creases.add(shadow, 0.07, 0.16 + 0.3 * face.unit(4, side) - 0.12 * face.unit(2, side))


def _around_mouth(creases: _Creases, subject: Subject, face: Face, side: float) -> None:
    smile, lift = face.unit(12, side), max(face.unit(10, side), face.unit(9, side))
    corner = np.array(face.mouth_corner(side))
    wing = face.nostrils[4 if side > 0 else 0]
    start = moved(wing, side * 0.05, -0.07 - 0.03 * lift)
    bend = np.array([side * (0.44 + 0.1 * smile + 0.03 * lift), (start[1] + corner[1]) / 2 + 0.02])
    end = moved(corner, side * (0.13 + 0.02 * smile), 0.03 - 0.02 * smile)
    strength = 0.75 * smile + 0.62 * lift + 0.18 * face.unit(20, side) + 0.16 * face.unit(15, side)
    creases.add(np.stack([start, bend, end]), 0.042, strength + 0.2 * subject.lines + 0.05)
    frown = face.unit(15, side)
    droop = np.stack(
        [moved(corner, side * 0.015, 0.015), moved(corner, side * 0.05, 0.09), moved(corner, side * 0.055, 0.19)]
    )
    creases.add(droop, 0.035, 0.6 * frown + 0.12 * subject.lines)
    dimple = np.stack(
        [moved(corner, side * 0.045, -0.05), moved(corner, side * 0.065, 0.0), moved(corner, side * 0.045, 0.05)]
    )
    creases.add(dimple, 0.03, 0.5 * smile + 0.35 * face.unit(24, side) + 0.2 * face.unit(20, side))


def _under_lip(creases: _Creases, face: Face) -> None:
    bottom = face.lips["outer_lower"][3]
    raised, pressed = face.both(17), max(face.both(23), face.both(24))
    half = 0.16 + 0.05 * raised
    bow = moved(np.array([[-half, 0.075], [0.0, 0.05], [half, 0.075]]), 0.0, bottom[1])
    creases.add(bow, 0.05, 0.26 + 0.42 * raised + 0.25 * pressed)


def _chin_dimples(pen: Pen, face: Face) -> None:
    bottom, raised = face.lips["outer_lower"][3], face.both(17)
    if raised < 0.1:
        return
    for x, y in ((-0.08, 0.15), (0.05, 0.13), (-0.01, 0.2), (0.1, 0.19)):
        pen.fill(ellipse((x, bottom[1] + y), (0.022, 0.018), 10), round(130 * raised))


def draw_beard(pen: Pen, subject: Subject, face: Face) -> None:
    """Draw how much hair covers each part of the face, 0-255."""
    hair = subject.hair
    if hair.beard > 0:
        _draw_jaw_beard(pen, subject, face)
    if hair.moustache > 0:
        top = face.lips["outer_upper"] - [0.0, 0.005]
        reach = np.array([[-0.01, 0.01], [0.0, -0.01], [0.01, 0.01]])
        edge = np.stack([top[0] + reach[0], top[1] - [0, 0.085], top[2] - [0, 0.105], top[3] - [0, 0.085]])
        other = np.stack([top[4] - [0, 0.105], top[5] - [0, 0.085], top[6] + reach[2]])
        band = np.concatenate([smooth(np.concatenate([edge, other]), 3), top[::-1]])
        pen.fill(band, round(225 * hair.moustache))


def _draw_jaw_beard(pen: Pen, subject: Subject, face: Face) -> None:
    hair = subject.hair
    level = round(60 + 165 * hair.beard**1.5)
    right, left = face.jaw_half(1.0), face.jaw_half(-1.0)
    low = [0.0, hair.beard_length]
    outer = np.concatenate(
        [left[1:4], left[4:] + low, np.array([face.chin]) + low, right[4:][::-1] + low, right[1:4][::-1]]
    )
    corner_r, corner_l = np.array(face.mouth_corner(1.0)), np.array(face.mouth_corner(-1.0))
    under = face.lips["outer_lower"][3] + [0.0, 0.07]
    cheek = np.array([[0.9, 0.45], [0.76, 0.82]]) * [face.anatomy.width, 1.0]
    # Along the cheek, round the mouth's corner, under the lip, and back on the other side.
    bare = [moved(corner_r, 0.08, -0.06), moved(corner_r, 0.02, 0.07), moved(under, 0.1, 0.02), under]
    bare += [moved(under, -0.1, 0.02), moved(corner_l, -0.02, 0.07), moved(corner_l, -0.08, -0.06)]
    inner = np.concatenate([cheek, bare, (cheek * [-1.0, 1.0])[::-1]])
    pen.fill(np.concatenate([smooth(outer, 3), smooth(inner, 3)]), level)
