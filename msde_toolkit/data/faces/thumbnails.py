"""A small picture of a photo with what was found in it numbered, and a ruler in the photo's own pixels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from msde_toolkit.interfaces import Face, Image

if TYPE_CHECKING:
    from PIL.Image import Image as Picture
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont
    from PIL.ImageFont import ImageFont as BitmapFont

LONGER_SIDE = 480
SHORTER_SIDE_AT_LEAST = 160
"""A small picture is enlarged, else the numbers hide it."""
RULER = 34
CAPTION = 22
COLOURS = ("#ffd400", "#00c8ff", "#ff5fa2", "#7dff5f", "#ff9a3c", "#c9a6ff")
INK, PAPER = "#1a1a1a", "#f4f4f4"
STEPS = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


def thumbnail(photo: Image, faces: Sequence[Face], caption: str) -> Picture:
    """The photo with a numbered frame around each face, a dot at each eye, rulers and a caption.

    Args:
        photo: uint8 ``[H, W, 3]``.
        faces: in the order of their numbers, from 1.
        caption: a line below the picture.
    """
    from PIL import Image as Pillow
    from PIL import ImageDraw, ImageFont

    scale = min(LONGER_SIDE / max(photo.shape[:2]), max(1.0, SHORTER_SIDE_AT_LEAST / min(photo.shape[:2])))
    size = (max(1, round(photo.shape[1] * scale)), max(1, round(photo.shape[0] * scale)))
    small = Pillow.fromarray(photo).resize(size, Pillow.Resampling.BICUBIC)
    font = ImageFont.load_default(size=11)
    width = max(size[0] + RULER, int(font.getlength(caption)) + 12)
    page = Pillow.new("RGB", (width, size[1] + RULER + CAPTION), PAPER)
    page.paste(small, (RULER, RULER))
    draw = ImageDraw.Draw(page)
    _rulers(draw, photo.shape[1], photo.shape[0], scale, font)
    for number, face in enumerate(faces, 1):
        _mark(draw, face, number, scale)
    draw.text((6, size[1] + RULER + CAPTION / 2), caption, INK, font, anchor="lm")
    return page


def _rulers(draw: ImageDraw, width: int, height: int, scale: float, font: FreeTypeFont | BitmapFont) -> None:
    step = next((step for step in STEPS if step * scale >= RULER + 6), STEPS[-1])
    for x in range(0, width + 1, step):
        place = RULER + x * scale
        draw.line((place, RULER - 5, place, RULER), INK)
        draw.text((place, RULER - 7), str(x), INK, font, anchor="ms" if x else "ls")
    for y in range(0, height + 1, step):
        place = RULER + y * scale
        draw.line((RULER - 5, place, RULER, place), INK)
        draw.text((RULER - 7, place), str(y), INK, font, anchor="rm" if y else "rt")


def _mark(draw: ImageDraw, face: Face, number: int, scale: float) -> None:
    from PIL import ImageFont

    colour = COLOURS[(number - 1) % len(COLOURS)]
    left, top, right, bottom = (RULER + side * scale for side in _frame(face))
    draw.rectangle((left, top, right, bottom), outline=INK, width=4)
    draw.rectangle((left + 1, top + 1, right - 1, bottom - 1), outline=colour, width=2)
    for x, y in RULER + face.eyes * scale:
        draw.ellipse((x - 3, y - 3, x + 3, y + 3), colour, INK)
    font = ImageFont.load_default(size=16)
    # Inside the frame's corner, and inside the picture where the frame reaches beyond it.
    x, y = max(left, RULER) + 2, max(top, RULER) + 2
    draw.rectangle((x, y, x + 9 * len(str(number)) + 7, y + 19), colour)
    draw.text((x + 3, y), str(number), INK, font)


def _frame(face: Face) -> tuple[float, float, float, float]:
    """left, top, right, bottom of a face in the photo: its box, else what the eyes say."""
    if face.box is not None:
        left, top, width, height = face.box
        return left, top, left + width, top + height
    middle, apart = face.eyes.mean(axis=0), float(np.hypot(*(face.eyes[1] - face.eyes[0])))
    x, y = float(middle[0]), float(middle[1])
    return x - 1.2 * apart, y - 0.9 * apart, x + 1.2 * apart, y + 1.6 * apart
