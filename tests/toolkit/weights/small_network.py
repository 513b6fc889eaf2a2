"""A network with a torchvision ResNet's names and next to no weights, and checkpoints that fill it."""

from collections import OrderedDict

import torch
from torch import nn

from msde_toolkit.interfaces import Model, PluginOptions
from msde_toolkit.types import ModelOutput


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)

    def forward(self, maps):
        return torch.relu(maps + self.bn1(self.conv1(maps)))


def trunk(width=4, layers=1):
    parts = OrderedDict(conv1=nn.Conv2d(3, width, 3, 2, 1, bias=False), bn1=nn.BatchNorm2d(width))
    parts.update({f"layer{number}": nn.Sequential(Block(width)) for number in range(1, layers + 1)})
    return nn.Sequential(parts)


class Small(Model):
    """Takes a torchvision layout with a head of expressions as its authors'; warns of VGGFace2's weights."""

    url = ""

    def __init__(self, classes=7, width=4, layers=1):
        super().__init__(classes, PluginOptions())
        self.backbone = trunk(width, layers)
        self.head = nn.Linear(width, classes)

    def forward(self, images):
        features = self.backbone(images).mean(dim=(2, 3))
        return ModelOutput(self.head(features), features)

    def pretrained_url(self):
        return self.url

    def fit_backbone(self, state, layout):
        if layout == "vggface2":
            return {**state, "conv1.weight": state["conv1.weight"].flip(1)}, ("turned to RGB",)
        return state, ()

    @classmethod
    def convert_checkpoint(cls, checkpoint, options):
        if "conv1.weight" not in checkpoint:
            return None
        return {f"head.{key[3:]}" if key.startswith("fc.") else f"backbone.{key}": t for key, t in checkpoint.items()}


def pretrained(classes, width=4, layers=1):
    """A trunk's state and, for a number of classes, an ``fc``."""
    torch.manual_seed(classes or 1)
    state = dict(trunk(width, layers).state_dict())
    for key in state:
        if state[key].is_floating_point():
            state[key] = torch.rand_like(state[key])
    if classes:
        state |= {"fc.weight": torch.rand(classes, width), "fc.bias": torch.rand(classes)}
    return state
