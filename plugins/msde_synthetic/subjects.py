"""The invented subjects: everything about a person that stays the same in all of their images.

Lengths are in face units: 1 is half the width of an average face, about 67 mm. The origin lies between the eyes, x
runs to the image's right, y down. Colours are sRGB bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.random import Generator

from msde_synthetic.facs import Style, draw_style
from msde_synthetic.mask_design import MaskDesign, draw_design
from msde_synthetic.randomness import around, between, pick, stream

SUBJECTS = 142
FEMALE_SUBJECTS = 2

Colour = tuple[int, int, int]

SKIN_TONES = np.array([[228, 187, 154], [212, 166, 129], [190, 140, 103], [156, 108, 76], [128, 86, 60], [102, 68, 48]])
"""From the lightest to the darkest tone that is drawn; a subject's tone lies between two of them."""


@dataclass(frozen=True)
class Anatomy:
    """Shape of a face at rest, as factors (near 1) or offsets (near 0, face units) on the average face."""

    width: float
    length: float
    jaw: float
    square: float
    chin: float
    cheeks: float
    eye_gap: float
    eye_width: float
    eye_open: float
    eye_tilt: float
    brow_height: float
    brow_thickness: float
    brow_arch: float
    brow_tilt: float
    nose_length: float
    nose_width: float
    nose_depth: float
    mouth_width: float
    mouth_height: float
    upper_lip: float
    lower_lip: float
    ears: float


@dataclass(frozen=True)
class Hair:
    """Hair of the head and of the face.

    Attributes:
        style: ``short``, ``parted``, ``curly``, ``fringe``, ``receding`` or ``long``.
        colour: sRGB.
        volume: Thickness above the skull, face units.
        hairline: Offset of the hairline, face units, positive is lower.
        part: Side of the parting, -1 or 1.
        beard: Coverage 0 (clean-shaven) to 1 (full).
        beard_length: How far below the jaw it reaches, face units.
        moustache: Coverage 0 to 1.
    """

    style: str
    colour: Colour
    volume: float
    hairline: float
    part: float
    beard: float
    beard_length: float
    moustache: float


@dataclass(frozen=True)
class Subject:
    """One invented person.

    Attributes:
        number: 1 to 142.
        age: Years, 10 to 40.
        female: Two of the 142 are.
        skill: How well the subject emotes on demand, 0 to 1.
        skin, lips, iris: Colours, sRGB.
        anatomy, hair: Shape of the face, hair of head and face.
        glasses: ``rectangle``, ``round`` or ``half``; None without. They are worn in every image.
        glasses_colour: Colour of the frame, sRGB.
        masks: One or two; which is worn in a pair is drawn without regard to the label.
        lines: Strength of age lines, 0 to 1.
        bags: Strength of the shadows under the eyes, 0 to 1.
        style: How the subject emotes.
        session: Day of the recording.
        texture: Seed of the fine detail of hair and brows.
    """

    number: int
    age: int
    female: bool
    skill: float
    skin: Colour
    lips: Colour
    iris: Colour
    anatomy: Anatomy
    hair: Hair
    glasses: str | None
    glasses_colour: Colour
    masks: tuple[MaskDesign, ...]
    lines: float
    bags: float
    style: Style
    session: str
    texture: int

    @property
    def id(self) -> str:
        """Name used in sample ids: ``s001`` to ``s142``."""
        return f"s{self.number:03d}"


@lru_cache(maxsize=1024)
def subject(seed: int, number: int) -> Subject:
    """Return subject ``number`` (1 to 142) of the data set with this seed."""
    rng = stream(seed, "subject", number, "person")
    female = number in female_numbers(seed)
    age = int(np.clip(around(rng, 21.5, 4.5) if rng.random() < 0.8 else between(rng, 10, 41), 10, 40))
    tone = between(rng, 0.0, len(SKIN_TONES) - 1.001)
    low = int(tone)
    skin = SKIN_TONES[low] + (SKIN_TONES[low + 1] - SKIN_TONES[low]) * (tone - low) + (rng.random(3) - 0.5) * 8
    lips = skin * np.array([0.83, 0.6, 0.6]) + np.array([16.0, 6.0, 8.0]) * between(rng, 0.4, 1.6)
    iris = np.array([46, 28, 18]) + np.array([40, 26, 14]) * rng.random()
    glasses = pick(rng, {"none": 0.68, "rectangle": 0.16, "round": 0.1, "half": 0.06})
    frame = pick(rng, {"20 20 24": 0.6, "60 36 24": 0.2, "120 120 126": 0.12, "40 50 90": 0.08})
    masks = tuple(
        draw_design(stream(seed, "subject", number, "mask", index)) for index in range(1 + (rng.random() < 0.12))
    )
    return Subject(
        number=number,
        age=age,
        female=female,
        skill=float(rng.random()),
        skin=_bytes(skin),
        lips=_bytes(lips),
        iris=_bytes(iris),
        anatomy=_draw_anatomy(stream(seed, "subject", number, "anatomy"), age, female=female),
        hair=_draw_hair(stream(seed, "subject", number, "hair"), age, female=female),
        glasses=None if glasses == "none" else glasses,
        glasses_colour=_bytes(np.array([int(part) for part in frame.split()])),
        masks=masks,
        lines=float(np.clip((age - 16) / 26 + around(rng, 0.0, 0.12), 0.0, 1.0)),
        bags=float(np.clip(around(rng, 0.35, 0.2) + (age - 20) / 60, 0.0, 1.0)),
        style=draw_style(stream(seed, "subject", number, "style")),
        session=f"day{1 + int(rng.random() * 9)}",
        texture=int(rng.integers(2**31)),
    )


