"""Neck, clothes, ears, the skin of the face and the hair of the head."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from msde_synthetic.colours import mixed, scaled
from msde_synthetic.curves import Points, ellipse, smooth, stroke
from msde_synthetic.geometry import Face
from msde_synthetic.pen import Pen
from msde_synthetic.randomness import stream
from msde_synthetic.scene import Scene
from msde_synthetic.subjects import Hair, Subject

FOREHEAD = np.array([[1.0, -0.1], [0.99, -0.42], [0.92, -0.76], [0.74, -1.05], [0.42, -1.24], [0.0, -1.3]])
"""Right half of the skull's outline from the ear up."""


def draw_body(pen: Pen, subject: Subject, scene: Scene) -> None:
    """Draw long hair behind the head, neck and clothes."""
    width = subject.anatomy.width
    if subject.hair.style == "long":
        fall = np.array(
            [[0.6, -1.1], [1.0, -0.78], [1.17, -0.35], [1.24, 0.2], [1.29, 0.9], [1.25, 1.6], [1.15, 2.4]]
        ) * [width, 1.0]
        fall = smooth(fall, 3)
        pen.fill(np.concatenate([fall, (fall * [-1.0, 1.0])[::-1]]), scaled(subject.hair.colour, 0.85))
    neck = np.array([[0.66, 0.9], [0.66, 1.6], [0.78, 2.6]]) * [width, 1.0]
    pen.fill(np.concatenate([neck, (neck * [-1.0, 1.0])[::-1]]), scaled(subject.skin, 0.74))
    shoulders = np.array([[0.62, 1.72], [0.95, 1.83], [1.6, 1.98], [2.4, 2.4], [2.4, 3.2]])
    throat = np.array([[0.0, 2.02]])
    pen.fill(np.concatenate([throat, shoulders, (shoulders * [-1.0, 1.0])[::-1]]), scene.clothes)
    if scene.collar:
        flap = np.array([[0.6, 1.68], [0.82, 1.78], [0.5, 2.2], [0.1, 2.06]])
        for side in (-1.0, 1.0):
            pen.fill(flap * [side, 1.0], scaled(scene.clothes, 0.82))


def draw_skin(pen: Pen, subject: Subject, face: Face) -> None:
    """Draw ears and the bare face."""
    a = subject.anatomy
    for side in (-1.0, 1.0):
        centre = (side * 1.03 * a.width, 0.2)
        pen.fill(ellipse(centre, (0.105 * a.ears, 0.27 * a.ears), tilt=side * 0.14), scaled(subject.skin, 0.9))
        pen.fill(ellipse((centre[0] + side * 0.005, 0.21), (0.06, 0.18), tilt=side * 0.14), scaled(subject.skin, 0.76))
    pen.fill(face_outline(face), subject.skin)


def face_outline(face: Face) -> Points:
    """Return the outline of the skin from chin over the image's right side and forehead and back, face units."""
    right, left = face.jaw_half(1.0), face.jaw_half(-1.0)
    top = FOREHEAD * [face.anatomy.width, 1.0]
    chin = np.array([face.chin])
    ring = np.concatenate([chin, right[::-1], top, (top[:-1] * [-1.0, 1.0])[::-1], left])
    return smooth(ring, 4, closed=True)


def draw_hair(pen: Pen, subject: Subject, scene: Scene) -> None:
    """Draw the hair on the head, with loose strands that differ from shot to shot."""
    hair, width = subject.hair, subject.anatomy.width
    own = stream(subject.texture, "hair outline", hair.style)
    outer = _crown(hair, width, own)
    inner = _hairline(hair, width, own)
    pen.fill(np.concatenate([outer, inner]), hair.colour)
    _strands(pen, hair, outer, inner, stream(scene.jitter_key, "strands"))


