"""A model that the kit can make as often as it wants, at the smallest size it takes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from msde_toolkit.create import create_model
from msde_toolkit.interfaces import Model
from msde_toolkit.testing.checks import require
from msde_toolkit.testing.plugin import PluginUnderTest
from msde_toolkit.testing.reference import random_images


@dataclass(frozen=True)
class ModelUnderTest:
    """A model plugin with the options of the preset ``quick``."""

    plugin: PluginUnderTest

    def make(self, classes: int = 7, seed: int = 0) -> Model:
        """A fresh one, its weights drawn from this seed."""
        torch.manual_seed(seed)
        return create_model(self.plugin.name, classes=classes, options=self.plugin.options)

    @cached_property
    def evaluating(self) -> Model:
        """One of 7 classes and seed 0 in evaluation mode, which checks only look at."""
        return self.make().eval()

    @cached_property
    def of_three_classes(self) -> Model:
        """Another, of 3 classes."""
        return self.make(3).eval()

    @property
    def pixels(self) -> int:
        """The smallest image side it says it takes."""
        return int(self.evaluating.smallest_input)

    def images(self, count: int, pixels: int | None = None) -> Tensor:
        """``[count, 3, S, S]`` normalised as the engine does; S is the smallest it takes unless given."""
        return self.evaluating.input_spec.normalise(random_images(count, pixels or self.pixels))


def distance(one: Tensor, other: Tensor) -> float:
    """The largest difference, as a share of the largest value (of 1 where all are smaller)."""
    largest = max(1.0, float(one.abs().max()))
    return float((one.float().cpu() - other.float().cpu()).abs().max()) / largest


def classification_total(network: Model, images: Tensor) -> Tensor:
    """The sum of the model's classification terms on labels in turn."""
    targets = F.one_hot(torch.arange(len(images)) % network.classes, network.classes).float().to(images.device)
    terms = network.classification_loss(network(images), targets, F.cross_entropy)
    for name, value in terms.items():
        require(value.ndim == 0, f"the classification term {name!r} is no scalar but {list(value.shape)}")
        require(bool(torch.isfinite(value)), f"the classification term {name!r} is {float(value.detach())}")
    return torch.stack(list(terms.values())).sum()
