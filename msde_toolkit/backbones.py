"""ResNet trunks that several models build on: torchvision's, and the variant that VGGFace2's weights were made for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Literal

from torch import Tensor, nn

from msde_toolkit.errors import InputError
from msde_toolkit.types import InputSpec

ResNet = Literal["resnet18", "resnet34", "resnet50"]
Trunk = Literal["torchvision", "vggface2"]

LAYERS = ("layer1", "layer2", "layer3", "layer4")
VGGFACE2_INPUT = InputSpec(mean=(131.0912 / 255, 103.8827 / 255, 91.4953 / 255), std=(1 / 255, 1 / 255, 1 / 255))
"""Images in 0 to 255 minus VGGFace2's mean, as RGB; ``fit_vggface2`` turns the first convolution from BGR to it."""


def resnet_trunk(name: ResNet, last: str = "layer4", trunk: Trunk = "torchvision") -> nn.Sequential:
    """A randomly initialised ResNet up to the layer ``last``, without pooling and classifier; torchvision's keys.

    Args:
        name: depth.
        last: the layer to end with.
        trunk: ``vggface2`` has the strides of a block in its first 1 x 1 convolution instead of the 3 x 3 one and
            pools without padding: the function that weights converted from Caffe were trained as (ResNet-50 only).

    Raises:
        ValueError: ``vggface2`` with blocks that have no 1 x 1 convolution.
    """
    from torchvision import models

    network = getattr(models, name)(weights=None)
    left_out = {"avgpool", "fc", *LAYERS[LAYERS.index(last) + 1 :]}
    layers = OrderedDict((key, module) for key, module in network.named_children() if key not in left_out)
    if trunk == "vggface2":
        if name != "resnet50":
            message = f"There are no VGGFace2 weights for {name}, only for resnet50."
            raise ValueError(message)
        layers["maxpool"] = nn.MaxPool2d(3, 2, padding=0, ceil_mode=True)
        for key in set(LAYERS) & set(layers):
            first = layers[key][0]
            first.conv1.stride, first.conv2.stride = first.conv2.stride, first.conv1.stride
    return nn.Sequential(layers)


def width(name: ResNet, layer: str = "layer4") -> int:
    """Channels K of the maps ``[B, K, h, w]`` that a layer gives."""
    return (64 << LAYERS.index(layer)) * (4 if name == "resnet50" else 1)


def imagenet_url(name: ResNet) -> str:
    """Where torchvision publishes the ImageNet weights (its first ones, IMAGENET1K_V1)."""
    from torchvision.models import get_model_weights

    return str(get_model_weights(name)["IMAGENET1K_V1"].url)


def fit_vggface2(state: Mapping[str, Tensor], trunk: Trunk) -> tuple[Mapping[str, Tensor], Sequence[str]]:
    """VGGFace2's backbone weights for this trunk, and what the user must know.

    On the ``vggface2`` trunk the first convolution is turned from BGR to RGB. On torchvision's the weights go in as
    they are, as SCAN's authors did: they load, but compute something else than they were trained to.
    """
    if trunk == "torchvision":
        warning = (
            "VGGFace2's weights have their strides in the 1x1 convolutions and expect BGR images in 0 to 255: on this "
            "trunk they compute another function. --set model.trunk=vggface2 gives the network they were trained as"
        )
        return state, (warning,)
    return {**state, "conv1.weight": state["conv1.weight"].flip(1)}, ()


def fit_pretrained(
    state: Mapping[str, Tensor], layout: str, trunk: Trunk
) -> tuple[Mapping[str, Tensor], Sequence[str]]:
    """A ResNet's pretrained weights for this trunk: what ``Model.fit_backbone`` returns (see there).

    Raises:
        InputError: weights of torchvision's network for the ``vggface2`` trunk, which computes another function.
    """
    if layout == "vggface2":
        return fit_vggface2(state, trunk)
    if trunk == "vggface2":
        message = (
            f"these are {layout} weights, and the trunk vggface2 has its strides in other convolutions than they were "
            "trained with: set model.trunk=torchvision."
        )
        raise InputError(message)
    return state, ()
