"""What is decided and refused before a run writes anything."""

from __future__ import annotations

import pytest

import msde_toolkit as msde
from msde_toolkit.engine.prepare import prepare, training_rows
from msde_toolkit.errors import InputError


def config(**more):
    values = {"model": "tiny", "loss": "watch", "data": "dots", "precision": "fp32", "device": "cpu"}
    return msde.RunConfig.create(**{**values, **more, "set_train": {"image_size": 20} | more.get("set_train", {})})


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, "mix"),
        ({"loss": "watch-pairs"}, "pairs"),
        ({"set_data": {"conditions": '["nm"]'}}, "nm"),
        ({"set_data": {"conditions": '["m"]'}}, "m"),
        ({"set_data": {"conditions": '["scarf"]'}, "train_on": "mix"}, "scarf"),
        ({"train_on": "m"}, "m"),
        ({"train_on": "pairs"}, "pairs"),
    ],
)
def test_what_is_trained_on(tiny, values, expected):
    prepared = prepare(config(**values))
    assert prepared.train_on == expected
    fold = prepared.folds.folds[0]
    rows = training_rows(prepared.manifest, fold, expected)
    assert set(rows.ravel()) <= set(fold.train)
    chosen = prepared.manifest.take(rows.ravel())
    assert rows.ndim == (2 if expected == "pairs" else 1)
    if expected in {"nm", "m"}:
        assert chosen.conditions == (expected,)
        assert len(rows) == (prepared.manifest.frame["condition"].iloc[fold.train] == expected).sum()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"loss": "watch-pairs", "train_on": "mix"},
            r"^--loss watch-pairs needs pairs: .*not mix",
        ),
        ({"teacher": "run:there"}, r"^--teacher run:there: --loss watch has no teacher; leave --teacher out"),
        ({"loss": "taught", "teacher": "run:there"}, r"^--teacher run:there: there: not a run"),
        ({"weights": "run:there"}, r"^--weights run:there: there: not a run"),
        ({"set_train": {"shared_teacher": True}}, r"^train\.shared_teacher: --loss watch has no teacher; leave it out"),
        ({"loss": "no-maps"}, r"^--model tiny --loss no-maps: this loss needs maps"),
        ({"loss": "broken"}, r"^--model tiny --loss broken do not work together: ZeroDivisionError: integer division"),
        ({"set_train": {"released_folds": True}, "folds": 7}, r"^--folds 7: needs 2 folds or more, and at most 6"),
        ({"set_train": {"released_folds": True}, "set_data": {"known": False}}, "dots does not know its subjects"),
        ({"loss": "watch-pairs", "set_data": {"conditions": '["nm"]'}}, r"dots has no pairs .*conditions: nm.*--mask"),
        ({"train_on": "m", "set_data": {"conditions": '["nm"]'}}, r"no images of condition 'm' .*conditions: nm"),
        ({"model": "tinny"}, "Did you mean tiny"),
        ({"set_model": {"widht": 3}}, r"^model\.widht: unknown option\. Did you mean model\.width"),
        ({"set_data": {"subject": 3}}, r"^data\.subject: unknown option\. Did you mean data\.subjects"),
        ({"set_loss": {"x": 3}}, r"^loss\.x: unknown option\. There are no options"),
        ({"set_train": {"epoch": 3}}, r"^train\.epoch: unknown option\. Did you mean train\.epochs"),
        ({"set_train": {"batch_size": 1}}, r"^train\.batch_size = 1: "),
        ({"model": "resnet18"}, r"^train\.image_size = 20: resnet18 needs at least 32 pixels"),
        ({"set_data": {"split": "subjects"}, "folds": 2}, "own train/test split; leave --folds out"),
        ({"folds": 7}, "there are only 6 subjects"),
        ({"device": "tpu"}, r"^--device tpu: unknown device\. Devices: auto, cpu"),
        ({"weights": "none.pth"}, r"^none\.pth: no such file"),
        ({"set_data": {"subjects": 0}}, "dots: there is not a single sample"),
    ],
)
def test_what_is_wrong_is_one_or_two_lines(tiny, tmp_path, values, message):
    with pytest.raises(InputError, match=message) as caught:
        msde.run(config(**values), out=tmp_path / "run")
    assert str(caught.value).count("\n") <= 1
    assert not (tmp_path / "run").exists(), "nothing is left behind"


