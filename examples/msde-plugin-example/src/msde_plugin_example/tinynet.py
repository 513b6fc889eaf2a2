"""The model ``tinynet``: a baseline so small that a run takes seconds on a laptop."""

from __future__ import annotations

from itertools import pairwise

from msde_toolkit.interfaces import Model, PluginOptions
from msde_toolkit.types import CamTarget, ModelOutput
from pydantic import Field
from torch import Tensor, nn


class TinyNet(Model):
    """Three convolutions of stride 2, the mean over all places, and a linear head.

    The constructor's two arguments are the whole contract: the number of classes, and the options after validation.
    Parameters of ``self.backbone`` learn with ``train.lr_backbone``, all others with ``train.lr_head``.
    """

    summary = "Three convolutions and a linear head: a run in seconds"
    reference = "None: an example to copy from"
    licence = "Apache-2.0"
    smallest_input: int = 16

    class Options(PluginOptions):
        """What ``--set model.KEY=VALUE`` can change."""

        width: int = Field(16, ge=1, le=512, description="Channels of the first convolution; each next one doubles.")
        dropout: float = Field(0.0, ge=0, lt=1, description="Share of features set to zero while training.")

    def __init__(self, classes: int, options: Options) -> None:
        super().__init__(classes, options)
        widths = (3, options.width, 2 * options.width, 4 * options.width)
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [
                nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(),
            ]
        self.backbone = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Dropout(options.dropout), nn.Linear(widths[-1], classes))

    def forward(self, images: Tensor) -> ModelOutput:
        """``[B, 3, H, W]`` normalised by ``input_spec`` to logits ``[B, C]`` and features ``[B, 4 * width]``.

        The features are what losses compare and t-SNE shows: pooled, in single precision also where convolutions run
        in bf16, and before dropout, so that they are the same in training and evaluation.
        """
        features = self.backbone(images).float().mean(dim=(2, 3))
        return ModelOutput(logits=self.head(features), features=features)

    def cam_targets(self) -> list[CamTarget]:
        """The last convolution, after its ReLU: what Grad-CAM explains."""
        return [CamTarget("last convolution", self.backbone[-1])]
