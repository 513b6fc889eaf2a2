"""A run's models on other data, and predictions of outside scripts: runs that everything else accepts."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import msde_toolkit as msde
from msde_toolkit.engine.evaluate import Target, evaluate
from msde_toolkit.engine.outside_predictions import evaluate_predictions
from msde_toolkit.engine.run import resume
from msde_toolkit.errors import DataError, InputError
from msde_toolkit.results.run_store import find_runs

TRAIN = {"epochs": 1, "image_size": 20, "schedule": "constant", "lr_backbone": 0.02, "lr_head": 0.02}


@pytest.fixture(scope="module")
def source(tiny, tmp_path_factory):
    config = msde.RunConfig.create(
        model="tiny", loss="ce", data="dots", folds=2, repeats=2, device="cpu", precision="fp32", set_train=TRAIN
    )
    return msde.run(config, out=tmp_path_factory.mktemp("source") / "source").directory


@pytest.fixture
def photos(tmp_path):
    """Another dataset: seven photos of two people."""
    from PIL import Image

    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(14):
        pixels = rng.integers(0, 255, (24, 24, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"p{number % 2}-{number % 7}.png")
    return folder


def test_every_model_predicts_all_of_another_set(source, photos, tmp_path):
    done = evaluate(source, Target("photos", photos), out=tmp_path / "out")
    table = msde.open_run(done.directory).predictions
    assert table.groupby(["fold", "repeat"]).size().to_dict() == {
        (fold, repeat): 14 for fold in ("00", "01") for repeat in (0, 1)
    }
    assert (done.summary["dataset"], done.summary["evaluates"]["dataset"]) == ("photos", "dots")
    assert done.summary["metrics"]["nm"]["n"] == 14
    assert done.summary["identity"] == "independent"
    assert any("trained on dots (synthetic faces)" in note for note in done.summary["notes"])
    assert any("each sample is predicted by 4 models" in note for note in done.summary["notes"])
    assert not done.summary["synthetic"]


def test_the_stored_models_give_the_stored_predictions(source, photos, tmp_path):
    import torch

    done = evaluate(source, Target("photos", photos), out=tmp_path / "out")
    run = msde.open_run(done.directory)
    table = run.predictions.query("fold == '01' and repeat == 1")
    model = run.model("01", 1)
    images = torch.tensor(run.images(list(table["id"]))).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        logits = model(model.input_spec.normalise(images)).logits.numpy()
    np.testing.assert_allclose(logits, np.stack(list(table["logits"])), atol=1e-5)
    msde.analyze("confusion", [run], out=tmp_path / "analysis")


def test_on_its_own_data_nobody_is_tested_by_a_model_that_saw_them(source, tmp_path):
    done = evaluate(source, Target("dots", set_data={"subjects": 6}), out=tmp_path / "out")
    before, after = (msde.open_run(path).predictions for path in (source, done.directory))
    key = ["fold", "repeat", "id"]
    both = before.merge(after, on=key, suffixes=("", "_again"))
    assert len(both) == len(before) == len(after)
    assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(both["logits"], both["logits_again"], strict=True))


def test_new_people_of_the_same_set_are_tested_by_all(source, tmp_path):
    done = evaluate(source, Target("dots", set_data={"subjects": 7}), out=tmp_path / "out")
    table = msde.open_run(done.directory).predictions
    folds = table.query("repeat == 0").groupby("subject")["fold"].nunique()
    assert folds["s6"] == 2
    assert (folds.drop("s6") == 1).all()


def test_it_is_listed_and_not_resumed(source, photos, tmp_path):
    done = evaluate(source, Target("photos", photos), out=tmp_path / "runs" / "out")
    assert find_runs(tmp_path / "runs") == [done.directory]
    with pytest.raises(InputError, match="this is an evaluation; nothing is trained in it"):
        resume(done.directory)
    provenance = json.loads((done.directory / "provenance.json").read_text())
    assert provenance["evaluates"] == {"run": "source", "dataset": "dots"}
    assert provenance["plugins"]["data"]["name"] == "photos"


def test_nothing_is_left_of_what_failed(source, photos, tmp_path):
    with pytest.raises(InputError, match="unknown option"):
        evaluate(source, Target("photos", photos, set_data={"x": 1}), out=tmp_path / "out")
    (source / "folds/01/model.safetensors").rename(tmp_path / "model")
    try:
        with pytest.raises(InputError):
            evaluate(source, Target("photos", photos), out=tmp_path / "out")
    finally:
        (tmp_path / "model").rename(source / "folds/01/model.safetensors")
    assert not (tmp_path / "out").exists()


# Outside predictions


def answers(source, **more):
    """What a script would write that is right about every second sample."""
    frame = msde.open_run(source).manifest.frame
    classes = msde.open_run(source).classes
    predicted = [classes[(label + row % 2) % 7] for row, label in enumerate(frame["label"])]
    return pd.DataFrame({"id": frame["id"], "predicted": predicted, **more})


def scored(table, tmp_path, **more):
    table.to_csv(tmp_path / "answers.csv", index=False)
    target = Target("dots", set_data={"subjects": 6})
    return evaluate_predictions(tmp_path / "answers.csv", target, out=tmp_path / "scored", **more)


def test_named_classes_become_a_run(source, tmp_path):
    done = scored(answers(source), tmp_path, name="an API")
    assert done.summary["metrics"]["average"]["accuracy"]["pooled"] == pytest.approx(0.5, abs=0.01)
    assert (done.summary["model"], done.summary["identity"]) == ("an API", "unknown")
    assert any("calibration" in note for note in done.summary["notes"])
    run = msde.open_run(done.directory)
    msde.analyze("confusion", [run], out=tmp_path / "analysis")
    with pytest.raises(InputError, match="no model to look into"):
        run.model("00")


def test_probabilities_folds_and_seeds_are_kept(source, tmp_path):
    table = answers(source).drop(columns="predicted")
    rng = np.random.default_rng(0)
    shares = rng.random((len(table), 7)) * 3
    for index, name in enumerate(msde.open_run(source).classes):
        table[name.upper()] = shares[:, index]
    table["fold"] = [f"{row % 2:02d}" for row in range(len(table))]
    both = pd.concat([table.assign(seed=1), table.assign(seed=2)])
    done = scored(both, tmp_path)
    stored = msde.open_run(done.directory).predictions
    assert sorted(stored["repeat"].unique()) == [0, 1]
    assert sorted(stored["fold"].unique()) == ["00", "01"]
    row = stored.query("id == @table.id.iloc[3] and repeat == 1").iloc[0]
    np.testing.assert_allclose(np.exp(row["logits"]), shares[3] / shares[3].sum(), rtol=1e-5)


def test_what_does_not_match_is_listed(source, tmp_path):
    table = answers(source).iloc[5:]
    table.iloc[0, 0] = "stranger"
    done = scored(table, tmp_path)
    listed = pd.read_csv(done.directory / "unmatched.csv")
    assert listed.groupby("reason").size().to_dict() == {"no prediction": 6, "not of this dataset": 1}
    assert sum("unmatched.csv" in note for note in done.summary["notes"]) == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.rename(columns={"id": "sample"}), "has no column id"),
        (lambda table: table.rename(columns={"predicted": "answer"}), "needs a column of probabilities for each of"),
        (lambda table: table.assign(id="x" + table["id"]), "not one of its 84 ids is of dots"),
        (lambda table: table.assign(predicted="glad"), "row 1 of 84 names no class"),
        (lambda table: pd.concat([table, table.iloc[:1]]), "row 85: 's0-0-nm' is predicted a second time"),
        (lambda table: table.iloc[:0], "holds no rows"),
        (lambda table: table.assign(fold="../x"), "is not letters and digits"),
    ],
)
def test_a_file_that_is_wrong(source, tmp_path, change, message):
    with pytest.raises((InputError, DataError), match=message) as caught:
        scored(change(answers(source)), tmp_path)
    assert str(caught.value).count("\n") == 0
    assert not (tmp_path / "scored").exists()
