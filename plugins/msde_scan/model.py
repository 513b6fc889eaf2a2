"""SCAN with complementary context (Gera and Balasubramanian 2021)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torchvision import models

from msde_scan.attention import AttentionBranch
from msde_scan.checkpoint import convert, is_authors
from msde_scan.context import QUADRANTS, ContextBranch
from msde_toolkit.errors import InputError
from msde_toolkit.interfaces import Criterion, Model, PluginOptions
from msde_toolkit.types import CamTarget, InputSpec, ModelOutput

ATTENTION_WEIGHT, REGIONS_WEIGHT = 0.2, 0.8
_LEFT_OUT = {"layer4", "avgpool", "fc"}
_LEGACY_MAP = 28


class ScanOptions(PluginOptions):
    """What SCAN is made of."""

    backbone: Literal["resnet50", "resnet34", "resnet18"] = Field(
        "resnet50", description="ResNet whose layers 1 to 3 are used."
    )
    shared_attention: bool = Field(
        False, description="One mask net for all 25 patches instead of 25 (the authors share it for RAF-DB only)."
    )
    context: bool = Field(True, description="Add the complementary context branch: classifiers on four quadrants.")
    legacy_patches: bool = Field(
        False, description="Cut the four bottom patches as the authors' code does, scrambled (224 px only)."
    )


class Scan(Model):
    """Attention on 25 patches and the whole face, and a shared classifier on four quadrants.

    Layer 2 of a ResNet feeds the attention branch, layer 3 the context branch; layer 4 does not exist. With 7 classes
    and ResNet-50 it has 70,196,307 parameters (13,536,339 with ``shared_attention``), of which the context branch has
    264,204. Without ``context``, layer 3 is kept so that checkpoints fit, but is frozen and not run.

    Output: ``logits`` ``[B, C]`` are the mean of the attention logits and the four quadrants' (the attention logits
    alone without ``context``); ``features`` ``[B, 2K]`` are the local maximum and the global mean of layer 2's K
    channels before L2 normalisation; ``extras`` has ``attention_logits`` ``[B, C]`` and, with ``context``,
    ``region_logits`` ``[B, 4, C]``.
    """

    summary = "SCAN-CCI: spatio-channel attention on 25 patches, with complementary context"
    reference = "Gera and Balasubramanian 2021 (Pattern Recognition Letters 145); MSD-E paper, Sec. 3.5"
    licence = "Apache-2.0"
    Options = ScanOptions
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"quick": {"backbone": "resnet18"}}
    input_spec = InputSpec(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    smallest_input: ClassVar[int] = 40
    options: ScanOptions

    def __init__(self, classes: int, options: ScanOptions) -> None:
        super().__init__(classes, options)
        network = getattr(models, options.backbone)(weights=None)
        trunk = [(name, module) for name, module in network.named_children() if name not in _LEFT_OUT]
        self.backbone = nn.Sequential(OrderedDict(trunk))
        expansion = network.layer1[0].expansion
        self.attention = AttentionBranch(128 * expansion, classes, shared=options.shared_attention)
        self.context = ContextBranch(256 * expansion, classes) if options.context else None
        if self.context is None:
            self.backbone.get_submodule("layer3").requires_grad_(False)

    def forward(self, images: Tensor) -> ModelOutput:
        """``[B, 3, H, W]`` normalised by ``input_spec`` to logits, features and extras (see the class).

        Raises:
            InputError: if a side is below ``smallest_input``, or ``legacy_patches`` meets an input that is not 224 px.
        """
        if min(images.shape[2:]) < self.smallest_input:
            message = f"SCAN needs images of {self.smallest_input} px or more, got {tuple(images.shape[2:])}."
            raise InputError(message)
        layer2 = self._layer2(images)
        attention, features = self.attention(layer2, legacy=self.options.legacy_patches)
        if self.context is None:
            return ModelOutput(attention, features, {"attention_logits": attention})
        regions = self.context(self.backbone.get_submodule("layer3")(layer2))
        logits = torch.cat([attention.unsqueeze(1), regions], dim=1).mean(dim=1)
        return ModelOutput(logits, features, {"attention_logits": attention, "region_logits": regions})

    def classification_loss(self, output: ModelOutput, targets: Tensor, criterion: Criterion) -> Mapping[str, Tensor]:
        """0.2 x the attention branch's loss and 0.8 x the sum (not the mean) over the four quadrants.

        Without ``context``, the attention branch's loss alone.
        """
        attention = criterion(output.extras["attention_logits"], targets)
        if self.context is None:
            return {"attention": attention}
        regions = output.extras["region_logits"]
        quadrants = [criterion(regions[:, index], targets) for index in range(QUADRANTS)]
        return {"attention": ATTENTION_WEIGHT * attention, "regions": REGIONS_WEIGHT * torch.stack(quadrants).sum()}

    def cam_targets(self) -> list[CamTarget]:
        """The last block of layer 3 where the context branch reads it, then that of layer 2."""
        names = ["layer3", "layer2"] if self.options.context else ["layer2"]
        return [CamTarget(name, self.backbone.get_submodule(name)) for name in names]

    @classmethod
    def convert_checkpoint(cls, checkpoint: Mapping[str, Any], options: PluginOptions) -> Mapping[str, Tensor] | None:
        """The authors' ``base_``, ``attention_`` and ``region_state_dict`` as this class's; None for another layout.

        Raises:
            InputError: if the file's architecture is not the options', or it contradicts itself.
        """
        assert isinstance(options, ScanOptions)
        if not is_authors(checkpoint):
            return None
        return convert(
            checkpoint,
            backbone=options.backbone,
            shared_attention=options.shared_attention,
            context=options.context,
        )

    def _layer2(self, images: Tensor) -> Tensor:
        layer2 = images
        for name, stage in self.backbone.named_children():
            if name != "layer3":
                layer2 = stage(layer2)
        if self.options.legacy_patches and layer2.shape[2:] != (_LEGACY_MAP, _LEGACY_MAP):
            message = f"model.legacy_patches needs 224 px images, got {tuple(images.shape[2:])}."
            raise InputError(message)
        return layer2
