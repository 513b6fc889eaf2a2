"""What a loss sees: a batch of samples, or a batch of pairs."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """B samples.

    Attributes:
        images: ``[B, 3, H, W]`` float in [0, 1], RGB; the engine normalises by the model's ``input_spec``.
        labels: ``[B]`` int64.
        targets: ``[B, C]`` float, one-hot or soft, rows summing to one.
        weight: ``[B]`` float, non-negative sample weights (1 where the dataset gives none).
        condition: ``[B]`` int64 index into ``conditions``.
        ids: B sample ids.
        conditions: the words ``condition`` points to, e.g. ``("nm", "m")``.
    """

    images: Tensor
    labels: Tensor
    targets: Tensor
    weight: Tensor
    condition: Tensor
    ids: tuple[str, ...]
    conditions: tuple[str, ...] = ("nm", "m")

    def __len__(self) -> int:
        """Number of images."""
        return len(self.ids)


@dataclass(frozen=True)
class PairBatch:
    """B pairs: two batches aligned by row, the same geometry and colour change for both images of a pair."""

    nm: Batch
    m: Batch

    def __len__(self) -> int:
        """Number of images: two a pair."""
        return 2 * len(self.nm)

    def joined(self) -> Batch:
        """``[2B, ...]``: all unmasked samples, then all masked ones, for a single forward pass."""
        both = (self.nm, self.m)
        return Batch(
            images=torch.cat([part.images for part in both]),
            labels=torch.cat([part.labels for part in both]),
            targets=torch.cat([part.targets for part in both]),
            weight=torch.cat([part.weight for part in both]),
            condition=torch.cat([part.condition for part in both]),
            ids=self.nm.ids + self.m.ids,
            conditions=self.nm.conditions,
        )
