"""Training throughput: the plain recipe against this toolkit's loop, side by side in one process.

    python benchmarks/train_loop.py --size 96 --pairs 96

Plain recipe: PIL decodes each image from disk, torchvision transforms it on its own, a DataLoader with two workers
collates, fp32, one forward pass for the unmasked images and one for the masked ones. Ours: images decoded once, whole
batches augmented together, one joined pass, the precision that the probe finds faster, channels-last. The third figure
is the model alone in our precision with the data already in place: the ceiling for any loop around it.

Rounds alternate, so that a busy machine slows both; the ratio of medians is what to quote.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset
from torchvision import transforms

from msde_toolkit.create import create_loss, create_model
from msde_toolkit.data.augmentation import AugmentationOptions
from msde_toolkit.data.batches import BatchSource, TrainingPlan
from msde_toolkit.data.image_cache import load_images
from msde_toolkit.data.source import open_source
from msde_toolkit.engine.device import choose_device, choose_precision
from msde_toolkit.engine.train_options import TrainOptions
from msde_toolkit.engine.trainer import FoldTrainer


class PlainPairs(TorchDataset[Any]):
    """Two image files and a label, each image transformed on its own."""

    def __init__(self, files: list[tuple[Path, Path, int]], size: int) -> None:
        self.files = files
        self.transform = transforms.Compose(
            [
                transforms.Resize((size, size)),
                transforms.RandomHorizontalFlip(),
                transforms.RandomAffine(3, (0.06, 0.06), (0.9, 1.1)),
                transforms.ColorJitter(0.2, 0.2, 0.2),
                transforms.ToTensor(),
                transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
            ]
        )

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, torch.Tensor, int]:
        nm, m, label = self.files[index]
        return self._image(nm), self._image(m), label

    def _image(self, path: Path) -> torch.Tensor:
        with Image.open(path) as image:
            return self.transform(image.convert("RGB"))


def plain_epoch(loader: DataLoader[Any], model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """CL as the plain recipe has it: two passes a step."""
    model.train()
    for nm, m, labels in loader:
        first, second = model(nm), model(m)
        loss = 0.2 * nn.functional.mse_loss(first.features, second.features)
        for output in (first, second):
            loss = loss + nn.functional.cross_entropy(output.logits, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def bare_steps(trainer: FoldTrainer, batch: torch.Tensor, labels: torch.Tensor, steps: int) -> None:
    """The model alone: forward, cross entropy, backward, update on one batch that is in place."""
    trainer.model.train()
    for _ in range(steps):
        output = trainer.forward(batch)
        loss = nn.functional.cross_entropy(output.logits, labels)
        trainer.optimizer.zero_grad(set_to_none=True)
        trainer.accelerator.backward(loss)
        trainer.optimizer.step()


def seconds(work: Callable[[], Any]) -> float:
    """Wall time of one call."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=96, help="network input in pixels")
    parser.add_argument("--pairs", type=int, default=96)
    parser.add_argument("--batch", type=int, default=32, help="images a step")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--model", default="resnet18")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()

    source = open_source("synthetic", None, {"subjects": 30})
    pairs = source.manifest.pairs()[["nm", "m"]].to_numpy()[: given.pairs]
    with tempfile.TemporaryDirectory() as folder:
        files = write_pairs(source, pairs, Path(folder))
        loader = DataLoader(
            PlainPairs(files, given.size), given.batch // 2, shuffle=True, num_workers=2, persistent_workers=True
        )
        plain_model = create_model(given.model)
        plain_optimizer = torch.optim.Adam(plain_model.parameters(), 1e-4)
        trainer = our_trainer(given, source, pairs)
        images = torch.rand(given.batch, 3, given.size, given.size, device=trainer.compute.device)
        images = images.to(memory_format=torch.channels_last)
        labels = torch.zeros(given.batch, dtype=torch.long, device=images.device)
        loops = {
            "plain": lambda: plain_epoch(loader, plain_model, plain_optimizer),
            "ours": trainer.run_epoch,
            "model only": lambda: bare_steps(trainer, images, labels, trainer.plan.steps),
        }
        measured: dict[str, list[float]] = {name: [] for name in loops}
        for turn in range(given.rounds + 1):
            for name, loop in loops.items():
                taken = seconds(loop)
                if turn:  # the first round warms caches and workers
                    measured[name].append(2 * len(pairs) / taken)
    report(given, trainer, {name: statistics.median(values) for name, values in measured.items()})


def write_pairs(source: Any, pairs: np.ndarray, folder: Path) -> list[tuple[Path, Path, int]]:
    """The pairs as PNG files, as the plain recipe would find them."""
    files = []
    for number, (nm, m) in enumerate(pairs):
        paths = folder / f"{number}-nm.png", folder / f"{number}-m.png"
        for path, image in zip(paths, source.dataset.read(source.manifest.take([nm, m])), strict=True):
            Image.fromarray(image).save(path)
        files.append((*paths, int(source.manifest.labels[nm])))
    return files


def our_trainer(given: argparse.Namespace, source: Any, pairs: np.ndarray) -> FoldTrainer:
    """A trainer as ``msde run`` makes it."""
    compute = choose_precision("auto", choose_device("auto"))
    pixels = load_images(source.dataset, source.manifest, given.size).pixels
    return FoldTrainer(
        model=create_model(given.model),
        loss=create_loss("cl"),
        source=BatchSource(source.manifest, pixels, compute.device),
        plan=TrainingPlan(pairs.astype(np.int64), given.batch, AugmentationOptions()),
        options=TrainOptions(epochs=1000, schedule="constant"),
        compute=compute,
        seed=(0, 0, "00"),
    )


def report(given: argparse.Namespace, trainer: FoldTrainer, rate: dict[str, float]) -> None:
    """Images a second, and how many times the plain recipe."""
    facts = {
        "model": given.model,
        "size": given.size,
        "precision": trainer.compute.precision,
        "reason": trainer.compute.reason,
        "images_per_second": {name: round(value, 1) for name, value in rate.items()},
        "times_plain": {name: round(rate[name] / rate["plain"], 2) for name in ("ours", "model only")},
    }
    if given.json:
        print(json.dumps(facts, indent=2))
        return
    print(f"{given.model}, {given.size} px, batches of {given.batch}, {facts['precision']} ({facts['reason']})")
    for name, value in rate.items():
        print(f"  {name:<10} {value:7.1f} images/s  {value / rate['plain']:.2f} times the plain recipe")


if __name__ == "__main__":
    main()
