"""Folds of a run: who is trained on, what decides the numbers, what is kept of them."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors import safe_open

import msde_toolkit as msde
from msde_toolkit.errors import MsdeError
from msde_toolkit.results.run_store import RunStore
from msde_toolkit.types import load_manifest

TRAIN = {"epochs": 2, "image_size": 20, "schedule": "constant", "lr_backbone": 0.02, "lr_head": 0.02}


def config(**more):
    values = {"model": "tiny", "loss": "watch", "data": "dots", "folds": 2, "precision": "fp32", "device": "cpu"}
    return msde.RunConfig.create(**{**values, **more, "set_train": TRAIN | more.get("set_train", {})})


@pytest.fixture
def run(tiny, tmp_path):
    """``run(name, **config)`` gives the run's files, and what its loss saw."""

    def start(name="run", **values):
        tiny.SEEN.clear()
        return RunStore(msde.run(config(**values), out=tmp_path / name).directory), list(tiny.SEEN)

    return start


def logits(store, fold="00", repeat=0):
    return np.stack(list(pd.read_parquet(store.fold(fold, repeat).predictions)["logits"]))


def weights(store, fold="00", repeat=0):
    with safe_open(store.fold(fold, repeat).model, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()  # noqa: SIM118


def trained_ids(seen, fold, repeat=0):
    return [sample for step in seen if step["seed"][1:3] == (repeat, fold) for sample in step["ids"]]


# Who is trained on


@pytest.mark.parametrize("train_on", ["nm", "m", "mix", "pairs"])
def test_only_training_subjects_of_the_right_condition_are_seen(run, train_on):
    store, seen = run(train_on=train_on)
    manifest = load_manifest(store.manifest)
    facts = manifest.frame.set_index("id")
    for fold in ("00", "01"):
        tested = pd.read_parquet(store.fold(fold).predictions)
        assert set(tested["condition"]) == {"nm", "m"}, "every condition is tested, whatever was trained on"
        inside = ~facts["subject"].isin(set(tested["subject"]))
        wanted = {"nm": ["nm"], "m": ["m"]}.get(train_on, ["nm", "m"])
        expected = facts.index[inside & facts["condition"].isin(wanted)]
        assert sorted(trained_ids(seen, fold)) == sorted([*expected, *expected]), "each image once an epoch"
    assert {step["pairs"] for step in seen} == {train_on == "pairs"}
    assert {step["epochs"] for step in seen} == {2}


def test_a_loss_of_pairs_sees_as_many_images_a_step_as_one_of_images(run):
    sizes = {}
    for loss, train_on in (("watch", "mix"), ("watch", "pairs"), ("watch-pairs", None)):
        _, seen = run(f"{loss}-{train_on}", loss=loss, train_on=train_on, set_train={"batch_size": 14})
        sizes[loss, train_on] = [len(step["ids"]) for step in seen]
    assert set(sizes["watch", "mix"]) == {14}
    assert sizes["watch", "mix"] == sizes["watch", "pairs"] == sizes["watch-pairs", None]


def test_class_weights_are_inverse_frequencies_of_the_training_images(run):
    values = {"set_data": {"split": "labels", "subjects": 3}, "folds": None}
    _, plain = run("plain", **values)
    assert plain[0]["classes"] == pytest.approx([np.log(7)] * 7)
    store, seen = run("weighted", set_train={"class_weights": True}, **values)
    frame = load_manifest(store.manifest).frame
    train = frame[frame["split"] == "train"]["label"]
    counts = np.bincount(train.astype(int), minlength=7)
    present = counts > 0
    expected = len(train) / (present.sum() * counts[present]) * np.log(7)
    assert np.array(seen[0]["classes"])[present] == pytest.approx(expected, rel=1e-5)


# What decides the numbers


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not(run):
    values = {"folds": None, "set_data": {"split": "subjects"}}  # a split that no seed moves
    (one, _), (same, _), (other, _) = (run(str(n), seed=seed, **values) for n, seed in enumerate((0, 0, 1)))
    assert (logits(one) == logits(same)).all()
    assert not np.allclose(logits(one), logits(other))


def test_repeats_share_folds_and_nothing_else(run):
    store, seen = run(repeats=2)
    for fold in ("00", "01"):
        first, second = (pd.read_parquet(store.fold(fold, repeat).predictions) for repeat in (0, 1))
        assert first["id"].tolist() == second["id"].tolist()
        assert (set(first["repeat"]), set(second["repeat"])) == ({0}, {1})
        assert not np.allclose(logits(store, fold, 0), logits(store, fold, 1))
        assert set(trained_ids(seen, fold, 0)) == set(trained_ids(seen, fold, 1))
        assert trained_ids(seen, fold, 0) != trained_ids(seen, fold, 1)
    assert store.fold("00", 1).directory == store.directory / "repeats" / "01" / "folds" / "00"


def test_a_fold_s_numbers_do_not_depend_on_the_other_folds(run, tmp_path):
    store, _ = run("both")
    document = json.loads(store.folds.read_text())
    document["folds"].reverse()
    (tmp_path / "reversed.json").write_text(json.dumps(document))
    again, _ = run("reversed", folds=tmp_path / "reversed.json")
    for fold in ("00", "01"):
        assert (logits(store, fold) == logits(again, fold)).all()


@pytest.mark.parametrize(
    "change",
    [
        *({"flip": 0.05}, {"rotation": 0.05}, {"saturation": 0.05}, {"label_smoothing": 0.05}),
        *({"weight_decay": 0.2}, {"clip_norm": 0.01}, {"optimizer": "sgd"}, {"batch_size": 9}),
    ],
    ids=str,
)
def test_every_training_option_counts(run, change):
    usual = {"optimizer": "adamw", "weight_decay": 0.1, "epochs": 1}
    values = {"folds": None, "set_data": {"split": "subjects", "subjects": 4}}
    store, _ = run("usual", set_train=usual, **values)
    other, _ = run("other", set_train=usual | change, **values)
    assert not (logits(store) == logits(other)).all()


# Inner selection


def test_inner_selection_uses_inner_subjects_alone_and_keeps_the_best_epoch(run):
    values = {"select": "inner", "set_train": {"epochs": 8}, "seed": 3}
    store, seen = run("inner", **values)
    manifest = load_manifest(store.manifest)
    subject = dict(zip(manifest.ids, manifest.frame["subject"], strict=True))
    best = {}
    for fold in ("00", "01"):
        fitted = {subject[sample] for sample in trained_ids(seen, fold)}
        tested = set(pd.read_parquet(store.fold(fold).predictions)["subject"])
        assert not fitted & tested
        assert len(set(subject.values()) - fitted - tested) == 1, "one subject of each fold chooses the epoch"
        scores = [line["inner_accuracy"] for line in store.fold(fold).read_history()]
        assert len(scores) == 8
        best[fold] = scores.index(max(scores))
        assert weights(store, fold)[1] == {"epoch": str(best[fold])}
    fold = next(name for name, epoch in best.items() if epoch < 7)
    shorter, _ = run("shorter", **values | {"set_train": {"epochs": best[fold] + 1}})
    assert (logits(store, fold) == logits(shorter, fold)).all(), "the weights are those of the best epoch"
    assert torch.equal(weights(store, fold)[0]["head.weight"], weights(shorter, fold)[0]["head.weight"])


def test_the_last_epoch_is_recorded_too(run):
    store, _ = run()
    assert weights(store)[1] == {"epoch": "1"}
    assert all("inner_accuracy" not in line for line in store.fold("00").read_history())


# What is kept


def test_history_says_losses_rates_and_images(run):
    store, seen = run(set_train={"schedule": "steps", "milestones": [1], "gamma": 0.5, "batch_size": 10})
    first, second = store.fold("00").read_history()
    assert set(first) == {
        *("epoch", "loss", "loss_share", "gradient", "gradient_share", "train_accuracy", "lr"),
        *("images", "shown", "steps", "seconds"),
    }
    assert first["gradient"]["ce"] > 0
    assert first["loss_share"] == first["gradient_share"] == {"ce": 1.0}
    assert first["shown"] == first["images"]
    assert (first["epoch"], second["epoch"]) == (0, 1)
    assert first["lr"] == {"backbone": 0.02, "head": 0.02}
    assert second["lr"] == {"backbone": 0.01, "head": 0.01}
    assert first["loss"]["ce"] == pytest.approx(first["loss"]["total"])
    assert set(first["train_accuracy"]) == {"nm", "m"}
    assert first["images"] == len(trained_ids(seen, "00")) / 2


def test_weights_that_share_memory_are_kept_and_open_again(run):
    store, _ = run(set_model={"tied": True})
    model = msde.open_run(store.directory).model("01")
    assert torch.equal(model.head.weight, model.again.weight)
    assert {"head.weight", "again.weight"} <= set(weights(store)[0])


def test_a_fold_leaves_no_checkpoint_and_no_half_written_file(run):
    store, _ = run(set_train={"checkpoint_seconds": 0})
    for fold in ("00", "01"):
        names = {file.name for file in store.fold(fold).directory.iterdir()}
        assert names == {"history.jsonl", "model.safetensors", "predictions.parquet"}


def test_a_model_that_diverged_in_its_last_step_is_no_result(run, tmp_path):
    broken = {"epochs": 1, "batch_size": 1000, "optimizer": "sgd", "lr_backbone": 1e30, "lr_head": 1e30}
    with pytest.raises(MsdeError, match=r"^Fold 00, after epoch 1: .*not finite.*lr_backbone"):
        run(set_train=broken)
    files = RunStore(tmp_path / "run").fold("00")
    assert not files.done
    assert not files.predictions.exists()
