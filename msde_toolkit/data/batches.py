"""Batches from cached images: gathered on the host in the background, augmented on the device as a whole."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from msde_toolkit.data import augmentation
from msde_toolkit.data.augmentation import AugmentationOptions
from msde_toolkit.randomness import Key, generator
from msde_toolkit.types import Batch, Manifest, PairBatch

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class TrainingPlan:
    """What one epoch goes over.

    Attributes:
        rows: ``[n]`` row numbers of samples, or ``[n, 2]`` of pairs (unmasked, masked).
        batch_size: images a step: a pair counts twice, so every loss sees the same number of images.
        augmentation: how images are changed.
    """

    rows: Rows
    batch_size: int
    augmentation: AugmentationOptions

    @property
    def pairs(self) -> bool:
        """Whether a row is a pair."""
        return self.rows.ndim == 2

    @property
    def steps(self) -> int:
        """Steps an epoch: batches of nearly equal size, none of a single image (it would have no batch statistics)."""
        return max(1, min(round(self.rows.size / self.batch_size), self.rows.size // 2))


class BatchSource:
    """Serves batches of one manifest.

    Args:
        manifest: the samples.
        pixels: uint8 ``[n, S, S, 3]`` in the manifest's order; or float32 ``[n, F]`` features of a frozen backbone,
            which then stand in the batches' ``images`` and are never augmented.
        device: where batches go.
        soft_targets: targets are the dataset's soft ones where it has some, instead of one-hot labels.
    """

    def __init__(
        self,
        manifest: Manifest,
        pixels: npt.NDArray[np.uint8] | npt.NDArray[np.float32],
        device: torch.device,
        *,
        soft_targets: bool = False,
    ) -> None:
        self._pixels = pixels
        self._embedded = pixels.ndim == 2
        self._device = device
        self._ids = np.array(manifest.ids, dtype=object)
        self._labels = torch.tensor(manifest.labels)
        one_hot = np.eye(len(manifest.classes), dtype=np.float32)[manifest.labels]
        self._targets = torch.tensor(manifest.targets() if soft_targets else one_hot)
        self._weight = torch.tensor(manifest.frame["weight"].to_numpy(dtype=np.float32))
        self.conditions = manifest.conditions
        index = {word: number for number, word in enumerate(self.conditions)}
        self._condition = torch.tensor(manifest.frame["condition"].map(index).to_numpy(dtype=np.int64))

    def epoch(self, plan: TrainingPlan, *seed: Key) -> Iterator[Batch | PairBatch]:
        """One epoch in an order, and with augmentation, that ``seed`` (seed, repeat, fold, epoch) alone decides."""
        order = generator(*seed, "order").permutation(len(plan.rows))
        parts = np.array_split(plan.rows[order], plan.steps)
        for rows, pixels in self._gathered([part.T.reshape(-1) for part in parts]):
            if not plan.pairs:
                yield self._batch(rows, self._changed(pixels, rows, 1, plan.augmentation, *seed))
                continue
            half = len(rows) // 2
            images = self._changed(pixels, rows[:half], 2, plan.augmentation, *seed)
            yield PairBatch(self._batch(rows[:half], images[:half]), self._batch(rows[half:], images[half:]))

    def _changed(
        self, pixels: Tensor, rows: Rows, images_a_row: int, options: AugmentationOptions, *seed: Key
    ) -> Tensor:
        """Augmented images; both of a pair by the parameters of the unmasked one's id."""
        images = self._images(pixels)
        if self._embedded:
            return images
        parameters = augmentation.draw(list(self._ids[rows]), options, *seed)
        return augmentation.apply(images, parameters.repeat(images_a_row, 1))

    def plain(self, rows: Rows, batch_size: int) -> Iterator[Batch]:
        """These rows in order, unchanged."""
        parts = [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]
        for part, pixels in self._gathered(parts):
            yield self._batch(part, self._images(pixels))

    def _gathered(self, parts: list[Rows]) -> Iterator[tuple[Rows, Tensor]]:
        """Copies the next batch out of the (possibly not yet read) file while the device works on this one."""
        with ThreadPoolExecutor(max_workers=1) as reader:
            ahead = reader.submit(self._gather, parts[0]) if parts else None
            for number, part in enumerate(parts):
                assert ahead is not None
                pixels = ahead.result()
                ahead = reader.submit(self._gather, parts[number + 1]) if number + 1 < len(parts) else None
                yield part, pixels

    def _gather(self, rows: Rows) -> Tensor:
        pixels = torch.from_numpy(np.ascontiguousarray(self._pixels[rows]))
        return pixels.pin_memory() if self._device.type == "cuda" else pixels

    def _images(self, pixels: Tensor) -> Tensor:
        """uint8 ``[B, S, S, 3]`` to float ``[B, 3, S, S]`` in [0, 1]; the permuted view is channels-last already."""
        moved = pixels.to(self._device, non_blocking=True)
        if self._embedded:
            return moved
        return moved.permute(0, 3, 1, 2).float().div_(255.0)

    def _batch(self, rows: Rows, images: Tensor) -> Batch:
        index = torch.from_numpy(rows)
        return Batch(
            images=images,
            labels=self._labels[index].to(self._device),
            targets=self._targets[index].to(self._device),
            weight=self._weight[index].to(self._device),
            condition=self._condition[index].to(self._device),
            ids=tuple(self._ids[rows]),
            conditions=self.conditions,
        )
