"""What a map is worth if the network knows nothing: the same architecture with random weights (Adebayo et al. 2018)."""

from __future__ import annotations

from copy import deepcopy

import torch
from torch import Tensor, nn

from msde_toolkit.interfaces import Model


def with_random_weights(model: Model, images: Tensor, seed: int) -> Model:
    """A copy with newly drawn weights; batch normalisation gets the statistics of ``images``, else all would be noise.

    Layers draw as when they are made; the few parameters of a module that has no such rule are shuffled.

    Args:
        model: in evaluation mode.
        images: ``[B, 3, H, W]`` normalised.
        seed: of the draw.
    """
    fresh = deepcopy(model).eval()
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        for module in fresh.modules():
            reset = getattr(module, "reset_parameters", None)
            if callable(reset):
                reset()
            else:
                for parameter in module.parameters(recurse=False):
                    parameter.copy_(_shuffled(parameter))
        normalising = [m for m in fresh.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
        momenta = [module.momentum for module in normalising]
        for module in normalising:
            module.momentum = None  # an average over everything seen since the reset
            module.train()
        fresh(images)
        for module, momentum in zip(normalising, momenta, strict=True):
            module.momentum = momentum
    return fresh.eval()


def _shuffled(parameter: Tensor) -> Tensor:
    order = torch.randperm(parameter.numel())
    return parameter.flatten()[order.to(parameter.device)].view_as(parameter)
