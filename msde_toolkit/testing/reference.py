"""What plugins are held against: small models of known behaviour, batches drawn by name, a run that took place."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from msde_toolkit.create import create_dataset, parse_options
from msde_toolkit.interfaces import Criterion, Image, Landmarks, Model, PluginOptions
from msde_toolkit.randomness import generator
from msde_toolkit.registry import OFF_SWITCH, OUR_DISTRIBUTION
from msde_toolkit.types import NM, Batch, ModelOutput, PairBatch

CLASSES = 7
FEATURES = 16
CACHE = "MSDE_CACHE"


class ReferenceModel(Model):
    """Two convolutions with batch norm and a linear head: features are the means of ``maps``, as with a ResNet."""

    def __init__(self, classes: int = CLASSES) -> None:
        super().__init__(classes, PluginOptions())
        self.backbone = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
            nn.Conv2d(8, FEATURES, 3, stride=2, padding=1), nn.BatchNorm2d(FEATURES), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Linear(FEATURES, classes)

    def forward(self, images: Tensor) -> ModelOutput:
        """``[B, 3, H, W]`` to logits, features and ``maps``."""
        maps = self.backbone(images)
        features = maps.mean(dim=(2, 3))
        return ModelOutput(self.head(features), features, {"maps": maps})


class SeveralClassifiers(ReferenceModel):
    """A second classifier in ``extras``, trained by ``classification_loss`` alone, as SCAN's regions are."""

    def __init__(self, classes: int = CLASSES) -> None:
        super().__init__(classes)
        self.second = nn.Linear(FEATURES, classes)

    def forward(self, images: Tensor) -> ModelOutput:
        """As the reference model, with ``second_logits`` ``[B, C]``."""
        output = super().forward(images)
        extras = {**output.extras, "second_logits": self.second(output.features)}
        return ModelOutput(output.logits, output.features, extras)

    def classification_loss(self, output: ModelOutput, targets: Tensor, criterion: Criterion) -> Mapping[str, Tensor]:
        """Two terms."""
        second = criterion(output.extras["second_logits"], targets)
        return {"first": 0.2 * criterion(output.logits, targets), "second": 0.8 * second}


def random_images(count: int, pixels: int, *names: str) -> Tensor:
    """``[count, 3, pixels, pixels]`` in [0, 1]: blocks of colour under noise, drawn by name."""
    random = generator("images", *names)
    coarse = torch.from_numpy(random.random((count, 3, 4, 4), dtype=np.float32))
    noise = torch.from_numpy(random.random((count, 3, pixels, pixels), dtype=np.float32))
    return 0.7 * F.interpolate(coarse, size=(pixels, pixels)) + 0.3 * noise


def batch(count: int = 6, pixels: int = 32, condition: int = 0) -> Batch:
    """Samples of every class in turn, of unequal weight."""
    labels = torch.arange(count) % CLASSES
    return Batch(
        images=random_images(count, pixels, str(condition)),
        labels=labels,
        targets=F.one_hot(labels, CLASSES).float(),
        weight=torch.linspace(0.5, 1.5, count),
        condition=torch.full((count,), condition),
        ids=tuple(f"sample-{row}-{condition}" for row in range(count)),
    )


def pairs(count: int = 6, pixels: int = 32) -> PairBatch:
    """Pairs whose masked image is the unmasked one with its lower half covered."""
    nm, m = batch(count, pixels, 0), batch(count, pixels, 1)
    images = nm.images.clone()
    images[:, :, pixels // 2 :] = 0.5
    return PairBatch(nm, Batch(images, m.labels, m.targets, m.weight, m.condition, m.ids))


def picture(height: int, width: int, *, grey: bool = False) -> Image:
    """uint8 ``[height, width, 3]``: shades and noise, which every pixel of a mask would change."""
    random = generator("picture", height, width)
    shade = np.linspace(60, 200, height)[:, None, None] + random.integers(-20, 21, (height, width, 3))
    image = shade.clip(0, 255).astype(np.uint8)
    return np.repeat(image[..., :1], 3, axis=2) if grey else image


@cache
def drawn_faces() -> tuple[tuple[Image, Landmarks], tuple[Image, Landmarks]]:
    """Two unmasked faces of the synthetic twin, of two people: uint8 ``[128, 128, 3]`` and the points drawn by."""
    dataset = create_dataset(f"synthetic@{OUR_DISTRIBUTION}")
    manifest = dataset.load(None, parse_options(type(dataset), {"subjects": 2}, "data"))
    unmasked = manifest.take((manifest.frame["condition"] == NM).to_numpy())
    first = unmasked.take(~unmasked.frame["subject"].duplicated().to_numpy())
    points = [np.array(cell, dtype=np.float64).reshape(-1, 2) for cell in first.frame["landmarks"]]
    one, other = zip(dataset.read(first), points, strict=True)
    return one, other


@cache
def finished_run() -> Path:
    """The folder of a run of the toolkit's own ResNet-18 on four synthetic subjects: both conditions, pairs, two folds.

    Made once a process, in a folder that is removed at its end.
    """
    from msde_toolkit.engine.config import RunConfig
    from msde_toolkit.engine.run import run

    folder = Path(tempfile.mkdtemp(prefix="msde-conformance-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    own = f"@{OUR_DISTRIBUTION}"
    config = RunConfig.create(
        model=f"resnet18{own}",
        loss=f"ce{own}",
        data=f"synthetic{own}",
        folds=2,
        device="cpu",
        precision="fp32",
        set_data={"subjects": 4, "size": 64},
        set_train={"epochs": 1, "image_size": 32, "batch_size": 32},
    )
    with apart_from_the_user():
        return run(config, out=folder / "run").directory


@cache
def finished_study() -> Path:
    """The folder of a study on four synthetic subjects: trained unmasked, trained masked, both tested on a street's.

    Made once a process, in a folder that is removed at its end.
    """
    from msde_toolkit.engine.study.definition import Study
    from msde_toolkit.engine.study.run_study import run_study

    folder = Path(tempfile.mkdtemp(prefix="msde-conformance-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    own = f"@{OUR_DISTRIBUTION}"
    method = {"model": f"resnet18{own}", "loss": f"ce{own}"}
    small = {"subjects": 4, "size": 64}
    study = Study.create(
        name="conformance",
        folds=2,
        device="cpu",
        precision="fp32",
        data={"name": f"synthetic{own}", "set_data": small},
        set_train={"epochs": 1, "image_size": 32, "batch_size": 32},
        method=[{"name": "unmasked", "train_on": "nm", **method}, {"name": "masked", "train_on": "m", **method}],
        target=[{"name": "street", "data": f"synthetic{own}", "set_data": {**small, "domain": "street"}}],
    )
    with apart_from_the_user():
        return run_study(study, folder / "study").directory


@contextmanager
def apart_from_the_user(distribution: str = "") -> Iterator[None]:
    """An image cache of its own, and of the third parties only ``distribution``: no tracker hears of such runs."""
    before = {variable: os.environ.get(variable) for variable in (CACHE, OFF_SWITCH)}
    os.environ |= {CACHE: str(_cache_folder()), OFF_SWITCH: distribution}
    try:
        yield
    finally:
        for variable, value in before.items():
            os.environ.pop(variable) if value is None else os.environ.update({variable: value})


@cache
def _cache_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="msde-conformance-cache-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
