"""Masks from templates: pictures warped onto the face, in the photo's light and grain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from msde_masks.anchors import Placing, place
from msde_masks.catalogue import ANY, template_files
from msde_masks.fit import Points, Wear
from msde_masks.layers import Layers, layers_of
from msde_masks.light import LUMA, Layer, is_grey, light_of, over
from msde_masks.photo import grain_of, speckle
from msde_masks.template import Template, ViewName, read_template
from msde_toolkit.errors import DataError
from msde_toolkit.interfaces import Image, Landmarks, Masker, PluginOptions

Alpha = npt.NDArray[np.uint8]


class TemplateOptions(PluginOptions):
    """Options of masks from templates."""

    name: str = Field(
        ANY,
        description="Template, beginning of several templates' names (n95), any, or path of a template's TOML file "
        "(./x is a path); what follows the colon in template:NAME. Of several, each photo's dice choose one.",
    )
    fit: Literal["neutral", "chin"] = Field(
        "neutral",
        description="neutral: by points that no expression moves; chin: by the jaw's points, as other tools do, for "
        "study: the mask grows as the jaw drops and so tells the label.",
    )
    colour: Literal["auto", "keep"] = Field(
        "auto", description="auto: grey on a grey photo; keep: the template's colours on every photo."
    )
    side_view_from: float = Field(
        15.0, ge=0.0, le=90.0, description="Degrees of yaw from which the template's side view is taken."
    )
    max_yaw: float = Field(50.0, gt=0.0, le=90.0, description="Degrees of yaw beyond which a face is refused.")
    straps: bool = Field(True, description="Draw ear loops and head straps.")
    grain: bool = Field(True, description="Blur the mask and add noise as far as the photo has them.")
    jitter: float = Field(
        1.0, ge=0.0, le=2.0, description="How much brightness and fit vary from photo to photo; 0: not at all."
    )


@dataclass(frozen=True)
class _Plan:
    """What the dice and the landmarks decide."""

    template: Template
    view: ViewName
    placing: Placing
    tint: Points
    """``[3]``, 1: unchanged."""


class FromTemplate(Masker):
    """A mask of a template, warped onto the face by its anchor points.

    The anchors lie where landmarks put them that no expression moves; light, blur and noise are those of what stays
    visible. So the mask itself tells nothing about mouth or jaw (``fit=chin`` gives that up).

    Raises:
        InputError: no such template.
        DataError: a damaged template.
    """

    summary = "Surgical, N95, KN95 and cloth masks from templates, also your own: template:n95-white"
    reference = (
        "Homography of a template by landmarks, as Anwar and Raychowdhury 2020 (MaskTheFace); templates drawn by us"
    )
    licence = "Apache-2.0; a template's own licence stands in its file"
    version: ClassVar[str] = "1"
    Options = TemplateOptions
    argument: ClassVar[str] = "name"
    options: TemplateOptions

    def __init__(self, options: TemplateOptions) -> None:
        super().__init__(options)
        self._templates = tuple(read_template(file) for file in template_files(options.name))

    def apply(self, image: Image, landmarks: Landmarks, rng: np.random.Generator) -> tuple[Image, Alpha]:
        """``round(alpha * mask + (1 - alpha) * image)`` ``[H, W, 3]`` and alpha ``[H, W]``, both uint8.

        Args:
            image: uint8 ``[H, W, 3]`` RGB, from about 24 pixels a side.
            landmarks: ``[68, 2]`` pixels.
            rng: of template, colour, fit and noise.

        Raises:
            DataError: if the landmarks are not those of an upright face, show it in profile, or put the mask outside
                the image.
        """
        plan = self._plan(landmarks, rng)
        height, width = image.shape[:2]
        layers = layers_of(plan.template, plan.view, plan.placing, (height, width), straps=self.options.straps)
        if not layers.mask[..., 3].any():
            message = f"The landmarks put the mask outside the image of {width}x{height} pixels."
            raise DataError(message)
        # What is covered must not be measured; blur comes later and carries the edges only a little further.
        footprint = np.maximum(layers.mask[..., 3], layers.straps).astype(np.float64)
        grain = grain_of(image, footprint == 0)
        if self.options.grain:
            layers = layers.blurred(grain.blur)
        light = light_of(image, plan.placing.frame, footprint)
        across = plan.placing.frame.coordinates(height, width)[0].clip(-1.2, 1.2)
        colour, alpha = _painted(layers, plan, light.on(np.ones_like(across), across))
        if self.options.grain:
            colour = colour + grain.noise * speckle((height, width), rng)[..., None]
        if self.options.colour == "auto" and is_grey(image):
            colour = np.repeat((colour @ LUMA)[..., None], 3, axis=2)
        mask = np.rint(colour).clip(0, 255).astype(np.int64)
        return over(image, mask, alpha), alpha.astype(np.uint8)

    def parameters(self, image: Image, landmarks: Landmarks, rng: np.random.Generator) -> dict[str, Any]:
        """Template, its colour, view, yaw (degrees), width and height (pixels, between anchors), brightness, fit."""
        del image
        plan = self._plan(landmarks, rng)
        return {
            "template": plan.template.name,
            "colour": plan.template.table.colour,
            "view": plan.view,
            "yaw": round(plan.placing.yaw, 2),
            "width": round(plan.placing.width, 2),
            "height": round(plan.placing.height, 2),
            "brightness": round(float(plan.tint.mean()), 4),
            "fit": self.options.fit,
        }

    def fingerprint(self) -> str:
        """Of the version and every template's files."""
        return " ".join([self.version, *(template.digest for template in self._templates)])

    def _plan(self, landmarks: Landmarks, rng: np.random.Generator) -> _Plan:
        options = self.options
        # The same dice are thrown whatever the template, so that two templates are worn alike.
        template = self._templates[int(rng.random() * len(self._templates))]
        dice = options.jitter * rng.uniform(-1.0, 1.0, 9)
        placing = place(np.asarray(landmarks, dtype=np.float64), Wear(*dice[:5].tolist()), options.fit)
        if abs(placing.yaw) > options.max_yaw:
            message = (
                f"The head is turned by about {abs(placing.yaw):.0f} degrees; masks are drawn up to "
                f"{options.max_yaw:.0f} (mask.max_yaw)."
            )
            raise DataError(message)
        tint = (np.array(template.table.tint) / 255.0) * (1.0 + 0.04 * dice[5] + 0.015 * dice[6:9])
        return _Plan(template, template.view(placing.yaw, options.side_view_from), placing, tint)


def _painted(layers: Layers, plan: _Plan, light: Layer) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Colour ``[H, W, 3]`` of mask over straps, and alpha of both."""
    own = layers.mask[..., 3].astype(np.int64)
    straps = layers.straps.astype(np.int64)
    alpha = own + (straps * (255 - own) + 127) // 255
    cloth = layers.mask[..., :3] * 255.0 / np.maximum(own, 1)[..., None] * plan.tint
    band = np.array(plan.template.table.strap_colour, dtype=np.float64)
    share = (own / np.maximum(alpha, 1))[..., None]
    return (share * cloth + (1.0 - share) * band) * light[..., None], alpha
