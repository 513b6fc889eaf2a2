"""What losses pull together: the pooled features of two images, or the unit maps of the paper's released code."""

from __future__ import annotations

from math import log
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from msde_toolkit.errors import InputError
from msde_toolkit.interfaces import Switch
from msde_toolkit.types import ModelOutput

Align = Literal["features", "maps"]
"""``features``: pooled and plain, as the paper writes it; ``maps``: before pooling, each place a unit vector."""


def maps_switch(script: str) -> Switch:
    """The switch of profile ``code`` for a loss that aligns: its released script takes the distance of unit maps."""
    return Switch(
        "loss.align",
        "maps",
        "the distance is that of maps before pooling, each place a unit vector, not that of the features",
        f"paper Eq. 1; released code, {script} and the ResNet it imports",
    )


def aligned(output: ModelOutput, align: Align) -> Tensor:
    """The features ``[B, F]``, or the maps ``[B, K, h, w]`` divided at each place by their norm over the K channels.

    Raises:
        InputError: if maps are asked of a model that has none.
    """
    if align == "features":
        return output.features
    if "maps" not in output.extras:
        message = "loss.align=maps needs a model whose features are means of maps; with this one: loss.align=features."
        raise InputError(message)
    maps = output.extras["maps"]
    return F.normalize(maps.to(torch.promote_types(maps.dtype, torch.float32)), dim=1)


def ceiling_note(output: ModelOutput, mse_weight: float) -> str:
    """How large the weighted mean squared distance of unit maps can get, against the cross entropy of a guess.

    Two unit vectors without negative entries are at most sqrt(2) apart (2 with them), and the mean over B·K·h·w
    divides the square of that by K.
    """
    unit = aligned(output, "maps")
    channels, classes = unit.shape[1], output.logits.shape[1]
    square = 4 if (unit < 0).any() else 2
    most, guess = square / channels, log(classes)
    return (
        f"loss.align=maps: on unit maps of {channels} channels the mean squared distance is at most {square}/{channels}"
        f" = {most:.4f}; times its weight {mse_weight:g} that is {mse_weight * most:.4f}, or "
        f"{mse_weight * most / guess:.2%} of the cross entropy of a guess, ln {classes} = {guess:.4f}"
    )
