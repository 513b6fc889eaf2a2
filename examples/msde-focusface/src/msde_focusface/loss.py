"""The loss ``focusface``: a pair's features are pulled together while a second head tells masked from unmasked."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from msde_toolkit.errors import InputError
from msde_toolkit.interfaces import Forward, Loss, LossContext, Model, PluginOptions
from msde_toolkit.types import Batch, LossTerms, PairBatch
from pydantic import Field
from torch import Tensor, nn

EMBEDDING = 32


class FocusFaceOptions(PluginOptions):
    """What ``--set loss.KEY=VALUE`` can change. The defaults are those of the authors' training script."""

    contrastive_weight: float = Field(
        1 / 3, ge=0, description="Weight of the squared distance of a pair's features, a mean over B·F numbers."
    )
    mask_weight: float = Field(0.1, ge=0, description="Weight of the cross entropy of masked against unmasked.")


class MaskHead(nn.Module):
    """Features ``[B, F]`` to the logits ``[B, 2]`` of unmasked and masked, through an embedding of 32 numbers."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.embedding = nn.Linear(features, EMBEDDING)
        self.presence = nn.Linear(EMBEDDING, 2)

    def forward(self, features: Tensor) -> Tensor:
        """``[B, F]`` to ``[B, 2]``."""
        logits: Tensor = self.presence(F.relu6(self.embedding(features)))
        return logits


class FocusFace(Loss):
    """Two tasks and a contrast: expression, mask presence, and the distance of a pair.

    The engine asks ``make_head`` for a module once a fold, trains it beside the model and hands it in as
    ``context.head``: that is all a loss with parameters of its own needs.
    """

    summary = "FocusFace: squared distance of a pair's features, and a head that tells masked from unmasked"
    reference = "Neto et al. 2021 (FG), FocusFace: Multi-task Contrastive Learning for Masked Face Recognition"
    licence = "Apache-2.0"
    needs_pairs = True
    Options = FocusFaceOptions
    options: FocusFaceOptions

    def make_head(self, features: int, classes: int) -> nn.Module:
        """The mask-presence head; it does not depend on the expression classes."""
        del classes
        return MaskHead(features)

    def step(self, model: Model, forward: Forward, batch: Batch | PairBatch, context: LossContext) -> LossTerms:
        """The model's classification terms over all 2B images, ``mask`` and ``contrastive``.

        Raises:
            InputError: if the batch is not of pairs, or the head was not made.
        """
        if not isinstance(batch, PairBatch):
            message = "The loss focusface needs pairs of an unmasked and a masked image: train on pairs."
            raise InputError(message)
        if context.head is None:
            message = "The loss focusface needs the head that its make_head makes, and was given none."
            raise InputError(message)
        joined = batch.joined()
        output = forward(joined.images)
        nm, m = output.split()
        presence = torch.arange(2, device=joined.labels.device).repeat_interleave(len(batch.nm))  # as joined() orders
        terms = dict(model.classification_loss(output, joined.targets, context.criterion(joined)))
        terms["mask"] = self.options.mask_weight * F.cross_entropy(context.head(output.features), presence)
        terms["contrastive"] = self.options.contrastive_weight * F.mse_loss(nm.features, m.features)
        return LossTerms.summed(terms)
