"""How a mask lies on a face: its lines, fitted to landmarks that no expression moves.

Only eye corners (36, 39, 42, 45), nose bridge and tip (27, 30) and the upper face outline (0-2, 14-16) are looked at.
An open jaw or a smile moves mouth, chin and jaw corners; a mask that followed them would tell the expression it hides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from msde_toolkit.errors import DataError
from msde_toolkit.interfaces import Landmarks

Points = npt.NDArray[np.float64]
"""``[N, 2]`` x, y in pixels."""

# From eye line to chin, in units of the eye line to the nose tip and of the distance between the eyes: the two agree on
# a frontal face; their mean halves the error of a turned head (narrower eyes) and of a bowed one (shorter nose).
CHIN_BY_NOSE = 3.0
CHIN_BY_EYES = 1.62

PLEATS = ((0.24, 0.36), (0.50, 0.53), (0.76, 0.70))
"""Heights of the pleats as shares of the mask's height: at the side hems, at the middle."""


@dataclass(frozen=True)
class Wear:
    """How the mask is worn, each about -1 to 1; all zero is the middle of every range."""

    high: float = 0.0
    low: float = 0.0
    wide: float = 0.0
    tilt: float = 0.0
    pleats: float = 0.0


@dataclass(frozen=True)
class Fit:
    """The mask's lines.

    Attributes:
        outline: closed polygon.
        top: upper edge, left to right.
        seam: lower edge of the hem along ``top``.
        wire: the nose wire, inside the hem.
        pleats: one line a pleat, left to right.
        loops: ear loops, two a side.
        eyes: distance between the eyes, pixels: the unit of line widths.
        frame: the face's axes.
    """

    outline: Points
    top: Points
    seam: Points
    wire: Points
    pleats: tuple[Points, ...]
    loops: tuple[Points, ...]
    eyes: float
    frame: Frame


@dataclass(frozen=True)
class Frame:
    """A face's own axes: origin between the eyes, ``right`` along the eye line, ``down`` towards the chin.

    Positions along ``right``, pixels: the two sides of the face, the nose's ridge and tip, the chin. ``depth``: pixels
    from eye line to chin.
    """

    origin: Points
    right: Points
    down: Points
    left_side: float
    right_side: float
    ridge: float
    tip: float
    chin: float
    depth: float

    def at(self, x: float, t: float) -> Points:
        """``[2]`` x pixels to the right of the origin, at the share ``t`` of the way from eye line to chin."""
        point: Points = self.origin + self.right * x + self.down * (t * self.depth)
        return point

    def coordinates(self, height: int, width: int) -> tuple[Points, Points]:
        """``[H, W]`` twice, for each pixel centre: across (-1 left side, 1 right side) and down (0 eyes, 1 chin)."""
        y, x = np.mgrid[0:height, 0:width] + 0.5
        x, y = x - self.origin[0], y - self.origin[1]
        middle, half = (self.left_side + self.right_side) / 2, (self.right_side - self.left_side) / 2
        across = (x * self.right[0] + y * self.right[1] - middle) / half
        return across, (x * self.down[0] + y * self.down[1]) / self.depth


def fit(landmarks: Landmarks, wear: Wear) -> Fit:
    """The lines of a pleated mask from the bridge of the nose to under the chin.

    Args:
        landmarks: ``[68, 2]`` pixels, iBUG 300-W order.
        wear: how it is worn.

    Raises:
        DataError: if the landmarks are not 68 finite points of an upright face.
    """
    frame = frame_of(landmarks, wear.tilt)
    top_left, top = top_corner(frame, frame.left_side, wear), top_middle(frame, wear)
    top_right = top_corner(frame, frame.right_side, wear)
    bottom_left, bottom_right = (bottom_corner(frame, side, wear) for side in (frame.left_side, frame.right_side))
    bottom = bottom_middle(frame, wear)
    upper = smooth(
        np.array(
            [top_left, _cheek(frame, frame.left_side, wear), top, _cheek(frame, frame.right_side, wear), top_right]
        )
    )
    lower = smooth(
        np.array(
            [bottom_right, _jaw(frame, frame.right_side, wear), bottom, _jaw(frame, frame.left_side, wear), bottom_left]
        )
    )
    hem = frame.down * (0.055 * frame.depth)
    pleats = tuple(
        _pleat(
            (top_left, bottom_left),
            (top, bottom),
            (top_right, bottom_right),
            sides + 0.03 * wear.pleats,
            middle + 0.03 * wear.pleats,
        )
        for sides, middle in PLEATS
    )
    wire = upper[len(upper) * 3 // 8 : len(upper) * 5 // 8 + 1] + hem * 0.5
    loops = tuple(
        _loop(frame, corner, ear, rise)
        for corner, ear, rise in (
            (top_left, landmarks[1], -0.06),
            (bottom_left, landmarks[1], 0.10),
            (top_right, landmarks[15], -0.06),
            (bottom_right, landmarks[15], 0.10),
        )
    )
    return Fit(
        np.concatenate([upper, lower]), upper, upper + hem, wire, pleats, loops, frame.depth / CHIN_BY_EYES, frame
    )


def smooth(points: Points, steps: int = 8) -> Points:
    """``[(N - 1) * steps + 1, 2]``: the Catmull-Rom curve through ``points``, from the first to the last."""
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.arange(steps)[:, None] / steps
    pieces = [
        b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
        for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False)
    ]
    return np.concatenate([*pieces, points[-1:]])


