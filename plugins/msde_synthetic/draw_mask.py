"""The worn mask, and glasses.

A mask is fitted to the face *at rest*: its outline comes from neutral landmarks, so neither its shape nor its place
tells what the wearer's mouth is doing underneath.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from msde_synthetic.colours import mixed, scaled
from msde_synthetic.curves import Points, ellipse, moved, smooth, stroke
from msde_synthetic.geometry import NO_UNITS, Face
from msde_synthetic.mask_design import MaskDesign
from msde_synthetic.pen import Ink, Pen
from msde_synthetic.randomness import around, between, stream
from msde_synthetic.scene import Scene
from msde_synthetic.subjects import Anatomy, Subject

Lift = NDArray[np.float64]


class Fit:
    """A mask on one face in one photograph: maps mask coordinates to the face.

    Mask coordinates: u from -1 (image left) to 1, v from 0 (upper edge) to 1 (lower edge).
    """

    def __init__(self, anatomy: Anatomy, design: MaskDesign, scene: Scene) -> None:
        face = Face(anatomy, NO_UNITS)
        slip, tilt, puff = scene.wear
        right = face.jaw_half(1.0)
        peak = 0.06 if design.kind == "n95" else 0.02
        width = anatomy.width
        upper = np.array(
            [[-0.97, 0.5], [-0.66, 0.44], [-0.32, 0.36], [0.0, 0.24 - peak], [0.32, 0.36], [0.66, 0.44], [0.97, 0.5]]
        )
        chin = face.chin[1] + 0.13 * design.height
        low = np.array([[right[3, 0] * 1.04, 0.98], [right[5, 0] * 1.05, right[5, 1] + 0.07], [0.3, chin - 0.05]])
        lower = np.concatenate([low * [-1.0, 1.0], [[0.0, chin]], low[::-1]])
        shift = np.array([0.0, slip])
        self._upper = smooth(upper * [width, 1.0] + shift + np.stack([np.zeros(7), upper[:, 0] * tilt], axis=1), 4)
        self._lower = smooth(lower + np.stack([np.zeros(7), np.full(7, slip * 0.3) + lower[:, 0] * tilt], axis=1), 4)
        self._puff = 0.13 + 0.02 * puff + (0.05 if design.kind == "n95" else 0.0)
        self.ear = (1.03 * width, 0.12)

    def at(self, u: Points, v: Points | float) -> Points:
        """Return face positions of mask coordinates."""
        place = np.linspace(-1.0, 1.0, len(self._upper))
        v = np.broadcast_to(np.asarray(v, dtype=np.float64), np.shape(u))
        columns = []
        for axis in (0, 1):
            top, bottom = np.interp(u, place, self._upper[:, axis]), np.interp(u, place, self._lower[:, axis])
            columns.append(top + (bottom - top) * v)
        return np.stack(columns, axis=1)

    def lift(self, u: Points, v: Points | float) -> Lift:
        """Return how far the mask stands off the head's surface, face units."""
        lift: Lift = self._puff * (1.0 - np.asarray(u) ** 2) * (0.45 + 0.55 * np.sin(np.pi * np.asarray(v)))
        return lift

    def edge(self) -> tuple[Points, Points]:
        """Return (u, v) around the outline."""
        there, back = np.linspace(-1.0, 1.0, 25), np.linspace(1.0, -1.0, 25)
        return np.concatenate([there, back]), np.concatenate([np.zeros(25), np.ones(25)])


