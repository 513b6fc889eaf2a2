"""Where a run's numbers come from, told without telling whose machine it was."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version

import pytest

import msde_toolkit as msde
from msde_toolkit.engine.run import resume
from msde_toolkit.types import load_manifest


def config(**more):
    values = {"model": "tiny", "loss": "watch", "data": "dots", "precision": "bf16", "device": "cpu", "folds": 2}
    return msde.RunConfig.create(**values | {"set_train": {"image_size": 20, "epochs": 1}} | more)


@pytest.fixture(scope="module")
def done(tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("provenance")
    first = msde.run(config(), out=folder / "first")
    start = folder / "start.safetensors"
    (first.directory / "folds/00/model.safetensors").rename(start)
    command = ["msde", "run", "--root", str(folder), f"--weights={start}", "--set", f"data.x={folder}/a.csv", "a/b"]
    return msde.run(config(weights=str(start), seed=5, repeats=2), out=folder / "second", command=command), start


def facts(done):
    return json.loads((done[0].directory / "provenance.json").read_text())


def test_no_folder_of_the_machine_is_named(done, tmp_path_factory):
    text = json.dumps(facts(done))
    assert str(tmp_path_factory.getbasetemp()) not in text
    command = facts(done)["command"]
    assert command == [
        "msde", "run", "--root", done[1].parent.name, "--weights=start.safetensors", "--set", "data.x=a.csv", "b",
    ]  # fmt: skip
    assert done[0].summary["pretraining"] == "start.safetensors"


def test_everything_that_decides_the_numbers_is_there(done):
    told = facts(done)
    assert told["versions"]["torch"] == version("torch")
    assert told["plugins"]["model"] == {
        "name": "tiny",
        "distribution": "msde-tiny",
        "version": "1.0",
        "target": "tiny_plugins_for_tests:Tiny",
    }
    assert set(told["plugins"]) == {"model", "loss", "data"}
    assert told["precision"] == {"used": "bf16", "reason": "as asked"}
    assert told["seeds"] == {"seed": 5, "repeats": 2}
    assert told["train_on"] == "mix"
    assert told["options"]["model"] == {"width": 8, "dropout": 0.0, "tied": False}
    assert told["options"]["train"]["image_size"] == 20
    assert told["weights_sha256"] == hashlib.sha256(done[1].read_bytes()).hexdigest()


def test_hashes_are_of_what_is_stored(done):
    manifest = load_manifest(done[0].directory / "manifest.parquet")
    data = facts(done)["data"]
    assert data["manifest_sha256"] == manifest.content_hash()
    assert data["samples"] == len(manifest) == 84
    images = msde.open_run(done[0].directory).images(manifest.ids)
    assert data["pixels_sha256"] == hashlib.sha256(images.tobytes()).hexdigest()


def test_a_precision_once_chosen_stays(tiny, tmp_path):
    folder = tmp_path / "run"
    msde.run(config(precision="auto"), out=folder)
    told = json.loads((folder / "provenance.json").read_text())
    assert "probe" in told["precision"]["reason"]
    (folder / "folds/01/predictions.parquet").unlink()
    before = (folder / "provenance.json").read_bytes()
    resume(folder)
    assert (folder / "provenance.json").read_bytes() == before
