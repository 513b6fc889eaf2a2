"""Any network of timm (PyTorch Image Models) as a backbone, with a linear head on its pooled features."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from msde_timm.network import build, forward, input_size, is_fixed, last_feature_layer, pretrained, try_out
from msde_toolkit.errors import InputError
from msde_toolkit.interfaces import Model, PluginOptions
from msde_toolkit.types import CamTarget, InputSpec, ModelOutput


class TimmOptions(PluginOptions):
    """Which network."""

    name: str = Field(
        "resnet18d", description="timm's name of the network; what follows the colon in timm:NAME (timm.list_models())."
    )
    image_size: int | None = Field(
        None,
        ge=8,
        description="Side in pixels that a network with a fixed input (ViT, Swin) is built for; "
        "default: what it was pretrained on.",
    )


class Timm(Model):
    """A network of timm with a linear head on its F pooled features (timm's, with ``num_classes=0``).

    Mean, standard deviation and size of the input are those of its pretrained weights. At construction one image goes
    through it: that gives F, the smallest input, and whether there are maps for Grad-CAM (tokens have none).

    Output: where features are the means of the last maps, as in ResNets, ``extras`` has these ``maps``
    ``[B, F, h, w]``.
    """

    summary = "Any network of timm as backbone, named after a colon: timm:resnet18d"
    reference = "Wightman 2019, PyTorch Image Models; timm names each network's paper"
    licence = "Apache-2.0"
    Options = TimmOptions
    argument: ClassVar[str] = "name"
    options: TimmOptions

    def __init__(self, classes: int, options: TimmOptions) -> None:
        super().__init__(classes, options)
        self.backbone = build(options.name, options.image_size)
        size = input_size(self.backbone, options.image_size)
        self._fixed = is_fixed(self.backbone, options.image_size)
        self._trial = try_out(self.backbone, options.name, size, self._fixed)
        known = pretrained(self.backbone)
        self.input_spec = InputSpec(_triple(known["mean"]), _triple(known["std"]), size)
        self.smallest_input = self._trial.smallest  # it differs from network to network
        self.head = nn.Linear(self._trial.features, classes)

    def forward(self, images: Tensor) -> ModelOutput:
        """``[B, 3, H, W]`` normalised by ``input_spec`` to logits ``[B, C]`` and features ``[B, F]``.

        Raises:
            InputError: if a network that is built for one size gets another.
        """
        built, given = self.input_spec.size, tuple(images.shape[2:])
        if self._fixed and given != (built, built):
            message = (
                f"timm:{self.options.name} is built for images of {built} px and got {given[0]} x {given[1]}: "
                f"set train.image_size={built}, or model.image_size where the network takes another."
            )
            raise InputError(message)
        maps, pooled = forward(self.backbone, images)
        # In single precision also under bf16 autocast: losses subtract features of a pair from one another.
        features = pooled.to(torch.promote_types(pooled.dtype, torch.float32))
        return ModelOutput(self.head(features), features, {"maps": maps} if self._trial.means else {})

    def cam_targets(self) -> list[CamTarget]:
        """The last layer that timm counts as features, if it is convolutional; none for tokens."""
        last = last_feature_layer(self.backbone)
        if last is None or not self._trial.maps:
            return []
        return [CamTarget("last features", last[0])]

    def pretrained_url(self) -> str:
        """The weights that this name stands for: on the hub in timm's own layout, else where their authors put them."""
        config = pretrained(self.backbone)
        if config.get("hf_hub_id") and not config.get("hf_hub_filename"):
            from huggingface_hub import hf_hub_url

            return str(hf_hub_url(config["hf_hub_id"], "model.safetensors"))
        return "" if config.get("custom_load") else str(config.get("url") or "")

    def fit_backbone(self, state: Mapping[str, Tensor], layout: str) -> tuple[Mapping[str, Tensor], Sequence[str]]:
        """Weights as timm itself would load them: old names are mapped, tables of positions resized to the input."""
        del layout
        classifier = pretrained(self.backbone).get("classifier") or ()
        ends = (classifier,) if isinstance(classifier, str) else tuple(classifier)
        kept = {key: value for key, value in state.items() if not key.startswith(tuple(f"{end}." for end in ends))}
        before = {key: value.shape for key, value in kept.items()}
        fit = getattr(sys.modules[type(self.backbone).__module__], "checkpoint_filter_fn", None)
        fitted: Mapping[str, Tensor] = kept if fit is None else fit(dict(kept), self.backbone)
        resized = [key for key, value in fitted.items() if key in before and value.shape != before[key]]
        notes = [f"resized to images of {self.input_spec.size} px: {', '.join(resized)}"] if resized else []
        return fitted, notes


def _triple(values: Sequence[float]) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
