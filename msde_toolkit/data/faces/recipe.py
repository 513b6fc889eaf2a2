"""How a face is cut out of a photo: written down, so that every photo of a study, and of a later test, is cut alike."""

from __future__ import annotations

import re
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, field_validator

from msde_toolkit.errors import InputError
from msde_toolkit.interfaces import Landmarks
from msde_toolkit.landmarks import canonical_landmarks, eye_centres

Points = npt.NDArray[np.float64]
"""``[n, 2]`` x, y in pixels; 0, 0 is the picture's corner, the centre of its first pixel lies at 0.5, 0.5."""

Matrix = npt.NDArray[np.float64]
"""``[2, 3]``: a point of the photo times this, plus its last column, is the point in the crop."""

_TEXT = re.compile(r"(?P<rule>\w+) v(?P<version>\d+), margin (?P<margin>[\d.e+-]+), size (?P<size>\d+)")


class Recipe(BaseModel):
    """A similarity (turn, scale, shift; no distortion) that puts both eyes at fixed places of a square crop.

    The eyes show with and without a mask, so both conditions get the same rule and the same scale. With margin 0 they
    lie where ``canonical_landmarks`` has them: at .326 and .674 of the width, .393 of the height.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    rule: Literal["eyes"] = Field("eyes", description="What is brought to a fixed place.")
    margin: float = Field(0.0, ge=0, le=3, description="Shows so much more around the face: 0.2 is 20 % wider.")
    size: int = Field(224, ge=32, le=2048, description="Side of the crop in pixels.")
    version: Literal[1] = Field(1, description="Of the rule.")

    @field_validator("margin")
    @classmethod
    def _one_zero(cls, margin: float) -> float:
        return margin + 0.0  # -0.0 is 0.0, but would not read so

    def __str__(self) -> str:
        """As it stands in a manifest's column ``prep``."""
        return f"{self.rule} v{self.version}, margin {self.margin!r}, size {self.size}"

    @classmethod
    def parse(cls, text: str) -> Recipe:
        """Read back what ``str`` gave.

        Raises:
            InputError: if it is something else.
        """
        found = _TEXT.fullmatch(text)
        try:
            return cls(
                rule=found["rule"],  # type: ignore[index]
                version=int(found["version"]),  # type: ignore[index]
                margin=float(found["margin"]),  # type: ignore[index]
                size=int(found["size"]),  # type: ignore[index]
            )
        except (TypeError, ValueError) as error:
            message = f"prep {text!r} is no face recipe that this version knows (such as '{cls()}')."
            raise InputError(message) from error

    def to_crop(self, eyes: Points) -> Matrix:
        """The similarity from the photo to the crop.

        Args:
            eyes: ``[2, 2]`` their centres in the photo, the one on the left of the picture first, not both the same.
        """
        # As complex numbers a similarity is one product and one sum.
        (first, second), (left, right) = (points @ [1, 1j] for points in (eyes, self._in_crop(_EYES)))
        turn = (right - left) / (second - first)
        shift = left - turn * first
        return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])

    def average_landmarks(self) -> Landmarks:
        """``[68, 2]`` where the average face has its landmarks in the crop."""
        return self._in_crop(canonical_landmarks(1, 1))

    def _in_crop(self, unit: Points) -> Points:
        """Points of the crop without a margin, in shares of its side, as pixels of this crop."""
        pixels: Points = self.size * (0.5 + (unit - 0.5) / (1 + self.margin))
        return pixels


_EYES = eye_centres(canonical_landmarks(1, 1))


def carried(points: Points, matrix: Matrix) -> Points:
    """``[n, 2]`` points of the photo, in the crop."""
    there: Points = points @ matrix[:, :2].T + matrix[:, 2]
    return there


def scale_of(matrix: Matrix) -> float:
    """How many pixels of the crop one pixel of the photo becomes."""
    return float(np.hypot(*matrix[:, 0]))


def inverse(matrix: Matrix) -> Matrix:
    """From the crop back to the photo."""
    turn = np.linalg.inv(matrix[:, :2])
    return np.column_stack([turn, -turn @ matrix[:, 2]])


def share_inside(matrix: Matrix, size: int, photo: tuple[int, int]) -> float:
    """How much of the crop shows the photo; the rest lies beyond its edge.

    Args:
        matrix: from the photo to the crop.
        size: side of the crop.
        photo: width and height of the photo.
    """
    middle = (np.arange(16) + 0.5) * size / 16
    grid = np.stack(np.meshgrid(middle, middle), axis=-1).reshape(-1, 2)
    there = carried(grid, inverse(matrix))
    return float(((there >= 0) & (there <= photo)).all(axis=1).mean())
