"""A finished run, opened and analysed: everything from its folder, nothing silently different."""

from __future__ import annotations

import json
import shutil
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from installed import install
from PIL import Image

import msde_toolkit as msde
from msde_toolkit.errors import DataError, InputError, PluginError
from msde_toolkit.interfaces import hookimpl
from msde_toolkit.results.analyze import json_ready


def config(**more):
    values = {"model": "tiny", "loss": "watch", "data": "dots", "device": "cpu", "precision": "fp32", "repeats": 2}
    return msde.RunConfig.create(**values | {"set_train": {"image_size": 24, "epochs": 2}, "folds": 2} | more)


@pytest.fixture(scope="module")
def folder(tiny, tmp_path_factory):
    return msde.run(config(set_model={"width": 5}), out=tmp_path_factory.mktemp("open") / "first").directory


@pytest.fixture
def run(folder):
    return msde.open_run(folder)


# Opening


def test_what_a_run_says_of_itself(run, folder):
    assert (run.name, run.title) == ("first", "tiny + watch, dots (synthetic faces)")
    assert run.synthetic
    assert run.identity == "independent"
    assert len(run.classes) == 7
    assert run.image_size == 24
    assert run.summary == json.loads((folder / "summary.json").read_text())
    assert (
        run.manifest.content_hash() == json.loads((folder / "provenance.json").read_text())["data"]["manifest_sha256"]
    )


def test_predictions_are_those_of_all_folds_and_repeats(run):
    table = run.predictions
    assert list(table.columns) == [
        "id", "subject", "pair", "condition", "label", "fold", "repeat", "seed", "logits", "predicted",
    ]  # fmt: skip
    assert table.groupby("repeat")["id"].apply(sorted).tolist() == [sorted(run.manifest.ids)] * 2
    facts = run.manifest.frame.set_index("id").loc[table["id"]]
    for column in ("subject", "pair", "condition", "label"):
        assert table[column].tolist() == facts[column].tolist()


@pytest.mark.parametrize(("fold", "repeat"), [("00", 0), ("01", 0), ("01", 1)])
def test_a_folds_model_gives_the_stored_logits_again(run, fold, repeat):
    rows = run.predictions.query("fold == @fold and repeat == @repeat")
    model = run.model(fold, repeat)
    assert not model.training
    assert model.options.width == 5
    images = torch.from_numpy(run.images(rows["id"])).permute(0, 3, 1, 2).float() / 255
    with torch.no_grad():
        logits = model(model.input_spec.normalise(images.to(run.device))).logits.cpu().numpy()
    assert np.allclose(logits, np.stack(list(rows["logits"])), atol=1e-5)


def test_images_come_in_the_order_asked_for(run):
    ids = [run.manifest.ids[row] for row in (5, 0, 5)]
    images = run.images(ids)
    assert images.shape == (3, 24, 24, 3)
    assert images.dtype == np.uint8
    assert (images[0] == images[2]).all()
    assert (images[0] != images[1]).any()
    assert run.mask_regions(ids) == [None, None, None]
    with pytest.raises(DataError, match="no sample 'nobody'"):
        run.images(["nobody"])