def test_options_come_from_the_user_else_the_preset_else_the_plugin(tiny):
    def subjects(**values):
        return prepare(config(**values)).manifest.frame["subject"].nunique()

    assert subjects(preset="quick") == 6, "the preset of the dataset"
    assert subjects(preset="paper", folds=2) == 8, "its default"
    assert subjects(preset="quick", set_data={"subjects": 5}) == 5
    assert prepare(config(preset="paper", folds=2)).train.optimizer == "adam"
    assert prepare(config(preset="quick")).train.optimizer == "adamw"
    assert prepare(config(preset="quick", set_train={"optimizer": "sgd"})).train.optimizer == "sgd"
    assert len(prepare(config(preset="quick")).folds.folds) == 2


def test_epochs_that_the_user_names_are_not_cut_by_the_preset(tiny):
    assert prepare(config(set_train={"epochs": 100_000})).train.epochs == 100_000
    assert prepare(config(set_train={"epochs": "100000"})).train.epochs == 100_000
    assert prepare(config(set_train={"epochs": 20, "image_budget": 1})).train.epochs == 6, "a budget they named counts"
    images = 2 * 6 * 7 * 2 // 2
    assert prepare(config(set_train={"image_budget": 10 * images})).train.epochs == 10


def test_the_notes_say_what_a_preset_changed(tiny):
    (note,) = prepare(config(set_train={"epochs": 3})).notes
    for part in ("preset quick", "not for citation", "3 epochs (paper 25)", "20 px (paper 224)", "2 folds (paper 10)"):
        assert part in note
    assert "subjects 6" in note
    assert prepare(config(preset="paper", folds=2)).notes == ()


@pytest.mark.parametrize(
    ("data", "identity", "note"),
    [
        ({}, "independent", None),
        ({"known": False}, "unknown", "subjects are unknown"),
        ({"split": "subjects"}, "independent", None),
        ({"split": "labels"}, "unknown", "6 subjects are on both sides of the dataset's own split"),
    ],
)
def test_only_what_is_known_to_be_independent_is_called_so(tiny, tmp_path, data, identity, note):
    done = msde.run(config(set_data=data, set_train={"epochs": 1}), out=tmp_path / "run")
    assert done.summary["identity"] == msde.open_run(done.directory).identity == identity
    told = [text for text in done.summary["notes"] if "subjects are" in text]
    assert told == [] if note is None else note in told[0]
    assert done.summary["interval_unit"] == ("sample" if data.get("known") is False else "subject")


def test_the_folder_of_a_run_is_new_or_empty(tiny, tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "other").write_text("x")
    for name in ("file", "full"):
        with pytest.raises(InputError, match=rf"^--out .*{name}: is there already and not an empty folder\.$"):
            msde.run(config(), out=tmp_path / name)
    with pytest.raises(InputError, match="cannot be written to"):
        msde.run(config(), out=tmp_path / "file" / "below")
    (tmp_path / "empty").mkdir()
    done = msde.run(config(set_train={"epochs": 1}), out=tmp_path / "empty")
    with pytest.raises(InputError, match=r"To go on with the run in it: --resume .*empty"):
        msde.run(config(), out=done.directory)


def test_runs_get_names_of_their_own(tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first, second = (msde.run(config(set_train={"epochs": 1})) for _ in range(2))
    assert first.directory != second.directory
    assert first.directory.parent.name == "runs"
    assert "tiny-watch-dots" in first.directory.name
    assert first.summary["run"] == first.directory.name
