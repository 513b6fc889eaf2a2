"""The region attention network (Wang et al. 2020)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from msde_ran.attention import RegionAttention, region_biased_loss
from msde_ran.checkpoint import convert
from msde_ran.options import RanOptions
from msde_ran.regions import cut, on_face
from msde_toolkit import backbones
from msde_toolkit.errors import InputError
from msde_toolkit.interfaces import Criterion, Model, PluginOptions, Switch
from msde_toolkit.types import CamTarget, InputSpec, ModelOutput

SMALLEST_REGION = 32

_CODE = (
    Switch(
        "model.variant",
        "code",
        "a softmax over the regions follows each attention's sigmoid",
        "RAN paper (sigmoid alone); RAN's released FERPlus script, attention_rank_loss.py",
    ),
    Switch(
        "model.margin",
        0.1,
        "margin of the region-biased loss",
        "RAN paper (0.02, as the released AffectNet script); RAN's released FERPlus script, attention_rank_loss.py",
    ),
)


class Ran(Model):
    """Crops at fixed places and the whole face through one ResNet, fused by self- and relation-attention.

    With 7 classes it has 23,542,857 parameters on ResNet-50 and 11,185,225 on ResNet-18, however many the regions.

    All regions of all images go through the backbone as one batch. The authors loop over the regions: there, in
    training, each region is normalised by the batch statistics of its own crop, and the running statistics move R
    times a step. Here the statistics are those of all regions together, as the running ones used at test time always
    were. In evaluation nothing depends on what else is in a batch, so both are the same function.

    Output: ``logits`` ``[B, C]``; ``features`` ``[B, 2F]``, the fused face before the classifier; ``extras`` has the
    attention weights of the R regions, ``mu`` and ``nu`` ``[B, R]``, the whole face last.
    """

    summary = "RAN: attention over fixed crops and the whole face, with region-biased loss"
    reference = "Wang et al. 2020 (IEEE Transactions on Image Processing 29); MSD-E paper, Sec. 3.5"
    licence = "Apache-2.0"
    Options = RanOptions
    presets: ClassVar[Mapping[str, Mapping[str, Any]]] = {"quick": {"backbone": "resnet18", "region_size": 0.5}}
    profiles: ClassVar[Mapping[str, Sequence[Switch]]] = {"code": _CODE}
    input_spec = InputSpec(mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    smallest_input: int = SMALLEST_REGION
    options: RanOptions

    def __init__(self, classes: int, options: RanOptions) -> None:
        super().__init__(classes, options)
        if options.trunk == "vggface2":
            self.input_spec = backbones.VGGFACE2_INPUT
        # Of the class, it is that of regions as large as the image.
        self.smallest_input = math.ceil(SMALLEST_REGION / options.region_size)
        features = backbones.width(options.backbone)
        self.backbone = backbones.resnet_trunk(options.backbone, trunk=options.trunk)
        self.attention = RegionAttention(features, options.variant)
        self.fc = nn.Linear(2 * features, classes)

    def forward(self, images: Tensor) -> ModelOutput:
        """Cut the regions of ``[B, 3, H, W]`` and classify the faces (see the class).

        Raises:
            InputError: if regions would be smaller than 32 pixels a side.
        """
        return self.forward_regions(cut(images, self.options.places, self.options.region_size))

    def forward_regions(self, regions: Tensor) -> ModelOutput:
        """The same of regions already cut: ``[B, R, 3, h, w]`` normalised by ``input_spec``, the whole face last.

        R may differ from ``options.regions``: no weight belongs to a region.

        Raises:
            InputError: if regions are smaller than 32 pixels a side.
        """
        if min(regions.shape[3:]) < SMALLEST_REGION:
            message = (
                f"RAN needs regions of {SMALLEST_REGION} px or more, got {tuple(regions.shape[3:])}: "
                "use larger images, or a larger model.region_size."
            )
            raise InputError(message)
        maps = self.backbone(regions.flatten(0, 1))
        # Pooled in single precision also under bf16 autocast: losses subtract features of a pair from one another.
        pooled = maps.mean(dim=(2, 3), dtype=torch.promote_types(maps.dtype, torch.float32))
        mu, nu, fused = self.attention(pooled.view(*regions.shape[:2], -1))
        return ModelOutput(self.fc(fused), fused, {"mu": mu, "nu": nu})

    def classification_loss(self, output: ModelOutput, targets: Tensor, criterion: Criterion) -> Mapping[str, Tensor]:
        """``ce``, and ``rb``, the region-biased loss: with weight 1, no class or sample weighing more than another."""
        rb = region_biased_loss(output.extras["mu"], self.options.margin)
        return {"ce": criterion(output.logits, targets), "rb": rb}

    def cam_targets(self) -> list[CamTarget]:
        """Layer 4, then layer 3, whose maps are twice as fine; those of an image's regions are laid back on the face.

        Regions of 32 pixels leave layer 4 a single cell each.
        """
        to_face = partial(on_face, boxes=self.options.places)
        return [CamTarget(name, self.backbone.get_submodule(name), to_face) for name in ("layer4", "layer3")]

    def pretrained_url(self) -> str:
        """ImageNet weights of this depth, as torchvision has them."""
        return backbones.imagenet_url(self.options.backbone)

    def fit_backbone(self, state: Mapping[str, Tensor], layout: str) -> tuple[Mapping[str, Tensor], Sequence[str]]:
        """VGGFace2's weights by the trunk's rule; others go in as they are, with a word if the trunk is not theirs."""
        if layout == "vggface2":
            return backbones.fit_vggface2(state, self.options.trunk)
        if self.options.trunk == "vggface2":
            warning = (
                f"weights in {layout}'s layout compute another function on the vggface2 trunk, if they were not made "
                "on it: --set model.trunk=torchvision gives theirs"
            )
            return state, (warning,)
        return state, ()

    @classmethod
    def convert_checkpoint(cls, checkpoint: Mapping[str, Any], options: PluginOptions) -> Mapping[str, Tensor] | None:
        """The authors' ``state_dict`` as this class's; None for another layout.

        The file does not say its number of regions, nor whether its margin and softmax are the options'.

        Raises:
            InputError: if the file's backbone is not the options'.
        """
        assert isinstance(options, RanOptions)
        return convert(checkpoint, options)
