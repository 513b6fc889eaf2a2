"""Nose and mouth."""

from __future__ import annotations

import numpy as np

from msde_synthetic.colours import mixed, scaled
from msde_synthetic.curves import ellipse, moved, smooth, stroke
from msde_synthetic.geometry import Face
from msde_synthetic.pen import Pen
from msde_synthetic.subjects import Subject


def draw_nose(pen: Pen, subject: Subject, face: Face) -> None:
    """Draw the nose's lines; its body comes from shading."""
    skin = subject.skin
    points = face.nostrils
    lift = 0.16 * subject.anatomy.nose_depth
    for side, wing, hole in ((-1.0, points[0], points[1]), (1.0, points[4], points[3])):
        rim = np.array([[0.0, -0.15], [0.035, -0.09], [0.04, -0.02], [0.0, 0.03], [-0.05, 0.035]]) * [side, 1.0] + wing
        pen.fill(stroke(smooth(rim, 3), 0.026), scaled(skin, 0.62), lift * 0.5)
        nostril = ellipse((hole[0] + side * 0.012, hole[1] - 0.012), (0.052, 0.026), 14, tilt=-side * 0.3)
        pen.fill(nostril, scaled(mixed(skin, (40, 16, 14), 0.6), 0.6), lift)
    under = np.stack([points[1], points[2] + [0.0, 0.012], points[3]])
    pen.fill(stroke(smooth(under, 4), 0.022), scaled(skin, 0.68), lift)


def draw_mouth(pen: Pen, subject: Subject, face: Face) -> None:
    """Draw lips, and teeth and tongue where they part."""
    lips = {name: smooth(points, 4) for name, points in face.lips.items()}
    gap = np.concatenate([lips["inner_upper"], lips["inner_lower"][::-1]])
    height = float((lips["inner_lower"] - lips["inner_upper"])[:, 1].max())
    if height > 0.012:
        with pen.inside(gap) as patch:
            _draw_inside(patch, face, lips["inner_upper"], lips["inner_lower"], height)
    upper = np.concatenate([lips["outer_upper"], lips["inner_upper"][::-1]])
    lower = np.concatenate([lips["inner_lower"], lips["outer_lower"][::-1]])
    pen.fill(upper, scaled(subject.lips, 0.86))
    pen.fill(lower, subject.lips)
    middle = lips["inner_lower"] * 0.45 + lips["outer_lower"] * 0.55
    pen.fill(stroke(middle[7:-7], 0.028), mixed(subject.lips, (255, 225, 215), 0.25))
    seam = scaled(mixed(subject.lips, (44, 12, 14), 0.7), 0.7)
    pen.fill(stroke(lips["inner_upper"], 0.036, taper=(0.5, 0.5)), seam)
    for side in (-1.0, 1.0):
        corner = np.array(face.mouth_corner(side))
        curl = 0.045 * face.unit(12, side) - 0.045 * face.unit(15, side)
        hook = np.stack([corner - [side * 0.03, 0.0], corner, moved(corner, side * 0.04, -curl)])
        pen.fill(stroke(hook, 0.032, taper=(0.8, 0.3)), seam)


def _draw_inside(pen: Pen, face: Face, upper: np.ndarray, lower: np.ndarray, height: float) -> None:
    """Draw the open mouth: dark cavity, tongue, and as much of the teeth as the lips lay bare."""
    cavity = np.concatenate([upper - [0.0, 0.1], (moved(lower, 0.0, 0.1))[::-1]])
    pen.fill(cavity, (62, 20, 22))
    if height > 0.13:
        centre = (float(lower[:, 0].mean()), float(lower[:, 1].max()) + 0.01)
        pen.fill(ellipse(centre, (0.2, height * 0.42)), (158, 74, 76))
    bare = 0.035 + 0.05 * face.both(12) + 0.06 * face.both(10) + 0.03 * face.both(20)
    teeth = (232, 226, 214)
    pen.fill(np.concatenate([upper - [0.0, 0.1], (moved(upper, 0.0, min(bare, height * 0.75)))[::-1]]), teeth)
    for tooth in range(-3, 4):
        x = float(upper[:, 0].mean()) + 0.07 * tooth
        top = float(np.interp(x, upper[:, 0], upper[:, 1]))
        pen.line(np.array([[x, top], [x, top + min(bare, height * 0.75)]]), (206, 198, 186), 0.006)
    low = 0.05 * face.both(20) + 0.035 * face.both(10) - 0.25 * face.both(26) * 0.1
    if low > 0.015 and height > 0.08:
        pen.fill(np.concatenate([moved(lower, 0.0, 0.1), (lower - [0.0, low])[::-1]]), scaled(teeth, 0.9))