def draw_mask(pen: Pen, alpha: Pen, subject: Subject, design: MaskDesign, scene: Scene) -> None:
    """Draw a mask in colour on ``pen`` and its region (255) on ``alpha``."""
    fit = Fit(subject.anatomy, design, scene)
    u, v = fit.edge()
    outline, lift = fit.at(u, v), fit.lift(u, v)
    loops = _loops(fit)
    string = design.second if design.kind != "n95" else mixed(design.second, (235, 235, 235), 0.4)
    for loop in loops:
        pen.fill(loop, string)
        alpha.fill(loop, 255)
    alpha.fill(outline, 255, lift)
    rng = stream(scene.jitter_key, "folds")
    with pen.inside(outline, lift) as cloth:
        cloth.fill(outline, design.colour, lift)
        _print(cloth, fit, design)
        _folds(cloth, fit, design, rng)
        {"surgical": _pleats, "n95": _seam, "cloth": _seam}[design.kind](cloth, fit, design)
        _hem(cloth, fit, design)


def _loops(fit: Fit) -> list[Points]:
    loops = []
    for side in (-1.0, 1.0):
        ends = fit.at(np.array([side * 0.98, side * 0.98]), np.array([0.05, 0.9]))
        ear = np.array([side * fit.ear[0], fit.ear[1]])
        for end, dip in ((ends[0], -0.03), (ends[1], 0.2)):
            bend = (end + ear) / 2 + np.array([side * 0.03, dip * 0.2])
            loops.append(stroke(smooth(np.stack([end, bend, moved(ear, 0.0, dip)]), 4), 0.028, taper=(1.0, 1.0)))
    return loops


def _curve(pen: Pen, fit: Fit, u: Points, v: Points, ink: Ink, width: float) -> None:
    """Draw a line given in mask coordinates."""
    lift = fit.lift(u, v)
    pen.fill(stroke(fit.at(u, v), width, taper=(1.0, 1.0)), ink, np.concatenate([lift, lift[::-1]]))


def _print(pen: Pen, fit: Fit, design: MaskDesign) -> None:
    """Draw the pattern of a cloth mask."""
    if design.pattern in ("stripes", "checks"):
        line = np.linspace(-1.0, 1.0, 17)
        for v in np.arange(0.08, 1.0, 0.15 * design.scale):
            _curve(pen, fit, line, np.full(17, v), design.second, 0.055 * design.scale)
    if design.pattern == "checks":
        for u in np.arange(-0.9, 1.0, 0.2 * design.scale):
            _curve(
                pen,
                fit,
                np.full(9, u),
                np.linspace(0.0, 1.0, 9),
                mixed(design.colour, design.second, 0.6),
                0.05 * design.scale,
            )
    if design.pattern in ("dots", "floral"):
        _motifs(pen, fit, design)


def _motifs(pen: Pen, fit: Fit, design: MaskDesign) -> None:
    """Draw rows of dots or of five-petalled flowers."""
    step, size = 0.17 * design.scale, 0.042 * design.scale
    rows = [np.arange(-0.95 + (row % 2) * step * 0.6, 1.0, step * 1.2) for row in range(int(0.92 / step) + 1)]
    u = np.concatenate(rows)
    v = np.concatenate([np.full(len(line), 0.08 + row * step) for row, line in enumerate(rows)])
    centres, lifts = fit.at(u, v)[:, None, :], fit.lift(u, v)[:, None]
    if design.pattern == "dots":
        pen.fill_all(centres + ellipse((0.0, 0.0), (size, size), 12), [design.second] * len(u), lifts)
        return
    for petal in range(5):
        angle = petal * 2.0 * np.pi / 5.0
        leaf = ellipse((size * float(np.cos(angle)), size * float(np.sin(angle))), (size * 0.6, size * 0.6), 8)
        pen.fill_all(centres + leaf, [design.second] * len(u), lifts)
    heart = mixed(design.second, (240, 210, 90), 0.7)
    pen.fill_all(centres + ellipse((0.0, 0.0), (size * 0.5, size * 0.5), 8), [heart] * len(u), lifts)


