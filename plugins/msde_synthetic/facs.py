"""Expressions as mixtures of action units (AUs) of the Facial Action Coding System.

An activation is two numbers in [0, 1] per unit: image left and image right. 0 is absent, 1 is FACS intensity E.
Each expression has a few variants (a shout and a pressed mouth are both anger); a subject has a favourite of each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from msde_synthetic.randomness import around, between

CLASSES = ("surprise", "fear", "disgust", "happy", "sad", "angry", "neutral")
"""Class names in label order 0-6."""

UNIT_NAMES: dict[int, str] = {
    1: "inner brow raiser",
    2: "outer brow raiser",
    4: "brow lowerer",
    5: "upper lid raiser",
    6: "cheek raiser",
    7: "lid tightener",
    9: "nose wrinkler",
    10: "upper lip raiser",
    12: "lip corner puller",
    15: "lip corner depressor",
    17: "chin raiser",
    20: "lip stretcher",
    23: "lip tightener",
    24: "lip pressor",
    25: "lips part",
    26: "jaw drop",
    27: "mouth stretch",
    43: "eye closure",
}
UNITS = tuple(UNIT_NAMES)

Units = dict[int, tuple[float, float]]
"""Activation of each unit on the image's left and right half of the face."""

VARIANTS: dict[int, tuple[dict[int, float], ...]] = {
    0: (
        {1: 0.95, 2: 0.95, 5: 0.75, 25: 0.9, 26: 0.9, 27: 0.2},
        {1: 0.9, 2: 1.0, 5: 0.9, 25: 0.7, 26: 0.6},
        {1: 0.9, 2: 0.9, 5: 0.7, 25: 1.0, 26: 1.0, 27: 0.6},
    ),
    1: (
        {1: 1.0, 2: 0.45, 4: 0.65, 5: 0.95, 7: 0.25, 20: 0.95, 25: 0.75, 26: 0.25},
        {1: 0.95, 2: 0.3, 4: 0.75, 5: 0.85, 7: 0.35, 20: 0.9, 25: 0.65},
        {1: 0.9, 2: 0.5, 4: 0.55, 5: 1.0, 20: 0.7, 25: 0.8, 26: 0.5},
    ),
    2: (
        {4: 0.4, 6: 0.35, 7: 0.65, 9: 1.0, 10: 0.75, 17: 0.4, 25: 0.15},
        {4: 0.3, 7: 0.5, 9: 0.8, 10: 1.0, 15: 0.3, 25: 0.5},
        {4: 0.5, 6: 0.3, 7: 0.75, 9: 0.95, 10: 0.5, 15: 0.5, 17: 0.7},
    ),
    3: (
        {6: 0.85, 12: 1.0, 25: 0.75, 7: 0.15},
        {6: 0.7, 12: 0.95, 7: 0.1, 25: 0.6},
        {6: 1.0, 12: 1.0, 25: 1.0, 26: 0.35, 7: 0.2},
    ),
    4: (
        {1: 0.95, 4: 0.55, 15: 0.95, 17: 0.6, 43: 0.3},
        {1: 1.0, 4: 0.4, 15: 0.8, 17: 0.8, 43: 0.4, 7: 0.1},
        {1: 0.8, 4: 0.7, 15: 0.9, 43: 0.2, 25: 0.1, 20: 0.2},
    ),
    5: (
        {4: 1.0, 5: 0.4, 7: 0.65, 23: 0.8, 24: 0.7, 17: 0.35},
        {4: 0.95, 5: 0.5, 7: 0.7, 10: 0.4, 23: 0.6, 25: 0.65, 26: 0.2},
        {4: 1.0, 5: 0.25, 7: 0.8, 23: 0.7, 24: 0.5, 15: 0.25},
    ),
    6: ({},),
}
"""Label -> variants, each a map unit -> intensity at full strength."""


@dataclass(frozen=True)
class Blend:
    """What one person means to show: a dominant expression, perhaps mixed with a second ("fearfully surprised").

    Attributes:
        dominant: Label 0-6 that observers would give.
        secondary: Label 0-6 of the admixture; equal to ``dominant`` for a pure expression.
        share: Weight of the admixture, 0 to 0.5 (0.5 is even).
        intensity: Strength of the whole, 0 to 1.
    """

    dominant: int
    secondary: int
    share: float
    intensity: float


@dataclass(frozen=True)
class Style:
    """How one subject emotes.

    Attributes:
        variant: Favourite variant of each label (index into ``VARIANTS``).
        gain: Multiplier of each unit: some brows hardly move.
        lean: Asymmetry of each unit, -1 (image left only) to 1.
        rest: Activation of each unit in the resting face (a naturally stern or wide-eyed look).
    """

    variant: tuple[int, ...]
    gain: dict[int, float]
    lean: dict[int, float]
    rest: dict[int, float]


def draw_style(rng: Generator) -> Style:
    """Draw a subject's way of emoting."""
    variant = tuple(int(rng.random() * len(VARIANTS[label])) for label in range(len(CLASSES)))
    gain = {unit: around(rng, 0.97, 0.13) for unit in UNITS}
    lean = {unit: around(rng, 0.0, 0.13) for unit in UNITS}
    rest = {
        unit: max(0.0, around(rng, 0.0, 0.09)) if unit in (1, 2, 4, 5, 6, 7, 12, 15, 17, 24, 43) else 0.0
        for unit in UNITS
    }
    return Style(variant, gain, lean, rest)


def activate(blend: Blend, style: Style, rng: Generator) -> Units:
    """Turn an intention into activations: style, shot-to-shot jitter and asymmetry included.

    Args:
        blend: What is meant.
        style: Who means it.
        rng: The shot's own stream.
    """
    total = dict.fromkeys(UNITS, 0.0)
    for label, weight in ((blend.dominant, 1.0 - blend.share), (blend.secondary, blend.share)):
        variants = VARIANTS[label]
        other = rng.random() < 0.25
        index = int(rng.random() * len(variants)) if other else style.variant[label]
        for unit, value in variants[index].items():
            if unit in total:
                total[unit] += weight * value
    # Opposed movements do not add up: the mouth cannot be pulled up and down at once.
    pull = min(total[12], total[15]) * 0.6
    total[12], total[15] = total[12] - pull, total[15] - pull
    units: Units = {}
    for unit in UNITS:
        value = blend.intensity * total[unit] * style.gain[unit] * between(rng, 0.85, 1.15)
        value = float(np.clip(value + style.rest[unit] + around(rng, 0.0, 0.035), 0.0, 1.0))
        lean = style.lean[unit] + around(rng, 0.0, 0.06)
        units[unit] = (min(1.0, value * (1.0 - lean)), min(1.0, value * (1.0 + lean)))
    return units


def mean_units(units: Units) -> dict[str, float]:
    """Return the mean of both sides by name (``"AU4"``), 0 to 1: the truth that a sample carries."""
    return {f"AU{unit}": (left + right) / 2.0 for unit, (left, right) in units.items()}
