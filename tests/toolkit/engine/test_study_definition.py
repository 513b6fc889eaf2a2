"""``study.toml``: what may stand in it, and errors that name file and key."""

from __future__ import annotations

from pathlib import Path

import pytest

from msde_toolkit.engine.study.definition import Study, load_study
from msde_toolkit.errors import InputError

TEXT = """
name = "masks"
folds = 3
set_train = { epochs = 4, batch_size = 16 }

[data]
name = "fer2013"
root = "~/fer2013.csv"
mask = "surgical"

[[method]]
name = "ce"
model = "resnet18"
loss = "ce"

[[method]]
name = "cl"
model = "scan"
loss = "cl"
set_loss = { mse_weight = 0.3 }
set_train = { epochs = 8 }

[[target]]
name = "twin"
data = "synthetic"

[primary]
baseline = "ce"
conditions = ["m"]
"""


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(TEXT)
    return path


def test_a_file_becomes_configurations_of_runs(file):
    study = load_study(file)
    config = study.config("cl", 3)
    assert (config.model, config.loss, config.mask, config.folds) == ("scan", "cl", "surgical", 3)
    assert config.root == Path("~/fer2013.csv").expanduser()
    assert config.set_train == {"epochs": 8, "batch_size": 16}
    assert study.config("ce", None).set_train == {"epochs": 4, "batch_size": 16}
    assert study.family == ("cl",)


def test_it_is_written_as_it_was_read(file, tmp_path):
    study = load_study(file)
    (tmp_path / "again.toml").write_text(study.to_toml())
    assert load_study(tmp_path / "again.toml") == study


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "masks"', "", "study.toml: name: is required and was not given."),
        ('name = "masks"', 'name = "../x"', "name: a name of letters and digits"),
        ('name = "ce"', 'name = "a--b"', "method 1 .*: name: a name of letters and digits"),
        ('name = "ce"', 'name = "CL"', "two methods are called 'cl'"),
        ('loss = "cl"', "", r"method 2 \(cl\): loss: is required"),
        ('loss = "cl"', 'los = "cl"', r"method 2 \(cl\): "),
        (
            'loss = "ce"',
            'loss = "ce"\ntrainon = "m"',
            "trainon: unknown key. Did you mean train_on",
        ),
        ('data = "synthetic"', 'data = "synthetic"\nmasks = "x"', r"target 1 \(twin\): masks: unknown key"),
        ('loss = "ce"', 'loss = "ce"\ntrain_on = "x"', "train_on: expected 'nm', 'm', 'mix' or 'pairs'"),
        ("folds = 3", "folds = [1]", "folds: "),
        ("folds = 3", "fold = 3", "fold: unknown key. Did you mean folds"),
        ("folds = 3", "repeats = 0", "repeats: expected greater than or equal to 1"),
        ('baseline = "ce"', 'baseline = "kd"', "primary: no method is called 'kd'"),
        ('baseline = "ce"', 'baseline = "ce"\nmethods = ["ce"]', "primary: needs methods other than the baseline"),
        ('baseline = "ce"', 'baseline = "ce"\nmargin = 5', "primary: margin: expected less than 1"),
        ('conditions = ["m"]', 'conditions = ["x"]', "primary: conditions"),
        ("folds = 3", "folds = ", "damaged TOML"),
        ('mask = "surgical"', 'sha256 = "abc"', "data: sha256: "),
    ],
)
def test_errors_name_the_file_and_the_key(file, old, new, message):
    file.write_text(TEXT.replace(old, new, 1))
    with pytest.raises(InputError, match=message) as caught:
        load_study(file)
    assert "study.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none.toml: cannot be read"):
        load_study(tmp_path / "none.toml")


def test_the_library_gives_the_same_errors():
    with pytest.raises(InputError, match=r"study: method: .*at least 1"):
        Study.create(name="x", data={"name": "synthetic"}, method=[])
