"""What a model returns and what it says about itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class ModelOutput:
    """One forward pass over B images.

    Attributes:
        logits: ``[B, C]`` before any softmax.
        features: ``[B, F]`` pooled, before any L2 normalisation: what CL and KD align and t-SNE shows.
        extras: further named tensors, first axis B. ``maps`` ``[B, K, h, w]`` are the maps that ``features`` are the
            means of, where the model has such.
    """

    logits: Tensor
    features: Tensor
    extras: Mapping[str, Tensor] = field(default_factory=dict)

    def split(self) -> tuple[ModelOutput, ModelOutput]:
        """The two halves of a joined pair batch: unmasked, masked."""
        half = len(self.logits) // 2
        return self._rows(slice(0, half)), self._rows(slice(half, None))

    def _rows(self, rows: slice) -> ModelOutput:
        extras = {name: value[rows] for name, value in self.extras.items()}
        return ModelOutput(self.logits[rows], self.features[rows], extras)


@dataclass(frozen=True)
class LossTerms:
    """A training step's loss: ``total`` (scalar, differentiable) and its named terms, each as it enters the total."""

    total: Tensor
    terms: Mapping[str, Tensor]

    @classmethod
    def summed(cls, terms: Mapping[str, Tensor]) -> LossTerms:
        """Terms that are already weighted; the total is their sum."""
        return cls(total=torch.stack(list(terms.values())).sum(), terms=terms)


@dataclass(frozen=True)
class InputSpec:
    """How images in [0, 1] are prepared for a model: ``(x - mean) / std`` per RGB channel; ``size`` in pixels."""

    mean: tuple[float, float, float] = (0.485, 0.456, 0.406)
    std: tuple[float, float, float] = (0.229, 0.224, 0.225)
    size: int = 224

    def normalise(self, images: Tensor) -> Tensor:
        """``[B, 3, H, W]`` in [0, 1] to what ``Model.forward`` takes, on the images' own device."""
        mean = images.new_tensor(self.mean).view(1, 3, 1, 1)
        std = images.new_tensor(self.std).view(1, 3, 1, 1)
        return (images - mean) / std


def _whole_face(maps: Tensor) -> Tensor:
    return maps


@dataclass(frozen=True)
class CamTarget:
    """A layer whose maps explain the prediction, and how they land on the face.

    Attributes:
        name: what a figure calls it.
        layer: the module whose output ``[B', K, h, w]`` is explained.
        to_face: maps ``[B', h, w]`` to ``[B, h', w']`` that cover the whole input image (identity unless the model
            looks at regions).
    """

    name: str
    layer: nn.Module
    to_face: Callable[[Tensor], Tensor] = _whole_face
