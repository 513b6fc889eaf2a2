"""The released code's departures from the paper: each a switch, listed, marked where it is unsound."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F

import msde_toolkit as msde
from msde_toolkit.data.folds import released_folds
from msde_toolkit.engine.settings import resolve
from msde_toolkit.results.run_store import RunStore
from msde_toolkit.types import InputError, Manifest

TRAIN = {"epochs": 3, "image_size": 20, "lr_backbone": 0.02, "lr_head": 0.02}


def config(**more):
    values = {"model": "tiny", "loss": "watch", "data": "dots", "folds": 2, "precision": "fp32", "device": "cpu"}
    values |= {"preset": "paper"} | more
    return msde.RunConfig.create(**{**values, "set_train": TRAIN | more.get("set_train", {})})


def test_the_paper_changes_nothing_and_the_code_everything(tiny):
    paper = resolve(config(loss="taught", set_train={}))
    assert (paper.switches, paper.unsound, paper.select) == ((), (), "last")
    code = resolve(msde.RunConfig.create(model="tiny", loss="taught", profile="code", preset="paper"))
    assert code.train.milestones == (15, 22)
    assert (code.train.epochs, code.train.weight_decay, code.select) == (24, 1e-4, "test")
    assert code.train.softmax_first
    assert code.train.shared_teacher, "a switch of losses with a teacher"
    assert code.loss.options.weight == 2.0, "a switch of the loss's own"
    assert len(code.unsound) == 3
    assert not resolve(msde.RunConfig.create(model="tiny", loss="watch", profile="code")).train.shared_teacher


def test_the_user_wins_over_the_preset_and_the_preset_over_the_profile(tiny):
    quick = resolve(msde.RunConfig.create(model="tiny", loss="taught", profile="code", preset="quick"))
    assert quick.train.weight_decay == 0.05
    assert "train.weight_decay" in {switch.key for switch in quick.overruled}
    values = {"select": "last", "set_loss": {"weight": 3}, "set_train": {"released_folds": False}}
    sound = resolve(msde.RunConfig.create(model="tiny", loss="watch", profile="code", select="last",
                                          set_train={"released_folds": False}))  # fmt: skip
    assert sound.unsound == ()
    assert {"select", "train.released_folds"} <= {switch.key for switch in sound.overruled}
    taught = resolve(msde.RunConfig.create(model="tiny", loss="taught", profile="code", **values))
    assert taught.loss.options.weight == 3


def test_a_run_as_the_released_code_is_marked_unsound(tiny, tmp_path):
    done = msde.run(config(profile="code"), out=tmp_path / "run")
    summary = json.loads((done.directory / "summary.json").read_text())
    assert summary["profile"] == "code"
    assert [reason.split(" = ")[0] for reason in summary["unsound"]] == ["train.released_folds", "select"]
    marked = [note for note in summary["notes"] if note.startswith("UNSOUND, no evidence: ")]
    assert len(marked) == 2
    assert any("as the released code: " in note and "train.softmax_first" in note for note in summary["notes"])
    honest = msde.run(config(), out=tmp_path / "honest").summary
    assert honest["unsound"] == []
    assert not any("UNSOUND" in note for note in honest["notes"])


def test_the_test_fold_chooses_the_epoch_only_when_that_mistake_is_asked_for(tiny, tmp_path):
    done = msde.run(config(select="test", set_train={"epochs": 6}), out=tmp_path / "run")
    store = RunStore(done.directory)
    for fold in ("00", "01"):
        scores = [line["test_accuracy"] for line in store.fold(fold).read_history()]
        table = pd.read_parquet(store.fold(fold).predictions)
        right = table["logits"].map(lambda row: int(row.argmax())) == table["label"]
        assert right.groupby(table["condition"]).mean().mean() == pytest.approx(max(scores)), (
            "the best on the test fold"
        )
    assert done.summary["select"] == "test"


def numbered(subjects):
    rows = [{"id": f"i{n}", "subject": f"s{n}", "label": n % 7} for n in range(subjects)]
    return Manifest.from_frame(pd.DataFrame(rows), "numbered")


def test_the_released_folds_of_the_papers_142_subjects():
    """FACTS: fifteen ids a fold, ids 14, 28, ..., 126 validated twice, the last never."""
    folds = released_folds(numbered(142), None, 10)
    tested = [sorted(int(name[1:]) for name in held_out) for held_out in folds.held_out.values()]
    assert [len(fold) for fold in tested] == [15] * 10
    counts = np.bincount([number for fold in tested for number in fold], minlength=142)
    assert np.flatnonzero(counts == 2).tolist() == [14 * k for k in range(1, 10)]
    assert np.flatnonzero(counts == 0).tolist() == [141]
    assert all(not set(fold.train) & set(fold.test) for fold in folds.folds)
    with pytest.raises(InputError, match="at most 142"):
        released_folds(numbered(142), 143, 10)


def test_softmax_before_cross_entropy_has_a_floor(tiny, tmp_path):
    from msde_toolkit.data.augmentation import AugmentationOptions
    from msde_toolkit.data.batches import BatchSource, TrainingPlan
    from msde_toolkit.engine.device import Compute
    from msde_toolkit.engine.train_options import TrainOptions
    from msde_toolkit.engine.trainer import FoldTrainer

    manifest = numbered(8)
    source = BatchSource(manifest, np.zeros((8, 20, 20, 3), np.uint8), torch.device("cpu"))
    plan = TrainingPlan(np.arange(8), 4, AugmentationOptions())
    options, compute = TrainOptions(softmax_first=True), Compute(torch.device("cpu"), "fp32", "")
    model, loss = msde.create_model("tiny"), msde.create_loss("watch")
    trainer = FoldTrainer(model, loss, source, plan, options, compute, (0, 0, "00"))
    certain = 1000.0 * F.one_hot(torch.arange(7), 7).float()
    value = trainer.criterion_for(torch.ones(7))(certain, certain / 1000)
    assert value == pytest.approx(1.1654, abs=1e-4)


def test_training_in_evaluation_mode_keeps_the_statistics(tiny, tmp_path):
    def statistics(name, **train):
        done = msde.run(config(set_train={"checkpoint_seconds": 0, **train}), out=tmp_path / name)
        model = msde.open_run(done.directory).model("00")
        return model.get_buffer("backbone.1.num_batches_tracked").item()

    assert statistics("as it should be") == 3 * statistics("left in eval", eval_after_first_epoch=True)


def test_tests_normalised_otherwise_give_other_numbers(tiny, tmp_path):
    def logits(name, **train):
        done = msde.run(config(set_train=train), out=tmp_path / name)
        return np.stack(list(RunStore(done.directory).read_predictions(["00"], 1)["logits"]))

    assert not np.allclose(logits("same"), logits("half", half_normalised_tests=True))
