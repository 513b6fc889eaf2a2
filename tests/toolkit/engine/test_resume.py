"""Going on with a stopped run: the same numbers, or a refusal that says what is different now."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from stop_after import StopAfter

import msde_toolkit as msde
from msde_toolkit.engine.run import resume
from msde_toolkit.errors import InputError, Interrupted
from msde_toolkit.interfaces import hookimpl

TRAIN = {"epochs": 4, "image_size": 20, "checkpoint_seconds": 0}


def config(**more):
    values = {"model": "tiny", "loss": "watch", "data": "dots", "folds": 2, "precision": "fp32", "device": "cpu"}
    return msde.RunConfig.create(**{**values, **more, "set_train": TRAIN | more.get("set_train", {})})


class Diary:
    """Notes what it hears."""

    def __init__(self):
        self.heard = []

    def _note(self, event):
        self.heard.append(event)

    @hookimpl
    def msde_run_started(self, event):
        self._note(event)

    @hookimpl
    def msde_fold_started(self, event):
        self._note(event)

    @hookimpl
    def msde_epoch_ended(self, event):
        self._note(event)

    @hookimpl
    def msde_fold_ended(self, event):
        self._note(event)

    @hookimpl
    def msde_run_finished(self, event):
        self._note(event)

    @hookimpl
    def msde_run_failed(self, event):
        self._note(event)

    def names(self):
        return [type(event).__name__ for event in self.heard]


def stopped(folder, epochs, **values):
    with pytest.raises(Interrupted, match=f"msde run --resume {folder}"):
        msde.run(config(**values), out=folder, listeners=[StopAfter(epochs)])
    return folder


def predictions(folder):
    return [pd.read_parquet(file) for file in sorted(folder.rglob("predictions.parquet"))]


def same_bits(one, other):
    ours, theirs = predictions(one), predictions(other)
    assert len(ours) == len(theirs) > 0
    for left, right in zip(ours, theirs, strict=True):
        assert left["id"].tolist() == right["id"].tolist()
        assert (np.stack(list(left["logits"])) == np.stack(list(right["logits"]))).all()


@pytest.mark.parametrize(
    ("epochs", "values"),
    [
        (1, {"set_model": {"dropout": 0.5}}),
        (5, {"set_model": {"dropout": 0.5}, "set_train": {"optimizer": "sgd"}}),
        (3, {"select": "inner", "seed": 3, "set_train": {"schedule": "steps", "milestones": [2]}}),
        (6, {"repeats": 2, "folds": None, "set_data": {"split": "subjects"}}),
        (2, {"loss": "watch-pairs", "set_train": {"checkpoint_seconds": 1000}}),
    ],
    ids=["dropout", "second fold", "inner", "second repeat", "no checkpoint"],
)
def test_a_stopped_run_ends_in_the_same_bits(tiny, tmp_path, epochs, values):
    whole = msde.run(config(**values), out=tmp_path / "whole")
    folder = stopped(tmp_path / "stopped", epochs, **values)
    assert not (folder / "summary.json").exists()
    again = resume(folder)
    same_bits(folder, tmp_path / "whole")
    assert again.summary["metrics"] == whole.summary["metrics"]
    ours, theirs = (
        [json.loads(line) | {"seconds": 0} for line in (path / "folds/00/history.jsonl").read_text().splitlines()]
        for path in (folder, tmp_path / "whole")
    )
    assert ours == theirs


def test_what_torch_draws_is_decided_by_seed_repeat_fold_and_epoch(tiny, tmp_path):
    def draws(name, **values):
        tiny.SEEN.clear()
        msde.run(config(repeats=2, set_train={"batch_size": 1000}, **values), out=tmp_path / name)
        return {(step["seed"][1], step["seed"][2], step["epoch"]): step["draw"] for step in tiny.SEEN}

    once = draws("once")
    assert len(once) == len(set(once.values())) == 2 * 2 * 4
    assert draws("again") == once
    assert not set(once.values()) & set(draws("other", seed=1).values())


def test_a_run_killed_between_history_and_checkpoint(tiny, tmp_path):
    msde.run(config(), out=tmp_path / "whole")
    folder = stopped(tmp_path / "run", 2)
    with (folder / "folds/00/history.jsonl").open("a") as file:
        file.write(json.dumps({"epoch": 2, "seconds": 0.1}) + "\n")
    resume(folder)
    ours, theirs = (
        [json.loads(line)["loss"] for line in (path / "folds/00/history.jsonl").read_text().splitlines()]
        for path in (folder, tmp_path / "whole")
    )
    assert ours == theirs
    same_bits(folder, tmp_path / "whole")


def test_a_stopped_run_goes_on_and_does_not_begin_again(tiny, tmp_path):
    folder = stopped(tmp_path / "run", 6)
    tiny.SEEN.clear()
    diary = Diary()
    resume(folder, listeners=[diary])
    assert {(step["seed"][2], step["epoch"]) for step in tiny.SEEN} == {("01", 2), ("01", 3)}
    assert diary.heard[0].resumed
    assert diary.names() == [
        "RunStarted", "FoldStarted", "FoldEnded", "FoldStarted", "EpochEnded", "EpochEnded", "FoldEnded", "RunFinished",
    ]  # fmt: skip


def test_what_listeners_hear_of_a_run(tiny, tmp_path):
    diary = Diary()
    done = msde.run(config(set_train={"epochs": 1}), out=tmp_path / "run", listeners=[diary])
    assert diary.names() == ["RunStarted", *(["FoldStarted", "EpochEnded", "FoldEnded"] * 2), "RunFinished"]
    started, fold, epoch, ended = diary.heard[:4]
    assert (started.run, started.folds, started.repeats, started.epochs, started.resumed) == ("run", 2, 1, 1, False)
    assert (fold.fold, fold.repeat) == ("00", 0)
    assert fold.train_samples + fold.test_samples == 6 * 7 * 2
    assert (epoch.epoch, epoch.epochs) == (0, 1)
    assert epoch.images_per_second == pytest.approx(fold.train_samples / epoch.seconds)
    table = pd.read_parquet(done.directory / "folds/00/predictions.parquet")
    for condition, rows in table.groupby("condition"):
        right = rows["logits"].map(np.argmax) == rows["label"]
        assert ended.accuracy[condition] == pytest.approx(right.mean())
    assert diary.heard[-1].summary == done.summary


def test_listeners_hear_why_a_run_stopped(tiny, tmp_path):
    diary = Diary()
    with pytest.raises(Interrupted):
        msde.run(config(), out=tmp_path / "run", listeners=[StopAfter(1), diary])
    assert diary.names()[-1] == "RunFailed"
    assert "--resume" in diary.heard[-1].reason


@pytest.mark.parametrize("damage", ["cut", "gone", "model gone"])
def test_a_finished_fold_whose_file_is_damaged_is_trained_again(tiny, tmp_path, damage):
    msde.run(config(), out=tmp_path / "whole")
    shutil.copytree(tmp_path / "whole", tmp_path / "run")
    files = tmp_path / "run" / "folds" / "01"
    if damage == "cut":
        (files / "predictions.parquet").write_bytes((files / "predictions.parquet").read_bytes()[:200])
    else:
        (files / {"gone": "predictions.parquet", "model gone": "model.safetensors"}[damage]).unlink()
    resume(tmp_path / "run")
    same_bits(tmp_path / "run", tmp_path / "whole")
    assert (files / "model.safetensors").exists()


def test_seconds_add_up_over_sessions(tiny, tmp_path):
    folder = stopped(tmp_path / "run", 3)
    first = sum(json.loads(line)["seconds"] for line in (folder / "folds/00/history.jsonl").read_text().splitlines())
    (folder / "folds/00/history.jsonl").write_text(
        "".join(
            json.dumps(json.loads(line) | {"seconds": 100.0}) + "\n"
            for line in (folder / "folds/00/history.jsonl").read_text().splitlines()
        )
    )
    assert first < 100
    again = resume(folder)
    assert 300 <= again.summary["seconds"] < 400
    assert resume(folder).summary["seconds"] >= 300, "printing a finished run again does not forget its time"


# Refusals


def change(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("config.toml", "epochs = 4", "epochs = 5", "the options of this version are not those"),
        ("config.toml", "seed = 0", "seed = 1", "the folds are not those"),
        ("config.toml", 'model = "tiny"', 'model = "tinny"', "Did you mean tiny"),
        ("config.toml", "epochs = 4", "epochs =", "damaged TOML"),
        ("folds.json", '"s1"', '"s0"', "the folds are not those"),
        ("folds.json", '"folds"', '"foldz"', "damaged"),
        ("provenance.json", '"precision"', '"decision"', "damaged"),
        ("provenance.json", '"manifest_sha256": "', '"manifest_sha256": "0', "dots is not the data"),
        ("provenance.json", "{", "[", "damaged JSON"),
    ],
)
def test_a_run_goes_on_only_with_what_it_started_with(tiny, stopped_run, tmp_path, file, old, new, message):
    shutil.copytree(stopped_run, tmp_path / "run")
    change(tmp_path / "run" / file, old, new)
    with pytest.raises(InputError, match=message):
        resume(tmp_path / "run")


@pytest.fixture(scope="module")
def stopped_run(tiny, tmp_path_factory):
    return stopped(tmp_path_factory.mktemp("stopped") / "run", 1)


def test_what_is_not_a_run(tmp_path):
    with pytest.raises(InputError, match=r"^--resume .*: not a run \(no config\.toml in it\)\.$"):
        resume(tmp_path)


def photos(folder, seed=0):
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(seed)
    for subject in range(3):
        for label in range(4):
            pixels = rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"s{subject}-{label}.png")
    return folder


def test_photos_that_were_edited_are_other_data(tiny, tmp_path):
    root = photos(tmp_path / "photos")
    folder = stopped(tmp_path / "run", 1, data="photos", root=root)
    photos(root, seed=1)
    with pytest.raises(InputError, match="photos is not the data this run started with"):
        resume(folder)
    photos(root)
    assert resume(folder).summary["dataset"] == "photos", "the same pixels again, whatever the files' time"


def test_starting_weights_that_were_replaced_are_not_the_same(tiny, tmp_path):
    first = msde.run(config(set_train={"epochs": 1}), out=tmp_path / "first")
    weights = tmp_path / "start.safetensors"
    shutil.copy(first.directory / "folds/00/model.safetensors", weights)
    folder = stopped(tmp_path / "run", 1, weights=str(weights))
    shutil.copy(first.directory / "folds/01/model.safetensors", weights)
    with pytest.raises(InputError, match=r"start\.safetensors are not those this run started with"):
        resume(folder)
