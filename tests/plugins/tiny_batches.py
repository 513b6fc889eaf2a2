"""Random batches of the toolkit's records."""

import torch
import torch.nn.functional as F

from msde_toolkit.interfaces import LossContext
from msde_toolkit.types import Batch, PairBatch


def tiny_batch(size=4, pixels=64, condition=0, seed=0, classes=7):
    random = torch.Generator().manual_seed(seed)
    labels = torch.randint(classes, (size,), generator=random)
    return Batch(
        images=torch.rand(size, 3, pixels, pixels, generator=random),
        labels=labels,
        targets=F.one_hot(labels, classes).float(),
        weight=torch.rand(size, generator=random) + 0.5,
        condition=torch.full((size,), condition),
        ids=tuple(f"{condition}-{row}" for row in range(size)),
    )


def tiny_pairs(pairs=3, pixels=64, classes=7):
    return PairBatch(tiny_batch(pairs, pixels, 0, 1, classes), tiny_batch(pairs, pixels, 1, 2, classes))


def weighted_cross_entropy(weight):
    """A criterion that would notice weights of the wrong half: they enter the mean."""

    def criterion(logits, targets):
        assert len(weight) == len(logits)
        return (weight * F.cross_entropy(logits, targets, reduction="none")).mean()

    return criterion


def tiny_context():
    return LossContext(epoch=0, epochs=1, classes=7, criterion_for=weighted_cross_entropy)
