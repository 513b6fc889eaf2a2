"""What a camera makes of the light: sharpness, white balance, tone, vignette and noise, in whole numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from msde_synthetic.randomness import around, between, stream

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Exposure:
    """Settings of one photograph.

    Attributes:
        blur: Radius of the blur, pixels of a 128-pixel image.
        gains: Multipliers of red, green and blue.
        contrast: Slope of the tone curve around mid-grey.
        vignette: Darkening of the corners, 0 to 1.
        noise: Standard deviation of the sensor noise, grey levels of 255.
        enlarged: How much the picture was enlarged by a digital zoom; 1: not at all.
    """

    blur: float
    gains: tuple[float, float, float]
    contrast: float
    vignette: float
    noise: float
    enlarged: float = 1.0


def draw_exposure(seed: int, shot: str, camera: str) -> Exposure:
    """Return the settings of a photograph with ``camera``: the phone is noisier, softer and bluer than the DSLR."""
    rng = stream(seed, "exposure", shot)
    phone = camera == "phone"
    level = around(rng, 1.0, 0.07)
    warm = around(rng, -0.025 if phone else 0.02, 0.03)
    return Exposure(
        blur=between(rng, 0.25, 0.75) if phone else between(rng, 0.0, 0.5),
        gains=(level * (1.0 + warm), level, level * (1.0 - warm)),
        contrast=around(rng, 1.05 if phone else 0.98, 0.06),
        vignette=between(rng, 0.0, 0.14) if phone else between(rng, 0.05, 0.22),
        noise=between(rng, 3.0, 6.5) if phone else between(rng, 1.5, 3.5),
    )


def draw_street_exposure(seed: int, shot: str) -> Exposure:
    """Return the settings of a photograph in the street: one kind of camera, hurried, from afar, with digital zoom."""
    rng = stream(seed, "street exposure", shot)
    level, warm = around(rng, 1.02, 0.14), around(rng, 0.03, 0.06)
    return Exposure(
        blur=between(rng, 0.3, 1.0),
        gains=(level * (1.0 + warm), level, level * (1.0 - warm)),
        contrast=around(rng, 1.18, 0.1),
        vignette=between(rng, 0.0, 0.06),
        noise=between(rng, 4.0, 9.0),
        enlarged=between(rng, 1.0, 2.2),
    )


def blurred(image: Image.Image, exposure: Exposure) -> Image.Image:
    """Return the image as the lens draws it."""
    if exposure.enlarged > 1.0:
        side = max(16, round(image.width / exposure.enlarged))
        small = image.resize((side, side), Image.Resampling.BOX)
        image = small.resize(image.size, Image.Resampling.BILINEAR)
    radius = exposure.blur * image.width / 128.0
    return image.filter(ImageFilter.GaussianBlur(radius)) if radius > 0.05 else image


def develop(image: Pixels, exposure: Exposure, seed: int, shot: str) -> Pixels:
    """Return the photograph of an RGB image: tone, vignette and noise, each pixel for itself."""
    size = image.shape[0]
    grey = np.arange(256, dtype=np.float64)
    tables = [np.rint(((grey * gain - 128.0) * exposure.contrast + 128.0) * 64.0) for gain in exposure.gains]
    toned = np.stack([table.astype(np.int32)[image[..., channel]] for channel, table in enumerate(tables)], axis=-1)
    axis = (np.arange(size) * 2 + 1 - size) / size
    fall = np.rint((1.0 - exposure.vignette * (axis[:, None] ** 2 + axis[None, :] ** 2) / 2.0) * 256.0).astype(np.int32)
    toned = (toned * fall[..., None]) >> 8
    toned += _noise(size, exposure.noise, seed, shot)
    finished: Pixels = np.clip((toned + 32) >> 6, 0, 255).astype(np.uint8)
    return finished


def _noise(size: int, level: float, seed: int, shot: str) -> NDArray[np.int32]:
    """Return sensor noise in 64ths of a grey level, [size, size, 3]: two thirds shared by the channels.

    Sums of four bytes: nearly Gaussian (standard deviation 147.8), and integers on every machine.
    """
    count = size * size * 4
    words = stream(seed, "noise", shot).bit_generator.random_raw((count * 4 + 7) // 8)
    bytes_ = np.asarray(words, dtype="<u8").view(np.uint8)[: count * 4].reshape(4, size, size, 4)
    total = bytes_.sum(axis=0, dtype=np.int32) - 510
    mixed = 2 * total[..., :1] + total[..., 1:]
    noise: NDArray[np.int32] = (mixed * round(level * 64.0 / (147.8 * 5.0**0.5) * 1024.0)) >> 10
    return noise
