"""RAN's options, and which of them go together."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from msde_ran.attention import Variant
from msde_ran.regions import BOX_SETS, Box
from msde_toolkit.backbones import ResNet, Trunk
from msde_toolkit.interfaces import PluginOptions


class RanOptions(PluginOptions):
    """What RAN is made of."""

    backbone: ResNet = Field(
        "resnet50", description="ResNet that all regions share (MSD-E's authors took 50; RAN's code has 18 and 34)."
    )
    trunk: Trunk = Field(
        "torchvision",
        description="ResNet-50 as torchvision builds it, or as VGGFace2's weights were trained (other strides, "
        "inputs in 0 to 255).",
    )
    regions: Literal[6, 8] = Field(6, description="Regions of a face, the whole face included.")
    boxes: Literal["auto", "paper", "affectnet"] = Field(
        "auto",
        description="Where the crops are: paper (5 and the whole face), affectnet (7 and the whole face, of the "
        "authors' code), or the one of the two that has so many regions.",
    )
    variant: Variant = Field(
        "paper", description="Attention as in the paper (sigmoid), or as in the released code (a softmax on it)."
    )
    margin: float = Field(0.02, ge=0, description="By how much the best crop should lead the whole face.")
    region_size: float = Field(
        1.0, ge=0.1, le=1, description="Side that each region is resized to, as a share of the image's side."
    )

    @field_validator("trunk")
    @classmethod
    def _vggface2_is_resnet50(cls, trunk: Trunk, others: ValidationInfo) -> Trunk:
        backbone = others.data.get("backbone", "resnet50")
        if trunk == "vggface2" and backbone != "resnet50":
            message = f"its weights are of ResNet-50, not {backbone}: set model.backbone=resnet50"
            raise ValueError(message)
        return trunk

    @field_validator("boxes")
    @classmethod
    def _boxes_are_as_many_as_regions(cls, boxes: str, others: ValidationInfo) -> str:
        regions = others.data.get("regions")
        if boxes != "auto" and regions is not None and len(BOX_SETS[boxes]) != regions:
            fitting = " or ".join(f"model.boxes={name}" for name, places in BOX_SETS.items() if len(places) == regions)
            count = len(BOX_SETS[boxes])
            message = f"has {count} regions, not {regions}: set {fitting}, or model.regions={count}"
            raise ValueError(message)
        return boxes

    @property
    def places(self) -> tuple[Box, ...]:
        """The regions' boxes, the whole face last."""
        if self.boxes == "auto":
            return next(places for places in BOX_SETS.values() if len(places) == self.regions)
        return BOX_SETS[self.boxes]