def _folds(pen: Pen, fit: Fit, design: MaskDesign, rng: Generator) -> None:
    """Draw the creases that wearing leaves near the sides; they differ from shot to shot."""
    for _ in range(5):
        side = -1.0 if rng.random() < 0.5 else 1.0
        start, reach = side * between(rng, 0.75, 1.0), between(rng, 0.15, 0.4)
        level = between(rng, 0.1, 0.9)
        u = np.linspace(start, start - side * reach, 5)
        v = np.clip(level + np.linspace(0.0, around(rng, 0.0, 0.08), 5), 0.02, 0.98)
        _curve(pen, fit, u, v, scaled(design.colour, between(rng, 0.84, 0.94)), 0.018)


def _pleats(pen: Pen, fit: Fit, design: MaskDesign) -> None:
    u = np.linspace(-1.0, 1.0, 17)
    for v in (0.3, 0.48, 0.66):
        _curve(pen, fit, u, v + 0.03 * (1.0 - u**2), scaled(design.colour, 0.8), 0.022)
        _curve(pen, fit, u, v + 0.03 * (1.0 - u**2) + 0.03, scaled(design.colour, 1.06), 0.02)


def _seam(pen: Pen, fit: Fit, design: MaskDesign) -> None:
    v = np.linspace(0.0, 1.0, 9)
    _curve(pen, fit, np.zeros(9), v, scaled(design.colour, 0.78), 0.022)
    _curve(pen, fit, np.full(9, 0.03), v, scaled(design.colour, 1.08), 0.014)


def _hem(pen: Pen, fit: Fit, design: MaskDesign) -> None:
    u = np.linspace(-1.0, 1.0, 25)
    edge = scaled(design.colour, 0.85) if design.kind != "surgical" else (206, 222, 232)
    for v in (0.0, 1.0):
        _curve(pen, fit, u, np.full(25, v), edge, 0.06)
    _curve(pen, fit, np.linspace(-0.3, 0.3, 9), np.full(9, 0.06), scaled(design.colour, 1.1), 0.02)


def draw_glasses(pen: Pen, alpha: Pen | None, subject: Subject) -> None:
    """Draw spectacles, which are worn over the mask: they are cut out of its region."""
    if subject.glasses is None:
        return
    ink = subject.glasses_colour
    gap = subject.anatomy.eye_gap
    for side in (-1.0, 1.0):
        rim = moved(_rim(subject.glasses), 0.45 * gap, 0.03)
        parts = [(rim, 0.034 if subject.glasses != "half" else 0.016)]
        if subject.glasses == "half":
            parts.append((rim[: len(rim) // 2 + 1], 0.045))
        parts.append((np.array([[0.44 * gap + 0.31, -0.04], [0.98 * subject.anatomy.width, -0.02]]), 0.03))
        for line, width in parts:
            _frame(pen, alpha, line * [side, 1.0], ink, width)
        glare = moved(np.array([[0.28, -0.1], [0.34, -0.12]]), 0.05 if side > 0 else 0.2, 0.0)
        _frame(pen, alpha, glare * [side, 1.0], mixed(subject.skin, (255, 255, 255), 0.7), 0.018)
    bridge = smooth(np.array([[-0.15, 0.0], [0.0, -0.045], [0.15, 0.0]]) * [gap, 1.0], 4)
    _frame(pen, alpha, bridge, ink, 0.034)


def _frame(pen: Pen, alpha: Pen | None, line: Points, ink: Ink, width: float) -> None:
    pen.line(line, ink, width, 0.1)
    if alpha is not None:
        alpha.line(line, 0, width, 0.1)


def _rim(kind: str) -> Points:
    """Return a lens' outline around the origin, upper half first."""
    angle = np.linspace(np.pi, 3.0 * np.pi, 33)
    power = 1.0 if kind == "round" else 0.55
    c, s = np.cos(angle), np.sin(angle)
    half = (0.27, 0.235) if kind == "round" else (0.3, 0.2)
    return np.stack([half[0] * np.sign(c) * np.abs(c) ** power, half[1] * np.sign(s) * np.abs(s) ** power], axis=1)
