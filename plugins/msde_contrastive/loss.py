"""Contrastive alignment of a face's unmasked and masked image (paper, Sec. 3.3)."""

from __future__ import annotations

from collections.abc import Mapping

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from msde_toolkit.errors import InputError
from msde_toolkit.interfaces import Forward, Loss, LossContext, Model, PluginOptions
from msde_toolkit.types import Batch, LossTerms, PairBatch


class ContrastiveOptions(PluginOptions):
    """Weights of the terms in Eq. 3."""

    mse_weight: float = Field(
        0.2, ge=0, allow_inf_nan=False, description="Weight of the squared feature distance (alpha, Eq. 3)."
    )
    classification_weight: float = Field(
        1.0, ge=0, allow_inf_nan=False, description="Weight of each image's classification loss (beta, Eq. 3)."
    )


def contrastive_terms(
    features: tuple[Tensor, Tensor],
    classification: tuple[Mapping[str, Tensor], Mapping[str, Tensor]],
    *,
    mse_weight: float = 0.2,
    classification_weight: float = 1.0,
) -> dict[str, Tensor]:
    """Eq. 3: ``mse_weight * MSE(nm, m) + classification_weight * (L_nm + L_m)``, as weighted terms.

    Args:
        features: unmasked and masked ``[B, F]``, row by row of the same pair. MSE is the mean over B·F (Eq. 1).
        classification: named scalar terms of the unmasked and of the masked images.
        mse_weight: alpha, 0.2 in the paper.
        classification_weight: beta, 1 in the paper.

    Returns:
        ``mse``, and the classification terms named ``nm.*`` and ``m.*``.
    """
    terms = {"mse": mse_weight * F.mse_loss(*features)}
    for half, named in zip(("nm", "m"), classification, strict=True):
        terms |= {f"{half}.{name}": classification_weight * value for name, value in named.items()}
    return terms


class Contrastive(Loss):
    """Pulls the features of a pair together while both images are classified.

    Each half's classification loss is the mean over its own B images and the two are added, as Eq. 3 has it: on the
    same batch that is about twice what ``ce`` gives, which takes one mean over all 2B images.
    """

    summary = "Contrastive alignment: squared distance of a pair's features plus cross entropy of both"
    reference = "MSD-E paper, Sec. 3.3, Eq. 1 and 3"
    licence = "Apache-2.0"
    needs_pairs = True
    Options = ContrastiveOptions
    options: ContrastiveOptions

    def step(self, model: Model, forward: Forward, batch: Batch | PairBatch, context: LossContext) -> LossTerms:
        """Terms ``mse``, ``nm.*`` and ``m.*`` of one joined forward pass.

        Raises:
            InputError: if the batch is not of pairs.
        """
        if not isinstance(batch, PairBatch):
            message = "The loss cl needs pairs of an unmasked and a masked image: train on pairs."
            raise InputError(message)
        nm, m = forward(batch.joined().images).split()
        terms = contrastive_terms(
            (nm.features, m.features),
            (
                model.classification_loss(nm, batch.nm.targets, context.criterion(batch.nm)),
                model.classification_loss(m, batch.m.targets, context.criterion(batch.m)),
            ),
            mse_weight=self.options.mse_weight,
            classification_weight=self.options.classification_weight,
        )
        return LossTerms.summed(terms)