def test_a_dataset_that_moved(tiny, tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "here").mkdir()
    for subject in range(3):
        for label in range(3):
            pixels = rng.integers(0, 256, (24, 24, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "here" / f"s{subject}-{label}.png")
    done = msde.run(config(data="photos", root=tmp_path / "here"), out=tmp_path / "run")
    ids = msde.open_run(done.directory).manifest.ids
    before = msde.open_run(done.directory).images(ids)
    (tmp_path / "here").rename(tmp_path / "there")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (msde.open_run(done.directory, root=tmp_path / "there").images(ids) == before).all()
    Image.new("RGB", (24, 24)).save(tmp_path / "there" / "s0-0.png")
    with pytest.warns(UserWarning, match="run: the images are no longer those of the run"):
        assert (msde.open_run(done.directory, root=tmp_path / "there").images(ids) != before).any()
    with pytest.raises(InputError, match=r"here.*(no such image|nothing there)"):
        msde.open_run(done.directory).images(ids)


def test_another_plugin_of_the_same_name_does_not_step_in(run, folder, tmp_path, monkeypatch):
    groups = {"msde.models": {"tiny": "an_impostor:Impostor"}, "msde.datasets": {"dots": "an_impostor:Dots"}}
    install(tmp_path, "msde-impostor", "1.0", groups, an_impostor="raise ImportError('must not be asked for')")
    monkeypatch.setenv("MSDE_PLUGINS", "msde-tiny,msde-impostor")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    opened = msde.open_run(folder)
    assert opened.model("00").options.width == 5
    assert (opened.images(opened.manifest.ids[:3]) == run.images(run.manifest.ids[:3])).all()
    with pytest.raises(PluginError, match=r"claimed by msde-impostor 1\.0 and msde-tiny 1\.0"):
        msde.create_model("tiny")


def test_a_fold_that_is_not_there(run):
    with pytest.raises(InputError, match=r"07/model\.safetensors: no such file"):
        run.model("07")


@pytest.mark.parametrize(
    ("file", "change", "message"),
    [
        ("config.toml", None, r"not a run \(no config\.toml in it\)\. 'msde runs' lists"),
        ("summary.json", None, r"the run is not finished; go on with: msde run --resume"),
        ("summary.json", "{", "summary.json: damaged JSON"),
        ("summary.json", '{"run": "x"}', "summary.json: has no entry 'model'"),
        ("summary.json", "[]", "summary.json: has no entry 'run'"),
        ("provenance.json", None, "provenance.json: cannot be read"),
        ("provenance.json", "{}", "provenance.json: has no entry 'options'"),
        ("config.toml", "=", "config.toml: damaged TOML"),
    ],
)
def test_what_is_damaged_is_named(folder, tmp_path, file, change, message):
    shutil.copytree(folder, tmp_path / "run")
    (tmp_path / "run" / file).unlink()
    if change is not None:
        (tmp_path / "run" / file).write_text(change)
    with pytest.raises(InputError, match=message):
        msde.open_run(tmp_path / "run")


# Analysing


class Ear:
    def __init__(self):
        self.heard = []

    @hookimpl
    def msde_analysis_finished(self, event):
        self.heard.append(event)


def test_an_analysis_leaves_everything_it_says(folder):
    ear, tracked = Ear(), []

    def track(items, title):
        tracked.append(title)
        return items

    done = msde.analyze("everything", [folder], options={"points": "4"}, seed=9, track=track, listeners=[ear])
    assert done.directory == folder / "analyses" / "everything"
    document = json.loads((done.directory / "result.json").read_text())
    assert document == done.result
    assert document["summary"] == {"n": 3, "nothing": None, "span": [1, 0.5]}
    assert (document["runs"], document["synthetic"], document["seed"]) == (["first"], True, 9)
    assert document["options"] == {"points": 4}
    assert document["plugin"]["distribution"] == "msde-tiny"
    assert {file.name for file in done.files} == {file.name for file in done.directory.iterdir()}
    assert {file.name for file in done.files} == {"rows.csv", "numbers.npz", "line.png", "line.svg", "result.json"}
    rows = pd.read_csv(done.directory / "rows.csv").to_dict("list")
    assert rows == {"run": ["first"], "n": [2 * 84], "pretraining": ["none"]}, (
        "a table of runs says what each started from"
    )
    assert np.load(done.directory / "numbers.npz")["values"].tolist() == [0, 1, 2, 3]
    assert tracked == ["Counting"]
    assert [(event.analysis, event.directory) for event in ear.heard] == [("everything", done.directory)]


def test_runs_of_unequal_pretraining_stand_side_by_side_only_on_request(folder, run, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(folder, other)
    summary = json.loads((other / "summary.json").read_text())
    (other / "summary.json").write_text(json.dumps(summary | {"pretraining": "imagenet", "weights_sha256": "ab"}))
    with pytest.raises(InputError, match=r"differ in pretraining .first: none; first: imagenet") as caught:
        msde.analyze("everything", [run, other], out=tmp_path / "compared")
    assert "--unequal-pretraining" in str(caught.value)
    assert not (tmp_path / "compared").exists()
    done = msde.analyze("everything", [run, other], out=tmp_path / "compared", unequal_pretraining=True)
    assert done.result["pretraining"] == ["none", "imagenet"]


def test_several_runs_need_a_folder_of_their_own(folder, run, tmp_path):
    with pytest.raises(InputError, match="give --out DIR"):
        msde.analyze("everything", [folder, run])
    done = msde.analyze("everything", [str(folder), run], out=tmp_path / "both")
    assert done.result["runs"] == ["first", "first"]
    assert (tmp_path / "both" / "result.json").exists()


def test_wrong_options_and_names_are_said_before_anything_is_written(folder, tmp_path):
    with pytest.raises(InputError, match=r"^analysis\.point: unknown option\. Did you mean analysis\.points"):
        msde.analyze("everything", [folder], options={"point": 3}, out=tmp_path / "out")
    with pytest.raises(InputError, match=r"^analysis\.points = 0: "):
        msde.analyze("everything", [folder], options={"points": 0}, out=tmp_path / "out")
    with pytest.raises(PluginError, match="Did you mean everything"):
        msde.analyze("everythin", [folder], out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="file cannot be written to"):
        msde.analyze("everything", [folder], out=tmp_path / "file")


def test_json_ready():
    given = {"a": np.float32(0.5), 1: (np.int64(2), np.nan), "b": np.array([[True]]), "c": {"d": float("inf")}}
    assert json_ready(given) == {"a": 0.5, "1": [2, None], "b": [[True]], "c": {"d": None}}
    json.dumps(json_ready(given), allow_nan=False)
