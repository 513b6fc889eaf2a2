"""No label, subject or fold hint leaks: with shuffled labels a network learns its training set, and nothing else."""

import json
from pathlib import Path

import pytest
from installed import install

PLUGINS = '''
    import numpy as np
    from msde_synthetic.dataset import SyntheticDataset
    from msde_toolkit.interfaces import Model
    from msde_toolkit.types import ModelOutput
    from torch import nn

    DRAWN = {}

    class Twin(SyntheticDataset):
        """The synthetic twin; both runs share its drawings, which takes half the time."""

        def read(self, rows):
            for place, path in enumerate(rows.frame["path"]):
                if path not in DRAWN:
                    DRAWN[path] = super().read(rows.take(np.array([place])))[0]
            return [DRAWN[path] for path in rows.frame["path"]]

    class Shuffled(Twin):
        """Its labels dealt out at random, a pair keeping one label."""

        def load(self, root, options):
            manifest = super().load(root, options)
            groups = manifest.frame["pair"].fillna(manifest.frame["id"])
            names = sorted(set(groups))
            labels = [int(manifest.labels[(groups == name).to_numpy()][0]) for name in names]
            dealt = dict(zip(names, np.random.default_rng(5).permutation(labels), strict=True))
            manifest.frame["label"] = groups.map(dealt).astype("Int64")
            return manifest

    class Small(Model):
        """Keeps every place apart up to its head: learns by heart quickly, and finds whatever gives a label away."""

        def __init__(self, classes, options):
            super().__init__(classes, options)
            def block(before, after):
                return nn.Conv2d(before, after, 3, 2, 1), nn.BatchNorm2d(after), nn.ReLU()
            self.backbone = nn.Sequential(*block(3, 16), *block(16, 32), *block(32, 48), nn.Flatten())
            self.head = nn.Linear(48 * 5 * 5, classes)

        def forward(self, images):
            features = self.backbone(images)
            return ModelOutput(self.head(features), features)
'''


@pytest.fixture
def summary_of(msde, tmp_path_factory, monkeypatch):
    site = tmp_path_factory.mktemp("site-packages")
    points = {
        "msde.datasets": {"shuffled": "shuffled_twin:Shuffled", "twin": "shuffled_twin:Twin"},
        "msde.models": {"small": "shuffled_twin:Small"},
    }
    install(site, "msde-shuffled", "1.0", points, shuffled_twin=PLUGINS)
    monkeypatch.syspath_prepend(str(site))

    def call(data):
        settings = ["data.subjects=30", "data.size=64", "train.image_size=40", "train.epochs=20", "train.flip=0"]
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
    true, _ = summary_of("twin")
    for condition in ("nm", "m"):
        metrics = shuffled[condition]
        majority, error = metrics["majority_baseline"], (0.2 * 0.8 / metrics["n"]) ** 0.5
        # About 210 images a condition: three standard errors are 0.08 above the most frequent class' share.
        assert metrics["accuracy"]["pooled"] < majority + 3 * error
    assert true["nm"]["accuracy"]["pooled"] > true["nm"]["majority_baseline"] + 3 * error, "the same network can learn"
