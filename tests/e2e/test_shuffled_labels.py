"""No label, subject or fold hint leaks: with shuffled labels a network learns its training set, and nothing else."""

import json
from pathlib import Path

from installed import install

SHUFFLED = '''
    import numpy as np
    from msde_synthetic.dataset import SyntheticDataset

    class Shuffled(SyntheticDataset):
        """The synthetic twin with its labels dealt out at random, a pair keeping one label."""

        def load(self, root, options):
            manifest = super().load(root, options)
            groups = manifest.frame["pair"].fillna(manifest.frame["id"])
            names = sorted(set(groups))
            labels = [int(manifest.labels[(groups == name).to_numpy()][0]) for name in names]
            dealt = dict(zip(names, np.random.default_rng(5).permutation(labels), strict=True))
            manifest.frame["label"] = groups.map(dealt).astype("Int64")
            return manifest
'''


def test_shuffled_labels_end_at_chance(msde, tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("site-packages")
    install(
        folder,
        "msde-shuffled",
        "1.0",
        {"msde.datasets": {"shuffled": "shuffled_twin:Shuffled"}},
        shuffled_twin=SHUFFLED,
    )
    monkeypatch.syspath_prepend(str(folder))
    settings = [
        "data.subjects=8",
        "data.size=64",
        "train.image_size=40",
        "train.epochs=16",
        "train.batch_size=8",
        "train.flip=0",
    ]
    words = [word for setting in settings for word in ("--set", setting)]
    run = ["run", "--model", "resnet18", "--loss", "ce", "--data", "shuffled", "--folds", "2", *words]
    done = msde(*run, "--out", "run", "--json", "-q")
    assert done.code == 0, done.err
    last = json.loads(Path("run/folds/00/history.jsonl").read_text().splitlines()[-1])
    assert min(last["train_accuracy"].values()) > 0.5, "it must have learnt something, or chance means nothing"
    for condition in ("nm", "m"):
        metrics = json.loads(done.out)["metrics"][condition]
        # 8 subjects give about 55 images a condition: three standard errors above the majority share.
        assert metrics["accuracy"]["pooled"] < metrics["majority_baseline"] + 3 * (0.2 * 0.8 / metrics["n"]) ** 0.5
