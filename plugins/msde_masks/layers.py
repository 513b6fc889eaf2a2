"""A template on the pixel grid of a photo: the mask's picture, and the straps that lie under it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from msde_masks.anchors import Placing
from msde_masks.fit import CHIN_BY_EYES, Points, smooth
from msde_masks.template import Template, View, ViewName
from msde_masks.warp import through, warped

Pixels = npt.NDArray[np.uint8]

FINE = 512
"""Subpixels of the longer side that are aimed at, with 2 to 4 a pixel."""
STRAP = 0.035
"""Width of a strap in distances between the eyes."""
ENDS = {"ears": ((0.00, 0.16), (0.00, 0.34)), "head": ((0.03, 0.00), (-0.06, 0.76))}
"""Where straps end, upper and lower: outward from the ear in shares of the face's depth; height as ``Frame.at`` has it,
for loops from the ear's landmark down."""


@dataclass(frozen=True)
class Layers:
    """Attributes: mask: ``[H, W, 4]``, colours multiplied by alpha. straps: ``[H, W]`` coverage. Both uint8."""

    mask: Pixels
    straps: Pixels

    def blurred(self, blur: float) -> Layers:
        """With a Gaussian of so many pixels."""
        if blur <= 0.0:
            return self
        from PIL import Image as Pillow
        from PIL import ImageFilter

        soft = ImageFilter.GaussianBlur(blur)
        mask = Pillow.frombytes("RGBa", self.mask.shape[1::-1], self.mask.tobytes()).filter(soft)
        return Layers(np.asarray(mask), np.asarray(Pillow.fromarray(self.straps).filter(soft)))


def layers_of(template: Template, name: ViewName, placing: Placing, shape: tuple[int, int], *, straps: bool) -> Layers:
    """A template's view at its place in a photo of this ``[H, W]``; empty where the place is outside."""
    view = template.views[name]
    height, width = shape
    mask = np.zeros((height, width, 4), dtype=np.uint8)
    to_photo, to_picture = through(view.anchors, placing.points), through(placing.points, view.anchors)
    box = _box(to_photo(_border(view)), shape)
    scale = int(np.clip(np.ceil(FINE / max(shape)), 2, 4))
    if box is not None:
        left, top, right, bottom = box
        level = _level(view, placing, scale)
        mask[top:bottom, left:right] = warped(
            view.levels[level], lambda points: to_picture(points) / 2.0**level, box, scale
        )
    lines = [] if not straps else _strap_lines(template, placing, [to_photo(side) for side in view.straps])
    return Layers(mask, _strokes(lines, placing.frame.depth / CHIN_BY_EYES * STRAP, shape, scale))


def _level(view: View, placing: Placing, scale: int) -> int:
    """The smallest picture that still has a pixel for each subpixel."""
    source = float(np.hypot(*(view.anchors[2] - view.anchors[1])))
    ratio = source / (placing.width * scale)
    return int(np.clip(np.floor(np.log2(max(ratio, 1.0))), 0, len(view.levels) - 1))


def _border(view: View) -> Points:
    """Points all around the picture."""
    width, height = view.size
    t = np.linspace(0.0, 1.0, 9)
    sides = [np.column_stack([width * t, np.full(9, y)]) for y in (0.0, height)]
    sides += [np.column_stack([np.full(9, x), height * t]) for x in (0.0, width)]
    return np.concatenate(sides)


def _box(points: Points, shape: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """Left, top, right, bottom of the pixels around these points, within the photo; None if there are none."""
    low, high = np.floor(points.min(axis=0)) - 1, np.ceil(points.max(axis=0)) + 1
    left, top = (int(edge) for edge in low.clip(0, None))
    right, bottom = (int(edge) for edge in np.minimum(high, [shape[1], shape[0]]))
    return (left, top, right, bottom) if left < right and top < bottom else None


def _strap_lines(template: Template, placing: Placing, fixed: list[Points]) -> list[Points]:
    kind = template.table.straps
    if kind == "none":
        return []
    frame, lines = placing.frame, []
    for starts, ear, sign in zip(fixed, placing.ears, (-1.0, 1.0), strict=True):
        for start, (outward, down) in zip(starts, ENDS[kind], strict=False):
            end = ear + frame.right * (sign * outward * frame.depth)
            if kind == "head":
                end = end + frame.down * (down * frame.depth - float((ear - frame.origin) @ frame.down))
            else:
                end = end + frame.down * ((down - 0.16) * frame.depth)
            sag = frame.down * (0.02 * frame.depth * (1.0 if kind == "ears" else 0.0))
            lines.append(smooth(np.array([start, (start + end) / 2 + sag, end])))
    return lines


def _strokes(lines: list[Points], thick: float, shape: tuple[int, int], scale: int) -> Pixels:
    from PIL import Image as Pillow
    from PIL import ImageDraw

    height, width = shape
    canvas = Pillow.new("L", (width * scale, height * scale), 0)
    far = 16 * max(canvas.size)
    for line in lines:
        corners = [(int(x), int(y)) for x, y in np.rint(line * scale).clip(-far, far)]
        ImageDraw.Draw(canvas).line(corners, fill=255, width=max(1, round(thick * scale)), joint="curve")
    return np.asarray(canvas.reduce(scale))
