"""``msde_toolkit.run`` and ``open_run``: the library behind the command line."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score
from stop_after import StopAfter

import msde_toolkit as msde
from msde_toolkit.engine.run import resume
from msde_toolkit.errors import InputError, Interrupted

TINY = {"subjects": 4, "size": 64}
TRAIN = {"epochs": 2, "image_size": 32, "checkpoint_seconds": 0}


def config(**more):
    values = {"model": "resnet18", "loss": "ce", "folds": 2, "precision": "fp32", "set_data": TINY, "set_train": TRAIN}
    return msde.RunConfig.create(**(values | more))


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    return msde.run(config(), out=tmp_path_factory.mktemp("library") / "run")


@pytest.mark.parametrize("damaged", [False, True])
def test_stopping_inside_a_fold_and_going_on_gives_the_same_bits(result, tmp_path, damaged):
    with pytest.raises(Interrupted, match="--resume"):
        msde.run(config(), out=tmp_path / "run", listeners=[StopAfter(3)])
    checkpoint = tmp_path / "run" / "folds" / "01" / "last.ckpt"
    assert checkpoint.exists()
    if damaged:
        checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    again = resume(tmp_path / "run")
    assert again.summary["metrics"] == result.summary["metrics"]
    for fold in ("00", "01"):
        ours, theirs = (
            pd.read_parquet(path / "folds" / fold / "predictions.parquet")
            for path in (again.directory, result.directory)
        )
        assert all((a == b).all() for a, b in zip(ours["logits"], theirs["logits"], strict=True))
    assert not checkpoint.exists()


def test_the_summary_recomputed_with_scikit_learn(result):
    opened = msde.open_run(result.directory)
    for condition in ("nm", "m"):
        rows = opened.predictions[opened.predictions["condition"] == condition]
        metrics = result.summary["metrics"][condition]
        assert metrics["accuracy"]["pooled"] == pytest.approx(accuracy_score(rows["label"], rows["predicted"]))
        assert metrics["n"] == len(rows)
        present = sorted(set(rows["label"]))
        with np.errstate(all="ignore"):
            recall = balanced_accuracy_score(rows["label"], rows["predicted"])
        assert metrics["balanced_accuracy"]["pooled"] == pytest.approx(recall)
        f1 = f1_score(rows["label"], rows["predicted"], labels=present, average="macro", zero_division=0)
        assert metrics["macro_f1"]["pooled"] == pytest.approx(f1)
        folds = [accuracy_score(part["label"], part["predicted"]) for _, part in rows.groupby("fold")]
        assert metrics["accuracy"]["mean_of_folds"] == pytest.approx(np.mean(folds))
    gap = result.summary["metrics"]["gap"]["accuracy"]
    nm, m = (result.summary["metrics"][word]["accuracy"]["pooled"] for word in ("nm", "m"))
    assert gap["pooled"] == pytest.approx(nm - m)


def test_a_folds_model_reproduces_its_predictions(result):
    opened = msde.open_run(result.directory)
    rows = opened.predictions[opened.predictions["fold"] == "01"].head(5)
    model = opened.model("01")
    images = torch.from_numpy(opened.images(list(rows["id"]))).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        logits = model(model.input_spec.normalise(images.to(opened.device))).logits
    assert np.allclose(np.stack(list(rows["logits"])), logits.cpu().numpy(), atol=1e-4)
    with pytest.raises(InputError, match="03"):
        opened.model("03")


def test_one_condition_leaves_the_other_null(tmp_path, monkeypatch):
    csv = tmp_path / "fer.csv"
    pixels = " ".join(["90"] * 2304)
    rows = [f"{n % 7},{pixels},{'Training' if n < 14 else 'PublicTest'}" for n in range(21)]
    csv.write_text("emotion,pixels,Usage\n" + "\n".join(rows) + "\n")
    values = {"data": "fer2013", "root": csv, "set_data": {}, "set_train": TRAIN | {"epochs": 1}, "folds": None}
    done = msde.run(config(**values), out=tmp_path / "run")
    metrics = done.summary["metrics"]
    assert set(metrics) == {"nm", "m", "average", "gap"}
    assert (metrics["m"], metrics["average"], metrics["gap"]) == (None, None, None)
    assert (done.summary["identity"], done.summary["interval_unit"]) == ("unknown", "sample")
    assert any("likely too narrow" in note for note in done.summary["notes"])
    masked = msde.run(config(**values | {"loss": "cl", "mask": "surgical"}), out=tmp_path / "masked")
    assert masked.summary["metrics"]["m"]["n"] == masked.summary["metrics"]["nm"]["n"] == 7
    opened = msde.open_run(tmp_path / "masked")
    regions = opened.mask_regions([sample for sample in opened.manifest.ids if "surgical" in sample][:2])
    assert all(region.shape == (32, 32) and region.max() == 255 for region in regions)


def test_a_set_that_changed_is_not_resumed(result, tmp_path):
    with pytest.raises(Interrupted):
        msde.run(config(), out=tmp_path / "run", listeners=[StopAfter(1)])
    text = (tmp_path / "run" / "config.toml").read_text()
    (tmp_path / "run" / "config.toml").write_text(text.replace("subjects = 4", "subjects = 5"))
    with pytest.raises(InputError, match="not the data"):
        resume(tmp_path / "run")


def test_class_weights_and_inner_selection_are_real(tmp_path, result):
    done = msde.run(config(select="inner", set_train=TRAIN | {"class_weights": True}), out=tmp_path / "run")
    lines = [json.loads(line) for line in (tmp_path / "run/folds/00/history.jsonl").read_text().splitlines()]
    assert all(0 <= line["inner_accuracy"] <= 1 for line in lines)
    assert (
        lines[0]["images"]
        < json.loads((result.directory / "folds/00/history.jsonl").read_text().splitlines()[0])["images"]
    )
    assert done.summary["select"] == "inner"
