"""A distribution of plugins so small that a whole run takes a second, and whose loss remembers what it was given."""

import os
import sys
from contextlib import contextmanager

from installed import install

MODULE = "tiny_plugins_for_tests"
SOURCE = '''
import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import nn

from msde_toolkit.interfaces import Analysis, Dataset, DatasetOptions, Loss, Model, PluginOptions, Switch, decode
from msde_toolkit.randomness import generator
from msde_toolkit.types import AnalysisResult, InputError, LossTerms, Manifest, ModelOutput, PairBatch

SEEN = []


class Tiny(Model):
    smallest_input = 16

    class Options(PluginOptions):
        width: int = 8
        dropout: float = 0.0
        tied: bool = False

    def __init__(self, classes, options):
        super().__init__(classes, options)
        self.backbone = nn.Sequential(nn.Conv2d(3, options.width, 3, 2, 1), nn.BatchNorm2d(options.width), nn.ReLU())
        self.head = nn.Linear(options.width, classes)
        if options.tied:
            self.again = self.head

    def forward(self, images):
        features = F.dropout(self.backbone(images).mean(dim=(2, 3)), self.options.dropout, self.training)
        return ModelOutput(logits=self.head(features), features=features)


class Watch(Loss):
    """Cross entropy that notes ids, a number that torch draws, and what the run's criterion makes of each class."""

    def step(self, model, forward, batch, context):
        samples = batch.joined() if isinstance(batch, PairBatch) else batch
        criterion, zeros = context.criterion_for(torch.ones(1)), torch.zeros(1, context.classes)
        each = [criterion(zeros, one_hot[None]) for one_hot in torch.eye(context.classes)]
        note = {"epoch": context.epoch, "epochs": context.epochs, "seed": context.seed, "ids": samples.ids}
        note["draw"] = float(torch.rand(()))
        note |= {"pairs": isinstance(batch, PairBatch), "classes": [float(value) for value in each]}
        if context.seed != (0,):  # else it is the trial step before a run
            SEEN.append(note)
        terms = model.classification_loss(forward(samples.images), samples.targets, context.criterion(samples))
        return LossTerms.summed(terms)


class WatchPairs(Watch):
    needs_pairs = True


class Taught(Loss):
    """Cross entropy on the masked images, and the distance to what the teacher makes of the unmasked ones."""

    needs_pairs = True
    needs_teacher = True
    profiles = {"code": (Switch("loss.weight", 2.0, "twice the weight", "a script"),)}

    class Options(PluginOptions):
        weight: float = 1.0

    def make_head(self, features, classes):
        return nn.Linear(features, 2)

    def notes(self, output):
        return [f"taught by {output.features.shape[1]} features"]

    def step(self, model, forward, batch, context):
        teacher = context.teacher(batch.nm.images)
        assert not teacher.features.requires_grad
        output = forward(batch.m.images)
        if context.seed != (0,):
            SEEN.append({"seed": context.seed, "teacher": teacher.logits, "ids": batch.nm.ids, "head": context.head})
        terms = dict(model.classification_loss(output, batch.m.targets, context.criterion(batch.m)))
        terms["distance"] = self.options.weight * F.mse_loss(output.features, teacher.features)
        terms["presence"] = 0.1 * context.head(output.features).square().mean()
        return LossTerms.summed(terms)


class NoMaps(Loss):
    def step(self, model, forward, batch, context):
        raise InputError("this loss needs maps, which the model does not give.")


class Broken(Loss):
    def step(self, model, forward, batch, context):
        return 1 // 0


class Still(Model):
    """A frozen backbone that counts how often it is asked."""

    frozen = True
    smallest_input = 16
    asked = 0

    def __init__(self, classes, options):
        super().__init__(classes, options)
        self.backbone = nn.Conv2d(3, 4, 3, 2, 1).requires_grad_(False)
        self.head = nn.Linear(4, classes)

    def embed(self, images):
        type(self).asked += len(images)
        return self.backbone(images).relu().mean(dim=(2, 3))

    def classify(self, features):
        return ModelOutput(logits=self.head(features), features=features)

    def forward(self, images):
        return self.classify(self.embed(images))


class Dots(Dataset):
    """Noise with a square whose brightness tells the class; each subject shows every class, unmasked and masked."""

    synthetic = True
    root_hint = ""
    presets = {"quick": {"subjects": 6}}

    class Options(DatasetOptions):
        subjects: int = 8
        split: str = ""
        known: bool = True
        conditions: list[str] = ["nm", "m"]

    def load(self, root, options):
        rows = [
            {
                "id": f"s{subject}-{label}-{condition}",
                "subject": f"s{subject}" if options.known else None,
                "label": label,
                "condition": condition,
                "pair": f"s{subject}-{label}",
                "split": options.split and self.side(options.split, subject, label),
                "weight": 1.0 + subject % 2,
            }
            for subject in range(options.subjects)
            for label in range(7)
            for condition in options.conditions
        ]
        return Manifest.from_frame(pd.DataFrame(rows), "dots", synthetic=True)

    def side(self, split, subject, label):
        return ("train", "test")[subject % 2 if split == "subjects" else label % 2]

    def read(self, rows):
        images = []
        for sample, label in zip(rows.ids, rows.labels, strict=True):
            image = generator("dots", sample).integers(0, 90, (20, 20, 3)).astype(np.uint8)
            image[5:15, 5:15] += np.uint8(20 * label)
            images.append(image)
        return images


class Photos(Dataset):
    """Files of a folder, `SUBJECT-LABEL.png`."""

    Options = DatasetOptions

    def load(self, root, options):
        names = sorted(file.stem for file in self.require_root(root).glob("*.png"))
        rows = [
            {"id": name, "path": f"{name}.png", "subject": name.split("-")[0], "label": name.split("-")[1]}
            for name in names
        ]
        return Manifest.from_frame(pd.DataFrame(rows, columns=["id", "path", "subject", "label"]), "photos", root=root)


class Everything(Analysis):
    """Something of each kind that an analysis can say."""

    class Options(PluginOptions):
        points: int = Field(3, ge=1)

    def run(self, context):
        from matplotlib.figure import Figure

        figure = Figure(figsize=(2, 2))
        figure.subplots().plot(range(self.options.points))
        rows = [{"run": run.name, "n": len(run.predictions)} for run in context.progress(context.runs, "Counting")]
        return AnalysisResult(
            summary={"n": np.int64(3), "nothing": float("nan"), "span": (1, np.float32(0.5))},
            tables={"rows": pd.DataFrame(rows)},
            figures={"line": figure},
            arrays={"numbers": {"values": np.arange(self.options.points)}},
        )
'''
NAMES = {
    "msde.models": {"tiny": "Tiny", "still": "Still"},
    "msde.losses": {
        "watch": "Watch",
        "watch-pairs": "WatchPairs",
        "taught": "Taught",
        "no-maps": "NoMaps",
        "broken": "Broken",
    },
    "msde.datasets": {"dots": "Dots", "photos": "Photos"},
    "msde.analyses": {"everything": "Everything"},
}


@contextmanager
def tiny_plugins(folder):
    """The distribution on the import path, and an image cache of its own; yields the plugins' module."""
    (folder / "site-packages").mkdir()
    groups = {group: {name: f"{MODULE}:{cls}" for name, cls in names.items()} for group, names in NAMES.items()}
    install(folder / "site-packages", "msde-tiny", "1.0", groups, **{MODULE: SOURCE})
    before = {name: os.environ.get(name) for name in ("MSDE_CACHE", "MSDE_PLUGINS")}
    os.environ |= {"MSDE_CACHE": str(folder / "cache"), "MSDE_PLUGINS": "msde-tiny"}
    sys.path.insert(0, str(folder / "site-packages"))
    try:
        yield __import__(MODULE)
    finally:
        sys.path.remove(str(folder / "site-packages"))
        sys.modules.pop(MODULE, None)
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
