"""The 68 landmarks: where they lie in an aligned face crop, for images without their own, and where the eyes are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from msde_toolkit.interfaces import Landmarks

# fmt: off
# The left half of the picture in the iBUG 300-W order; the right half mirrors it. Numbers are ours, read off the mean
# faces of FER2013-like (48x48) and RAF-DB-like (100x100) crops: eyes near y = .39, mouth near .77, chin at the edge.
_JAW = [(.135, .390), (.140, .480), (.153, .568), (.176, .655), (.214, .740), (.270, .822), (.340, .892), (.418, .945)]
_CHIN = (.500, .965)
_BROW = [(.195, .318), (.236, .292), (.288, .282), (.343, .290), (.398, .308)]
_BRIDGE = [(.500, .385), (.500, .452), (.500, .518), (.500, .582)]
_NOSTRIL = [(.422, .627), (.460, .642)]
_NOSE_BASE = (.500, .650)
# outer corner, lid, inner corner, below:
_EYE = [(.255, .395), (.302, .372), (.350, .374), (.396, .398), (.349, .410), (.302, .410)]
_UPPER_LIP, _UPPER_LIP_MID = [(.368, .776), (.415, .748), (.465, .734)], (.500, .742)
_LOWER_LIP, _LOWER_LIP_MID = [(.412, .812), (.458, .834)], (.500, .840)
_INNER_UPPER, _INNER_UPPER_MID = [(.385, .778), (.458, .767)], (.500, .770)
_INNER_LOWER, _INNER_LOWER_MID = [(.458, .795)], (.500, .798)
# fmt: on

Point = tuple[float, float]


def canonical_landmarks(width: int, height: int) -> Landmarks:
    """``[68, 2]`` x, y in pixels of an upright, centred face crop of this size, in the iBUG 300-W order.

    They fit the average face, not the one in the picture: a turned head or a wide-open jaw lies off by several percent
    of the width.
    """
    pixels: npt.NDArray[np.float64] = _UNIT * np.array([width, height], dtype=np.float64)
    return pixels


def eye_centres(landmarks: Landmarks) -> npt.NDArray[np.float64]:
    """``[2, 2]`` x, y of the eye on the left of the picture, then of the other: the mean of its six points."""
    return np.stack([landmarks[36:42].mean(axis=0), landmarks[42:48].mean(axis=0)])


def _mirrored(points: list[Point]) -> list[Point]:
    return [(1.0 - x, y) for x, y in points]


def _unit_points() -> npt.NDArray[np.float64]:
    jaw = [*_JAW, _CHIN, *_mirrored(_JAW[::-1])]
    brows = [*_BROW, *_mirrored(_BROW[::-1])]
    nose = [*_BRIDGE, *_NOSTRIL, _NOSE_BASE, *_mirrored(_NOSTRIL[::-1])]
    right_eye = _mirrored([_EYE[corner] for corner in (3, 2, 1, 0, 5, 4)])
    outer = [*_UPPER_LIP, _UPPER_LIP_MID, *_mirrored(_UPPER_LIP[::-1])]
    outer += [*_mirrored(_LOWER_LIP), _LOWER_LIP_MID, *_LOWER_LIP[::-1]]
    inner = [*_INNER_UPPER, _INNER_UPPER_MID, *_mirrored(_INNER_UPPER[::-1])]
    inner += [*_mirrored(_INNER_LOWER), _INNER_LOWER_MID, *_INNER_LOWER]
    return np.array([*jaw, *brows, *nose, *_EYE, *right_eye, *outer, *inner], dtype=np.float64)


_UNIT = _unit_points()
