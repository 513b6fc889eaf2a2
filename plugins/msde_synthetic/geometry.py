"""The face as 68 landmarks: identity shapes them, action units move them.

Landmarks follow iBUG 300-W (0-16 jaw, 17-26 brows, 27-35 nose, 36-47 eyes, 48-67 mouth), in face units (see
``subjects``). Sides are the image's: -1 left, 1 right. Displacements were set by eye against FACS descriptions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import TypeVar

import numpy as np

from msde_synthetic.curves import Points
from msde_synthetic.facs import UNITS, Units
from msde_synthetic.subjects import Anatomy

NO_UNITS: Units = dict.fromkeys(UNITS, (0.0, 0.0))

JAW = np.array(
    [[1.0, 0.02], [0.99, 0.29], [0.965, 0.55], [0.915, 0.81], [0.81, 1.06], [0.655, 1.27], [0.46, 1.43], [0.235, 1.54]]
)
"""Right half of the jaw line from the ear down; the chin (0, 1.57) completes it."""

BROW_X = np.array([0.165, 0.30, 0.45, 0.60, 0.735])
BROW_Y = np.array([-0.245, -0.295, -0.325, -0.31, -0.235])
"""Right brow from the inner to the outer end."""

EYE_CENTRE = 0.445
EYE_HALF_WIDTH = 0.232


T = TypeVar("T")


def _once_a_side(method: Callable[[Face, float], T]) -> Callable[[Face, float], T]:
    """Keep a method's answer for each side; callers must not change it."""

    @wraps(method)
    def kept(face: Face, side: float) -> T:
        cache: dict[tuple[str, float], T] = face.__dict__.setdefault("_kept", {})
        key = (method.__name__, side)
        if key not in cache:
            cache[key] = method(face, side)
        return cache[key]

    return kept


@dataclass(frozen=True)
class Eye:
    """One eye in face units.

    Attributes:
        centre: Middle between the corners.
        half_width: Half the distance of the corners.
        upper: Height of the upper lid's margin above the line of corners; it may be close to zero.
        lower: Depth of the lower lid's margin below that line.
        peak: Where the upper lid is highest, -1 inner corner to 1 outer corner.
        tilt: Rise of the outer corner.
        side: -1 image left, 1 image right.
    """

    centre: tuple[float, float]
    half_width: float
    upper: float
    lower: float
    peak: float
    tilt: float
    side: float

    def lid(self, share: Points, *, upper: bool) -> Points:
        """Return points of a lid's margin; ``share`` runs from -1 (inner corner) to 1 (outer corner)."""
        skew = share - self.peak * (1.0 - share**2) * (1.0 if upper else -0.4)
        rise = 1.0 - np.abs(skew) ** 2.2
        y = -self.upper * rise if upper else self.lower * rise
        x = self.side * share * self.half_width
        return np.stack([self.centre[0] + x, self.centre[1] + y - self.tilt * share], axis=1)