@lru_cache(maxsize=64)
def female_numbers(seed: int) -> frozenset[int]:
    """Return the numbers of the two female subjects."""
    order = stream(seed, "females").permutation(SUBJECTS)
    return frozenset(int(index) + 1 for index in order[:FEMALE_SUBJECTS])


def _bytes(colour: np.ndarray) -> Colour:
    red, green, blue = (int(value) for value in np.clip(np.rint(colour), 0, 255))
    return red, green, blue


def _draw_anatomy(rng: Generator, age: int, *, female: bool) -> Anatomy:
    child = max(0.0, (15 - age) / 5)
    soft = 1.0 if female else child * 0.7
    return Anatomy(
        width=around(rng, 1.0 - 0.02 * soft, 0.045),
        length=around(rng, 1.0 - 0.05 * child, 0.04),
        jaw=around(rng, 1.0 - 0.05 * soft, 0.055),
        square=around(rng, 0.0, 0.05),
        chin=around(rng, -0.04 * soft, 0.04),
        cheeks=around(rng, 0.3 + 0.3 * soft, 0.25),
        eye_gap=around(rng, 1.0, 0.035),
        eye_width=around(rng, 1.0 + 0.06 * soft, 0.06),
        eye_open=around(rng, 1.0 + 0.08 * soft, 0.1),
        eye_tilt=around(rng, 0.0, 0.018),
        brow_height=around(rng, -0.01 * soft, 0.022),
        brow_thickness=around(rng, 1.0 - 0.25 * soft, 0.2),
        brow_arch=around(rng, 0.0, 0.022),
        brow_tilt=around(rng, 0.0, 0.022),
        nose_length=around(rng, 1.0 - 0.08 * child, 0.06),
        nose_width=around(rng, 1.0 - 0.06 * soft, 0.09),
        nose_depth=around(rng, 1.0, 0.2),
        mouth_width=around(rng, 1.0, 0.07),
        mouth_height=around(rng, 0.0, 0.025),
        upper_lip=around(rng, 1.0 + 0.1 * soft, 0.2),
        lower_lip=around(rng, 1.0 + 0.1 * soft, 0.18),
        ears=around(rng, 1.0, 0.12),
    )


def _draw_hair(rng: Generator, age: int, *, female: bool) -> Hair:
    receding = 0.02 + max(0.0, age - 24) / 60
    styles = {"short": 0.34, "parted": 0.27, "curly": 0.16, "fringe": 0.18, "receding": receding, "long": 0.02}
    style = "long" if female else pick(rng, styles)
    grey = max(0.0, age - 32) / 14 * rng.random()
    base = np.array([24, 19, 18]) + np.array([34, 20, 10]) * rng.random() ** 2
    shaved = female or age < 17
    beard = 0.0 if shaved else float(pick(rng, {"0": 0.46, "0.3": 0.24, "0.6": 0.16, "0.95": 0.14}))
    moustache = 0.0 if shaved else float(pick(rng, {"0": 0.45, "0.4": 0.25, "0.9": 0.3}))
    return Hair(
        style=style,
        colour=_bytes(base + (np.array([125, 122, 120]) - base) * grey),
        volume=between(rng, 0.08, 0.24) * (0.6 if style == "receding" else 1.0),
        hairline=around(rng, 0.0, 0.05),
        part=-1.0 if rng.random() < 0.5 else 1.0,
        beard=beard,
        beard_length=between(rng, 0.0, 0.06) + (0.05 if beard > 0.9 else 0.0),
        moustache=max(moustache, beard * 0.9),
    )
