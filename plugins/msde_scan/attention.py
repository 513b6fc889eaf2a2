"""SCAN's attention branch: a spatial and channel mask a patch, and one for the whole map."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from msde_scan import patches


class MaskNet(nn.Module):
    """A mask in (0, 1) for every cell and channel: 3 x 3 convolution, PReLU, batch norm, sigmoid."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.prelu = nn.PReLU(channels)
        self.norm = nn.BatchNorm2d(channels)
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, maps: Tensor) -> Tensor:
        """``[B, K, h, w]`` to the masked maps ``[B, K, h, w]``."""
        return maps * self.mask(self.conv(maps))

    def mask(self, responses: Tensor) -> Tensor:
        """The convolution's responses to the mask."""
        mask: Tensor = torch.sigmoid(self.norm(self.prelu(responses)))
        return mask


class SharedLocalAttention(nn.Module):
    """One mask net for all 25 patches.

    The authors call it patch after patch, so that in training each patch is normalised by its own batch statistics
    and the running ones move 25 times a step. Here it is called once: in training the statistics are those of all
    patches together, as the running ones used at test time always were. In evaluation both are the same function.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.net = MaskNet(channels)

    def forward(self, maps: Tensor) -> Tensor:
        """``[B, K, H, W]`` to the masked patches' means ``[B, K, 25]``."""
        responses = patches.unspaced(self.net.conv(patches.spaced(maps)))
        return patches.means(maps * self.net.mask(responses))


class LocalAttention(nn.Module):
    """A mask net of its own for each of the 25 patches, as in the authors' scripts for all sets but RAF-DB."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.nets = nn.ModuleList(MaskNet(channels) for _ in patches.CELLS)

    def forward(self, maps: Tensor) -> Tensor:
        """``[B, K, H, W]`` to the masked patches' means ``[B, K, 25]``."""
        precise = torch.promote_types(maps.dtype, torch.float32)
        masked = [net(patch) for net, patch in zip(self.nets, patches.split(maps), strict=True)]
        return torch.stack([patch.mean(dim=(2, 3), dtype=precise) for patch in masked], dim=2)


class AttentionBranch(nn.Module):
    """The strongest of the 25 local responses per channel, beside the global one."""

    def __init__(self, channels: int, classes: int, *, shared: bool) -> None:
        super().__init__()
        self.local = SharedLocalAttention(channels) if shared else LocalAttention(channels)
        self.whole = MaskNet(channels)
        self.fc = nn.Linear(2 * channels, classes)

    def forward(self, maps: Tensor, *, legacy: bool) -> tuple[Tensor, Tensor]:
        """``[B, K, H, W]`` to logits ``[B, C]`` and features ``[B, 2K]`` before their L2 normalisation.

        Args:
            maps: of layer 2.
            legacy: cut the bottom strip as the authors' code does (28 x 28 maps).
        """
        local = self.local(patches.scrambled(maps) if legacy else maps).amax(dim=2)
        whole = self.whole(maps).mean(dim=(2, 3), dtype=local.dtype)
        features = torch.cat([local, whole], dim=1)
        return self.fc(F.normalize(features, dim=1)), features
