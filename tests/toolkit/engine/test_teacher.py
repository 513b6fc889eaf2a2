"""Teachers: trained a fold on its training subjects' unmasked images, shared, given, frozen."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from stop_after import StopAfter

import msde_toolkit as msde
from msde_toolkit.engine.run import resume
from msde_toolkit.errors import InputError, Interrupted
from msde_toolkit.interfaces import hookimpl
from msde_toolkit.results.run_store import RunStore
from msde_toolkit.types import load_manifest

TRAIN = {"epochs": 2, "image_size": 20, "schedule": "constant", "lr_backbone": 0.02, "lr_head": 0.02}


def config(**more):
    values = {"model": "tiny", "loss": "taught", "data": "dots", "folds": 2, "precision": "fp32", "device": "cpu"}
    return msde.RunConfig.create(**{**values, **more, "set_train": TRAIN | more.get("set_train", {})})


@pytest.fixture
def cache(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("MSDE_CACHE", str(tmp_path / "cache"))
    tiny.SEEN.clear()
    return tmp_path / "cache"


class Told:
    """Names of the folds whose training was told of."""

    def __init__(self):
        self.folds, self.teachers = [], None

    @hookimpl
    def msde_run_started(self, event):
        self.teachers = event.teachers

    @hookimpl
    def msde_fold_started(self, event):
        self.folds.append(event.fold)


def logits(directory, fold="00", repeat=0):
    return np.stack(list(pd.read_parquet(RunStore(Path(directory)).fold(fold, repeat).predictions)["logits"]))


def the_teacher(cache):
    (folder,) = (path for path in (cache / "teachers").iterdir() if path.is_dir())
    return RunStore(folder)


def test_it_is_the_run_that_a_user_would_have_made(cache, tmp_path):
    """The numbers of the teacher are those of the same model trained with cross entropy on NM, fold by fold."""
    msde.run(config(repeats=2), out=tmp_path / "student")
    plain = msde.run(config(loss="ce", train_on="nm", repeats=2), out=tmp_path / "plain")
    for fold in ("00", "01"):
        for repeat in (0, 1):
            assert (logits(the_teacher(cache).directory, fold, repeat) == logits(plain.directory, fold, repeat)).all()


def test_it_is_trained_once_for_all_runs_that_need_it(cache, tmp_path):
    first, second, other = Told(), Told(), Told()
    one = msde.run(config(), out=tmp_path / "one", listeners=[first])
    msde.run(config(set_loss={"weight": 3.0}), out=tmp_path / "two", listeners=[second])
    msde.run(config(set_model={"width": 4}), out=tmp_path / "three", listeners=[other])
    assert (first.teachers, second.teachers, other.teachers) == (2, 0, 2)
    assert first.folds == ["teacher-00", "00", "teacher-01", "01"]
    assert second.folds == ["00", "01"]
    told = one.summary["teacher"]
    assert (told["source"], told["loss"], told["train_on"]) == ("trained here", "ce", "nm")


def test_why_a_precision_was_chosen_makes_no_other_teacher(cache, tmp_path):
    """``auto`` notes how fast bf16 was, another number at every start, and --resume asks for what was chosen."""
    again = Told()
    one = msde.run(config(precision="auto"), out=tmp_path / "one")
    used = json.loads(RunStore(one.directory).provenance.read_text())["precision"]["used"]
    msde.run(config(precision=used), out=tmp_path / "two", listeners=[again])
    assert again.teachers == 0


def test_no_fold_is_taught_by_a_model_that_saw_its_test_subjects(tiny, cache, tmp_path):
    done = msde.run(config(), out=tmp_path / "run")
    manifest = load_manifest(RunStore(done.directory).manifest)
    subject = dict(zip(manifest.ids, manifest.groups(), strict=True))
    for fold in ("00", "01"):
        held_out = set(pd.read_parquet(the_teacher(cache).fold(fold).predictions)["subject"])
        taught = {subject[sample] for step in tiny.SEEN if step["seed"][2] == fold for sample in step["ids"]}
        assert not held_out & taught
        assert held_out | taught == set(subject.values())


def test_it_never_changes_while_it_teaches(tiny, cache, tmp_path):
    done = msde.run(config(set_train={"epochs": 3, "flip": 0, "rotation": 0, "shift": 0, "zoom": 0} | dict.fromkeys(
        ("brightness", "contrast", "saturation"), 0)), out=tmp_path / "run")  # fmt: skip
    first = {}
    for step in tiny.SEEN:
        for sample, row in zip(step["ids"], step["teacher"], strict=True):
            key = (step["seed"][2], sample)
            torch.testing.assert_close(row, first.setdefault(key, row), atol=1e-5, rtol=1e-4)
    assert any("taught by 8 features" in note for note in done.summary["notes"])


def test_the_losss_head_is_trained_and_resumed(tiny, cache, tmp_path):
    whole = msde.run(config(), out=tmp_path / "whole")
    often = config(set_train={"checkpoint_seconds": 0})
    msde.run(often, out=tmp_path / "teachers", listeners=[])
    with pytest.raises(Interrupted):
        msde.run(often, out=tmp_path / "stopped", listeners=[StopAfter(1)])
    assert RunStore(tmp_path / "stopped").fold("00").checkpoint.exists()
    again = resume(tmp_path / "stopped")
    assert (logits(again.directory) == logits(whole.directory)).all()
    heads = [step["head"] for step in tiny.SEEN if step["seed"][2] == "00"]
    assert all(head is not None for head in heads)
    assert set(whole.summary["terms"]) == {"ce", "distance", "presence"}


def test_a_stopped_teacher_goes_on(cache, tmp_path):
    straight = msde.run(config(), out=tmp_path / "straight")
    (cache / "teachers").rename(cache / "others")
    values = config(set_train={"checkpoint_seconds": 0})
    with pytest.raises(Interrupted):
        msde.run(values, out=tmp_path / "run", listeners=[StopAfter(1)])
    assert not RunStore(tmp_path / "run").fold("00").history.exists(), "it was the teacher that was stopped"
    done = resume(tmp_path / "run")
    assert (logits(done.directory) == logits(straight.directory)).all()


def test_a_given_run_teaches(tiny, cache, tmp_path):
    teacher = msde.run(config(loss="ce", train_on="nm"), out=tmp_path / "teacher")
    built = msde.run(config(), out=tmp_path / "built")
    tiny.SEEN.clear()
    given = msde.run(config(teacher=f"run:{teacher.directory}"), out=tmp_path / "given")
    assert (logits(given.directory) == logits(built.directory)).all()
    assert given.summary["teacher"]["source"] == "run teacher"
    assert not any("the teacher" in note for note in given.summary["notes"])
    mixed = msde.run(config(loss="ce", train_on="mix"), out=tmp_path / "mixed")
    told = msde.run(config(teacher=str(mixed.directory)), out=tmp_path / "told").summary["notes"]
    assert "the teacher (run mixed) was trained on mix, the paper's on unmasked images alone" in told
    with pytest.raises(InputError, match=r"has 8 features, --model tiny 4"):
        msde.run(config(teacher=str(teacher.directory), set_model={"width": 4}), out=tmp_path / "narrow")
    with pytest.raises(InputError, match=r"trained on subjects that fold 0\d tests"):
        msde.run(config(teacher=str(teacher.directory), folds=3), out=tmp_path / "other folds")


def test_a_frozen_model_teaches_and_is_not_taught_by_another_run(tiny, cache, tmp_path):
    """A probe as a teacher is shown the images; a probe as a student has only features to show."""
    values = {"loss": "ce", "train_on": "nm"}
    probe = msde.run(config(model="still", **values), out=tmp_path / "probe")
    flat = {"flip": 0, "rotation": 0, "shift": 0, "zoom": 0, "brightness": 0, "contrast": 0, "saturation": 0}
    taught = config(teacher=f"run:{probe.directory}", set_model={"width": 4}, set_train=flat)
    done = msde.run(taught, out=tmp_path / "taught")
    assert done.summary["teacher"]["source"] == "run probe"
    run, step = msde.open_run(probe.directory), tiny.SEEN[0]
    model = run.model(step["seed"][2]).cpu()
    images = torch.tensor(run.images(list(step["ids"]))).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        torch.testing.assert_close(step["teacher"], model(model.input_spec.normalise(images)).logits)
    with pytest.raises(InputError, match=r"--model still learns from stored features.*--teacher auto"):
        msde.run(config(model="still", teacher=f"run:{probe.directory}"), out=tmp_path / "student")
    assert not (tmp_path / "student").exists()


def test_run_without_a_folder_is_no_run(cache, tmp_path, monkeypatch):
    """Not the folder that one stands in, either, though it be a run."""
    done = msde.run(config(loss="ce", train_on="nm"), out=tmp_path / "here")
    monkeypatch.chdir(done.directory)
    with pytest.raises(InputError, match=r"^--teacher run:: which run"):
        msde.run(config(teacher="run:"), out=tmp_path / "taught")


def test_the_released_codes_teacher_of_all_subjects_is_marked(cache, tmp_path):
    done = msde.run(config(set_train={"shared_teacher": True}), out=tmp_path / "run")
    assert done.summary["unsound"] == ["train.shared_teacher = true: the teacher has seen the test subjects"]
    assert any(note.startswith("UNSOUND") for note in done.summary["notes"])
    assert the_teacher(cache).fold("shared").done
    with pytest.raises(InputError, match=r"one teacher for all folds .* cannot start from a run"):
        msde.run(config(set_train={"shared_teacher": True}, weights=f"run:{done.directory}"), out=tmp_path / "again")
    assert not (tmp_path / "again").exists()
