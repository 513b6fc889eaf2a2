"""What a run's models start from: a file, or the models of an earlier run that have not seen the test subjects."""

from __future__ import annotations

import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

import msde_toolkit as msde
from msde_toolkit.engine.prepare import prepare
from msde_toolkit.engine.run import resume
from msde_toolkit.errors import InputError

TRAIN = {"epochs": 1, "image_size": 20, "schedule": "constant", "lr_backbone": 0.02, "lr_head": 0.02}


def config(**more):
    values = {"model": "tiny", "loss": "ce", "data": "dots", "folds": 2, "precision": "fp32", "device": "cpu"}
    return msde.RunConfig.create(**{**values, "set_train": TRAIN, **more})


@pytest.fixture(scope="module")
def earlier(tiny, tmp_path_factory):
    return msde.run(config(repeats=2), out=tmp_path_factory.mktemp("earlier") / "earlier").directory


def stored(directory, fold, repeat=0):
    return load_file(msde.open_run(directory).model_file(fold, repeat))


def same(model, weights):
    return all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())


def test_each_fold_starts_from_the_model_that_held_out_the_same_subjects(earlier):
    prepared = prepare(config(weights=f"run:{earlier}", repeats=2))
    for fold in ("00", "01"):
        for repeat in (0, 1):
            assert same(prepared.new_model(fold, repeat), stored(earlier, fold, repeat))
    assert prepared.weights.label == "run earlier (dots, synthetic)"
    assert prepared.weights.sha256


def test_folds_of_another_name_are_matched_by_whom_they_hold_out(earlier, tmp_path):
    import json

    folds = json.loads((earlier / "folds.json").read_text())
    for entry, name in zip(folds["folds"], ("x", "y"), strict=True):
        entry["fold"] = name
    folds["folds"].reverse()
    (tmp_path / "folds.json").write_text(json.dumps(folds))
    prepared = prepare(config(weights=f"run:{earlier}", folds=tmp_path / "folds.json"))
    assert same(prepared.new_model("y", 0), stored(earlier, "01"))
    assert same(prepared.new_model("x", 0), stored(earlier, "00"))


def test_models_that_saw_the_test_subjects_are_refused(earlier):
    with pytest.raises(InputError, match=r"trained on subjects that fold 0\d tests") as caught:
        prepare(config(weights=f"run:{earlier}", folds=3))
    assert "--folds" in str(caught.value)


def test_a_run_on_other_data_gives_any_fold_and_a_head_of_another_size_is_left_out(tiny, earlier, tmp_path):
    run = tmp_path / "other"
    shutil.copytree(earlier, run)
    manifest = msde.load_manifest(run / "manifest.parquet")
    from dataclasses import replace

    replace(manifest, name="elsewhere").save(run / "manifest.parquet")
    weights = run / "folds/00/model.safetensors"
    state = load_file(weights)
    state["head.weight"], state["head.bias"] = torch.zeros(8, 8), torch.zeros(8)
    save_file(state, weights)
    save_file(state, run / "folds/01/model.safetensors")
    prepared = prepare(config(weights=f"run:{run}", folds=3))
    model = prepared.new_model("02", 0)
    assert torch.equal(model.backbone[0].weight, state["backbone.0.weight"])
    assert model.head.weight.shape == (7, 8)
    assert model.head.weight.any(), "drawn, not zero"
    assert any("head" in note for note in prepared.weights.notes)


@pytest.mark.parametrize(("repeat", "whose"), [(0, "fold 01"), (1, "fold 01 of repeat 1")])
def test_weights_that_a_run_lacks_are_trained_again_by_resume(tiny, earlier, tmp_path, repeat, whose):
    run = tmp_path / "gone"
    shutil.copytree(earlier, run)
    file = msde.open_run(run).model_file("01", repeat)
    file.unlink()
    with pytest.raises(InputError) as caught:
        prepare(config(weights=f"run:{run}", repeats=2))
    assert str(caught.value) == (
        f"--weights run:{run}: it lacks the weights of {whose}. Train that again: msde run --resume {run}"
    )
    resume(run)
    assert same(prepare(config(weights=f"run:{run}", repeats=2)).new_model("01", repeat), stored(earlier, "01", repeat))


def test_options_that_the_weights_were_not_trained_with_are_told(earlier):
    prepared = prepare(config(weights=f"run:{earlier}", set_model={"dropout": 0.5}))
    assert "the weights of run earlier were trained with dropout 0.0, here 0.5" in prepared.notes


def test_a_file_must_fit_and_is_hashed(earlier, tmp_path):
    file = earlier / "folds/00/model.safetensors"
    prepared = prepare(config(weights=str(file)))
    assert same(prepared.new_model("00", 0), stored(earlier, "00"))
    assert prepared.weights.label == "model.safetensors"
    with pytest.raises(InputError, match=r"model\.safetensors"):
        prepare(config(weights=str(file), set_model={"width": 4}))


def test_imagenet_needs_a_model_that_says_where(tiny):
    with pytest.raises(InputError, match=r"(?i)imagenet"):
        prepare(config(weights="imagenet"))


def test_a_taught_student_can_be_left_without(tiny, earlier):
    values = {"loss": "taught", "weights": f"run:{earlier}"}
    assert same(prepare(config(**values)).new_model("00", 0), stored(earlier, "00"))
    scratch = prepare(config(**values, set_train=TRAIN | {"student_from_scratch": True}))
    assert not same(scratch.new_model("00", 0), stored(earlier, "00"))
    assert any("random weights" in note for note in scratch.notes)
