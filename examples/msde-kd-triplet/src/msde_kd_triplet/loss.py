"""The loss ``kd-triplet``: masked faces are pulled to a teacher's unmasked ones of their class, away from others."""

from __future__ import annotations

from msde_toolkit.errors import InputError
from msde_toolkit.interfaces import Forward, Loss, LossContext, Model, PluginOptions
from msde_toolkit.types import Batch, LossTerms, PairBatch
from pydantic import Field
from torch import Tensor

from msde_kd_triplet.triplets import Selection, hard_order, seeded_order, triplet_distance


class TripletDistillationOptions(PluginOptions):
    """What ``--set loss.KEY=VALUE`` can change."""

    triplet_weight: float = Field(1.0, ge=0, description="Weight of the triplet term.")
    margin: float = Field(
        0.2, ge=0, le=4, description="How much farther than the positive a negative must be, as squared distance."
    )
    selection: Selection = Field(
        "seeded", description="Triplets of a batch: drawn by sample id, or the hardest (farthest and nearest)."
    )
    masked_only: bool = Field(False, description="The student sees masked images only, not both images of a pair.")


class TripletDistillation(Loss):
    """Distils by triplets: anchor the student's features of a masked face, the other two a teacher's of unmasked ones.

    Positive and negative come from the same batch: an unmasked face of the anchor's class and one of another class.
    """

    summary = "Triplet distillation: masked faces near a teacher's unmasked ones of their class"
    reference = (
        "Georgescu, Duta and Ionescu 2022 (Machine Vision and Applications 33), Teacher-student training and triplet "
        "loss to reduce the effect of drastic face occlusion"
    )
    licence = "Apache-2.0"
    needs_pairs = True
    needs_teacher = True
    Options = TripletDistillationOptions
    options: TripletDistillationOptions

    def step(self, model: Model, forward: Forward, batch: Batch | PairBatch, context: LossContext) -> LossTerms:
        """The model's classification terms, and ``triplet``: 0 where the batch has one class only.

        Raises:
            InputError: if the batch is not of pairs, there is no teacher, or its features have another width.
        """
        if not isinstance(batch, PairBatch):
            message = "The loss kd-triplet needs pairs of an unmasked and a masked image: train on pairs."
            raise InputError(message)
        if context.teacher is None:
            message = "The loss kd-triplet needs a teacher, and was given none."
            raise InputError(message)
        seen = batch.m if self.options.masked_only else batch.joined()
        output = forward(seen.images)
        terms = dict(model.classification_loss(output, seen.targets, context.criterion(seen)))
        masked = output.features if self.options.masked_only else output.split()[1].features
        distance = self._distance(masked, context.teacher(batch.nm.images).features, batch, context)
        return LossTerms.summed({**terms, "triplet": self.options.triplet_weight * distance})

    def _distance(self, student: Tensor, teacher: Tensor, batch: PairBatch, context: LossContext) -> Tensor:
        if student.shape != teacher.shape:
            widths = f"{teacher.shape[1]} and {student.shape[1]}"
            message = f"Features of teacher and student have {widths} numbers: take a teacher of the student's model."
            raise InputError(message)
        if self.options.selection == "hard":
            order = hard_order(student, teacher)
        else:
            device = student.device
            order = seeded_order(
                context.uniform("kd-triplet.anchor", batch.m.ids, device),
                context.uniform("kd-triplet.positive", batch.nm.ids, device),
                context.uniform("kd-triplet.negative", batch.nm.ids, device),
            )
        same = batch.m.labels[:, None] == batch.nm.labels[None, :]
        return triplet_distance(student, teacher, same, order, self.options.margin)
