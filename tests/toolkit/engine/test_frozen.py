"""Models with a frozen backbone: every image goes through it once, for all folds and repeats."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import msde_toolkit as msde
from msde_toolkit.results.run_store import RunStore

TRAIN = {"epochs": 3, "image_size": 20, "schedule": "constant", "lr_head": 0.05}


def config(**more):
    values = {"model": "still", "loss": "ce", "data": "dots", "folds": 3, "repeats": 2, "device": "cpu"}
    values |= {"precision": "fp32", "set_train": TRAIN}
    return msde.RunConfig.create(**(values | more))


@pytest.fixture
def still(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("MSDE_CACHE", str(tmp_path / "cache"))
    tiny.Still.asked = 0
    return tiny.Still


def test_every_image_is_embedded_once_for_all_folds_and_repeats(still, tmp_path):
    done = msde.run(config(), out=tmp_path / "run")
    samples = len(msde.open_run(done.directory).manifest)
    trial = 2
    assert still.asked == samples + trial
    msde.run(config(loss="watch-pairs"), out=tmp_path / "again")
    assert still.asked == samples + 2 * trial, "another run finds them in the cache"
    assert any("frozen" in note for note in done.summary["notes"])


def test_the_stored_model_gives_the_stored_predictions(still, tmp_path):
    done = msde.run(config(), out=tmp_path / "run")
    run = msde.open_run(done.directory)
    table = run.predictions.query("fold == '01' and repeat == 1")
    model = run.model("01", 1)
    images = torch.tensor(run.images(list(table["id"]))).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        logits = model(model.input_spec.normalise(images)).logits.numpy()
    np.testing.assert_allclose(logits, np.stack(list(table["logits"])), atol=1e-5)


def test_only_the_head_is_trained(still, tmp_path):
    done = msde.run(config(), out=tmp_path / "run")
    models = [msde.open_run(done.directory).model(fold) for fold in ("00", "01")]
    assert torch.equal(models[0].backbone.weight, models[1].backbone.weight)
    assert not torch.equal(models[0].head.weight, models[1].head.weight)
    assert done.summary["parameters"]["trainable"] == 4 * 7 + 7
    (line, *_) = RunStore(done.directory).fold("00").read_history()
    assert line["gradient"]["ce"] > 0, "measured on the head"


def test_it_learns(still, tmp_path):
    lines = RunStore(msde.run(config(set_train=TRAIN | {"epochs": 12}), out=tmp_path / "run").directory)
    first, *_, last = lines.fold("00").read_history()
    assert last["loss"]["ce"] < first["loss"]["ce"]
