"""No label, subject or fold hint leaks: with shuffled labels a network learns its training set, and nothing else."""

import json
from pathlib import Path

import pytest
from installed import install

PLUGINS = '''
    import numpy as np
    import pandas as pd
    from msde_toolkit.interfaces import Dataset, DatasetOptions, Model
    from msde_toolkit.randomness import generator
    from msde_toolkit.types import Manifest, ModelOutput
    from torch import nn

    COLUMNS = ["id", "pair", "subject", "label", "condition"]

    def blocks(*names):
        """A texture [20, 20, 3] of its own for each name."""
        return np.kron(generator(*names).integers(0, 70, (5, 5, 3)), np.ones((4, 4, 1), dtype=int))

    class Bars(Dataset):
        """A bright bar tells the class, on textures that tell the subject and the pair; masked, half of it is grey."""

        synthetic = True
        Options = DatasetOptions

        def load(self, root, options):
            rows = [
                (f"s{subject}-{label}-{condition}", f"s{subject}-{label}", f"s{subject}", label, condition)
                for subject in range(30)
                for label in range(7)
                for condition in ("nm", "m")
            ]
            return Manifest.from_frame(pd.DataFrame(rows, columns=COLUMNS), "bars", synthetic=True)

        def read(self, rows):
            return [self.draw(*sample.split("-")) for sample in rows.ids]

        def draw(self, subject, label, condition):
            image = blocks("subject", subject) + blocks("pair", subject, label)
            image[2 * int(label) : 2 * int(label) + 2] += 60
            image += generator("noise", subject, label, condition).integers(0, 40, image.shape)
            if condition == "m":
                image[14:] = 120
            return image.astype(np.uint8)

    class Shuffled(Bars):
        """Its labels dealt out at random, a pair keeping one label."""

        def load(self, root, options):
            manifest = super().load(root, options)
            labels = manifest.frame.groupby("pair")["label"].first()
            dealt = dict(zip(labels.index, np.random.default_rng(5).permutation(labels), strict=True))
            manifest.frame["label"] = manifest.frame["pair"].map(dealt).astype("Int64")
            return manifest

    class Small(Model):
        """Keeps every place apart up to its head: learns by heart quickly, and finds whatever gives a label away."""

        smallest_input = 20

        def __init__(self, classes, options):
            super().__init__(classes, options)
            def block(before, after):
                return nn.Conv2d(before, after, 3, 2, 1), nn.BatchNorm2d(after), nn.ReLU()
            self.backbone = nn.Sequential(*block(3, 16), *block(16, 32), nn.Flatten())
            self.head = nn.Linear(32 * 5 * 5, classes)

        def forward(self, images):
            features = self.backbone(images)
            return ModelOutput(self.head(features), features)
'''


@pytest.fixture
def summary_of(msde, tmp_path_factory, monkeypatch):
    site = tmp_path_factory.mktemp("site-packages")
    points = {
        "msde.datasets": {"shuffled": "bars_and_small:Shuffled", "bars": "bars_and_small:Bars"},
        "msde.models": {"small": "bars_and_small:Small"},
    }
    install(site, "msde-shuffled", "1.0", points, bars_and_small=PLUGINS)
    monkeypatch.syspath_prepend(str(site))

    def call(data):
        settings = ["train.image_size=20", "train.epochs=7", "train.flip=0"]
        words = [word for setting in settings for word in ("--set", setting)]
        run = ["run", "--model", "small", "--loss", "ce", "--data", data, "--folds", "2", "--precision", "fp32"]
        done = msde(*run, *words, "--out", data, "--json", "-q")
        assert done.code == 0, done.err
        last = json.loads((Path(data) / "folds/00/history.jsonl").read_text().splitlines()[-1])
        return json.loads(done.out)["metrics"], last["train_accuracy"]

    return call


def test_shuffled_labels_end_at_chance(summary_of):
    shuffled, training = summary_of("shuffled")
    assert min(training.values()) > 0.45, "it must have learnt something by heart, or chance means nothing"
    true, _ = summary_of("bars")
    for condition in ("nm", "m"):
        metrics = shuffled[condition]
        majority, error = metrics["majority_baseline"], (0.2 * 0.8 / metrics["n"]) ** 0.5
        # 210 images a condition: three standard errors are 0.08 above the most frequent class' share.
        assert metrics["accuracy"]["pooled"] < majority + 3 * error
    assert true["nm"]["accuracy"]["pooled"] > true["nm"]["majority_baseline"] + 3 * error, "the same network can learn"
