"""A complete run in memory, for the tests of analyses: real records, a real small model, nothing replaced."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn

from msde_toolkit.interfaces import Model
from msde_toolkit.randomness import generator
from msde_toolkit.types import CLASSES, CamTarget, Manifest, ModelOutput


class TinyNet(Model):
    """Two convolutions and a linear head."""

    def __init__(self, classes: int = len(CLASSES), seed: int = 0) -> None:
        super().__init__(classes, self.Options())
        torch.manual_seed(seed)
        self.backbone = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Conv2d(8, 16, 3, stride=2, padding=1), nn.ReLU()
        )
        self.head = nn.Linear(16, classes)
        with torch.no_grad():  # untrained, yet of many opinions: the bias cancels what all images share
            self.head.bias.zero_()
            images = torch.from_numpy(np.stack([_blocks(str(k), 32) for k in range(64)])).permute(0, 3, 1, 2) / 255
            logits = self(self.input_spec.normalise(images)).logits
            self.head.weight.div_(logits.std(dim=0)[:, None])
            self.head.bias.copy_(-(logits / logits.std(dim=0)).mean(dim=0))

    def forward(self, images):
        features = self.backbone(images).mean(dim=(2, 3))
        return ModelOutput(logits=self.head(features), features=features)

    def cam_targets(self):
        return [CamTarget("second convolution", self.backbone[3]), CamTarget("first convolution", self.backbone[1])]


@dataclass
class InMemoryRun:
    """``RunView`` of held-out predictions that the folds' models really made on seeded images."""

    manifest: Manifest
    models: dict[str, Model]
    size: int = 32
    name: str = "20261124-0900-tiny-ce"
    title: str = "TinyNet, cross entropy, synthetic faces"
    directory: Path = Path("nowhere")
    identity: str = "independent"
    summary: dict = field(default_factory=dict)
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    with_masks: bool = True

    @property
    def classes(self):
        return self.manifest.classes

    @property
    def synthetic(self):
        return self.manifest.synthetic

    def model(self, fold, repeat=0):
        assert repeat == 0
        return self.models[fold].eval()

    def images(self, ids):
        return np.stack([_blocks(sample, self.size) for sample in ids])

    def mask_regions(self, ids):
        alpha = np.zeros((self.size, self.size), dtype=np.uint8)
        alpha[self.size // 2 :] = 255
        masked = dict(zip(self.manifest.ids, self.manifest.frame["condition"] == "m", strict=True))
        return [alpha if self.with_masks and masked[sample] else None for sample in ids]

    @property
    def predictions(self):
        frame = self.manifest.frame[["id", "subject", "pair", "condition", "label"]].copy()
        folds = sorted(self.models)
        subjects = {subject: row for row, subject in enumerate(sorted(set(self.manifest.groups())))}
        frame["fold"] = [folds[subjects[group] % len(folds)] for group in self.manifest.groups()]
        frame["repeat"], frame["seed"] = 0, 0
        logits = pd.Series([None] * len(frame), dtype=object)
        for fold in folds:
            rows = np.flatnonzero(frame["fold"] == fold)
            images = torch.from_numpy(self.images(list(frame["id"].iloc[rows]))).permute(0, 3, 1, 2) / 255
            model = self.model(fold)
            with torch.no_grad():
                found = model(model.input_spec.normalise(images)).logits.numpy()
            for row, values in zip(rows, found, strict=True):
                logits[row] = values.tolist()
        frame["logits"] = logits
        frame["predicted"] = [int(np.argmax(values)) for values in logits]
        return frame


def _blocks(sample, size):
    """``[size, size, 3]``: 4 x 4 blocks of a colour of their own, which differs from sample to sample."""
    rng = generator("image", sample)
    coarse = rng.integers(0, 256, (4, 4, 3)) * rng.random((1, 1, 3))
    return coarse.repeat(size // 4, axis=0).repeat(size // 4, axis=1).astype(np.uint8)


def paired_manifest(pairs=21, subjects=7, *, conditions=("nm", "m"), labels=None, synthetic=True, **columns):
    """Pairs over subjects and classes in turn."""
    rows = [
        {
            "id": f"p{pair:02d}-{condition}",
            "subject": f"s{pair % subjects}",
            "pair": f"p{pair:02d}" if len(conditions) > 1 else None,
            "label": (labels or range(len(CLASSES)))[pair % len(labels or CLASSES)],
            "condition": condition,
            **columns,
        }
        for pair in range(pairs)
        for condition in conditions
    ]
    return Manifest.from_frame(pd.DataFrame(rows), "tiny", synthetic=synthetic)


def tiny_run(manifest=None, folds=2, **changes):
    """A run of ``TinyNet``, another one for each fold."""
    manifest = paired_manifest() if manifest is None else manifest
    return InMemoryRun(manifest, {f"{fold:02d}": TinyNet(seed=fold) for fold in range(folds)}, **changes)