def _crown(hair: Hair, width: float, rng: Generator) -> Points:
    """Return the hair's outer edge from the image's left ear over the top to the right one."""
    angle = np.linspace(-0.06, np.pi + 0.06, 25)
    thick = hair.volume * (0.35 + 0.65 * np.sin(np.clip(angle, 0, np.pi)))
    x, y = -np.cos(angle) * (1.01 * width + thick * 0.6), -np.sin(angle) * (1.27 + thick) - 0.06
    if hair.style == "curly":
        bump = 1.0 + 0.035 * np.abs(np.sin(np.arange(25) * 2.1 + rng.random() * 6))
        x, y = x * bump, y * bump
    if hair.style == "parted":
        y = y - 0.07 * np.exp(-(((x + hair.part * 0.35) / 0.4) ** 2))
    return smooth(np.stack([x, y], axis=1), 2)


def _hairline(hair: Hair, width: float, rng: Generator) -> Points:
    """Return the hair's edge on the forehead from the image's right ear to the left one."""
    x = np.array([0.985, 0.93, 0.9, 0.8, 0.55, 0.25, 0.0])
    y = np.array([0.16, -0.12, -0.42, -0.66, -0.82, -0.88, -0.88]) + hair.hairline
    if hair.style == "receding":
        y = np.array([0.14, -0.15, -0.5, -0.92, -1.12, -0.98, -0.93])
    if hair.style == "curly":
        y = y + np.array([0.0, 0, 0, 0.03, -0.02, 0.03, -0.02])
    right = np.stack([x * width, y], axis=1)
    line = np.concatenate([right, (right[:-1] * [-1.0, 1.0])[::-1]])
    if hair.style == "parted":
        # The longer side sweeps over the forehead, the parting shows as a notch.
        along = line[:, 0] * hair.part
        line[:, 1] += np.where(np.abs(line[:, 0]) < 0.85, 0.13 * np.exp(-(((along + 0.4) / 0.35) ** 2)), 0.0)
        line[:, 1] -= 0.1 * np.exp(-(((along - 0.42) / 0.12) ** 2))
    if hair.style == "fringe":
        line = smooth(line, 3)
        mid = np.abs(line[:, 0]) < 0.82
        line[mid, 1] += 0.2 + 0.07 * np.sin(np.arange(mid.sum()) * 2.0 + rng.random() * 6)
        return line
    return smooth(line, 3)


def _strands(pen: Pen, hair: Hair, outer: Points, inner: Points, rng: Generator) -> None:
    """Draw locks that run from the hairline to the crown."""
    count = 36
    share = (np.arange(count) + rng.random(count)) / count
    start = inner[((1.0 - share) * (len(inner) - 1)).astype(int)]
    end = outer[(share * (len(outer) - 1)).astype(int)]
    # Locks at the temples are short: they may bend only a little.
    room = np.sqrt(((end - start) ** 2).sum(axis=1, keepdims=True))
    middle = (start + end) / 2.0 + (rng.random((count, 2)) - 0.5) * room * (0.6 if hair.style == "curly" else 0.2)
    tip = start + (start - end) * (rng.random((count, 1)) * 0.16 - 0.1)
    locks = stroke(smooth(np.stack([tip, middle, end], axis=1), 3), 0.012 + 0.024 * rng.random((count, 1)))
    dark = scaled(hair.colour, 0.6)
    pen.fill_all(
        locks,
        [dark if tone < 0.5 else mixed(hair.colour, (150, 120, 100), tone - 0.5) for tone in rng.random(count) * 0.75],
    )


def head_outline(subject: Subject, face: Face) -> list[Points]:
    """Return outlines that together cover face, ears and hair of the head, face units."""
    a = subject.anatomy
    crown = _crown(subject.hair, a.width, stream(subject.texture, "hair outline", subject.hair.style))
    ears = [
        ellipse((side * 1.03 * a.width, 0.2), (0.105 * a.ears, 0.27 * a.ears), tilt=side * 0.14) for side in (-1.0, 1.0)
    ]
    return [face_outline(face), crown, *ears]
