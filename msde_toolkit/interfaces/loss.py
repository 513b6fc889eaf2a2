'''The loss (training paradigm) interface. A complete plugin:

from msde_toolkit.interfaces import Forward, Loss, LossContext, Model, PluginOptions
from msde_toolkit.types import Batch, LossTerms, PairBatch

class FeatureAlignment(Loss):
    """Cross entropy on both images of a pair, plus the squared distance of their features."""

    summary = "Cross entropy plus squared distance of a pair's features"
    licence = "Apache-2.0"
    needs_pairs = True

    class Options(PluginOptions):
        weight: float = 0.1

    def step(self, model: Model, forward: Forward, batch: Batch | PairBatch, context: LossContext) -> LossTerms:
        assert isinstance(batch, PairBatch)
        joined = batch.joined()
        output = forward(joined.images)
        nm, m = output.split()
        terms = dict(model.classification_loss(output, joined.targets, context.criterion(joined)))
        terms["distance"] = self.options.weight * (nm.features - m.features).pow(2).mean()
        return LossTerms.summed(terms)
'''

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from msde_toolkit.interfaces.model import Criterion, Model
from msde_toolkit.interfaces.plugin import Plugin
from msde_toolkit.randomness import uniform
from msde_toolkit.types import Batch, LossTerms, ModelOutput, PairBatch

Forward = Callable[[Tensor], ModelOutput]
"""Images ``[B, 3, H, W]`` in [0, 1] to the model's output: normalises, and is DDP's call where there is DDP."""


@dataclass(frozen=True)
class LossContext:
    """What a loss may know of the training around it.

    Attributes:
        epoch: 0-based.
        epochs: planned.
        classes: number of classes C.
        criterion_for: makes the run's cross entropy for a batch's sample weights; call ``criterion``.
        seed: names that key randomness: (seed, repeat, fold, epoch).
        teacher: frozen forward of the teacher (images in [0, 1] to output, evaluation mode, no gradient), where the
            loss ``needs_teacher``.
        head: what ``make_head`` made, on the device, trained along; None where the loss has none.
    """

    epoch: int
    epochs: int
    classes: int
    criterion_for: Callable[[Tensor], Criterion]
    seed: tuple[str | int, ...] = (0,)
    teacher: Forward | None = None
    head: nn.Module | None = None

    def criterion(self, batch: Batch) -> Criterion:
        """The run's cross entropy, with this batch's sample weights."""
        return self.criterion_for(batch.weight)

    def uniform(self, name: str, ids: Sequence[str], device: torch.device) -> Tensor:
        """``[B]`` numbers in [0, 1), each a function of the run's seed, the epoch, ``name`` and the sample's id."""
        return torch.from_numpy(uniform(1, ids, *self.seed, name)[:, 0]).to(device, torch.float32)


class Loss(Plugin):
    """A training paradigm: how a batch becomes a number to minimise. It keeps no state of its own.

    A loss that cannot work with a model says so by an ``InputError`` of one line from ``step``: before a run starts,
    the engine makes one step on two images, or pairs, that are thrown away.

    Attributes:
        needs_pairs: ``step`` gets a ``PairBatch``; the run trains on pairs.
        needs_teacher: the engine trains or opens a teacher (the same model, trained by cross entropy on the unmasked
            images of the same training subjects) and hands it in as ``context.teacher``.
    """

    needs_pairs: ClassVar[bool] = False
    needs_teacher: ClassVar[bool] = False

    def __init__(self, options: Any) -> None:
        self.options = options

    def make_head(self, features: int, classes: int) -> nn.Module | None:
        """A module that the loss trains beside the model (a projection, a second task's head); None where none is.

        The engine makes one a fold, trains it at the head's learning rate and hands it in as ``context.head``. It is
        no part of the trained model.

        Args:
            features: F of the model's features ``[B, F]``.
            classes: number of classes C.
        """
        del features, classes
        return None

    def notes(self, output: ModelOutput) -> Sequence[str]:
        """What a reader of the results must know, e.g. the largest value a term can take on such features.

        Args:
            output: of the model on two images, for its shapes.
        """
        del output
        return ()

    def step(self, model: Model, forward: Forward, batch: Batch | PairBatch, context: LossContext) -> LossTerms:
        """The loss of one step.

        Args:
            model: for ``classification_loss``; do not call it, call ``forward``.
            forward: images in [0, 1] to output.
            batch: samples, or pairs if ``needs_pairs`` (a loss that does not need pairs takes both).
            context: epoch, criterion, seeded randomness, teacher, head.

        Raises:
            InputError: in one line, if the loss cannot work with this model's output.
        """
        message = f"{type(self).__name__} does not define step."
        raise NotImplementedError(message)
