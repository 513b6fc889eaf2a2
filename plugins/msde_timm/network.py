"""A network of timm without its classifier, and what one image shows of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from msde_toolkit.errors import InputError

_TRIED = (32, 48, 64, 96, 128, 160, 192)


@dataclass(frozen=True)
class Trial:
    """What a pass of one image shows.

    Attributes:
        features: F of the pooled features ``[B, F]``.
        smallest: the smallest side in pixels, of those tried, that the network takes.
        maps: the last feature layer is convolutional: its output is ``[B, K, h, w]``.
        means: features are the means of the maps that ``forward_features`` gives.
    """

    features: int
    smallest: int
    maps: bool
    means: bool


def library() -> ModuleType:
    """timm, imported on use.

    Raises:
        InputError: if it is not installed, with the command.
    """
    try:
        import timm
    except ImportError as error:
        message = 'The model timm needs the package timm: pip install "msde-toolkit[timm]".'
        raise InputError(message) from error
    return timm


def build(name: str, image_size: int | None) -> nn.Module:
    """A randomly initialised network without classifier.

    Args:
        name: timm's, with or without the tag of its pretrained weights (``resnet18d``, ``resnet18d.ra2_in1k``).
        image_size: side in pixels, of networks that are built for one; None: what it was pretrained on.

    Raises:
        InputError: unknown name; a size that this network does not take.
    """
    timm = library()
    if not timm.is_model(name):
        close = get_close_matches(name, timm.list_models(), n=3, cutoff=0.5)
        hint = f"Did you mean {' or '.join(close)}? " if close else ""
        message = f"model.name = {name!r}: timm has no such network. {hint}timm.list_models() lists them."
        raise InputError(message)
    size = {} if image_size is None else {"img_size": image_size}
    try:
        network: nn.Module = timm.create_model(name, pretrained=False, num_classes=0, **size)
    except Exception as error:  # each network checks its arguments in its own way
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if re.search("unexpected keyword argument 'img_size'", reason):
            reason = "this network is not built for a size: leave model.image_size out and set train.image_size"
        message = f"timm:{name} cannot be built: {reason.rstrip('.')}."
        raise InputError(message) from error
    return network


def pretrained(network: nn.Module) -> dict[str, Any]:
    """What timm knows of the weights that the network's name stands for."""
    known: dict[str, Any] = vars(network)["pretrained_cfg"]
    return known


def input_size(network: nn.Module, image_size: int | None) -> int:
    """Side in pixels of the images that a network was pretrained on, or is built for."""
    return image_size or int(pretrained(network)["input_size"][-1])


def is_fixed(network: nn.Module, image_size: int | None) -> bool:
    """Whether it takes images of one size only."""
    return image_size is not None or bool(pretrained(network).get("fixed_input_size"))


def last_feature_layer(network: nn.Module) -> tuple[nn.Module, int] | None:
    """The layer that timm names as its last features, and its channels K; None where timm names none."""
    named = list(getattr(network, "feature_info", ()))
    if not named or not isinstance(named[-1], dict):
        return None
    modules = dict(network.named_modules())
    layer = modules.get(named[-1].get("module"))
    return None if layer is None else (layer, int(named[-1]["num_chs"]))


def forward(network: Any, images: Tensor) -> tuple[Tensor, Tensor]:
    """``[B, 3, H, W]`` to timm's unpooled features (maps or tokens) and the pooled ``[B, F]``."""
    unpooled = network.forward_features(images)
    return unpooled, network.forward_head(unpooled)


def try_out(network: nn.Module, name: str, size: int, fixed: bool) -> Trial:
    """One image through the network, in evaluation mode: as small as it takes, or of the size it is built for.

    Raises:
        InputError: if no pass comes to an end, or gives no pooled features.
    """
    training = network.training
    network.eval()
    reason = ""
    try:
        for side in [size] if fixed else [*(side for side in _TRIED if side < size), size]:
            try:
                return _pass(network, side)
            except Exception as error:  # too small an image fails in as many ways as there are networks
                reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    finally:
        network.train(training)
    message = f"timm:{name} is no backbone for one image of {size} px: {reason.rstrip('.')}."
    raise InputError(message)


@torch.no_grad()
def _pass(network: nn.Module, side: int) -> Trial:
    device = next(network.parameters()).device
    image = torch.arange(3 * side * side, device=device, dtype=torch.float32).sin().view(1, 3, side, side)
    last, shapes = last_feature_layer(network), []
    hook = last and last[0].register_forward_hook(lambda _layer, _inputs, output: shapes.append(_shape(output)))
    try:
        unpooled, pooled = forward(network, image)
    finally:
        if hook:
            hook.remove()
    if not isinstance(pooled, Tensor) or pooled.ndim != 2:
        message = f"its features are {_shape(pooled) or 'no tensor'} and not [B, F]"
        raise ValueError(message)
    convolutional = last is not None and len(shapes) == 1 and len(shapes[0]) == 4 and shapes[0][1] == last[1]
    return Trial(pooled.shape[1], side, convolutional, _are_means(pooled, unpooled))


def _shape(output: object) -> list[int]:
    return list(output.shape) if isinstance(output, Tensor) else []


def _are_means(pooled: Tensor, maps: object) -> bool:
    if not isinstance(maps, Tensor) or maps.ndim != 4 or maps.shape[1] != pooled.shape[1] or maps.is_meta:
        return False
    return torch.allclose(pooled, maps.mean(dim=(2, 3)), rtol=1e-4, atol=1e-6)
