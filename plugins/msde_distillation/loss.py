"""Knowledge distillation from a teacher that sees the face without its mask (paper, Sec. 3.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from msde_toolkit.alignment import Align, aligned, ceiling_note, maps_switch
from msde_toolkit.errors import InputError
from msde_toolkit.interfaces import Forward, Loss, LossContext, Model, PluginOptions, Switch
from msde_toolkit.types import Batch, LossTerms, ModelOutput, PairBatch


class DistillationOptions(PluginOptions):
    """Eq. 4 and what the student is shown."""

    mse_weight: float = Field(
        100.0, ge=0, description="Weight of the squared distance to the teacher's features (lambda, Eq. 4)."
    )
    unmasked_share: float = Field(
        0.5, ge=0, le=1, description="Probability that the student sees a pair's unmasked image (p, Sec. 3.3)."
    )
    align: Align = Field(
        "features", description="What is pulled to the teacher's: pooled features (paper) or unit maps (released code)."
    )


def distillation_terms(
    student: Tensor, teacher: Tensor, classification: Mapping[str, Tensor], *, mse_weight: float = 100.0
) -> dict[str, Tensor]:
    """Eq. 4: the student's classification loss plus ``mse_weight * MSE(student, teacher)``, as weighted terms.

    Args:
        student: features ``[B, F]`` of what the student saw (or unit maps ``[B, K, h, w]``).
        teacher: those of the unmasked images, row by row of the same pair. They get no gradient.
        classification: named scalar terms of the student.
        mse_weight: lambda, 100 in the paper. MSE is the mean over all elements (Eq. 1: over B·F).

    Raises:
        InputError: if the two have different shapes.
    """
    if student.shape != teacher.shape:
        shapes = f"{list(teacher.shape[1:])} and {list(student.shape[1:])}"
        message = f"The features of teacher and student have shapes {shapes}: take a teacher of the student's model."
        raise InputError(message)
    return {**classification, "mse": mse_weight * F.mse_loss(student, teacher.detach())}


def chosen(unmasked: Tensor, nm: Tensor, m: Tensor) -> Tensor:
    """Row by row from ``nm`` where ``unmasked`` ``[B]`` is true, else from ``m``; both ``[B, ...]`` of any rank."""
    return torch.where(unmasked.view(-1, *(1,) * (nm.dim() - 1)), nm, m)


class Distillation(Loss):
    """Pulls the student's features to a frozen teacher's, which sees the unmasked image of the pair.

    The student sees one image of each pair, drawn anew in each epoch by the sample's id, whatever the order of the
    batches: a step on B pairs shows it B images, where ``cl`` and ``ce`` show 2B.

    The released code's warm-up of lambda sets it to the value that it already has: there is no switch for it.
    """

    summary = "Knowledge distillation: cross entropy of one image a pair plus distance to a teacher's features"
    reference = "MSD-E paper, Sec. 3.3, Eq. 1, 2 and 4"
    licence = "Apache-2.0"
    needs_pairs = True
    needs_teacher = True
    Options = DistillationOptions
    options: DistillationOptions
    profiles: ClassVar[Mapping[str, Sequence[Switch]]] = {
        "code": (
            maps_switch("kd_main.py"),
            Switch(
                "train.lr_backbone",
                1e-2,
                "the backbone learns at 1e-2, not 1e-4",
                "paper Sec. 3.1; released code, kd_main.py",
            ),
            Switch(
                "train.lr_head",
                1e-2,
                "the classifier learns at 1e-2, not 1e-3",
                "paper Sec. 3.1; released code, kd_main.py",
            ),
        )
    }

    def notes(self, output: ModelOutput) -> Sequence[str]:
        """With ``align=maps``, the largest value that the distance can take."""
        return (ceiling_note(output, self.options.mse_weight),) if self.options.align == "maps" else ()

    def step(self, model: Model, forward: Forward, batch: Batch | PairBatch, context: LossContext) -> LossTerms:
        """The model's classification terms of one forward pass over B images, and ``mse``.

        Raises:
            InputError: if the batch is not of pairs, there is no teacher, its features have another shape, or
                ``align=maps`` meets a model without maps.
        """
        if not isinstance(batch, PairBatch):
            message = "The loss kd needs pairs of an unmasked and a masked image: train on pairs."
            raise InputError(message)
        if context.teacher is None:
            message = "The loss kd needs a teacher, and was given none."
            raise InputError(message)
        nm, m = batch.nm, batch.m
        unmasked = context.uniform("kd.student", nm.ids, nm.images.device) < self.options.unmasked_share
        seen = forward(chosen(unmasked, nm.images, m.images))
        criterion = context.criterion_for(chosen(unmasked, nm.weight, m.weight))
        terms = distillation_terms(
            aligned(seen, self.options.align),
            aligned(context.teacher(nm.images), self.options.align),
            model.classification_loss(seen, chosen(unmasked, nm.targets, m.targets), criterion),
            mse_weight=self.options.mse_weight,
        )
        return LossTerms.summed(terms)
