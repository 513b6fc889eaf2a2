"""``msde export`` as its user types it: what comes out says the same as the run, and what must be known of it."""

import json
import sys

import numpy as np
import pytest
import torch
from safetensors import safe_open

from msde_toolkit import create_model, open_run


def test_weights_come_back_as_the_folds_model_with_their_provenance(msde, finished, tmp_path):
    done = msde("export", finished[0], "--format", "safetensors", "--fold", "all", "--out", "models", "--json")
    assert done.code == 0, done.err
    run, document = open_run(finished[0]), json.loads(done.out)
    assert [entry["fold"] for entry in document["files"]] == list(run.summary["folds"])
    for entry in document["files"]:
        again = create_model("scan", options=run.model_options, weights=tmp_path / entry["file"]).state_dict()
        own = run.model(entry["fold"]).state_dict()
        assert all(torch.equal(again[key], own[key].cpu()) for key in own)
        with safe_open(tmp_path / entry["file"], "pt") as stream:
            facts = stream.metadata()
        assert json.loads(facts["classes"]) == list(run.classes)
        assert (facts["model"], json.loads(facts["synthetic"]), facts["fold"]) == ("scan", True, entry["fold"])
        assert json.loads(facts["image_size"]) == run.image_size
        assert json.loads(facts["metrics"])["m"]["ci95"] == run.summary["metrics"]["m"]["accuracy"]["ci95"]
        assert "drawings" in facts["warning"]
        assert str(finished[0].parent) not in json.dumps(facts), "no place of this machine"
    looked = msde("weights", "inspect", document["files"][0]["file"], "--json")
    assert looked.code == 0, looked.err


def test_a_network_gives_what_torch_gives_and_takes_any_batch(msde, finished, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    done = msde("export", finished[0], "--format", "onnx", "--out", "net.onnx")
    assert done.code == 0, done.err
    assert "held-out images" in done.out
    assert "drawings" in done.err
    run = open_run(finished[0])
    session = onnxruntime.InferenceSession("net.onnx", providers=["CPUExecutionProvider"])
    facts = session.get_modelmeta().custom_metadata_map
    assert json.loads(facts["synthetic"]) is True
    assert json.loads(facts["classes"]) == list(run.classes)
    images = (run.images(list(run.manifest.ids[:5])).transpose(0, 3, 1, 2) / 255).astype(np.float32)
    model = run.model(run.summary["folds"][0]).cpu()
    with torch.no_grad():
        expected = model(model.input_spec.normalise(torch.tensor(images))).logits.numpy()
    logits, shares = session.run(["logits", "probabilities"], {"images": images})
    np.testing.assert_allclose(logits, expected, atol=1e-4)
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, atol=1e-5)
    assert b"site-packages" not in (tmp_path / "net.onnx").read_bytes()
    again = msde("export", finished[0], "--format", "onnx", "--out", "net.onnx")
    assert (again.code, "is not overwritten" in again.err) == (2, True)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--format", "tflite"], "choose onnx or safetensors"),
        (["--format", "safetensors", "--fold", "77"], "--fold 77"),
        (["--format", "safetensors", "--repeat", "4"], "--repeat 4"),
        (["--format", "safetensors", "--fold", "all", "--out", "x.safetensors"], "give a folder"),
    ],
)
def test_wrong_words_end_with_two(msde, finished, words, message):
    done = msde("export", finished[0], *words)
    assert done.code == 2
    assert message in done.err


def test_without_onnx_the_extra_is_named(msde, finished, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    done = msde("export", finished[0], "--format", "onnx")
    assert done.code == 2
    assert "pip install 'msde-toolkit[onnx]'" in done.err