@dataclass(frozen=True)
class Face:
    """A face with an expression."""

    anatomy: Anatomy
    units: Units

    def unit(self, number: int, side: float) -> float:
        """Return the activation of a unit on a side, 0 to 1."""
        return self.units[number][0 if side < 0 else 1]

    def both(self, number: int) -> float:
        """Return the mean activation of a unit, 0 to 1."""
        return (self.units[number][0] + self.units[number][1]) / 2.0

    @property
    def drop(self) -> float:
        """How far the lower teeth have gone down, face units."""
        return 0.32 * self.both(26) + 0.17 * self.both(27)

    @property
    def chin_drop(self) -> float:
        """How far the chin has gone down, face units: less than the teeth, as the jaw turns rather than slides."""
        return 0.33 * self.drop - 0.025 * self.both(17)

    @_once_a_side
    def jaw_half(self, side: float) -> Points:
        """Return the jaw line from the ear to next to the chin, [8, 2]."""
        a = self.anatomy
        depth = np.linspace(0.0, 1.0, 8)
        x = JAW[:, 0] * a.width * (1.0 + (a.jaw - 1.0) * depth) + a.square * np.sin(np.pi * depth) * 0.8
        x = x + 0.05 * (a.cheeks - 0.3) * np.exp(-((depth - 0.4) ** 2) / 0.06)
        x = x + 0.02 * self.unit(12, side) * np.exp(-((depth - 0.45) ** 2) / 0.04)
        y = JAW[:, 1] * a.length + a.chin * depth**2 + self.chin_drop * depth**1.5
        return np.stack([side * x, y], axis=1)

    @property
    def chin(self) -> tuple[float, float]:
        """Lowest point of the chin."""
        return (0.0, 1.57 * self.anatomy.length + self.anatomy.chin + self.chin_drop)

    @_once_a_side
    def brow(self, side: float) -> Points:
        """Return the brow's middle line from the inner to the outer end, [5, 2]."""
        a = self.anatomy
        t = np.linspace(0.0, 1.0, 5)
        inner, outer = np.clip(1.15 - 1.5 * t, 0.0, 1.0), np.clip(1.35 * t - 0.1, 0.0, 1.0)
        raise_inner, raise_outer, lower = self.unit(1, side), self.unit(2, side), self.unit(4, side)
        y = BROW_Y + a.brow_height - a.brow_arch * np.sin(np.pi * t) - a.brow_tilt * (t - 0.5) * 2.0
        y = y - 0.098 * raise_inner * inner - 0.106 * raise_outer * outer
        y = y + lower * (0.086 * inner * (1.0 - 0.75 * raise_inner) + 0.04) + 0.035 * self.unit(9, side) * inner
        y = y - 0.02 * self.unit(5, side) + 0.012 * self.unit(6, side)
        x = BROW_X * a.eye_gap - 0.05 * lower * inner + 0.01 * raise_outer * outer
        return np.stack([side * x, y], axis=1)

    @_once_a_side
    def eye(self, side: float) -> Eye:
        """Return an eye."""
        a = self.anatomy
        wide, tight, cheek = self.unit(5, side), self.unit(7, side), self.unit(6, side)
        closed = self.unit(43, side)
        upper = 0.12 * a.eye_open * (1.0 + 0.37 * wide - 0.2 * tight - 0.2 * cheek - 0.75 * closed)
        upper *= 1.0 - 0.22 * self.unit(4, side) * (1.0 - wide) - 0.2 * self.unit(9, side)
        lower = 0.075 * a.eye_open * (1.0 + 0.12 * wide - 0.43 * tight - 0.46 * cheek - 0.35 * self.unit(9, side))
        # A raised inner brow pulls the lid's inner half up, a lowered one presses it down.
        peak = -0.1 - 0.28 * self.unit(1, side) + 0.22 * self.unit(2, side) + 0.25 * self.unit(4, side)
        return Eye(
            centre=(side * EYE_CENTRE * a.eye_gap, 0.0),
            half_width=EYE_HALF_WIDTH * a.eye_width,
            upper=max(0.022, upper),
            lower=max(0.012, lower),
            peak=peak,
            tilt=a.eye_tilt + 0.012,
            side=side,
        )

    @property
    def nose_base(self) -> float:
        """Height of the nose's underside."""
        return 0.64 * self.anatomy.nose_length - 0.03 * self.both(9) - 0.012 * self.both(10)

    @cached_property
    def nostrils(self) -> Points:
        """Return landmarks 31-35, the underside of the nose."""
        half = (
            0.215 * self.anatomy.nose_width * (1.0 + 0.08 * self.both(9) + 0.06 * self.both(12) + 0.06 * self.both(10))
        )
        lift = np.array([-self.unit(9, -1) * 0.05, 0.0, 0.025, 0.0, -self.unit(9, 1) * 0.05])
        x = np.array([-half, -0.5 * half, 0.0, 0.5 * half, half])
        return np.stack([x, self.nose_base + lift - np.array([0.03, 0.0, 0.0, 0.0, 0.03])], axis=1)

    def mouth_corner(self, side: float) -> tuple[float, float]:
        """Return a corner of the mouth."""
        a = self.anatomy
        smile, frown, stretch = self.unit(12, side), self.unit(15, side), self.unit(20, side)
        narrow = (
            0.07 * self.both(23)
            + 0.02 * self.both(24)
            + 0.025 * self.both(17)
            + 0.055 * self.both(27)
            + 0.03 * self.both(26)
        )
        x = 0.4 * a.mouth_width + 0.15 * smile + 0.13 * stretch + 0.02 * frown - narrow
        y = self.mouth_y - 0.26 * smile + 0.25 * frown + 0.025 * stretch + 0.3 * self.drop - 0.02 * self.unit(10, side)
        return (side * x, y)

    @property
    def mouth_y(self) -> float:
        """Height of the closed lips' line."""
        return (1.0 + self.anatomy.mouth_height) * (0.5 + 0.5 * self.anatomy.length)

    @cached_property
    def lips(self) -> dict[str, Points]:
        """Return the four lip lines from the image's left to its right corner, 7 points each.

        ``outer_upper``, ``inner_upper``, ``inner_lower``, ``outer_lower``; all share the corners.
        """
        a = self.anatomy
        left, right = np.array(self.mouth_corner(-1)), np.array(self.mouth_corner(1))
        t = np.linspace(-1.0, 1.0, 7)
        base = left + (right - left) * ((t + 1.0) / 2.0)[:, None]
        arch = 1.0 - t**2
        thin = 1.0 - 0.45 * self.both(23) - 0.4 * self.both(24) - 0.18 * self.both(20)
        smile, frown = self.both(12), self.both(15)
        middle = self.mouth_y - 0.008 * smile - 0.065 * self.both(17)
        # Gap between the lips: parted by AU25, opened by the jaw.
        part = self.both(25)
        gap = (0.15 * part + 0.85 * self.drop) * (0.35 + 0.65 * max(part, min(1.0, 2.5 * self.drop)))
        up = middle - 0.012 * part - 0.1 * self.both(10) - 0.03 * self.both(9) - 0.03 * part * smile
        sag = arch**0.8
        upper_y = base[:, 1] * (1 - sag) + (up + 0.02 * smile) * sag
        round_open = np.clip(1.0 - np.abs(t) ** 2.4, 0.0, 1.0)
        lower_y = upper_y + gap * (0.6 * round_open + 0.4 * arch) + 0.02 * self.both(10) * part * arch
        bow = np.array([0.0, 0.55, 0.92, 0.82, 0.92, 0.55, 0.0])
        top = upper_y - (0.12 * a.upper_lip * thin * (1.0 - 0.28 * smile)) * bow
        pout = 0.02 * self.both(17) - 0.01 * frown
        bottom = lower_y + (0.145 * a.lower_lip * thin * (1.0 - 0.12 * smile) + pout) * np.array(
            [0, 0.6, 0.93, 1.0, 0.93, 0.6, 0]
        )
        names = ("outer_upper", "inner_upper", "inner_lower", "outer_lower")
        return {
            name: np.stack([base[:, 0], y], axis=1)
            for name, y in zip(names, (top, upper_y, lower_y, bottom), strict=True)
        }

    @cached_property
    def landmarks(self) -> Points:
        """Return the 68 iBUG landmarks, [68, 2], face units."""
        jaw = np.concatenate([self.jaw_half(-1), np.array([self.chin]), self.jaw_half(1)[::-1]])
        bridge = np.stack([np.zeros(4), np.linspace(0.02, self.nose_base - 0.1, 4)], axis=1)
        lips = self.lips
        mouth = np.concatenate([lips["outer_upper"], lips["outer_lower"][5:0:-1]])
        # Inner corners lie a little inside the outer ones, as annotated in 300-W.
        inset = np.array([[0.03, 0.0], [-0.03, 0.0]]) + lips["inner_upper"][[0, 6]]
        inner = np.concatenate([inset[:1], lips["inner_upper"][[2, 3, 4]], inset[1:], lips["inner_lower"][[4, 3, 2]]])
        return np.concatenate(
            [
                jaw,
                self.brow(-1)[::-1],
                self.brow(1),
                bridge,
                self.nostrils,
                self._eye_points(-1),
                self._eye_points(1),
                mouth,
                inner,
            ]
        )

    def _eye_points(self, side: float) -> Points:
        """Return an eye's six landmarks: from the image's left corner over the upper lid, back along the lower."""
        eye = self.eye(side)
        upper = eye.lid(np.array([-1.0, -0.35, 0.35, 1.0]), upper=True)
        lower = eye.lid(np.array([-0.35, 0.35]), upper=False)
        if side < 0:
            return np.concatenate([upper[::-1], lower])
        return np.concatenate([upper, lower[::-1]])
