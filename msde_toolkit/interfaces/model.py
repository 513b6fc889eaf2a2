'''The model interface. A complete plugin:

import torch
from torch import nn
from msde_toolkit.interfaces import Model, PluginOptions
from msde_toolkit.types import CamTarget, ModelOutput

class TinyNet(Model):
    """Two convolutions and a linear head."""

    summary = "Two convolutions and a linear head"
    licence = "Apache-2.0"

    class Options(PluginOptions):
        width: int = 16

    def __init__(self, classes: int, options: Options) -> None:
        super().__init__(classes, options)
        self.backbone = nn.Sequential(
            nn.Conv2d(3, options.width, 3, stride=2, padding=1), nn.ReLU(),
            nn.Conv2d(options.width, 32, 3, stride=2, padding=1), nn.ReLU(),
        )
        self.head = nn.Linear(32, classes)

    def forward(self, images: torch.Tensor) -> ModelOutput:
        features = self.backbone(images).mean(dim=(2, 3))
        return ModelOutput(logits=self.head(features), features=features)

    def cam_targets(self) -> list[CamTarget]:
        return [CamTarget("last convolution", self.backbone[-1])]
'''

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, ClassVar

from torch import Tensor, nn

from msde_toolkit.interfaces.plugin import Plugin, PluginOptions
from msde_toolkit.types import CamTarget, InputSpec, ModelOutput

Criterion = Callable[[Tensor, Tensor], Tensor]
"""``criterion(logits [B, C], targets [B, C]) -> scalar``: cross entropy with the run's class weights and smoothing."""


class Model(nn.Module, Plugin):
    """A network from face images to expression logits.

    A subclass keeps its parameters in ``self.backbone`` and the rest (or overrides ``parameter_groups``), and returns
    the features that its head sees.
    """

    input_spec: InputSpec = InputSpec()
    smallest_input: int = 32
    """The smallest image side in pixels that the network can take."""
    frozen: ClassVar[bool] = False
    """The backbone never trains. The engine then calls ``embed`` once for every image, unchanged by augmentation, and
    trains on the stored features with ``classify``; ``forward`` must be ``classify(embed(images))``."""

    def __init__(self, classes: int, options: PluginOptions) -> None:
        super().__init__()
        self.classes = classes
        self.options = options

    def forward(self, images: Tensor) -> ModelOutput:
        """One pass.

        Args:
            images: ``[B, 3, H, W]`` already normalised by ``input_spec`` (the engine does that, on the device).

        Returns:
            logits ``[B, C]`` and features ``[B, F]``.
        """
        message = f"{type(self).__name__} does not define forward."
        raise NotImplementedError(message)

    def embed(self, images: Tensor) -> Tensor:
        """Of a ``frozen`` model: ``[B, 3, H, W]`` as ``forward`` takes them to ``[B, F]``, the same at every call."""
        message = f"{type(self).__name__} does not define embed."
        raise NotImplementedError(message)

    def classify(self, features: Tensor) -> ModelOutput:
        """Of a ``frozen`` model: ``[B, F]`` from ``embed`` to the output."""
        message = f"{type(self).__name__} does not define classify."
        raise NotImplementedError(message)

    def classification_loss(self, output: ModelOutput, targets: Tensor, criterion: Criterion) -> Mapping[str, Tensor]:
        """Named terms, each as it enters the sum. A model with several classifiers overrides this."""
        return {"ce": criterion(output.logits, targets)}

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """Trainable parameters as ``backbone`` and ``head``: the two learning rates of the paper (Sec. 3.1)."""
        backbone = {id(p) for name, p in self.named_parameters() if name.startswith("backbone.")}
        trainable = [p for p in self.parameters() if p.requires_grad]
        return {
            "backbone": [p for p in trainable if id(p) in backbone],
            "head": [p for p in trainable if id(p) not in backbone],
        }

    def cam_targets(self) -> list[CamTarget]:
        """Layers that Grad-CAM explains, the default first."""
        return []

    def pretrained_url(self) -> str:
        """Where ImageNet weights of this backbone are published, for ``--weights imagenet``; empty: nowhere known.

        The file holds the keys of ``self.backbone`` (a torchvision ``state_dict``; its head is left out). A name that
        ends in ``-`` and hexadecimal digits before the suffix gives the first digits of the file's sha256.
        """
        return ""

    def fit_backbone(self, state: Mapping[str, Tensor], layout: str) -> tuple[Mapping[str, Tensor], Sequence[str]]:
        """Weights of a pretrained backbone, made to fit this network.

        Args:
            state: keys as in ``self.backbone``.
            layout: where they come from: ``torchvision``, ``msceleb``, ``vggface2``, or ``other``: a file that has the
                backbone's own keys (timm, a probe).

        Returns:
            the weights to load, and what the user must know of them.

        Raises:
            InputError: if such weights cannot be used here.
        """
        del layout
        return state, ()

    def may_stay_random(self, state: Mapping[str, Tensor]) -> Collection[str]:
        """Keys of ``self.backbone`` that such weights need not fill; without this, all others must be there.

        A backbone that is a model itself has parts that no pretrained network has. What stays random is told by the
        notes of ``fit_backbone``, if it matters.

        Args:
            state: as ``fit_backbone`` takes it.
        """
        del state
        return ()

    @classmethod
    def convert_checkpoint(cls, checkpoint: Mapping[str, Any], options: PluginOptions) -> Mapping[str, Tensor] | None:
        """A released checkpoint of the method's authors as this class's ``state_dict``; None if it is not one.

        Raises:
            InputError: if it is the authors' layout but does not fit ``options``, or contradicts itself.
        """
        del checkpoint, options
        return None
