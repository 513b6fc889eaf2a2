"""ResNet-18, the paper's baseline (Sec. 3.1), and its deeper sisters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from msde_toolkit.backbones import VGGFACE2_INPUT, ResNet, Trunk, fit_pretrained, imagenet_url, resnet_trunk, width
from msde_toolkit.interfaces import Model, PluginOptions, Switch
from msde_toolkit.types import CamTarget, InputSpec, ModelOutput

CODE = (
    Switch(
        "model.normalise_maps",
        True,
        "Features are means of L2-normalised maps, on which the feature distance of cl is next to nothing",
        "paper Sec. 3.3, Eq. 1 (features of size F); released code, resnet.py",
    ),
)


class ResNetOptions(PluginOptions):
    """What features are taken."""

    normalise_maps: bool = Field(
        False,
        description="L2-normalise the last maps over their channels at each position before pooling, as the paper's "
        "released code does.",
    )


class ResNet50Options(ResNetOptions):
    """Features, and which ResNet-50."""

    trunk: Trunk = Field(
        "torchvision",
        description="vggface2: the strides and pooling that VGGFace2's Caffe weights were trained with, and their "
        "input (0 to 255 minus their mean).",
    )


class _ResNet(Model):
    """A ResNet with a linear head on its F pooled features (512; 2048 with 50 layers).

    Output: ``extras`` has ``maps`` ``[B, F, h, w]``, the maps that ``features`` are the means of.
    """

    depth: ClassVar[ResNet]
    licence = "Apache-2.0"
    Options = ResNetOptions
    profiles: ClassVar[Mapping[str, Sequence[Switch]]] = {"code": CODE}
    input_spec: InputSpec = InputSpec()
    smallest_input: int = 32
    options: ResNetOptions

    def __init__(self, classes: int, options: ResNetOptions) -> None:
        super().__init__(classes, options)
        self.backbone = resnet_trunk(self.depth, trunk=self.trunk)
        self.head = nn.Linear(width(self.depth), classes)

    @property
    def trunk(self) -> Trunk:
        """Torchvision's, or the variant that VGGFace2's weights were made for."""
        return "torchvision"

    def forward(self, images: Tensor) -> ModelOutput:
        """``[B, 3, H, W]`` normalised by ``input_spec`` to logits ``[B, C]`` and features ``[B, F]``."""
        maps = self.backbone(images)
        # In single precision also under bf16 autocast: losses subtract features of a pair from one another.
        precise = torch.promote_types(maps.dtype, torch.float32)
        if self.options.normalise_maps:
            maps = F.normalize(maps.to(precise), dim=1)
        features = maps.mean(dim=(2, 3), dtype=precise)
        return ModelOutput(logits=self.head(features), features=features, extras={"maps": maps})

    def cam_targets(self) -> list[CamTarget]:
        """The last residual block, after its ReLU."""
        layer4 = self.backbone.get_submodule("layer4")
        assert isinstance(layer4, nn.Sequential)
        return [CamTarget("layer4", layer4[-1])]

    def pretrained_url(self) -> str:
        """Torchvision's ImageNet weights; none are known for the ``vggface2`` trunk."""
        return imagenet_url(self.depth) if self.trunk == "torchvision" else ""

    def fit_backbone(self, state: Mapping[str, Tensor], layout: str) -> tuple[Mapping[str, Tensor], Sequence[str]]:
        """See ``msde_toolkit.backbones.fit_pretrained``."""
        return fit_pretrained(state, layout, self.trunk)

    @classmethod
    def convert_checkpoint(cls, checkpoint: Mapping[str, Any], options: PluginOptions) -> Mapping[str, Tensor] | None:
        """A torchvision ResNet's state_dict (or ``{"state_dict": ...}``) as this class's; None if it is not one.

        Raises:
            InputError: for the ``vggface2`` trunk, which computes another function.
        """
        state = checkpoint.get("state_dict", checkpoint)
        if not isinstance(state, Mapping) or "conv1.weight" not in state:
            return None
        fit_pretrained(state, "torchvision", getattr(options, "trunk", "torchvision"))
        return {
            f"head.{key.removeprefix('fc.')}" if key.startswith("fc.") else f"backbone.{key}": value
            for key, value in state.items()
        }


class ResNet18(_ResNet):
    """ResNet-18, 512 features: 11,180,103 parameters for 7 classes."""

    depth = "resnet18"
    summary = "ResNet-18: the paper's baseline"
    reference = "He et al. 2016 (CVPR); MSD-E paper, Sec. 3.1"


class ResNet34(_ResNet):
    """ResNet-34, 512 features: 21,288,263 parameters for 7 classes."""

    depth = "resnet34"
    summary = "ResNet-34: the baseline with more layers"
    reference = "He et al. 2016 (CVPR)"


class ResNet50(_ResNet):
    """ResNet-50, 2048 features: 23,522,375 parameters for 7 classes."""

    depth = "resnet50"
    summary = "ResNet-50: the baseline with bottlenecks, also as VGGFace2's weights need it"
    reference = "He et al. 2016 (CVPR); Cao et al. 2018 (FG), for the trunk vggface2"
    Options = ResNet50Options
    options: ResNet50Options

    def __init__(self, classes: int, options: ResNet50Options) -> None:
        super().__init__(classes, options)
        if options.trunk == "vggface2":
            self.input_spec = VGGFACE2_INPUT

    @property
    def trunk(self) -> Trunk:
        """Torchvision's, or the variant that VGGFace2's weights were made for."""
        return self.options.trunk
