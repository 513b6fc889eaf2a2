"""A template: a mask as data. A TOML file says what it is and where its anchor points lie, PNG files show it.

title = "Cloth mask, green"
licence = "CC0-1.0"
colour = "green"

[frontal]
image = "green.png"
nose = [160, 10]
left_top = [20, 80]
right_top = [300, 80]
left_bottom = [30, 160]
right_bottom = [290, 160]
chin = [160, 250]
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from msde_masks.anchors import ANCHORS
from msde_masks.fit import Points
from msde_toolkit.errors import DataError

ViewName = Literal["frontal", "left", "right"]
LARGEST = 4096
"""Pixels of a picture's longer side."""
LEVELS = 4
"""Each half the size of the one before."""
FARTHEST = 1.0
"""How far outside its picture an anchor may lie, in sides of the picture."""
SMALLEST = 1.0
"""Square pixels of the triangle of two upper corners and chin."""

Point = tuple[float, float]
Colour = tuple[float, float, float]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ViewTable(_Table):
    """One view in the file: its picture and, in the picture's pixels, what belongs where on the face."""

    image: str = Field(min_length=1)
    nose: Point
    left_top: Point
    right_top: Point
    left_bottom: Point
    right_bottom: Point
    chin: Point
    straps_left: tuple[Point, ...] = Field((), max_length=2)
    straps_right: tuple[Point, ...] = Field((), max_length=2)


class TemplateTable(_Table):
    """The file."""

    title: str = Field(min_length=1)
    licence: str = Field(min_length=1)
    colour: str = Field(min_length=1)
    source: str = ""
    tint: tuple[int, int, int] = (255, 255, 255)
    straps: Literal["ears", "head", "none"] = "none"
    strap_colour: tuple[int, int, int] = (232, 235, 238)
    frontal: ViewTable
    left: ViewTable | None = None
    right: ViewTable | None = None


@dataclass(frozen=True)
class View:
    """A picture with its points.

    Attributes:
        levels: Pillow images of mode RGBa, the full picture first, each half as large as the one before.
        anchors: ``[6, 2]`` pixels of the full picture, in the order of ``ANCHORS``.
        straps: pixels where straps are fixed, from above, on the left and on the right of the picture.
    """

    levels: tuple[Any, ...]
    anchors: Points
    straps: tuple[Points, Points]

    @property
    def size(self) -> tuple[int, int]:
        """Width, height of the full picture."""
        width, height = self.levels[0].size
        return int(width), int(height)


@dataclass(frozen=True)
class Template:
    """A mask to be put on faces.

    Attributes:
        name: the file's, without ending.
        table: what the file says.
        views: ``frontal`` always; ``left`` and ``right`` show a head turned to this side of the picture.
        digest: of all files it is made of.
    """

    name: str
    table: TemplateTable
    views: Mapping[ViewName, View]
    digest: str

    def view(self, yaw: float, side_from: float) -> ViewName:
        """Which view a head shows that is turned by ``yaw`` degrees; negative: to the left of the picture."""
        side: ViewName = "left" if yaw < 0 else "right"
        return side if abs(yaw) >= side_from and side in self.views else "frontal"


def read_template(path: Path) -> Template:
    """A template's file with its pictures.

    Raises:
        DataError: naming file and key: it is missing or no TOML, a key is missing, unknown or wrong, a picture is
            missing, outside the file's folder, damaged, too large, without or all transparent, or its anchor points
            fit no face.
    """
    try:
        data = path.read_bytes()
        table = TemplateTable.model_validate(tomllib.loads(data.decode("utf-8")))
    except OSError as error:
        message = f"Template {path}: cannot be read ({error.strerror or type(error).__name__})."
        raise DataError(message) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"Template {path} is not a TOML file: {error}."
        raise DataError(message) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        message = f"Template {path}: {'.'.join(map(str, first['loc']))}: {first['msg']}. See docs/masks.md."
        raise DataError(message) from error
    hashed = hashlib.sha256(data)
    views: dict[ViewName, View] = {}
    sides: Sequence[tuple[ViewName, ViewTable | None]] = (
        ("frontal", table.frontal), ("left", table.left), ("right", table.right),
    )  # fmt: skip
    for name, given in sides:
        if given is not None:
            picture, view = _view(path, name, given)
            hashed.update(picture)
            views[name] = view
    for name, other in (("left", "right"), ("right", "left")):
        if name not in views and other in views:
            views[name] = _mirrored(views[other])
    return Template(path.stem, table, views, hashed.hexdigest())