def frame_of(landmarks: Landmarks, tilt: float) -> Frame:
    """The axes of a face, turned by ``tilt`` times 1.5 degrees.

    Raises:
        DataError: if the landmarks are not 68 finite points of an upright face.
    """
    if landmarks.shape != (68, 2) or not np.isfinite(landmarks).all():
        message = f"A mask needs landmarks [68, 2] of finite numbers, got {list(landmarks.shape)}."
        raise DataError(message)
    left, right = (landmarks[36] + landmarks[39]) / 2, (landmarks[42] + landmarks[45]) / 2
    eyes = float(np.hypot(*(right - left)))
    if eyes < 2.0:
        message = f"The landmarks put the eyes {eyes:.1f} pixels apart; a mask cannot be fitted."
        raise DataError(message)
    along = (right - left) / eyes
    angle = np.deg2rad(1.5 * tilt)
    along = np.array(
        [along[0] * np.cos(angle) - along[1] * np.sin(angle), along[0] * np.sin(angle) + along[1] * np.cos(angle)]
    )
    down = np.array([-along[1], along[0]])
    origin = (left + right) / 2

    def x(index: int) -> float:
        return float((landmarks[index] - origin) @ along)

    sides = (x(1) + x(2)) / 2, (x(14) + x(15)) / 2
    nose = float((landmarks[30] - origin) @ down)
    if nose <= 0.0 or not sides[0] < min(x(27), 0.0) <= max(x(27), 0.0) < sides[1]:
        message = "The landmarks do not show a face: the nose lies above the eyes or outside the cheeks (mirrored?)."
        raise DataError(message)
    depth = (CHIN_BY_NOSE * max(nose, 0.3 * eyes) + CHIN_BY_EYES * eyes) / 2
    # On a turned head the nose stands out before the far cheek; the cloth does not fold back behind it.
    ridge, tip = (float(np.clip(at, 0.8 * sides[0], 0.8 * sides[1])) for at in ((x(27) + x(30)) / 2, x(30)))
    chin = (tip + (sides[0] + sides[1]) / 2) / 2
    return Frame(origin, along, down, *sides, ridge, tip, chin, depth)


def _between(start: float, end: float, share: float) -> float:
    return start + (end - start) * share


def bottom_middle(frame: Frame, wear: Wear) -> Points:
    """``[2]`` under the chin of the closed mouth."""
    return frame.at(frame.chin, 1.06 + 0.03 * wear.low)


def _cheek(frame: Frame, side: float, wear: Wear) -> Points:
    return frame.at(_between(frame.ridge, side, 0.50), 0.315 - 0.02 * wear.high)


def top_middle(frame: Frame, wear: Wear) -> Points:
    """``[2]`` on the bridge of the nose."""
    return frame.at(frame.ridge, 0.19 - 0.03 * wear.high)


def top_corner(frame: Frame, side: float, wear: Wear) -> Points:
    """``[2]`` where the upper edge meets the outline of the cheek on this side."""
    return frame.at(_between(frame.ridge, side, 0.93 + 0.03 * wear.wide), 0.37 - 0.02 * wear.high)


def bottom_corner(frame: Frame, side: float, wear: Wear) -> Points:
    """``[2]`` where the lower edge meets the outline of the cheek on this side."""
    return frame.at(_between(frame.tip, side, 0.90 + 0.03 * wear.wide), 0.70 + 0.02 * wear.low)


def _jaw(frame: Frame, side: float, wear: Wear) -> Points:
    return frame.at(_between(frame.chin, side, 0.61 + 0.03 * wear.wide), 0.97 + 0.02 * wear.low)


def _pleat(
    left: tuple[Points, Points],
    middle: tuple[Points, Points],
    right: tuple[Points, Points],
    sides: float,
    centre: float,
) -> Points:
    ends = [start + (end - start) * sides for start, end in (left, right)]
    mid = middle[0] + (middle[1] - middle[0]) * centre
    quarter = [end + (mid - end) * 0.5 + (mid - (ends[0] + ends[1]) / 2) * 0.18 for end in ends]
    return smooth(np.array([ends[0], quarter[0], mid, quarter[1], ends[1]]))


def _loop(frame: Frame, corner: Points, ear: Points, sag: float) -> Points:
    outward = np.sign((ear - frame.origin) @ frame.right)
    end = ear + frame.right * (outward * 0.03 * frame.depth)
    middle = (corner + end) / 2 + frame.down * (sag * frame.depth * 0.3) + frame.right * (outward * 0.01 * frame.depth)
    return smooth(np.array([corner, middle, end]))
