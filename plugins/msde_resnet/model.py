"""ResNet-18, the paper's baseline (Sec. 3.1)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torchvision.models import resnet18

from msde_toolkit.interfaces import Model, PluginOptions
from msde_toolkit.types import CamTarget, InputSpec, ModelOutput

FEATURES = 512


class ResNet18(Model):
    """ResNet-18 with a linear head on its 512 pooled features. 11,180,103 parameters for 7 classes."""

    summary = "ResNet-18: the paper's baseline"
    reference = "He et al. 2016 (CVPR); MSD-E paper, Sec. 3.1"
    licence = "Apache-2.0"
    input_spec: InputSpec = InputSpec()
    smallest_input: ClassVar[int] = 32

    def __init__(self, classes: int, options: PluginOptions) -> None:
        super().__init__(classes, options)
        network = resnet18(weights=None)
        trunk = [(name, module) for name, module in network.named_children() if name not in {"avgpool", "fc"}]
        self.backbone = nn.Sequential(OrderedDict(trunk))
        self.head = nn.Linear(FEATURES, classes)

    def forward(self, images: Tensor) -> ModelOutput:
        """``[B, 3, H, W]`` normalised by ``input_spec`` to logits ``[B, C]`` and features ``[B, 512]``."""
        maps = self.backbone(images)
        # Pooled in single precision also under bf16 autocast: losses subtract features of a pair from one another.
        features = maps.mean(dim=(2, 3), dtype=torch.promote_types(maps.dtype, torch.float32))
        return ModelOutput(logits=self.head(features), features=features)

    def cam_targets(self) -> list[CamTarget]:
        """The last residual block, after its ReLU."""
        layer4 = self.backbone.get_submodule("layer4")
        assert isinstance(layer4, nn.Sequential)
        return [CamTarget("layer4", layer4[-1])]

    @classmethod
    def convert_checkpoint(cls, checkpoint: Mapping[str, Any], options: PluginOptions) -> Mapping[str, Tensor] | None:
        """A torchvision ``resnet18`` state_dict (or ``{"state_dict": ...}``) as this class's; None if it is not one."""
        del options
        state = checkpoint.get("state_dict", checkpoint)
        if not isinstance(state, Mapping) or "conv1.weight" not in state:
            return None
        return {
            f"head.{key.removeprefix('fc.')}" if key.startswith("fc.") else f"backbone.{key}": value
            for key, value in state.items()
        }
