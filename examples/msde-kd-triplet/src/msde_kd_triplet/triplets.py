"""Triplets inside a batch: anchors of the student, positives and negatives of the teacher."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Selection = Literal["hard", "seeded"]


def triplet_distance(
    anchors: Tensor,
    candidates: Tensor,
    same: Tensor,
    order: tuple[Tensor, Tensor],
    margin: float,
) -> Tensor:
    """Mean over the complete triplets of ``max(0, |a - p|^2 - |a - n|^2 + margin)`` on unit vectors.

    Args:
        anchors: the student's features ``[B, F]``.
        candidates: the teacher's features ``[D, F]``; they get no gradient.
        same: ``[B, D]``, true where anchor and candidate have one label.
        order: ``[B, D]`` each: of the candidates with the anchor's label the one with the largest first number is the
            positive, of the others the one with the largest second number the negative.
        margin: by how much a negative must be farther than a positive; squared distances lie in [0, 4].

    Returns:
        a scalar. An anchor without any candidate of its label, or of another, forms no triplet; without triplets it
        is 0, with gradients of 0.
    """
    anchors, candidates = F.normalize(anchors, dim=1), F.normalize(candidates.detach(), dim=1)
    positives = candidates[order[0].masked_fill(~same, -torch.inf).argmax(dim=1)]
    negatives = candidates[order[1].masked_fill(same, -torch.inf).argmax(dim=1)]
    complete = same.any(dim=1) & (~same).any(dim=1)
    excess = (anchors - positives).pow(2).sum(dim=1) - (anchors - negatives).pow(2).sum(dim=1) + margin
    return (F.relu(excess) * complete).sum() / complete.sum().clamp(min=1)


def hard_order(anchors: Tensor, candidates: Tensor) -> tuple[Tensor, Tensor]:
    """The farthest candidate as positive, the nearest as negative; each ``[B, D]``."""
    with torch.no_grad():
        likeness = F.normalize(anchors, dim=1) @ F.normalize(candidates, dim=1).T
    return -likeness, likeness


def seeded_order(anchors: Tensor, positives: Tensor, negatives: Tensor) -> tuple[Tensor, Tensor]:
    """Any candidate with the same probability; each ``[B, D]``.

    Args:
        anchors: ``[B]`` in [0, 1), a number for each anchor.
        positives: ``[D]`` in [0, 1), a number for each candidate, for the choice of positives.
        negatives: as ``positives``, for that of negatives.
    """
    shifted = anchors[:, None]  # each anchor begins elsewhere on the circle of candidates
    return (positives + shifted) % 1, (negatives + shifted) % 1
