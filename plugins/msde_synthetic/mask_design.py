"""The masks that subjects own: kind, colours and print. How one is worn on a given day is part of the scene."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.random import Generator

from msde_synthetic.randomness import between, pick

Colour = tuple[int, int, int]

CLOTH_COLOURS: tuple[Colour, ...] = (
    (32, 34, 40), (36, 52, 92), (120, 30, 38), (36, 92, 70), (214, 196, 160), (86, 60, 110), (196, 92, 44),
    (170, 172, 176), (60, 120, 160), (206, 120, 150), (232, 228, 220), (96, 104, 60), (150, 112, 80), (20, 96, 110),
)  # fmt: skip


@dataclass(frozen=True)
class MaskDesign:
    """One mask.

    Attributes:
        kind: ``surgical``, ``n95`` or ``cloth``.
        variety: The kind with its colour or print, such as ``n95-black`` or ``cloth-dots``: a manifest's ``mask_kind``.
        colour: Main colour, sRGB.
        second: Colour of print, seam and loops, sRGB.
        pattern: ``plain``, ``dots``, ``stripes``, ``checks`` or ``floral``.
        scale: Size of the print, 0.7 to 1.4.
        height: Factor on the mask's height, 0.95 to 1.05.
    """

    kind: str
    variety: str
    colour: Colour
    second: Colour
    pattern: str
    scale: float
    height: float


def draw_design(rng: Generator) -> MaskDesign:
    """Draw a mask in the proportions that the paper describes (surgical common, N95 substantial, cloth most varied)."""
    kind = pick(rng, {"surgical": 0.36, "n95": 0.24, "cloth": 0.4})
    scale, height = between(rng, 0.7, 1.4), between(rng, 0.95, 1.05)
    if kind == "surgical":
        tint = int(between(rng, -10, 10))
        return MaskDesign(kind, "surgical-blue", (150 + tint, 196 + tint, 222), (236, 238, 240), "plain", scale, height)
    if kind == "n95":
        name = pick(rng, {"white": 0.5, "blue": 0.2, "black": 0.3})
        colour: Colour = {"white": (232, 232, 228), "blue": (92, 134, 184), "black": (40, 41, 45)}[name]
        second: Colour = {"white": (206, 206, 204), "blue": (220, 226, 232), "black": (70, 71, 76)}[name]
        return MaskDesign(kind, f"n95-{name}", colour, second, "plain", scale, height)
    pattern = pick(rng, {"plain": 0.3, "dots": 0.18, "stripes": 0.18, "checks": 0.17, "floral": 0.17})
    first = int(rng.random() * len(CLOTH_COLOURS))
    other = (first + 1 + int(rng.random() * (len(CLOTH_COLOURS) - 1))) % len(CLOTH_COLOURS)
    return MaskDesign(kind, f"cloth-{pattern}", CLOTH_COLOURS[first], CLOTH_COLOURS[other], pattern, scale, height)
