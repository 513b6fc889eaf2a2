"""A linear classifier on the frozen features of any other model."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from msde_toolkit import create_model
from msde_toolkit.errors import InputError, PluginError
from msde_toolkit.interfaces import Model, PluginOptions
from msde_toolkit.types import CamTarget, ModelOutput

TRUNK = "backbone."
"""What keys of a model's own backbone begin with in its ``state_dict``."""

TINIEST_VARIANCE = 1e-6
"""Added to each feature's variance, as in MAE's probe: the features of random networks hardly vary."""


class ProbeOptions(PluginOptions):
    """Whose features."""

    backbone: str = Field(
        "resnet18", description="Model whose features are classified: any name of msde list models, timm:NAME too."
    )
    backbone_options: dict[str, Any] = Field({}, description='Its options, e.g. {"normalise_maps": true}.')
    backbone_seed: int = Field(
        0, ge=0, lt=2**32, description="Of its random weights, where no file fills them: the same in every fold."
    )


class Probe(Model):
    """Features of a model that never trains, each standardised, and a linear head.

    The head's batch norm without scale and shift makes features of any size learnable at one learning rate. Its
    statistics are those of the training images, as the head's weights are. The frozen model's random weights have a
    seed of their own, so that all folds and repeats see the same features and these are computed once.

    ``features`` ``[B, F]`` of the output are the frozen model's; no loss can move them.
    """

    summary = "Linear probe: the frozen features of any model, standardised, under a linear head"
    reference = "Alain and Bengio 2016 (linear classifier probes); batch norm before the head: He et al. 2022 (MAE)"
    licence = "Apache-2.0"
    Options = ProbeOptions
    argument: ClassVar[str] = "backbone"
    frozen: ClassVar[bool] = True
    options: ProbeOptions

    def __init__(self, classes: int, options: ProbeOptions) -> None:
        super().__init__(classes, options)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(options.backbone_seed)
            self.backbone = _frozen_model(classes, options)
            features, self._used = _features_of(self.backbone)
        self.input_spec = self.backbone.input_spec
        self.smallest_input = self.backbone.smallest_input  # it differs from model to model
        self.head = nn.Sequential(
            OrderedDict(
                norm=nn.BatchNorm1d(features, eps=TINIEST_VARIANCE, affine=False), linear=nn.Linear(features, classes)
            )
        )

    def train(self, mode: bool = True) -> Probe:
        """Sets the head's mode; the frozen model stays in evaluation mode."""
        super().train(mode)
        self.backbone.eval()
        return self

    def forward(self, images: Tensor) -> ModelOutput:
        """``[B, 3, H, W]`` normalised by ``input_spec`` to logits ``[B, C]`` and the frozen features ``[B, F]``."""
        return self.classify(self.embed(images))

    def embed(self, images: Tensor) -> Tensor:
        """``[B, 3, H, W]`` as ``forward`` takes them to the frozen model's features ``[B, F]``."""
        output: ModelOutput = self.backbone(images)
        return output.features

    def classify(self, features: Tensor) -> ModelOutput:
        """``[B, F]`` to logits ``[B, C]``."""
        return ModelOutput(logits=self.head(features), features=features)

    def cam_targets(self) -> list[CamTarget]:
        """The frozen model's layers, without those of branches that its features do not pass (SCAN's layer 3)."""
        used = {id(weight) for name, weight in self.backbone.named_parameters() if name in self._used}
        targets = [
            (target, [id(weight) for weight in target.layer.parameters()]) for target in self.backbone.cam_targets()
        ]
        return [target for target, weights in targets if not weights or used.intersection(weights)]

    def pretrained_url(self) -> str:
        """The frozen model's."""
        return self.backbone.pretrained_url()

    def fit_backbone(self, state: Mapping[str, Tensor], layout: str) -> tuple[Mapping[str, Tensor], Sequence[str]]:
        """Weights for the frozen model: of a pretrained backbone, as it takes them, or its own ``state_dict``.

        What the features do not depend on (its classifier) may be missing, and is left out if made for other classes.
        """
        if _is_whole(state):
            own, spare = self.backbone.state_dict(), self.may_stay_random(state)
            left_out = [key for key in spare if key in state and state[key].shape != own[key].shape]
            parts = ", ".join(sorted({key.partition(".")[0] for key in left_out}))
            told = [f"no feature passes what is left out of the {self.options.backbone}'s {parts}"] if parts else []
            return {key: value for key, value in state.items() if key not in left_out}, told
        fitted, notes = self.backbone.fit_backbone(state, layout)
        random = sorted({key.partition(".")[0] for key in self._used if not key.startswith(TRUNK)})
        if random:
            parts = ", ".join(random)
            notes = (*notes, f"features of {self.options.backbone} also pass its {parts}, which stays random")
        return {f"{TRUNK}{key}": value for key, value in fitted.items()}, notes

    def may_stay_random(self, state: Mapping[str, Tensor]) -> Collection[str]:
        """Where a pretrained network fills the trunk, the rest; else what the features do not depend on."""
        if _is_whole(state):
            return {key for key, _ in self.backbone.named_parameters()} - self._used
        return {key for key in self.backbone.state_dict() if not key.startswith(TRUNK)}


def _is_whole(state: Mapping[str, Tensor]) -> bool:
    """Whether this is the ``state_dict`` of a model, not of a trunk alone."""
    return any(key.startswith(TRUNK) for key in state)


def _frozen_model(classes: int, options: ProbeOptions) -> Model:
    try:
        model = create_model(options.backbone, classes=classes, options=options.backbone_options)
    except PluginError:  # it says what is wrong with the name
        raise
    except InputError as error:
        message = f"model.backbone = {options.backbone}, whose options are model.backbone_options: {error}"
        raise InputError(message) from error
    if model.frozen:
        message = f"model.backbone = {options.backbone}: is a probe itself; name the model whose features it takes."
        raise InputError(message)
    return model.eval()


def _features_of(model: Model) -> tuple[int, frozenset[str]]:
    """F, and the names of the parameters that features depend on; then all of them are frozen."""
    named = dict(model.requires_grad_(True).named_parameters())
    device = next(iter(named.values())).device
    image = torch.zeros(1, 3, model.smallest_input, model.smallest_input, device=device)
    with torch.enable_grad():
        features = model(image).features
        gradients = torch.autograd.grad(features.sum(), list(named.values()), allow_unused=True)
    model.requires_grad_(False)
    used = frozenset(name for name, gradient in zip(named, gradients, strict=True) if gradient is not None)
    return features.shape[1], used
