"""SCAN with complementary context (Gera and Balasubramanian 2021)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from pydantic import Field, model_validator
from torch import Tensor

from msde_scan.attention import AttentionBranch
from msde_scan.checkpoint import convert, is_authors
from msde_scan.context import QUADRANTS, ContextBranch
from msde_toolkit.backbones import VGGFACE2_INPUT, ResNet, Trunk, fit_pretrained, imagenet_url, resnet_trunk, width
from msde_toolkit.errors import InputError
from msde_toolkit.interfaces import Criterion, Model, PluginOptions, Switch
from msde_toolkit.types import CamTarget, InputSpec, ModelOutput

ATTENTION_WEIGHT, REGIONS_WEIGHT = 0.2, 0.8
_LEGACY_MAP = 28
_CODE = (
    Switch(
        "model.legacy_patches",
        True,
        "The four bottom patches are cut as scrambled rows, not as 4 x 6 cells of the face",
        "SCAN paper (25 patches of the map); SCAN's released code, attentionnet.py",
    ),
    Switch(
        "train.eval_after_first_epoch",
        True,
        "After the first test the network is never set back to training mode: batch norm learns in epoch 1 only",
        "SCAN paper: not stated; SCAN's released code, every main_*.py",
    ),
)


class ScanOptions(PluginOptions):
    """What SCAN is made of."""

    backbone: ResNet = Field("resnet50", description="ResNet whose layers 1 to 3 are used.")
    trunk: Trunk = Field(
        "torchvision",
        description="vggface2: the strides and pooling that VGGFace2's Caffe weights were trained with, and their "
        "input (resnet50 only; the authors load those weights into torchvision's network).",
    )
    shared_attention: bool = Field(
        False, description="One mask net for all 25 patches instead of 25 (the authors share it for RAF-DB only)."
    )
    context: bool = Field(True, description="Add the complementary context branch: classifiers on four quadrants.")
    legacy_patches: bool = Field(
        False, description="Cut the four bottom patches as the authors' code does, scrambled (224 px only)."
    )

    @model_validator(mode="after")
    def _trunk_of_resnet50(self) -> ScanOptions:
        if self.trunk == "vggface2" and self.backbone != "resnet50":
            message = f"trunk=vggface2 is a ResNet-50 and backbone is {self.backbone}: set model.backbone=resnet50"
            raise ValueError(message)
        return self


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
    profiles: ClassVar[Mapping[str, Sequence[Switch]]] = {"code": _CODE}
    input_spec = InputSpec(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
    smallest_input: int = 40
    options: ScanOptions

    def __init__(self, classes: int, options: ScanOptions) -> None:
        super().__init__(classes, options)
        if options.trunk == "vggface2":
            self.input_spec = VGGFACE2_INPUT
        self.backbone = resnet_trunk(options.backbone, last="layer3", trunk=options.trunk)
        layer2, layer3 = width(options.backbone, "layer2"), width(options.backbone, "layer3")
        self.attention = AttentionBranch(layer2, classes, shared=options.shared_attention)
        self.context = ContextBranch(layer3, classes) if options.context else None
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

    def pretrained_url(self) -> str:
        """Torchvision's ImageNet weights, of which layer 4 is left out; none are known for the ``vggface2`` trunk."""
        return imagenet_url(self.options.backbone) if self.options.trunk == "torchvision" else ""

    def fit_backbone(self, state: Mapping[str, Tensor], layout: str) -> tuple[Mapping[str, Tensor], Sequence[str]]:
        """See ``msde_toolkit.backbones.fit_pretrained``."""
        return fit_pretrained(state, layout, self.options.trunk)

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
            trunk=options.trunk,
            shared_attention=options.shared_attention,
            context=options.context,
        )

    def _layer2(self, images: Tensor) -> Tensor:
        layer2 = images
        for name, stage in self.backbone.named_children():
            if name != "layer3":
                layer2 = stage(layer2)
        if self.options.legacy_patches and layer2.shape[2:] != (_LEGACY_MAP, _LEGACY_MAP):
            message = (
                f"model.legacy_patches needs 224 px images, got {tuple(images.shape[2:])}: set train.image_size=224 "
                "or model.legacy_patches=false."
            )
            raise InputError(message)
        return layer2
