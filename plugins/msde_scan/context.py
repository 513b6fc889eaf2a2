"""SCAN's complementary context branch (CCI): channel attention and a classifier that four quadrants share."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

QUADRANTS = 4
_HIDDEN = 256


class ChannelAttention(nn.Module):
    """Efficient channel attention (Wang et al. 2020): a channel is scaled by what it and its four neighbours show."""

    def __init__(self, kernel: int = 5) -> None:
        super().__init__()
        self.conv = nn.Conv1d(1, 1, kernel, padding=kernel // 2, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        """``[B, K, h, w]`` to the same shape, scaled per channel by a factor in (0, 1)."""
        pooled = maps.mean(dim=(2, 3)).unsqueeze(1)
        scale = torch.sigmoid(self.conv(pooled)).transpose(1, 2).unsqueeze(3)
        return maps * scale


class ContextBranch(nn.Module):
    """Four expression classifiers with the same weights, one a quadrant."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.eca = ChannelAttention()
        self.classifier = nn.Sequential(
            nn.Linear(channels, _HIDDEN), nn.ReLU(inplace=True), nn.Linear(_HIDDEN, classes)
        )

    def forward(self, maps: Tensor) -> Tensor:
        """``[B, K, h, w]`` of layer 3 to ``[B, 4, C]``: top left, top right, bottom left, bottom right.

        On a side with an odd number of cells the middle one belongs to both halves.
        """
        quadrants = F.adaptive_avg_pool2d(self.eca(maps), 2).flatten(2).transpose(1, 2)
        logits: Tensor = self.classifier(quadrants)
        return logits
