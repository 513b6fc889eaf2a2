"""The surgical mask: light blue, pleated, with nose wire and ear loops."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from msde_masks.fit import Fit, Frame, Points, Wear, fit
from msde_masks.light import LUMA, Layer, Light, is_grey, light_of, over
from msde_toolkit.errors import DataError
from msde_toolkit.interfaces import Image, Landmarks, Masker, PluginOptions

BLUE = (164.0, 205.0, 228.0)
LOOP = (232.0, 235.0, 238.0)


class Surgical(Masker):
    """A light-blue surgical mask from the bridge of the nose to under the chin.

    Neither its outline nor its shading depends on what it covers: the outline is fitted to eyes, nose and upper face
    outline, the light is taken from what stays visible. So the mask itself tells nothing about mouth or jaw.
    """

    summary = "Light-blue surgical mask with pleats, nose wire and ear loops"
    reference = "Drawn by this toolkit; not the tool behind the masks of the paper, Figure 7"
    licence = "Apache-2.0"
    version: ClassVar[str] = "1"

    class Options(PluginOptions):
        """Options of the surgical mask."""

        colour: Literal["auto", "blue"] = Field(
            "auto", description="auto: grey on a grey photo, else light blue; blue: always light blue."
        )
        ear_loops: bool = Field(True, description="Draw the ear loops.")
        jitter: float = Field(
            1.0, ge=0.0, le=2.0, description="How much colour and fit vary from photo to photo; 0: not at all."
        )

    def apply(
        self, image: Image, landmarks: Landmarks, rng: np.random.Generator
    ) -> tuple[Image, npt.NDArray[np.uint8]]:
        """``round(alpha * mask + (1 - alpha) * image)`` ``[H, W, 3]`` and alpha ``[H, W]``, both uint8.

        Args:
            image: uint8 ``[H, W, 3]`` RGB, from about 24 pixels a side.
            landmarks: ``[68, 2]`` pixels.
            rng: of colour and fit.

        Raises:
            DataError: if the landmarks are not those of an upright face, or put the mask outside the image.
        """
        options: Surgical.Options = self.options
        dice = options.jitter * rng.uniform(-1.0, 1.0, 9)
        lines = fit(np.asarray(landmarks, dtype=np.float64), Wear(*dice[:5].tolist()))
        height, width = image.shape[:2]
        body, loops, relief = _rasterise(lines, height, width, ear_loops=options.ear_loops)
        alpha = np.maximum(body, loops)
        if not body.any():
            message = f"The landmarks put the mask outside the image of {width}x{height} pixels."
            raise DataError(message)
        light = _lit(light_of(image, lines.frame, alpha), lines.frame, (height, width))
        grey = options.colour == "auto" and is_grey(image)
        cloth = _shaded(_colour(BLUE, dice[5:], grey=grey), light * relief / 128.0)
        band = _shaded(_colour(LOOP, 0.0 * dice[5:], grey=grey), light)
        share = (body / np.maximum(alpha, 1.0))[..., None]
        mask = np.rint(share * cloth + (1.0 - share) * band).clip(0, 255).astype(np.int64)
        cover = alpha.astype(np.int64)
        return over(image, mask, cover), alpha.astype(np.uint8)


def _rasterise(lines: Fit, height: int, width: int, *, ear_loops: bool) -> tuple[Layer, Layer, Layer]:
    """Coverage of body and loops, 0 to 255, and the relief of seams and pleats around 128, each ``[H, W]``."""
    from PIL import Image as Pillow
    from PIL import ImageDraw

    scale = int(np.clip(np.ceil(768 / max(height, width)), 2, 8))
    size = (width * scale, height * scale)
    body, loops, relief = (Pillow.new("L", size, fill) for fill in (0, 0, 128))
    unit = lines.eyes * scale

    def corners(points: Points) -> list[tuple[int, int]]:
        # Whole subpixels, so that the last bit of a float cannot move an edge.
        far = 16 * max(size)
        return [(int(x), int(y)) for x, y in np.rint(points * scale).clip(-far, far)]

    def line(layer: Any, points: Points, share: float, value: int) -> None:
        ImageDraw.Draw(layer).line(corners(points), fill=value, width=max(1, round(share * unit)), joint="curve")

    ImageDraw.Draw(body).polygon(corners(lines.outline), fill=255)
    hem = np.concatenate([lines.top, lines.seam[::-1]])
    ImageDraw.Draw(relief).polygon(corners(hem), fill=136)
    line(relief, lines.seam, 0.014, 112)
    line(relief, lines.wire, 0.035, 146)
    fold = lines.frame.down * (0.030 * lines.eyes)
    for pleat in lines.pleats:
        line(relief, pleat + 2 * fold, 0.06, 122)
        line(relief, pleat - fold, 0.045, 134)
        line(relief, pleat + fold * 0.5, 0.022, 102)
    line(relief, np.concatenate([lines.outline, lines.outline[:1]]), 0.03, 116)
    for loop in lines.loops if ear_loops else ():
        line(loops, loop, 0.03, 255)
    covered, looped, height_map = (np.asarray(layer.reduce(scale), dtype=np.float64) for layer in (body, loops, relief))
    return covered, looped, height_map


def _lit(light: Light, frame: Frame, shape: tuple[int, int]) -> Layer:
    """``[H, W]`` brightness: the mask's own roundness in the photo's light."""
    across, down = frame.coordinates(*shape)
    across = across.clip(-1.2, 1.2)
    roundness = 1.02 - 0.16 * across**2 - 0.22 * (down - 0.55).clip(0.0, 0.6) ** 2
    return light.on(roundness, across)


def _colour(base: tuple[float, float, float], dice: Points, *, grey: bool) -> Points:
    """``[3]``: the base colour, lighter or darker by the first die and tinted by the others; its luma if ``grey``."""
    colour: Points = np.array(base) + 10.0 * dice[0] + 6.0 * dice[1:4]
    return np.full(3, float(colour @ LUMA)) if grey else colour


def _shaded(colour: Points, light: Layer) -> npt.NDArray[np.float64]:
    return colour * light[..., None]
