"""The loss ``kd-template``: the student's template is pulled to a teacher's template of the unmasked face."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from msde_toolkit.errors import InputError
from msde_toolkit.interfaces import Forward, Loss, LossContext, Model, PluginOptions
from msde_toolkit.types import Batch, LossTerms, ModelOutput, PairBatch
from pydantic import Field
from torch import Tensor


class TemplateDistillationOptions(PluginOptions):
    """What ``--set loss.KEY=VALUE`` can change."""

    template_weight: float = Field(
        100.0, ge=0, description="Weight of the squared distance between the two templates, a mean over B·F numbers."
    )
    unmasked_share: float = Field(
        0.5, ge=0, le=1, description="Probability that the student sees a pair's unmasked image."
    )


def template_distance(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean over B·F of the squared difference of two sets of templates; a template is a unit vector.

    Args:
        student: features ``[B, F]``.
        teacher: features ``[B, F]`` of the unmasked images of the same pairs; they get no gradient.

    Returns:
        a scalar, at most 4/F.

    Raises:
        InputError: if the two have different widths.
    """
    if student.shape != teacher.shape:
        widths = f"{teacher.shape[1]} and {student.shape[1]}"
        message = f"Templates of teacher and student have {widths} numbers: take a teacher of the student's model."
        raise InputError(message)
    return F.mse_loss(F.normalize(student, dim=1), F.normalize(teacher.detach(), dim=1))


class TemplateDistillation(Loss):
    """Distils a teacher's templates of unmasked faces into a student that sees masked and unmasked ones.

    At each step the student sees one image of each pair, drawn by the sample's id, so that batches may come in any
    order. A plain subclass of ``Loss``: the engine builds the teacher because of ``needs_teacher``.
    """

    summary = "Template-level distillation: unit features pulled to a teacher's of the unmasked face"
    reference = "Huber et al. 2021 (FG), Mask-invariant Face Recognition through Template-level Knowledge Distillation"
    licence = "Apache-2.0"
    needs_pairs = True
    needs_teacher = True
    Options = TemplateDistillationOptions
    options: TemplateDistillationOptions

    def notes(self, output: ModelOutput) -> Sequence[str]:
        """The largest value that the template term can take on features of this width."""
        width, weight = output.features.shape[1], self.options.template_weight
        return (f"kd-template: on unit templates of {width} numbers the term is at most {weight * 4 / width:.4g}",)

    def step(self, model: Model, forward: Forward, batch: Batch | PairBatch, context: LossContext) -> LossTerms:
        """The model's classification terms on what the student saw, and ``template``.

        Raises:
            InputError: if the batch is not of pairs, there is no teacher, or its features have another width.
        """
        if not isinstance(batch, PairBatch):
            message = "The loss kd-template needs pairs of an unmasked and a masked image: train on pairs."
            raise InputError(message)
        if context.teacher is None:
            message = "The loss kd-template needs a teacher, and was given none."
            raise InputError(message)
        nm, m = batch.nm, batch.m
        unmasked = context.uniform("kd-template.student", nm.ids, nm.images.device) < self.options.unmasked_share
        student = forward(_chosen(unmasked, nm.images, m.images))
        criterion = context.criterion_for(_chosen(unmasked, nm.weight, m.weight))
        terms = dict(model.classification_loss(student, _chosen(unmasked, nm.targets, m.targets), criterion))
        distance = template_distance(student.features, context.teacher(nm.images).features)
        return LossTerms.summed({**terms, "template": self.options.template_weight * distance})


def _chosen(unmasked: Tensor, nm: Tensor, m: Tensor) -> Tensor:
    """Row by row from ``nm`` where ``unmasked`` ``[B]`` is true, else from ``m``; ``[B, ...]`` of any rank."""
    return torch.where(unmasked.view(-1, *(1,) * (nm.dim() - 1)), nm, m)
