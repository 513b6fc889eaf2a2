"""Augmentation of whole batches with per-sample parameters: one fused affine, flip and colour change.

Both images of a pair get the same change, as in the paper's protocol. Parameters are drawn per sample id on the host
(``randomness``), so they do not depend on batch order; pixels are changed on the device in one pass.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from msde_toolkit.interfaces import PluginOptions
from msde_toolkit.randomness import Key, uniform

_GREY = (0.299, 0.587, 0.114)
_DRAWS = 8


class AugmentationOptions(PluginOptions):
    """How far a training image may be changed. All ranges are symmetric and uniform; 0 switches a change off."""

    flip: float = Field(0.5, ge=0, le=1, description="Probability of a horizontal flip.")
    rotation: float = Field(3.0, ge=0, le=180, description="Largest rotation in degrees.")
    shift: float = Field(0.0625, ge=0, le=1, description="Largest shift as a share of the side.")
    zoom: float = Field(0.1, ge=0, lt=1, description="Largest relative change of scale.")
    brightness: float = Field(0.2, ge=0, lt=1, description="Largest relative change of brightness.")
    contrast: float = Field(0.2, ge=0, lt=1, description="Largest relative change of contrast.")
    saturation: float = Field(0.2, ge=0, lt=1, description="Largest relative change of saturation.")


def draw(ids: Sequence[str], options: AugmentationOptions, *names: Key) -> Tensor:
    """Parameters of each sample's change, a function of ``names`` and its id.

    Returns:
        ``[B, 8]`` float32: flip sign, angle (radians), shift x and y (in half sides), scale, then the factors of
        brightness, contrast and saturation.
    """
    u = uniform(_DRAWS, ids, *names, "augment")
    spread = 2.0 * u - 1.0
    columns = [
        np.where(u[:, 0] < options.flip, -1.0, 1.0),
        np.deg2rad(spread[:, 1] * options.rotation),
        2.0 * spread[:, 2] * options.shift,
        2.0 * spread[:, 3] * options.shift,
        1.0 + spread[:, 4] * options.zoom,
        1.0 + spread[:, 5] * options.brightness,
        1.0 + spread[:, 6] * options.contrast,
        1.0 + spread[:, 7] * options.saturation,
    ]
    return torch.from_numpy(np.stack(columns, axis=1)).float()


def apply(images: Tensor, parameters: Tensor) -> Tensor:
    """Change each image by its row of parameters.

    Args:
        images: ``[B, 3, H, W]`` in [0, 1].
        parameters: ``[B, 8]`` from ``draw``.

    Returns:
        ``[B, 3, H, W]`` in [0, 1], edges continued where the face moved away from them.
    """
    p = parameters.to(images.device, images.dtype)
    flip, angle, dx, dy, scale, brightness, contrast, saturation = p.unbind(1)
    cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
    rows = [torch.stack([flip * cos, -sin, dx], 1), torch.stack([flip * sin, cos, dy], 1)]
    grid = F.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    moved = F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)
    return _colour(moved, brightness, contrast, saturation)


def _colour(images: Tensor, brightness: Tensor, contrast: Tensor, saturation: Tensor) -> Tensor:
    """Brightness, contrast about the mean grey, and saturation as one 3x3 matrix and offset an image."""
    grey = images.new_tensor(_GREY)
    identity = torch.eye(3, dtype=images.dtype, device=images.device)
    towards_grey = grey.expand(3, 3)
    matrix = saturation.view(-1, 1, 1) * identity + (1 - saturation).view(-1, 1, 1) * towards_grey
    mean = (images.mean(dim=(2, 3)) * grey).sum(dim=1)
    matrix = matrix * (brightness * contrast).view(-1, 1, 1)
    offset = (brightness * (1 - contrast) * mean).view(-1, 1, 1)
    batch, _, height, width = images.shape
    changed = torch.bmm(matrix, images.reshape(batch, 3, -1)) + offset
    return changed.view(batch, 3, height, width).clamp_(0, 1)
