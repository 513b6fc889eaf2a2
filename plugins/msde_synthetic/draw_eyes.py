"""Eyes with lids, lashes and highlights, and brows."""

from __future__ import annotations

import numpy as np

from msde_synthetic.colours import mixed, scaled
from msde_synthetic.curves import ellipse, smooth, stroke
from msde_synthetic.geometry import Eye, Face
from msde_synthetic.pen import Pen
from msde_synthetic.randomness import stream
from msde_synthetic.scene import Scene
from msde_synthetic.subjects import Subject

SHARE = np.linspace(-1.0, 1.0, 13)


def draw_eyes(pen: Pen, subject: Subject, face: Face, scene: Scene) -> None:
    """Draw both eyes."""
    for side in (-1.0, 1.0):
        _draw_eye(pen, subject, face.eye(side), scene)


def _draw_eye(pen: Pen, subject: Subject, eye: Eye, scene: Scene) -> None:
    upper, lower = eye.lid(SHARE, upper=True), eye.lid(SHARE, upper=False)
    dark = scaled(mixed(subject.skin, (40, 22, 18), 0.75), 0.8)
    # The socket's skin is a little darker; the lid's fold follows the margin and vanishes when brows come down.
    fold = eye.lid(SHARE, upper=True) - np.array([0.0, 1.0]) * (0.035 + 0.03 * (1 - np.abs(SHARE)))[:, None]
    pen.fill(np.concatenate([fold, upper[::-1]]), scaled(subject.skin, 0.86))
    almond = np.concatenate([upper, lower[::-1]])
    with pen.inside(almond) as patch:
        _draw_ball(patch, subject, eye)
        shade = np.concatenate([upper, (upper + np.array([0.0, 0.026]))[::-1]])
        patch.fill(shade, (128, 116, 112))
        _draw_iris(patch, subject, eye, scene)
    pen.fill(stroke(fold, 0.016, taper=(0.1, 0.3)), scaled(subject.skin, 0.6))
    pen.fill(stroke(upper, 0.038 if not subject.female else 0.052, taper=(0.35, 0.6)), dark)
    pen.fill(stroke(lower, 0.014, taper=(0.2, 0.6)), scaled(subject.skin, 0.58))
    # Rim of the lower lid: the light line of moisture that makes an eye look alive.
    pen.fill(stroke(lower[2:-2] - np.array([0.0, 0.012]), 0.01), (214, 180, 170))


def _draw_ball(pen: Pen, subject: Subject, eye: Eye) -> None:
    white = mixed((236, 232, 228), subject.skin, 0.12)
    pen.fill(ellipse(eye.centre, (eye.half_width * 1.3, 0.4)), white)
    corner = (eye.centre[0] - eye.side * eye.half_width * 0.96, eye.centre[1])
    pen.fill(ellipse(corner, (0.035, 0.04)), (206, 146, 136))


def _draw_iris(pen: Pen, subject: Subject, eye: Eye, scene: Scene) -> None:
    centre = (eye.centre[0] + 0.075 * scene.gaze[0], eye.centre[1] - 0.018 + 0.03 * scene.gaze[1])
    pen.fill(ellipse(centre, (0.105, 0.107)), scaled(subject.iris, 0.5))
    pen.fill(ellipse(centre, (0.09, 0.092)), mixed(subject.iris, (120, 90, 60), 0.25))
    pen.fill(ellipse((centre[0], centre[1] - 0.012), (0.088, 0.07)), subject.iris)
    pen.fill(ellipse(centre, (0.044, 0.045)), (10, 8, 8))
    glint = (centre[0] + 0.045 * float(np.sign(scene.light[0]) or 1.0), centre[1] - 0.038)
    pen.fill(ellipse(glint, (0.024, 0.022), 12), (250, 250, 250))


def draw_brows(pen: Pen, subject: Subject, face: Face) -> None:
    """Draw both brows: a soft band and hairs along it."""
    thick = 0.082 * subject.anatomy.brow_thickness
    ink = mixed(subject.hair.colour, subject.skin, 0.12)
    for side in (-1.0, 1.0):
        middle = smooth(face.brow(side), 4)
        profile = np.interp(np.linspace(0, 1, len(middle)), [0.0, 0.15, 0.55, 1.0], [0.75, 1.05, 1.0, 0.45])
        pen.fill(stroke(middle, thick * profile, taper=(0.6, 0.2)), mixed(ink, subject.skin, 0.22))
        pen.fill(stroke(middle, thick * profile * 0.6, taper=(0.5, 0.2)), ink)
        rng = stream(subject.texture, "brow", int(side))
        reach = thick * profile[1:-1]
        root = middle[1:-1] + np.stack([0.0 * reach, 0.4 * reach], axis=1)
        tip = middle[1:-1] + np.stack([side * 0.7 * reach, -0.55 * reach], axis=1)
        bend = (root + tip) / 2.0 + (rng.random((len(root), 1)) - 0.5) * 0.02
        hairs = stroke(np.stack([root, bend, tip], axis=1), 0.017)
        pen.fill_all(hairs, [scaled(ink, 0.8)] * len(hairs))
