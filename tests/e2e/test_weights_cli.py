"""``msde weights``: what a file holds, what it would fill, the same file as safetensors, published ones by name."""

import hashlib
import json
import pickle
from pathlib import Path

import pytest
import torch
from torchvision.models import resnet18

from msde_toolkit import create_model
from msde_toolkit.weights import load_from_run, read_weights, write_weights


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A torchvision checkpoint with its 1000 classes, and one with 7."""
    folder = tmp_path_factory.mktemp("files")
    for classes in (1000, 7):
        state = {f"module.{key}": value for key, value in resnet18(num_classes=classes).state_dict().items()}
        torch.save({"epoch": 3, "state_dict": state}, folder / f"{classes}.pth")
    return folder


def lines(text):
    return [line.strip() for line in text.splitlines()]


def test_inspect_shows_keys_shapes_layout_and_hash(msde, files):
    file = files / "1000.pth"
    sha = hashlib.sha256(file.read_bytes()).hexdigest()
    done = msde("weights", "inspect", file)
    assert (done.code, done.err) == (0, "")
    assert "1000.pth: 122 tensors, 11,699,132 numbers" in done.out
    row = next(line for line in lines(done.out) if " fc.weight " in line)
    assert row.strip("│").split("│")[2].strip() == "[1000, 512]"
    assert {f"sha256: {sha}", "layout: torchvision"} <= set(lines(done.out))

    document = json.loads(msde("weights", "inspect", file, "--json").out)
    assert {key: document[key] for key in ("file", "bytes", "sha256", "layout", "numbers", "report")} == {
        "file": "1000.pth",
        "bytes": file.stat().st_size,
        "sha256": sha,
        "layout": "torchvision",
        "numbers": 11_699_132,
        "report": None,
    }
    assert document["tensors"][0] == {
        "part": "state_dict", "key": "conv1.weight", "shape": [64, 3, 7, 7], "dtype": "float32", "count": 9408
    }  # fmt: skip


def test_inspect_says_what_of_a_model_would_be_filled(msde, files):
    done = msde("weights", "inspect", files / "1000.pth", "--model", "scan", "--set", "model.backbone=resnet18")
    assert done.code == 0
    assert (
        "scan: torchvision layout: 90 of 90 backbone keys; head new (fc.weight, fc.bias left out); 30 other" in done.out
    )
    document = json.loads(msde("weights", "inspect", files / "7.pth", "--model", "resnet18", "--json").out)
    assert (document["report"]["complete"], len(document["report"]["matched"])) == (True, 122)
    refused = msde("weights", "inspect", files / "7.pth", "--model", "resnet18", "--classes", "8")
    assert (refused.code, refused.out) == (2, "")
    assert "7 classes where 8 are asked" in refused.err


def test_convert_keeps_keys_or_takes_the_models(msde, files):
    done = msde("weights", "convert", files / "1000.pth", "plain.safetensors")
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("plain.safetensors: torchvision layout, sha256 ")
    original = read_weights(files / "1000.pth")["state_dict"]
    plain = read_weights(Path("plain.safetensors"))
    assert all(torch.equal(plain[key], value) for key, value in original.items())
    assert plain.keys() == original.keys()

    words = ["weights", "convert", files / "7.pth", "own.safetensors", "--model", "resnet18"]
    document = json.loads(msde(*words, "--json").out)
    assert document["layout"] == "ours"
    assert document["sha256"] == hashlib.sha256(Path("own.safetensors").read_bytes()).hexdigest()
    own = create_model("resnet18", weights="own.safetensors").state_dict()
    assert torch.equal(own["head.weight"], read_weights(files / "7.pth")["state_dict"]["fc.weight"])

    before = Path("own.safetensors").read_bytes()
    again = msde(*words)
    assert (again.code, "own.safetensors: is there already; --force overwrites it." in again.err) == (2, True)
    assert msde("weights", "convert", files / "1000.pth", "own.safetensors", "--force").code == 0
    assert Path("own.safetensors").read_bytes() != before


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("ran", "other layout: 120 of 120 backbone keys; head new (head.bias, head.weight left out)"),
        (
            "scan",
            "other layout: 90 of 90 backbone keys; head new (head.bias, head.weight left out); "
            "30 other keys left out (backbone.layer4.",
        ),
    ],
)
def test_a_trained_resnet_fills_the_backbone_of_the_methods_on_it(tmp_path, target, told):
    trained = create_model("resnet18", classes=8)
    write_weights(trained.state_dict(), tmp_path / "model.safetensors", {})
    model = create_model(target, options={"backbone": "resnet18"})
    assert load_from_run(model, tmp_path / "model.safetensors").summary().startswith(told)
    state = trained.backbone.state_dict()
    assert all(torch.equal(state[key], value) for key, value in model.backbone.state_dict().items())


def test_what_cannot_be_converted(msde, files):
    torch.save({"base": {"a": torch.ones(1)}, "attention": {"b": torch.ones(2)}, "epoch": 3}, "parts.pth")
    Path("folder.safetensors").mkdir()
    cases = [
        ([files / "7.pth", "out.pth"], "must end in .safetensors"),
        ([files / "7.pth", "nowhere/out.safetensors"], "the folder nowhere does not exist"),
        ([files / "7.pth", "folder.safetensors", "--force"], "is a folder"),
        ([files / "1000.pth", "out.safetensors", "--model", "resnet18"], "fills the backbone of ResNet18 only"),
        (
            ["parts.pth", "out.safetensors"],
            "holds several parts (base, attention): save one of them as a file of its own, or",
        ),
        (["parts.pth", "out.safetensors", "--model", "resnet18"], "ResNet18 does not know which to take: save one"),
        ([files / "7.pth", "out.safetensors", "--set", "model.x=1"], "needs the model it is for: --model NAME"),
        ([files / "7.pth", "out.safetensors", "--model", "scan", "--set", "x"], "ROLE.KEY=VALUE"),
    ]
    for words, said in cases:
        done = msde("weights", "convert", *words)
        assert (done.code, done.out) == (2, ""), words
        assert said in done.err
        assert len(done.err.splitlines()) <= 2
        assert not Path("out.safetensors").exists()


class Evil:
    """Makes a file when it is unpickled."""

    def __reduce__(self):
        return Path.touch, (Path("ran"),)


def bad_files(files):
    """Name -> what the error says. Written into the working folder."""
    whole = (files / "7.pth").read_bytes()
    Path("empty.pth").touch()
    Path("cut.pth").write_bytes(whole[: len(whole) // 2])
    Path("cut.safetensors").write_bytes(b"\x40\x00\x00\x00\x00\x00\x00\x00{")
    Path("page.pth").write_text("<!DOCTYPE html><html><title>Google Drive - Virus scan warning</title></html>")
    Path("folder.pth").mkdir()
    Path("plain.pkl").write_bytes(pickle.dumps({"a": Evil()}))
    torch.save({"state_dict": Evil()}, "evil.pth")
    torch.save({"state_dict": {"a": torch.tensor([float("nan")])}}, "nan.pth")
    torch.save({"a": "text"}, "text.pth")
    torch.save({0: torch.ones(1)}, "keys.pth")
    return {
        "missing.pth": "no such file",
        "empty.pth": "is empty",
        "cut.pth": "is cut off or damaged",
        "cut.safetensors": "is cut off",
        "page.pth": "is a web page",
        "folder.pth": "is a folder",
        "plain.pkl": "would run Python code",
        "evil.pth": "would run Python code",
        "nan.pth": "NaN",
        "text.pth": "holds no weights",
        "keys.pth": "holds the key 0 of type int",
    }


@pytest.mark.parametrize("command", ["inspect", "convert"])
def test_bad_files_are_clear_lines_and_nothing_in_them_runs(msde, files, command):
    for name, said in bad_files(files).items():
        done = msde("weights", command, name, *(["out.safetensors"] if command == "convert" else []))
        assert (done.code, done.out) == (2, ""), name
        assert done.err.startswith(f"Error: {name}: "), name
        assert said in done.err
        assert len(done.err.splitlines()) <= 2
    assert not Path("ran").exists()
    assert not Path("out.safetensors").exists()
    pickle.loads(Path("plain.pkl").read_bytes())
    assert Path("ran").exists(), "the trap must be one"


def test_get_lists_what_there_is_and_under_which_terms(msde):
    done = msde("weights", "get")
    assert done.code == 0
    entries = {entry["name"]: entry for entry in json.loads(msde("weights", "get", "--json").out)}
    assert list(entries) == ["resnet18", "resnet34", "resnet50", "resnet18-msceleb", "resnet50-vggface2"]
    assert all(name in done.out for name in entries)
    assert all(entry["licence"] for entry in entries.values())


@pytest.mark.parametrize("name", ["resnet18-msceleb", "resnet50-vggface2"])
def test_get_of_what_is_only_linked_says_how_to_go_on(msde, name):
    done = msde("weights", "get", name)
    assert (done.code, done.out) == (2, "")
    assert "only linked" in done.err
    assert "msde weights convert" in done.err
    assert len(done.err.splitlines()) == 1


def test_get_of_an_unknown_name(msde):
    done = msde("weights", "get", "resnt18")
    assert done.code == 2
    assert "Did you mean resnet18? Known: resnet18, " in done.err
