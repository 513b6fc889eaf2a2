"""Cross entropy alone."""

from __future__ import annotations

from msde_toolkit.interfaces import Forward, Loss, LossContext, Model
from msde_toolkit.types import Batch, LossTerms, PairBatch


class CrossEntropy(Loss):
    """The model's own classification loss, and nothing else.

    A pair batch is taken as its 2B images: the loss is their mean, where contrastive alignment (``cl``) adds the mean
    over the unmasked images and the mean over the masked ones.
    """

    summary = "Cross entropy: the paper's baseline"
    reference = "MSD-E paper, Sec. 3.1"
    licence = "Apache-2.0"

    def step(self, model: Model, forward: Forward, batch: Batch | PairBatch, context: LossContext) -> LossTerms:
        """Terms are the model's (``ce``, or ``attention`` and ``regions`` for SCAN)."""
        samples = batch.joined() if isinstance(batch, PairBatch) else batch
        output = forward(samples.images)
        return LossTerms.summed(model.classification_loss(output, samples.targets, context.criterion(samples)))
