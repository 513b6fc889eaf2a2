"""Where the anchor points of a template come to lie on a face, and which way the face looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from msde_masks.fit import Frame, Points, Wear, bottom_corner, bottom_middle, frame_of, top_corner, top_middle
from msde_toolkit.interfaces import Landmarks

ANCHORS = ("nose", "left_top", "right_top", "left_bottom", "right_bottom", "chin")
"""Places on the face, left and right as in the picture; ``Placing.points`` has their order."""

Fitted = Literal["neutral", "chin"]
UNDER_THE_CHIN = 0.06
"""How far below the chin's landmark a mask ends that follows it, as a share of the way from the eyes."""


@dataclass(frozen=True)
class Placing:
    """A template's place on a face.

    Attributes:
        points: ``[6, 2]`` pixels, in the order of ``ANCHORS``.
        yaw: degrees by which the head is turned, roughly; negative: to the left of the picture.
        frame: the face's axes.
        ears: ``[2, 2]`` pixels, left and right: the outline of the face at the ear.
    """

    points: Points
    yaw: float
    frame: Frame
    ears: Points

    @property
    def width(self) -> float:
        """Pixels between the upper corners."""
        return float(np.hypot(*(self.points[2] - self.points[1])))

    @property
    def height(self) -> float:
        """Pixels from the bridge of the nose to under the chin."""
        return float(np.hypot(*(self.points[5] - self.points[0])))


def place(landmarks: Landmarks, wear: Wear, fitted: Fitted = "neutral") -> Placing:
    """The place of a template.

    Args:
        landmarks: ``[68, 2]`` pixels, iBUG 300-W order.
        wear: how it is worn; ``pleats`` says nothing here.
        fitted: ``neutral`` uses landmarks that no expression moves; ``chin`` takes the lower three points from the jaw
            (4, 8, 12), as other tools do, so that the mask grows as the jaw drops.

    Raises:
        DataError: if the landmarks are not 68 finite points of an upright face.
    """
    frame = frame_of(landmarks, wear.tilt)
    lower = _on_the_jaw(frame, landmarks, wear) if fitted == "chin" else _at_rest(frame, wear)
    upper = [top_corner(frame, side, wear) for side in (frame.left_side, frame.right_side)]
    ears = np.array([landmarks[1], landmarks[15]])
    return Placing(np.array([top_middle(frame, wear), *upper, *lower]), _yaw(frame, landmarks), frame, ears)


def _at_rest(frame: Frame, wear: Wear) -> list[Points]:
    corners = [bottom_corner(frame, side, wear) for side in (frame.left_side, frame.right_side)]
    return [*corners, bottom_middle(frame, wear)]


def _on_the_jaw(frame: Frame, landmarks: Landmarks, wear: Wear) -> list[Points]:
    under = frame.down * (UNDER_THE_CHIN + 0.03 * wear.low) * frame.depth
    return [landmarks[4], landmarks[12], landmarks[8] + under]


def _yaw(frame: Frame, landmarks: Landmarks) -> float:
    """From the nose's tip, which stands before the face by about half of its width, and the middle of its sides."""
    middle, half = (frame.left_side + frame.right_side) / 2, (frame.right_side - frame.left_side) / 2
    tip = float((landmarks[30] - frame.origin) @ frame.right)
    return float(np.degrees(np.arctan((tip - middle) / half)))
