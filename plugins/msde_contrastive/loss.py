"""Contrastive alignment of a face's unmasked and masked image (paper, Sec. 3.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from msde_toolkit.alignment import Align, aligned, ceiling_note, maps_switch
from msde_toolkit.errors import InputError
from msde_toolkit.interfaces import Forward, Loss, LossContext, Model, PluginOptions, Switch
from msde_toolkit.types import Batch, LossTerms, ModelOutput, PairBatch


class ContrastiveOptions(PluginOptions):
    """Weights of the terms in Eq. 3, and what Eq. 1 compares."""

    mse_weight: float = Field(
        0.2, ge=0, allow_inf_nan=False, description="Weight of the squared feature distance (alpha, Eq. 3)."
    )
    classification_weight: float = Field(
        1.0, ge=0, allow_inf_nan=False, description="Weight of each image's classification loss (beta, Eq. 3)."
    )
    align: Align = Field(
        "features", description="What is pulled together: pooled features (paper) or unit maps (released code)."
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
        features: unmasked and masked ``[B, F]`` (or unit maps ``[B, K, h, w]``), row by row of the same pair. MSE is
            the mean over all their elements (Eq. 1: over B·F).
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

    With ``align=maps`` the distance is that of the released code, between maps whose every place is a unit vector. It
    cannot exceed 2/K, which ``notes`` sets beside the cross entropy.
    """

    summary = "Contrastive alignment: squared distance of a pair's features plus cross entropy of both"
    reference = "MSD-E paper, Sec. 3.3, Eq. 1 to 3"
    licence = "Apache-2.0"
    needs_pairs = True
    Options = ContrastiveOptions
    options: ContrastiveOptions
    profiles: ClassVar[Mapping[str, Sequence[Switch]]] = {
        "code": (
            maps_switch("cl_main.py"),
            Switch("loss.mse_weight", 1.0, "alpha is 1, not 0.2", "paper Sec. 3.3 (Eq. 3); released code, cl_main.py"),
            Switch(
                "train.lr_backbone",
                1e-3,
                "the backbone learns at 1e-3, not 1e-4",
                "paper Sec. 3.1; released code, cl_main.py",
            ),
        )
    }

    def notes(self, output: ModelOutput) -> Sequence[str]:
        """With ``align=maps``, the largest value that the distance can take."""
        return (ceiling_note(output, self.options.mse_weight),) if self.options.align == "maps" else ()

    def step(self, model: Model, forward: Forward, batch: Batch | PairBatch, context: LossContext) -> LossTerms:
        """Terms ``mse``, ``nm.*`` and ``m.*`` of one joined forward pass.

        Raises:
            InputError: if the batch is not of pairs, or ``align=maps`` meets a model without maps.
        """
        if not isinstance(batch, PairBatch):
            message = "The loss cl needs pairs of an unmasked and a masked image: train on pairs."
            raise InputError(message)
        nm, m = forward(batch.joined().images).split()
        terms = contrastive_terms(
            (aligned(nm, self.options.align), aligned(m, self.options.align)),
            (
                model.classification_loss(nm, batch.nm.targets, context.criterion(batch.nm)),
                model.classification_loss(m, batch.m.targets, context.criterion(batch.m)),
            ),
            mse_weight=self.options.mse_weight,
            classification_weight=self.options.classification_weight,
        )
        return LossTerms.summed(terms)
