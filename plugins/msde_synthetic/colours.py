"""Mixing sRGB byte colours."""

from __future__ import annotations

Colour = tuple[int, int, int]


def scaled(colour: Colour, factor: float) -> Colour:
    """Return a colour made darker (< 1) or lighter (> 1)."""
    red, green, blue = (min(255, max(0, round(value * factor))) for value in colour)
    return red, green, blue


def mixed(one: Colour, two: Colour, share: float) -> Colour:
    """Return ``one`` with ``share`` (0 to 1) of ``two``."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, two, strict=True))
    return red, green, blue