def _view(path: Path, name: str, given: ViewTable) -> tuple[bytes, View]:
    where = f"Template {path}: {name}.image = {given.image!r}"
    file = (path.parent / given.image).resolve()
    if not file.is_relative_to(path.parent.resolve()):
        message = f"{where} lies outside the template's folder; put the picture beside the TOML file."
        raise DataError(message)
    try:
        data = file.read_bytes()
    except OSError as error:
        message = f"{where}: cannot be read ({error.strerror or type(error).__name__})."
        raise DataError(message) from error
    picture = _picture(file, where)
    anchors = np.array([getattr(given, anchor) for anchor in ANCHORS], dtype=np.float64)
    _check_anchors(anchors, picture.size, f"Template {path}: {name}")
    levels = [picture]
    while len(levels) < LEVELS and min(levels[-1].size) >= 16:
        levels.append(levels[-1].reduce(2))
    straps = [np.array(points, dtype=np.float64).reshape(-1, 2) for points in (given.straps_left, given.straps_right)]
    return data, View(tuple(levels), anchors, (straps[0], straps[1]))


def _picture(file: Path, where: str) -> Any:
    """As RGBa: colours multiplied by alpha, so that what is transparent has no colour to bleed."""
    from PIL import Image as Pillow

    try:
        with Pillow.open(file) as opened:
            if opened.format != "PNG":
                message = f"{where} is a {opened.format}, not a PNG with alpha."
                raise DataError(message)
            if max(opened.size) > LARGEST:
                message = f"{where} has {opened.width} x {opened.height} pixels; {LARGEST} a side are the most."
                raise DataError(message)
            if not opened.has_transparency_data:
                message = f"{where} has no alpha: make transparent what is not mask."
                raise DataError(message)
            picture = opened.convert("RGBA")
    except (OSError, SyntaxError, ValueError, Pillow.DecompressionBombError) as error:
        message = f"{where}: damaged ({error})."
        raise DataError(message) from error
    if not (np.asarray(picture)[..., 3] == 255).any():
        message = f"{where}: no pixel of it is opaque."
        raise DataError(message)
    return picture.convert("RGBa")


def _check_anchors(anchors: Points, size: tuple[int, int], where: str) -> None:
    far = np.array(size) * FARTHEST
    if ((anchors < -far) | (anchors > np.array(size) + far)).any():
        message = f"{where}: an anchor point lies far outside the picture of {size[0]} x {size[1]} pixels."
        raise DataError(message)
    nose, left_top, right_top, left_bottom, right_bottom, chin = anchors
    upright = max(nose[1], left_top[1], right_top[1]) < chin[1] and nose[1] < min(left_bottom[1], right_bottom[1])
    sides = left_top[0] < right_top[0] and left_bottom[0] < right_bottom[0]
    columns = left_top[1] < left_bottom[1] and right_top[1] < right_bottom[1]
    (a, b), (c, d) = right_top - left_top, chin - left_top
    if not (upright and sides and columns) or abs(a * d - b * c) / 2 < SMALLEST:
        message = (
            f"{where}: the anchor points fit no face. They are x, y in pixels from the upper left corner; left and "
            "right are the picture's; corners lie below the nose's point and above the chin's."
        )
        raise DataError(message)


def _mirrored(view: View) -> View:
    from PIL import Image as Pillow

    def flipped(points: Points) -> Points:
        return np.column_stack([view.size[0] - points[:, 0], points[:, 1]])

    levels = tuple(level.transpose(Pillow.Transpose.FLIP_LEFT_RIGHT) for level in view.levels)
    left, right = view.straps
    return View(levels, flipped(view.anchors)[[0, 2, 1, 4, 3, 5]], (flipped(right), flipped(left)))
