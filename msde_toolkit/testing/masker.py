"""What is asked of a masker: what it returns, where it leaves the image alone, and where its randomness comes from."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch

from msde_toolkit.create import create_masker
from msde_toolkit.errors import InputError
from msde_toolkit.interfaces import Image, Landmarks, Masker
from msde_toolkit.landmarks import canonical_landmarks
from msde_toolkit.randomness import generator
from msde_toolkit.testing.checks import Checklist, in_one_line, require
from msde_toolkit.testing.plugin import PluginUnderTest
from msde_toolkit.testing.reference import picture
from msde_toolkit.testing.report import Finding

Masked = tuple[Image, npt.NDArray[np.uint8]]

MASKER: Checklist[MaskerUnderTest] = Checklist()
SIZE = 96
SIZES = ((96, 96), (97, 83), (48, 48), (224, 224))
"""Height and width in pixels."""


@dataclass(frozen=True)
class MaskerUnderTest:
    """A masker plugin with the options of the preset ``quick``."""

    plugin: PluginUnderTest

    @cached_property
    def masker(self) -> Masker:
        """A fresh one."""
        return create_masker(self.plugin.name, self.plugin.options)

    def apply(self, image: Image, landmarks: Landmarks | None = None, seed: int = 0) -> Masked:
        """What it makes of an image, on the average face unless told otherwise."""
        points = canonical_landmarks(image.shape[1], image.shape[0]) if landmarks is None else landmarks
        return self.masker.apply(image, points, generator(seed, "masker"))


def ask(plugin: PluginUnderTest) -> Iterator[Finding]:
    """All findings about a masker."""
    yield from MASKER.ask(MaskerUnderTest(plugin))


@MASKER.check(
    "image and alpha", remedy="apply returns uint8 [H, W, 3] and alpha uint8 [H, W], both of the image's own size."
)
def image_and_alpha(masker: MaskerUnderTest) -> str:
    """Sizes even and odd, colour and grey; the mask covers something, but not all."""
    shares = []
    for height, width in SIZES:
        for grey in (False, True):
            image = picture(height, width, grey=grey)
            _check_masked(image, masker.apply(image))
            alpha = masker.apply(image)[1]
            require(alpha.any(), f"on {width} x {height} px it draws nothing")
            shares.append(float((alpha > 0).mean()))
    require(min(shares) < 1, "it covers the whole image")
    return f"covers {100 * min(shares):.0f} to {100 * max(shares):.0f} % of an aligned face"


def _check_masked(image: Image, masked: Masked) -> None:
    require(isinstance(masked, tuple) and len(masked) == 2, "apply does not return (image, alpha)")
    drawn, alpha = masked
    require(drawn.dtype == np.uint8 and drawn.shape == image.shape, f"the image is {drawn.dtype} {list(drawn.shape)}")
    fits = alpha.dtype == np.uint8 and alpha.shape == image.shape[:2]
    require(fits, f"alpha is {alpha.dtype} {list(alpha.shape)} for an image of {list(image.shape)}")


@MASKER.check(
    "where alpha is 0 the image is unchanged", remedy="Blend by the alpha that is returned, shadows and loops included."
)
def unchanged_outside(masker: MaskerUnderTest) -> None:
    """To the bit: that is what registered pairs rest on."""
    for height, width in SIZES:
        image = picture(height, width)
        drawn, alpha = masker.apply(image)
        changed = int(((drawn != image).any(axis=2) & (alpha == 0)).sum())
        require(not changed, f"on {width} x {height} px, {changed} pixels changed where alpha is 0")


@MASKER.check("what it is given stays as it is", remedy="Copy the image and the landmarks before changing them.")
def inputs_are_kept(masker: MaskerUnderTest) -> None:
    """Image and landmarks."""
    image, points = picture(SIZE, SIZE), canonical_landmarks(SIZE, SIZE)
    before = image.copy(), points.copy()
    masker.apply(image, points)
    require(np.array_equal(image, before[0]), "it draws into the image it was given")
    require(np.array_equal(points, before[1]), "it changes the landmarks it was given")


@MASKER.check(
    "randomness comes from rng alone",
    remedy="Draw from the rng argument only: np.random, random and torch would make a mask depend on what ran before.",
)
def seeded(masker: MaskerUnderTest) -> str:
    """The same rng gives the same mask whatever the global generators hold."""
    image = picture(SIZE, SIZE)
    kept = np.random.get_state(), random.getstate()  # noqa: NPY002
    try:
        found = []
        for seed in (0, 1):
            np.random.seed(seed)  # noqa: NPY002
            random.seed(seed)
            torch.manual_seed(seed)
            found.append(masker.apply(image))
    finally:
        np.random.set_state(kept[0])  # noqa: NPY002
        random.setstate(kept[1])
    same = all(np.array_equal(one, other) for one, other in zip(*found, strict=True))
    require(same, "one rng gives two masks")
    others = [masker.apply(image, seed=seed)[0] for seed in (1, 2, 3)]
    varies = any(not np.array_equal(found[0][0], other) for other in others)
    return "another seed gives another mask" if varies else "every seed gives the same mask"


@MASKER.check(
    "faces at the border",
    remedy="Clip what lies outside the image, or raise DataError saying that the landmarks do.",
)
def at_the_border(masker: MaskerUnderTest) -> str:
    """Landmarks partly and wholly outside: a mask that fits, or a refusal in words."""
    image = picture(SIZE, SIZE)
    refused = []
    for shift in ((0.0, 0.4), (0.5, 0.0), (-0.5, 0.0), (0.0, -0.5), (3.0, 3.0)):
        points = canonical_landmarks(SIZE, SIZE) + SIZE * np.array(shift)
        try:
            masked = masker.apply(image, points)
        except InputError as error:
            refused.append(in_one_line(error))
            continue
        _check_masked(image, masked)
        require(not ((masked[0] != image).any(axis=2) & (masked[1] == 0)).any(), "pixels changed where alpha is 0")
    return refused[-1] if refused else "drawn as far as it shows"
