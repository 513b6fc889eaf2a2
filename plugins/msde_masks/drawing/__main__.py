"""``python -m msde_masks.drawing FOLDER``: every first-party template, its pictures and its TOML file."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from msde_masks.anchors import ANCHORS, place
from msde_masks.drawing import kinds, prints
from msde_masks.drawing.solid import Array, Sheet, render, to_pixels, turned
from msde_masks.fit import Wear

SIDE_YAW = -30.0
"""Degrees; the picture for the other side is the mirror image."""

SHEETS: dict[str, Callable[[], Sheet]] = {
    "surgical": kinds.surgical,
    "n95": kinds.n95,
    "kn95": kinds.kn95,
    "cloth": kinds.cloth,
    "cloth-dots": lambda: kinds.cloth(prints.dots),
    "cloth-stripes": lambda: kinds.cloth(prints.stripes),
    "cloth-checks": lambda: kinds.cloth(prints.checks),
    "cloth-floral": lambda: kinds.cloth(prints.floral),
}
"""Picture to what it shows."""

EARS, HEAD = ("ears", (232, 235, 238)), ("head", (214, 186, 120))

TEMPLATES: dict[str, tuple[str, str, str, tuple[int, int, int], tuple[str, tuple[int, int, int]]]] = {
    "surgical-blue": ("surgical", "Surgical mask, three pleats", "blue", (174, 217, 241), EARS),
    "surgical-green": ("surgical", "Surgical mask, three pleats", "green", (176, 226, 205), EARS),
    "n95-white": ("n95", "N95 respirator, moulded, with valve", "white", (255, 255, 252), HEAD),
    "n95-black": ("n95", "N95 respirator, moulded, with valve", "black", (58, 58, 62), ("head", (48, 48, 50))),
    "n95-blue": ("n95", "N95 respirator, moulded, with valve", "blue", (142, 178, 220), HEAD),
    "kn95-white": ("kn95", "KN95 respirator, folded", "white", (255, 255, 255), EARS),
    "cloth-plain-black": ("cloth", "Cloth mask with a middle seam", "black", (52, 51, 54), ("ears", (44, 44, 46))),
    "cloth-plain-grey": ("cloth", "Cloth mask with a middle seam", "grey", (148, 150, 154), ("ears", (140, 142, 146))),
    "cloth-plain-navy": ("cloth", "Cloth mask with a middle seam", "navy", (58, 74, 118), ("ears", (54, 66, 104))),
    "cloth-plain-red": ("cloth", "Cloth mask with a middle seam", "red", (178, 54, 58), ("ears", (160, 48, 52))),
    "cloth-printed-checks": ("cloth-checks", "Cloth mask, gingham", "teal", (255, 255, 255), EARS),
    "cloth-printed-dots": ("cloth-dots", "Cloth mask, dotted", "navy", (255, 255, 255), ("ears", (54, 66, 104))),
    "cloth-printed-floral": ("cloth-floral", "Cloth mask, flowers", "cream", (255, 255, 255), EARS),
    "cloth-printed-stripes": ("cloth-stripes", "Cloth mask, striped", "red", (255, 255, 255), EARS),
}
"""Name to picture, title, colour, tint, straps."""


def main(folder: Path) -> None:
    """Write all files."""
    points = {}
    for picture, sheet_of in SHEETS.items():
        sheet = sheet_of()
        for suffix, degrees in (("", 0.0), ("-left", SIDE_YAW)):
            _save(render(sheet, degrees), folder / f"{picture}{suffix}.png", plain=picture not in _printed())
        points[picture] = {"frontal": _view(sheet, 0.0), "left": _view(sheet, SIDE_YAW)}
    for name, (picture, title, colour, tint, (straps, strap_colour)) in TEMPLATES.items():
        lines = [f'title = "{title}, {colour}"', 'licence = "Apache-2.0"', f'colour = "{colour}"']
        lines += ['source = "Drawn for msde-toolkit by msde_masks.drawing"', f"tint = {list(tint)}"]
        lines += [f'straps = "{straps}"', f"strap_colour = {list(strap_colour)}"]
        for view, suffix in (("frontal", ""), ("left", "-left")):
            lines += ["", f"[{view}]", f'image = "{picture}{suffix}.png"', *points[picture][view]]
        (folder / f"{name}.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def model_face(degrees: float) -> Array:
    """``[68, 2]`` in the picture's pixels: those landmarks of a turned head that templates are placed by."""
    solid = np.zeros((68, 3))
    for index, x in ((36, -0.68), (39, -0.29), (42, 0.29), (45, 0.68)):
        solid[index] = x, 0.0, np.sqrt(1.0 - x**2)
    solid[27], solid[30] = (0.0, -0.01, 1.0), (0.0, 0.53, 1.25)
    seen = turned(solid, degrees)[:, :2]
    for index, y, side in ((0, 0.0, -1), (1, 0.25, -1), (2, 0.5, -1), (14, 0.5, 1), (15, 0.25, 1), (16, 0.0, 1)):
        # Landmarks of the sides lie before the ears; on the far side, on the outline.
        azimuth = np.clip(side * 78.0 + degrees, -90.0, 90.0)
        seen[index] = np.sin(np.deg2rad(azimuth)), y
    return to_pixels(seen)


def _view(sheet: Sheet, degrees: float) -> list[str]:
    placing = place(model_face(degrees), Wear())
    anchors = zip(ANCHORS, placing.points, strict=True)
    lines = [f"{name} = {_numbers(point)}" for name, point in anchors]
    for side, ends in zip(("left", "right"), turned(sheet.straps, degrees), strict=True):
        # A strap on the side that is turned away is not seen.
        seen = "" if side == "left" and degrees < 0 else ", ".join(_numbers(point) for point in to_pixels(ends))
        lines.append(f"straps_{side} = [{seen}]")
    return lines


def _numbers(point: Array) -> str:
    return f"[{point[0]:.1f}, {point[1]:.1f}]"


def _printed() -> set[str]:
    return {picture for picture in SHEETS if picture.startswith("cloth-")}


def _save(picture: Pillow.Image, file: Path, *, plain: bool) -> None:
    pixels = np.asarray(picture).astype(int)
    # Steps of 2 (prints: 4) are not seen and keep the files small.
    step = 2 if plain else 4
    pixels[..., :3] = (pixels[..., :3] + step // 2) // step * step
    kept = Pillow.fromarray(pixels.clip(0, 255).astype(np.uint8), "RGBA")
    kept.save(file, optimize=True)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
